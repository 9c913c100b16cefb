// Package probe tries remote/probe against real hosts, sshds and packet
// filters: for everything that can be in the way of a connection, that what
// comes back is told right, by every tool that can stand in, and that the hosts
// are left as they were.
package probe
