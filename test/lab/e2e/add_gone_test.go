package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
)

// hostGone: a host with an instance is out of reach, and then loses its power. What has nothing to do with it goes on, and
// is told what is not known; its instance is removed without it, unless it lives; and if the host comes back, what was told
// ends it.
func hostGone(r *rig) {
	r.takeState()
	rc4 := r.Host("rc4")
	r.must(rc4.FreezeSSH(r.t.Context()))
	o := r.run("remove-instance", "rc4", "--yes", "--without-host")
	r.told(r.t, o, 1, "rc4 registered again", "out of reach from here, and not gone", "turn rc4 off, or make it reachable again")
	r.must(rc4.ThawSSH(r.t.Context()))
	r.must(rc4.PowerCut(r.t.Context()))
	o = r.run("remove-instance", "rc3", "--yes")
	r.told(r.t, o, 2, "the removal of rc4 was cut; go on with it first: rcwizard resume "+r.w.Name)
	o = r.run("resume", "--yes")
	r.told(r.t, o, 0, "going on with the removal of rc4", "Left on rc4", "docker compose down && cd / && rm -r "+r.w.Directory+"/instances/rc4",
		"rc4 is no host of the workspace any more", "3 of 3 instances registered, linked")
	r.t.Logf("lab: removed without its host in %.1f s:\n%s", o.took.Seconds(), tail(o.text(), 14))
	r.takeState()
	r.sameStatus(o.text())
	if strings.Contains(r.lists(), rc4.Address().String()) {
		r.t.Errorf("rc4 is still in a list:\n%s", r.lists())
	}
	r.must(rc4.Boot(r.t.Context()))
	eventually(r.t, "the instance that was removed to be told of", 2*time.Minute, func() (bool, string) {
		report, _ := r.status()
		return slices.ContainsFunc(report.Findings, func(f cluster.Finding) bool { return f.ID == "instance-unexpected" }), report.Summary
	})
	_, line, _ := strings.Cut(o.text(), "as root:\n")
	line, _, _ = strings.Cut(line, "\n")
	r.shell("rc4", line)
	if left := r.shell("rc4", "docker ps -aq; ls "+r.w.Directory+"/instances"); left != "" {
		r.t.Errorf("after %q on rc4 there is left:\n%s", line, left)
	}
	eventually(r.t, "its record to be gone", 3*time.Minute, func() (bool, string) {
		report, _ := r.status()
		return report.Verdict == cluster.VerdictOK, report.Summary
	})

	r.must(r.Host("rc3").PowerCut(r.t.Context()))
	o = r.run("remove-instance", "rc1-2", "--yes", "--drain", "0s")
	r.told(r.t, o, 3, "going on without rc3, which cannot be reached and is not needed for this", "which release rc3 runs")
	r.takeState()
	o = r.run("add-instance", "rc1", "--yes")
	r.told(r.t, o, 3, "going on without rc3, which cannot be reached and is not needed for this", "rc1 has ", "2 of 3 instances registered")
	r.t.Logf("lab: added while another host is gone, in %.1f s:\n%s", o.took.Seconds(), tail(o.stderr, 12))
	r.takeState()
	before := r.stateText()
	o = r.run("remove-instance", "rc3", "--yes")
	r.told(r.t, o, 1, "if it is gone for good, remove rc3 without it: rcwizard remove-instance rc3 --workspace "+r.w.Name+" --without-host")
	if after := r.stateText(); after != before || r.underWay() {
		r.t.Errorf("what is kept was changed:\n%s", after)
	}
	o = r.run("remove-instance", "rc3", "--yes", "--without-host")
	r.told(r.t, o, 0, "Left on rc3", "2 of 2 instances registered, linked")
	r.takeState()
	r.sameStatus(o.text())
}

// stateText is the workspace as it is kept.
func (r *rig) stateText() string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.state, "workspace.yaml"))
	r.must(err)
	return string(data)
}
