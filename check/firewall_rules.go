package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// measure is one entry that one rule needs in a firewall.
type measure struct {
	// place is firewalld's zone or nftables' chain.
	place string
	// boot says that it counts from the next boot on, not now. An entry of ufw's
	// does both.
	boot bool
	// rule is how the firewall itself lists it.
	rule string
	// program, if any, is a command that takes the options of several measures at
	// once; apply and undo are then options, else whole lines.
	program     string
	apply, undo string
	// anew is apply where it is known that the entry is missing; empty: as apply.
	anew string
}

// measures are what a rule needs to hold, now and after the next boot.
func measures(kind FirewallKind, r Rule, fw Firewall) []measure {
	switch kind {
	case UFW:
		parts := r.inParts()
		out := make([]measure, 0, len(parts))
		for _, r := range parts {
			out = append(out, measure{
				rule: ufwListed(r),
				// In front of the others: the first rule that matches counts.
				apply: "ufw prepend allow " + ufwRule(r) + " comment '" + r.comment() + "'",
				undo:  "ufw delete allow " + ufwRule(r),
			})
		}
		return out
	case Firewalld:
		return firewalldMeasures(r, fw)
	case IPTables:
		var out []measure
		for _, r := range r.inParts() {
			for _, command := range iptables(r) {
				spec := iptablesRule(r)
				out = append(out, measure{
					apply: fmt.Sprintf("%s -C %s 2>/dev/null || %s -I %s", command, spec, command, spec),
					undo:  fmt.Sprintf("%s -D %s", command, spec),
				})
			}
		}
		return append(out, measure{boot: true, apply: iptablesSave, undo: iptablesSave})
	case NFTables:
		return nftMeasures(r, fw)
	case Cloud:
	}
	return nil
}

// multiportMost is how many ports one rule of iptables' takes (its match multiport),
// and so one of ufw's.
const multiportMost = 15

// inParts are rules that together say the same, none with too many ports.
func (r Rule) inParts() []Rule {
	var out []Rule
	for ports := range slices.Chunk(r.Ports, multiportMost) {
		part := r
		part.Ports = ports
		out = append(out, part)
	}
	return out
}

// applied are the lines that take the measures and may be typed twice, added those
// for measures that are missing for sure, undone those that take them back.
func applied(all []measure) []string {
	return commands(all, func(m measure) string { return m.apply })
}

func added(all []measure) []string {
	return commands(all, func(m measure) string { return or(m.anew, m.apply) })
}

func undone(all []measure) []string {
	return commands(all, func(m measure) string { return m.undo })
}

func commands(all []measure, of func(measure) string) []string {
	var out []string
	program := ""
	for _, m := range all {
		switch m.program {
		case "":
			out = append(out, of(m))
		case program:
			out[len(out)-1] += " " + of(m)
		default:
			out = append(out, m.program+" "+of(m))
		}
		program = m.program
	}
	return out
}

// ufwRule is a rule in ufw's full syntax; ufw writes IPv6's by itself.
func ufwRule(r Rule) string {
	if !r.Source.IsValid() {
		return "proto tcp to any port " + r.ports(",")
	}
	return fmt.Sprintf("proto tcp from %s to %s port %s", r.Source, r.Destination, r.ports(","))
}

// ufwListed is the rule as ufw show added says it, without ufw and the comment.
func ufwListed(r Rule) string {
	if !r.Source.IsValid() {
		return "allow " + r.ports(",") + "/tcp"
	}
	return fmt.Sprintf("allow from %s to %s port %s proto tcp", r.Source, r.Destination, r.ports(","))
}

// Zone is one of firewalld's zones with what is bound to it.
type Zone struct {
	Name       string
	Interfaces []string
	Sources    []netip.Prefix
}

// zone is where a rule belongs: a source that is bound to a zone comes before
// the interface that its packets arrive at.
func (f Firewall) zone(r Rule) string {
	at := f.Interfaces[r.Destination]
	if r.From == World {
		at = f.World
	}
	for _, z := range f.Zones {
		if r.Source.IsValid() && slices.ContainsFunc(z.Sources, func(p netip.Prefix) bool { return p.Contains(r.Source) }) {
			return z.Name
		}
	}
	for _, z := range f.Zones {
		if at != "" && slices.Contains(z.Interfaces, at) {
			return z.Name
		}
	}
	return f.Zone
}

// firewalldMeasures change what is in force and what will be after a boot, each
// by itself: a reload would drop rules that others set at run time.
func firewalldMeasures(r Rule, fw Firewall) []measure {
	rules := firewalldRules(r)
	zone := fw.zone(r)
	out := make([]measure, 0, 2*len(rules))
	for _, program := range []string{"firewall-cmd", "firewall-cmd --permanent"} {
		for _, rule := range rules {
			out = append(out, measure{
				place: zone, boot: program != "firewall-cmd", rule: rule,
				program: program + firewalldZone(zone),
				apply:   "--add-rich-rule='" + rule + "'",
				undo:    "--remove-rich-rule='" + rule + "'",
			})
		}
	}
	return out
}

