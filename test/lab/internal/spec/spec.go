// Package spec holds the description of a fleet that the lab's processes hand to each other.
//
// The process that wants a fleet writes it once, as fleet.json; the fleet's supervisor and each
// host's init read it. It is data alone: nothing here opens, starts or decides anything.
package spec

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// Version is the version of fleet.json and of the supervisor's protocol. A supervisor refuses
// another version, since a lab binary that was rebuilt may meet a fleet that an older one started.
const Version = 1

// The last byte (IPv4) or group (IPv6) of the addresses that are the same in every fleet.
const (
	firstHost    = 11
	servicesHost = 253
	operatorHost = 254
)

// Fleet is everything that the supervisor needs to know.
type Fleet struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	// Index is unique among the fleets of the machine: it is in the addresses, and in the name of the cgroups.
	Index int `json:"index"`
	// Dir is the fleet's own directory: keys, logs, disks of the hosts. It is removed with the fleet.
	Dir  string `json:"dir"`
	IPv6 bool   `json:"ipv6"`
	// Cgroup is the directory that the fleet has at the root of each cgroup hierarchy.
	Cgroup string `json:"cgroup"`
	// Lock is the path of the file whose lock says that the fleet lives.
	Lock string `json:"lock"`
	// Root is the root file system that the hosts share, read-only; Rented that of those hosts that are so.
	Root   string `json:"root"`
	Rented string `json:"rented"`
	// Names maps names in DNS to the host that they lead to.
	Names    map[string]string `json:"names"`
	Services Services          `json:"services"`
	Hosts    []Host            `json:"hosts"`
}

// Services are the programs of the services' namespace. An empty path leaves the program out.
type Services struct {
	Registry        string `json:"registry"`
	RegistryStorage string `json:"registry_storage"`
	Pebble          string `json:"pebble"`
	DNS             string `json:"dns"`
	Compose         string `json:"compose"`
}

// Host is one machine of the fleet.
type Host struct {
	Name    string     `json:"name"`
	Address netip.Addr `json:"address"`
	Shell   string     `json:"shell,omitempty"`
	// Rented is a server as it is handed out, of another release of Debian and without Docker.
	Rented bool `json:"rented,omitempty"`
	// NoDocker removes Docker's programs from the host.
	NoDocker bool `json:"no_docker,omitempty"`
	// NoCompose leaves Docker's compose plugin out.
	NoCompose bool `json:"no_compose,omitempty"`
	// CgroupV2 shows the host the cgroups of version 2 alone, whatever else the machine has.
	CgroupV2 bool `json:"cgroup_v2,omitempty"`
	// Behind names the only host from which this one can be reached on port 22.
	Behind string `json:"behind,omitempty"`
	// SSHD are lines put before those of sshd_config.
	SSHD []string `json:"sshd,omitempty"`
	// DockerDisk is the size in bytes of a disk of its own for /var/lib/docker; 0: a directory of the machine.
	DockerDisk int64 `json:"docker_disk,omitempty"`
	// Faketime is what libfaketime makes of the clock ("+2h"), for sshd and all that it starts.
	Faketime string `json:"faketime,omitempty"`
}

// State is what the supervisor answers: the processes that hold the namespaces, by the machine's own process ids.
type State struct {
	Version     int                  `json:"version"`
	PID         int                  `json:"pid"`
	OperatorPID int                  `json:"operator_pid"`
	ServicesPID int                  `json:"services_pid"`
	Hosts       map[string]HostState `json:"hosts"`
}

// HostState is a host as it is now. PID is 0 when the host is powered off.
type HostState struct {
	PID    int    `json:"pid"`
	BootID string `json:"boot_id"`
}

// address is the fleet's address whose last part is n.
func (f *Fleet) address(n int) netip.Addr {
	if f.IPv6 {
		a := [16]byte{0: 0xfd, 1: 0x77, 2: byte(f.Index >> 8), 3: byte(f.Index), 14: byte(n >> 8), 15: byte(n)} //nolint:gosec // two bytes hold both
		return netip.AddrFrom16(a)
	}
	return netip.AddrFrom4([4]byte{10, 77, byte(f.Index), byte(n)}) //nolint:gosec // fleets and hosts are less than 256
}

// HostAddress is the address of the host at position i.
func (f *Fleet) HostAddress(i int) netip.Addr { return f.address(firstHost + i) }

// OperatorAddress is where the operator's programs come from.
func (f *Fleet) OperatorAddress() netip.Addr { return f.address(operatorHost) }

// ServicesAddress is where the registry, the name server and the certificate authority answer.
func (f *Fleet) ServicesAddress() netip.Addr { return f.address(servicesHost) }

// Bits is the length of the fleet's network prefix.
func (f *Fleet) Bits() int {
	if f.IPv6 {
		return 64
	}
	return 24
}

// Host returns the host of that name.
func (f *Fleet) Host(name string) (*Host, error) {
	for i := range f.Hosts {
		if f.Hosts[i].Name == name {
			return &f.Hosts[i], nil
		}
	}
	return nil, fmt.Errorf("fleet %s has no host %q", f.Name, name)
}

// HostDir is where a host's disks, keys and files lie on the machine.
func (f *Fleet) HostDir(name string) string { return filepath.Join(f.Dir, "hosts", name) }

// LogDir is where the output of the fleet's programs goes.
func (f *Fleet) LogDir() string { return filepath.Join(f.Dir, "log") }

// Socket is the supervisor's control socket.
func (f *Fleet) Socket() string { return filepath.Join(f.Dir, "control.sock") }

// Path is the file that describes the fleet in dir.
func Path(dir string) string { return filepath.Join(dir, "fleet.json") }

// Write stores the fleet in its directory.
func (f *Fleet) Write() error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("describe fleet %s: %w", f.Name, err)
	}
	if err := os.WriteFile(Path(f.Dir), b, 0o600); err != nil {
		return fmt.Errorf("describe fleet %s: %w", f.Name, err)
	}
	return nil
}

// Read loads the fleet that lives in dir.
func Read(dir string) (*Fleet, error) {
	b, err := os.ReadFile(Path(dir))
	if err != nil {
		return nil, fmt.Errorf("read the fleet in %s: %w", dir, err)
	}
	var f Fleet
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("read the fleet in %s: %w", dir, err)
	}
	if f.Version != Version {
		return nil, fmt.Errorf("the fleet in %s has version %d, this lab knows %d: take it down with the lab that started it", dir, f.Version, Version)
	}
	return &f, nil
}

// ComposePlugin is where the hosts have Docker's compose plugin.
const ComposePlugin = "/usr/libexec/docker/cli-plugins/docker-compose"

// DockerPrograms are what makes Docker on a host; which of them there are depends on the package's version.
func DockerPrograms() []string {
	return []string{
		"/usr/bin/docker", "/usr/sbin/dockerd", "/usr/bin/docker-proxy", "/usr/sbin/docker-proxy", "/usr/bin/docker-init",
		"/usr/bin/containerd", "/usr/bin/containerd-shim-runc-v2", "/usr/sbin/runc", "/usr/bin/runc",
	}
}
