package check

import (
	"net/netip"
	"slices"
	"strings"
)

func (j *hostJudge) addresses() {
	ip, err := netip.ParseAddr(j.host.PrivateIP)
	pairs := []string{"address", or(j.host.PrivateIP, "(none)"), "addresses", addressList(j.seen.Addresses)}
	switch {
	case err != nil || len(j.seen.Addresses) == 0:
		j.find("private-ip", Unknown, "private-ip-unknown", pairs...)
		return
	case !slices.Contains(j.seen.Addresses, ip.Unmap()):
		j.find("private-ip", Fail, "private-ip-elsewhere", pairs...)
		return
	}
	for _, other := range j.w.Hosts {
		o := j.e.Hosts[other.Name]
		if other.Name != j.host.Name && slices.Contains(o.Addresses, ip.Unmap()) && !sameMachine(j.seen, o) {
			j.find("private-ip", Fail, "private-ip-twice", append(pairs, "other", other.Name)...)
			return
		}
	}
	j.find("private-ip", Pass, "private-ip-there", pairs...)
}

// identity finds machines that are in the file twice, and clones.
func (j *hostJudge) identity() {
	s := j.seen
	if s.BootID == "" && s.MachineID == "" {
		j.find("identity", Unknown, "identity-unknown")
		return
	}
	for _, other := range j.w.Hosts {
		o := j.e.Hosts[other.Name]
		if other.Name != j.host.Name && sameMachine(s, o) {
			j.find("identity", Fail, "identity-same", "other", other.Name)
			return
		}
	}
	for _, other := range j.w.Hosts {
		o := j.e.Hosts[other.Name]
		if other.Name != j.host.Name && s.MachineID != "" && s.MachineID == o.MachineID {
			j.find("identity", Warn, "identity-clone", "other", other.Name)
			return
		}
	}
	j.find("identity", Pass, "identity-own")
}

// sameMachine reports whether two hosts are one: they booted at once and have
// the same addresses. Either alone is not enough: system containers share the
// kernel's boot with their neighbours.
func sameMachine(a, b Host) bool {
	mine, theirs := ownAddresses(a.Addresses), ownAddresses(b.Addresses)
	slices.SortFunc(mine, netip.Addr.Compare)
	slices.SortFunc(theirs, netip.Addr.Compare)
	return a.BootID != "" && a.BootID == b.BootID && len(mine) > 0 && slices.Equal(mine, theirs)
}

// ownAddresses leaves out those that every host has.
func ownAddresses(addresses []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addresses {
		if !a.IsLoopback() && !a.IsLinkLocalUnicast() {
			out = append(out, a)
		}
	}
	return out
}

func addressList(addresses []netip.Addr) string {
	own := ownAddresses(addresses)
	names := make([]string, 0, len(own))
	for _, a := range own {
		names = append(names, a.String())
	}
	if len(names) == 0 {
		return "none but its own loopback"
	}
	return strings.Join(names, ", ")
}
