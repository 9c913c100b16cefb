// Package facts asks a Linux host what it is: one POSIX shell script that
// needs little more than a shell and /proc, and a pure parser for what it
// prints. It looks and changes nothing, and it passes no judgement: what is
// too old or too small is decided elsewhere.
package facts

import (
	"net/netip"
	"time"
)

// Facts are what a host said of itself. Zero values mean that the host did not
// say.
type Facts struct {
	OS OS
	// Kernel is as in "6.1.0-18-amd64".
	Kernel string
	// Machine is uname's word: x86_64, aarch64.
	Machine string
	CPUs    int
	// AVX is whether the processor has it (MongoDB 5 and later needs it on
	// x86_64); it is meaningless when CPUKnown is false or on other machines.
	AVX, CPUKnown bool

	// Memory and swap in bytes.
	MemoryTotal, MemoryAvailable, SwapTotal int64

	// Disk is where the given directory is or will be, DockerDisk where the
	// engine keeps images and volumes.
	Disk, DockerDisk Disk

	Hostname, BootID, MachineID string
	// Init is "systemd" or the name of process 1.
	Init string

	// Clock is the host's time when it printed it; see Offset.
	Clock time.Time
	// Offset is by how much the host's clock is ahead of ours, give or take
	// OffsetError. Only Gather sets it.
	Offset, OffsetError time.Duration

	User   string
	UID    int
	Groups []string
	Sudo   Sudo

	Docker Docker
	// Git is the version, empty without Git.
	Git   string
	Tools map[string]bool

	Addresses []Address
	// Listening are the TCP ports in use.
	Listening []netip.AddrPort

	// SELinux is "enforcing", "permissive" or "" without it.
	SELinux string
	// Firewalls are those found active: ufw, firewalld, iptables, nftables.
	// The last two can be seen by root alone; FirewallSeen says whether they
	// could.
	Firewalls    []string
	FirewallSeen bool
}

// OS is the distribution.
type OS struct {
	// ID is as in "debian", Version as in "12" (empty for rolling ones),
	// Pretty for people.
	ID, Version, Pretty string
	// Like are the distributions that it is derived from, the nearest first.
	Like []string
}

// Sudo is what the login can do to become root.
type Sudo string

// The kinds of Sudo.
const (
	// SudoRoot is root itself.
	SudoRoot Sudo = "root"
	// SudoFree needs no password.
	SudoFree     Sudo = "free"
	SudoPassword Sudo = "password"
	// SudoNo is sudo that refuses, SudoNone a host without sudo.
	SudoNo   Sudo = "no"
	SudoNone Sudo = "none"
)

// Disk is one file system. Sizes are in bytes; Free is what is left for those
// who are not root.
type Disk struct {
	// Mount is where it is mounted.
	Mount      string
	Size, Free int64
	// Inodes and InodesFree are 0 where the file system does not count them.
	Inodes, InodesFree int64
}

// Docker is what the docker command on the host says.
type Docker struct {
	// CLI and Compose are versions without a leading "v"; empty if absent.
	CLI, Compose string
	// Engine is the version of the engine that answered; empty if none did,
	// then Error says why in docker's words.
	Engine, Error string
	// Root says that only root reaches the engine, by sudo.
	Root bool
	// RootDir is where the engine keeps its data.
	RootDir string
}

// Address is an address of one of the host's interfaces.
type Address struct {
	// Interface may be empty where the host has no tool that tells it.
	Interface string
	// Prefix is the address with the length of its network.
	Prefix netip.Prefix
}

// Has says whether an address is one of the host's own.
func (f Facts) Has(addr netip.Addr) bool {
	for _, a := range f.Addresses {
		if a.Prefix.Addr().Unmap() == addr.Unmap() {
			return true
		}
	}
	return false
}
