package check

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/workspace"
)

// six is a workspace with IPv6 addresses.
func six() workspace.Workspace {
	w := four()
	for i := range w.Hosts {
		w.Hosts[i].PrivateIP = "fd00::1" + string(rune('0'+i))
	}
	return w
}

func TestFirewallLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w  workspace.Workspace
		fw Firewall
	}{
		"ufw":       {four(), Firewall{Active: []FirewallKind{NFTables, IPTables, UFW}, Seen: true}},
		"firewalld": {four(), Firewall{Active: []FirewallKind{Firewalld}, Seen: true, Zone: "internal"}},
		"iptables":  {four(), Firewall{Active: []FirewallKind{IPTables}, Seen: true}},
		"nftables":  {four(), Firewall{Active: []FirewallKind{NFTables}, Seen: true, Chains: []string{"inet lab input", "ip filter input"}, File: "/etc/sysconfig/nftables.conf"}},
		"none":      {four(), Firewall{Seen: true, Installed: []FirewallKind{NFTables}, SSHFrom: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}},
		"ipv6":      {six(), Firewall{Active: []FirewallKind{IPTables, NFTables}, Seen: true, Chains: []string{"ip6 filter INPUT"}, File: "/etc/nftables.conf"}},
		"ipv6-ufw":  {six(), Firewall{Active: []FirewallKind{UFW, Firewalld}, Seen: true}},
		"ipv6-none": {six(), Firewall{}},
		"one-host":  {one(), Firewall{Active: []FirewallKind{UFW}, Seen: true}},
	} {
		var b bytes.Buffer
		for _, host := range c.w.HostNames() {
			if err := WriteFirewall(&b, FirewallLines(c.w, host, Edges(c.w), c.fw)); err != nil {
				t.Fatal(err)
			}
			b.WriteByte('\n')
		}
		golden(t, "firewall-"+name, b.Bytes())
	}
}

func TestRulesAreFew(t *testing.T) {
	t.Parallel()
	w := four()
	rules := Rules(w, "db", Edges(w))
	if len(rules) != 3 { // rc1, rc2, edge; itself needs none
		t.Fatalf("%+v", rules)
	}
	if r := rules[0]; r.From != "rc1" || !slices.Equal(r.Ports, []int{4222, 27017}) || r.Source.String() != "10.0.0.11" || r.Destination.String() != "10.0.0.10" {
		t.Errorf("%+v", r)
	}
	if rules = Rules(w, "edge", Edges(w)); len(rules) != 1 || rules[0].From != World || rules[0].Source.IsValid() {
		t.Errorf("%+v", rules)
	}
	w.Hosts[1].PrivateIP = ""
	for _, r := range Rules(w, "db", Edges(w)) {
		if r.From == "rc1" || r.From != World && !r.Source.IsValid() {
			t.Errorf("a source that is not known became %+v", r)
		}
	}
	w = one()
	if rules = Rules(w, "box", Edges(w)); len(rules) != 1 || !slices.Equal(rules[0].Ports, []int{80, 443}) {
		t.Errorf("%+v", rules)
	}
}

// ufw and iptables refuse a rule with more than fifteen ports.
func TestManyPorts(t *testing.T) {
	t.Parallel()
	r := Rule{Host: "rc1", From: "edge", Source: netip.MustParseAddr("10.0.0.13"), Destination: netip.MustParseAddr("10.0.0.11")}
	for port := 3000; port < 3031; port++ {
		r.Ports = append(r.Ports, port)
	}
	for kind, want := range map[FirewallKind]int{UFW: 3, IPTables: 3 + 1, NFTables: 2} {
		all := measures(kind, r, Firewall{}.assumed())
		text := strings.Join(append(applied(all), undone(all)...), "\n")
		if len(all) != want || !strings.Contains(text, "3000") || !strings.Contains(text, "3030") {
			t.Errorf("%s: %d measures\n%s", kind, len(all), text)
		}
		for line := range strings.Lines(text) {
			if kind != NFTables && strings.Contains(line, "3014") && strings.Contains(line, "3015") {
				t.Errorf("%s: more ports in one rule than it takes: %s", kind, line)
			}
		}
	}
}

// TestSSHIsKept: nothing is shut before SSH is open, and what only adds rules
// shuts nothing.
func TestSSHIsKept(t *testing.T) {
	t.Parallel()
	w := four()
	shuts := []string{"ufw --force enable", "policy drop", "enable --now firewalld"}
	for _, host := range w.HostNames() {
		port := "22"
		if host == "edge" {
			port = "2222"
		}
		for _, l := range FirewallLines(w, host, Edges(w), Firewall{Seen: true}) {
			if l.Firewall == Cloud {
				continue
			}
			first := func(what func(string) bool) int { return slices.IndexFunc(l.Apply, what) }
			ssh := first(func(s string) bool {
				return !strings.HasPrefix(s, "#") && (strings.Contains(s, "port "+port+" ") || strings.Contains(s, `port="`+port+`"`))
			})
			shut := first(func(s string) bool {
				return slices.ContainsFunc(shuts, func(word string) bool { return strings.Contains(s, word) })
			})
			if ssh < 0 && l.Firewall == NFTables {
				ssh = first(func(s string) bool { return strings.Contains(s, "tcp dport "+port+" accept") })
			}
			if l.Firewall == UFW && ssh >= 0 && !strings.HasPrefix(l.Apply[ssh], "ufw prepend ") {
				t.Errorf("%s: a rule that was there comes before %s", host, l.Apply[ssh])
			}
			if ssh < 0 || shut < 0 || ssh > shut {
				t.Errorf("%s, %s: SSH is let in at line %d, and the door shut at line %d", host, l.Firewall, ssh, shut)
			}
		}
		for _, kind := range []FirewallKind{UFW, Firewalld, IPTables, NFTables} {
			for _, l := range FirewallLines(w, host, Edges(w), Firewall{Seen: true, Active: []FirewallKind{kind}})[:1] {
				if !l.Active || l.Firewall != kind {
					t.Errorf("%s comes first, not the active %s", l.Firewall, kind)
				}
				for _, line := range l.Apply {
					if strings.Contains(line, "DROP") || strings.Contains(line, "deny") || strings.Contains(line, "drop") || strings.Contains(line, "delete") {
						t.Errorf("%s: %s", kind, line)
					}
				}
			}
		}
	}
}

func TestCommandsFor(t *testing.T) {
	t.Parallel()
	w := four()
	find := func(p Path) []Edge {
		return slices.DeleteFunc(Edges(w), func(e Edge) bool { return e.Path() != p })
	}
	edge := find(Path{"rc1", "db", 27017})
	for kind, want := range map[FirewallKind]int{UFW: 1, Firewalld: 2, IPTables: 2, NFTables: 2} {
		got := CommandsFor(w, edge, Firewall{Active: []FirewallKind{kind}})
		if len(got) != want || !strings.Contains(got[0], "27017") || strings.Contains(got[0], "4222") || !strings.Contains(got[0], "10.0.0.11") {
			t.Errorf("%s: %q", kind, got)
		}
	}
	if got := CommandsFor(w, edge, Firewall{Seen: true}); got != nil {
		t.Errorf("without a firewall: %q", got)
	}
	if got := CommandsFor(w, find(Path{"db", "db", 27017}), Firewall{Active: []FirewallKind{UFW}}); len(got) != 1 || !strings.Contains(got[0], "from 10.0.0.10 to 10.0.0.10") {
		t.Errorf("to itself: %q", got)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"/opt/a": "/opt/a", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'"} {
		if got := quote(in); got != want {
			t.Errorf("%q became %s", in, got)
		}
	}
}
