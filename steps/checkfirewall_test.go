package steps

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// As nft 1.0 lists them: a chain that drops by policy, two that do by their last
// rule, and what drops nothing that comes in, or not everything.
const ruleset = `table inet service {
	chain allow {
		tcp dport 22 accept
	}

	chain INPUT {
		type filter hook input priority 20; policy accept;
		jump allow
		reject with icmpx port-unreachable
	}

	chain forwarded {
		type filter hook forward priority filter; policy accept;
		drop
	}
}
table inet fail2ban {
	chain banned {
		type filter hook input priority filter - 1; policy accept;
		tcp dport 22 ip saddr 192.0.2.4 reject
	}
}
table ip logged {
	chain in {
		type filter hook input priority filter + 5; policy accept;
		ct state established accept
		counter log prefix "in: " drop
	}
}
table ip6 strict {
	chain in {
		type filter hook input priority filter; policy drop;
		drop
	}

	chain out {
		type filter hook output priority filter; policy accept;
		reject
	}
}
`

func TestFilters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, says := range map[string]string{"nft": ruleset, "iptables": "-P INPUT ACCEPT\n-A INPUT -j f2b\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\ncat <<'END'\n"+says+"END\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", filtersScript)
	cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if want := check.ParseDropChains(ruleset); err != nil || len(want) != 3 || !slices.Equal(check.ParseDropChains(string(out)), want) || strings.Contains(string(out), "established") {
		t.Errorf("%v, %q", err, out)
	}
}

// A host may have its SSH server at another port than a router in front of it,
// and a login that becomes root by a password sees as much as one without.
func TestFirewallOf(t *testing.T) {
	t.Parallel()
	h := &remotetest.Fake{Label: "db", OnRun: func(_ context.Context, c remote.Command, _ string) (remote.Result, error) {
		switch {
		case strings.Contains(c.Script, "SSH_CONNECTION") && !c.Root:
			return remote.Result{Stdout: "2200\n"}, nil
		case strings.Contains(c.Script, "list ruleset") && c.Root:
			return remote.Result{Stdout: "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n"}, nil
		case strings.Contains(c.Script, "nftables.service") && c.Root:
			return remote.Result{Stdout: "/etc/nftables.conf\n"}, nil
		}
		return remote.Result{Code: 1}, nil
	}}
	seen := check.Host{Sudo: check.SudoPassword}
	firewallOf(t.Context(), h, facts.Facts{}, &seen)
	fw := seen.Firewall
	if !fw.Seen || fw.SSHPort != 2200 || fw.File != "/etc/nftables.conf" ||
		!slices.Equal(fw.Active, []check.FirewallKind{check.NFTables}) || !slices.Equal(fw.Chains, []string{"inet filter input"}) {
		t.Errorf("%+v", fw)
	}
	seen = check.Host{Sudo: check.SudoNo}
	if firewallOf(t.Context(), h, facts.Facts{}, &seen); seen.Firewall.Seen || len(seen.Firewall.Active) > 0 || seen.Firewall.SSHPort != 2200 {
		t.Errorf("without root: %+v", seen.Firewall)
	}
}
