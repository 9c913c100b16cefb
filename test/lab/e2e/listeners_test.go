package e2e

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace"
)

// loopback, private and everywhere are the three places where a service may listen, as in the table of which service
// listens where.
func loopback(ports ...string) []string { return at("127.0.0.1", ports) }

func (r *rig) private(host string, ports ...string) []string {
	address := r.Host(host).Address().String()
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	return at(address, ports)
}

func everywhere(ports ...string) []string { return at("*", ports) }

func at(address string, ports []string) []string {
	out := make([]string, len(ports))
	for n, port := range ports {
		out[n] = address + ":" + port
	}
	return out
}

// sshd is the only listener that was there before.
func sshd() []string { return []string{"0.0.0.0:22", "[::]:22"} }

// listen shows that a host listens at these addresses and at no other.
func (r *rig) listen(host string, want ...[]string) {
	r.t.Helper()
	listed := r.shell(host, "ss -Hltnp")
	var got []string
	for line := range strings.Lines(listed) {
		if fields := strings.Fields(line); len(fields) > 3 {
			got = append(got, fields[3])
		}
	}
	r.foretold(host, got)
	all := slices.Concat(append(want, sshd())...)
	slices.Sort(all)
	slices.Sort(got)
	if diff := cmp.Diff(all, got); diff != "" {
		r.t.Errorf("%s listens elsewhere than it should (-want +got):\n%s\n%s", host, diff, listed)
	}
}

// foretold shows that the workspace's own list of what listens where, by which it finds ports that collide, is what is.
func (r *rig) foretold(host string, got []string) {
	r.t.Helper()
	want := make(map[int]workspace.Scope)
	for _, l := range r.w.Listeners(host) {
		want[l.Port] = l.Scope
	}
	is := make(map[int]workspace.Scope)
	for _, address := range got {
		ip, text, err := net.SplitHostPort(address)
		if err != nil {
			r.t.Fatal(err)
		}
		port, err := strconv.Atoi(text)
		if err != nil {
			r.t.Fatal(err)
		}
		switch {
		case ip == "*", ip == "0.0.0.0", ip == "::":
			is[port] = workspace.ScopeAll
		case ip == r.Host(host).Address().String():
			is[port] = workspace.ScopePrivate
		case is[port] == "": // MongoDB listens there and on the private address
			is[port] = workspace.ScopeLoopback
		}
	}
	if diff := cmp.Diff(want, is); diff != "" {
		r.t.Errorf("what listens on %s is not what the workspace says (-says +is):\n%s", host, diff)
	}
}
