package check

import (
	"net/netip"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// portScenarios are the truth table of ports.
func portScenarios() []scenario {
	refused := Probe{Outcome: OutcomeRefused, After: time.Millisecond, Detail: "Connection refused"}
	timeout := Probe{Outcome: OutcomeTimeout, After: 5 * time.Second}
	quick := Probe{Outcome: OutcomeUnreachable, After: 40 * time.Millisecond, Detail: "No route to host"}
	slow := Probe{Outcome: OutcomeUnreachable, After: 3100 * time.Millisecond, Detail: "No route to host"}
	noRoute := Probe{Outcome: OutcomeNoRoute, Detail: "Network is unreachable"}
	nonce := Probe{Outcome: OutcomeNonce, After: time.Millisecond}
	other := Probe{Outcome: OutcomeOther, Detail: "SSH-2.0-dropbear"}
	docker := Listener{Result: ListenInUse, Owner: OwnerOther, Program: "docker-proxy", Container: "old-mongo"}
	silence := Probe{Outcome: OutcomeSilence, After: 3 * time.Second}
	fromWorld := func(p Probe) func(*workspace.Workspace, *Evidence) {
		return func(_ *workspace.Workspace, e *Evidence) {
			p.Address = "192.0.2.13:443"
			e.Listeners[https], e.Probes[toWorld] = ours, p
		}
	}
	asked := func(a ServiceAnswer) Probe { return Probe{Outcome: OutcomeSilence, Service: a} }
	return []scenario{
		{portRC1, Pass, "port-open", both(ready, nonce)},
		{portRC1, Fail, "port-intercepted", both(ready, other)},
		{portRC1, Fail, "port-intercepted-silent", both(ready, silence)},
		{portRC1, Unknown, "port-cannot-tell", both(ready, Probe{Outcome: OutcomeOpened})},
		{portRC1, Unknown, "port-weak", both(Listener{Result: ListenFailed, Detail: "it ended too soon"}, refused)},
		{portRC1, Fail, "port-filtered", both(ready, timeout)},
		{portRC1, Fail, "port-rejected", both(ready, refused)},
		{portRC1, Fail, "port-unreachable", both(ready, quick)},
		{portRC1, Fail, "port-no-neighbour", both(ready, slow)},
		{portRC1, Fail, "port-no-route", both(ready, noRoute)},
		{portRC1, Unknown, "port-prohibited", both(ready, Probe{Outcome: OutcomeProhibited, Detail: "open failed"})},
		{portRC1, Unknown, "port-cannot-tell", both(ready, Probe{Outcome: OutcomeCannotTell, Detail: "no shell"})},
		{portRC1, Unknown, "port-cannot-tell", both(ready, Probe{Outcome: "a new outcome"})},
		{portRC1, Unknown, "port-not-tried", both(ready, Probe{})},

		{portRC1, Pass, "port-open-service", both(ours, asked(ServiceRight))},
		{portRC1, Fail, "port-service-wrong", both(ours, asked(ServiceWrong))},
		{"port:world:edge:443", Fail, "port-service-another", fromWorld(asked(ServiceAnother))},
		{"port:world:edge:443", Pass, "port-open-redirect", fromWorld(asked(ServiceRedirect))},
		{portRC1, Warn, "port-service-silent", both(ours, asked(ServiceSilent))},
		{portRC1, Unknown, "port-service-not-asked", both(ours, asked(""))},
		{portRC1, Fail, "port-filtered", both(ours, timeout)},
		{portRC1, Fail, "port-rejected", both(ours, refused)},

		{portRC1, Unknown, "port-stranger", both(theirs, asked(ServiceRight))},
		{portRC1, Fail, "port-filtered", both(theirs, timeout)},
		{portRC1, Fail, "port-rejected", both(theirs, refused)},
		{portRC1, Unknown, "port-unnamed", both(unnamed, asked(ServiceRight))},
		{portRC1, Unknown, "port-unnamed", both(Listener{Result: ListenInUse, Owner: OwnerLate}, asked(ServiceRight))},
		{portRC1, Unknown, "port-unnamed", both(Listener{Result: ListenInUse, Owner: OwnerUnread}, asked(ServiceRight))},

		{portRC1, Unknown, "port-weak", both(Listener{}, refused)},
		{portRC1, Unknown, "port-stranger", both(Listener{}, nonce)},
		{portRC1, Unknown, "port-stranger", both(Listener{Result: ListenNoTool}, other)},
		{portRC1, Unknown, "port-weak", both(Listener{Result: ListenNoTool}, refused)},
		{portRC1, Fail, "port-filtered", both(Listener{Result: ListenNoTool}, timeout)},
		{portRC1, Unknown, "port-weak", both(Listener{Result: ListenNoPermission}, refused)},
		{portRC1, Fail, "port-no-neighbour", both(Listener{Result: ListenNotOnHost}, slow)},
		{portRC1, Unknown, "port-cannot-tell", func(_ *workspace.Workspace, e *Evidence) { // the host is down
			e.host("db", func(h *Host) { *h = Host{Connection: ConnUnreachable} })
			e.Listeners[mongo], e.Probes[toMongo] = Listener{}, slow
		}},

		{"port:db:db:27017", Pass, "port-open", same},
		{"port:db:db:27017", Fail, "port-self-blocked", probe(Path{"db", "db", 27017}, timeout)},
		{"port:world:edge:443", Fail, "world-filtered", probe(toWorld, timeout)},
		{"port:world:edge:443", Fail, "world-rejected", probe(toWorld, refused)},
		{"port:world:edge:443", Fail, "world-rejected", probe(toWorld, quick)},
		{"port:world:edge:443", Warn, "world-no-vantage", probe(toWorld, Probe{Outcome: OutcomeInside})},

		{"port:rc1:mongo.example.net:27017", Pass, "external-answers", external(asked(ServiceRight))},
		{"port:rc1:mongo.example.net:27017", Warn, "external-open", external(silence)},
		{"port:rc1:mongo.example.net:27017", Fail, "external-wrong", external(asked(ServiceWrong))},
		{"port:rc1:mongo.example.net:27017", Fail, "external-blocked", external(refused)},
		{"port:rc1:mongo.example.net:27017", Fail, "external-blocked", external(timeout)},
		{"port:rc1:mongo.example.net:27017", Unknown, "port-prohibited", external(Probe{Outcome: OutcomeProhibited})},
		{"port:rc1:mongo.example.net:27017", Unknown, "port-not-tried", external(Probe{})},

		{listen, Pass, "listen-free", same},
		{listen, Pass, "listen-ours", listener(ours)},
		{listen, Fail, "listen-taken", listener(theirs)},
		{listen, Unknown, "listen-taken-unnamed", listener(unnamed)},
		{listen, Unknown, "listen-taken-late", listener(Listener{Result: ListenInUse, Owner: OwnerLate, Detail: "more than 1m0s"})},
		{listen, Unknown, "listen-taken-unread", listener(Listener{Result: ListenInUse, Owner: OwnerUnread, Program: "mongod", Container: "chat-mongodb-1", Project: "chat-database"})},
		{listen, Pass, "listen-vacant", listener(Listener{Result: ListenVacant})},
		{portRC1, Unknown, "port-weak", both(Listener{Result: ListenVacant}, refused)},
		{portRC1, Fail, "port-filtered", both(Listener{Result: ListenVacant}, Probe{Outcome: OutcomeTimeout, After: 5 * time.Second})},
		{portRC1, Fail, "port-elsewhere", both(Listener{Result: ListenVacant}, Probe{Outcome: OutcomeOpened})},
		{"port:world:edge:443", Warn, "world-refused-unheard", func(_ *workspace.Workspace, e *Evidence) {
			e.Listeners[https], e.Probes[toWorld] = Listener{Result: ListenVacant}, Probe{Outcome: OutcomeRefused, After: 2 * time.Millisecond, Address: "192.0.2.13:443"}
		}},
		{"port:world:edge:443", Fail, "world-filtered", func(_ *workspace.Workspace, e *Evidence) {
			e.Listeners[https], e.Probes[toWorld] = Listener{Result: ListenVacant}, Probe{Outcome: OutcomeTimeout, After: 5 * time.Second, Address: "192.0.2.13:443"}
		}},
		{listen, Unknown, "listen-no-permission", listener(Listener{Result: ListenNoPermission, Detail: "Permission denied"})},
		{listen, Fail, "listen-not-on-host", listener(Listener{Result: ListenNotOnHost, Detail: "Cannot assign requested address"})},
		{listen, Unknown, "listen-no-tool", listener(Listener{Result: ListenNoTool})},
		{listen, Unknown, "listen-failed", listener(Listener{Result: ListenFailed, Detail: "Too many open files"})},
		{listen, Unknown, "listen-not-tried", listener(Listener{})},
		{"loopback:db:27017", Fail, "listen-taken", func(_ *workspace.Workspace, e *Evidence) {
			e.Listeners[Place{"db", workspace.ScopeLoopback, 27017}] = theirs
		}},
		{"loopback:edge:8082", Pass, "listen-free", same},
		{"listen:rc1:9458", Pass, "listen-free", same},

		{expose, Pass, "exposure-closed", same},
		{expose, Pass, "exposure-closed", outside(quick)},
		{expose, Pass, "exposure-refused", outside(refused)},
		{expose, Fail, "exposed-data", outside(nonce)},
		{expose, Fail, "exposed-data", outside(silence)},
		{expose, Fail, "exposed-published", func(_ *workspace.Workspace, e *Evidence) {
			at := Place{"db", workspace.ScopePrivate, 27017}
			e.Outside.Probes[at] = silence
			e.Listeners[at] = Listener{Result: ListenInUse, Owner: OwnerOther, Program: "docker-proxy", Container: "old-mongo"}
		}},
		{"exposure:db:5050", Warn, "exposed-published", func(_ *workspace.Workspace, e *Evidence) {
			at := Place{"db", workspace.ScopePrivate, 5050}
			e.Outside.Probes[at] = silence
			e.Listeners[at] = Listener{Result: ListenInUse, Owner: OwnerOther, Program: "docker-proxy", Container: "old-grafana"}
		}},
		{"exposure:db:4222", Fail, "exposed-data", func(_ *workspace.Workspace, e *Evidence) {
			e.Outside.Probes[Place{"db", workspace.ScopePrivate, 4222}] = other
		}},
		{"exposure:db:5050", Warn, "exposed-service", func(_ *workspace.Workspace, e *Evidence) {
			e.Outside.Probes[Place{"db", workspace.ScopePrivate, 5050}] = other
		}},
		{"exposure:rc1:9458", Warn, "exposed-service", func(_ *workspace.Workspace, e *Evidence) {
			e.Outside.Probes[Place{"rc1", workspace.ScopePrivate, 9458}] = nonce
		}},
		{expose, Warn, "exposure-no-way", outside(noRoute)},
		{expose, Warn, "exposure-no-way", outside(Probe{Outcome: OutcomeUnreachable, After: 3100 * time.Millisecond, Detail: "No route to host"})},
		{expose, Unknown, "exposure-not-tried", func(_ *workspace.Workspace, e *Evidence) {
			e.Hosts["db"], e.Outside.Probes[mongo] = Host{Connection: ConnUnreachable}, Probe{Outcome: OutcomeTimeout}
		}},
		{expose, Unknown, "exposure-elsewhere", func(_ *workspace.Workspace, e *Evidence) {
			e.Listeners[mongo], e.Outside.Probes[mongo] = Listener{Result: ListenNotOnHost}, Probe{Outcome: OutcomeOpened, Address: "10.0.0.99:27017"}
		}},
		{expose, Fail, "exposed-data", func(_ *workspace.Workspace, e *Evidence) { // at another of its addresses
			e.Listeners[mongo], e.Outside.Probes[mongo] = Listener{Result: ListenNotOnHost}, Probe{Outcome: OutcomeOpened, Address: "192.0.2.10:27017"}
		}},
		{expose, Unknown, "exposure-cannot-tell", outside(Probe{Outcome: OutcomeCannotTell})},
		{expose, Unknown, "exposure-not-tried", outside(Probe{})},
		{expose, Unknown, "exposure-nothing-listened", func(_ *workspace.Workspace, e *Evidence) {
			e.Listeners[mongo], e.Outside.Probes[mongo] = Listener{}, refused
		}},
		{expose, Warn, "exposure-no-vantage-public", func(_ *workspace.Workspace, e *Evidence) {
			e.Outside = Outside{Inside: "this machine is the host edge"}
			e.host("db", func(h *Host) { h.Addresses = addrs("10.0.0.10", "8.8.4.4") })
		}},
		{expose, Warn, "exposure-no-vantage", func(w *workspace.Workspace, e *Evidence) {
			e.Outside = Outside{Inside: "this machine is the host edge"}
			w.Hosts[0].Address = "10.0.0.10"
			e.host("db", func(h *Host) { h.Addresses = addrs("10.0.0.10", "100.64.0.1") })
		}},
		{expose, Warn, "exposure-no-vantage-public", func(_ *workspace.Workspace, e *Evidence) { // a cloud translates its address
			e.Outside = Outside{Inside: "this machine is the host edge"}
			e.host("db", func(h *Host) { h.Addresses = addrs("10.0.0.10") })
		}},
		{expose, Warn, "nearby-closed", near(ready, "edge", timeout)},
		{expose, Warn, "nearby-closed", near(ready, "edge", refused)},
		{expose, Warn, "nearby-closed", near(ready, "edge", noRoute)},
		{expose, Warn, "exposure-no-vantage-public", near(ready, "edge", Probe{Outcome: OutcomeProhibited})},
		{expose, Fail, "nearby-data", near(ready, "edge", nonce)},
		{expose, Fail, "nearby-data", near(ours, "edge", Probe{Outcome: OutcomeOpened, Service: ServiceRight})},
		{expose, Fail, "nearby-data", near(ready, "rc1", Probe{Outcome: OutcomeNonce, Source: "203.0.113.11"})},
		{expose, Warn, "nearby-let-in", near(ready, "rc1", Probe{Outcome: OutcomeNonce, Source: "10.0.0.11"})},
		{expose, Warn, "nearby-let-in", near(ours, "rc1", Probe{Outcome: OutcomeOpened, Service: ServiceRight})},
		{expose, Fail, "nearby-data", near(ready, "edge", Probe{Outcome: OutcomeNonce, Source: "10.0.0.13"})},
		{expose, Warn, "nearby-stranger", near(ready, "edge", other)},
		{expose, Warn, "nearby-stranger", near(ours, "edge", Probe{Outcome: OutcomeOpened, Service: ServiceWrong})},
		{expose, Warn, "nearby-stranger", near(Listener{}, "edge", Probe{Outcome: OutcomeOpened})},
		{expose, Fail, "nearby-data", func(w *workspace.Workspace, e *Evidence) { // the address is the host's own
			near(ready, "edge", silence)(w, e)
			e.host("db", func(h *Host) { h.Addresses = append(h.Addresses, netip.MustParseAddr("203.0.113.5")) })
		}},
		{expose, Fail, "nearby-published", near(docker, "rc1", Probe{Outcome: OutcomeOpened})},
		{"exposure:rc1:9458", Warn, "nearby-service", func(_ *workspace.Workspace, e *Evidence) {
			e.Outside = Outside{Inside: "this machine is the host edge", Nearby: map[Place]Nearby{
				{"rc1", workspace.ScopePrivate, 9458}: {From: "edge", Probe: Probe{Outcome: OutcomeNonce, Address: "203.0.113.6:9458"}},
			}}
		}},
	}
}

// near is what a host of the workspace came upon at a public address of the
// database's, which a router translates, where the operator is on a host.
func near(l Listener, from string, p Probe) func(*workspace.Workspace, *Evidence) {
	return func(_ *workspace.Workspace, e *Evidence) {
		p.Address = "203.0.113.5:27017"
		e.Listeners[mongo] = l
		e.Outside = Outside{Inside: "this machine is the host edge", Nearby: map[Place]Nearby{mongo: {From: from, Probe: p}}}
	}
}
