package check

import "testing"

// A look at one port changes its finding and no other, and the report is of all.
func TestAgain(t *testing.T) {
	t.Parallel()
	w := four()
	e := well(w)
	const port = "port:rc1:db:27017"
	shut := Path{From: "rc1", To: "db", Port: 27017}
	e.Probes[shut] = Probe{Outcome: OutcomeTimeout}
	before := Judge(w, e, nil)
	if before.Verdict != Fail {
		t.Fatalf("before: %s", before.Verdict)
	}
	var now Evidence // of a look at that port alone
	now.Hosts = e.Hosts
	now.Listeners = e.Listeners
	now.Probes = map[Path]Probe{shut: {Outcome: OutcomeNonce}}
	after := Again(w, now, nil, []string{port}, before.Findings)
	changed := 0
	for i, f := range after.Findings {
		if f.Kind != before.Findings[i].Kind {
			changed++
			if f.ID != port || f.Verdict != Pass {
				t.Errorf("%s became %s", f.ID, f.Kind)
			}
		}
	}
	if changed != 1 || after.Counts.Fail != 0 || after.Counts.Pass != before.Counts.Pass+1 || after.Verdict == Fail {
		t.Errorf("%d findings changed; %+v, %s", changed, after.Counts, after.Verdict)
	}
	for _, row := range after.Matrix.Rows {
		for _, cell := range row.Cells {
			if cell.ID == port && cell.State != "open" {
				t.Errorf("the cell says %q", cell.State)
			}
		}
	}
	if r := Again(w, now, []string{"domain"}, []string{port}, before.Findings); r.Counts.Skipped == 0 {
		t.Error("what is skipped now is not marked in what was found before")
	}
}
