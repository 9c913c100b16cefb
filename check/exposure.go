package check

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/rcwizard/rcwizard/workspace"
)

// Outside is what somebody reached who is no part of the cluster.
type Outside struct {
	// Vantage names where was looked from: "this machine (192.0.2.9)". Empty: it
	// was not looked.
	Vantage string
	// Inside says why nobody was outside who could have looked, if so: this
	// machine is one of the hosts.
	Inside string
	// Probes say how connecting went: to the private address of the place's host,
	// or its public one (Probe.Address).
	Probes map[Place]Probe
	// Nearby is what was tried in place of that where nobody was outside.
	Nearby map[Place]Nearby
}

// Nearby says how a host of the workspace connected to a public address of the
// place's host (Probe.Address). Who is let in there may be the whole internet; who
// is not may be kept out for being inside, since many a network sends no connection
// to its own public address back in.
type Nearby struct {
	// From is the host that tried.
	From  string
	Probe Probe
}

// Secluded is every place that only hosts of the workspace may reach: all that
// listens on private addresses.
func Secluded(w workspace.Workspace) []Site {
	var out []Site
	for _, s := range Places(w) {
		if s.Scope == workspace.ScopePrivate {
			out = append(out, s)
		}
	}
	return out
}

// Exposure judges what outsiders reach. A refused connection is a proof only if
// something listened; otherwise the host itself refused, as it does with every
// free port.
func Exposure(w workspace.Workspace, e Evidence) []Finding {
	sites := Secluded(w)
	out := make([]Finding, 0, len(sites))
	for _, s := range sites {
		out = append(out, exposed(w, e, s))
	}
	return out
}

func exposed(w workspace.Workspace, e Evidence, s Site) Finding {
	p := e.Outside.Probes[s.Place]
	address := or(p.Address, net.JoinHostPort(s.Address, strconv.Itoa(s.Port)))
	fill := values{
		"host": s.Host, "port": strconv.Itoa(s.Port), "service": s.Service, "address": address,
		"vantage": or(e.Outside.Vantage, "outside"), "inside": or(e.Outside.Inside, "this machine is inside"),
		"after": seconds(p.After), "detail": said(p.Detail),
	}
	find := func(v Verdict, kind Kind) Finding {
		f := finding("exposure:"+s.Host+":"+strconv.Itoa(s.Port), v, kind, fill)
		f.Host, f.Port = s.Host, s.Port
		if slices.Contains([]Kind{"exposed-data", "exposed-service", "nearby-data", "nearby-service"}, kind) {
			f.Commands = closing(w, s.Host, e.Hosts[s.Host].Firewall)
		}
		return f
	}
	l := e.Listeners[s.Place]
	listened := l.Result == ListenReady || l.Result == ListenInUse
	switch o := p.Outcome; {
	case o == "" && e.Outside.Inside != "", o == OutcomeInside:
		if n := e.Outside.Nearby[s.Place]; n.Probe.Outcome != "" {
			fill["from"], fill["public"] = n.From, n.Probe.Address
			fill["after"], fill["detail"] = seconds(n.Probe.After), said(n.Probe.Detail)
			fill["holder"] = l.holder()
			return find(nearby(w, e, s, n))
		}
		if publicAddress(w, e, s.Host) {
			return find(Warn, "exposure-no-vantage-public")
		}
		return find(Warn, "exposure-no-vantage")
	case o == "", !o.opened() && because(e, s.Host) != "":
		// A host that is down keeps everybody out, for now.
		f := find(Unknown, "exposure-not-tried")
		f.Because = because(e, s.Host)
		return f
	case l.Result == ListenNotOnHost && !owns(e.Hosts[s.Host], p.Address):
		// What another machine lets in, or nobody, says nothing about this one.
		f := find(Unknown, "exposure-elsewhere")
		f.Because = s.ID()
		return f
	case o.opened() && published(l):
		fill["holder"] = l.holder()
		v := Warn
		if defenceless(w, s) {
			v = Fail
		}
		return find(v, "exposed-published")
	case o.opened() && defenceless(w, s):
		return find(Fail, "exposed-data")
	case o.opened():
		return find(Warn, "exposed-service")
	case o == OutcomeNoRoute, o == OutcomeUnreachable && p.After >= slowUnreachable:
		return find(Warn, "exposure-no-way")
	case o == OutcomeTimeout, o == OutcomeUnreachable:
		return find(Pass, "exposure-closed")
	case o == OutcomeRefused && listened:
		return find(Pass, "exposure-refused")
	case o == OutcomeRefused:
		f := find(Unknown, "exposure-nothing-listened")
		f.Because = s.ID()
		return f
	}
	return find(Unknown, "exposure-cannot-tell")
}

