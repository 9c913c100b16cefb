package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSH is a host over SSH: one connection, made again when it was lost.
type SSH struct {
	*runner
	target  Target
	hops    []hop
	warning string
	docker  dockerOnce

	ctx  context.Context //nolint:containedctx // the life of the connection, ended by Close
	stop context.CancelCauseFunc

	mu sync.Mutex
	// live is nil while there is no connection.
	live *link
	// lost is when the last connection ended.
	lost time.Time
	// trying is the attempt under way to make it again.
	trying *attempt
	// noForward remembers that sshd forbids forwarding, so that not every Dial
	// asks again.
	noForward bool
}

// link is one connection while it lasts.
type link struct {
	*chain
	// dead is closed when the connection is known to be gone; why is set
	// before.
	dead chan struct{}
	why  error
}

var _ Host = (*SSH)(nil)

// Connect logs in to a host. Besides the errors of this package's types that
// say why it cannot (ConnectError, AuthError, ChangedHostKeyError …) it
// returns an *UnknownHostKeyError for a person to decide on.
func Connect(ctx context.Context, t Target) (*SSH, error) {
	t = t.withDefaults()
	h, warning, err := resolve(ctx, t)
	if err != nil {
		return nil, err
	}
	way, err := jumps(ctx, t, h.jump, 0)
	if err != nil {
		return nil, err
	}
	if t.Redactor == nil {
		t.Redactor = NewRedactor()
	}
	t.Redactor.Add(t.Auth.Password, t.Auth.KeyPassphrase)
	s := &SSH{
		runner: newRunner(t.Name, h.user, t.Redactor, t.Sudo, t.SudoPassword),
		target: t, hops: append(way, h), warning: warning,
	}
	s.start = s.exec
	s.ctx, s.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	c, err := dialChain(ctx, s.hops)
	if err != nil {
		s.stop(ErrClosed)
		return nil, err
	}
	s.adopt(c)
	return s, nil
}

// Warning is what a person should know about how the target was read, or "".
func (s *SSH) Warning() string { return s.warning }

// User is who is logged in.
func (s *SSH) User() string { return s.user }

// Close ends the connection. The host ends what runs.
func (s *SSH) Close() error {
	s.stop(ErrClosed)
	s.docker.close()
	s.mu.Lock()
	l := s.live
	s.live = nil
	s.mu.Unlock()
	if l != nil {
		l.close()
		<-l.dead
	}
	return nil
}

// adopt makes c the connection and watches it.
func (s *SSH) adopt(c *chain) *link {
	l := &link{chain: c, dead: make(chan struct{})}
	s.mu.Lock()
	if s.ctx.Err() != nil {
		s.mu.Unlock()
		l.why = ErrClosed
		c.close()
		close(l.dead)
		return l
	}
	s.live = l
	s.mu.Unlock()
	go s.watch(l)
	return l
}

// watch sends signs of life and notices the end. A laptop that slept wakes up
// with timers that stood still, so wall clock and timer are compared: after a
// jump the host must answer at once.
func (s *SSH) watch(l *link) {
	gone := make(chan error, 1)
	go func() { gone <- l.client.Wait() }()
	ticker := time.NewTicker(s.target.Keepalive)
	defer ticker.Stop()
	answers := make(chan error, 1)
	waiting, misses := false, 0
	last := time.Now()
	for {
		select {
		case err := <-gone:
			if err == nil || errors.Is(err, io.EOF) {
				err = errors.New("the host closed the connection")
			}
			s.bury(l, err)
			return
		case err := <-answers:
			waiting, misses = false, 0
			if err != nil {
				l.close()
			}
		case <-ticker.C:
			now := time.Now()
			slept := now.Round(0).Sub(last.Round(0))-now.Sub(last) > 20*time.Second
			last = now
			if waiting {
				misses++
			}
			if misses >= keepaliveMisses || slept && waiting {
				s.bury(l, fmt.Errorf("no sign of life for %v", time.Duration(misses)*s.target.Keepalive))
				return
			}
			if !waiting {
				waiting = true
				go func() {
					_, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil)
					answers <- err
				}()
			}
			if slept {
				ticker.Reset(min(s.target.Keepalive, 3*time.Second))
			} else {
				ticker.Reset(s.target.Keepalive)
			}
		}
	}
}

// bury marks the end of a connection.
func (s *SSH) bury(l *link, why error) {
	if s.ctx.Err() != nil {
		why = ErrClosed
	}
	l.close()
	l.why = why
	close(l.dead)
	s.mu.Lock()
	current := s.live == l
	if current {
		s.live, s.lost = nil, time.Now()
	}
	s.mu.Unlock()
	if current && s.ctx.Err() == nil {
		s.state(false, why)
	}
}

// exec starts a command line in a new session. If the connection turns out to
// be dead it is made again: nothing was sent yet, so nothing can run twice.
//
// A session that sshd refuses is asked for again for some seconds: one that has
// ended counts towards MaxSessions until sshd has swept up behind it.
func (s *SSH) exec(ctx context.Context, line string) (*process, error) {
	full := 0
	for try := 1; ; try++ {
		l, err := s.connection(ctx)
		if err != nil {
			return nil, err
		}
		p, err := openSession(ctx, l, line)
		if err == nil {
			return p, nil
		}
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) && refused.Reason == ssh.ConnectionFailed && full < sessionTries {
			full, try = full+1, try-1
			if pause(ctx, time.Duration(full)*50*time.Millisecond) == nil {
				continue
			}
		}
		if try == 3 || ctx.Err() != nil || refused != nil || errors.Is(err, errExecRefused) {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return nil, fmt.Errorf("host %s: open a session: %w", s.name, err)
		}
		// The watcher finds out and clears the link.
		l.close()
		select {
		case <-l.dead:
		case <-ctx.Done():
		}
	}
}

