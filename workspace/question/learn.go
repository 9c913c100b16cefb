package question

import (
	"net/netip"
	"slices"
	"strconv"

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
// private one. What was answered stays. How many instances suit a host is for
// the person to say: see Offer.
func Learn(a *Answers, seen map[string]Seen) {
	*a = a.Clone()
	for n := range a.Workspace.Hosts {
		h := &a.Workspace.Hosts[n]
		if s := seen[h.Name]; h.PrivateIP == "" && len(s.Private) > 0 && !reachedPrivately(*h, s) {
			h.PrivateIP = s.Private[0]
		}
	}
}

// Offered is a number of instances that suits a host better than the one that
// was proposed before anything was known of it.
type Offered struct {
	// At is the host's place.
	At    int
	Cores int
	// Roles are those of the host with what is offered.
	Roles Roles
}

// Offer is what to offer, if anything, where the roles are still those that were
// proposed: the guide's rule for a host that carries several instances is one
// fewer than it has cores. It is one host at most that carries several.
func Offer(a Answers, seen map[string]Seen) (Offered, bool) {
	if !proposed(a.Workspace) {
		return Offered{}, false
	}
	cores := make([]int, len(a.Workspace.Hosts))
	for n, h := range a.Workspace.Hosts {
		cores[n] = seen[h.Name].Cores
	}
	for n, r := range Layout(len(cores), cores) {
		if RolesOf(a.Workspace, n).Instances != r.Instances {
			return Offered{n, cores[n], r}, true
		}
	}
	return Offered{}, false
}

// Words say what is offered, and why.
func (o Offered) Words(a Answers) string {
	several := func(n int, what string) string {
		if n != 1 {
			what += "s"
		}
		return strconv.Itoa(n) + " " + what
	}
	return a.Workspace.Hosts[o.At].Name + " has " + several(o.Cores, "core") + ": by the guide's rule, " + several(o.Roles.Instances, "instance")
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
