package uitest

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

// Checked is what the checks find of a workspace with which nothing is wrong,
// but for what spoil does to the evidence; nil: nothing.
func Checked(w workspace.Workspace, spoil func(*check.Evidence)) check.Report {
	w = w.Complete()
	e := evidence(w)
	if spoil != nil {
		spoil(&e)
	}
	return check.Judge(w, e, nil)
}

// Blocked lets the firewall of every host that is connected to drop what the
// instances send to MongoDB, and gives the database's host little memory.
func Blocked(w workspace.Workspace) func(*check.Evidence) {
	w = w.Complete()
	return func(e *check.Evidence) {
		for _, i := range w.Instances {
			e.Probes[check.Path{From: i.Host, To: w.Database.Host, Port: w.Database.MongoDBPort}] = check.Probe{
				Outcome: check.OutcomeTimeout, After: 5 * time.Second, How: "through sshd",
			}
		}
		h := e.Hosts[w.Database.Host]
		h.MemoryTotal = 1 << 30
		e.Hosts[w.Database.Host] = h
	}
}

const gib = int64(1) << 30

func evidence(w workspace.Workspace) check.Evidence {
	e := check.Evidence{
		At: Begin(), Hosts: map[string]check.Host{}, Listeners: map[check.Place]check.Listener{}, Probes: map[check.Path]check.Probe{},
		Outside: check.Outside{Vantage: "this machine (198.51.100.7)", Probes: map[check.Place]check.Probe{}},
		Names:   map[string]check.Name{}, Images: map[string][]check.Image{},
		Release: check.Release{
			Exists: check.Yes, SupportAsked: true, Support: release.SupportYes, SupportUntil: Begin().AddDate(0, 9, 0),
			Running: map[string]check.Running{},
		},
	}
	for n, h := range w.Hosts {
		e.Hosts[h.Name] = hostEvidence(n, h)
		e.Images[h.Name] = []check.Image{{Ref: "docker.io/library/traefik:v3.6.2", State: check.ImagePullable}}
	}
	for _, s := range check.Places(w) {
		e.Listeners[s.Place] = check.Listener{Result: check.ListenReady}
	}
	proxy, _ := w.Host(w.Proxy.Host)
	for _, edge := range check.Edges(w) {
		p := check.Probe{Outcome: check.OutcomeNonce, After: 3 * time.Millisecond, How: "through sshd"}
		if edge.From == check.World {
			p.How, p.Address = "", net.JoinHostPort(proxy.Address, strconv.Itoa(edge.Port))
		}
		e.Probes[edge.Path()] = p
	}
	for _, s := range check.Secluded(w) {
		e.Outside.Probes[s.Place] = check.Probe{Outcome: check.OutcomeTimeout, After: 5 * time.Second}
	}
	for _, name := range check.DomainNames(w) {
		e.Names[name] = nameEvidence(w, proxy)
	}
	for _, i := range w.Instances {
		e.Release.Running[i.Name] = check.Running{}
	}
	return e
}

func hostEvidence(n int, h workspace.Host) check.Host {
	seen := check.Host{
		Connection: check.Connected, User: "root", Sudo: check.SudoRoot, RootNeeded: check.Yes, OS: "Debian 12", Machine: "x86_64", CPUs: 4, AVX: check.Yes,
		MemoryTotal: 8 * gib, Tools: map[string]bool{"tar": true, "sha256sum": true, "flock": true}, SELinux: "none",
		Docker: check.Docker{State: check.DockerUsable, Engine: "28.5.2", Compose: "2.40.3", ComposeAsked: true, Rootless: check.No, UserNS: check.No},
		Git:    "2.39.5", GitAsked: true,
		Disk: check.Disk{Mount: "/", Size: 80 * gib, Free: 60 * gib}, DockerDisk: check.Disk{Mount: "/var", Size: 80 * gib, Free: 60 * gib, Inodes: 1 << 22, InodesFree: 1 << 21},
		ImageBytes: 3 * gib, ImageKnown: true, ClockKnown: true, ClockOffset: time.Duration(n) * time.Millisecond, ClockError: 20 * time.Millisecond,
		MachineID: "machine-" + strconv.Itoa(n), BootID: "boot-" + strconv.Itoa(n), DeployedAsked: true,
		Firewall: check.Firewall{Active: []check.FirewallKind{check.UFW}, Seen: true, Installed: []check.FirewallKind{check.UFW}},
	}
	for _, text := range []string{"127.0.0.1", h.PrivateIP, h.Address} {
		if a, err := netip.ParseAddr(text); err == nil {
			seen.Addresses = append(seen.Addresses, a)
		}
	}
	return seen
}

func nameEvidence(w workspace.Workspace, proxy workspace.Host) check.Name {
	found := check.Lookup{State: check.LookupFound}
	at, err := netip.ParseAddr(proxy.Address)
	if err == nil {
		found.Addresses = []netip.Addr{at}
	}
	n := check.Name{Lookups: map[string]check.Lookup{check.Operator: found}, CAA: check.CAA{State: check.LookupNone}, Ports: map[int][]check.Probe{}}
	for _, h := range w.Hosts {
		n.Lookups[h.Name] = found
	}
	for _, port := range []int{w.Proxy.HTTPPort, w.Proxy.HTTPSPort} {
		n.Ports[port] = []check.Probe{{Outcome: check.OutcomeNonce, After: 12 * time.Millisecond, Address: net.JoinHostPort(at.String(), strconv.Itoa(port))}}
	}
	return n
}
