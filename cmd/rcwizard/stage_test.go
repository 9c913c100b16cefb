package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/workspace/state"
)

func reportOf(findings ...check.Finding) check.Report {
	r := check.Report{At: time.Date(2026, 11, 23, 15, 9, 0, 0, time.UTC), Findings: findings, Verdict: check.Overall(findings)}
	for _, f := range findings {
		switch {
		case f.Skipped:
			r.Counts.Skipped++
		case f.Verdict == check.Warn:
			r.Counts.Warn++
		case f.Verdict == check.Pass:
			r.Counts.Pass++
		}
	}
	return r
}

// What fails and what is unknown ends a run with code 3, whoever is there; what
// was left out and what only warns does not.
func TestDecide(t *testing.T) {
	t.Parallel()
	skipped := check.Finding{ID: "port:rc1:db:27017", Verdict: check.Fail, Skipped: true}
	unknownSkip := reportOf(check.Finding{ID: "clock", Verdict: check.Pass})
	unknownSkip.UnknownSkips = []string{"clocks"}
	for name, test := range map[string]struct {
		report check.Report
		code   int
	}{
		"pass":         {reportOf(check.Finding{ID: "clock", Verdict: check.Pass}), exitDone},
		"warn":         {reportOf(check.Finding{ID: "clock", Verdict: check.Warn}), exitDone},
		"unknown":      {reportOf(check.Finding{ID: "clock", Verdict: check.Unknown}), exitCheckFailed},
		"fail":         {reportOf(check.Finding{ID: "clock", Verdict: check.Fail}), exitCheckFailed},
		"fail, left":   {reportOf(skipped, check.Finding{ID: "clock", Verdict: check.Pass}), exitDone},
		"nothing":      {reportOf(), exitCheckFailed},
		"unknown skip": {unknownSkip, exitUsage},
	} {
		for _, ask := range []bool{false, true} {
			s := &stage{ask: ask}
			err := s.decide(test.report)
			if code, _ := exitCode(err); code != test.code || s.refused != (err != nil) {
				t.Errorf("%s: code %d, want %d: %v", name, code, test.code, err)
			}
		}
	}
}

// Before the first change the journal has what was left out and what was
// accepted, within the run, and report.md tells it.
func TestConsentIsRecorded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal, err := engine.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	report := reportOf(
		check.Finding{ID: "host:rc1:cores", Verdict: check.Warn}, check.Finding{ID: "clock", Verdict: check.Pass},
		check.Finding{ID: "port:rc1:db:27017", Verdict: check.Unknown, Skipped: true},
	)
	s, log := &stage{report: &report, accepted: "accepted with --yes"}, engine.NewLog()
	changed := false
	_, err = engine.Run(t.Context(), engine.Plan{Name: "install", Steps: []engine.Step{{
		ID: "a", Title: "Change something", Host: "a",
		Check: func(context.Context, engine.Output) (engine.Report, error) {
			if changed {
				return engine.Report{Verdict: engine.Done}, nil
			}
			return engine.Report{Verdict: engine.Needed}, nil
		},
		Apply: func(context.Context, engine.Output) error {
			if h, err := engine.ReadJournal(path); err != nil || len(h.Runs) != 1 || len(h.Runs[0].Notes) != 3 {
				t.Errorf("before the change the journal tells %+v, %v", h, err)
			}
			changed = true
			return nil
		},
	}}}, engine.Options{Log: log, Journal: journal, Consent: s.consent(log, journal)})
	if err := errors.Join(err, journal.Close()); err != nil {
		t.Fatal(err)
	}
	log.Close()
	var noted []string
	all, err := log.Cursor().Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if n, ok := e.(engine.Noted); ok {
			noted = append(noted, n.Text)
		}
	}
	want := []string{"the check: left out on demand: port:rc1:db:27017", "the check: warnings, accepted with --yes: host:rc1:cores"}
	if diff := cmp.Diff(want, noted); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	history, err := engine.ReadJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	text := string(markdown(answers{folder: folder}, cluster.Report{}, checkLines(history)))
	for _, line := range []string{"- 2026-11-23 15:09 UTC, warn: 1 warned, 1 passed, 1 skipped\n", "- left out on demand: port:rc1:db:27017\n", "- warnings, accepted with --yes: host:rc1:cores\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("report.md does not say %q:\n%s", line, text)
		}
	}
}
