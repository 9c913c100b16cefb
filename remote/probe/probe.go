// Package probe finds out which TCP connections a network lets through, before
// the services are there that will use them: it listens on hosts for a moment,
// opens connections to those addresses from other hosts, and says what came of
// each.
//
// It promises that an Answered is a proof: the bytes that came back are a nonce
// that only the listener on the host in question knew. It tells apart what the
// network tells apart, in the system's own words, and says CannotTell where
// nothing could be tried. What it started on a host ends with Close, with the
// connection to the host, or after a minute, and leaves no file.
//
// It judges nothing: whether an outcome is good, and what to do about it, is
// decided elsewhere. It tries TCP alone, changes no firewall, and installs
// nothing: a host without any program that can listen says so.
package probe

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/rcwizard/rcwizard/remote"
)

// Host is the part of remote.Host that probing uses.
type Host interface {
	Name() string
	Run(ctx context.Context, c remote.Command) (remote.Result, error)
	Stream(ctx context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error)
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	// Deadline is how long one connection may take, reading included. It
	// covers the first three SYNs (at 0, 1 and 3 s), the second by which the
	// kernel may hold back an ICMP answer, and the 3.1 s after which Linux
	// gives up finding a neighbour.
	Deadline = 5 * time.Second
	// atEase is how long a host takes at most to answer that is not so busy that a
	// connection which it did not open within Deadline may be its own doing, and
	// aliveWithin how long one that answers at all.
	atEase      = time.Second
	aliveWithin = 15 * time.Second
	// listenWithin bounds the start of a listener, sudo included. With Deadline,
	// aliveWithin and the second try it is within listenFor: the first listener is
	// still there when the last has come.
	listenWithin = 20 * time.Second
	// nameWithin bounds the search for who has the ports that are taken, for which
	// no listener and nobody who dials waits: it reads what every process of the
	// host has open, and a busy host has many. listDocker is how many seconds of
	// that Docker may take.
	nameWithin = time.Minute
	listDocker = 30
	// closeWithin is how long a listener that was asked to end may tell of its guests
	// before it is ended.
	closeWithin = 10 * time.Second
	// listenFor is after how many seconds a listener ends by itself, whatever
	// became of us.
	listenFor = 60
)

// State is what became of a temporary listener on one address.
type State string

// The states. The zero value says that no listener was wanted.
const (
	// Listening: bind(2) and listen(2) succeeded.
	Listening State = "listening"
	// InUse is EADDRINUSE; Socket.Owners says by whom.
	InUse State = "in use"
	// NotPermitted is EACCES: a port below 1024, and root could not be had;
	// Socket.Vacant says whether it is free all the same.
	NotPermitted State = "not permitted"
	// NotOnHost is EADDRNOTAVAIL: no interface of the host has the address.
	// busybox' nc may know only the wildcard and then cannot tell.
	NotOnHost State = "not on the host"
	// NoTool: the host has no program that could listen.
	NoTool State = "no tool"
	// Lost: it listened, and then the session ended before the probes did.
	Lost State = "lost"
	// Unknown is anything else; Socket.Err says what.
	Unknown State = "unknown"
)

// Socket is a temporary listener on one address of a host.
type Socket struct {
	Addr  netip.AddrPort
	State State
	// Via is what listens: perl, python3, systemd-socket-activate, busybox nc.
	Via string
	// Words are the system's own for why it does not listen.
	Words string
	// Vacant is for NotPermitted: the host's own list of sockets was read, which
	// anybody may, and has nobody on this address. One that somebody has is InUse.
	Vacant bool
	// Err is why root could not be had, or the host not be asked, or ErrTooSlow.
	Err error
	// Owners are who has the address when it is in use. It is empty when
	// nobody could be found; without root only the login's own processes can.
	Owners []Owner
}

// Owner is who has a port.
type Owner struct {
	// Addr is what the socket is bound to, which may be the wildcard.
	Addr netip.AddrPort
	// Listens is false for the near end of a connection.
	Listens bool
	// PID and Program are of the first of the processes that have the socket;
	// 0 and "" when they cannot be seen. Program is rcwz-listen for a listener
	// of this package's, then of another run.
	PID     int
	Program string
	// ContainerID is of the container that the process is in, or that Docker
	// publishes the port for; the names are known when Docker was asked.
	ContainerID, Container string
	// Project and Service are those of docker compose.
	Project, Service string
}

// Kind is what came of an attempt to connect.
type Kind string

// The kinds.
const (
	// Answered: the listener on the host in question sent its nonce.
	Answered Kind = "answered"
	// Opened: somebody accepts; no nonce was asked for.
	Opened Kind = "opened"
	// Other: something accepted and sent other bytes; Outcome.Heard.
	Other Kind = "other answer"
	// Silent: something accepted, and sent nothing.
	Silent Kind = "silent"
	// Refused is ECONNREFUSED: nobody listens there, or a firewall says so.
	Refused Kind = "refused"
	// Unreachable is EHOSTUNREACH, ENETUNREACH and their kin, from a firewall,
	// a router, or, after 3 s, because the machine does not answer on its
	// network; Outcome.Words and Took tell them apart.
	Unreachable Kind = "unreachable"
	// NoRoute: nothing was sent, for the host that dials has no route there.
	NoRoute Kind = "no route"
	// NoAnswer: nothing came before the deadline.
	NoAnswer Kind = "no answer"
	// CannotTell: nothing was tried, or how it ended is unknown.
	CannotTell Kind = "cannot tell"
)

// Outcome is what came of one attempt to connect.
type Outcome struct {
	Kind Kind
	// Words are the system's own, as in "No route to host".
	Words string
	// Heard is the first line that another than our listener sent, in
	// printable characters, 64 at most.
	Heard string
	// Took is how long it was until this was known. It is measured from
	// here, and so longer than on the host by the way there and back.
	Took time.Duration
	// Via is how the connection was opened: "dial" for Host.Dial, which is
	// sshd's forwarding; perl, python3 or bash where sshd forbids that.
	Via string
	// Err is why one cannot tell.
	Err error
}

// viaDial is Outcome.Via for what Host.Dial opened.
const viaDial = "dial"
