package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// walled is a cluster whose hosts have real firewalls that let in nothing but
// SSH, with a host beside it that is no part of the cluster.
type walled struct {
	*rig
	kinds map[string]check.FirewallKind
}

// newWalled gives each of the hosts the firewall that is said.
func newWalled(t *testing.T, o lab.Options, kinds map[string]check.FirewallKind) *walled {
	t.Helper()
	o.Hosts = append(four(), lab.HostOptions{Name: "outsider", NoDocker: true})
	r := &walled{newRig(t, lab.Up(t, o), workspace.Secrets{}, nil), kinds}
	r.each(func(host string) error {
		h := r.Host(host)
		if err := h.NoFirewall(t.Context()); err != nil { // the rig's own
			return err
		}
		switch kinds[host] {
		case check.UFW:
			return h.StartUFW(t.Context(), "allow 22/tcp")
		case check.Firewalld:
			return h.StartFirewalld(t.Context())
		default:
			// One half of the administrators writes it so, the other otherwise.
			policy, last := "drop", ""
			if host == "rc1" || host == "edge" {
				policy, last = "accept", "counter drop"
			}
			return r.sh(host, strings.NewReplacer("POLICY", policy, "LAST", last).Replace(`cat >/etc/nftables.conf <<'E'
#!/usr/sbin/nft -f
flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter; policy POLICY;
		iif "lo" accept
		ct state established,related accept
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport 22 accept
		LAST
	}
}
E
chmod 640 /etc/nftables.conf
systemctl enable nftables 2>/dev/null
`)+service("nftables"))
		}
	})
	return r
}

// each does something on every host with a firewall, on all at once.
func (r *walled) each(do func(host string) error) {
	r.t.Helper()
	var all errgroup.Group
	for host := range r.kinds {
		all.Go(func() error { return do(host) })
	}
	r.must(all.Wait())
}

// sh runs a script on a host as root.
func (r *walled) sh(host, script string) error {
	out, err := r.Host(host).Shell(r.t.Context(), script)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", host, err, out)
	}
	return nil
}

// service is a script that starts what the distribution's unit of that name starts
// at boot.
func service(unit string) string {
	return `start=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/` + unit + `.service); [ -n "$start" ]; $start`
}

// boot cuts the power of all hosts and turns them on again, with their firewalls
// as the distribution's services bring them up.
func (r *walled) boot() {
	r.t.Helper()
	r.each(func(host string) error { return r.Host(host).PowerCut(r.t.Context()) })
	r.each(func(host string) error {
		h, kind := r.Host(host), r.kinds[host]
		if err := h.Boot(r.t.Context()); err != nil {
			return err
		}
		if kind == check.Firewalld {
			return h.StartFirewalld(r.t.Context())
		}
		return r.sh(host, service(string(kind)))
	})
}

// rules is what each host's firewall says of itself, and the files in which it
// keeps that over a boot.
func (r *walled) rules() map[string]string {
	r.t.Helper()
	var mu sync.Mutex
	out := map[string]string{}
	r.each(func(host string) error {
		text, err := r.says(r.t.Context(), host)
		mu.Lock()
		defer mu.Unlock()
		out[host] = text
		return err
	})
	return out
}

// says is one host's part of rules.
func (r *walled) says(ctx context.Context, host string) (string, error) {
	return r.Host(host).Shell(ctx, map[check.FirewallKind]string{
		check.UFW: `ufw status verbose; ufw show added; cat /etc/ufw/user.rules /etc/ufw/user6.rules; stat -c '%a %U %n' /etc/ufw/*.rules`,
		// The order of its rules is another after each start, and the zone docker is
		// Docker's own: it comes with the first start of Docker beside firewalld.
		check.Firewalld: `firewall-cmd --zone=public --list-all | sort; firewall-cmd --permanent --zone=public --list-all | sort
cd /etc/firewalld/zones && for f in *; do case $f in docker.xml* | '*') continue ;; esac; echo "$f"; done
for f in *; do case $f in docker.xml* | '*') continue ;; esac; cat "$f"; done`,
		check.NFTables: `nft -s list table inet filter; cat /etc/nftables.conf; stat -c '%a %U %n' /etc/nftables.conf; ls /etc/nft*`,
	}[r.kinds[host]])
}

