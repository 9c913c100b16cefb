package e2e

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/test/lab"
)

// A cluster behind real firewalls that let in SSH alone: check names the blocked
// connections, the printed lines open them, --apply does the same by itself and
// --undo leaves nothing of it; outsiders reach SSH and the proxy and no other of
// 65535 ports, after an installation and after a power cut too.
func TestFirewall(t *testing.T) {
	t.Parallel()
	ufw, firewalld, nft := check.UFW, check.Firewalld, check.NFTables
	for _, test := range []struct {
		name    string
		six     bool
		torture bool
		kinds   map[string]check.FirewallKind
	}{
		{"one of each", false, false, map[string]check.FirewallKind{"db": ufw, "rc1": firewalld, "rc2": nft, "edge": ufw}},
		{"IPv6", true, true, map[string]check.FirewallKind{"db": nft, "rc1": ufw, "rc2": firewalld, "edge": ufw}},
		{"ufw", false, true, map[string]check.FirewallKind{"db": ufw, "rc1": ufw, "rc2": ufw, "edge": ufw}},
		{"firewalld", false, true, map[string]check.FirewallKind{"db": firewalld, "rc1": firewalld, "rc2": firewalld, "edge": firewalld}},
		{"nftables", true, true, map[string]check.FirewallKind{"db": nft, "rc1": nft, "rc2": nft, "edge": nft}},
	} {
		if test.torture && !torture() {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			behindWalls(t, newWalled(t, lab.Options{IPv6: test.six}, test.kinds))
		})
	}
}

func behindWalls(t *testing.T, r *walled) {
	t.Helper()
	started := time.Now()
	laid := r.rules()
	r.blocked()
	if torture() {
		r.published()
	}
	r.lockedOut(laid)
	r.typed()
	if diff := cmp.Diff(listed(laid), listed(r.rules())); diff != "" {
		t.Errorf("after the printed lines and their undo (-before +after):\n%s", diff)
	}
	// A rule of the administrator's that is one of ours, letter by letter.
	r.own()
	before := r.rules()
	o := r.run("check", "-f", r.file, "--firewall", "--apply", "--yes")
	if o.code != 0 || !strings.Contains(o.stdout, "12 of 12 connections are proven open") {
		t.Fatalf("--apply ended with %d:\n%s", o.code, o.text())
	}
	t.Logf("lab: applied in %.1f s", o.took.Seconds())
	applied := r.rules()
	o = r.run("check", "-f", r.file, "--firewall", "--apply", "--yes")
	if diff := cmp.Diff(applied, r.rules()); diff != "" || o.code != 0 || strings.Contains(o.stdout, "lacks") {
		t.Errorf("--apply once more ended with %d:\n%s\n(-before +after):\n%s", o.code, o.text(), diff)
	}
	o = r.install()
	t.Logf("lab: installed behind firewalls in %.1f s", o.took.Seconds())
	scan := time.Now()
	if diff := cmp.Diff(scanned(), r.scan()); diff != "" {
		t.Errorf("open to an outsider (-want +got):\n%s", diff)
	}
	t.Logf("lab: all 65535 ports of 4 hosts scanned in %.1f s", time.Since(scan).Seconds())

	r.boot()
	if diff := cmp.Diff(applied, r.rules()); diff != "" {
		t.Errorf("after a boot (-before +after):\n%s", diff)
	}
	r.served()
	if diff := cmp.Diff(scanned(), r.scan()); diff != "" {
		t.Errorf("open to an outsider after a boot (-want +got):\n%s", diff)
	}
	eventually(t, "connections after a boot", time.Minute, func() (bool, string) {
		report, _ := r.checked("--skip", "domain,image,exposure,release")
		bad := ports(report)
		return len(bad) == 0, strings.Join(bad, ", ")
	})

	handBack := r.changeHands("edge")
	o = r.run("check", "-f", r.file, "--firewall", "--undo", "--yes")
	if o.code != 0 || strings.Count(o.stdout, "says what it said before") < len(r.kinds)-1 {
		t.Errorf("--undo ended with %d:\n%s", o.code, o.text())
	}
	handBack(o)
	if diff := cmp.Diff(before, r.rules()); diff != "" {
		t.Errorf("after --undo (-before +after):\n%s", diff)
	}
	if left := r.record().Hosts; len(left) > 0 {
		t.Errorf("after --undo the record holds %v", left)
	}
	t.Logf("lab: behind firewalls, from the first check to the undo, %.1f s", time.Since(started).Seconds())
}

