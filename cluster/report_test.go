package cluster

import (
	"encoding/json"
	"strings"
	"testing"
)

// The command that a finding names is the one that was said to find the
// workspace again.
func TestResume(t *testing.T) {
	t.Parallel()
	w := plan(2)
	f := healthy(w)
	f.Instances[1].License = License{Scalability: No}
	for given, want := range map[string]string{
		"":                                 "then: rcwizard resume " + w.Name + "; or keep",
		"rcwizard resume x --dir ../state": "then: rcwizard resume x --dir ../state; or keep",
	} {
		found := false
		for _, finding := range judged(w, f, View{Resume: given}.resume(w)).Findings {
			found = found || finding.ID == "not-licensed" && strings.Contains(finding.Hint, want)
		}
		if !found {
			t.Errorf("%q is named nowhere", want)
		}
	}
}

// Every state must be written as JSON, those of a cluster that says nothing
// and dates that JSON has no room for among them.
func TestEmptyReportJSON(t *testing.T) {
	t.Parallel()
	for _, f := range []Facts{{}, healthy(plan(2))} {
		r := Judge(plan(2), f)
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
		if r.Verdict == "" || r.Summary == "" {
			t.Errorf("no verdict: %+v", r)
		}
	}
	if r := Judge(plan(2), Facts{}); r.Verdict != VerdictFailed && r.Verdict != VerdictUnknown {
		t.Errorf("nothing seen, and the verdict is %s", r.Verdict)
	}
}
