package check

import "github.com/rcwizard/rcwizard/workspace"

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
		f.Skipped = false // it is by what is skipped now
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
	r.Findings, r.UnknownSkips = Skip(findings, skips)
	r.Verdict, r.Counts = Overall(r.Findings), Counts{}
	r.Matrix = matrix(w, e, r.Findings)
	for _, f := range r.Findings {
		r.Counts.add(f)
	}
	return r
}
