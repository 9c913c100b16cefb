package check

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// LookupState is how asking for a name's addresses ended.
type LookupState string

// The states. The zero value: it was not asked.
const (
	LookupFound  LookupState = "found"
	LookupNone   LookupState = "none"   // the name does not exist, or has no address
	LookupFailed LookupState = "failed" // no answer
)

// Lookup is what a resolver said.
type Lookup struct {
	State     LookupState
	Addresses []netip.Addr // A and AAAA
	Detail    string
}

// CAA is what the DNS says about who may issue certificates.
type CAA struct {
	State LookupState
	// At is the name that has the records: the one asked for, or one above it.
	At string
	// Issuers are the authorities of all issue records; without any, everyone may.
	Issuers []string
	// Critical is the tag of a record of which it is said that an authority that
	// does not understand it must not issue, if there is one that is no standard.
	Critical string
	Detail   string
}

// Name is what is known of one DNS name.
type Name struct {
	// Lookups by where was asked: a host's name, or Operator.
	Lookups map[string]Lookup
	CAA     CAA
	// Ports say how connecting to the name from outside went, by the port: one
	// probe for each address that the operator was given for it (Probe.Address).
	Ports map[int][]Probe
	// Public are addresses of the name at which the proxy was heard from within the
	// cluster, although its host need not have them: something in front of it, a
	// router or a content delivery network, passes connections on.
	Public []netip.Addr
}

// Operator is where rcwizard runs, among the places that lookups are made from.
const Operator = ""

// DomainNames are the names that must lead to the proxy.
func DomainNames(w workspace.Workspace) []string {
	names := []string{w.Domain}
	if w.Grafana.Mode == workspace.GrafanaSubdomain {
		names = append(names, w.Grafana.Domain)
	}
	return names
}

// Domain judges the names that lead to the proxy: from the operator, from each
// host, and over the ports.
func Domain(w workspace.Workspace, e Evidence) []Finding {
	var out []Finding
	for _, name := range DomainNames(w) {
		j := nameJudge{w: w, e: e, name: name, seen: e.Names[name]}
		out = append(out, j.lookup(Operator))
		for _, h := range w.Hosts {
			out = append(out, j.lookup(h.Name))
		}
		out = append(out, j.port(w.Proxy.HTTPPort))
		if w.TLS.Mode != workspace.TLSNone {
			out = append(out, j.port(w.Proxy.HTTPSPort))
		}
		if w.TLS.Mode.UsesACME() {
			out = append(out, j.caa())
		}
	}
	return out
}

type nameJudge struct {
	w    workspace.Workspace
	e    Evidence
	name string
	seen Name
}

func (j nameJudge) find(what string, v Verdict, kind Kind, pairs ...string) Finding {
	fill := values{"name": j.name, "proxy": j.w.Proxy.Host, "proxy-addresses": addressList(j.proxyAddresses())}
	for i := 0; i+1 < len(pairs); i += 2 {
		fill[pairs[i]] = pairs[i+1]
	}
	return finding("domain:"+j.name+":"+what, v, kind, fill)
}

