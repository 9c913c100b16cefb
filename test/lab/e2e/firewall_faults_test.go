package e2e

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/steps"
)

// published has an older deployment publish MongoDB's port with Docker, which
// passes ufw and firewalld by: check says so. Where nftables was loaded after
// Docker had started, Docker cannot publish.
func (r *walled) published() {
	r.t.Helper()
	host := r.w.Database.Host
	if r.kinds[host] == check.NFTables {
		return
	}
	r.shell(host, `docker run -d --name old-mongo -p 27017:27017 alpine:3.22 nc -ll -p 27017 -e cat >/dev/null 2>&1`)
	report, code := r.checked("--skip", "image,release,domain,host:rc1,host:rc2,host:edge,port")
	f := findingOf(r.t, report, "exposure:db:27017")
	if f.Kind != "exposed-published" || f.Verdict != check.Fail || !strings.Contains(f.Got, "old-mongo") || code != 3 {
		r.t.Errorf("a port that Docker publishes through the firewall is %s: %s", f.Kind, f.Got)
	}
	r.shell(host, `docker rm -f old-mongo >/dev/null`)
}

// login connects to a host as the program does, from this process.
func (r *walled) login(host string) (*remote.SSH, error) {
	r.t.Helper()
	at := r.Host(host).Relay(r.t, 22)
	key, err := r.Host(host).HostKey()
	if err != nil {
		r.t.Fatal(err)
	}
	return remote.Connect(r.t.Context(), remote.Target{
		Name: host, Address: at.Addr().String(), Port: int(at.Port()), User: "root",
		IdentityFile: r.KeyFile(), HostKey: key, SSHConfig: "none",
		KnownHosts: []string{filepath.Join(r.t.TempDir(), "known_hosts")},
	})
}

// lockedOut has no new connection come through after a change: it is taken back,
// by the connection that is still there, or by the host itself when that is lost
// too.
func (r *walled) lockedOut(before map[string]string) {
	r.t.Helper()
	for i, host := range []string{"rc1", "rc2", "edge"} {
		for _, lost := range []bool{false, true} {
			if lost == (i == 1) && !torture() {
				continue // one way each
			}
			h, err := r.login(host)
			if err != nil {
				r.t.Fatal(err)
			}
			c, err := steps.PlanFirewall(r.t.Context(), h, r.w, check.Edges(r.w), check.Firewall{
				Seen: true, Active: []check.FirewallKind{r.kinds[host]}, Zone: "public",
				Chains: []string{"inet filter input"}, File: "/etc/nftables.conf",
			})
			if err != nil || len(c.Apply) == 0 {
				r.t.Fatalf("%s: %v, %+v", host, err, c)
			}
			within := 30 * time.Second
			if lost {
				within = 2 * time.Second
			}
			_, err = steps.ApplyFirewall(r.t.Context(), h, c, steps.FirewallProof{Within: within, Reconnect: func(context.Context) (remote.Host, error) {
				if !lost && r.rules()[host] == before[host] {
					r.t.Errorf("%s: %s is as before while the lines hold", host, r.kinds[host])
				}
				if lost {
					_ = h.Close()
				}
				return nil, errors.New("locked out")
			}})
			if err == nil || errors.Is(err, steps.ErrFirewallAsBefore) == lost {
				r.t.Errorf("%s: locked out, the old connection lost %t: %v", host, lost, err)
			}
			_ = h.Close()
			if diff := r.settles(host, before[host]); diff != "" {
				r.t.Errorf("%s: locked out, the old connection lost %t (-before +after):\n%s", host, lost, diff)
			}
			if left := r.shell(host, "ls -d /run/rcwizard-* 2>/dev/null || :"); left != "" {
				r.t.Errorf("%s: left behind: %s", host, left)
			}
		}
	}
}

// settles waits until the host's firewall says what it said, ten seconds at most,
// and returns the difference.
func (r *walled) settles(host, before string) string {
	r.t.Helper()
	deadline := time.After(10 * time.Second)
	again := time.NewTicker(300 * time.Millisecond)
	defer again.Stop()
	for {
		left := r.shell(host, "ls -d /run/rcwizard-* 2>/dev/null || :")
		diff := cmp.Diff(before, r.rules()[host])
		if diff == "" && left == "" {
			return ""
		}
		select {
		case <-again.C:
		case <-deadline:
			return diff
		}
	}
}

// changeHands gives a host with ufw to firewalld, and returns what gives it back
// after an undo: that took rcwizard's rules out of ufw's files, and left
// firewalld alone, and said so.
func (r *walled) changeHands(host string) func(undo outcome) {
	r.t.Helper()
	if r.kinds[host] != check.UFW || slices.Contains([]string{"rc1", "rc2"}, host) {
		return func(outcome) {}
	}
	r.shell(host, "ufw disable")
	if err := r.Host(host).StartFirewalld(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	zone := r.shell(host, "firewall-cmd --list-all")
	return func(undo outcome) {
		r.t.Helper()
		for _, text := range []string{"ufw is no longer active", "firewalld is active now and was not touched"} {
			if !strings.Contains(undo.stdout, host+": "+text) {
				r.t.Errorf("undo does not say %q:\n%s", text, undo.text())
			}
		}
		if diff := cmp.Diff(zone, r.shell(host, "firewall-cmd --list-all")); diff != "" {
			r.t.Errorf("undo touched firewalld (-before +after):\n%s", diff)
		}
		if err := r.Host(host).StopFirewalld(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		r.shell(host, "ufw --force enable")
	}
}
