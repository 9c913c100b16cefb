package lab

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// Options describe a fleet.
type Options struct {
	// Name is in the fleet's domain, chat.<name>.test. Default for a test: made of the test's name.
	Name string
	// Hosts are the machines. There must be one.
	Hosts []HostOptions
	// IPv6 gives the hosts IPv6 addresses and no other. Default: IPv4 alone.
	IPv6 bool
	// Names are further names in DNS, each with the host that it leads to.
	Names map[string]string
	// Bare leaves out registry, name server and certificate authority, for tests that need only hosts.
	Bare bool
}

// HostOptions describe a host. The zero value beside the name is a server as one rents it, with Docker installed.
type HostOptions struct {
	Name string
	// Shell is the login shell of all accounts: one of the Shells. Default: bash.
	Shell string
	// NoDocker leaves Docker out; see Host.InstallDocker.
	NoDocker bool
	// Rented is a server as it is handed out: Debian 13 with sshd and little else. Docker is not installed on it, but
	// its apt has a mirror of Debian, with Debian's own signed list, that has Docker's packages and what they need,
	// and no other, the recommended ones neither. As it has no service manager, policy-rc.d starts the engine when its
	// package asks whether it may; at boot the host's init does.
	Rented bool
	// NoCompose leaves Docker's compose plugin out.
	NoCompose bool
	// NoForwarding makes sshd refuse to forward TCP and sockets.
	NoForwarding bool
	// Behind is a host from which alone port 22 of this one can be reached.
	Behind string
	// CgroupV2 shows the host the cgroups of version 2 alone, on a machine that has both. The controllers that the
	// machine uses with version 1 (memory, cpu …) are missing on such a host.
	CgroupV2 bool
	// SSHD are lines of sshd_config, which come before the distribution's and so win.
	SSHD []string
	// DockerDisk is the size in bytes of a disk of its own (ext4) for /var/lib/docker, which FillDisk can fill.
	// It wants at least 64 MiB. Default: a directory on the machine's disk.
	DockerDisk int64
	// Faketime moves the clock that sessions on the host see, in libfaketime's terms ("+2h", "-90s").
	// Static programs and containers see the machine's clock.
	Faketime string
}

// Hosts are hosts without anything special, by name.
func Hosts(names ...string) []HostOptions {
	out := make([]HostOptions, len(names))
	for i, n := range names {
		out[i].Name = n
	}
	return out
}

// Login shells that the hosts have.
const (
	Bash    = "/bin/bash"
	Dash    = "/bin/dash"
	Fish    = "/usr/bin/fish"
	Tcsh    = "/usr/bin/tcsh"
	Zsh     = "/usr/bin/zsh"
	Busybox = "/opt/busybox/sh"
)

// Accounts on each host, beside root. Each is let in with the fleet's keys; each but root with Password, too.
const (
	Root   = "root"
	Deploy = "deploy" // in group docker, no sudo
	Admin  = "admin"  // sudo without a password, not in group docker
	Asker  = "asker"  // sudo with a password, not in group docker
	Guest  = "guest"  // neither
)

// Password is what an account's password is.
func Password(user string) string { return "pw-" + user }

// Passphrase is that of the fleet's second key.
const Passphrase = "correct horse battery staple"

// hostnames are valid as host name and in a path.
const namePattern = `^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`

// fleet checks the options and makes the description of a fleet of them, without its place.
func (o Options) fleet() (*spec.Fleet, error) {
	valid := regexp.MustCompile(namePattern)
	if !valid.MatchString(o.Name) {
		return nil, fmt.Errorf("fleet name %q: want %s", o.Name, namePattern)
	}
	if len(o.Hosts) == 0 || len(o.Hosts) > 200 {
		return nil, fmt.Errorf("fleet %s: %d hosts: want 1 to 200", o.Name, len(o.Hosts))
	}
	f := &spec.Fleet{Version: spec.Version, Name: o.Name, IPv6: o.IPv6, Names: map[string]string{}}
	for _, h := range o.Hosts {
		if !valid.MatchString(h.Name) {
			return nil, fmt.Errorf("host name %q: want %s", h.Name, namePattern)
		}
		if _, err := f.Host(h.Name); err == nil {
			return nil, fmt.Errorf("fleet %s has two hosts %q", o.Name, h.Name)
		}
		sshd := slices.Clone(h.SSHD)
		if h.NoForwarding {
			sshd = append(sshd, "DisableForwarding yes")
		}
		f.Hosts = append(f.Hosts, spec.Host{
			Name: h.Name, Shell: h.Shell, Rented: h.Rented, NoDocker: h.NoDocker || h.Rented, NoCompose: h.NoCompose, Behind: h.Behind,
			CgroupV2: h.CgroupV2, SSHD: sshd, DockerDisk: h.DockerDisk, Faketime: h.Faketime,
		})
		f.Names[h.Name+"."+o.Name+".test"] = h.Name
	}
	for _, h := range f.Hosts {
		if h.Behind == "" {
			continue
		}
		if _, err := f.Host(h.Behind); err != nil {
			return nil, fmt.Errorf("%s is behind a host that is not there: %w", h.Name, err)
		}
	}
	edge := f.Hosts[0].Name
	if _, err := f.Host("edge"); err == nil {
		edge = "edge"
	}
	f.Names[domain(o.Name)] = edge
	f.Names["grafana."+domain(o.Name)] = edge
	maps.Copy(f.Names, o.Names)
	for name, host := range f.Names {
		if _, err := f.Host(host); err != nil {
			return nil, fmt.Errorf("name %s: %w", name, err)
		}
	}
	return f, nil
}

// domain is the domain of a fleet's workspace.
func domain(fleet string) string { return "chat." + fleet + ".test" }
