package check

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everything is a standing that has every entry of a change.
func everything(kind FirewallKind, fw Firewall, rules []Rule) Standing {
	s := Standing{Now: map[string][]string{}, Boot: map[string][]string{}}
	for _, r := range rules {
		for _, m := range measures(kind, r, fw) {
			if !m.boot {
				s.Now[m.place] = append(s.Now[m.place], m.rule)
			}
			if m.boot || kind == UFW {
				s.Boot[m.place] = append(s.Boot[m.place], m.rule)
			}
		}
	}
	return s
}

// Only what is missing is applied, and taken back.
func TestChange(t *testing.T) {
	t.Parallel()
	w := four()
	edges := Edges(w)
	rules := Rules(w, "db", edges)
	nft := Firewall{Chains: []string{"inet filter input"}, File: "/etc/nftables.conf"}
	for _, test := range []struct {
		kind FirewallKind
		fw   Firewall
		// entries are all that db needs.
		entries int
	}{
		{UFW, Firewall{}, 3}, {Firewalld, Firewall{Zone: "public"}, 10}, {NFTables, nft, 6},
	} {
		c := Change(w, "db", edges, test.fw, test.kind, Standing{})
		if c.There != 0 || len(c.Apply) == 0 || len(c.Undo) != len(c.Apply) {
			t.Errorf("%s: %+v", test.kind, c)
		}
		c = Change(w, "db", edges, test.fw, test.kind, everything(test.kind, test.fw, rules))
		if c.There != test.entries || len(c.Apply)+len(c.Undo)+len(c.Loads)+len(c.Places) > 0 {
			t.Errorf("%s, with every rule there: %+v", test.kind, c)
		}
		c = Change(w, "db", edges, test.fw, test.kind, everything(test.kind, test.fw, rules[:1]))
		text := strings.Join(append(c.Apply, c.Undo...), "\n")
		if strings.Contains(text, "10.0.0.11") || !strings.Contains(text, "10.0.0.12") {
			t.Errorf("%s, with rc1's rule there:\n%s", test.kind, text)
		}
	}
	// A rule that is gone after a boot is added to the file alone.
	half := everything(NFTables, nft, rules)
	half.Boot = nil
	c := Change(w, "db", edges, nft, NFTables, half)
	if len(c.Apply) != 3 || len(c.Loads) != 3 || !strings.HasPrefix(c.Apply[0], "sed -i '$a insert rule inet filter input ip saddr 10.0.0.11 ") {
		t.Errorf("%+v", c)
	}
}

func TestZoneOfRule(t *testing.T) {
	t.Parallel()
	fw := Firewall{
		Zone: "public", World: "eth0",
		Zones: ParseZones("public (default)\n  interfaces: eth0\ninternal (active)\n\tinterfaces: eth1 eth2\ndmz\n  sources: 10.0.9.0/24 00:11:22:33:44:55 ipset:x fd00::9\n"),
		Interfaces: map[netip.Addr]string{
			netip.MustParseAddr("10.0.0.10"): "eth2", netip.MustParseAddr("10.0.0.20"): "eth7",
		},
	}
	for _, test := range []struct{ from, source, destination, want string }{
		{"rc1", "10.0.0.11", "10.0.0.10", "internal"},
		{"rc1", "10.0.9.11", "10.0.0.10", "dmz"},
		{"rc1", "fd00::9", "10.0.0.10", "dmz"},
		{"rc1", "10.0.0.11", "10.0.0.20", "public"},
		{World, "", "", "public"},
	} {
		r := Rule{From: test.from}
		r.Source, _ = netip.ParseAddr(test.source)
		r.Destination, _ = netip.ParseAddr(test.destination)
		if got := fw.zone(r); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func TestManaged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fw   Firewall
		want FirewallKind
	}{
		{Firewall{Active: []FirewallKind{UFW, IPTables, NFTables}, Chains: []string{"ip filter INPUT"}}, UFW},
		{Firewall{Active: []FirewallKind{IPTables, NFTables}, Chains: []string{"ip filter INPUT", "ip6 filter INPUT"}}, IPTables},
		{Firewall{Active: []FirewallKind{IPTables, NFTables}, Chains: []string{"ip filter INPUT", "inet filter input"}}, ""},
		{Firewall{Active: []FirewallKind{UFW, Firewalld}}, ""},
		{Firewall{Active: []FirewallKind{NFTables}, Chains: []string{"inet filter input"}}, NFTables},
		{Firewall{}, ""},
	} {
		if got, ok := test.fw.Managed(); got != test.want || ok != (got != "") {
			t.Errorf("%+v: %s, %t", test.fw, got, ok)
		}
	}
}

