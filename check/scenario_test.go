package check

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// scenario is one change to evidence with which nothing is wrong, and what
// becomes of one finding.
type scenario struct {
	id      string
	verdict Verdict
	kind    Kind
	change  func(w *workspace.Workspace, e *Evidence)
}

var (
	mongo    = Place{Host: "db", Scope: workspace.ScopePrivate, Port: 27017}
	toMongo  = Path{"rc1", "db", 27017}
	https    = Place{Host: "edge", Scope: workspace.ScopeAll, Port: 443}
	toWorld  = Path{World, "edge", 443}
	toMember = Path{"rc1", "mongo.example.net", 27017}
)

// probe is a change of one probe.
func probe(path Path, p Probe) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) { e.Probes[path] = p }
}

// both is a change of the listener of MongoDB and of a probe to it.
func both(l Listener, p Probe) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) { e.Listeners[mongo], e.Probes[toMongo] = l, p }
}

func listener(l Listener) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) { e.Listeners[mongo] = l }
}

func onHost(name string, change func(*Host)) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) { e.host(name, change) }
}

func onDomain(change func(*Name)) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) { e.domain(change) }
}

// operatorSees changes what the operator's resolver and the ports say.
func operatorSees(ports Outcome, addresses ...string) func(*workspace.Workspace, *Evidence) {
	return onDomain(func(n *Name) {
		n.Lookups[Operator] = Lookup{State: LookupFound, Addresses: addrs(addresses...)}
		for port := range n.Ports {
			n.Ports[port] = nil
			for _, a := range n.Lookups[Operator].Addresses {
				n.Ports[port] = append(n.Ports[port], Probe{Outcome: ports, After: time.Second, Address: netip.AddrPortFrom(a, uint16(port)).String()})
			}
		}
	})
}

func outside(p Probe) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) { e.Outside.Probes[mongo] = p }
}

func namePort(l Listener, probes ...Probe) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) {
		e.Listeners[https] = l
		e.domain(func(n *Name) { n.Ports[443] = probes })
	}
}

func external(p Probe) func(*workspace.Workspace, *Evidence) {
	return func(w *workspace.Workspace, e *Evidence) {
		w.Database.External = true
		e.External = []string{"mongo.example.net:27017"}
		e.Probes[toMember] = p
	}
}

func imageState(state ImageState) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) {
		e.Images["db"] = []Image{{Ref: "mongo:8.0", State: state, Detail: "manifest unknown"}}
	}
}

func running(r string) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) {
		e.Release.Running["rc1"] = Running{Release: r, Where: "its container rocketchat-1"}
	}
}

func onRelease(change func(*Release)) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) { change(&e.Release) }
}

// same changes nothing.
func same(*workspace.Workspace, *Evidence) {}

var (
	ready   = Listener{Result: ListenReady}
	ours    = Listener{Result: ListenInUse, Owner: OwnerUs, Container: "mongodb", Project: "database"}
	theirs  = Listener{Result: ListenInUse, Owner: OwnerOther, PID: 812, Program: "mongod"}
	unnamed = Listener{Result: ListenInUse}
)

const (
	portRC1 = "port:rc1:db:27017"
	listen  = "listen:db:27017"
	expose  = "exposure:db:27017"
	dns     = "domain:chat.example.com:dns"
	name443 = "domain:chat.example.com:443"
	caa     = "domain:chat.example.com:caa"
	imageDB = "image:db:mongo:8.0"
	fresh   = "release:instance:rc1"
)

func scenarios() []scenario {
	return slices.Concat(portScenarios(), hostScenarios(), nameScenarios())
}

func (s scenario) run() Report {
	w := four()
	e := well(w)
	s.change(&w, &e)
	return Judge(w, e, nil)
}
