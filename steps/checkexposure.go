package steps

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"sync"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/workspace"
)

// outside tells from where the operator looks: from outside the cluster, or
// from one of its hosts.
func outside(w workspace.Workspace, operator []netip.Addr) check.Outside {
	o := check.Outside{Vantage: "this machine", Probes: map[check.Place]check.Probe{}}
	for _, h := range w.Hosts {
		inside := h.Local()
		for _, text := range []string{h.Address, h.PrivateIP} {
			a, err := netip.ParseAddr(text)
			inside = inside || err == nil && slices.Contains(operator, a.Unmap())
		}
		if inside {
			return check.Outside{Inside: "this machine is the host " + h.Name, Probes: map[check.Place]check.Probe{}, Nearby: map[check.Place]check.Nearby{}}
		}
	}
	return o
}

// secluded adds what nobody outside may reach: by the private address, and by
// the one that the operator logs in at.
func (p *ports) secluded(add func(string, netip.AddrPort, check.Site, func(check.Probe))) {
	l := p.l
	if l.e.Outside.Inside != "" {
		p.nearby(add)
		return
	}
	for _, s := range check.Secluded(l.s.Workspace) {
		h, _ := l.s.Workspace.Host(s.Host)
		if l.skips("exposure:" + s.Host + ":" + strconv.Itoa(s.Port)) {
			continue
		}
		var addresses []netip.Addr
		if a, err := netip.ParseAddr(h.PrivateIP); err == nil {
			addresses = append(addresses, a)
		}
		addresses = append(addresses, l.logins[h.Name]...)
		reaches := l.reaches(h)
		tried := map[netip.Addr]bool{}
		for _, a := range addresses[:min(len(addresses), mostAddresses)] {
			if a = a.Unmap(); tried[a] || a.IsLoopback() {
				continue
			}
			tried[a] = true
			add(check.World, netip.AddrPortFrom(a, uint16(s.Port)), s, func(seen check.Probe) { //nolint:gosec // a valid workspace's ports fit
				seen = fromOutside(seen, reaches)
				if old, ok := l.e.Outside.Probes[s.Place]; !ok || !opened(old.Outcome) && opened(seen.Outcome) {
					l.e.Outside.Probes[s.Place] = seen
				}
			})
		}
	}
}

// fromOutside is what a connection from outside says of the host that it was
// meant for. Where its listener was waited for and another answered, or nobody,
// the address is another machine's where the operator is, as private ones are.
// reaches says that the operator's machine reaches the host at all; otherwise that
// nothing came back says nothing.
func fromOutside(p check.Probe, reaches bool) check.Probe {
	switch {
	case p.Outcome == check.OutcomeOther, p.Outcome == check.OutcomeSilence:
		p.Outcome, p.Detail = check.OutcomeNoRoute, "another machine answers at this address"
	case !reaches && (p.Outcome == check.OutcomeTimeout || p.Outcome == check.OutcomeUnreachable):
		p.Outcome, p.Detail = check.OutcomeNoRoute, "no address is known at which this machine itself reaches the host"
	}
	return p
}

// reaches reports whether one of the addresses that are tried is one at which the
// operator's machine reaches the host: where it logs in, or, behind a jump host,
// one that the internet routes.
func (l *looker) reaches(h workspace.Host) bool {
	return slices.ContainsFunc(l.logins[h.Name], func(a netip.Addr) bool {
		return h.SSH.ProxyJump == "" || a.IsGlobalUnicast() && !a.IsPrivate()
	})
}

// nearby adds, where nobody is outside, what nobody outside may reach: by the public
// addresses of its host, from another host of the workspace.
func (p *ports) nearby(add func(string, netip.AddrPort, check.Site, func(check.Probe))) {
	l := p.l
	for _, s := range check.Secluded(l.s.Workspace) {
		from, found := l.neighbour(s.Place)
		if !found || l.skips("exposure:"+s.Host+":"+strconv.Itoa(s.Port)) {
			continue
		}
		note := func(seen check.Probe) {
			if old, ok := l.e.Outside.Nearby[s.Place]; !ok || !opened(old.Probe.Outcome) && opened(seen.Outcome) {
				l.e.Outside.Nearby[s.Place] = check.Nearby{From: from, Probe: seen}
			}
		}
		for _, a := range l.public(s.Host) {
			addr := netip.AddrPortFrom(a, uint16(s.Port)) //nolint:gosec // a valid workspace's ports fit
			add(from, addr, s, note)
			p.asks = append(p.asks, ask{edge: len(p.edges) - 1, from: from, addr: addr.String(), place: s.Place, take: func(said check.ServiceAnswer) {
				if n := l.e.Outside.Nearby[s.Place]; n.Probe.Address == addr.String() {
					n.Probe.Service = said
					l.e.Outside.Nearby[s.Place] = n
				}
			}})
		}
	}
}

// neighbour is another host from which the place can be tried: rather one that has
// no business there, since a firewall lets those in that have.
func (l *looker) neighbour(to check.Place) (name string, found bool) {
	for _, h := range l.s.Workspace.Hosts {
		if _, connected := l.s.Hosts[h.Name]; !connected || h.Name == to.Host {
			continue
		}
		if !check.MustReach(l.s.Workspace, h.Name, to) {
			return h.Name, true
		}
		if !found {
			name, found = h.Name, true
		}
	}
	return name, found
}

// public are a host's addresses that the internet routes: where it is logged in at,
// and those of its interfaces. The one at which its services are meant to listen is
// not among them: there the workspace's hosts are let in.
func (l *looker) public(host string) []netip.Addr {
	h, _ := l.s.Workspace.Host(host)
	found := slices.Clone(l.logins[host])
	for _, a := range l.early[host].Addresses {
		found = append(found, a.Prefix.Addr())
	}
	found = slices.DeleteFunc(distinct(found), func(a netip.Addr) bool { return !check.IsPublic(a) || a.String() == h.PrivateIP })
	return found[:min(len(found), mostAddresses)]
}

// addresses has the hosts tell of themselves before the ports are tried, where
// their public addresses are needed for that. Who does not tell in time is asked
// again with everything else.
func (l *looker) addresses(ctx context.Context) {
	if l.e.Outside.Inside == "" || len(l.s.Hosts) < 2 || l.skips("exposure") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*probe.Deadline)
	defer cancel()
	var all sync.WaitGroup
	for name, h := range l.s.Hosts {
		all.Go(func() {
			if f, err := facts.Gather(ctx, h, l.s.Workspace.Directory); err == nil {
				l.note(func(*check.Evidence) { l.early[name] = f })
			}
		})
	}
	all.Wait()
}

// gather is what the host tells of itself, asked once.
func (l *looker) gather(ctx context.Context, h remote.Host) (facts.Facts, error) {
	l.mu.Lock()
	f, known := l.early[h.Name()]
	l.mu.Unlock()
	if known {
		return f, nil
	}
	return facts.Gather(ctx, h, l.s.Workspace.Directory) //nolint:wrapcheck // it says which host
}
