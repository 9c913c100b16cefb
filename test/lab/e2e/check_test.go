package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// checked is rcwizard's own check.
func (r *rig) checked(args ...string) (check.Report, int) {
	r.t.Helper()
	o := r.run(append([]string{"check", "-f", r.file, "--json"}, args...)...)
	var report check.Report
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil {
		r.t.Fatalf("check --json: %v:\n%s", err, o.text())
	}
	r.t.Logf("lab: checked in %.1f s: %+v", o.took.Seconds(), report.Counts)
	return report, o.code
}

// ports are the findings about ports that are not a pass, as "id kind".
func ports(report check.Report) []string {
	var out []string
	for _, f := range report.Findings {
		kind, _, _ := strings.Cut(f.ID, ":")
		if slices.Contains([]string{"port", "listen", "loopback"}, kind) && f.Verdict != check.Pass {
			out = append(out, f.ID+" "+string(f.Kind))
		}
	}
	return out
}

func findingOf(t *testing.T, report check.Report, id string) check.Finding {
	t.Helper()
	for _, f := range report.Findings {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("no finding %s", id)
	return check.Finding{}
}

// remains is what runs and what lies in temporary places on every host.
func (r *rig) remains() map[string]string {
	r.t.Helper()
	out := make(map[string]string)
	for _, h := range r.w.Hosts {
		out[h.Name] = r.shell(h.Name, `ss -Hltn | awk '{print $4}' | sort
ls -A /tmp /var/tmp /root "`+r.w.Directory+`" 2>/dev/null || :
docker ps -aq; docker images -q
ps -eo comm= | grep -E 'rcwz|python|perl' || :`)
	}
	return out
}

// Before an installation every connection is proven, a firewall that drops is
// found and named, and after it the ports are known as ours.
func TestCheck(t *testing.T) {
	t.Parallel()
	r := newRig(t, lab.Up(t, lab.Options{Hosts: four()}), workspace.Secrets{}, nil)
	before := r.remains()
	report, _ := r.checked()
	if bad := ports(report); len(bad) > 0 {
		t.Errorf("ports that are open and free: %v", bad)
	}
	if report.Verdict != check.Pass {
		t.Errorf("hosts as the guide asks for them: %s", report.Summary())
	}
	r.must(r.Host("db").NoFirewall(t.Context()))
	report, code := r.checked()
	if code != 3 {
		t.Errorf("code %d with MongoDB open to everybody", code)
	}
	// Nothing shields the host from the operator, who is no part of the cluster.
	if f := findingOf(t, report, "exposure:db:27017"); f.Kind != "exposed-data" {
		t.Errorf("MongoDB that everybody reaches is %s: %s", f.Kind, f.Got)
	}
	for _, f := range report.Findings {
		if strings.HasPrefix(f.ID, "image:") && f.Kind != "image-pullable" {
			t.Errorf("before anything is pulled %s is %s: %s", f.ID, f.Kind, f.Got)
		}
	}
	if diff := cmp.Diff(before, r.remains()); diff != "" {
		t.Errorf("the check left something (-before +after):\n%s", diff)
	}

	inside := newInside(r)
	inside.finds(t, check.Fail, "nearby-data", "reachable at its public address from edge")
	dropped(t, r)
	inside.finds(t, check.Warn, "nearby-closed", "No connection")
	inside.published(t)

	stopped(t, r)
	r.must(r.Shield(t.Context(), r.w))
	o := r.install()
	if !strings.Contains(o.stdout, "findings, all pass") {
		t.Errorf("install does not tell of its check:\n%s", tail(o.stdout, 60))
	}
	report, code = r.checked()
	if report.Verdict != check.Pass || code != 0 {
		t.Errorf("of what runs the check says %s, code %d", report.Summary(), code)
	}
	if bad := ports(report); len(bad) > 0 {
		t.Errorf("ports that our own services have: %v", bad)
	}
	for _, id := range []string{"listen:db:27017", "loopback:db:27017", "listen:edge:443"} {
		if f := findingOf(t, report, id); f.Kind != "listen-ours" {
			t.Errorf("%s is %s: %s", id, f.Kind, f.Got)
		}
	}
	for _, f := range report.Findings {
		if strings.HasSuffix(f.ID, ":deployment") && f.Kind != "deployment-ours" || strings.HasPrefix(f.ID, "image:") && f.Kind != "image-present" {
			t.Errorf("after the installation %s is %s: %s", f.ID, f.Kind, f.Got)
		}
	}
}

// stopped shows that install goes no further than its check while a port is
// closed, and that nothing was written anywhere.
func stopped(t *testing.T, r *rig) {
	t.Helper()
	before := r.remains()
	o := r.run("install", "-f", r.file, "--yes")
	r.told(t, o, 3, "port:rc1:db:27017, port:rc2:db:27017", "type on db, as root:", "the check forbids to go on: fail", "Nothing was changed", "--skip")
	if strings.Contains(o.stdout, "start     install") {
		t.Errorf("the installation began:\n%s", tail(o.stdout, 40))
	}
	if diff := cmp.Diff(before, r.remains()); diff != "" {
		t.Errorf("the installation that was stopped left something (-before +after):\n%s", diff)
	}
}

// dropped has the database host drop MongoDB's port for everybody.
func dropped(t *testing.T, r *rig) {
	t.Helper()
	if err := r.Host("db").Firewall(t.Context(), lab.Rule{Port: 22}, lab.Rule{Port: 4222}, lab.Rule{Port: 5050}); err != nil {
		t.Fatal(err)
	}
	report, code := r.checked()
	want := []string{"port:rc1:db:27017 port-filtered", "port:rc2:db:27017 port-filtered"}
	if diff := cmp.Diff(want, ports(report)); diff != "" || code != 3 {
		t.Errorf("code %d with MongoDB's port dropped (-want +got):\n%s", code, diff)
	}
	f := findingOf(t, report, "port:rc1:db:27017")
	if lines := strings.Join(f.Commands, "\n"); !strings.Contains(lines, "nft 'insert rule inet lab_firewall input ") || !strings.Contains(lines, "27017") {
		t.Errorf("what to type on db:\n%s", lines)
	}
	if f := findingOf(t, report, "exposure:db:27017"); f.Verdict != check.Pass {
		t.Errorf("MongoDB behind a firewall is %s", f.Kind)
	}

	report, _ = r.checked("--skip", "port:rc1:db:27017,port:rc2")
	f = findingOf(t, report, "port:rc1:db:27017")
	if other := findingOf(t, report, "port:rc2:db:27017"); !f.Skipped || f.Kind != "port-not-tried" || !other.Skipped {
		t.Errorf("skipped: %+v, %+v", f, other)
	}
	o := r.run("check", "-f", r.file, "--firewall")
	if o.code != 0 || !strings.Contains(o.stdout, "db: nftables, which is active") || !strings.Contains(o.stdout, "inet lab_firewall input") {
		t.Errorf("check --firewall ended with %d:\n%s", o.code, tail(o.text(), 60))
	}
}
