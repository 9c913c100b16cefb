package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
)

const (
	floodHosts = 20
	// floodLines is what all hosts of the benchmark say together.
	floodLines = 1_000_000
	// floodPace is how many lines come in a second where frames are measured.
	floodPace = 10_000
	// frameLimit is how long a frame may take: one of sixty in a second.
	frameLimit = 16 * time.Millisecond
)

// talkative is a plan of one step on each of twenty hosts, which says what say
// lets it.
func talkative(say func(ctx context.Context, out engine.Output)) engine.Plan {
	plan := engine.Plan{Name: "install"}
	for n := range floodHosts {
		done := false
		plan.Steps = append(plan.Steps, engine.Step{
			ID: fmt.Sprintf("rc%d/up", n), Title: "Start Rocket.Chat", Host: fmt.Sprintf("rc%d", n),
			Check: func(context.Context, engine.Output) (engine.Report, error) {
				if done {
					return engine.Report{Verdict: engine.Done}, nil
				}
				return engine.Report{Verdict: engine.Needed}, nil
			},
			Apply: func(ctx context.Context, out engine.Output) error {
				say(ctx, out)
				done = true
				return nil
			},
		})
	}
	return plan
}

// runOf is a run of the plan that the engine carries out. It begins when begin is
// called.
func runOf(plan engine.Plan) (run *ui.Run, begin func(ctx context.Context) error) {
	ended := make(chan struct{})
	conclusion := uitest.Conclusion()
	run = &ui.Run{
		Log: engine.NewLog(), Lines: engine.NewLines(nil), Stop: func(engine.StopKind) {},
		Wait: func(ctx context.Context) (ui.Conclusion, error) {
			select {
			case <-ended:
				return conclusion, nil
			case <-ctx.Done():
				return ui.Conclusion{}, ctx.Err()
			}
		},
	}
	return run, func(ctx context.Context) error {
		defer close(ended)
		defer run.Log.Close()
		var err error
		conclusion.Summary, err = engine.Run(ctx, plan, engine.Options{Log: run.Log, Lines: run.Lines, Concurrency: floodHosts})
		return err
	}
}

// logLine is a line of an ordinary length, with a character of two cells.
func logLine(n int) string {
	return fmt.Sprintf(`{"level":35,"time":"2026-11-23T09:55:00.000Z","n":%d,"msg":"進捗 layer is pulled"}`, n)
}

// screenOf is a wizard on the Deploy page of a run.
func screenOf(ctx context.Context, run *ui.Run) *Model {
	m := newModel(ctx, &uitest.Backend{Runs: []*ui.Run{run}}, Options{})
	m.begin(ui.Known{}, uitest.Draft())
	m.front = pageDeploy
	m.resize(120, 40)
	return m
}

// frames measures how long it takes to look at the run and to draw it, n times,
// while ten thousand lines come in every second.
func frames(tb testing.TB, n int) []time.Duration {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	lines := 0
	plan := talkative(func(ctx context.Context, out engine.Output) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for i := range floodPace / 100 / floodHosts {
				out.Line("rocketchat", logLine(i))
			}
			out.Progress(int64(lines), floodLines, "bytes")
		}
	})
	run, begin := runOf(plan)
	over := make(chan struct{})
	go func() { defer close(over); _ = begin(ctx) }()
	defer func() { cancel(); <-over }()
	m := screenOf(ctx, run)
	defer m.end()
	m.c.run = run
	m.page().Enter()
	took := make([]time.Duration, 0, n)
	for range n {
		time.Sleep(frameEvery)
		began := time.Now()
		m.Update(owned{m.c.generation, frameMsg{run}})
		view := m.View()
		took = append(took, time.Since(began))
		if len(view.Content) == 0 {
			tb.Fatal("nothing is drawn")
		}
	}
	if run.Lines.Total() == 0 {
		tb.Fatal("no lines came")
	}
	slices.Sort(took)
	return took
}

// TestFramesAreShort: half of the frames are far below the limit, whatever else
// the machine does; make bench has the exact figures.
func TestFramesAreShort(t *testing.T) {
	took := frames(t, 30)
	if m := took[len(took)/2]; m > frameLimit && !raceEnabled {
		t.Errorf("a frame takes %s", m)
	}
}

// BenchmarkFrame measures frames at ten thousand lines a second.
func BenchmarkFrame(b *testing.B) {
	var took []time.Duration
	for range b.N {
		took = frames(b, 300)
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(took[len(took)/2]), "ms-median")
	b.ReportMetric(ms(took[len(took)*99/100]), "ms-p99")
}

