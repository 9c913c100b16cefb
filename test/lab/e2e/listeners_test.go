package e2e

import (
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
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
	all := slices.Concat(append(want, sshd())...)
	slices.Sort(all)
	slices.Sort(got)
	if diff := cmp.Diff(all, got); diff != "" {
		r.t.Errorf("%s listens elsewhere than it should (-want +got):\n%s\n%s", host, diff, listed)
	}
}
