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
		out = append(out, applied(measures(kind, r, fw))...)
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
		out = append(out, undone(measures(kind, r, fw))...)
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

// enable turns a firewall on, on a host where none is active: SSH is let in
// before anything is shut out.
func enable(kind FirewallKind, host string, rules []Rule, fw Firewall) Lines {
	l := Lines{Host: host, Firewall: kind}
	l.Apply = []string{fmt.Sprintf("# rcwizard: turn %s on on %s, with SSH (port %d) left open", kind, host, fw.SSHPort)}
	l.Undo = []string{fmt.Sprintf("# rcwizard: turn %s off again on %s", kind, host)}
	switch kind {
	case UFW:
		for _, source := range sshSources(fw, "any") {
			// In front: ufw may have been off for a rule that shuts it.
			l.Apply = append(l.Apply, fmt.Sprintf("ufw prepend allow proto tcp from %s to any port %d comment 'rcwizard SSH'", source, fw.SSHPort))
		}
		l.Undo = append(l.Undo, "ufw disable")
		for _, r := range rules {
			m := measures(kind, r, fw)
			l.Apply, l.Undo = append(l.Apply, applied(m)...), append(l.Undo, undone(m)...)
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
			fmt.Sprintf(`sed -i '\|^include "%s"$|d' %s`, nftOwnFile, or(fw.File, defaultFile)),
			"rm -f "+nftOwnFile,
		)
	case IPTables, Cloud:
	}
	return l
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

func firewalldOffline(fw Firewall, option, rule string) string {
	return fmt.Sprintf("firewall-offline-cmd%s %s='%s'", firewalldZone(fw.Zone), option, rule)
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
	// nft knows these words itself; others it looks up in /etc/protocols, which a
	// small installation may not have.
	add("meta l4proto { icmp, icmpv6 } accept")
	// A host that gets its IPv6 address from a server would lose it: the answer to
	// what it asked everybody belongs to no connection.
	add("ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept")
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
		nftAppend(`include "`+nftOwnFile+`"`, or(fw.File, defaultFile)),
		"systemctl enable nftables",
	)
}

// nftOwn is the table that rcwizard makes where no firewall is active. Where one
// is, a table of our own would be no use: a packet has to pass all.
const (
	nftOwn     = "inet rcwizard"
	nftOwnFile = "/etc/rcwizard.nft"
)

// nftAppend adds a line to a file, unless it is there already. The file may be
// missing, or end without a newline.
func nftAppend(line, file string) string {
	return fmt.Sprintf(`grep -qsxF '%[1]s' %[2]s || { [ -z "$(tail -c1 %[2]s)" ] || echo; echo '%[1]s'; } >>%[2]s`, line, quote(file))
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
