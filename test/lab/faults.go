package lab

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Rule lets packets in through Host.Firewall.
type Rule struct {
	// From are the hosts that may; none means everybody.
	From []*Host
	// Port is the TCP port.
	Port int
}

// Firewall makes the host drop whatever comes in and that no rule lets in, as a rented server's default deny does:
// no answer is sent. Loopback, answers to the host's own connections and ICMP pass. It replaces what it was called
// with before. As on a real host nobody made it permanent: it is gone after a boot.
//
// It is a table of its own, so that it works beside the rules of Docker, ufw and the host itself.
// Port 22 is closed too when no rule has it.
func (h *Host) Firewall(ctx context.Context, rules ...Rule) error {
	var b strings.Builder
	b.WriteString("table inet lab_firewall\ndelete table inet lab_firewall\ntable inet lab_firewall {\n" +
		" chain input {\n  type filter hook input priority -10; policy drop;\n" +
		"  iifname lo accept\n  ct state established,related accept\n" +
		"  meta l4proto { icmp, icmpv6 } accept\n")
	for _, r := range rules {
		if len(r.From) == 0 {
			fmt.Fprintf(&b, "  tcp dport %d accept\n", r.Port)
		}
		for _, from := range r.From {
			fmt.Fprintf(&b, "  %s saddr %s tcp dport %d accept\n", from.family(), from.Address(), r.Port)
		}
	}
	b.WriteString(" }\n}\n")
	return h.nft(ctx, b.String())
}

// NoFirewall takes Firewall back.
func (h *Host) NoFirewall(ctx context.Context) error {
	return h.nft(ctx, "table inet lab_firewall\ndelete table inet lab_firewall\n")
}

// Partition lets no packet pass between the two hosts; each still reaches all others.
func (h *Host) Partition(ctx context.Context, other *Host) error {
	for _, p := range [][2]*Host{{h, other}, {other, h}} {
		// Dropped where they arrive, before anything on the host sees them: the sender learns nothing.
		rules := fmt.Sprintf("table inet %[1]s\ndelete table inet %[1]s\ntable inet %[1]s {\n chain in {\n  type filter hook prerouting priority -400;\n  %[2]s saddr %[3]s drop\n }\n}\n",
			p[0].partition(p[1]), p[1].family(), p[1].Address())
		if err := p[0].nft(ctx, rules); err != nil {
			return err
		}
	}
	return nil
}

// Heal takes Partition back.
func (h *Host) Heal(ctx context.Context, other *Host) error {
	for _, p := range [][2]*Host{{h, other}, {other, h}} {
		if err := p[0].nft(ctx, fmt.Sprintf("table inet %[1]s\ndelete table inet %[1]s\n", p[0].partition(p[1]))); err != nil {
			return err
		}
	}
	return nil
}

// partition is the name of the table that drops what comes from other.
func (*Host) partition(other *Host) string {
	return "lab_from_" + strings.ReplaceAll(other.spec.Name, "-", "_")
}

// family is nftables' word for the host's kind of address.
func (h *Host) family() string {
	if h.spec.Address.Is6() {
		return "ip6"
	}
	return "ip"
}

func (h *Host) nft(ctx context.Context, rules string) error {
	_, err := h.exec(ctx, strings.NewReader(rules), "nft", "-f", "-")
	return err
}

// Unplug pulls the host's network cable: it runs on, and nobody reaches it.
func (h *Host) Unplug(ctx context.Context) error { return h.do(ctx, "unplug", nil) }

// Plug puts the cable back. Hosts that tried to reach this one meanwhile may take a second more to find it.
func (h *Host) Plug(ctx context.Context) error { return h.do(ctx, "plug", nil) }

// FreezeSSH stops all of the host's sshd processes with SIGSTOP: connections stay, and nothing answers on them.
// The kernel still accepts new ones.
func (h *Host) FreezeSSH(ctx context.Context) error {
	_, err := h.Exec(ctx, "pkill", "-STOP", "-x", "sshd")
	return err
}

// ThawSSH lets them go on.
func (h *Host) ThawSSH(ctx context.Context) error {
	_, err := h.Exec(ctx, "pkill", "-CONT", "-x", "sshd")
	return err
}

// KillConnections resets every established TCP connection to the host's port.
func (h *Host) KillConnections(ctx context.Context, port int) error {
	// ss says "Invalid argument" of listening sockets and ends with 0 all the same.
	_, err := h.Exec(ctx, "ss", "-K", "-t", "state", "established", "( sport = :"+strconv.Itoa(port)+" )")
	return err
}

// FillDisk leaves that many bytes free on the disk that path is on, and returns what takes it back.
// Two disks can be filled: the host's root, and /var/lib/docker where HostOptions.DockerDisk gave it one of its own.
func (h *Host) FillDisk(ctx context.Context, path string, free int64) (undo func(context.Context) error, err error) {
	const docker = "/var/lib/docker"
	if path != docker && !strings.HasPrefix(path, docker+"/") {
		if err := h.do(ctx, "resize", url.Values{"free": {strconv.FormatInt(free, 10)}}); err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			return h.do(ctx, "resize", url.Values{"free": {"-1"}})
		}, nil
	}
	if h.spec.DockerDisk == 0 {
		return nil, fmt.Errorf("%s: %s has no disk of its own: set DockerDisk", h.spec.Name, docker)
	}
	const ballast = docker + "/lab-ballast"
	// What else writes to the disk may be faster than one try.
	script := fmt.Sprintf(`tries=0
until
	free=$(($(stat -f -c '%%f * %%S' %[1]s)))
	[ "$free" -le %[2]d ] || fallocate -l $((free - %[2]d)) %[3]s
do
	tries=$((tries + 1))
	[ "$tries" -lt 20 ]
done`, docker, free, ballast)
	if _, err := h.Shell(ctx, script); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := h.Exec(ctx, "rm", "-f", ballast)
		return err
	}, nil
}