// firewalldRules are rich rules, one for each port, since a rich rule holds one.
// They hold no comment.
func firewalldRules(r Rule) []string {
	out := make([]string, 0, len(r.Ports))
	for _, port := range r.Ports {
		rule := "rule "
		if r.Source.IsValid() {
			family := "ipv4"
			if r.v6() {
				family = "ipv6"
			}
			rule += fmt.Sprintf(`family="%s" source address="%s" destination address="%s" `, family, r.Source, r.Destination)
		}
		out = append(out, rule+fmt.Sprintf(`port port="%d" protocol="tcp" accept`, port))
	}
	return out
}

func firewalldZone(zone string) string {
	if zone == "" {
		return ""
	}
	return " --zone=" + quote(zone)
}

// iptables are the commands that a rule needs: what is for everybody, both.
func iptables(r Rule) []string {
	switch {
	case !r.Source.IsValid():
		return []string{"iptables", "ip6tables"}
	case r.v6():
		return []string{"ip6tables"}
	}
	return []string{"iptables"}
}

func iptablesRule(r Rule) string {
	from := ""
	if r.Source.IsValid() {
		from = fmt.Sprintf("-s %s -d %s ", r.Source, r.Destination)
	}
	return fmt.Sprintf("INPUT -p tcp %s-m multiport --dports %s -m comment --comment '%s' -j ACCEPT", from, r.ports(","), r.comment())
}

// iptablesSave keeps the rules over a boot, with whichever of the two services
// the distribution has.
const iptablesSave = "if command -v netfilter-persistent >/dev/null; then netfilter-persistent save; " +
	"elif [ -e /etc/sysconfig/iptables ]; then service iptables save && service ip6tables save; " +
	`else echo "nothing here keeps iptables' rules over a boot" >&2; fi`

// nftMeasures put the rule into every chain that could drop its packets: in
// front, and at the end of the file that is loaded at boot, which has made the
// chains by then.
func nftMeasures(r Rule, fw Firewall) []measure {
	var now, boot []measure
	for _, chain := range fw.Chains {
		switch family, _, _ := strings.Cut(chain, " "); family {
		case "ip":
			if r.Source.IsValid() && r.v6() {
				continue
			}
		case "ip6":
			if r.Source.IsValid() && !r.v6() {
				continue
			}
		}
		rule, listed := nftRule(r), nftMatch(r)+" accept"
		insert := "insert rule " + chain + " " + rule
		now = append(now, measure{
			place: chain, rule: listed,
			apply: fmt.Sprintf(`nft list chain %s | grep -qF '%s' || nft '%s'`, chain, rule, insert),
			anew:  "nft '" + insert + "'",
			undo: fmt.Sprintf(`nft -a list chain %s | grep -F '%s' | sed 's/.*# handle //' | while read -r h; do nft delete rule %s handle "$h"; done`,
				chain, rule, chain),
		})
		if fw.File == "" {
			lost := "# nothing was found that loads nftables' rules at boot: keep this one where you keep the others"
			boot = append(boot, measure{place: chain, boot: true, rule: listed, apply: lost, undo: lost})
			continue
		}
		boot = append(boot, measure{
			place: chain, boot: true, rule: listed,
			apply: fmt.Sprintf(`grep -qxF '%[1]s' %[2]s || sed -i '$a %[1]s' %[2]s`, insert, quote(fw.File)),
			anew:  fmt.Sprintf(`sed -i '$a %s' %s`, insert, quote(fw.File)),
			undo:  fmt.Sprintf(`sed -i '\|^insert rule %s %s$|d' %s`, chain, strings.NewReplacer(".", `\.`, "[", `\[`, "*", `\*`).Replace(rule), quote(fw.File)),
		})
	}
	return append(now, boot...)
}

// nftCommentMost is the longest comment that nftables takes.
const nftCommentMost = 120

// nftComment tells people whose rule it is.
func nftComment(r Rule) string {
	comment := "rcwizard " + r.ports(",") + " from " + or(r.From, "world")
	return `comment "` + comment[:min(len(comment), nftCommentMost)] + `"`
}

func nftRule(r Rule) string {
	return nftMatch(r) + " accept " + nftComment(r)
}

func nftMatch(r Rule) string {
	match := "tcp dport " + r.ports(",")
	if len(r.Ports) > 1 {
		match = "tcp dport { " + r.ports(", ") + " }"
	}
	if r.Source.IsValid() {
		family := "ip"
		if r.v6() {
			family = "ip6"
		}
		match = fmt.Sprintf("%s saddr %s %s daddr %s %s", family, r.Source, family, r.Destination, match)
	}
	return match
}
