package plain_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/internal/goldenfile"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/plain"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

var update = flag.Bool("update", false, "write the goldens")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	goldenfile.Compare(t, *update, filepath.Join("testdata", name+".golden"), got)
}

func TestGoldens(t *testing.T) {
	failure := uitest.Failure()
	then := time.Date(2026, 11, 23, 9, 30, 0, 0, time.Local)
	up := engine.StepRef{Step: "rc1/compose-up-instance", Title: "Start Rocket.Chat", Host: "rc1", Guide: "2.4"}
	cut := ui.Resume{
		Workspace: "chat-example-com", Doing: "install", Started: then, Seen: then.Add(3 * time.Minute), Steps: 22, Done: 12,
		Failed: []engine.Failure{failure},
		Cut:    []ui.CutStep{{StepRef: up, Command: "cd /opt/rocketchat/instances/rc1 && docker compose up -d", Began: then.Add(3 * time.Minute)}},
		Next:   &up, Left: 10,
		Answers: []workspace.Difference{{Field: "release", Before: "8.9.1", After: "8.9.2"}, {Field: "hosts.rc2.proxy_jump", After: "bastion"}},
		Flags:   []workspace.Difference{{Field: "--skip", Before: "host:rc1:cores"}},
		Notes:   []string{"the journal was cut off in the middle of a line; what is done is seen on the hosts"},
	}
	problems := workspace.Problems{
		{Severity: workspace.Error, File: "workspace.yaml", Line: 12, Field: "hosts[1].address", Text: "the same address as hosts[0] (db)", Hint: "give every host its own address"},
		{Severity: workspace.Warning, Field: "hosts[0].private_ip", Text: "203.0.113.5 is a public address"},
	}
	for name, style := range map[string]plain.Style{"unicode": {}, "ascii": {ASCII: true}, "colour": {Colour: true}, "80": {Columns: 80}} {
		t.Run(name, func(t *testing.T) {
			for what, print := range map[string]func(*bytes.Buffer) error{
				"run": func(b *bytes.Buffer) error {
					log, lines := uitest.Story()
					return style.Run(t.Context(), log, lines, b)
				},
				"plan":   func(b *bytes.Buffer) error { return style.Plan(b, uitest.Reports()) },
				"resume": func(b *bytes.Buffer) error { return style.Resume(b, cut, then.Add(17*time.Minute)) },
				"resume-unknown": func(b *bytes.Buffer) error {
					return style.Resume(b, ui.Resume{Workspace: "chat", Next: &up, Left: 1, Notes: []string{"there is no journal"}}, then)
				},
				"problems": func(b *bytes.Buffer) error { return style.Problems(b, problems) },
			} {
				var b bytes.Buffer
				if err := print(&b); err != nil {
					t.Fatal(err)
				}
				if name == "ascii" {
					for _, mark := range []string{"✓", "✗", "·"} {
						// The story's own live line has one; it is not ours to change.
						if strings.Contains(strings.ReplaceAll(b.String(), "größe ✓ 日本", ""), mark) {
							t.Errorf("%s: the ASCII style prints %s", what, mark)
						}
					}
				}
				golden(t, what+"-"+name, b.Bytes())
			}
		})
	}
}

