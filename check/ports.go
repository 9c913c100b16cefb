package check

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// Listening is how an attempt to listen ended.
type Listening string

// The ways in which listening ends. The zero value: it was not tried.
const (
	ListenReady        Listening = "ready"
	ListenInUse        Listening = "in use"              // EADDRINUSE
	ListenNoPermission Listening = "no permission"       // EACCES: a port below 1024 without root
	ListenVacant       Listening = "vacant"              // not permitted, but the host lists nobody who has the port
	ListenNotOnHost    Listening = "address not on host" // EADDRNOTAVAIL
	ListenNoTool       Listening = "no tool"             // nothing on the host can listen
	ListenFailed       Listening = "failed"              // anything else, or it ended too soon; Detail says what
)

// Owner says whose a listener in the way is.
type Owner string

// The owners. The zero value: it could not be seen, as without root.
const (
	OwnerUnknown Owner = ""
	OwnerUs      Owner = "us" // a container of a project whose receipt names this workspace
	OwnerOther   Owner = "other"
	OwnerLate    Owner = "late"   // the host took too long to say; Detail says how long
	OwnerUnread  Owner = "unread" // a container of a project as this workspace has one, whose receipt could not be read
)

// Listener is what came of listening at a place.
type Listener struct {
	Result Listening
	// Owner and what follows are for ListenInUse: as much as could be learnt.
	Owner     Owner
	PID       int
	Program   string
	Container string
	Project   string
	// Detail is the host's own word for it.
	Detail string
}

// holder names who has the port.
func (l Listener) holder() string {
	var parts []string
	if l.Program != "" {
		parts = append(parts, "the program "+l.Program)
	}
	if l.Container != "" {
		parts = append(parts, "the container "+l.Container)
	}
	if l.Project != "" {
		parts = append(parts, "the Compose project "+l.Project)
	}
	if l.PID > 0 {
		parts = append(parts, "process "+strconv.Itoa(l.PID))
	}
	if len(parts) == 0 {
		return "a program that could not be named"
	}
	return strings.Join(parts, ", ")
}

// Outcome is how an attempt to connect ended.
type Outcome string

// The outcomes. The zero value: it was not tried.
const (
	// OutcomeNonce is our own listener's nonce: only it knows it.
	OutcomeNonce Outcome = "nonce"
	// OutcomeOther is an open connection and bytes that are not the nonce.
	OutcomeOther Outcome = "other bytes"
	// OutcomeSilence is an open connection and nothing within the time.
	OutcomeSilence Outcome = "silence"
	// OutcomeOpened is an open connection on which no nonce was waited for.
	OutcomeOpened      Outcome = "opened"
	OutcomeRefused     Outcome = "refused"     // ECONNREFUSED
	OutcomeUnreachable Outcome = "unreachable" // EHOSTUNREACH, ENETUNREACH by ICMP, ENOPROTOOPT
	OutcomeTimeout     Outcome = "timeout"
	OutcomeNoRoute     Outcome = "no route"   // the prober itself has no way there
	OutcomeProhibited  Outcome = "prohibited" // the prober's SSH server forbids it, and nothing else could try
	OutcomeCannotTell  Outcome = "cannot tell"
	// OutcomeInside is for edges from the world, and for exposure: nobody was
	// outside who could have tried.
	OutcomeInside Outcome = "inside"
)

// opened reports whether a connection came about.
func (o Outcome) opened() bool {
	return o == OutcomeNonce || o == OutcomeOther || o == OutcomeSilence || o == OutcomeOpened
}

// blocked reports whether the network said no.
func (o Outcome) blocked() bool {
	return o == OutcomeRefused || o == OutcomeUnreachable || o == OutcomeTimeout || o == OutcomeNoRoute
}

// ServiceAnswer says what a running service said when it was asked in its own
// language.
type ServiceAnswer string

// The answers of a service. The zero value: it was not asked.
const (
	ServiceRight  ServiceAnswer = "right"
	ServiceWrong  ServiceAnswer = "wrong"
	ServiceSilent ServiceAnswer = "silent"
	// ServiceAnother is a Rocket.Chat that is none of the workspace's instances, as
	// the id shows that it answers with.
	ServiceAnother ServiceAnswer = "another"
	// ServiceRedirect sends on to the domain over HTTPS, as the proxy does; it does
	// not show that it is this one.
	ServiceRedirect ServiceAnswer = "redirect"
)

// Probe is what came of connecting along an edge.
type Probe struct {
	Outcome Outcome
	// After is how long it took.
	After time.Duration
	// How says by which means: "through sshd", "with bash".
	How string
	// Address is where it really connected, if that is not the edge's.
	Address string
	// Source is the address from which the connection came, as the place's host saw
	// it; empty where it did not see that.
	Source string
	// Service is for ports that this workspace's own services hold.
	Service ServiceAnswer
	// Detail is the prober's own word for it.
	Detail string
}

