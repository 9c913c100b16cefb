package probe_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/test/lab"
)

// rules are what a packet filter can say on a port of the host, each in its
// own way. Port 3008 leads to another machine.
const rules = `table inet truth {
 chain in {
  type filter hook input priority 0;
  tcp dport 3001 drop
  tcp dport 3002 reject with tcp reset
  tcp dport 3003 reject with icmpx port-unreachable
  tcp dport 3004 reject with icmpx admin-prohibited
  tcp dport 3005 reject with icmpx host-unreachable
  tcp dport 3006 reject with icmp net-unreachable
  tcp dport 3007 reject with icmp prot-unreachable
 }
}
table ip truthnat {
 chain pre { type nat hook prerouting priority -100; tcp dport 3008 dnat to %s:3008; }
 chain post { type nat hook postrouting priority 100; tcp dport 3008 masquerade; }
}
`

// TestTruth is every obstacle, seen from diallers of every kind.
func TestTruth(t *testing.T) {
	t.Parallel()
	names := []lab.HostOptions{
		{Name: "a"},
		{Name: "n", NoForwarding: true},
		{Name: "p", NoForwarding: true},
		{Name: "b", NoForwarding: true},
		{Name: "z", NoForwarding: true},
		{Name: "t"},
		{Name: "tp"},
		{Name: "ts"},
		{Name: "tn"},
		{Name: "x"},
		{Name: "other"},
		{Name: "down"},
	}
	for i := range names {
		names[i].NoDocker = true
	}
	f := lab.Up(t, lab.Options{Hosts: names, Bare: true})
	lack(t, f.Host("p"), "perl")
	lack(t, f.Host("b"), "python", "perl")
	lack(t, f.Host("z"), "python", "perl", "timeout")
	lack(t, f.Host("tp"), "perl")
	lack(t, f.Host("ts"), "python", "perl")
	lack(t, f.Host("tn"), "python", "perl", "systemd-socket-activate")
	lack(t, f.Host("x"), "python", "perl", "systemd-socket-activate", "busybox", "nc")
	target := f.Host("t")
	// Five ports that answer by ICMP, each asked at once by one peer, are more
	// than a cluster has: the kernel lets a peer have six such answers, then one a
	// second. Between hosts of one machine they come while connect(2) still has
	// the socket, which the kernel then ignores, so that some come too late.
	shell(t, target, "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit\necho 1 >/proc/sys/net/ipv4/ip_forward\nnft -f - <<'EOF'\n"+fmt.Sprintf(rules, f.Host("other").Address())+"EOF\n"+
		`setsid busybox nc -ll -p 3009 -e cat </dev/null >/dev/null 2>&1 &
for p in 3010 3011; do setsid python3 -m http.server --bind 127.0.0.1 $p </dev/null >/dev/null 2>&1 & done
until [ "$(ss -Hltn 'sport = :3009 or sport = :3010 or sport = :3011' | wc -l)" = 3 ]; do sleep 0.05; done`)
	shell(t, f.Host("other"), `setsid busybox nc -ll -p 3008 -e echo 220 mail </dev/null >/dev/null 2>&1 &
until ss -Hltn 'sport = :3008' | grep -q .; do sleep 0.05; done`)

	hosts := map[string]probe.Host{}
	for _, h := range names {
		if h.Name != "down" {
			hosts[h.Name] = connect(t, f, h.Name, lab.Root)
		}
	}
	if err := f.Host("down").Unplug(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, h := range f.Hosts() {
		mark(t, h)
	}

	at := func(name string, port uint16) netip.AddrPort { return netip.AddrPortFrom(f.Host(name).Address(), port) }
	nobody := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), 3000) // where no route leads
	absent := at("t", 3000).Addr()
	for range 100 { // an address of the network that no host has
		absent = absent.Next()
	}
	type truth struct {
		what  string
		to    string
		addr  netip.AddrPort
		state probe.State
		kind  probe.Kind
		words string
	}
	table := []truth{
		{"open", "t", at("t", 3000), probe.Listening, probe.Answered, ""},
		{"drop", "t", at("t", 3001), probe.Listening, probe.NoAnswer, ""},
		{"reset", "t", at("t", 3002), probe.Listening, probe.Refused, "Connection refused"},
		{"port-unreachable", "t", at("t", 3003), probe.Listening, probe.Refused, "Connection refused"},
		{"admin-prohibited", "t", at("t", 3004), probe.Listening, probe.Unreachable, "No route to host"},
		{"host-unreachable", "t", at("t", 3005), probe.Listening, probe.Unreachable, "No route to host"},
		{"net-unreachable", "t", at("t", 3006), probe.Listening, probe.Unreachable, "Network is unreachable"},
		{"prot-unreachable", "t", at("t", 3007), probe.Listening, probe.Unreachable, "Protocol not available"},
		{"dnat", "t", at("t", 3008), probe.Listening, probe.Other, ""},
		{"in use", "t", at("t", 3009), probe.InUse, probe.Opened, ""},
		{"on loopback only", "", at("t", 3011), "", probe.Refused, "Connection refused"},
		{"on loopback only, and free beside it", "t", at("t", 3010), probe.Listening, probe.Answered, ""},
		{"another's address", "t", at("other", 3000), probe.NotOnHost, probe.Refused, "Connection refused"},
		{"nobody's address", "t", netip.AddrPortFrom(absent, 3000), probe.NotOnHost, probe.Unreachable, "No route to host"},
		{"no route", "t", nobody, probe.NotOnHost, probe.NoRoute, "the host has no route to that address"},
		{"python3", "tp", at("tp", 3000), probe.Listening, probe.Answered, ""},
		{"systemd", "ts", at("ts", 3000), probe.Listening, probe.Answered, ""},
		{"nc", "tn", at("tn", 3000), probe.Listening, probe.Answered, ""},
		{"no tool", "x", at("x", 3000), probe.NoTool, probe.Refused, "Connection refused"},
		{"down", "down", at("down", 3000), probe.Unknown, probe.Unreachable, "No route to host"},
	}
	edges := make([]probe.Edge, 0, 6*len(table))
	froms := map[string]string{"a": "dial", "n": "perl", "p": "python3", "b": "bash", "": "dial", "z": ""}
	for _, from := range []string{"a", "n", "p", "b", "", "z"} {
		for _, c := range table {
			edges = append(edges, probe.Edge{From: from, To: c.to, Addr: c.addr})
		}
	}
	begin := lab.StartWatch()
	results := probe.Matrix(t.Context(), hosts, f.Dial, edges)
	took := begin.Took()
	t.Logf("%d cells, some of each kind: %.2f s", len(edges), begin.Elapsed().Seconds())
	// Each host has several: one after the other they would take 20 s and more.
	// What is over the one deadline is the hosts' work, on a machine that may have
	// other work.
	if took > 3*probe.Deadline {
		t.Errorf("took %v: filtered cells cost more than one deadline", took)
	}
	for i, r := range results {
		c, o := table[i%len(table)], r.Outcome
		want := c
		switch {
		case r.From == "z": // its sshd forbids, and it has no tool
			want.kind, want.words = probe.CannotTell, o.Words
		case c.kind == probe.NoRoute && (r.From == "b" || r.From == ""): // the words alone do not tell
			want.kind, want.words = probe.Unreachable, "Network is unreachable"
		case c.what == "down" && o.Kind == probe.NoAnswer: // the kernel has not given it up yet
			want.kind, want.words = probe.NoAnswer, ""
		}
		if r.Socket.State != want.state || o.Kind != want.kind || !strings.EqualFold(o.Words, want.words) || r.From != "z" && o.Via != froms[r.From] {
			t.Errorf("%s, seen from %q: socket %+v, outcome %+v, want %s, %s (%q) by %s",
				c.what, r.From, r.Socket, o, want.state, want.kind, want.words, froms[r.From])
		}
		if o.Kind == probe.Other && o.Heard != "220 mail" {
			t.Errorf("%s, seen from %q: heard %q", c.what, r.From, o.Heard)
		}
		if c.what == "in use" && (len(r.Socket.Owners) != 1 || r.Socket.Owners[0].Program != "busybox" || r.Socket.Owners[0].PID == 0) {
			t.Errorf("port 3009 belongs to %+v", r.Socket.Owners)
		}
		if c.what == "open" && r.From == "a" && r.Source != f.Host("a").Address() {
			t.Errorf("a came from %s", r.Source)
		}
	}
	free, err := probe.Free(t.Context(), hosts["t"], []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:3010"), netip.MustParseAddrPort("127.0.0.1:9216")})
	if err != nil || free[0].State != probe.InUse || free[0].Owners[0].Program != "python3" || free[1].State != probe.Listening {
		t.Errorf("on the loopback: %+v, %v", free, err)
	}
	for _, h := range f.Hosts() {
		clean(t, h)
	}
}

