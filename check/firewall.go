package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// FirewallKind is a program that people manage a host's firewall with.
type FirewallKind string

// The kinds.
const (
	UFW       FirewallKind = "ufw"
	Firewalld FirewallKind = "firewalld"
	IPTables  FirewallKind = "iptables"
	NFTables  FirewallKind = "nftables"
	// Cloud is a security group: a table for a web page, not commands.
	Cloud FirewallKind = "cloud"
)

// Firewall is what is known of a host's firewall.
type Firewall struct {
	// Active are those that filter; Seen says that all could be looked at, so that
	// none active means that nothing filters on the host.
	Active []FirewallKind
	Seen   bool
	// Installed are those whose commands are there.
	Installed []FirewallKind
	// Chains are nftables' chains that drop what comes in, as "inet filter input",
	// which is also the default: a packet has to pass all of them.
	Chains []string
	// File is what the service nftables loads at boot; empty: it is not known, or
	// nothing does.
	File string
	// Zones are firewalld's zones that have interfaces or sources of their own;
	// Zone is for all others, empty if it is firewalld's default zone.
	Zones []Zone
	Zone  string
	// Interfaces are the names of the interfaces that have an address; World is the
	// one that leads to everybody.
	Interfaces map[netip.Addr]string
	World      string
	// SSHPort is where the SSH server listens; 0: as in the workspace.
	SSHPort int
	// SSHFrom keeps SSH open for these alone; none: for everybody.
	SSHFrom []netip.Prefix
}

// defaultChain and defaultFile are what Debian has of nftables.
const (
	defaultChain = "inet filter input"
	defaultFile  = "/etc/nftables.conf"
)

// assumed are the firewall's properties with the usual in place of what nobody
// looked at.
func (f Firewall) assumed() Firewall {
	if len(f.Chains) == 0 {
		f.Chains = []string{defaultChain}
		f.File = or(f.File, defaultFile)
	}
	return f
}

// active are the active ones that rules must be given to: ufw and firewalld
// write iptables' and nftables' rules themselves.
func (f Firewall) active() []FirewallKind {
	var managers, plain []FirewallKind
	for _, kind := range []FirewallKind{UFW, Firewalld, IPTables, NFTables} {
		switch {
		case !slices.Contains(f.Active, kind):
		case kind == UFW || kind == Firewalld:
			managers = append(managers, kind)
		default:
			plain = append(plain, kind)
		}
	}
	if len(managers) > 0 {
		return managers
	}
	if slices.Contains(plain, IPTables) && len(f.Chains) > 0 && !slices.ContainsFunc(f.Chains, notOfIPTables) {
		return []FirewallKind{IPTables} // which shows as nftables, where it is made of that
	}
	return plain
}

func notOfIPTables(chain string) bool {
	return chain != "ip filter INPUT" && chain != "ip6 filter INPUT"
}

// Rule lets one source in to ports of one host.
type Rule struct {
	Host string `json:"host"`
	// From is the host that connects; World for everybody.
	From string `json:"from"`
	// Source and Destination are addresses; invalid for World.
	Source      netip.Addr `json:"source,omitzero"`
	Destination netip.Addr `json:"destination,omitzero"`
	Ports       []int      `json:"ports"` // ascending
	// Services says what is on these ports.
	Services []string `json:"services"`
}

// comment names rcwizard, so that people know later whose rule it is. It holds
// nothing that a shell or a firewall would read.
func (r Rule) comment() string {
	from := r.From
	if from == World {
		from = "world"
	}
	return fmt.Sprintf("rcwizard %s to %s", from, r.Host)
}

// v6 reports whether the rule is about IPv6 addresses.
func (r Rule) v6() bool { return r.Source.Is6() }

// ports joins the ports.
func (r Rule) ports(sep string) string {
	names := make([]string, len(r.Ports))
	for i, p := range r.Ports {
		names[i] = strconv.Itoa(p)
	}
	return strings.Join(names, sep)
}

// Rules is the smallest set of rules that lets in what the host must let in: one
// for each source. What a host says to itself passes no firewall that was not
// set against that, and has none. Edges may be fewer than all: those that were
// not open.
func Rules(w workspace.Workspace, host string, edges []Edge) []Rule {
	var out []Rule
	for _, e := range edges {
		if e.To != host || e.External || e.Self() {
			continue
		}
		out = addRule(w, out, e)
	}
	for i := range out {
		slices.Sort(out[i].Ports)
	}
	return out
}

// addRule adds the edge to the rule of its source.
func addRule(w workspace.Workspace, rules []Rule, e Edge) []Rule {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.From == e.From })
	if i < 0 {
		r := Rule{Host: e.To, From: e.From}
		if e.From != World {
			from, _ := w.Host(e.From)
			to, _ := w.Host(e.To)
			r.Source, _ = netip.ParseAddr(from.PrivateIP)
			r.Destination, _ = netip.ParseAddr(to.PrivateIP)
			if !r.Source.IsValid() || !r.Destination.IsValid() {
				return rules // the workspace is not valid; a rule without a source would open it to everybody
			}
		}
		rules, i = append(rules, r), len(rules)
	}
	if !slices.Contains(rules[i].Ports, e.Port) {
		rules[i].Ports = append(rules[i].Ports, e.Port)
		rules[i].Services = append(rules[i].Services, e.Service)
	}
	return rules
}