// listed leaves out firewalld's files of zones, one of which stays behind when rules
// are typed and taken back: it says the same as none.
func listed(rules map[string]string) map[string]string {
	for host, text := range rules {
		rules[host], _, _ = strings.Cut(text, "public.xml\n")
	}
	return rules
}

// blocked shows that check finds what the firewalls block, and nothing else.
func (r *walled) blocked() {
	r.t.Helper()
	report, code := r.checked("--skip", "image,exposure,release")
	var got []string
	for _, f := range report.Findings {
		if rest, ok := strings.CutPrefix(f.ID, "port:"); ok && f.Verdict == check.Fail {
			got = append(got, rest)
		}
	}
	want := needed()
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || code != 3 {
		r.t.Fatalf("behind default deny check ended with %d and failed (-want +got):\n%s", code, diff)
	}
}

// typed has an administrator type what check prints, once too often, and then
// take it back.
func (r *walled) typed() {
	r.t.Helper()
	o := r.run("check", "-f", r.file, "--firewall", "--json")
	var all []check.Lines
	if err := json.Unmarshal([]byte(o.stdout), &all); err != nil {
		r.t.Fatalf("check --firewall --json: %v:\n%s", err, o.text())
	}
	lines := func(of func(check.Lines) []string) {
		r.t.Helper()
		r.each(func(host string) error {
			var typed []string
			for _, l := range all {
				if l.Host != host {
					continue
				}
				if l.Active != (l.Firewall != check.Cloud) || l.Active && l.Firewall != r.kinds[host] {
					r.t.Errorf("%s: lines for %s, active %t", l.Host, l.Firewall, l.Active)
				}
				if l.Active {
					typed = append(typed, of(l)...)
				}
			}
			return r.sh(host, strings.Join(typed, "\n"))
		})
	}
	apply := func(l check.Lines) []string { return l.Apply }
	lines(apply)
	lines(apply)
	report, _ := r.checked("--skip", "image,exposure,release")
	if bad := ports(report); len(bad) > 0 {
		r.t.Errorf("with the printed lines typed: %v", bad)
	}
	lines(func(l check.Lines) []string { return l.Undo })
}

// own lets MongoDB and NATS in from rc1, as the administrator's own rule.
func (r *walled) own() {
	r.t.Helper()
	from, _ := r.w.Host("rc1")
	to, _ := r.w.Host("db")
	family, ip := "ipv4", "ip"
	if strings.Contains(to.PrivateIP, ":") {
		family, ip = "ipv6", "ip6"
	}
	values := strings.NewReplacer("FROM", from.PrivateIP, "TO", to.PrivateIP, "FAMILY", family, "IP", ip)
	r.shell("db", values.Replace(map[check.FirewallKind]string{
		check.UFW: `ufw allow proto tcp from FROM to TO port 4222,27017 comment 'mine'`,
		check.Firewalld: `for p in 4222 27017; do for when in "" --permanent; do
firewall-cmd $when --add-rich-rule='rule family="FAMILY" source address="FROM" destination address="TO" port port="'$p'" protocol="tcp" accept'; done; done`,
		check.NFTables: `sed -i 's/tcp dport 22 accept/&\n\t\tIP saddr FROM IP daddr TO tcp dport { 4222, 27017 } accept/' /etc/nftables.conf
nft -f /etc/nftables.conf`,
	}[r.kinds["db"]]))
}

// served waits until the proxy answers after a boot.
func (r *walled) served() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Minute)
	defer cancel()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := r.Dial(ctx, "tcp", net.JoinHostPort(r.Host("edge").Address().String(), "443"))
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			r.t.Fatalf("the proxy did not come back after a boot: %v", err)
		}
	}
}