func TestParseFirewalls(t *testing.T) {
	t.Parallel()
	ufw := ParseUFW(`Added user rules (see 'ufw status' for running firewall):
ufw allow 443,80/tcp comment 'it''s mine'
ufw allow from 10.0.0.9 to 10.0.0.10 port 27017,4222 proto tcp comment 'rcwizard a to b'
ufw limit 22/tcp
(None)
`)
	want := []string{"allow 80,443/tcp", "allow from 10.0.0.9 to 10.0.0.10 port 4222,27017 proto tcp", "limit 22/tcp"}
	if diff := cmp.Diff(want, ufw.Now[""]); diff != "" {
		t.Errorf("ufw (-want +got):\n%s", diff)
	}
	chain := ParseChain(`table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		tcp dport 22 counter packets 5 bytes 300 accept # handle 4
		ip saddr 10.0.0.9 tcp dport { 80, 443 } accept comment "rcwizard, \ and # more" # handle 7
	}
}
insert rule inet filter input tcp dport 1 accept
add rule inet other input tcp dport 2 accept`, "inet filter input")
	for _, rule := range []string{"tcp dport 22 accept", "ip saddr 10.0.0.9 tcp dport { 80, 443 } accept", "tcp dport 1 accept"} {
		if !slices.Contains(chain, rule) {
			t.Errorf("%q is not in %q", rule, chain)
		}
	}
	if slices.Contains(chain, "tcp dport 2 accept") {
		t.Error("a rule of another chain was taken for this one's")
	}
	if got := ParseRichRules("rule a  b\n\nwarning\n"); !slices.Equal(got, []string{"rule a b"}) {
		t.Errorf("%q", got)
	}
}

func TestFirewallRecord(t *testing.T) {
	t.Parallel()
	r, err := ParseFirewallRecord(nil)
	if err != nil || r.Hosts == nil {
		t.Fatal(r, err)
	}
	r.Hosts["db"] = []AppliedChange{{
		FirewallChange: FirewallChange{Host: "db", Firewall: UFW, Apply: []string{"a"}, Undo: []string{"b"}},
		At:             time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Confirmed: true,
		Files: []KeptFile{{Path: "/etc/ufw/user.rules", There: true, Content: []byte("x\x00\n"), After: "aa"}},
	}}
	data, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseFirewallRecord(data)
	if diff := cmp.Diff(r, again); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, damaged := range []string{"{", `{"schema":2}`, `{"schema":1,"hosts":{"db":[{"host":"x","firewall":"ufw"}]}}`, `{"schema":1,"hosts":{"db":[{"host":"db","firewall":"cloud"}]}}`} {
		if _, err := ParseFirewallRecord([]byte(damaged)); err == nil {
			t.Errorf("%s was taken for a record", damaged)
		}
	}
}

// Whatever a firewall prints, no rule of it is longer than a line, and reading
// what was read gives the same.
func FuzzParseFirewalls(f *testing.F) {
	f.Add("ufw allow 80,443/tcp comment 'x'\nufw allow from 10.0.0.9 to any port 2,1 proto tcp\n")
	f.Add("public (active)\n  interfaces: eth0\n  sources: 10.0.0.0/8 fd00::1\n")
	f.Add("\t\ttcp dport { 80, 443 } counter packets 1 bytes 2 accept comment \"x\" # handle 3\n")
	f.Add("insert rule inet filter input tcp dport 1 accept\nrule family=\"ipv4\" accept\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, rule := range ParseUFW(text).Now[""] {
			if again := ParseUFW("ufw " + rule).Now[""]; len(again) != 1 || again[0] != rule {
				t.Errorf("ufw: %q, read again %q", rule, again)
			}
		}
		for _, rule := range ParseRichRules(text) {
			if again := ParseRichRules(rule); len(again) != 1 || again[0] != rule {
				t.Errorf("firewalld: %q, read again %q", rule, again)
			}
		}
		for _, rule := range ParseChain(text, "inet filter input") {
			if strings.ContainsAny(rule, "\n") || rule == "" {
				t.Errorf("nftables: %q", rule)
			}
		}
		for _, z := range ParseZones(text) {
			if z.Name == "" || strings.ContainsAny(z.Name, " \t\n") || slices.ContainsFunc(z.Sources, func(p netip.Prefix) bool { return !p.IsValid() }) {
				t.Errorf("zones: %+v", z)
			}
		}
		if r, err := ParseFirewallRecord([]byte(text)); err == nil && r.Hosts == nil {
			t.Error("a record without hosts")
		}
	})
}
