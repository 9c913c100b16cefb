package check

import (
	"fmt"
	"slices"
	"strings"
)

// allow is what to type where the firewall is already active: rules are added,
// none is taken away, so SSH stays as it is.
func allow(kind FirewallKind, rules []Rule, fw Firewall) []string {
	if len(rules) == 0 {
		return []string{"# rcwizard: nothing has to be let in here"}
	}
	out := []string{fmt.Sprintf("# rcwizard: what %s has to let in, with %s", rules[0].Host, kind)}
	for _, r := range rules {
		out = append(out, permit(kind, r, fw)...)
	}
	return savedOnce(out)
}

// disallow is the undo of allow.
func disallow(kind FirewallKind, rules []Rule, fw Firewall) []string {
	if len(rules) == 0 {
		return nil
	}
	out := []string{fmt.Sprintf("# rcwizard: take the rules of %s back out of %s", rules[0].Host, kind)}
	for _, r := range rules {
		out = append(out, revoke(kind, r, fw)...)
	}
	return savedOnce(out)
}

// savedOnce leaves only the last of the lines that save all of iptables' rules.
func savedOnce(lines []string) []string {
	var out []string
	for i, line := range lines {
		if line != iptablesSave || !slices.Contains(lines[i+1:], line) {
			out = append(out, line)
		}
	}
	return out
}

// permit lets one rule in: now, and after the next boot.
func permit(kind FirewallKind, r Rule, fw Firewall) []string {
	switch kind {
	case UFW:
		// In front of the others: the first rule that matches counts.
		return []string{"ufw prepend allow " + ufwRule(r) + " comment '" + r.comment() + "'"}
	case Firewalld:
		return []string{firewalldBoth(fw, "--add-rich-rule", r)}
	case IPTables:
		var out []string
		for _, command := range iptables(r) {
			spec := iptablesRule(r)
			out = append(out, fmt.Sprintf("%s -C %s 2>/dev/null || %s -I %s", command, spec, command, spec))
		}
		return append(out, iptablesSave)
	case NFTables:
		chain, comment, rule := nftChain(r, fw), nftComment(r), nftRule(r)
		return []string{
			fmt.Sprintf(`nft list chain %s | grep -qF '%s' || nft 'insert rule %s %s'`, chain, comment, chain, rule),
			nftAppend(comment, "insert rule "+chain+" "+rule),
		}
	case Cloud:
	}
	return nil
}

// revoke is the undo of permit.
func revoke(kind FirewallKind, r Rule, fw Firewall) []string {
	switch kind {
	case UFW:
		return []string{"ufw delete allow " + ufwRule(r)}
	case Firewalld:
		return []string{firewalldBoth(fw, "--remove-rich-rule", r)}
	case IPTables:
		var out []string
		for _, command := range iptables(r) {
			out = append(out, fmt.Sprintf("%s -D %s", command, iptablesRule(r)))
		}
		return append(out, iptablesSave)
	case NFTables:
		chain, comment := nftChain(r, fw), nftComment(r)
		return []string{
			fmt.Sprintf(`nft -a list chain %s | sed -n '/%s/s/.*# handle //p' | while read -r h; do nft delete rule %s handle "$h"; done`, chain, comment, chain),
			fmt.Sprintf(`sed -i '/^insert rule .*%s/d' %s`, comment, nftFile),
		}
	case Cloud:
	}
	return nil
}

// enable turns a firewall on, on a host where none is active: SSH is let in
// before anything is shut out.
func enable(kind FirewallKind, host string, rules []Rule, fw Firewall) Lines {
	l := Lines{Host: host, Firewall: kind}
	l.Apply = []string{fmt.Sprintf("# rcwizard: turn %s on on %s, with SSH (port %d) left open", kind, host, fw.SSHPort)}
	l.Undo = []string{fmt.Sprintf("# rcwizard: turn %s off again on %s", kind, host)}
	switch kind {
	case UFW:
		for _, source := range sshSources(fw, "any") {
			l.Apply = append(l.Apply, fmt.Sprintf("ufw allow proto tcp from %s to any port %d comment 'rcwizard SSH'", source, fw.SSHPort))
		}
		l.Undo = append(l.Undo, "ufw disable")
		for _, r := range rules {
			l.Apply = append(l.Apply, permit(kind, r, fw)...)
			l.Undo = append(l.Undo, revoke(kind, r, fw)...)
		}
		l.Apply = append(l.Apply, "ufw default deny incoming", "ufw --force enable")
		for _, source := range sshSources(fw, "any") {
			l.Undo = append(l.Undo, fmt.Sprintf("ufw delete allow proto tcp from %s to any port %d", source, fw.SSHPort))
		}
	case Firewalld:
		l.Undo = append(l.Undo, "systemctl disable --now firewalld")
		for _, rule := range firewalldSSH(fw) {
			l.Apply = append(l.Apply, firewalldOffline(fw, "--add-rich-rule", rule))
			l.Undo = append(l.Undo, firewalldOffline(fw, "--remove-rich-rule", rule))
		}
		for _, r := range rules {
			for _, rule := range firewalldRules(r) {
				l.Apply = append(l.Apply, firewalldOffline(fw, "--add-rich-rule", rule))
				l.Undo = append(l.Undo, firewalldOffline(fw, "--remove-rich-rule", rule))
			}
		}
		l.Apply = append(l.Apply, "systemctl enable --now firewalld")
	case NFTables:
		l.Apply = append(l.Apply, nftTable(rules, fw)...)
		l.Undo = append(l.Undo,
			"nft delete table "+nftOwn,
			fmt.Sprintf(`sed -i '\|^include "%s"$|d' %s`, nftOwnFile, nftFile),
			"rm -f "+nftOwnFile,
		)
	case IPTables, Cloud:
	}
	return l
}