// TestLogins: low ports need root, which some logins have; the others see whether they are free.
func TestLogins(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "h", NoDocker: true}}, Bare: true})
	addr := netip.AddrPortFrom(f.Host("h").Address(), 80)
	shell(t, f.Host("h"), `setsid busybox nc -ll -p 3009 -e cat </dev/null >/dev/null 2>&1 &
until ss -Hltn 'sport = :3009' | grep -q .; do sleep 0.05; done`)
	taken := netip.AddrPortFrom(addr.Addr(), 3009)
	shell(t, f.Host("h"), `setsid busybox nc -ll -p 81 -e cat </dev/null >/dev/null 2>&1 &
until ss -Hltn 'sport = :81' | grep -q .; do sleep 0.05; done`)
	low := netip.AddrPortFrom(addr.Addr(), 81)
	mark(t, f.Host("h"))
	for user, want := range map[string]probe.State{lab.Root: probe.Listening, lab.Admin: probe.Listening, lab.Guest: probe.NotPermitted} {
		h := connect(t, f, "h", user)
		got, err := probe.Free(t.Context(), h, []netip.AddrPort{addr, taken, low})
		if err != nil || got[0].State != want || (got[0].Err != nil) != (want == probe.NotPermitted) {
			t.Errorf("%s: %+v, %v", user, got[0], err)
		}
		// Without root the list of sockets tells the free port from the taken one.
		if got[0].Vacant != (want == probe.NotPermitted) || got[2].State != probe.InUse {
			t.Errorf("%s: %+v, %+v", user, got[0], got[2])
		}
		if pid := got[1].Owners; got[1].State != probe.InUse || len(pid) != 1 || (pid[0].PID != 0) != (user != lab.Guest) {
			t.Errorf("%s: %+v", user, got[1])
		}
	}
	clean(t, f.Host("h"))
}

