// Package lab runs real hosts on one machine: each with an sshd, a Docker engine, addresses, a firewall and a disk of
// its own, so that rcwizard is tried on what it is made for. A host can be cut off, filled up, frozen, powered down and
// booted again.
//
// A [Fleet] is a set of hosts on a network of their own, with a name server, a registry of container images and a
// certificate authority, and a place from which an operator reaches them. Fleets do not see each other, nor the
// machine's network, so tests run side by side:
//
//	fleet := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1", "rc2", "edge")})
//	out, err := fleet.Host("db").Exec(ctx, "docker", "info")
//
// It promises that nothing of a fleet outlives it: no process, namespace, mount, cgroup or file, also when the test is
// killed. It needs root and Linux. It does not isolate an enemy: the hosts' root is the machine's root.
//
// What it shows about a distribution, it shows about the Debian on its hosts and the kernel of the machine.
package lab
