package steps

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"sync"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/workspace"
)

// ports are the connections that are tried, all at once.
type ports struct {
	l     *looker
	edges []probe.Edge
	// take writes the outcome of the edge of the same index into the evidence.
	take []func(check.Probe)
	// asks are the edges on which, if a service of ours has the port, that one is
	// asked.
	asks []ask
	// sockets is what became of listening, by place.
	sockets map[check.Place]probe.Socket
	// closed are the edges along which no connection came about.
	closed map[int]bool
	// at is the place that each edge's listener stands for.
	at []check.Place
}

// ask is an open connection to a port that is in use.
type ask struct {
	edge  int // of ports.edges
	from  string
	addr  string
	place check.Place
	take  func(check.ServiceAnswer)
}

// plan lists the connections: along every edge, from outside to what must not
// be reached, to the names, and to a host's own addresses where nothing else
// would have it listen.
func (l *looker) plan() *ports {
	p := &ports{l: l, sockets: map[check.Place]probe.Socket{}, closed: map[int]bool{}}
	w := l.s.Workspace
	behind, listened := map[check.Path]check.Site{}, map[check.Place]bool{}
	sites := check.Places(w)
	for _, s := range sites {
		if s.Scope != workspace.ScopeLoopback {
			behind[check.Path{To: s.Host, Port: s.Port}] = s
		}
	}
	add := func(from string, addr netip.AddrPort, s check.Site, take func(check.Probe)) {
		e := probe.Edge{From: from, To: s.Host, Addr: addr, Bind: bind(s, addr)}
		listened[s.Place] = true
		if l.skips(s.ID()) {
			e.To, e.Bind = "", netip.AddrPort{} // nothing is to be tried there
		}
		p.edges, p.take, p.at = append(p.edges, e), append(p.take, take), append(p.at, s.Place)
	}
	world, known := l.proxyAddress()
	for _, e := range check.Edges(w) {
		s, found := behind[check.Path{To: e.To, Port: e.Port}]
		if !found || l.skips(e.ID()) {
			continue
		}
		path := e.Path()
		set := func(seen check.Probe) { l.e.Probes[path] = seen }
		addr, err := netip.ParseAddrPort(e.Address)
		switch {
		case e.From == check.World && l.e.Outside.Inside != "":
			set(check.Probe{Outcome: check.OutcomeInside})
			continue
		case e.From == check.World && !known:
			continue
		case e.From == check.World:
			addr = netip.AddrPortFrom(world, uint16(e.Port)) //nolint:gosec // a valid workspace's ports fit
		case err != nil:
			continue
		}
		add(e.From, addr, s, set)
		p.asks = append(p.asks, ask{edge: len(p.edges) - 1, from: e.From, addr: addr.String(), place: s.Place, take: func(a check.ServiceAnswer) {
			seen := l.e.Probes[path]
			seen.Service = a
			l.e.Probes[path] = seen
		}})
	}
	p.secluded(add)
	p.names(add)
	for _, s := range sites {
		addr, ok := own(w, s)
		if ok && !listened[s.Place] && !l.skips(s.ID()) {
			add(s.Host, addr, s, func(check.Probe) {})
		}
	}
	return p
}

// mostAddresses bounds how many addresses of one name are tried.
const mostAddresses = 16

// names adds the ways to the proxy by its names, by every address of each.
func (p *ports) names(add func(string, netip.AddrPort, check.Site, func(check.Probe))) {
	l := p.l
	w := l.s.Workspace
	for _, s := range check.Places(w) {
		if s.Host != w.Proxy.Host || s.Scope != workspace.ScopeAll || s.Port != w.Proxy.HTTPPort && s.Port != w.Proxy.HTTPSPort {
			continue
		}
		for _, name := range check.DomainNames(w) {
			found := l.e.Names[name].Lookups[check.Operator].Addresses
			seen := make([]check.Probe, min(len(found), mostAddresses))
			switch {
			case l.skips("domain:" + name + ":" + strconv.Itoa(s.Port)):
				continue
			case l.e.Outside.Inside != "":
				seen = []check.Probe{{Outcome: check.OutcomeInside}}
				p.hairpins(name, s, found, add)
			default:
				for i := range seen {
					addr := netip.AddrPortFrom(found[i], uint16(s.Port)) //nolint:gosec // a valid workspace's ports fit
					add(check.World, addr, s, func(p check.Probe) { seen[i] = p })
					p.asks = append(p.asks, ask{edge: len(p.edges) - 1, addr: addr.String(), place: s.Place, take: func(a check.ServiceAnswer) { seen[i].Service = a }})
				}
			}
			l.e.Names[name].Ports[s.Port] = seen
		}
	}
}

