package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/engine"
)

// A step that says its secret in every way there is: no event, no line, no
// progress, no record, no report and no error text has it.
func TestSecretsAreTakenOutEverywhere(t *testing.T) {
	const canary = "hunter2-canary"
	checks := 0
	loud := engine.Step{
		ID: "s", Title: "Say it all", Host: "db",
		Check: func(_ context.Context, out engine.Output) (engine.Report, error) {
			checks++
			out.Line("stdout", canary)
			out.Progress(1, 2, canary)
			out.Note(canary)
			return engine.Report{
				Verdict: engine.Needed, Reason: canary, Next: canary,
				Changes: []engine.Change{
					{Kind: engine.Update, Path: "/" + canary, Before: canary, After: "x " + canary},
					{Kind: engine.Create, Path: "/env", After: "kept out whole", Secret: true},
				},
			}, nil
		},
		Apply: func(context.Context, engine.Output) error {
			return &engine.Problem{
				Command: "login " + canary, ExitCode: 1, LastLines: []string{canary}, Cause: canary + " is wrong", Next: "not " + canary,
				Err: errors.New(canary),
			}
		},
	}
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	journal, err := engine.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	var transcript bytes.Buffer
	opts := engine.Options{
		Log: engine.NewLog(), Lines: engine.NewLines(&transcript), Journal: journal,
		Resume: "rcwizard resume --proxy-jump " + canary,
		Redact: func(text string) string { return strings.ReplaceAll(text, canary, "•••") },
	}
	plan := engine.Plan{Steps: []engine.Step{loud}}
	reports, err := engine.Preview(t.Context(), plan, opts)
	if err != nil {
		t.Fatal(err)
	}
	_, runErr := engine.Run(t.Context(), plan, opts)
	if runErr == nil || checks != 3 {
		t.Fatalf("error %v after %d checks", runErr, checks)
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	recorded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	progress, _ := opts.Lines.Progress("s")
	for what, v := range map[string]any{
		"events": events(t, opts.Log), "lines": opts.Lines.Tail("", 100), "progress": progress, "reports": reports,
		"journal": string(recorded), "transcript": transcript.String(), "error": runErr.Error(),
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(canary)) {
			t.Errorf("%s: %s", what, text)
		}
		if bytes.Contains(text, []byte("kept out whole")) {
			t.Errorf("%s have the content of a secret file: %s", what, text)
		}
		if !bytes.Contains(text, []byte("•••")) {
			t.Errorf("%s never had it: the test shows nothing: %s", what, text)
		}
	}
}
