package check

import (
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/internal/goldenfile"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	goldenfile.Compare(t, *update, filepath.Join("testdata", name+".golden"), got)
}

// four is a workspace of four hosts: database, two instances, proxy.
func four() workspace.Workspace {
	return workspace.Workspace{
		Domain: "chat.example.com", Email: "ops@example.com", Release: "8.9.1",
		Hosts: []workspace.Host{
			{Name: "db", Address: "192.0.2.10", PrivateIP: "10.0.0.10"},
			{Name: "rc1", Address: "192.0.2.11", PrivateIP: "10.0.0.11"},
			{Name: "rc2", Address: "192.0.2.12", PrivateIP: "10.0.0.12"},
			{Name: "edge", Address: "192.0.2.13", PrivateIP: "10.0.0.13", SSH: workspace.SSH{Port: 2222}},
		},
		Database:  workspace.Database{Host: "db"},
		Proxy:     workspace.Proxy{Host: "edge"},
		Instances: []workspace.Instance{{Host: "rc1"}, {Host: "rc2"}},
	}.Complete()
}

// one is a workspace on one host.
func one() workspace.Workspace {
	return workspace.Workspace{
		Domain: "chat.example.com", Email: "ops@example.com",
		Hosts:     []workspace.Host{{Name: "box", Address: "local", PrivateIP: "10.0.0.5"}},
		Database:  workspace.Database{Host: "box"},
		Proxy:     workspace.Proxy{Host: "box"},
		Instances: []workspace.Instance{{Host: "box"}, {Host: "box"}},
	}.Complete()
}

var noon = time.Date(2027, time.January, 4, 12, 0, 0, 0, time.UTC)

const gib = int64(1) << 30

// well is the evidence of a workspace with which nothing is wrong.
func well(w workspace.Workspace) Evidence {
	e := Evidence{
		At: noon, Hosts: map[string]Host{}, Listeners: map[Place]Listener{}, Probes: map[Path]Probe{},
		Outside: Outside{Vantage: "this machine (198.51.100.7)", Probes: map[Place]Probe{}},
		Names:   map[string]Name{}, Images: map[string][]Image{},
		Release: Release{
			Exists: Yes, SupportAsked: true, Support: release.SupportYes, SupportUntil: time.Date(2027, time.August, 31, 0, 0, 0, 0, time.UTC),
			Running: map[string]Running{},
		},
	}
	for n, h := range w.Hosts {
		seen := Host{
			Connection: Connected, User: "root", Sudo: SudoRoot, RootNeeded: Yes, OS: "Debian 12", Machine: "x86_64", CPUs: 4, AVX: Yes,
			MemoryTotal: 8 * gib, Tools: map[string]bool{"tar": true, "sha256sum": true, "flock": true}, SELinux: "none",
			Docker: Docker{State: DockerUsable, Engine: "28.5.2", Compose: "2.40.3", ComposeAsked: true, Rootless: No, UserNS: No},
			Git:    "2.39.5", GitAsked: true,
			Disk: Disk{Mount: "/", Size: 80 * gib, Free: 60 * gib}, DockerDisk: Disk{Mount: "/var", Size: 80 * gib, Free: 60 * gib, Inodes: 1 << 22, InodesFree: 1 << 21},
			ImageBytes: 3 * gib, ImageKnown: true, ClockKnown: true, ClockOffset: time.Duration(n) * 10 * time.Millisecond, ClockError: 20 * time.Millisecond,
			MachineID: fmt.Sprintf("machine-%d", n), BootID: fmt.Sprintf("boot-%d", n), DeployedAsked: true,
			Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr(h.PrivateIP)},
			Firewall:  Firewall{Active: []FirewallKind{UFW}, Seen: true, Installed: []FirewallKind{UFW}},
		}
		if a, err := netip.ParseAddr(h.Address); err == nil {
			seen.Addresses = append(seen.Addresses, a)
		}
		e.Hosts[h.Name] = seen
		e.Images[h.Name] = []Image{{Ref: "docker.io/library/traefik:v3.6.2", State: ImagePullable}}
	}
	for _, s := range Places(w) {
		e.Listeners[s.Place] = Listener{Result: ListenReady}
	}
	for _, edge := range Edges(w) {
		p := Probe{Outcome: OutcomeNonce, After: 3 * time.Millisecond, How: "through sshd"}
		if edge.From == World {
			p.How, p.Address = "", fmt.Sprintf("192.0.2.13:%d", edge.Port)
		}
		e.Probes[edge.Path()] = p
	}
	for _, s := range Secluded(w) {
		e.Outside.Probes[s.Place] = Probe{Outcome: OutcomeTimeout, After: 5 * time.Second}
	}
	for _, name := range DomainNames(w) {
		n := Name{Lookups: map[string]Lookup{}, CAA: CAA{State: LookupNone}, Ports: map[int][]Probe{}}
		proxy := e.Hosts[w.Proxy.Host].Addresses
		found := Lookup{State: LookupFound, Addresses: proxy[len(proxy)-1:]}
		n.Lookups[Operator] = found
		for _, h := range w.Hosts {
			n.Lookups[h.Name] = found
		}
		for _, port := range []int{w.Proxy.HTTPPort, w.Proxy.HTTPSPort} {
			at := netip.AddrPortFrom(found.Addresses[0], uint16(port)).String()
			n.Ports[port] = []Probe{{Outcome: OutcomeNonce, After: 12 * time.Millisecond, Address: at}}
		}
		e.Names[name] = n
	}
	for _, i := range w.Instances {
		e.Release.Running[i.Name] = Running{}
	}
	return e
}

// host changes what is known of one host.
func (e Evidence) host(name string, change func(*Host)) {
	h := e.Hosts[name]
	change(&h)
	e.Hosts[name] = h
}

// domain changes what is known of the domain.
func (e Evidence) domain(change func(*Name)) {
	n := e.Names["chat.example.com"]
	n.Lookups, n.Ports = maps.Clone(n.Lookups), maps.Clone(n.Ports)
	change(&n)
	e.Names["chat.example.com"] = n
}

func addrs(texts ...string) []netip.Addr {
	out := make([]netip.Addr, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParseAddr(t)
	}
	return out
}

// by returns the finding with the id.
func by(t *testing.T, findings []Finding, id string) Finding {
	t.Helper()
	var found []Finding
	for _, f := range findings {
		if f.ID == id {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d findings with the id %s", len(found), id)
	}
	return found[0]
}
