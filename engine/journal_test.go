package engine_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rcwizard/rcwizard/engine"
)

// writeJournal writes a run that was cut after a failure, and a whole one.
func writeJournal(tb testing.TB, path string) {
	tb.Helper()
	j, err := engine.OpenJournal(path)
	if err != nil {
		tb.Fatal(err)
	}
	for _, rec := range []engine.Record{
		{Kind: engine.RecordRunStarted, Plan: "install", Steps: 4},
		{Kind: engine.RecordStepDone, Step: "db/files", Host: "db", How: engine.AlreadyDone},
		{Kind: engine.RecordStepBegan, Step: "db/up", Host: "db"},
		{Kind: engine.RecordStepBegan, Step: "rc1/pull", Host: "rc1", Title: "Pull images"},
		{Kind: engine.RecordNoted, Step: "rc1/pull", Key: "job", Value: "j1"},
		{Kind: engine.RecordStepDone, Step: "db/up", Host: "db", How: engine.Applied},
		{Kind: engine.RecordStepFailed, Step: "rc2/pull", Host: "rc2", Failure: &engine.Failure{Message: "no route to host", Next: "see the network"}},
		{Kind: engine.RecordRunStarted, Plan: "install", Steps: 1},
		{Kind: engine.RecordStepBegan, Step: "rc1/pull", Host: "rc1"},
		{Kind: engine.RecordNoted, Step: "rc1/pull", Key: "job", Value: "j2"},
		{Kind: engine.RecordStepDone, Step: "rc1/pull", Host: "rc1", How: engine.Applied},
		{Kind: engine.RecordRunEnded, Outcome: engine.Succeeded},
	} {
		if err := j.Record(rec); err != nil {
			tb.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		tb.Fatal(err)
	}
}

func ids(steps []engine.StepHistory) string {
	all := make([]string, 0, len(steps))
	for _, s := range steps {
		all = append(all, s.Step)
	}
	return strings.Join(all, " ")
}

func TestJournalTellsWhatWasDoneAndCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	if h, err := engine.ReadJournal(path); err != nil || h.Unfinished() || h.Lineage != "" {
		t.Fatalf("no journal: %+v, %v", h, err)
	}
	writeJournal(t, path)
	h, err := engine.ReadJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Runs) != 2 || h.Damaged != 0 || h.Lineage == "" || h.Unfinished() {
		t.Fatalf("history %+v", h)
	}
	first := h.Runs[0]
	got := []string{ids(first.Done), ids(first.Failed), ids(first.Cut), first.Failed[0].Failure.Message, string(first.Outcome)}
	if diff := cmp.Diff([]string{"db/files db/up", "rc2/pull", "rc1/pull", "no route to host", ""}, got); diff != "" {
		t.Errorf("first run (-want +got):\n%s", diff)
	}
	last, _ := h.Last()
	if len(last.Cut) > 0 || last.Outcome != engine.Succeeded {
		t.Errorf("last run %+v", last)
	}
	if job, ok := h.Note("rc1/pull", "job"); !ok || job != "j2" {
		t.Errorf("noted job %q, want j2", job)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

// The journal cut at every byte, and at every byte followed by garbage: it
// opens, tells no more than what was written, takes new records, and what it
// told before it tells again.
func TestJournalCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "whole")
	writeJournal(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) + 1 {
		for _, garbage := range []string{"", "\x00\x00\x00\x00", `deadbeef {"serial"`} {
			if garbage != "" && !bytes.Contains(whole[:n], []byte("\n")) {
				// Not even a header: what follows is a file of somebody else.
				continue
			}
			cut := filepath.Join(dir, "cut")
			if err := os.WriteFile(cut, append(bytes.Clone(whole[:n]), garbage...), 0o600); err != nil {
				t.Fatal(err)
			}
			before, err := engine.ReadJournal(cut)
			if err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
			j, err := engine.OpenJournal(cut)
			if err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
			if diff := cmp.Diff(before.Runs, j.History().Runs, cmpopts.IgnoreUnexported(engine.Failure{})); diff != "" {
				t.Fatalf("cut at %d: opened otherwise than read:\n%s", n, diff)
			}
			// A record that need not be on the disk at once: there are thousands.
			rec := engine.Record{Kind: engine.RecordStepDone, How: engine.AlreadyDone, Step: "after"}
			if err := errors.Join(j.Record(rec), j.Close()); err != nil {
				t.Fatal(err)
			}
			if data, err := os.ReadFile(cut); err != nil || data[len(data)-1] != '\n' {
				t.Fatalf("cut at %d: the torn line is still there, %v", n, err)
			}
			after, err := engine.ReadJournal(cut)
			if err != nil || after.Damaged > 0 {
				t.Fatalf("cut at %d: %d lines damaged, %v", n, after.Damaged, err)
			}
			if last, ok := after.Last(); !ok || !strings.HasSuffix(ids(last.Done), "after") {
				t.Fatalf("cut at %d: the new record is lost", n)
			}
			// Whole lines before the cut are all there.
			records := bytes.Count(whole[:n], []byte("\n")) - 1
			if got := count(before); got != max(0, records) {
				t.Fatalf("cut at %d: %d records told, %d written", n, got, records)
			}
		}
	}
}