// Lines are what to type on a host as root, for one firewall.
type Lines struct {
	Host     string       `json:"host"`
	Firewall FirewallKind `json:"firewall"`
	// Active says that this firewall was seen filtering. Otherwise the lines turn
	// it on, with SSH left open.
	Active bool `json:"active"`
	// Apply may be typed twice. Each is one line, and a comment begins with #.
	Apply []string `json:"apply"`
	// Undo takes back what Apply does.
	Undo []string `json:"undo"`
}

// FirewallLines is what a host's firewall needs for the edges, the likeliest
// first: for those that are active; or, if none is, for every one that could be
// turned on, those installed first; and always as a cloud's table. A host with
// no edges from others gets lines only to be closed.
func FirewallLines(w workspace.Workspace, host string, edges []Edge, fw Firewall) []Lines {
	rules := Rules(w, host, edges)
	if h, ok := w.Host(host); ok && fw.SSHPort == 0 {
		fw.SSHPort = h.SSH.Port
	}
	if fw.SSHPort == 0 {
		fw.SSHPort = 22
	}
	fw = fw.assumed()
	active := fw.active()
	out := make([]Lines, 0, len(active)+1)
	for _, kind := range active {
		out = append(out, Lines{Host: host, Firewall: kind, Active: true, Apply: allow(kind, rules, fw), Undo: disallow(kind, rules, fw)})
	}
	if len(out) == 0 {
		kinds := []FirewallKind{UFW, Firewalld, NFTables}
		slices.SortStableFunc(kinds, func(a, b FirewallKind) int {
			return installed(fw, b) - installed(fw, a)
		})
		for _, kind := range kinds {
			out = append(out, enable(kind, host, rules, fw))
		}
	}
	return append(out, Lines{Host: host, Firewall: Cloud, Apply: cloud(rules, fw)})
}

func installed(fw Firewall, kind FirewallKind) int {
	if slices.Contains(fw.Installed, kind) {
		return 1
	}
	return 0
}

// CommandsFor is what opens edges that lead to one host, on the firewall that is
// active there: what stands below a red cell. It is empty where it is not known
// what filters. Other than Rules it heeds what a host says to itself.
func CommandsFor(w workspace.Workspace, edges []Edge, fw Firewall) []string {
	if len(fw.active()) == 0 {
		return nil
	}
	fw = fw.assumed()
	var rules []Rule
	for _, e := range edges {
		rules = addRule(w, rules, e)
	}
	for i := range rules {
		slices.Sort(rules[i].Ports)
	}
	kinds := fw.active()
	out := make([]string, 0, len(kinds)*len(rules))
	for _, kind := range kinds {
		for _, r := range rules {
			out = append(out, applied(measures(kind, r, fw))...)
		}
	}
	return savedOnce(out)
}

// closing is what shuts a host that lets everybody in: lines only if no firewall
// is active, because an active one that lets them in has a rule of the
// administrator's that says so.
func closing(w workspace.Workspace, host string, fw Firewall) []string {
	if len(fw.active()) > 0 || !fw.Seen {
		return nil
	}
	for _, l := range FirewallLines(w, host, Edges(w), fw) {
		if !l.Active && l.Firewall != Cloud && slices.Contains(fw.Installed, l.Firewall) {
			return l.Apply
		}
	}
	return nil
}

// cloud is a table for a security group: what to let in, from where.
func cloud(rules []Rule, fw Firewall) []string {
	rows := [][]string{{"DIRECTION", "PROTOCOL", "PORT", "SOURCE", "FOR"}}
	for _, source := range sshSources(fw, "0.0.0.0/0", "::/0") {
		rows = append(rows, []string{"inbound", "TCP", strconv.Itoa(fw.SSHPort), source, "SSH"})
	}
	for _, r := range rules {
		sources := []string{"0.0.0.0/0", "::/0"}
		if r.Source.IsValid() {
			sources = []string{netip.PrefixFrom(r.Source, r.Source.BitLen()).String()}
		}
		for _, source := range sources {
			for _, port := range r.Ports {
				rows = append(rows, []string{"inbound", "TCP", strconv.Itoa(port), source, r.comment()})
			}
		}
	}
	return aligned(rows)
}

// sshSources are the sources that SSH is kept open for.
func sshSources(fw Firewall, everybody ...string) []string {
	if len(fw.SSHFrom) == 0 {
		return everybody
	}
	names := make([]string, len(fw.SSHFrom))
	for i, p := range fw.SSHFrom {
		names[i] = p.String()
	}
	return names
}