// hairpins tries the addresses of a name from within the cluster, which no host has
// on an interface: many a router sends such a connection back. Who hears the proxy
// there knows that the address is translated to it, though not that the world gets
// in.
func (p *ports) hairpins(name string, s check.Site, found []netip.Addr, add func(string, netip.AddrPort, check.Site, func(check.Probe))) {
	l := p.l
	for _, a := range found[:min(len(found), mostAddresses)] {
		a = a.Unmap()
		if a.IsLoopback() || a.IsPrivate() {
			continue
		}
		proven := func() {
			if n := l.e.Names[name]; !slices.Contains(n.Public, a) {
				n.Public = append(n.Public, a)
				l.e.Names[name] = n
			}
		}
		addr := netip.AddrPortFrom(a, uint16(s.Port)) //nolint:gosec // a valid workspace's ports fit
		add(check.World, addr, s, func(seen check.Probe) {
			if seen.Outcome == check.OutcomeNonce {
				proven()
			}
		})
		p.asks = append(p.asks, ask{edge: len(p.edges) - 1, addr: addr.String(), place: s.Place, take: func(said check.ServiceAnswer) {
			if said == check.ServiceRight {
				proven()
			}
		}})
	}
}

// proxyAddress is where the world finds the proxy: the address at which the
// operator logs in to it, or, behind a jump host, the domain's.
func (l *looker) proxyAddress() (netip.Addr, bool) {
	h := l.s.Workspace.ProxyHost()
	if at := l.logins[h.Name]; len(at) > 0 && h.SSH.ProxyJump == "" {
		return at[0], true
	}
	if found := l.e.Names[l.s.Workspace.Domain].Lookups[check.Operator].Addresses; len(found) > 0 {
		return found[0], true
	}
	return netip.Addr{}, false
}

