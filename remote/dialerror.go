package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// DialKind says why a connection from a host could not be made.
type DialKind string

// The kinds, by what connect(2) on the host says, or does not say.
const (
	// DialRefused: something answered with a reset, or a firewall's REJECT
	// did. The two look the same.
	DialRefused DialKind = "refused"
	// DialUnreachable: no route, or a firewall that says so.
	DialUnreachable DialKind = "unreachable"
	// DialFiltered: no answer before the deadline: a firewall's DROP, a
	// security group, or a machine that is off.
	DialFiltered DialKind = "no answer"
	// DialUnresolved: the name does not resolve on the host.
	DialUnresolved DialKind = "name not found"
	// DialProhibited: sshd's settings forbid forwarding and no tool on the
	// host could do it instead. It says nothing about the network.
	DialProhibited DialKind = "forwarding forbidden"
	// DialPermission: a socket that the login may not open.
	DialPermission DialKind = "permission denied"
	// DialFailed is anything else.
	DialFailed DialKind = "failed"
)

// DialError is a connection that could not be opened from a host.
type DialError struct {
	Host, Network, Address string
	Kind                   DialKind
	Err                    error
}

func (e *DialError) Error() string {
	msg := fmt.Sprintf("host %s: connect to %s: %s", e.Host, e.Address, e.Kind)
	if e.Err != nil {
		msg += fmt.Sprintf(" (%v)", e.Err)
	}
	return msg
}

func (e *DialError) Unwrap() error { return e.Err }

// dialKindOf reads the words of glibc and of musl for errno.
func dialKindOf(text string) DialKind {
	t := strings.ToLower(text)
	for _, m := range []struct {
		part string
		kind DialKind
	}{
		{"connection refused", DialRefused},
		{"timed out", DialFiltered},
		{"no route to host", DialUnreachable},
		{"unreachable", DialUnreachable},
		{"protocol not available", DialUnreachable},
		{"name resolution", DialUnresolved},
		{"name or service not known", DialUnresolved},
		{"does not resolve", DialUnresolved},
		{"no such host", DialUnresolved},
		{"nodename nor servname", DialUnresolved},
		{"permission denied", DialPermission},
		{"no such file", DialFailed},
	} {
		if strings.Contains(t, m.part) {
			return m.kind
		}
	}
	return DialFailed
}

type bridgeless struct{}

// WithoutBridge makes Host.Dial fail with DialProhibited where sshd forbids
// forwarding, instead of going around it by a stream over a session. It is for
// callers who want to know which of both it is, or have a cheaper way around.
func WithoutBridge(ctx context.Context) context.Context {
	return context.WithValue(ctx, bridgeless{}, true)
}

func withoutBridge(ctx context.Context) bool { return ctx.Value(bridgeless{}) != nil }

func dialErrorLocal(ctx context.Context, host, network, address string, err error) *DialError {
	e := &DialError{Host: host, Network: network, Address: address, Err: err, Kind: DialFailed}
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Kind = DialRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ENOPROTOOPT):
		e.Kind = DialUnreachable
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		e.Kind = DialPermission
	case errors.As(err, &dns):
		e.Kind = DialUnresolved
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.Kind = DialFiltered
	}
	return e
}

// dialErrorSSH reads sshd's answer to a request for a channel.
func dialErrorSSH(ctx context.Context, host, network, address string, err error) *DialError {
	e := &DialError{Host: host, Network: network, Address: address, Err: err, Kind: DialFailed}
	var open *ssh.OpenChannelError
	switch {
	case errors.As(err, &open) && open.Reason == ssh.Prohibited:
		e.Kind = DialProhibited
	case errors.As(err, &open) && network == "tcp" && open.Message == "open failed":
		e.Kind = DialUnreachable // connect(2) was not even tried: no route on the host
	case errors.As(err, &open):
		e.Kind = dialKindOf(open.Message)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.Kind = DialFiltered
	}
	return e
}
