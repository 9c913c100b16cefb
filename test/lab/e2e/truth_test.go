package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// obstacle is one thing that can be in the way of a workspace, on a host with
// one instance that is still to be deployed. In texts HOST stands for the
// host's name.
type obstacle struct {
	host string
	// with is what the host is made of; its name is filled in.
	with lab.HostOptions
	// lacks are the programs that are taken away from it.
	lacks []string
	// filter is what its packet filter says, in nftables' words.
	filter string
	// script is run on it at last.
	script string
	// finds are the findings about it that are no pass, by their ids, beside those
	// that every such host has.
	finds map[string]check.Kind
	// passes are findings that have to be a pass of this very kind.
	passes map[string]check.Kind
}

// The connections of each of these hosts.
const (
	web, metrics = "port:edge:HOST:3000", "port:db:HOST:9458"
	mongo, nats  = "port:HOST:db:27017", "port:HOST:db:4222"
)

// obstacles are all but those on db and rc1, which run already.
func obstacles(stranger netip.Addr) []obstacle {
	filter := func(host, first, second string, kinds ...check.Kind) obstacle {
		o := obstacle{host: host, filter: fmt.Sprintf("tcp dport 3000 %s; tcp dport 9458 %s;", first, second), finds: map[string]check.Kind{web: kinds[0], metrics: kinds[1]}}
		return o
	}
	forbids := lab.HostOptions{NoForwarding: true}
	open := map[string]check.Kind{web: "port-open", metrics: "port-open", mongo: "port-open-service", nats: "port-open-service", "listen:HOST:3000": "listen-free"}
	return []obstacle{
		{host: "rcopen", passes: open},
		filter("rcdrop", "drop", "drop", "port-filtered", "port-filtered"),
		filter("rcreset", "reject with tcp reset", "reject with icmpx port-unreachable", "port-rejected", "port-rejected"),
		filter("rcadmin", "reject with icmpx admin-prohibited", "reject with icmpx host-unreachable", "port-unreachable", "port-unreachable"),
		filter("rcnet", "reject with icmp net-unreachable", "reject with icmp prot-unreachable", "port-unreachable", "port-unreachable"),
		// A listener on the loopback alone is in nobody's way, and reached by nobody.
		{host: "rcloop", script: listens("127.0.0.1", 3000), passes: open},
		{host: "rctaken", script: listens("0.0.0.0", 3000), finds: map[string]check.Kind{"listen:HOST:3000": "listen-taken", web: "port-stranger"}, passes: map[string]check.Kind{metrics: "port-open"}},
		{host: "rcwrong", finds: map[string]check.Kind{
			"host:HOST:private-ip": "private-ip-elsewhere", "listen:HOST:3000": "listen-not-on-host", "listen:HOST:9458": "listen-not-on-host",
			web: "port-weak", metrics: "port-weak",
		}},
		{host: "rcnobody", finds: map[string]check.Kind{
			"host:HOST:private-ip": "private-ip-elsewhere", "listen:HOST:3000": "listen-not-on-host", "listen:HOST:9458": "listen-not-on-host",
			web: "port-no-neighbour", metrics: "port-no-neighbour",
		}},
		// sshd forbids forwarding, and perl, python3 or bash tries in its place.
		{host: "rcperl", with: forbids, passes: open},
		{host: "rcpython", with: forbids, lacks: []string{"perl"}, passes: open},
		{host: "rcbash", with: forbids, lacks: []string{"python", "perl"}, passes: open},
		{host: "rcnone", with: forbids, lacks: []string{"python", "perl", "timeout"}, finds: map[string]check.Kind{mongo: "port-prohibited", nats: "port-prohibited"}, passes: map[string]check.Kind{web: "port-open"}},
		{
			host: "rcbare", lacks: []string{"python", "perl", "systemd-socket-activate", "busybox", "nc"},
			finds:  map[string]check.Kind{"listen:HOST:3000": "listen-no-tool", "listen:HOST:9458": "listen-no-tool", web: "port-weak", metrics: "port-weak"},
			passes: map[string]check.Kind{mongo: "port-open-service"},
		},
		{host: "rcdnat", script: dnat(stranger), finds: map[string]check.Kind{web: "port-intercepted"}, passes: map[string]check.Kind{metrics: "port-open"}},
		{host: "rcdown"},
	}
}

// listens is a script that has another program listen.
func listens(address string, port int) string {
	return fmt.Sprintf(`setsid python3 -m http.server --bind %s %d </dev/null >/dev/null 2>&1 &
until ss -Hltn 'sport = :%[2]d' | grep -q .; do sleep 0.05; done
`, address, port)
}

// dnat is a script that passes the web port on to another machine.
func dnat(to netip.Addr) string {
	return fmt.Sprintf(`echo 1 >/proc/sys/net/ipv4/ip_forward
nft -f - <<'END'
table ip truth {
 chain pre { type nat hook prerouting priority -100; tcp dport 3000 dnat to %s:3008; }
 chain post { type nat hook postrouting priority 100; tcp dport 3008 masquerade; }
}
END
`, to)
}

