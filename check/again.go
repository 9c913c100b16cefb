package check

import (
	"slices"

	"github.com/rcwizard/rcwizard/workspace"
)

// Again is Judge for a look at some of the checks alone, those that only names
// as Matches has it: what is found of them is by the evidence, and everything
// else is as before, of a workspace that has not changed since.
func Again(w workspace.Workspace, e Evidence, skips, only []string, before []Finding) Report {
	r := Judge(w, e, nil)
	looked := make(map[string]Finding, len(r.Findings))
	for _, f := range r.Findings {
		if Matches(only, f.ID) {
			looked[f.ID] = f
		}
	}
	var findings []Finding
	for _, f := range before {
		if Matches(only, f.ID) {
			now, ok := looked[f.ID]
			if !ok {
				continue // there is nothing of that kind any more
			}
			f = now
			delete(looked, f.ID)
		}
		findings = append(findings, f)
	}
	for _, f := range r.Findings {
		if _, news := looked[f.ID]; news {
			findings = append(findings, f)
		}
	}
	r.Findings = findings
	r = r.Skipping(skips)
	r.Matrix = matrix(w, e, r.Findings)
	return r
}

// Skipping is the report with what the words name left out, and nothing else:
// verdict and counts are by what remains. The matrix is left as it is.
func (r Report) Skipping(words []string) Report {
	findings := slices.Clone(r.Findings)
	for i := range findings {
		findings[i].Skipped = false
	}
	r.Findings, r.UnknownSkips = Skip(findings, words)
	r.Verdict, r.Counts = Overall(r.Findings), Counts{}
	for _, f := range r.Findings {
		r.Counts.add(f)
	}
	return r
}
