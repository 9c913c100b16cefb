package lab

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/workspace"
)

// Shield gives every host of the workspace the firewall that the guide asks for: Host.Firewall with SSH open to
// everybody, and each port to the hosts that need it and nobody else. What a test finds to work behind it needs no
// more than check.Edges says.
func (f *Fleet) Shield(ctx context.Context, w workspace.Workspace) error {
	rules := map[string][]Rule{}
	w = w.Complete()
	for _, h := range w.Hosts {
		rules[h.Name] = []Rule{{Port: h.SSH.Port}}
	}
	for _, e := range check.Edges(w) {
		r := Rule{Port: e.Port}
		if e.From != check.World {
			r.From = []*Host{f.Host(e.From)}
		}
		rules[e.To] = append(rules[e.To], r)
	}
	var all errgroup.Group
	for name, rules := range rules {
		all.Go(func() error { return f.Host(name).Firewall(ctx, rules...) })
	}
	return all.Wait() //nolint:wrapcheck // names the host
}

// StartUFW enables Debian's ufw, as an administrator does: default deny, and the given rules ("allow 22/tcp").
// It is a real ufw; after a boot it is off, for the lab's hosts have no service manager that starts it.
func (h *Host) StartUFW(ctx context.Context, rules ...string) error {
	var script strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&script, "ufw %s\n", r)
	}
	script.WriteString("ufw --force enable\n")
	_, err := h.Shell(ctx, script.String())
	return err
}

// StopUFW disables it and forgets its rules.
func (h *Host) StopUFW(ctx context.Context) error {
	_, err := h.Exec(ctx, "ufw", "--force", "reset")
	return err
}

// StartFirewalld starts firewalld with its default zone, which rejects what is not allowed, and opens the ports
// ("22/tcp"; ssh is open anyway). It returns when firewalld answers. It takes a few seconds.
func (h *Host) StartFirewalld(ctx context.Context, ports ...string) error {
	var script strings.Builder
	for _, p := range ports {
		fmt.Fprintf(&script, "firewall-offline-cmd --add-port=%s\n", p)
	}
	script.WriteString(`mkdir -p /run/dbus
pidof dbus-daemon >/dev/null || dbus-daemon --system --fork
setsid firewalld --nofork >/var/log/firewalld-console.log 2>&1 </dev/null &
until firewall-cmd --state >/dev/null 2>&1; do
  kill -0 $! || { cat /var/log/firewalld-console.log >&2; exit 1; }
  sleep 0.1
done
`)
	_, err := h.Shell(ctx, script.String())
	return err
}

// StopFirewalld ends firewalld, which takes its rules away.
func (h *Host) StopFirewalld(ctx context.Context) error {
	_, err := h.Shell(ctx, "pkill -x firewalld\nwhile pidof -x firewalld >/dev/null; do sleep 0.05; done\n")
	return err
}
