package plain_test

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui/plain"
)

// floodLines is what one step says in the benchmark.
const floodLines = 1_000_000

// BenchmarkFlood runs one step that says 1,000,000 lines: without a face, into
// a face whose writer takes everything, and into a pipe that nobody reads. The
// three figures differ by what a face costs a run.
func BenchmarkFlood(b *testing.B) {
	b.Run("no face", func(b *testing.B) { flood(b, nil) })
	b.Run("plain", func(b *testing.B) { flood(b, io.Discard) })
	b.Run("blocked pipe", func(b *testing.B) {
		r, w, err := os.Pipe()
		if err != nil {
			b.Fatal(err)
		}
		flood(b, w)
		// Only now does the face learn that nobody reads.
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	})
}

func flood(b *testing.B, w io.Writer) {
	b.Helper()
	text := strings.Repeat("x", 80)
	for b.Loop() {
		log, lines := engine.NewLog(), engine.NewLines(nil)
		if w != nil {
			go func() { _ = plain.Style{}.Run(context.Background(), log, lines, w) }()
		}
		done := false
		_, err := engine.Run(b.Context(), engine.Plan{Name: "flood", Steps: []engine.Step{{
			ID: "s",
			Check: func(context.Context, engine.Output) (engine.Report, error) {
				if done {
					return engine.Report{Verdict: engine.Done}, nil
				}
				return engine.Report{Verdict: engine.Needed}, nil
			},
			Apply: func(_ context.Context, out engine.Output) error {
				for range floodLines {
					out.Line("stdout", text)
				}
				done = true
				return nil
			},
		}}}, engine.Options{Log: log, Lines: lines})
		if err != nil || lines.Total() != floodLines {
			b.Fatalf("%d lines: %v", lines.Total(), err)
		}
	}
}