// published reports whether Docker publishes the port of a container's own
// network: then its packets are forwarded, and pass the rules for what comes in.
func published(l Listener) bool { return l.Result == ListenInUse && l.Program == "docker-proxy" }

// defenceless reports whether whoever reaches the place owns the data: MongoDB
// and what carries the instances' messages ask for no password.
func defenceless(w workspace.Workspace, s Site) bool {
	d := w.Database
	if s.Host == d.Host && (w.RunsMongoDB() && s.Port == d.MongoDBPort || w.RunsNATS() && s.Port == d.NATSPort) {
		return true
	}
	if w.Messaging.Transporter == workspace.TransporterTCP {
		for _, i := range w.InstancesOn(s.Host) {
			if i.TCPPort == s.Port {
				return true
			}
		}
	}
	return false
}

// owns reports whether an address, with its port, is one of the host's.
func owns(h Host, address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && slices.Contains(h.Addresses, a.Addr().Unmap())
}

// nearby judges what a host of the workspace reached at a public address of the
// place's host. It never passes: that it reached nothing proves nothing for the
// internet.
func nearby(w workspace.Workspace, e Evidence, s Site, n Nearby) (Verdict, Kind) {
	l, p := e.Listeners[s.Place], n.Probe
	hold := Warn
	if defenceless(w, s) {
		hold = Fail
	}
	// Another than our listener, or our service, answered at an address that no
	// interface of the host has: it may be the router that has it.
	stranger := p.Outcome == OutcomeOther || p.Outcome == OutcomeSilence || p.Service == ServiceWrong ||
		p.Outcome == OutcomeOpened && l.Result != ListenInUse
	switch o := p.Outcome; {
	case o.opened() && stranger && !owns(e.Hosts[s.Host], p.Address):
		return Warn, "nearby-stranger"
	case o.opened() && published(l):
		return hold, "nearby-published"
	case o.opened() && letIn(w, s, n):
		return Warn, "nearby-let-in"
	case o.opened() && defenceless(w, s):
		return Fail, "nearby-data"
	case o.opened():
		return Warn, "nearby-service"
	case o == OutcomeTimeout, o == OutcomeUnreachable, o == OutcomeRefused, o == OutcomeNoRoute:
		return Warn, "nearby-closed"
	}
	return Warn, "exposure-no-vantage-public"
}

// letIn reports whether the host that tried is one that must reach the place, and
// may have come from its private address, which firewalls let in on purpose.
func letIn(w workspace.Workspace, s Site, n Nearby) bool {
	h, _ := w.Host(n.From)
	if n.Probe.Source != "" && n.Probe.Source != h.PrivateIP {
		return false
	}
	return MustReach(w, n.From, s.Place)
}

// MustReach reports whether a host is one of those that connect to the place, and
// that its firewall therefore lets in.
func MustReach(w workspace.Workspace, from string, to Place) bool {
	return slices.ContainsFunc(Edges(w), func(e Edge) bool {
		return e.From == from && e.To == to.Host && e.Port == to.Port
	})
}

// publicAddress reports whether the host has an address that the internet
// routes: one that it is logged in at, or one of its interfaces'.
func publicAddress(w workspace.Workspace, e Evidence, host string) bool {
	h, _ := w.Host(host)
	a, err := netip.ParseAddr(h.Address)
	return err == nil && IsPublic(a) || slices.ContainsFunc(e.Hosts[host].Addresses, IsPublic)
}

// IsPublic reports whether the internet routes an address.
func IsPublic(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() && !netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10).Contains(a)
}
