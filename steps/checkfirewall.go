package steps

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
)

// dropChainsScript prints nftables' chains that drop what comes in: family,
// table, chain.
const dropChainsScript = `nft list chains | awk '
$1 == "table" { t = $2 " " $3 }
$1 == "chain" { c = $2 }
/hook input/ && /policy drop/ { print t " " c }'`

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
func firewallOf(ctx context.Context, h remote.Host, f facts.Facts, fw *check.Firewall) {
	if !fw.Seen {
		return
	}
	ask := func(script string) string {
		res, err := h.Run(ctx, remote.Command{Script: script, Root: true})
		if err != nil || res.Code != 0 {
			return ""
		}
		return strings.TrimSpace(res.Stdout)
	}
	if slices.Contains(fw.Active, check.NFTables) {
		for line := range strings.Lines(ask(dropChainsScript)) {
			if words := strings.Fields(line); len(words) == 3 {
				fw.Chains = append(fw.Chains, strings.Join(words, " "))
			}
		}
		if file := ask(nftFileScript); strings.HasPrefix(file, "/") && !strings.ContainsAny(file, "'\"\\ \n") {
			fw.File = file
		}
	}
	if slices.Contains(fw.Active, check.Firewalld) {
		fw.Zone = ask("firewall-cmd --get-default-zone")
		fw.Zones = check.ParseZones(ask("firewall-cmd --get-active-zones"))
		fw.World = ask(worldScript)
		fw.Interfaces = map[netip.Addr]string{}
		for _, a := range f.Addresses {
			fw.Interfaces[a.Prefix.Addr().Unmap()] = a.Interface
		}
	}
}