// flooded is how long a run of n lines takes, with a screen or with nobody who
// looks; peak is the memory of the whole process at its largest, in bytes.
func flooded(tb testing.TB, n int, screen bool) (took time.Duration, peak uint64) {
	tb.Helper()
	runtime.GC()
	run, begin := runOf(talkative(func(_ context.Context, out engine.Output) {
		for i := range n / floodHosts {
			out.Line("rocketchat", logLine(i))
		}
	}))
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	shown := make(chan error, 1)
	if screen {
		m := screenOf(ctx, run)
		defer m.end()
		keys, typed := io.Pipe()
		defer func() { _ = typed.Close() }()
		p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithoutSignalHandler(), tea.WithInput(keys), tea.WithOutput(io.Discard),
			tea.WithWindowSize(120, 40), tea.WithEnvironment([]string{"TERM=xterm-256color"}))
		go func() { _, err := p.Run(); shown <- err }()
	} else {
		shown <- nil
	}
	over := make(chan struct{})
	largest := make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, memory())
			select {
			case <-tick.C:
			case <-over:
				largest <- most
				return
			}
		}
	}()
	began := time.Now()
	err := begin(ctx)
	took = time.Since(began)
	close(over)
	peak = <-largest
	cancel()
	if showed := <-shown; err != nil || screen && !errors.Is(showed, context.Canceled) || run.Lines.Total() != uint64(n/floodHosts*floodHosts) {
		tb.Fatalf("the run ended with %v, the screen with %v, after %d lines", err, showed, run.Lines.Total())
	}
	return took, peak
}

// memory is what the Go runtime holds of the machine's memory.
func memory() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// TestFloodIsBounded: a flood on the screen takes little memory.
func TestFloodIsBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	before := memory()
	if _, peak := flooded(t, floodLines/5, true); peak > before+64<<20 {
		t.Errorf("%d MB", (peak-before)>>20)
	}
}

// BenchmarkFloodOnScreen lets twenty hosts say a million lines, in turn with the
// screen and with nobody who looks. The ratio is that of the medians.
func BenchmarkFloodOnScreen(b *testing.B) {
	const rounds = 7
	var with, without []time.Duration
	var spent [2]time.Duration // of processors, which others on the machine do not lengthen
	var peak uint64
	for range b.N {
		for i := range 2 * rounds {
			// In turn who is first: neither always follows the other.
			screen := (i+i/2)%2 == 0
			before := processorTime(b)
			took, most := flooded(b, floodLines, screen)
			used := processorTime(b) - before
			if screen {
				spent[0] += used
				with, peak = append(with, took), max(peak, most)
			} else {
				spent[1] += used
				without = append(without, took)
			}
		}
	}
	slices.Sort(with)
	slices.Sort(without)
	w, wo := with[len(with)/2].Seconds(), without[len(without)/2].Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(w, "s-with-screen")
	b.ReportMetric(wo, "s-without")
	b.ReportMetric(w/wo, "ratio")
	b.ReportMetric(with[0].Seconds()/without[0].Seconds(), "ratio-of-least")
	b.ReportMetric(float64(spent[0])/float64(spent[1]), "ratio-of-processor-time")
	b.ReportMetric(float64(peak)/1e6, "MB-peak")
}

// processorTime is what this process has had of all processors.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestResizeDuringAFlood: whatever comes in and however the terminal changes, the
// frame stands: wide characters, escape sequences and line breaks stay inside
// the log.
func TestResizeDuringAFlood(t *testing.T) {
	wild := []string{
		"進捗 ✓ größe 日本語のとても長い行です、画面の幅よりも長いので切られます。進捗進捗進捗進捗進捗進捗進捗進捗進捗進捗進捗進捗進捗進捗進捗",
		"\x1b[31mred\x1b[0m \x1b[2J\x1b[H back\tto\rthe \x07beginning \x1b]0;title\x07", "one\ntwo", "\xff\xfe\u009b2J \u202eright to left",
		logLine(1), strings.Repeat("x", 9000), "",
	}
	release := make(chan struct{})
	run, begin := runOf(talkative(func(ctx context.Context, out engine.Output) {
		for i := 0; ; i++ {
			select {
			case <-release:
				for range 60 {
					out.Line("", "the end of the log")
				}
				return
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Microsecond):
				out.Line("rocketchat", wild[i%len(wild)])
			}
		}
	}))
	b := knowing()
	b.Begin = func() *ui.Run { return run }
	ended := make(chan error, 1)
	x := onTerminal(t, b, 80, 24)
	x.wait("Workspaces on this machine")
	x.press("enter")
	x.wait("Likely cause")
	x.press("enter")
	go func() { ended <- begin(t.Context()) }()
	x.wait("Deploying", "0 of 20 steps")
	sizes := [][2]int{{120, 40}, {60, 16}, {200, 60}, {50, 10}, {99, 24}, {100, 17}, {80, 24}}
	for _, s := range append(sizes, sizes...) {
		x.resize(s[0], s[1])
		time.Sleep(20 * time.Millisecond) // a moment of the flood at each size, none of which is waited for
	}
	x.wait("Deploying", "Start Rocket.Chat on rc0", "↓")
	// Who reads stays on the page.
	x.press("l")
	x.wait("hosts and log")
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	x.wait("the end of the log", "enter the count")
	x.gone("red")
	rows := strings.Split(strings.ReplaceAll(x.screen(), "\r", ""), "\n")
	if len(rows) != 24 || !strings.HasPrefix(rows[0], "  rcwizard   Deploy") || strings.Trim(rows[1], "─ ") != "" ||
		!strings.HasPrefix(rows[23], "  enter the count") || width(rows[1]) < 80 {
		t.Errorf("the frame is broken:\n%s", x.screen())
	}
	for _, row := range rows[4:20] {
		if !strings.Contains(row, "the end of the log") {
			t.Errorf("a row of the log is %q", row)
		}
	}
}
