package steps

import (
	"testing"

	"github.com/rcwizard/rcwizard/cluster"
)

func TestWhole(t *testing.T) {
	t.Parallel()
	whole2 := func(v cluster.Verdict) cluster.Report {
		return cluster.Report{Verdict: v, Counted: true, Planned: 2, Registered: 2}
	}
	uncounted, short := whole2(cluster.VerdictOK), whole2(cluster.VerdictOK)
	uncounted.Counted, short.Registered = false, 1
	for name, test := range map[string]struct {
		report cluster.Report
		want   bool
	}{
		"all well":                  {whole2(cluster.VerdictOK), true},
		"no licence is only told":   {whole2(cluster.VerdictWarning), true},
		"links unknown":             {whole2(cluster.VerdictUnknown), true},
		"something failed":          {whole2(cluster.VerdictFailed), false},
		"the registry was not read": {uncounted, false},
		"one instance is missing":   {short, false},
		"nothing was looked at":     {cluster.Report{}, false},
	} {
		if got := whole(test.report); got != test.want {
			t.Errorf("%s: whole is %t, want %t", name, got, test.want)
		}
	}
}

func TestYoung(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{"target-unknown": true, "target-down": true, "target-missing": true, "target-surplus": true, "not-licensed": false, "": false} {
		r := cluster.Report{Findings: []cluster.Finding{{ID: "ghost"}, {ID: id}}}
		if got := young(r); got != want {
			t.Errorf("%q: young is %t, want %t", id, got, want)
		}
	}
	if young(cluster.Report{}) {
		t.Error("a report without findings is young")
	}
}

// While the cluster is not whole the person reads why; a warning is no why.
func TestTold(t *testing.T) {
	t.Parallel()
	r := cluster.Report{Summary: "1 of 2 instances registered", Findings: []cluster.Finding{
		{Verdict: cluster.VerdictFailed, Text: "rc2 is missing"},
		{Verdict: cluster.VerdictUnknown, Text: "the proxy was not asked"},
		{Verdict: cluster.VerdictWarning, Text: "no licence"},
	}}
	if got, want := told(r), "1 of 2 instances registered; rc2 is missing; the proxy was not asked"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if got := told(cluster.Report{Summary: "2 of 2"}); got != "2 of 2" {
		t.Errorf("told %q", got)
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	var r Result
	if _, ok := r.Report(); ok {
		t.Error("a report before the first look")
	}
	r.set(cluster.Report{Summary: "first"})
	r.set(cluster.Report{Summary: "last"})
	if got, ok := r.Report(); !ok || got.Summary != "last" {
		t.Errorf("report %q, %t", got.Summary, ok)
	}
}