// Whatever is in the way of a connection is told as what it is, what is not in
// the way is no alarm, and the hosts are left as they were: with instances that
// run (db, rc1, edge) and many that are still to come, on hosts without Docker.
func TestTruth(t *testing.T) {
	t.Parallel()
	var none netip.Addr
	options := append(lab.Hosts("db", "rc1", "edge"), lab.HostOptions{Name: "stranger", NoDocker: true})
	for _, o := range obstacles(none) {
		o.with.Name, o.with.NoDocker = o.host, true
		options = append(options, o.with)
	}
	f := lab.Up(t, lab.Options{Hosts: options})
	r := newRig(t, f, workspace.Secrets{}, func(w *workspace.Workspace) {
		w.Hosts = slices.DeleteFunc(w.Hosts, func(h workspace.Host) bool { return !slices.Contains([]string{"db", "rc1", "edge"}, h.Name) })
		w.Instances = []workspace.Instance{{Host: "rc1"}}
	})
	r.install()
	stranger, nobody := f.Host("stranger").Address(), f.Host("rcdown").Address()
	for range 100 { // an address of the network that no host has
		nobody = nobody.Next()
	}
	all := obstacles(stranger)
	r.writeWorkspace(func(w *workspace.Workspace) {
		for _, o := range all {
			h, err := f.Host(o.host).Workspace(lab.Root)
			r.must(err)
			switch o.host {
			case "rcwrong":
				h.PrivateIP = stranger.String()
			case "rcnobody":
				h.PrivateIP = nobody.String()
			}
			w.Hosts, w.Instances = append(w.Hosts, h), append(w.Instances, workspace.Instance{Host: o.host})
		}
	})
	// Only the obstacles are to be in the way.
	for _, h := range r.w.Hosts {
		r.must(f.Host(h.Name).NoFirewall(t.Context()))
	}
	r.shell("stranger", `setsid busybox nc -ll -p 3008 -e echo 220 mail </dev/null >/dev/null 2>&1 &
until ss -Hltn 'sport = :3008' | grep -q .; do sleep 0.05; done`)
	for _, o := range all {
		r.obstruct(o)
	}
	// Somebody's, which was stopped long ago and is in nobody's way.
	r.shell("rc1", "docker create --name old --label com.docker.compose.project=chat "+rocketChat)
	r.must(f.Host("rcdown").Unplug(t.Context()))
	before := r.traces()
	report, code := r.checked()
	if diff := cmp.Diff(before, r.traces()); diff != "" {
		t.Errorf("the check left something (-before +after):\n%s", diff)
	}
	got := map[string]check.Kind{}
	for _, f := range report.Findings {
		if f.Verdict != check.Pass && !ofThisMachine(f.ID) {
			got[f.ID] = f.Kind
		}
	}
	if diff := cmp.Diff(r.expected(all), got); diff != "" || code != 3 {
		t.Errorf("code %d; findings that are no pass (-want +got):\n%s", code, diff)
		for _, f := range report.Findings {
			if f.Verdict != check.Pass {
				said, _ := json.Marshal(f)
				t.Logf("%s", said)
			}
		}
	}
	for _, o := range append(all, obstacle{host: "rc1", passes: map[string]check.Kind{
		web: "port-open-service", metrics: "port-open-service", mongo: "port-open-service", nats: "port-open-service",
		"listen:HOST:3000": "listen-ours", "listen:HOST:9458": "listen-ours",
	}}) {
		for id, kind := range o.passes {
			if f := findingOf(t, report, named(id, o.host)); f.Kind != kind || f.Verdict != check.Pass {
				t.Errorf("%s is %s, %s: %s", f.ID, f.Verdict, f.Kind, f.Got)
			}
		}
	}
	if f := findingOf(t, report, "listen:rctaken:3000"); !strings.Contains(f.Got, "the program python3, process ") {
		t.Errorf("who has the port of rctaken is not named: %s", f.Got)
	}
	if f := findingOf(t, report, "port:edge:rcdnat:3000"); !strings.Contains(f.Got, `"220 mail"`) {
		t.Errorf("who answers for rcdnat is not quoted: %s", f.Got)
	}
}

// named puts the host's name into a text.
func named(text, host string) string { return strings.ReplaceAll(text, "HOST", host) }

// ofThisMachine reports whether a finding is about what the lab's hosts have
// from the machine that carries them, or about the day.
func ofThisMachine(id string) bool {
	return id == "release:support" || strings.HasPrefix(id, "host:") &&
		slices.ContainsFunc([]string{":cores", ":memory", ":disk", ":docker-disk", ":avx", ":clock"}, func(s string) bool { return strings.HasSuffix(id, s) })
}