// slowUnreachable parts a firewall's quick answer from the kernel's own, which
// gives up after three seconds when nobody in the network has the address.
const slowUnreachable = 2500 * time.Millisecond

// Ports judges whether every service can listen, and whether everyone who needs
// it can reach it.
func Ports(w workspace.Workspace, e Evidence) []Finding {
	places := Places(w)
	edges := append(Edges(w), ExternalEdges(w, e.External)...)
	out := make([]Finding, 0, len(places)+len(edges))
	behind := map[Path]Site{} // without From
	for _, s := range places {
		out = append(out, listening(e, s))
		if s.Scope != workspace.ScopeLoopback {
			behind[Path{To: s.Host, Port: s.Port}] = s
		}
	}
	cells := make([]Finding, 0, len(edges))
	for _, edge := range edges {
		cells = append(cells, cellJudge{
			w: w, e: e, edge: edge, probe: e.Probes[edge.Path()],
			site: behind[Path{To: edge.To, Port: edge.Port}],
		}.judge())
	}
	open(w, e, edges, cells)
	return append(out, cells...)
}

// open adds to the findings about blocked edges what would open them: one rule
// for all blocked ports between two hosts, so that it is typed once.
func open(w workspace.Workspace, e Evidence, edges []Edge, cells []Finding) {
	blocked := map[Path][]Edge{} // without Port
	for i, f := range cells {
		if f.byFirewall() {
			between := Path{From: edges[i].From, To: edges[i].To}
			blocked[between] = append(blocked[between], edges[i])
		}
	}
	for i, f := range cells {
		if f.byFirewall() {
			cells[i].Commands = CommandsFor(w, blocked[Path{From: edges[i].From, To: edges[i].To}], e.Hosts[edges[i].To].Firewall)
		}
	}
}

// byFirewall reports whether a rule on the host may open the way.
func (f Finding) byFirewall() bool {
	switch f.Kind {
	case "port-filtered", "port-rejected", "port-unreachable", "port-self-blocked", "world-filtered", "world-rejected":
		return true
	}
	return false
}

// listening judges one place.
func listening(e Evidence, s Site) Finding {
	l := e.Listeners[s.Place]
	id := s.ID()
	fill := values{
		"host": s.Host, "port": strconv.Itoa(s.Port), "service": s.Service,
		"address": listenAddress(s), "holder": l.holder(), "detail": said(l.Detail),
	}
	find := func(v Verdict, kind Kind) Finding {
		f := finding(id, v, kind, fill)
		f.Host, f.Port = s.Host, s.Port
		return f
	}
	switch l.Result {
	case ListenReady:
		return find(Pass, "listen-free")
	case ListenInUse:
		switch l.Owner {
		case OwnerUs:
			return find(Pass, "listen-ours")
		case OwnerOther:
			return find(Fail, "listen-taken")
		case OwnerLate:
			return find(Unknown, "listen-taken-late")
		case OwnerUnread:
			return find(Unknown, "listen-taken-unread")
		case OwnerUnknown:
		}
		return find(Unknown, "listen-taken-unnamed")
	case ListenVacant:
		return find(Pass, "listen-vacant")
	case ListenNoPermission:
		return find(Unknown, "listen-no-permission")
	case ListenNotOnHost:
		return find(Fail, "listen-not-on-host")
	case ListenNoTool:
		return find(Unknown, "listen-no-tool")
	case ListenFailed:
		return find(Unknown, "listen-failed")
	}
	f := find(Unknown, "listen-not-tried")
	f.Because = because(e, s.Host)
	return f
}

func listenAddress(s Site) string {
	if s.Address == "" {
		return "port " + strconv.Itoa(s.Port) + " of every address"
	}
	return net.JoinHostPort(s.Address, strconv.Itoa(s.Port))
}

// because is the id of the finding about a host that could not be asked at all.
func because(e Evidence, host string) string {
	if h, ok := e.Hosts[host]; ok && h.Connection != Connected {
		return "host:" + host + ":ssh"
	}
	return ""
}

// cellJudge judges one edge.
type cellJudge struct {
	w     workspace.Workspace
	e     Evidence
	edge  Edge
	probe Probe
	// site is where the service of the edge listens.
	site Site
}

// judge joins what listening and connecting said. Only a listener of ours that
// was heard, or a service of ours that answered, is a pass.
func (j cellJudge) judge() Finding {
	switch o := j.probe.Outcome; {
	case o == "":
		f := j.find(Unknown, "port-not-tried")
		if f.Because = because(j.e, j.edge.From); f.Because == "" {
			f.Because = because(j.e, j.edge.To)
		}
		return f
	case o == OutcomeProhibited:
		return j.find(Unknown, "port-prohibited")
	case j.edge.External:
		return j.external()
	case o == OutcomeInside:
		return j.find(Warn, "world-no-vantage")
	case o.blocked():
		return j.blocked()
	case o.opened():
		return j.opened()
	}
	return j.find(Unknown, "port-cannot-tell")
}

