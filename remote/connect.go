package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// ConnectError is a host, or a jump host on the way, that could not be
// reached.
type ConnectError struct {
	Host, Addr string
	// Kind is why the TCP connection failed; DialFailed if the SSH handshake
	// did.
	Kind DialKind
	Hint string
	Err  error
}

func (e *ConnectError) Error() string {
	msg := fmt.Sprintf("host %s: connect to %s: %v", e.Host, e.Addr, e.Err)
	if e.Hint != "" {
		msg += ": " + e.Hint
	}
	return msg
}

func (e *ConnectError) Unwrap() error { return e.Err }

// chain is one connection: the client of the host itself, and of each jump
// host on the way.
type chain struct {
	client *ssh.Client
	before []*ssh.Client
}

// close ends the hops from here on outwards: that of the first is a socket's
// and never blocks, while behind a jump host a close is a message, which would
// wait for ever on a connection that is frozen.
func (c *chain) close() {
	for _, jump := range c.before {
		_ = jump.Close()
	}
	_ = c.client.Close()
}

// maxTries is how often a connection is tried that the server dropped before
// it spoke, as sshd does when many come at a time (MaxStartups).
const maxTries = 3

// dialChain connects through all hops, the last of which is the host.
func dialChain(ctx context.Context, hops []hop) (*chain, error) {
	c := &chain{}
	for i, h := range hops {
		client, err := dialHop(ctx, c.client, h)
		if err != nil {
			if i > 0 {
				c.close()
			}
			return nil, err
		}
		if c.client != nil {
			c.before = append(c.before, c.client)
		}
		c.client = client
	}
	return c, nil
}

// dialHop connects to one hop, through the one before it if there is one.
func dialHop(ctx context.Context, via *ssh.Client, h hop) (*ssh.Client, error) {
	if h.proxyCommand != "" && via == nil {
		return nil, fmt.Errorf("host %s: the SSH configuration has a ProxyCommand for %s, which is not supported: use ProxyJump", h.label, h.host)
	}
	algorithms := [][]string{nil} // what known_hosts asks for
	if h.hostKey != "" {
		// The fingerprint says nothing of the key's type: ask for each in turn.
		all := keyAlgorithms()
		algorithms = [][]string{all[:1], all[1:4], all[4:]}
	}
	var failure error
	for _, want := range algorithms {
		client, err := dialRetry(ctx, via, h, want)
		if err == nil {
			return client, nil
		}
		var changed *ChangedHostKeyError
		var none *ssh.AlgorithmNegotiationError
		if h.hostKey == "" || !errors.As(err, &changed) && !errors.As(err, &none) {
			return nil, err
		}
		if failure == nil || errors.As(err, &changed) && !errors.As(failure, &changed) {
			failure = err
		}
	}
	return nil, failure
}

func dialRetry(ctx context.Context, via *ssh.Client, h hop, algorithms []string) (*ssh.Client, error) {
	for try := 1; ; try++ {
		client, err := dialOnce(ctx, via, h, algorithms)
		if err == nil || try == maxTries || !dropped(err) {
			return client, err
		}
		if err := pause(ctx, time.Duration(try)*300*time.Millisecond+rand.N(700*time.Millisecond)); err != nil { //nolint:gosec // jitter needs no secrecy
			return nil, fmt.Errorf("host %s: %w", h.label, err)
		}
	}
}

// dropped says that the server closed the connection without a word.
func dropped(err error) bool {
	var c *ConnectError
	return errors.As(err, &c) && (errors.Is(c.Err, io.EOF) || errors.Is(c.Err, io.ErrUnexpectedEOF) || errors.Is(c.Err, syscall.ECONNRESET))
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx) //nolint:wrapcheck // the caller knows what it waited for
	}
}