// bind is where a site's service will listen, for a connection to addr.
func bind(s check.Site, addr netip.AddrPort) netip.AddrPort {
	if a, err := netip.ParseAddr(s.Address); err == nil {
		return netip.AddrPortFrom(a, addr.Port())
	}
	every := netip.IPv4Unspecified()
	if addr.Addr().Unmap().Is6() {
		every = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(every, addr.Port())
}

// own is an address of a site by which its host reaches itself.
func own(w workspace.Workspace, s check.Site) (netip.AddrPort, bool) {
	text := s.Address
	if text == "" {
		h, _ := w.Host(s.Host)
		text = "127.0.0.1"
		if a, err := netip.ParseAddr(h.PrivateIP); err == nil && a.Is6() {
			text = "::1"
		}
	}
	a, err := netip.ParseAddr(text)
	return netip.AddrPortFrom(a, uint16(s.Port)), err == nil //nolint:gosec // a valid workspace's ports fit
}

// try opens all connections.
func (p *ports) try(ctx context.Context) {
	if len(p.edges) == 0 {
		return
	}
	hosts := make(map[string]probe.Host, len(p.l.s.Hosts))
	for name, h := range p.l.s.Hosts {
		hosts[name] = h
	}
	var operator probe.Dialer
	if p.l.s.View.Outside != nil {
		operator = probe.Dialer(p.l.s.View.Outside)
	}
	results := probe.MatrixEach(ctx, hosts, operator, p.edges, p.heard)
	p.l.note(func(e *check.Evidence) {
		clear(e.Outside.Probes) // the best of several ways counts, by what is known at the end
		clear(e.Outside.Nearby)
		for i, r := range results {
			seen := probeOf(r)
			p.take[i](seen)
			p.closed[i] = !opened(seen.Outcome)
			if r.To == "" {
				continue
			}
			old, known := p.sockets[p.at[i]]
			switch {
			case !known, withoutIPv6(old):
				p.sockets[p.at[i]] = r.Socket
			case old.State == probe.Listening && !withoutIPv6(r.Socket):
				p.sockets[p.at[i]] = r.Socket
			}
		}
	})
}

// heard takes the outcome of one edge before all are known.
func (p *ports) heard(edge int, r probe.Result) {
	p.l.note(func(e *check.Evidence) {
		p.take[edge](probeOf(r))
		if r.To == "" {
			return
		}
		place := p.at[edge]
		if old, seen := e.Listeners[place]; (!seen || old.Result == check.ListenReady) && !withoutIPv6(r.Socket) {
			e.Listeners[place] = listenerOf(r.Socket, *p.l.owned[place.Host])
		}
	})
}

// withoutIPv6 reports whether a socket only shows that the host has no IPv6, over
// which a name would lead to it: the service listens without it.
func withoutIPv6(s probe.Socket) bool {
	return s.State == probe.NotOnHost && s.Addr.Addr() == netip.IPv6Unspecified()
}

// conclude tells who has the ports that are in use, and asks the services of
// this workspace that have them, where a connection came about: what is filtered
// costs no second deadline. It needs what was learnt of the hosts.
func (p *ports) conclude(ctx context.Context) {
	l := p.l
	for place, socket := range p.sockets {
		l.e.Listeners[place] = listenerOf(socket, *l.owned[place.Host])
	}
	var all sync.WaitGroup
	for _, a := range p.asks {
		held := l.e.Listeners[a.place]
		if held.Result == check.ListenInUse && held.Owner == check.OwnerUs && !p.closed[a.edge] {
			all.Go(func() {
				said := l.service(ctx, a)
				l.note(func(*check.Evidence) { a.take(said) })
			})
		}
	}
	all.Wait()
}

// owned are the compose projects of the workspace's on one host: those whose
// receipt names it, and those whose receipt was not read, or not yet.
type owned struct{ ours, unread []string }

// read notes that it is known of a project whether it is this workspace's.
func (o *owned) read(project string, ours bool) {
	o.unread = slices.DeleteFunc(o.unread, func(name string) bool { return name == project })
	if ours {
		o.ours = append(o.ours, project)
	}
}

// listenerOf is what became of listening on the host that has these projects.
func listenerOf(s probe.Socket, by owned) check.Listener {
	l := check.Listener{Detail: s.Words}
	if s.Err != nil && (l.Detail == "" || s.State == probe.InUse) { // why nobody is named
		l.Detail = s.Err.Error()
	}
	switch s.State {
	case probe.Listening:
		return check.Listener{Result: check.ListenReady}
	case probe.InUse:
		l.Result = check.ListenInUse
	case probe.NotPermitted:
		if s.Vacant {
			return check.Listener{Result: check.ListenVacant}
		}
		l.Result = check.ListenNoPermission
	case probe.NotOnHost:
		l.Result = check.ListenNotOnHost
	case probe.NoTool:
		l.Result = check.ListenNoTool
	case probe.Lost, probe.Unknown:
		l.Result = check.ListenFailed
		if errors.Is(s.Err, probe.ErrNotConnected) {
			return check.Listener{}
		}
	}
	if l.Result != check.ListenInUse {
		return l
	}
	late := errors.Is(s.Err, probe.ErrTooSlow)
	if len(s.Owners) == 0 {
		if late {
			l.Owner = check.OwnerLate
		}
		return l
	}
	// One stranger among several is what is in the way.
	owner := s.Owners[0]
	l.Owner = check.OwnerUs
	for _, o := range s.Owners {
		whose := check.OwnerOther
		switch {
		case o.Project != "" && slices.Contains(by.ours, o.Project):
			continue
		case o.Project != "" && slices.Contains(by.unread, o.Project):
			whose = check.OwnerUnread
		case late && o.Nameless():
			whose = check.OwnerLate
		}
		if owner, l.Owner = o, whose; whose == check.OwnerOther {
			break
		}
	}
	if l.Owner == check.OwnerOther && owner.PID == 0 && owner.ContainerID == "" {
		l.Owner = check.OwnerUnknown // there is somebody, whom only root may see
	}
	l.PID, l.Program, l.Container, l.Project = owner.PID, owner.Program, owner.Container, owner.Project
	return l
}

// probeOf is what came of a connection.
func probeOf(r probe.Result) check.Probe {
	o := r.Outcome
	p := check.Probe{After: o.Took, Address: r.Addr.String(), Detail: o.Words}
	if r.Source.IsValid() {
		p.Source = r.Source.Unmap().String()
	}
	switch o.Via {
	case "":
	case "dial":
		if r.From != check.World {
			p.How = "through sshd"
		}
	default:
		p.How = "with " + o.Via
	}
	if o.Err != nil && p.Detail == "" {
		p.Detail = o.Err.Error()
	}
	switch o.Kind {
	case probe.Answered:
		p.Outcome = check.OutcomeNonce
	case probe.Opened:
		p.Outcome = check.OutcomeOpened
	case probe.Other:
		p.Outcome, p.Detail = check.OutcomeOther, o.Heard
		if r.By != "" {
			p.Detail = "the host " + r.By
		}
	case probe.Silent:
		p.Outcome = check.OutcomeSilence
	case probe.Refused:
		p.Outcome = check.OutcomeRefused
	case probe.Unreachable:
		p.Outcome = check.OutcomeUnreachable
	case probe.NoRoute:
		p.Outcome = check.OutcomeNoRoute
	case probe.NoAnswer:
		p.Outcome = check.OutcomeTimeout
	case probe.CannotTell:
		p.Outcome = check.OutcomeCannotTell
		if failed, ok := errors.AsType[*remote.DialError](o.Err); ok && failed.Kind == remote.DialProhibited {
			p.Outcome = check.OutcomeProhibited
		}
		if errors.Is(o.Err, probe.ErrNotConnected) {
			return check.Probe{}
		}
	}
	return p
}

func opened(o check.Outcome) bool {
	return o == check.OutcomeNonce || o == check.OutcomeOther || o == check.OutcomeSilence || o == check.OutcomeOpened
}