func TestNothingToDo(t *testing.T) {
	var b bytes.Buffer
	if err := (plain.Style{}).Plan(&b, []engine.StepReport{{Report: engine.Report{Verdict: engine.Done}}}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "1 step: 1 done, 0 to do; nothing would change\n"; got != want {
		t.Errorf("plan %q, want %q", got, want)
	}
}

func TestDiffOfAHostileFileMovesNoCursor(t *testing.T) {
	var b bytes.Buffer
	err := plain.Style{}.Plan(&b, []engine.StepReport{{Report: engine.Report{Verdict: engine.Needed, Changes: []engine.Change{
		{Kind: engine.Update, Path: "/x", Before: "a\x1b[2J\x1b]0;gone\ab\n", After: "c\n"},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\a") || !strings.Contains(b.String(), "-ab\n") {
		t.Errorf("printed %q", b.String())
	}
}

// Progress is told at most every five seconds, only when it changed, and not
// after its step has ended.
func TestProgressIsSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := engine.NewLog(), engine.NewLines(nil)
		pulled := false
		plan := engine.Plan{Name: "install", Steps: []engine.Step{{
			ID: "db/pull", Title: "Pull images", Host: "db",
			Check: func(context.Context, engine.Output) (engine.Report, error) {
				if pulled {
					return engine.Report{Verdict: engine.Done}, nil
				}
				return engine.Report{Verdict: engine.Needed}, nil
			},
			Apply: func(_ context.Context, out engine.Output) error {
				for i := range int64(170) {
					out.Progress(min(i, 80)*5_000_000, 430_000_000, "bytes")
					<-time.After(100 * time.Millisecond)
				}
				pulled = true
				return nil
			},
		}}}
		var b bytes.Buffer
		shown := make(chan error)
		go func() { shown <- plain.Style{}.Run(t.Context(), log, lines, &b) }()
		if _, err := engine.Run(t.Context(), plan, engine.Options{Log: log, Lines: lines}); err != nil {
			t.Fatal(err)
		}
		if err := <-shown; err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(b.String()) {
			if _, text, ok := strings.Cut(line, "db/pull: "); ok {
				got = append(got, strings.TrimSpace(text))
			}
		}
		// 80 tenths of a second of change, then nothing new.
		if len(got) != 2 || !strings.Contains(got[0], "MB of 430 MB (") || got[1] != "400 MB of 430 MB (93 %)" {
			t.Errorf("progress %q, want one at 5 s and the last value at 10 s", got)
		}
	})
}

// A reader that blocks for good holds up nothing but itself.
func TestBlockedPipeStallsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := engine.NewLog(), engine.NewLines(nil)
		pipe := make(blockedPipe)
		shown := make(chan error)
		go func() { shown <- plain.Style{}.Run(t.Context(), log, lines, pipe) }()
		applied := false
		sum, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{{
			ID: "s",
			Check: func(context.Context, engine.Output) (engine.Report, error) {
				if applied {
					return engine.Report{Verdict: engine.Done}, nil
				}
				return engine.Report{Verdict: engine.Needed}, nil
			},
			Apply: func(_ context.Context, out engine.Output) error {
				for range 100_000 {
					out.Line("stdout", strings.Repeat("x", 80))
				}
				<-time.After(time.Second)
				applied = true
				return nil
			},
		}}}, engine.Options{Log: log, Lines: lines})
		if err != nil || sum.Duration != time.Second {
			t.Errorf("took %v: %v", sum.Duration, err)
		}
		close(pipe)
		if err := <-shown; !errors.Is(err, errPipe) {
			t.Errorf("error %v, want the pipe's", err)
		}
	})
}

var errPipe = errors.New("broken pipe")

// blockedPipe blocks until it is closed, and is broken then.
type blockedPipe chan struct{}

func (p blockedPipe) Write([]byte) (int, error) {
	<-p
	return 0, errPipe
}

func TestFloodIsCountedWhole(t *testing.T) {
	log, lines := engine.NewLog(), engine.NewLines(nil)
	for range 5000 {
		lines.Append(engine.Line{Time: uitest.Begin(), Step: "s", Host: "db", Text: "x"})
	}
	log.Append(engine.RunFinished{Time: uitest.Begin()})
	var b bytes.Buffer
	if err := (plain.Style{}).Run(t.Context(), log, lines, &b); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), " | x\n"); got != 2000 || !strings.Contains(b.String(), "note      3000 lines of output went by") {
		t.Errorf("%d lines, and the beginning is %.200q", got, b.String())
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := plain.Run(ctx, engine.NewLog(), engine.NewLines(nil), &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestDifference(t *testing.T) {
	for name, test := range map[string]struct{ before, after, want string }{
		"another": {"a: 1\nb: 2\nc: 3\n", "a: 1\nc: 4\n", "      --- last time\n      +++ now\n      @@ -1,3 +1,2 @@\n       a: 1\n      -b: 2\n      -c: 3\n      +c: 4\n"},
		"none":    {"a: 1\n", "a: 1\n", ""},
	} {
		var b bytes.Buffer
		if err := (plain.Style{}).Difference(&b, "last time", []byte(test.before), "now", []byte(test.after)); err != nil {
			t.Fatal(err)
		}
		if b.String() != test.want {
			t.Errorf("%s: %q, want %q", name, b.String(), test.want)
		}
	}
}