// obstruct puts an obstacle into place.
func (r *rig) obstruct(o obstacle) {
	r.t.Helper()
	var script strings.Builder
	for _, tool := range o.lacks {
		fmt.Fprintf(&script, "for f in /usr/bin/%[1]s* /bin/%[1]s* /usr/sbin/%[1]s*; do rm -f \"$f\"; done\n", tool)
	}
	if o.filter != "" {
		fmt.Fprintf(&script, "nft 'table inet truth { chain in { type filter hook input priority 0; %s }; }'\n", o.filter)
	}
	script.WriteString(o.script)
	r.shell(o.host, script.String())
}

// traces is what runs, listens and lies about on every host: nothing of it is
// the check's own.
func (r *rig) traces() map[string]string {
	r.t.Helper()
	out := make(map[string]string)
	for _, h := range r.w.Hosts {
		out[h.Name] = r.shell(h.Name, `ss -Hltn | awk '{print $4}' | sort
ps -eo comm= | grep -E 'rcwz|python|perl|busybox|nc$|socket-activate|timeout' | sort || :
find / -xdev \( -type f -o -type p -o -type s \) ! -path '/var/log/*' ! -path '/proc/*' ! -path '/var/lib/docker/*' ! -path '/run/utmp' ! -path '/run/docker*' ! -path '/run/sudo/*' ! -path '/run/motd*' | sort | sha256sum
if command -v docker >/dev/null; then { docker ps -aq; docker images -q; docker volume ls -q; docker network ls -q; } | sort; fi`)
	}
	return out
}

// expected are all findings that are to be no pass, by their ids.
func (r *rig) expected(all []obstacle) map[string]check.Kind {
	r.t.Helper()
	// What runs already is open to everybody: no firewall is on, and the operator
	// is no part of the cluster.
	want := map[string]check.Kind{
		"exposure:db:27017": "exposed-data", "exposure:db:4222": "exposed-data", "exposure:db:5050": "exposed-service",
		"exposure:rc1:3000": "exposed-service", "exposure:rc1:9458": "exposed-service",
		"host:rc1:deployment": "deployment-beside",
	}
	for _, host := range []string{"db", "rc1", "edge"} {
		want["host:"+host+":firewall"] = "firewall-none"
	}
	for _, o := range all {
		if o.host == "rcdown" {
			maps.Copy(want, down(o.host))
			continue
		}
		for what, kind := range map[string]check.Kind{
			"host:HOST:docker": "docker-absent", "host:HOST:compose": "compose-absent", "host:HOST:docker-mode": "docker-mode-unknown",
			"host:HOST:firewall": "firewall-none", "image:HOST:" + rocketChat: "image-not-asked",
		} {
			want[named(what, o.host)] = kind
		}
		for id, kind := range o.finds {
			want[named(id, o.host)] = kind
		}
		for port, edge := range map[string]string{"3000": web, "9458": metrics} {
			if kind := outside(o.finds[edge], o.finds["listen:HOST:"+port]); kind != "" {
				want["exposure:"+o.host+":"+port] = kind
			}
		}
	}
	return want
}

// rocketChat is the image of the lab's release.
const rocketChat = "registry.rocket.chat/rocketchat/rocket.chat:" + lab.Release

// outside is what the operator, who is no part of the cluster, is to find about a
// port of which the hosts and the listener say this much; "" is a pass. It has
// the same way as the hosts.
func outside(edge, listener check.Kind) check.Kind {
	switch {
	case listener == "listen-not-on-host":
		return "exposure-elsewhere"
	case listener == "listen-no-tool":
		return "exposure-nothing-listened"
	case edge == "port-intercepted":
		return "exposure-no-way" // what answers is not the host
	case edge == "" || edge == "port-stranger":
		return "exposed-service"
	}
	return ""
}

// down is what is to be found about a host that does not answer: one failure,
// and nothing that passes.
func down(host string) map[string]check.Kind {
	want := map[string]check.Kind{
		"host:HOST:ssh": "ssh-unreachable", "image:HOST": "image-not-asked", "release:instance:HOST": "running-unknown",
		mongo: "port-not-tried", nats: "port-not-tried", web: "port-cannot-tell", metrics: "port-cannot-tell",
		"domain:chat.truth.test:dns:HOST": "dns-not-asked", "host:HOST:deployment": "deployment-unknown",
	}
	for _, port := range []string{"3000", "9458"} {
		want["listen:HOST:"+port], want["exposure:HOST:"+port] = "listen-not-tried", "exposure-not-tried"
	}
	for _, what := range []string{"architecture", "compose", "docker", "docker-mode", "firewall", "git", "identity", "private-ip", "selinux", "sudo", "tools"} {
		want["host:HOST:"+what] = check.Kind(what + "-unknown")
	}
	out := make(map[string]check.Kind, len(want))
	for id, kind := range want {
		out[named(id, host)] = kind
	}
	return out
}