// needed are the cells of the matrix that the world and the hosts need on one
// another, as TestFirewall expects them blocked: "from to port".
func needed() []string {
	return []string{
		"rc1:db:27017", "rc1:db:4222", "rc2:db:27017", "rc2:db:4222", "edge:db:5050",
		"edge:rc1:3000", "db:rc1:9458", "edge:rc2:3000", "db:rc2:9458", "world:edge:80", "world:edge:443",
	}
}

// scanner sends a SYN to every port of a host, twice, and prints those that
// answer with SYN and ACK.
const scanner = `
import socket, struct, sys, time, select
target = sys.argv[1]
six = ':' in target
family = socket.AF_INET6 if six else socket.AF_INET
probe = socket.socket(family, socket.SOCK_DGRAM)
probe.connect((target, 9))
source = probe.getsockname()[0]
s = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
s.setblocking(False)
if six:
    s.setsockopt(41, 7, 16)  # IPV6_CHECKSUM: the kernel fills it in
port = 61000
head = bytearray(struct.pack('!HHIIBBHHH', port, 0, 7, 0, 5 << 4, 2, 64240, 0, 0))
base = sum(struct.unpack('!10H', head)) + socket.IPPROTO_TCP + len(head)
if not six:
    base += sum(struct.unpack('!4H', socket.inet_aton(source) + socket.inet_aton(target)))
found = set()
def hear(wait):
    while select.select([s], [], [], wait)[0]:
        data, who = s.recvfrom(4096)
        if who[0].split('%')[0] != target:
            continue
        tcp = data if six else data[(data[0] & 15) * 4:]
        if len(tcp) >= 14 and struct.unpack('!H', tcp[2:4])[0] == port and tcp[13] & 0x12 == 0x12:
            found.add(struct.unpack('!H', tcp[0:2])[0])
for turn in range(2):
    for to in range(1, 65536):
        head[2], head[3] = to >> 8, to & 255
        if not six:
            total = base + to
            total = (total & 0xffff) + (total >> 16)
            total = ~((total & 0xffff) + (total >> 16)) & 0xffff
            head[16], head[17] = total >> 8, total & 255
        while True:
            try:
                s.sendto(head, (target, 0))
                break
            except (BlockingIOError, OSError):
                time.sleep(0.001)
        if to % 64 == 0:
            hear(0)
    hear(1)
print(*sorted(found))
`

// scan tries all 65535 TCP ports of every host from the outsider, at once, and
// returns those that are open.
func (r *walled) scan() map[string]string {
	r.t.Helper()
	var script strings.Builder
	script.WriteString("cat >/tmp/scan.py <<'E'" + scanner + "E\n")
	for _, h := range r.w.Hosts {
		fmt.Fprintf(&script, "python3 /tmp/scan.py %s >/tmp/%s &\n", h.PrivateIP, h.Name)
	}
	script.WriteString("wait\n")
	for _, h := range r.w.Hosts {
		fmt.Fprintf(&script, "echo %[1]s $(cat /tmp/%[1]s)\n", h.Name)
	}
	out := map[string]string{}
	for line := range strings.Lines(r.shell("outsider", script.String())) {
		host, open, _ := strings.Cut(strings.TrimSpace(line), " ")
		out[host] = open
	}
	return out
}

// scanned is what the scan has to find: SSH, and the proxy.
func scanned() map[string]string {
	return map[string]string{"db": "22", "rc1": "22", "rc2": "22", "edge": "22 80 443"}
}

// record is rcwizard's record of the firewalls.
func (r *walled) record() check.FirewallRecord {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.state, "firewall.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	record, err := check.ParseFirewallRecord(data)
	if err != nil {
		r.t.Fatal(err)
	}
	return record
}
