package check

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// Standing are the rules that a host's firewall has already, as it lists them
// itself, by firewalld's zone or nftables' chain ("" for ufw): those in force,
// and those that will be after a boot.
type Standing struct {
	Now, Boot map[string][]string
}

// has reports whether the measure would change nothing.
func (s Standing) has(m measure) bool {
	rules := s.Now
	if m.boot {
		rules = s.Boot
	}
	return slices.Contains(rules[m.place], m.rule)
}

// FirewallChange is what one host's active firewall lacks.
type FirewallChange struct {
	Host     string       `json:"host"`
	Firewall FirewallKind `json:"firewall"`
	// Apply are the lines to run, in this order; none where every rule is there.
	Apply []string `json:"apply"`
	// Undo takes back what Apply does, and nothing that was there before.
	Undo []string `json:"undo"`
	// Places are firewalld's zones or nftables' chains that Apply changes.
	Places []string `json:"places,omitempty"`
	// Loads are the lines among Apply's that nftables loads at boot, as it will read
	// them.
	Loads []string `json:"-"`
	// There says how many of the entries are in the firewall already.
	There int `json:"there"`
}

// Change is what the host's firewall lacks for the edges. It holds no rule that
// stands already: it is not applied, so it is not taken back either.
func Change(w workspace.Workspace, host string, edges []Edge, fw Firewall, kind FirewallKind, standing Standing) FirewallChange {
	c := FirewallChange{Host: host, Firewall: kind, Apply: []string{}, Undo: []string{}}
	var missing []measure
	for _, r := range Rules(w, host, edges) {
		for _, m := range measures(kind, r, fw) {
			if standing.has(m) {
				c.There++
				continue
			}
			missing = append(missing, m)
			if m.boot && kind == NFTables {
				c.Loads = append(c.Loads, "insert rule "+m.place+" "+nftRule(r))
			}
			if m.place != "" && !slices.Contains(c.Places, m.place) {
				c.Places = append(c.Places, m.place)
			}
		}
	}
	c.Apply = append(c.Apply, added(missing)...)
	c.Undo = append(c.Undo, undone(missing)...)
	return c
}

// Managed is the one program that the host's firewall is managed with, or false
// where none or several are active.
func (f Firewall) Managed() (FirewallKind, bool) {
	active := f.active()
	if len(active) != 1 {
		return "", false
	}
	return active[0], true
}

// Managers are the programs that rules must be given to.
func (f Firewall) Managers() []FirewallKind { return f.active() }

// Unproven are the edges that findings do not prove open.
func Unproven(edges []Edge, findings []Finding) []Edge {
	open := map[string]bool{}
	for _, f := range findings {
		open[f.ID] = f.Verdict == Pass
	}
	return slices.DeleteFunc(slices.Clone(edges), func(e Edge) bool { return open[e.ID()] })
}

// ParseUFW reads what ufw show added prints: the rules that let in, without
// their comments, ports ascending.
func ParseUFW(text string) Standing {
	var rules []string
	for line := range strings.Lines(text) {
		rule, ok := strings.CutPrefix(strings.Join(strings.Fields(line), " "), "ufw ")
		if !ok {
			continue
		}
		rule, _, _ = strings.Cut(rule, " comment '")
		words := strings.Fields(rule)
		for i, word := range words {
			ports, proto, _ := strings.Cut(word, "/")
			if i > 0 && (words[i-1] == "port" || proto != "") && strings.Contains(ports, ",") {
				words[i] = ascending(ports) + word[len(ports):]
			}
		}
		rules = append(rules, strings.Join(words, " "))
	}
	all := map[string][]string{"": rules}
	return Standing{Now: all, Boot: all}
}

// ascending sorts ports that commas part; ranges stay where their first number
// belongs.
func ascending(ports string) string {
	number := func(s string) int {
		first, _, _ := strings.Cut(s, ":")
		n, err := strconv.Atoi(first)
		if err != nil {
			return 0
		}
		return n
	}
	all := strings.Split(ports, ",")
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(number(a), number(b)) })
	return strings.Join(all, ",")
}

// ParseRichRules reads what firewall-cmd --list-rich-rules prints: one rule a
// line.
func ParseRichRules(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if rule := strings.Join(strings.Fields(line), " "); strings.HasPrefix(rule, "rule ") {
			out = append(out, rule)
		}
	}
	return out
}

// ParseZones reads what firewall-cmd --get-active-zones prints: a zone's name
// (with what it is, in brackets, from firewalld 2 on), and below it, indented,
// what is bound to it. Sources that are no addresses (MACs, ip sets) are left out.
func ParseZones(text string) []Zone {
	var out []Zone
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t"):
			out = append(out, Zone{Name: words[0]})
		case len(out) == 0:
		case words[0] == "interfaces:":
			out[len(out)-1].Interfaces = append(out[len(out)-1].Interfaces, words[1:]...)
		case words[0] == "sources:":
			for _, word := range words[1:] {
				if p, err := netip.ParsePrefix(word); err == nil {
					out[len(out)-1].Sources = append(out[len(out)-1].Sources, p)
				} else if a, err := netip.ParseAddr(word); err == nil && a.Zone() == "" {
					out[len(out)-1].Sources = append(out[len(out)-1].Sources, netip.PrefixFrom(a, a.BitLen()))
				}
			}
		}
	}
	return out
}

// ParseChain reads what nft list chain prints, or the lines of a file that nft
// loads: the rules, without counters, comments and handles. A line that adds to the chain
// from outside of it is read as the rule that it adds.
func ParseChain(text, chain string) []string {
	beside := regexp.MustCompile(` counter packets \d+ bytes \d+| comment "[^"]*"| # handle \d+$`)
	var out []string
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		for _, verb := range []string{"insert rule ", "add rule "} {
			if rule, ok := strings.CutPrefix(line, verb+chain+" "); ok {
				line = rule
			}
		}
		if line = beside.ReplaceAllString(line, ""); line != "" {
			out = append(out, line)
		}
	}
	return out
}
