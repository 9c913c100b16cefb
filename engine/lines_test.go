package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
)

func texts(lines []engine.Line) []string {
	all := make([]string, 0, len(lines))
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return all
}

func TestLinesTailAndSince(t *testing.T) {
	l := engine.NewLines(nil)
	for i := range 3000 {
		l.Append(engine.Line{Step: []string{"a", "b"}[i%2], Text: strconv.Itoa(i)})
	}
	for range 2500 {
		l.Append(engine.Line{Step: "flood", Text: "x"})
	}
	if diff := cmp.Diff([]string{"2994", "2996", "2998"}, texts(l.Tail("a", 3))); diff != "" {
		t.Errorf("tail of a (-want +got):\n%s", diff)
	}
	if got := len(l.Tail("flood", 9999)); got != 2000 {
		t.Errorf("%d lines of flood are kept, want 2000", got)
	}
	all := l.Tail("", 2002)
	if diff := cmp.Diff([]string{"2998", "2999", "x"}, texts(all[:3])); diff != "" {
		t.Errorf("tail of all (-want +got):\n%s", diff)
	}
	if l.Tail("nothing", 5) != nil || l.Total() != 5500 {
		t.Errorf("total %d", l.Total())
	}
	news, dropped := l.Since(2000)
	if dropped != 500 || len(news) != 3000 || news[0].Seq != 2001 || news[999].Seq != 3000 || news[1000].Seq != 3501 {
		t.Errorf("%d dropped, %d lines, from %d", dropped, len(news), news[0].Seq)
	}
	if news, dropped := l.Since(5500); news != nil || dropped != 0 {
		t.Errorf("Since the last: %v, %d dropped", news, dropped)
	}
}

func TestLinesAreCleaned(t *testing.T) {
	for text, want := range map[string][]string{
		"plain":                            {"plain"},
		"größe ✓ 日本":                       {"größe ✓ 日本"},
		"two\nlines":                       {"two", "lines"},
		"\x1b[31mred\x1b[0m\x1b[2K":        {"red"},
		"\x1b]0;title\aafter":              {"after"},
		"\x1b]8;;http://x\x1b\\link":       {"link"},
		"\x1bPq#0\x1b\\sixel":              {"sixel"},
		"tab\there\r":                      {"tab here"},
		"bell\a\x00\x7fcut\u0085\u009b1mx": {"bellcutx"},
		"over\u202eride":                   {"override"},
		"bad \xff utf8":                    {"bad \uFFFD utf8"},
		strings.Repeat("ö", 9000):          {strings.Repeat("ö", 4096)},
		"x" + strings.Repeat("ö", 9000):    {"x" + strings.Repeat("ö", 4095)},
	} {
		l := engine.NewLines(nil)
		l.Append(engine.Line{Text: text})
		if diff := cmp.Diff(want, texts(l.Tail("", 9))); diff != "" {
			t.Errorf("%.40q (-want +got):\n%s", text, diff)
		}
	}
}

func FuzzLinesAreFitForATerminal(f *testing.F) {
	f.Add("\x1b[31m")
	f.Add("\x1b]8;;x\x1b\\\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		l := engine.NewLines(nil)
		l.Append(engine.Line{Text: text})
		for _, line := range l.Tail("", 2000) {
			for _, r := range line.Text {
				if r < ' ' || r >= 0x7f && r < 0xa0 {
					t.Fatalf("%q holds %U", line.Text, r)
				}
			}
			if len(line.Text) > 8<<10 || !strings.Contains(strings.ToValidUTF8(line.Text, ""), line.Text) {
				t.Fatalf("too long or not UTF-8: %q", line.Text)
			}
		}
	})
}

// heap is what the program holds after a collection, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestLinesMemoryIsBounded(t *testing.T) {
	for name, tt := range map[string]struct{ steps, lines int }{"one step": {1, 1_000_000}, "300 steps": {300, 100_000}} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			l := engine.NewLines(io.Discard)
			text := strings.Repeat("x", 100)
			for i := range tt.lines {
				l.Append(engine.Line{Step: fmt.Sprintf("s%d", i%tt.steps), Source: "stdout", Text: fmt.Sprint(text, i)})
			}
			if grown := heap() - before; grown > 10<<20 {
				t.Errorf("%d lines hold %d KiB, want less than 10 MiB", tt.lines, grown>>10)
			}
			runtime.KeepAlive(l)
		})
	}
}

func TestLongLinesStayInTheBudget(t *testing.T) {
	l := engine.NewLines(nil)
	l.Append(engine.Line{Step: "quiet", Text: "kept"})
	for range 2000 {
		l.Append(engine.Line{Step: "loud", Text: strings.Repeat("x", 8<<10)})
	}
	if got := len(l.Tail("loud", 9999)); got < 400 || got > 512 {
		t.Errorf("%d lines of 8 KiB are kept, want what fits in 4 MiB", got)
	}
	if got := texts(l.Tail("quiet", 9)); len(got) != 1 {
		t.Error("the loud step cost the quiet one its line")
	}
}

func TestTranscriptHasEveryLineAndIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.log")
	if err := os.WriteFile(path, []byte("earlier\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := engine.CreateTranscript(path)
	if err != nil {
		t.Fatal(err)
	}
	l := engine.NewLines(f)
	at := time.Date(2026, 11, 23, 9, 30, 0, 5e6, time.UTC)
	for i := range 5000 {
		l.Append(engine.Line{Time: at, Host: "db", Step: "db/pull", Source: "stderr", Text: strconv.Itoa(i)})
	}
	if err := errors.Join(l.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(data, []byte("\n")); got != 5001 {
		t.Errorf("%d lines, want 5001", got)
	}
	if !bytes.Contains(data, []byte("earlier\n2026-11-23T09:30:00.005Z db db/pull stderr | 0\n")) {
		t.Errorf("begins with %.200q", data)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDisk }

func TestRunGoesOnWithoutTranscript(t *testing.T) {
	w, log := newWorld(), engine.NewLog()
	_, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{w.instant("a", "a"), w.instant("b", "a")}},
		engine.Options{Log: log, Lines: engine.NewLines(fullDisk{})})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, line := range story(events(t, log)) {
		if strings.Contains(line, "write the transcript: no space left on device; the run goes on without it") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times, want once", told)
	}
}

func TestProgress(t *testing.T) {
	l := engine.NewLines(nil)
	if _, ok := l.Progress("a"); ok {
		t.Error("a has told no progress")
	}
	l.SetProgress(engine.Progress{Step: "a", Done: 1, Total: 2, What: "bytes\x1b[2J"})
	if p, ok := l.Progress("a"); !ok || p.Done != 1 || p.What != "bytes" || l.Updates() != 1 {
		t.Errorf("progress %+v", p)
	}
}

func BenchmarkLinesAppend(b *testing.B) {
	file, err := engine.CreateTranscript(filepath.Join(b.TempDir(), "run.log"))
	if err != nil {
		b.Fatal(err)
	}
	for name, w := range map[string]io.Writer{"ring": nil, "ring and discarded transcript": io.Discard, "ring and transcript file": file} {
		b.Run(name, func(b *testing.B) {
			l := engine.NewLines(w)
			line := engine.Line{Time: time.Now(), Step: "rc1/compose-up", Host: "rc1", Source: "stdout", Text: strings.Repeat("x", 80)}
			b.ReportAllocs()
			for b.Loop() {
				l.Append(line)
			}
		})
	}
}