// dialOnce makes one connection: TCP, handshake and login within the hop's
// time.
func dialOnce(parent context.Context, via *ssh.Client, h hop, algorithms []string) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(parent, h.timeout)
	defer cancel()
	keys, err := newKeyVerifier(h)
	if err != nil {
		return nil, err
	}
	if algorithms == nil {
		algorithms = keys.algorithms()
	}
	l, err := prepare(ctx, h)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	conn, err := dialTCP(ctx, via, h)
	if err != nil {
		return nil, err
	}
	type outcome struct {
		conn  ssh.Conn
		chans <-chan ssh.NewChannel
		reqs  <-chan *ssh.Request
		err   error
	}
	// A channel through a jump host knows no deadlines, so the handshake is
	// ended by closing what it runs on.
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		o.conn, o.chans, o.reqs, o.err = ssh.NewClientConn(conn, h.addr(), &ssh.ClientConfig{
			User: h.user, Auth: l.methods(), AuthCallback: l.observe,
			HostKeyCallback: keys.check, HostKeyAlgorithms: algorithms,
			ClientVersion: "SSH-2.0-rcwizard",
		})
		done <- o
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		_ = conn.Close()
		o = <-done
		if o.err == nil {
			_ = o.conn.Close()
		}
		if parent.Err() != nil {
			return nil, fmt.Errorf("host %s: connect to %s: %w", h.label, h.addr(), context.Cause(parent))
		}
		if keys.verdict == nil {
			return nil, &ConnectError{
				Host: h.label, Addr: h.addr(), Kind: DialFiltered, Err: context.DeadlineExceeded,
				Hint: fmt.Sprintf("it took the connection but did not complete the SSH handshake within %v", h.timeout),
			}
		}
	}
	if o.err == nil {
		return ssh.NewClient(o.conn, o.chans, o.reqs), nil
	}
	_ = conn.Close()
	return nil, explainHandshake(h, keys, l, o.err)
}

func explainHandshake(h hop, keys *keyVerifier, l *login, err error) error {
	if keys.verdict != nil {
		return keys.verdict
	}
	var none *ssh.AlgorithmNegotiationError
	if errors.As(err, &none) && strings.Contains(err.Error(), "host key") && h.hostKey == "" && keys.authorityOnly() {
		return &NoHostCertificateError{Host: h.label, Addr: h.keyAddr()}
	}
	if refused := l.refused(err); refused != nil {
		return refused
	}
	e := &ConnectError{Host: h.label, Addr: h.addr(), Kind: DialFailed, Err: err}
	switch {
	case dropped(e):
		e.Hint = "the server closed the connection before it spoke: too many connections at a time (MaxStartups), or a penalty after failed logins (OpenSSH 9.8 and later): wait half a minute and try again"
	case errors.As(err, &none):
		e.Hint = "the two sides have no algorithm in common: the server is too old, or set too strictly"
	case strings.Contains(err.Error(), "overflow reading version") || strings.Contains(err.Error(), "invalid packet"):
		e.Hint = "something else than an SSH server answers there: check the port"
	}
	return e
}

// dialTCP reaches the hop's port, from here or from the hop before.
func dialTCP(ctx context.Context, via *ssh.Client, h hop) (net.Conn, error) {
	if via == nil {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", h.addr())
		if err != nil {
			de := dialErrorLocal(ctx, h.label, "tcp", h.addr(), err)
			return nil, &ConnectError{Host: h.label, Addr: h.addr(), Kind: de.Kind, Err: err, Hint: connectHint(de.Kind, h.port)}
		}
		return conn, nil
	}
	conn, err := via.DialContext(ctx, "tcp", h.addr())
	if err != nil {
		de := dialErrorSSH(ctx, h.label, "tcp", h.addr(), err)
		hint := connectHint(de.Kind, h.port)
		if de.Kind == DialProhibited {
			hint = "the jump host does not allow forwarding: set AllowTcpForwarding yes in its sshd_config"
		}
		return nil, &ConnectError{Host: h.label, Addr: h.addr(), Kind: de.Kind, Err: fmt.Errorf("through the jump host: %w", err), Hint: hint}
	}
	return conn, nil
}

// connectHint says what to look at when the port cannot be reached.
func connectHint(k DialKind, port int) string {
	switch k {
	case DialRefused:
		return "nothing listens there: check the port, and that sshd runs"
	case DialFiltered:
		return fmt.Sprintf("no answer: the host is off, or a firewall drops port %d: check the address and the firewall", port)
	case DialUnreachable:
		return "there is no way to that network from here: check the address"
	case DialUnresolved:
		return "the name does not resolve: check it, or give an IP address"
	default:
		return ""
	}
}
