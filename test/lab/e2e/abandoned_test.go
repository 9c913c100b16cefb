package e2e

import (
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// listeners prints what listens for probes on a host, or on its ports.
const listeners = `ps -eo args= | grep -o '[r]cwz-listen' || :
ss -Hltn | awk '$4 !~ /:22$/ { print $4 }'`

// A check that is killed leaves nothing that listens: not on a host that hears
// of it, nor on one whose cable was pulled before, where the listener ends by
// itself.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	r := newRig(t, lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "db", NoDocker: true}, {Name: "rc1", NoDocker: true}}}), workspace.Secrets{}, func(w *workspace.Workspace) {
		w.Proxy.Host = "db"
		w.Hosts = w.Hosts[:2]
	})
	// What is dropped keeps the check waiting while the listeners are there.
	r.shell("rc1", "nft 'table inet slow { chain in { type filter hook input priority 0; tcp dport 3000 drop; }; }'")
	before := map[string]string{"db": r.shell("db", listeners), "rc1": r.shell("rc1", listeners)}
	cmd := r.command(t.Context(), "check", "-f", r.file)
	r.must(cmd.Start())
	for host, idle := range before {
		eventually(t, "listeners on "+host, 30*time.Second, func() (bool, string) {
			seen := r.shell(host, listeners)
			return seen != idle, seen
		})
	}
	r.must(r.Host("rc1").Unplug(t.Context()))
	r.must(cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	pulled := time.Now()
	for _, end := range []struct {
		host   string
		within time.Duration
	}{{"db", 5 * time.Second}, {"rc1", 75 * time.Second}} {
		eventually(t, "the end of the listeners on "+end.host, end.within, func() (bool, string) {
			seen := r.shell(end.host, listeners)
			return seen == before[end.host], seen
		})
		t.Logf("lab: nothing listens on %s %.1f s after the check was killed", end.host, time.Since(pulled).Seconds())
	}
}