// TestTenHosts is what the matrix of ten hosts costs, against a round that asks
// each of them to do nothing.
func TestTenHosts(t *testing.T) {
	t.Parallel()
	names := make([]lab.HostOptions, 0, 10)
	for n := range 10 {
		names = append(names, lab.HostOptions{Name: fmt.Sprint("h", n), NoDocker: true})
	}
	f := lab.Up(t, lab.Options{Hosts: names, Bare: true})
	hosts := map[string]probe.Host{}
	begin := time.Now()
	for _, h := range names {
		hosts[h.Name] = connect(t, f, h.Name, lab.Root)
	}
	connected := time.Since(begin)
	edges := make([]probe.Edge, 0, 200)
	for from := range 10 {
		for to := range 10 {
			for port := range 2 {
				to := f.Host(fmt.Sprint("h", to))
				edges = append(edges, probe.Edge{From: fmt.Sprint("h", from), To: to.Name(), Addr: netip.AddrPortFrom(to.Address(), uint16(3000+port))})
			}
		}
	}
	var matrix, round, counts time.Duration
	for range 3 { // the first also loads the hosts' interpreters
		begin = time.Now()
		var wg sync.WaitGroup
		for _, h := range hosts {
			wg.Go(func() {
				if err := probe.Alive(t.Context(), h); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		round = time.Since(begin)
		watch := lab.StartWatch()
		for _, r := range probe.Matrix(t.Context(), hosts, f.Dial, edges) {
			if r.Outcome.Kind != probe.Answered || r.Source != f.Host(r.From).Address() {
				t.Errorf("%+v", r)
			}
		}
		matrix, counts = watch.Elapsed(), watch.Took()
	}
	t.Logf("10 hosts connected one by one in %.3f s; a round over them %.3f s; %d cells %.3f s, %.1f rounds",
		connected.Seconds(), round.Seconds(), len(edges), matrix.Seconds(), matrix.Seconds()/round.Seconds())
	if counts > 3*time.Second {
		t.Errorf("the matrix took %v, of which %v count", matrix, counts)
	}
}

// TestContainers: a port that a container has is told with the container's
// name, on the host's network and published.
func TestContainers(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("c")})
	const labels = "--label com.docker.compose.project=db --label com.docker.compose.service=nats "
	shell(t, f.Host("c"), "docker run -d --name own --network host "+labels+"nats:2.11.9-alpine && docker run -d --name published -p 4300:4222 "+labels+`nats:2.11.9-alpine
until [ "$(ss -Hltn 'sport = :4222 or sport = :4300' | wc -l)" -ge 2 ]; do sleep 0.05; done`)
	h := connect(t, f, "c", lab.Admin) // by sudo
	got, err := probe.Free(t.Context(), h, []netip.AddrPort{
		netip.AddrPortFrom(f.Host("c").Address(), 4222), netip.AddrPortFrom(f.Host("c").Address(), 4300),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"own", "published"} {
		if o := got[i].Owners; got[i].State != probe.InUse || len(o) != 1 || o[0].Container != name || o[0].Project != "db" || o[0].Service != "nats" || len(o[0].ContainerID) != 64 {
			t.Errorf("%s: %+v", name, got[i])
		}
	}
}

// TestIPv6 is open and closed among hosts that have nothing else.
func TestIPv6(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", NoDocker: true}, {Name: "n", NoDocker: true, NoForwarding: true}, {Name: "b", NoDocker: true}}, IPv6: true, Bare: true})
	b := f.Host("b")
	if err := b.Firewall(t.Context(), lab.Rule{Port: 22}, lab.Rule{Port: 3000}); err != nil {
		t.Fatal(err)
	}
	hosts := map[string]probe.Host{"a": connect(t, f, "a", lab.Root), "n": connect(t, f, "n", lab.Root), "b": connect(t, f, "b", lab.Root)}
	edges := make([]probe.Edge, 0, 8)
	for _, from := range []string{"a", "n", "", "b"} {
		for _, port := range []uint16{3000, 3001} {
			edges = append(edges, probe.Edge{From: from, To: "b", Addr: netip.AddrPortFrom(b.Address(), port)})
		}
	}
	for _, r := range probe.Matrix(t.Context(), hosts, f.Dial, edges) {
		want := probe.Answered
		if r.Addr.Port() == 3001 && r.From != "b" { // a host reaches itself by its loopback
			want = probe.NoAnswer
		}
		if r.Outcome.Kind != want || want == probe.Answered && r.From != "" && r.Source != f.Host(r.From).Address() {
			t.Errorf("%+v", r)
		}
	}
}
