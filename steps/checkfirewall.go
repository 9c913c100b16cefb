package steps

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
)

// filtersScript prints what packets that come in pass, for root: "iptables" if that
// drops any, and then nftables' rules, of each chain the hook and the last one. -t
// leaves out what is in sets.
const filtersScript = `
if command -v iptables >/dev/null && iptables -S INPUT 2>/dev/null | grep -qE -- '-P INPUT DROP|-j (DROP|REJECT)'; then echo iptables; fi
if command -v nft >/dev/null; then
	{ nft -s -t list ruleset 2>/dev/null || nft list ruleset 2>/dev/null || :; } | awk '
$1 == "}" { if (last != "") print last; last = "" }
$1 == "}" || $1 == "table" || $1 == "chain" || /^\t\ttype .* hook / { print; next }
{ last = $0 }'
fi`

// sshPortScript prints the port of this host's own that the SSH connection came to:
// a router in front of it may have another. Without one it is what the server says.
const sshPortScript = `
set -- ${SSH_CONNECTION:-}
if [ $# -ge 4 ]; then echo "$4"; else sshd -T 2>/dev/null | sed -n 's/^port //p' | head -n 1; fi`

// nftFileScript prints the file that the service nftables loads at boot: Debian's
// is /etc/nftables.conf, Red Hat's /etc/sysconfig/nftables.conf, and an
// administrator's unit may say another. Nothing, where there is no such service
// or it is not started at boot.
const nftFileScript = `
case $(systemctl is-enabled nftables.service 2>/dev/null) in disabled | masked*) exit 0 ;; esac
unit=$(systemctl cat nftables.service 2>/dev/null) || for u in /etc /usr/local/lib /usr/lib /lib; do
	u=$u/systemd/system/nftables.service
	if [ -r "$u" ]; then unit=$(cat "$u"); break; fi
done
printf '%s\n' "$unit" | sed -n 's/^ExecStart=.*nft .*-f *\([^ ]*\).*/\1/p' | tail -n 1`

// worldScript prints the interface that leads to everybody.
const worldScript = `
ip -o route get 192.0.2.1 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1`

// firewallOf adds to what is known of the host's firewall what rules for it have
// to name, where rcwizard can see it.
func firewallOf(ctx context.Context, h remote.Host, f facts.Facts, seen *check.Host) {
	fw := &seen.Firewall
	ask := func(script string, root bool) (string, bool) {
		res, err := h.Run(ctx, remote.Command{Script: script, Root: root})
		if err != nil || res.Code != 0 {
			return "", false
		}
		return strings.TrimSpace(res.Stdout), true
	}
	said, _ := ask(sshPortScript, false)
	if port, err := strconv.Atoi(said); err == nil && port > 0 && port < 1<<16 {
		fw.SSHPort = port
	}
	// The facts were gathered without a password.
	if !fw.Seen && seen.Sudo != check.SudoPassword {
		return
	}
	filters, looked := ask(filtersScript, true)
	fw.Seen = fw.Seen || looked
	add := func(kind check.FirewallKind) {
		if !slices.Contains(fw.Active, kind) {
			fw.Active = append(fw.Active, kind)
		}
	}
	if first, _, _ := strings.Cut(filters, "\n"); first == "iptables" {
		add(check.IPTables)
	}
	if fw.Chains = check.ParseDropChains(filters); len(fw.Chains) > 0 {
		add(check.NFTables)
	}
	if slices.Contains(fw.Active, check.NFTables) {
		if file, _ := ask(nftFileScript, true); strings.HasPrefix(file, "/") && !strings.ContainsAny(file, "'\"\\ \n") {
			fw.File = file
		}
	}
	if slices.Contains(fw.Active, check.Firewalld) {
		zones, _ := ask("firewall-cmd --get-active-zones", true)
		fw.Zones = check.ParseZones(zones)
		fw.Zone, _ = ask("firewall-cmd --get-default-zone", true)
		fw.World, _ = ask(worldScript, true)
		fw.Interfaces = map[netip.Addr]string{}
		for _, a := range f.Addresses {
			fw.Interfaces[a.Prefix.Addr().Unmap()] = a.Interface
		}
	}
}