// count counts the records behind a history of writeJournal's runs.
func count(h engine.History) int {
	n := 0
	for _, r := range h.Runs {
		n += 1 + len(r.Done) + len(r.Failed) + len(r.Cut) + len(r.Notes)
		if r.Outcome != "" {
			n++
		}
		for _, s := range r.Done {
			if s.How == engine.Applied {
				n++ // its beginning
			}
		}
	}
	return n
}

func TestDamagedMiddleIsCountedAndPassedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	writeJournal(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte("db/up"), []byte("db/xx"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := engine.ReadJournal(path)
	if err != nil || h.Damaged != 1 || len(h.Runs) != 2 || len(h.Runs[0].Done) != 2 {
		t.Errorf("history %+v, %v: want one damaged line and all the others", h, err)
	}
	// A line that is there twice, as a copy of the file by hand may have it, is
	// told once.
	lines := bytes.SplitAfter(data, []byte("\n"))
	if err := os.WriteFile(path, append(data, lines[len(lines)-3]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if h, err := engine.ReadJournal(path); err != nil || h.Damaged != 1 || h.Unfinished() {
		t.Errorf("history %+v, %v: want one line passed over", h, err)
	}
}

func TestForeignFilesAreRefusedAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	for name, tt := range map[string]struct {
		content string
		want    error
	}{
		"newer version":      {"2d1a3e1e {\"version\":2,\"lineage\":\"X\"}\n", engine.ErrJournalVersion},
		"another file":       {"hello\n", engine.ErrNotJournal},
		"an unfinished line": {"dear diary", engine.ErrNotJournal},
		"hexadecimal":        {"cafe babe", engine.ErrNotJournal},
		"damaged header":     {"00000000 {\"version\":1,\"lineage\":\"X\"}\n", engine.ErrNotJournal},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := engine.ReadJournal(path); !errors.Is(err, tt.want) {
				t.Errorf("ReadJournal: %v, want %v", err, tt.want)
			}
			if _, err := engine.OpenJournal(path); !errors.Is(err, tt.want) {
				t.Errorf("OpenJournal: %v, want %v", err, tt.want)
			}
			if kept, err := os.ReadFile(path); err != nil || string(kept) != tt.content {
				t.Errorf("the file is now %q, %v", kept, err)
			}
		})
	}
}

func TestClosedJournalSaysSo(t *testing.T) {
	j, err := engine.OpenJournal(filepath.Join(t.TempDir(), "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Note("", "k", "v"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v, want os.ErrClosed", err)
	}
}

func FuzzJournal(f *testing.F) {
	path := filepath.Join(f.TempDir(), "whole")
	writeJournal(f, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("2d1a3e1e {\"version\":1}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "journal.jsonl")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := engine.OpenJournal(path)
		if err != nil {
			if kept, readErr := os.ReadFile(path); readErr != nil || !bytes.Equal(kept, data) {
				t.Fatalf("a file that was refused (%v) was changed", err)
			}
			return
		}
		if err := errors.Join(j.Note("s", "k", "v"), j.Close()); err != nil {
			t.Fatal(err)
		}
		h, err := engine.ReadJournal(path)
		if v, ok := h.Note("s", "k"); err != nil || !ok || v != "v" {
			t.Fatalf("the note is lost: %v", err)
		}
	})
}

func BenchmarkJournalRecord(b *testing.B) {
	j, err := engine.OpenJournal(filepath.Join(b.TempDir(), "journal.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := j.Note("rc1/compose-up", "job", "value"); err != nil {
			b.Fatal(err)
		}
	}
}
