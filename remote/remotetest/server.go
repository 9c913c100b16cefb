package remotetest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/rcwizard/rcwizard/remote"
)

// Options say how a Server behaves. The zero value lets everybody in without a
// password, runs commands with sh, and forwards.
type Options struct {
	// Password lets in whoever knows it; Interactive asks for it by
	// keyboard-interactive instead.
	Password    string
	Interactive bool
	// Question is what keyboard-interactive asks; default "Password: ".
	Question string
	// Keys are the public keys that may log in.
	Keys []ssh.PublicKey
	// HostKeys default to one new ed25519 key.
	HostKeys []ssh.Signer

	// Shell is the login shell and its flag; default sh -c.
	Shell []string
	// Env is added to the environment of commands, Path put in front of PATH
	// (for a sudo or docker of the test's own).
	Env  []string
	Path string
	// Handler takes commands instead of the shell. It gets the command line;
	// the script of remote.Host comes on stdin.
	Handler func(ctx context.Context, line string, ch ssh.Channel) (code uint32)

	// NoForward refuses all forwarding as sshd's AllowTcpForwarding no does.
	NoForward bool
	// Dial is used for forwarded connections; default net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Stall accepts connections and never says a word.
	Stall bool
	// DropFirst is how many connections are closed at once, as by MaxStartups.
	DropFirst int
	// CutAfter ends each connection when the server has sent so many bytes; 0
	// is never.
	CutAfter int64
	// Banner is sent before the version and the connection then closed, as
	// OpenSSH does while it punishes.
	Banner string
}

// Server is an SSH server on 127.0.0.1. It ends with the test.
type Server struct {
	opt      Options
	listener net.Listener
	hostKeys []ssh.Signer
	dir      string

	mu     sync.Mutex
	conns  map[*conn]bool
	frozen chan struct{} // closed while not frozen
	closed bool

	accepted, logins atomic.Int64
	wg               sync.WaitGroup
}

// NewServer starts a server.
func NewServer(tb testing.TB, opt Options) *Server {
	tb.Helper()
	s := &Server{opt: opt, hostKeys: opt.HostKeys, conns: map[*conn]bool{}, frozen: make(chan struct{}), dir: tb.TempDir()}
	close(s.frozen)
	if len(s.hostKeys) == 0 {
		s.hostKeys = []ssh.Signer{NewKey(tb)}
	}
	s.Listen(tb, "127.0.0.1:0")
	tb.Cleanup(func() {
		s.Close()
		s.wg.Wait()
	})
	return s
}

// NewKey is a new ed25519 key.
func NewKey(tb testing.TB) ssh.Signer {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return signer
}

// Listen makes a closed server serve again; address is its own, or with port 0
// a new one.
func (s *Server) Listen(tb testing.TB, address string) {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	s.mu.Lock()
	s.listener, s.closed = l, false
	s.mu.Unlock()
	s.wg.Go(func() { s.serve(l) })
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Port is the port alone.
func (s *Server) Port() int {
	_, port, _ := net.SplitHostPort(s.Addr())
	n, _ := strconv.Atoi(port)
	return n
}

// Fingerprint is that of the first host key.
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.hostKeys[0].PublicKey()) }

// Logins counts connections that logged in, Accepted all.
func (s *Server) Logins() int { return int(s.logins.Load()) }

// Accepted counts connections.
func (s *Server) Accepted() int { return int(s.accepted.Load()) }

// KnownHosts writes a known_hosts file with the server's keys.
func (s *Server) KnownHosts(tb testing.TB) string {
	tb.Helper()
	file := filepath.Join(s.dir, "known_hosts")
	var text strings.Builder
	for _, key := range s.hostKeys {
		text.WriteString(knownhosts.Line([]string{s.Addr()}, key.PublicKey()) + "\n")
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// Target leads to the server, its host key known, without the user's own
// configuration and keys.
func (s *Server) Target(tb testing.TB) remote.Target {
	tb.Helper()
	return remote.Target{
		Name: "box", Address: "127.0.0.1", Port: s.Port(), User: "deploy", SSHConfig: "none",
		KnownHosts: []string{s.KnownHosts(tb)}, Auth: remote.Auth{Password: s.opt.Password},
	}
}

// Connect connects to the server and closes with the test.
func (s *Server) Connect(tb testing.TB) *remote.SSH {
	tb.Helper()
	h, err := remote.Connect(context.Background(), s.Target(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = h.Close() })
	return h
}

// Cut ends all connections, as a power failure seen from outside would if the
// network said so.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// Freeze stops all traffic without closing anything, as a firewall that drops;
// Thaw goes on.
func (s *Server) Freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = make(chan struct{})
}

// Thaw ends Freeze.
func (s *Server) Thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.frozen:
	default:
		close(s.frozen)
	}
}

// Close stops listening and ends all connections.
func (s *Server) Close() {
	s.Thaw()
	s.mu.Lock()
	s.closed = true
	_ = s.listener.Close()
	s.mu.Unlock()
	s.Cut()
}

func (s *Server) serve(l net.Listener) {
	for {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		n := s.accepted.Add(1)
		if int(n) <= s.opt.DropFirst {
			_ = raw.Close()
			continue
		}
		c := &conn{Conn: raw, server: s, left: s.opt.CutAfter}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = raw.Close()
			return
		}
		s.conns[c] = true
		s.mu.Unlock()
		s.wg.Go(func() {
			defer func() {
				_ = c.Close()
				s.mu.Lock()
				delete(s.conns, c)
				s.mu.Unlock()
			}()
			s.handle(c)
		})
	}
}

// conn can be frozen, and cut after some bytes.
type conn struct {
	net.Conn
	server *Server
	mu     sync.Mutex
	left   int64 // 0 before the first byte means without limit
}

func (c *conn) wait() {
	c.server.mu.Lock()
	frozen := c.server.frozen
	c.server.mu.Unlock()
	<-frozen
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wait()
	return n, err //nolint:wrapcheck // a connection hands on what it gets
}

func (c *conn) Write(p []byte) (int, error) {
	c.wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.opt.CutAfter > 0 {
		if int64(len(p)) >= c.left {
			_, _ = c.Conn.Write(p[:c.left])
			_ = c.Close()
			return 0, net.ErrClosed
		}
		c.left -= int64(len(p))
	}
	return c.Conn.Write(p) //nolint:wrapcheck // as above
}

var errDenied = errors.New("denied")

func (s *Server) config() *ssh.ServerConfig {
	o := s.opt
	cfg := &ssh.ServerConfig{NoClientAuth: o.Password == "" && len(o.Keys) == 0, MaxAuthTries: 6}
	if len(o.Keys) > 0 {
		cfg.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			for _, k := range o.Keys {
				if string(k.Marshal()) == string(key.Marshal()) {
					return &ssh.Permissions{}, nil
				}
			}
			return nil, errDenied
		}
	}
	if o.Password != "" && !o.Interactive {
		cfg.PasswordCallback = func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if string(p) == o.Password {
				return &ssh.Permissions{}, nil
			}
			return nil, errDenied
		}
	}
	if o.Password != "" && o.Interactive {
		question := o.Question
		if question == "" {
			question = "Password: "
		}
		cfg.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{question}, []bool{false})
			if err != nil || len(answers) != 1 || answers[0] != o.Password {
				return nil, errDenied
			}
			return &ssh.Permissions{}, nil
		}
	}
	for _, key := range s.hostKeys {
		cfg.AddHostKey(key)
	}
	return cfg
}