func (j cellJudge) find(v Verdict, kind Kind) Finding {
	f := finding(j.edge.ID(), v, kind, probeValues(j.edge, j.probe))
	f.Host, f.From, f.Port = j.edge.To, j.edge.From, j.edge.Port
	if j.edge.External {
		f.Host = "" // none that commands could be typed on
	}
	return f
}

// blocked judges a connection that did not come about.
func (j cellJudge) blocked() Finding {
	l := j.e.Listeners[j.site.Place]
	if down := because(j.e, j.edge.To); down != "" {
		f := j.find(Unknown, "port-cannot-tell")
		f.Because = down
		return f
	}
	if j.probe.Outcome == OutcomeRefused && l.Result == ListenVacant && j.edge.From == World {
		return j.find(Warn, "world-refused-unheard")
	}
	if j.probe.Outcome == OutcomeRefused && l.Result != ListenReady && l.Result != ListenInUse {
		// Nobody listened: the host itself may have refused, as it should.
		return j.follows(j.find(Unknown, "port-weak"))
	}
	if j.probe.Outcome == OutcomeNoRoute {
		return j.find(Fail, "port-no-route")
	}
	switch {
	case j.edge.Self():
		return j.find(Fail, "port-self-blocked")
	case j.edge.From == World && j.probe.Outcome == OutcomeTimeout:
		return j.find(Fail, "world-filtered")
	case j.edge.From == World:
		return j.find(Fail, "world-rejected")
	case j.probe.Outcome == OutcomeTimeout:
		return j.find(Fail, "port-filtered")
	case j.probe.Outcome == OutcomeRefused:
		return j.find(Fail, "port-rejected")
	case j.probe.After >= slowUnreachable:
		return j.find(Fail, "port-no-neighbour")
	}
	return j.find(Fail, "port-unreachable")
}

// opened judges a connection that came about: with whom is the question.
func (j cellJudge) opened() Finding {
	l := j.e.Listeners[j.site.Place]
	switch {
	case l.Result == ListenReady && j.probe.Outcome == OutcomeNonce:
		return j.find(Pass, "port-open")
	case l.Result == ListenReady && j.probe.Outcome == OutcomeOther:
		return j.find(Fail, "port-intercepted")
	case l.Result == ListenReady && j.probe.Outcome == OutcomeSilence:
		return j.find(Fail, "port-intercepted-silent")
	case l.Result == ListenReady:
		return j.find(Unknown, "port-cannot-tell")
	case l.Result == ListenVacant:
		return j.find(Fail, "port-elsewhere")
	case l.Result == ListenInUse && l.Owner != OwnerUs && l.Owner != OwnerOther:
		return j.follows(j.find(Unknown, "port-unnamed"))
	case l.Result != ListenInUse || l.Owner != OwnerUs:
		return j.follows(j.find(Unknown, "port-stranger"))
	}
	switch j.probe.Service {
	case ServiceRight:
		return j.find(Pass, "port-open-service")
	case ServiceWrong:
		return j.find(Fail, "port-service-wrong")
	case ServiceAnother:
		return j.find(Fail, "port-service-another")
	case ServiceRedirect:
		return j.find(Pass, "port-open-redirect")
	case ServiceSilent:
		return j.find(Warn, "port-service-silent")
	}
	return j.find(Unknown, "port-service-not-asked")
}

// follows makes a finding about an edge follow from that about the listener, if
// that is what kept it from being judged.
func (j cellJudge) follows(f Finding) Finding {
	if j.site.Port != 0 {
		f.Because = j.site.ID()
	}
	return f
}

// external judges an edge to a database that is not ours: nothing of ours can
// listen there, so an open port alone proves little.
func (j cellJudge) external() Finding {
	switch o := j.probe.Outcome; {
	case o.blocked():
		return j.find(Fail, "external-blocked")
	case o.opened() && j.probe.Service == ServiceRight:
		return j.find(Pass, "external-answers")
	case o.opened() && j.probe.Service == ServiceWrong:
		return j.find(Fail, "external-wrong")
	case o.opened():
		return j.find(Warn, "external-open")
	}
	return j.find(Unknown, "port-cannot-tell")
}

// probeValues are what texts about edges may name.
func probeValues(edge Edge, p Probe) values {
	address := edge.Address
	if p.Address != "" {
		address = p.Address
	}
	if address == "" {
		address = fmt.Sprintf("port %d of %s", edge.Port, edge.To)
	}
	from := edge.From
	if from == World {
		from = "outside"
	}
	how := ""
	if p.How != "" {
		how = ", " + p.How
	}
	return values{
		"from": from, "host": edge.To, "port": strconv.Itoa(edge.Port), "service": edge.Service, "why": edge.Why,
		"address": address, "how": how, "after": seconds(p.After), "detail": said(p.Detail),
	}
}