// sessionTries is how often a session is asked for again, with growing pauses:
// four seconds in all.
const sessionTries = 12

var errExecRefused = errors.New("the server does not allow commands")

// openSession starts a command line. x/crypto's Session is passed over: its
// Wait does not return before the output ends, which anything that the script
// left behind can hold open.
func openSession(ctx context.Context, l *link, line string) (*process, error) {
	type opened struct {
		p   *process
		err error
	}
	done := make(chan opened, 1)
	go func() {
		p, err := startSession(l, line)
		done <- opened{p, err}
	}()
	select {
	case o := <-done:
		return o.p, o.err
	case <-ctx.Done():
		go func() {
			if o := <-done; o.err == nil {
				o.p.abandon()
			}
		}()
		return nil, context.Cause(ctx) //nolint:wrapcheck // the caller says for what
	}
}

func startSession(l *link, line string) (*process, error) {
	ch, requests, err := l.client.OpenChannel("session", nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller looks at the kind
	}
	ended := make(chan struct{})
	x := &exit{}
	go func() {
		defer close(ended)
		for req := range requests {
			readExit(req, x)
			if req.WantReply {
				_ = req.Reply(false, nil)
			}
			if x.known {
				go ssh.DiscardRequests(requests)
				return
			}
		}
		// The channel ended without a word. Either the connection is gone, or
		// sshd's process for it was killed.
		x.err = errors.New("the session ended without an exit status")
		select {
		case <-l.dead:
			x.err = fmt.Errorf("the connection was lost: %w", l.why)
		case <-time.After(time.Second): // the watcher hears of a loss a moment later
		}
	}()
	ok, err := ch.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{line}))
	if err != nil || !ok {
		_ = ch.Close()
		if err == nil {
			err = errExecRefused
		}
		return nil, err
	}
	return &process{
		stdin: &channelStdin{Channel: ch}, stdout: ch, stderr: ch.Stderr(), ended: ended, exit: x,
		abandon: func() { go func() { _ = ch.Close() }() }, // a frozen connection blocks
	}, nil
}

func readExit(req *ssh.Request, x *exit) {
	switch req.Type {
	case "exit-status":
		var msg struct{ Status uint32 }
		if ssh.Unmarshal(req.Payload, &msg) == nil {
			x.known, x.code = true, int(msg.Status)
		}
	case "exit-signal":
		var msg struct {
			Signal     string
			CoreDumped bool
			Message    string
			Lang       string
		}
		if ssh.Unmarshal(req.Payload, &msg) == nil {
			x.known, x.code, x.signal = true, signalCode(msg.Signal), msg.Signal
		}
	}
}

// channelStdin closes with an end of file and leaves the other direction open.
// x/crypto's channel may not be written to and closed for writing at the same
// time, so the end of the file waits for the write that is under way; one that
// nobody reads ends with the channel.
type channelStdin struct {
	ssh.Channel

	closed  atomic.Bool
	writing sync.Mutex
}

func (c *channelStdin) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.closed.Load() {
		return 0, io.ErrClosedPipe
	}
	return c.Channel.Write(p) //nolint:wrapcheck // only compared with nil
}

func (c *channelStdin) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	go func() { // a frozen connection blocks
		c.writing.Lock()
		defer c.writing.Unlock()
		_ = c.CloseWrite()
	}()
	return nil
}

// Dial implements Host. The connection knows deadlines. Where sshd forbids
// forwarding it is a stream over a session.
func (s *SSH) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	direct := !s.noForward
	s.mu.Unlock()
	if !direct {
		if withoutBridge(ctx) {
			return nil, &DialError{Host: s.name, Network: network, Address: address, Kind: DialProhibited}
		}
		return s.bridge(ctx, network, address)
	}
	conn, err := s.forward(ctx, network, address)
	if err == nil {
		return withDeadlines(conn, bridgeAddr{network, address}), nil
	}
	var failed *DialError
	if !errors.As(err, &failed) {
		return nil, err
	}
	// For a socket sshd gives one answer to all questions.
	if failed.Kind != DialProhibited && (network != "unix" || failed.Kind != DialFailed) {
		return nil, err
	}
	if network == "tcp" {
		s.mu.Lock()
		s.noForward = true
		s.mu.Unlock()
	}
	if withoutBridge(ctx) {
		return nil, err
	}
	return s.bridge(ctx, network, address)
}

// forward opens a channel; a dead connection is made again first.
func (s *SSH) forward(ctx context.Context, network, address string) (net.Conn, error) {
	for try := 1; ; try++ {
		l, err := s.connection(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := l.client.DialContext(ctx, network, address)
		if err == nil {
			return conn, nil
		}
		var refused *ssh.OpenChannelError
		if try == 3 || ctx.Err() != nil || errors.As(err, &refused) {
			return nil, dialErrorSSH(ctx, s.name, network, address, err)
		}
		l.close()
		select {
		case <-l.dead:
		case <-ctx.Done():
		}
	}
}

// Docker implements Host.
func (s *SSH) Docker(ctx context.Context) (*Docker, error) {
	return s.docker.get(ctx, s.runner, s.forward)
}
