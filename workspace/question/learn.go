package question

import (
	"net/netip"
	"slices"

	"github.com/rcwizard/rcwizard/workspace"
)

// Seen is what a host says of itself that answers follow from.
type Seen struct {
	// Cores is 0 where it is not known.
	Cores int
	// Private are the addresses at which other hosts may reach it, the likeliest
	// first.
	Private []string
}

// Learn takes what the hosts say of themselves, by the name of the host, into
// what nobody has said yet: the private address where the address itself is no
// private one, and the number of instances where the roles are as they were
// proposed. What was answered stays.
func Learn(a *Answers, seen map[string]Seen) {
	*a = a.Clone()
	cores := make([]int, len(a.Workspace.Hosts))
	known := false
	for n := range a.Workspace.Hosts {
		h := &a.Workspace.Hosts[n]
		s := seen[h.Name]
		cores[n] = s.Cores
		known = known || s.Cores > 0
		if h.PrivateIP == "" && len(s.Private) > 0 && !reachedPrivately(*h, s) {
			h.PrivateIP = s.Private[0]
		}
	}
	if known && proposed(a.Workspace) {
		for n, r := range Layout(len(cores), cores) {
			SetRoles(a, n, r)
		}
	}
}

// reachedPrivately reports whether the address to which SSH connects is one of
// those at which other hosts reach it.
func reachedPrivately(h workspace.Host, s Seen) bool {
	if slices.Contains(s.Private, h.Address) {
		return true
	}
	ip, err := netip.ParseAddr(h.Address)
	return err == nil && ip.IsPrivate()
}

// proposed reports whether the roles are those of Layout for hosts of which
// nothing is known.
func proposed(w workspace.Workspace) bool {
	for n, r := range Layout(len(w.Hosts), nil) {
		if RolesOf(w, n) != r {
			return false
		}
	}
	return true
}
