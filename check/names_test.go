package check

import (
	"time"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

// nameScenarios are about the domain, the release and the images.
func nameScenarios() []scenario {
	nonce := Probe{Outcome: OutcomeNonce, After: time.Millisecond}
	refused := Probe{Outcome: OutcomeRefused, Detail: "connection refused"}
	httpsOurs := Listener{Result: ListenInUse, Owner: OwnerUs}
	lookup := func(l Lookup) func(*workspace.Workspace, *Evidence) {
		return onDomain(func(n *Name) { n.Lookups["rc1"] = l })
	}
	found := func(addresses ...string) Lookup {
		return Lookup{State: LookupFound, Addresses: addrs(addresses...)}
	}
	tls := func(mode workspace.TLSMode, change func(*workspace.Workspace, *Evidence)) func(*workspace.Workspace, *Evidence) {
		return func(w *workspace.Workspace, e *Evidence) { w.TLS.Mode = mode; change(w, e) }
	}
	private := func(change func(*workspace.Workspace, *Evidence)) func(*workspace.Workspace, *Evidence) {
		return func(w *workspace.Workspace, e *Evidence) {
			w.Hosts[3].Address = "edge.lan"
			e.host("edge", func(h *Host) { h.Addresses = addrs("127.0.0.1", "10.0.0.13") })
			change(w, e)
		}
	}
	heardInside := func(address string) func(*workspace.Workspace, *Evidence) {
		return func(w *workspace.Workspace, e *Evidence) {
			operatorSees(OutcomeInside, address)(w, e)
			e.domain(func(n *Name) { n.Public = addrs(address) })
		}
	}
	records := func(c CAA) func(*workspace.Workspace, *Evidence) { return onDomain(func(n *Name) { n.CAA = c }) }
	return []scenario{
		{dns, Pass, "dns-right", same},
		{dns + ":rc1", Pass, "dns-split", lookup(found("10.0.0.13"))},
		{dns, Pass, "dns-nat", private(operatorSees(OutcomeNonce, "203.0.113.9"))},
		{dns, Unknown, "dns-nat-unproven", private(operatorSees(OutcomeInside, "203.0.113.9"))},
		{dns, Pass, "dns-nat", private(heardInside("203.0.113.9"))},
		{dns + ":rc1", Pass, "dns-nat", private(func(w *workspace.Workspace, e *Evidence) {
			heardInside("203.0.113.9")(w, e)
			lookup(found("203.0.113.9"))(w, e)
		})},
		{dns, Fail, "dns-none", onDomain(func(n *Name) { n.Lookups[Operator] = Lookup{State: LookupNone} })},
		{dns + ":rc1", Warn, "dns-none-on-host", lookup(Lookup{State: LookupNone})},
		{dns, Fail, "dns-wrong", operatorSees(OutcomeRefused, "203.0.113.9")},
		{dns + ":rc1", Warn, "dns-wrong-on-host", func(w *workspace.Workspace, e *Evidence) {
			operatorSees(OutcomeRefused, "192.0.2.13")(w, e)
			lookup(found("203.0.113.9"))(w, e)
		}},
		{dns + ":rc1", Warn, "dns-wrong-on-host", func(w *workspace.Workspace, e *Evidence) { // /etc/hosts of Debian
			operatorSees(OutcomeRefused, "192.0.2.13")(w, e)
			lookup(found("127.0.0.1"))(w, e)
		}},
		{dns + ":edge", Pass, "dns-split", onDomain(func(n *Name) { n.Lookups["edge"] = found("127.0.0.1") })},
		{dns, Fail, "dns-partly", operatorSees(OutcomeTimeout, "192.0.2.13", "2001:db8::13")},
		{dns, Fail, "dns-partly", private(func(w *workspace.Workspace, e *Evidence) { // one is passed on, the other is not
			operatorSees(OutcomeNonce, "203.0.113.9", "203.0.113.10")(w, e)
			e.domain(func(n *Name) {
				for port, probes := range n.Ports {
					n.Ports[port] = []Probe{probes[0], {Outcome: OutcomeRefused, Address: probes[1].Address}}
				}
			})
		})},
		{dns, Pass, "dns-nat", operatorSees(OutcomeNonce, "192.0.2.13", "2001:db8::13")}, // two ways, both of which lead to it
		{dns + ":rc1", Warn, "dns-wrong-on-host", private(func(w *workspace.Workspace, e *Evidence) { // an old answer, where the right one was proven
			operatorSees(OutcomeNonce, "203.0.113.9")(w, e)
			e.host("edge", func(h *Host) { h.Addresses = append(h.Addresses, addrs("192.0.2.13")...) })
			lookup(found("203.0.113.10"))(w, e)
		})},
		{dns, Fail, "dns-cdn-acme", operatorSees(OutcomeOther, "104.16.1.1", "2606:4700::1")},
		// Rocket.Chat answers through a content delivery network, too.
		{dns, Fail, "dns-cdn-acme", heardInside("104.16.1.1")},
		{dns, Warn, "dns-cdn", tls(workspace.TLSFiles, operatorSees(OutcomeOther, "104.16.1.1"))},
		{dns, Warn, "dns-front", tls(workspace.TLSNone, operatorSees(OutcomeOther, "203.0.113.9"))},
		{dns, Unknown, "dns-proxy-unknown", func(w *workspace.Workspace, e *Evidence) {
			w.Hosts[3].Address, w.Hosts[3].PrivateIP = "edge.lan", ""
			e.host("edge", func(h *Host) { h.Addresses = nil })
			operatorSees(OutcomeRefused, "203.0.113.9")(w, e)
		}},
		{dns, Unknown, "dns-failed", onDomain(func(n *Name) { n.Lookups[Operator] = Lookup{State: LookupFailed, Detail: "i/o timeout"} })},
		{dns, Unknown, "dns-failed", operatorSees(OutcomeNonce)},
		{dns, Unknown, "dns-not-asked", onDomain(func(n *Name) { delete(n.Lookups, Operator) })},
		{"domain:graphs.example.com:dns", Unknown, "dns-not-asked", func(w *workspace.Workspace, _ *Evidence) {
			w.Grafana.Mode, w.Grafana.Domain = workspace.GrafanaSubdomain, "graphs.example.com"
		}},

		{name443, Pass, "name-reached", namePort(ready, nonce)},
		{name443, Pass, "name-reached", namePort(httpsOurs, Probe{Outcome: OutcomeSilence, Service: ServiceRight})},
		{name443, Pass, "name-redirects", namePort(httpsOurs, Probe{Outcome: OutcomeSilence, Service: ServiceRedirect})},
		{name443, Fail, "name-another", namePort(httpsOurs, Probe{Outcome: OutcomeSilence, Service: ServiceAnother})},
		{name443, Unknown, "name-not-asked", namePort(httpsOurs, Probe{Outcome: OutcomeSilence})},
		{name443, Warn, "name-silent", namePort(httpsOurs, Probe{Outcome: OutcomeOpened, Service: ServiceSilent})},
		{name443, Fail, "name-intercepted", namePort(httpsOurs, Probe{Outcome: OutcomeSilence, Service: ServiceWrong})},
		{name443, Fail, "name-intercepted", namePort(ready, Probe{Outcome: OutcomeOther})},
		{name443, Unknown, "name-not-asked", namePort(ready, Probe{Outcome: OutcomeOpened})},
		{name443, Fail, "name-filtered", namePort(ready, Probe{Outcome: OutcomeTimeout, After: 5 * time.Second})},
		{name443, Fail, "name-refused", namePort(ready, refused)},
		{name443, Fail, "name-unreachable", namePort(ready, Probe{Outcome: OutcomeNoRoute})},
		{name443, Fail, "name-refused", namePort(ready, nonce, refused)}, // the worst of its addresses
		{name443, Fail, "name-unreachable", namePort(ready, nonce, Probe{Outcome: OutcomeUnreachable, Address: "192.0.2.14:443"})},
		{name443, Fail, "name-unreachable", namePort(ready, Probe{Outcome: OutcomeUnreachable, Address: "[2001:db8::13]:443"})},
		{name443, Warn, "name-ipv6-unseen", namePort(ready, nonce, Probe{Outcome: OutcomeUnreachable, Address: "[2001:db8::13]:443", Detail: "network is unreachable"})},
		{name443, Unknown, "name-nothing-listened", namePort(Listener{}, refused)},
		{name443, Warn, "name-refused-unheard", namePort(Listener{Result: ListenVacant}, refused)},
		{name443, Fail, "name-filtered", namePort(Listener{Result: ListenVacant}, Probe{Outcome: OutcomeTimeout, After: 5 * time.Second})},
		{name443, Fail, "name-elsewhere", namePort(Listener{Result: ListenVacant}, Probe{Outcome: OutcomeOpened})},
		{name443, Unknown, "name-nothing-listened", namePort(theirs, Probe{Outcome: OutcomeOther})},
		{name443, Unknown, "name-nothing-listened", namePort(Listener{}, nonce)},
		{name443, Warn, "name-no-vantage", namePort(ready, Probe{Outcome: OutcomeInside})},
		{name443, Unknown, "name-cannot-tell", namePort(ready, Probe{Outcome: OutcomeCannotTell})},
		{name443, Unknown, "name-not-tried", namePort(ready, Probe{})},

		{caa, Pass, "caa-none", same},
		{caa, Pass, "caa-allows", records(CAA{State: LookupFound, Issuers: []string{"pki.goog", "LetsEncrypt.org; validationmethods=tls-alpn-01"}})},
		{caa, Pass, "caa-allows", records(CAA{State: LookupFound, Issuers: []string{"letsencrypt.org;validationmethods=dns-01", "letsencrypt.org"}})},
		{caa, Fail, "caa-method", records(CAA{State: LookupFound, At: "example.com", Issuers: []string{"letsencrypt.org; validationmethods=dns-01,http-01"}})},
		{caa, Warn, "caa-account", records(CAA{State: LookupFound, At: "example.com", Issuers: []string{"letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/1"}})},
		{caa, Fail, "caa-critical", records(CAA{State: LookupFound, At: "example.com", Issuers: []string{"letsencrypt.org"}, Critical: "tbs"})},
		{caa, Fail, "caa-forbids", records(CAA{State: LookupFound, At: "example.com", Issuers: []string{"digicert.com"}})},
		{caa, Fail, "caa-forbids", records(CAA{State: LookupFound, Issuers: []string{";"}})},
		{caa, Warn, "caa-other-authority", tls(workspace.TLSACME, records(CAA{State: LookupFound, Issuers: []string{"digicert.com"}}))},
		{caa, Unknown, "caa-failed", records(CAA{State: LookupFailed, Detail: "SERVFAIL"})},
		{caa, Unknown, "caa-not-asked", records(CAA{})},

		{"release:exists", Pass, "release-exists", same},
		{"release:exists", Fail, "release-missing", onRelease(func(r *Release) { r.Exists = No })},
		{"release:exists", Unknown, "release-exists-unknown", onRelease(func(r *Release) { r.Exists, r.Detail = NotKnown, "connection refused" })},
		{"release:support", Pass, "support-lasts", same},
		{"release:support", Warn, "support-ends", func(_ *workspace.Workspace, e *Evidence) { e.At = time.Date(2027, time.July, 20, 0, 0, 0, 0, time.UTC) }},
		{"release:support", Warn, "support-ended", onRelease(func(r *Release) { r.Support = release.SupportNo })},
		{"release:support", Warn, "support-unknown", onRelease(func(r *Release) { r.Support, r.SupportUntil = release.SupportUnknown, time.Time{} })},
		{"release:support", Unknown, "support-not-asked", onRelease(func(r *Release) { r.SupportAsked = false })},
		{"release:support", Unknown, "support-not-asked", func(_ *workspace.Workspace, e *Evidence) { e.At = time.Time{} }},
		{"release:mongodb", Pass, "mongodb-fits", same},
		{"release:mongodb", Pass, "mongodb-fits", func(w *workspace.Workspace, _ *Evidence) { w.Database.MongoDBVersion = "8.0.15" }},
		{"release:mongodb", Fail, "mongodb-unfit", func(w *workspace.Workspace, _ *Evidence) { w.Database.MongoDBVersion = "7.0" }},
		{"release:mongodb", Fail, "mongodb-unfit", onRelease(func(r *Release) { r.MongoDB = []string{"8.2"} })},
		{"release:mongodb", Unknown, "mongodb-version-unknown", func(w *workspace.Workspace, _ *Evidence) { w.Database.External = true }},
		{"release:mongodb", Pass, "mongodb-fits", func(w *workspace.Workspace, e *Evidence) {
			w.Database.External, e.Release.ExternalMongoDB = true, "8.0.4"
		}},
		{"release:mongodb", Unknown, "mongodb-fit-unknown", func(w *workspace.Workspace, _ *Evidence) { w.Release = "11.0.0" }},
		{fresh, Pass, "running-none", same},
		{fresh, Pass, "running-same", running("8.9.1")},
		{fresh, Pass, "running-older", running("8.5.0")},
		{fresh, Fail, "running-newer", running("8.10.0")},
		{fresh, Unknown, "running-unclear", running("develop")},
		{fresh, Unknown, "running-unknown", onRelease(func(r *Release) { delete(r.Running, "rc1") })},

		{imageDB, Pass, "image-present", imageState(ImagePresent)},
		{imageDB, Pass, "image-pullable", imageState(ImagePullable)},
		{imageDB, Fail, "image-missing", imageState(ImageMissing)},
		{imageDB, Fail, "image-denied", imageState(ImageDenied)},
		{imageDB, Fail, "image-limited", imageState(ImageLimited)},
		{imageDB, Fail, "image-unreachable", imageState(ImageUnreachable)},
		{imageDB, Fail, "image-architecture", imageState(ImageArch)},
		{imageDB, Unknown, "image-not-asked", imageState("")},
		{"image:db", Unknown, "image-not-asked", func(_ *workspace.Workspace, e *Evidence) { e.Images = nil }},
	}
}