// proxyAddresses are the addresses that the proxy's host itself has.
func (j nameJudge) proxyAddresses() []netip.Addr {
	var out []netip.Addr
	add := func(a netip.Addr) {
		if a = a.Unmap(); a.IsValid() && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	for _, a := range j.e.Hosts[j.w.Proxy.Host].Addresses {
		add(a)
	}
	h := j.w.ProxyHost()
	for _, text := range []string{h.Address, h.PrivateIP} {
		if a, err := netip.ParseAddr(text); err == nil {
			add(a)
		}
	}
	return out
}

// lookup judges what the name is, seen from one place.
func (j nameJudge) lookup(from string) Finding {
	l := j.seen.Lookups[from]
	what, where := "dns:"+from, from
	if from == Operator {
		what, where = "dns", "this machine"
	}
	var right, elsewhere, wrong []netip.Addr
	proxy := j.proxyAddresses()
	for _, a := range l.Addresses {
		a = a.Unmap()
		if slices.Contains(proxy, a) && (!a.IsLoopback() || from == j.w.Proxy.Host) {
			right = append(right, a)
			continue
		}
		elsewhere = append(elsewhere, a)
		if j.reached(a) {
			right = append(right, a)
		} else {
			wrong = append(wrong, a)
		}
	}
	find := func(v Verdict, kind Kind) Finding {
		f := j.find(what, v, kind, "where", where, "found", joined(l.Addresses), "wrong", joined(wrong), "elsewhere", joined(elsewhere), "right", joined(right), "detail", said(l.Detail))
		f.From = from
		return f
	}
	switch l.State {
	case LookupFound:
	case LookupNone:
		if from == Operator {
			return find(Fail, "dns-none")
		}
		return find(Warn, "dns-none-on-host")
	case LookupFailed:
		return find(Unknown, "dns-failed")
	default:
		f := find(Unknown, "dns-not-asked")
		if from != Operator {
			f.Because = because(j.e, from)
		}
		return f
	}
	switch {
	case len(l.Addresses) == 0:
		return find(Unknown, "dns-failed")
	case len(elsewhere) == 0:
		if from != Operator && j.differs(l) {
			return find(Pass, "dns-split")
		}
		return find(Pass, "dns-right")
	case len(elsewhere) == len(l.Addresses) && allCDN(elsewhere) && j.w.TLS.Mode.UsesACME():
		return find(Fail, "dns-cdn-acme")
	case len(elsewhere) == len(l.Addresses) && allCDN(elsewhere):
		return find(Warn, "dns-cdn")
	case len(wrong) == 0:
		return find(Pass, "dns-nat")
	case len(right) > 0:
		return find(Fail, "dns-partly")
	case j.w.TLS.Mode == workspace.TLSNone:
		return find(Warn, "dns-front")
	case from != Operator:
		return find(Warn, "dns-wrong-on-host")
	case len(proxy) == 0:
		return find(Unknown, "dns-proxy-unknown")
	case !slices.ContainsFunc(proxy, IsPublic):
		return find(Unknown, "dns-nat-unproven")
	}
	return find(Fail, "dns-wrong")
}

// differs reports whether the operator was told other addresses.
func (j nameJudge) differs(l Lookup) bool {
	operator := j.seen.Lookups[Operator]
	return operator.State == LookupFound && joined(operator.Addresses) != joined(l.Addresses)
}

// reached reports whether the proxy itself was heard at an address of the name that
// its host does not have.
func (j nameJudge) reached(a netip.Addr) bool {
	if slices.Contains(j.seen.Public, a) {
		return true
	}
	for _, port := range []int{j.w.Proxy.HTTPSPort, j.w.Proxy.HTTPPort} {
		for _, p := range j.seen.Ports[port] {
			if at, err := netip.ParseAddrPort(p.Address); err == nil && at.Addr().Unmap() == a && j.heard(port, p) {
				return true
			}
		}
	}
	return false
}

// heard reports whether a probe proves that it was the proxy that answered.
func (j nameJudge) heard(port int, p Probe) bool {
	l := j.e.Listeners[Place{Host: j.w.Proxy.Host, Scope: workspace.ScopeAll, Port: port}]
	return p.Outcome == OutcomeNonce && l.Result == ListenReady ||
		p.Outcome.opened() && l.Result == ListenInUse && l.Owner == OwnerUs && p.Service == ServiceRight
}

// port judges whether the name leads to the proxy over one port, by all of its
// addresses: that which is worst off is told.
func (j nameJudge) port(port int) Finding {
	probes := j.seen.Ports[port]
	if len(probes) == 0 {
		return j.address(port, Probe{}, false)
	}
	heard := slices.ContainsFunc(probes, func(p Probe) bool { return j.heard(port, p) })
	worst := j.address(port, probes[0], heard)
	for _, p := range probes[1:] {
		if f := j.address(port, p, heard); f.Verdict.rank() > worst.Verdict.rank() {
			worst = f
		}
	}
	return worst
}

// address judges one address of the name over one port. elsewhere says that the
// proxy was heard at another.
func (j nameJudge) address(port int, p Probe, elsewhere bool) Finding {
	place := Place{Host: j.w.Proxy.Host, Scope: workspace.ScopeAll, Port: port}
	l := j.e.Listeners[place]
	find := func(v Verdict, kind Kind) Finding {
		f := j.find(strconv.Itoa(port), v, kind, "port", strconv.Itoa(port), "address", or(p.Address, j.name+" port "+strconv.Itoa(port)), "after", seconds(p.After), "detail", said(p.Detail))
		f.Port = port
		return f
	}
	listens := l.Result == ListenReady || l.Result == ListenInUse && l.Owner == OwnerUs
	switch o := p.Outcome; {
	case o == OutcomeInside:
		return find(Warn, "name-no-vantage")
	case o == "":
		f := find(Unknown, "name-not-tried")
		f.Because = because(j.e, j.w.Proxy.Host)
		return f
	case j.heard(port, p):
		return find(Pass, "name-reached")
	case o == OutcomeTimeout:
		return find(Fail, "name-filtered")
	case (o == OutcomeNoRoute || o == OutcomeUnreachable) && elsewhere && isIPv6(p.Address):
		return find(Warn, "name-ipv6-unseen")
	case o == OutcomeNoRoute || o == OutcomeUnreachable:
		return find(Fail, "name-unreachable")
	case l.Result == ListenVacant && o == OutcomeRefused:
		return find(Warn, "name-refused-unheard")
	case l.Result == ListenVacant && o.opened():
		return find(Fail, "name-elsewhere")
	case !listens && (o == OutcomeRefused || o.opened()):
		f := find(Unknown, "name-nothing-listened")
		f.Because = place.ID()
		return f
	case o == OutcomeRefused:
		return find(Fail, "name-refused")
	case o.opened() && l.Result == ListenInUse && p.Service == "":
		return find(Unknown, "name-not-asked")
	case o == OutcomeOpened && p.Service == "":
		return find(Unknown, "name-not-asked")
	case o.opened() && l.Owner == OwnerUs && p.Service == ServiceRedirect:
		return find(Pass, "name-redirects")
	case o.opened() && l.Owner == OwnerUs && p.Service == ServiceAnother:
		return find(Fail, "name-another")
	case o.opened() && l.Owner == OwnerUs && p.Service == ServiceSilent:
		return find(Warn, "name-silent")
	case o.opened():
		return find(Fail, "name-intercepted")
	}
	return find(Unknown, "name-cannot-tell")
}

func isIPv6(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().Unmap().Is6()
}

// letsEncrypt is how CAA records name Let's Encrypt.
const letsEncrypt = "letsencrypt.org"

// caa judges whether the authority may issue.
func (j nameJudge) caa() Finding {
	c := j.seen.CAA
	find := func(v Verdict, kind Kind) Finding {
		return j.find("caa", v, kind, "issuers", or(strings.Join(c.Issuers, ", "), "none"), "at", or(c.At, j.name), "tag", c.Critical, "detail", said(c.Detail))
	}
	switch {
	case c.State == "":
		return find(Unknown, "caa-not-asked")
	case c.State == LookupFailed:
		return find(Unknown, "caa-failed")
	case c.State == LookupNone:
		return find(Pass, "caa-none")
	case j.w.TLS.Mode == workspace.TLSACME:
		return find(Warn, "caa-other-authority")
	case c.Critical != "":
		return find(Fail, "caa-critical")
	}
	// The record that allows most is the one that counts.
	best, kind := Fail, Kind("caa-forbids")
	for _, issuer := range c.Issuers {
		switch name, account, methods := issuerOf(issuer); {
		case name != letsEncrypt:
		case len(methods) > 0 && !slices.Contains(methods, "tls-alpn-01"):
			if kind == "caa-forbids" {
				kind = "caa-method"
			}
		case account != "":
			best, kind = Warn, "caa-account"
		default:
			return find(Pass, "caa-allows")
		}
	}
	return find(best, kind)
}

// issuerOf reads the value of an issue record: a name, and parameters behind
// semicolons. Of those it knows the account and the ways of validation that the
// authority is bound to (RFC 8657).
func issuerOf(value string) (name, account string, methods []string) {
	name, rest, _ := strings.Cut(value, ";")
	for parameter := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r == ';' || r == ' ' || r == '\t' }) {
		switch key, text, _ := strings.Cut(parameter, "="); strings.ToLower(key) {
		case "accounturi":
			account = text
		case "validationmethods":
			methods = strings.Split(strings.ToLower(text), ",")
		}
	}
	return strings.ToLower(strings.TrimSpace(name)), account, methods
}

// cdn are the networks of which it is published that they answer for others:
// Cloudflare's, www.cloudflare.com/ips. A name in one of them leads to the proxy
// only through it, and an authority that connects to port 443 reaches it, not
// us.
func cdn() []string {
	return []string{
		"173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18",
		"108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17",
		"162.158.0.0/15", "104.16.0.0/13", "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22",
		"2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32",
		"2a06:98c0::/29", "2c0f:f248::/32",
	}
}

func allCDN(addresses []netip.Addr) bool {
	for _, a := range addresses {
		if !slices.ContainsFunc(cdn(), func(network string) bool {
			p, err := netip.ParsePrefix(network)
			return err == nil && p.Contains(a)
		}) {
			return false
		}
	}
	return len(addresses) > 0
}

// joined names addresses, in their own order, so that two answers compare.
func joined(addresses []netip.Addr) string {
	sorted := slices.Clone(addresses)
	slices.SortFunc(sorted, netip.Addr.Compare)
	names := make([]string, len(sorted))
	for i, a := range sorted {
		names[i] = a.Unmap().String()
	}
	return strings.Join(names, ", ")
}
