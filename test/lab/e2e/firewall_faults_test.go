package e2e

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/test/lab"
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
	if r.kinds[host] == check.Firewalld { // whose start took Docker's chains away
		r.shell(host, "pkill -x dockerd; while pidof dockerd >/dev/null; do sleep 0.1; done")
		r.must(r.Host(host).StartDocker(r.t.Context()))
	}
	r.shell(host, `docker run -d --name old-mongo -p 27017:27017 alpine:3.22 nc -ll -p 27017 -e cat >/dev/null`)
	report, code := r.checked("--skip", "image,release,domain,host:rc1,host:rc2,host:edge,port")
	f := findingOf(r.t, report, "exposure:db:27017")
	if f.Kind != "exposed-published" || f.Verdict != check.Fail || !strings.Contains(f.Got, "old-mongo") || code != 3 {
		r.t.Errorf("a port that Docker publishes through the firewall is %s: %s", f.Kind, f.Got)
	}
	r.shell(host, `docker rm -f old-mongo >/dev/null`)
}

// login connects to a host as the program does, from this process.
func (r *walled) login(host string) (*remote.SSH, error) {
	at := r.Host(host).Relay(r.t, 22)
	key, err := r.Host(host).HostKey()
	if err != nil {
		return nil, err
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
	r.each(func(host string) error {
		if host == "db" {
			return nil
		}
		for _, lost := range []bool{false, true} {
			if lost == (host == "rc2") && !torture() {
				continue // one way each
			}
			if err := r.lockedOutOf(host, before[host], lost); err != nil {
				return fmt.Errorf("%s: locked out, the old connection lost %t: %w", host, lost, err)
			}
		}
		return nil
	})
}

// lockedOutOf does so on one host, and returns what was not as it has to be.
func (r *walled) lockedOutOf(host, before string, lost bool) error {
	h, err := r.login(host)
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	c, err := steps.PlanFirewall(r.t.Context(), h, r.w, check.Edges(r.w), check.Firewall{
		Seen: true, Active: []check.FirewallKind{r.kinds[host]}, Zone: "public",
		Chains: []string{"inet filter input"}, File: "/etc/nftables.conf",
	})
	if err != nil {
		return err
	} else if len(c.Apply) == 0 {
		return errors.New("nothing to apply")
	}
	within := 2 * time.Minute
	if lost {
		within = 2 * time.Second
	}
	_, err = steps.ApplyFirewall(r.t.Context(), h, c, steps.FirewallProof{Within: within, Reconnect: func(ctx context.Context) (remote.Host, error) {
		if lost {
			_ = h.Close()
		} else if now, err := r.says(ctx, host); err != nil || now == before {
			r.t.Errorf("%s: %s is as before while the lines hold: %v", host, r.kinds[host], err)
		}
		return nil, errors.New("locked out")
	}})
	if err == nil || errors.Is(err, steps.ErrFirewallAsBefore) == lost {
		return fmt.Errorf("the change ended with: %v", err) //nolint:errorlint // there may be none
	}
	return r.settles(host, before)
}

// settles waits until the host's firewall says what it said and nothing of the
// change is left, within twenty seconds if it has a processor.
func (r *walled) settles(host, before string) error {
	deadline := time.After(lab.Patience(20 * time.Second))
	since := lab.StartWatch()
	again := time.NewTicker(300 * time.Millisecond)
	defer again.Stop()
	for {
		left, err := r.Host(host).Shell(r.t.Context(), "ls -d /run/rcwizard-* 2>/dev/null || :")
		if err != nil {
			return err
		}
		now, err := r.says(r.t.Context(), host)
		if err != nil {
			return err
		}
		diff := cmp.Diff(before, now)
		if diff == "" && left == "" {
			if took := since.Took(); took > 20*time.Second {
				return fmt.Errorf("%s: it was as before only after %s", host, took)
			}
			return nil
		}
		select {
		case <-again.C:
		case <-deadline:
			return fmt.Errorf("left behind: %q (-before +after):\n%s", left, diff)
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