// ufwRule is a rule in ufw's full syntax; ufw writes IPv6's by itself.
func ufwRule(r Rule) string {
	if !r.Source.IsValid() {
		return "proto tcp to any port " + r.ports(",")
	}
	return fmt.Sprintf("proto tcp from %s to %s port %s", r.Source, r.Destination, r.ports(","))
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

func firewalldSSH(fw Firewall) []string {
	if len(fw.SSHFrom) == 0 {
		return []string{fmt.Sprintf(`rule port port="%d" protocol="tcp" accept`, fw.SSHPort)}
	}
	out := make([]string, 0, len(fw.SSHFrom))
	for _, p := range fw.SSHFrom {
		family := "ipv4"
		if p.Addr().Is6() {
			family = "ipv6"
		}
		out = append(out, fmt.Sprintf(`rule family="%s" source address="%s" port port="%d" protocol="tcp" accept`, family, p, fw.SSHPort))
	}
	return out
}

// firewalldBoth changes what is in force and what will be after a boot, in one
// line and without a reload, which would drop rules that others set at run time.
func firewalldBoth(fw Firewall, option string, r Rule) string {
	var b strings.Builder
	b.WriteString(`for p in "" --permanent; do firewall-cmd $p`)
	b.WriteString(firewalldZone(fw))
	for _, rule := range firewalldRules(r) {
		fmt.Fprintf(&b, " %s='%s'", option, rule)
	}
	b.WriteString("; done")
	return b.String()
}

func firewalldOffline(fw Firewall, option, rule string) string {
	return fmt.Sprintf("firewall-offline-cmd%s %s='%s'", firewalldZone(fw), option, rule)
}

func firewalldZone(fw Firewall) string {
	if fw.Zone == "" {
		return ""
	}
	return " --zone=" + quote(fw.Zone)
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

// nftFile is read by the service nftables at boot. A line at its end adds to the
// chains before it.
const nftFile = "/etc/nftables.conf"

// nftOwn is the table that rcwizard makes where no firewall is active. Where one
// is, a table of our own would be no use: a packet has to pass all.
const (
	nftOwn     = "inet rcwizard"
	nftOwnFile = "/etc/rcwizard.nft"
)

// nftChain is the chain for the rule, in the table of its family.
func nftChain(r Rule, fw Firewall) string {
	if rest, ok := strings.CutPrefix(fw.Chain, "ip "); ok && r.v6() {
		return "ip6 " + rest
	}
	return fw.Chain
}

// nftCommentMost is the longest comment that nftables takes.
const nftCommentMost = 120

// nftComment is how the rule is found again: by its ports too, so that a rule
// for other ports is another.
func nftComment(r Rule) string {
	comment := "rcwizard " + r.ports(",") + " from " + or(r.From, "world")
	return `comment "` + comment[:min(len(comment), nftCommentMost)] + `"`
}

// nftAppend adds a line to nftables.conf, unless the mark is there already. The
// file may end without a newline.
func nftAppend(mark, line string) string {
	return fmt.Sprintf(`grep -qsF '%[1]s' %[3]s || { [ -z "$(tail -c1 %[3]s)" ] || echo; echo '%[2]s'; } >>%[3]s`, mark, line, nftFile)
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

// nftTable makes a table of our own. It drops only once all rules are there, and
// is kept in a file that nftables.conf includes.
func nftTable(rules []Rule, fw Firewall) []string {
	out := []string{
		"nft delete table " + nftOwn + " 2>/dev/null || true",
		"nft add table " + nftOwn,
		"nft 'add chain " + nftOwn + " input { type filter hook input priority 0; policy accept; }'",
	}
	add := func(rule string) { out = append(out, "nft 'add rule "+nftOwn+" input "+rule+"'") }
	add("ct state established,related accept")
	add("iif lo accept")
	add("meta l4proto { icmp, ipv6-icmp } accept")
	if len(fw.SSHFrom) == 0 {
		add(fmt.Sprintf(`tcp dport %d accept comment "rcwizard SSH"`, fw.SSHPort))
	}
	for _, p := range fw.SSHFrom {
		family := "ip"
		if p.Addr().Is6() {
			family = "ip6"
		}
		add(fmt.Sprintf(`%s saddr %s tcp dport %d accept comment "rcwizard SSH"`, family, p, fw.SSHPort))
	}
	for _, r := range rules {
		add(nftRule(r))
	}
	return append(out,
		"nft 'chain "+nftOwn+" input { policy drop; }'",
		"nft list table "+nftOwn+" >"+nftOwnFile,
		nftAppend(`include "`+nftOwnFile+`"`, `include "`+nftOwnFile+`"`),
		"systemctl enable nftables",
	)
}

// quote makes one word of the shell's of any text, for sh.
func quote(s string) string {
	const safe = "/._-+:@%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if s != "" && strings.Trim(s, safe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// aligned puts rows into columns, two spaces apart.
func aligned(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	out := make([]string, 0, len(rows))
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell + strings.Repeat(" ", widths[i]-len([]rune(cell))+2))
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	return slices.Clip(out)
}
