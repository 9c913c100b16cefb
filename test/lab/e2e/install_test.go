package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// four are the hosts of the guide's example.
func four() []lab.HostOptions { return lab.Hosts("db", "rc1", "rc2", "edge") }

// From four fresh hosts to "2 of 2 instances", through Traefik with a
// certificate of the fleet's authority; and with a licence the instances are
// linked. Without one the count is a warning, never plain green.
func TestInstall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, license, summary string
		verdict                cluster.Verdict
		linked                 cluster.Answer
	}{
		{"without a licence", "", "2 of 2 instances registered, not linked: no licence", cluster.VerdictWarning, cluster.No},
		{"with a licence", "lab:scalability", "2 of 2 instances registered, linked", cluster.VerdictOK, cluster.Yes},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, lab.Up(t, lab.Options{Hosts: four()}), workspace.Secrets{License: test.license}, nil)
			o := r.install()
			if !strings.Contains(o.stdout, test.summary) {
				t.Errorf("install does not say %q:\n%s", test.summary, tail(o.stdout, 40))
			}
			if report := r.counts(test.verdict, test.summary); report.Linked != test.linked {
				t.Errorf("status: linked %s, want %s", report.Linked, test.linked)
			}
			t.Logf("lab: installed in %.1f s", o.took.Seconds())
			runAgain(t, r)
		})
	}
}

// runAgain shows that a second run changes nothing, and is quick.
func runAgain(t *testing.T, r *rig) {
	t.Helper()
	o := unchanged(t, r)
	// make bench shows what it takes on an idle machine; tests share theirs.
	if o.calm > time.Minute {
		t.Errorf("the second run took %s", o.calm)
	}
	t.Logf("lab: run again in %.2f s", o.took.Seconds())
}

// unchanged runs install again and shows that nothing is changed: no upload, no
// container made anew or restarted.
func unchanged(t *testing.T, r *rig) outcome {
	t.Helper()
	before := r.containers()
	files := r.files()
	o := r.install()
	if diff := cmp.Diff(before, r.containers()); diff != "" {
		t.Errorf("the second run touched containers (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(files, r.files()); diff != "" {
		t.Errorf("the second run touched files (-before +after):\n%s", diff)
	}
	if !strings.Contains(o.stdout, "(0 now, ") {
		t.Errorf("the second run says that it did something:\n%s", tail(o.stdout, 60))
	}
	return o
}

// files are inode, mode and time of change of every file below the directory
// on every host: writing a file again would show.
func (r *rig) files() map[string]string {
	r.t.Helper()
	out := make(map[string]string)
	for _, h := range r.w.Hosts {
		listed := r.shell(h.Name, "find "+r.w.Directory+" -type f -printf '%p %i %m %C@\\n'")
		for line := range strings.Lines(listed) {
			name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			out[h.Name+":"+name] = rest
		}
	}
	return out
}
