package question

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// Join adds hosts to a workspace that stands, as Add does, each with an instance
// behind those that there are. What is not said of the login is as for the other
// hosts, where those all agree.
func Join(a *Answers, addresses []Address) []int {
	others := slices.DeleteFunc(slices.Clone(a.Workspace.Hosts), workspace.Host.Local)
	agreed := func(field func(workspace.Host) string) string {
		if len(others) == 0 {
			return ""
		}
		first := field(others[0])
		if slices.ContainsFunc(others, func(h workspace.Host) bool { return field(h) != first }) {
			return ""
		}
		return first
	}
	added := Add(a, addresses)
	for _, n := range added {
		h := &a.Workspace.Hosts[n]
		if !h.Local() {
			h.SSH.User = cmp.Or(h.SSH.User, agreed(func(h workspace.Host) string { return h.SSH.User }))
			h.SSH.IdentityFile = agreed(func(h workspace.Host) string { return h.SSH.IdentityFile })
			h.SSH.ProxyJump = agreed(func(h workspace.Host) string { return h.SSH.ProxyJump })
			h.Sudo = workspace.Sudo(agreed(func(h workspace.Host) string { return string(h.Sudo) }))
		}
		Grow(a, n)
	}
	return added
}

// Grow puts one more instance on the host at a place, behind all that there are:
// those keep their names and ports.
func Grow(a *Answers, n int) {
	*a = a.Clone()
	a.Workspace.Instances = append(a.Workspace.Instances, workspace.Instance{Host: a.Workspace.Hosts[n].Name})
}

// Shrink takes away the instance at a place among all.
func Shrink(a *Answers, n int) {
	*a = a.Clone()
	a.Workspace.Instances = slices.Delete(a.Workspace.Instances, n, n+1)
}

// Room is how many more instances suit a host with so many cores that carries
// some already: by the guide's rule it carries one fewer than it has cores. Below
// 0: nobody knows its cores.
func Room(cores, carries int) int {
	if cores <= 0 {
		return -1
	}
	return max(0, cores-1-carries)
}

// Meant is the place of the host that a person means who names one by its name or
// by its address, in whatever way that is written.
func Meant(w workspace.Workspace, address Address) (int, bool) {
	if n := slices.Index(w.HostNames(), address.Host); n >= 0 && address.User == "" && address.Port == 0 {
		return n, true
	}
	typed, err := netip.ParseAddr(address.Host)
	n := slices.IndexFunc(w.Hosts, func(h workspace.Host) bool {
		same := strings.EqualFold(h.Address, address.Host)
		if err == nil {
			its, wrong := netip.ParseAddr(h.Address)
			same = wrong == nil && typed.Unmap() == its.Unmap()
		}
		// Behind one address there may be several, by their ports.
		return same && (address.Port == 0 || address.Port == h.SSH.Port)
	})
	return n, n >= 0
}

// Part takes away the host at a place with its instances and its secrets. What
// the others have stays as it is and where it is.
func Part(a *Answers, n int) {
	*a = a.Clone()
	w := &a.Workspace
	name := w.Hosts[n].Name
	w.Instances = slices.DeleteFunc(w.Instances, func(i workspace.Instance) bool { return i.Host == name })
	w.Hosts = slices.Delete(w.Hosts, n, n+1)
	delete(a.Secrets.Hosts, name)
}
