package remote_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

func TestUnknownHostKey(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	target := s.Target(t)
	target.KnownHosts = []string{filepath.Join(t.TempDir(), "new", "known_hosts")}
	_, err := remote.Connect(t.Context(), target)
	var unknown *remote.UnknownHostKeyError
	if !errors.As(err, &unknown) {
		t.Fatalf("error %v", err)
	}
	if unknown.Fingerprint != s.Fingerprint() || unknown.Type != "ED25519" || unknown.Addr != s.Addr() {
		t.Errorf("%+v", unknown)
	}
	if s.Logins() != 0 {
		t.Error("it logged in to an unknown host")
	}
	if err := unknown.Trust(""); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(target.KnownHosts[0])
	if err != nil || !strings.HasPrefix(string(b), "[127.0.0.1]:") {
		t.Errorf("%q, %v", b, err)
	}
	if info, _ := os.Stat(target.KnownHosts[0]); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	connect(t, target)
}

func TestTrustKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	target := s.Target(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	other := knownhosts.Line([]string{"elsewhere"}, remotetest.NewKey(t).PublicKey())
	write(t, file, other) // without a newline at its end
	target.KnownHosts = []string{file}
	target.AcceptNew = true
	connect(t, target)
	b, _ := os.ReadFile(file)
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(lines) != 2 || lines[0] != other {
		t.Errorf("%q", b)
	}
}

func TestChangedHostKey(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	old := remotetest.NewKey(t)
	target := s.Target(t)
	write(t, target.KnownHosts[0], "# comment\n"+knownhosts.Line([]string{s.Addr()}, old.PublicKey())+"\n")
	for _, acceptNew := range []bool{false, true} {
		target.AcceptNew = acceptNew
		_, err := remote.Connect(t.Context(), target)
		var changed *remote.ChangedHostKeyError
		if !errors.As(err, &changed) {
			t.Fatalf("error %v", err)
		}
		if changed.Fingerprint != s.Fingerprint() || len(changed.Known) != 1 ||
			changed.Known[0].Fingerprint != ssh.FingerprintSHA256(old.PublicKey()) || changed.Known[0].Line != 2 {
			t.Errorf("%+v", changed)
		}
		for _, want := range []string{s.Fingerprint(), ssh.FingerprintSHA256(old.PublicKey()), target.KnownHosts[0] + ":2", "ssh-keygen -R"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q lacks %q", err, want)
			}
		}
	}
	if s.Logins() != 0 {
		t.Error("it logged in to a host with a changed key")
	}
}

// TestKnownByAnotherKeyType: a host with two keys, known by the one that x/crypto
// would not ask for by itself, has not changed.
func TestKnownByAnotherKeyType(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	edKey := remotetest.NewKey(t)
	s := remotetest.NewServer(t, remotetest.Options{HostKeys: []ssh.Signer{edKey, rsaKey}})
	for _, key := range []ssh.Signer{edKey, rsaKey} {
		target := s.Target(t)
		write(t, target.KnownHosts[0], knownhosts.Line([]string{s.Addr()}, key.PublicKey())+"\n")
		connect(t, target)

		target.KnownHosts = []string{filepath.Join(t.TempDir(), "known_hosts")}
		target.HostKey = ssh.FingerprintSHA256(key.PublicKey())
		connect(t, target)
		if b, _ := os.ReadFile(target.KnownHosts[0]); !strings.Contains(string(b), key.PublicKey().Type()) {
			t.Errorf("the expected key was not recorded: %q", b)
		}
	}
	target := s.Target(t)
	target.HostKey = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	_, err = remote.Connect(t.Context(), target)
	var changed *remote.ChangedHostKeyError
	if !errors.As(err, &changed) || changed.Known[0].Fingerprint != target.HostKey {
		t.Errorf("another key than the expected one: %v", err)
	}
}

func TestAuthorityOnly(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	target := s.Target(t)
	write(t, target.KnownHosts[0], "@cert-authority * "+string(ssh.MarshalAuthorizedKey(remotetest.NewKey(t).PublicKey())))
	_, err := remote.Connect(t.Context(), target)
	if _, ok := errors.AsType[*remote.NoHostCertificateError](err); !ok {
		t.Errorf("error %v", err)
	}
}

func TestRevokedHostKey(t *testing.T) {
	t.Parallel()
	key := remotetest.NewKey(t)
	s := remotetest.NewServer(t, remotetest.Options{HostKeys: []ssh.Signer{key}})
	target := s.Target(t)
	line := string(ssh.MarshalAuthorizedKey(key.PublicKey()))
	write(t, target.KnownHosts[0], "@revoked * "+line)
	target.AcceptNew = true
	_, err := remote.Connect(t.Context(), target)
	if _, ok := errors.AsType[*remote.RevokedHostKeyError](err); !ok {
		t.Errorf("error %v", err)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	for _, interactive := range []bool{false, true} {
		s := remotetest.NewServer(t, remotetest.Options{Password: "correct horse", Interactive: interactive})
		connect(t, s.Target(t))

		target := s.Target(t)
		target.Auth.Password = "wrong pony"
		_, err := remote.Connect(t.Context(), target)
		var auth *remote.AuthError
		if !errors.As(err, &auth) || auth.NeedPassword {
			t.Fatalf("error %v", err)
		}
		if strings.Contains(err.Error(), "wrong pony") || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%q", err)
		}
		target.Auth.Password = ""
		if _, err = remote.Connect(t.Context(), target); !errors.As(err, &auth) || !auth.NeedPassword {
			t.Errorf("no password: %v", err)
		}
	}
	s := remotetest.NewServer(t, remotetest.Options{Password: "x", Interactive: true, Question: "Verification code: "})
	_, err := remote.Connect(t.Context(), s.Target(t))
	if err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("one-time code: %v", err)
	}
}

// keyFile writes a new private key, with a passphrase if there is one.
func keyFile(t *testing.T, dir, name, passphrase string) (file string, public ssh.PublicKey, private ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, name)
	write(t, file, string(pem.EncodeToMemory(block)))
	public, err = ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return file, public, private
}

// serveAgent is an SSH agent with the given keys.
func serveAgent(t *testing.T, keys ...ed25519.PrivateKey) string {
	t.Helper()
	ring := agent.NewKeyring()
	for _, k := range keys {
		if err := ring.Add(agent.AddedKey{PrivateKey: k}); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, c) }()
		}
	}()
	return socket
}

func TestKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain, plainPub, _ := keyFile(t, dir, "plain", "")
	locked, lockedPub, lockedKey := keyFile(t, dir, "locked", "open sesame")
	stranger, _, _ := keyFile(t, dir, "stranger", "")
	s := remotetest.NewServer(t, remotetest.Options{Keys: []ssh.PublicKey{plainPub, lockedPub}})
	with := func(change func(*remote.Target)) remote.Target {
		target := s.Target(t)
		change(&target)
		return target
	}
	connect(t, with(func(x *remote.Target) { x.IdentityFile = plain }))
	connect(t, with(func(x *remote.Target) { x.IdentityFile = locked; x.Auth.KeyPassphrase = "open sesame" }))
	connect(t, with(func(x *remote.Target) { x.IdentityFile = locked; x.Auth.AgentSocket = serveAgent(t, lockedKey) }))
	connect(t, with(func(x *remote.Target) { x.Auth.AgentSocket = serveAgent(t, lockedKey) }))

	var needed *remote.PassphraseNeededError
	_, err := remote.Connect(t.Context(), with(func(x *remote.Target) { x.IdentityFile = locked }))
	if !errors.As(err, &needed) || needed.File != locked {
		t.Errorf("no passphrase: %v", err)
	}
	_, err = remote.Connect(t.Context(), with(func(x *remote.Target) { x.IdentityFile = locked; x.Auth.KeyPassphrase = "close" }))
	if _, ok := errors.AsType[*remote.PassphraseWrongError](err); !ok {
		t.Errorf("wrong passphrase: %v", err)
	}
	_, err = remote.Connect(t.Context(), with(func(x *remote.Target) { x.IdentityFile = filepath.Join(dir, "none") }))
	if _, ok := errors.AsType[*remote.KeyFileError](err); !ok {
		t.Errorf("no such key: %v", err)
	}
	var auth *remote.AuthError
	_, err = remote.Connect(t.Context(), with(func(x *remote.Target) { x.IdentityFile = stranger }))
	if !errors.As(err, &auth) || auth.NeedPassword {
		t.Errorf("a key that is not authorized: %v", err)
	}
}

// TestRightKeyAmongMany: the agent holds more keys than the server lets try;
// the one that is named comes first.
func TestRightKeyAmongMany(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	many := make([]ed25519.PrivateKey, 0, 13)
	for range 12 {
		_, _, k := keyFile(t, dir, "other", "")
		many = append(many, k)
	}
	right, pub, key := keyFile(t, dir, "right", "some passphrase")
	s := remotetest.NewServer(t, remotetest.Options{Keys: []ssh.PublicKey{pub}})
	target := s.Target(t)
	target.Auth.AgentSocket = serveAgent(t, append(many, key)...)
	target.IdentityFile = right
	connect(t, target)
}

func TestJumpHosts(t *testing.T) {
	t.Parallel()
	first := remotetest.NewServer(t, remotetest.Options{})
	second := remotetest.NewServer(t, remotetest.Options{})
	last := remotetest.NewServer(t, remotetest.Options{})
	target := last.Target(t)
	target.ProxyJump = "u@" + first.Addr() + ", ssh://v@" + second.Addr()
	target.KnownHosts = append(target.KnownHosts, first.KnownHosts(t), second.KnownHosts(t))
	h := connect(t, target)
	res, err := h.Run(t.Context(), remote.Command{Script: "echo through"})
	if err != nil || res.Stdout != "through\n" {
		t.Errorf("%+v, %v", res, err)
	}
	if first.Logins() != 1 || second.Logins() != 1 || last.Logins() != 1 {
		t.Error("not every hop was used once")
	}

	target.KnownHosts = last.Target(t).KnownHosts
	_, err = remote.Connect(t.Context(), target)
	var unknown *remote.UnknownHostKeyError
	if !errors.As(err, &unknown) || unknown.Fingerprint != first.Fingerprint() {
		t.Errorf("an unknown jump host: %v", err)
	}

	closed := remotetest.NewServer(t, remotetest.Options{NoForward: true})
	target = last.Target(t)
	target.ProxyJump = closed.Addr()
	target.KnownHosts = append(target.KnownHosts, closed.KnownHosts(t))
	_, err = remote.Connect(t.Context(), target)
	if err == nil || !strings.Contains(err.Error(), "AllowTcpForwarding") {
		t.Errorf("a jump host that does not forward: %v", err)
	}
}

func TestHandshakeTroubles(t *testing.T) {
	t.Parallel()
	t.Run("stall", func(t *testing.T) {
		t.Parallel()
		target := remotetest.NewServer(t, remotetest.Options{Stall: true}).Target(t)
		target.ConnectTimeout = 200 * time.Millisecond
		begin := time.Now()
		_, err := remote.Connect(t.Context(), target)
		var c *remote.ConnectError
		if !errors.As(err, &c) || time.Since(begin) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
	t.Run("stall behind a jump host", func(t *testing.T) {
		t.Parallel()
		jump := remotetest.NewServer(t, remotetest.Options{})
		target := remotetest.NewServer(t, remotetest.Options{Stall: true}).Target(t)
		target.ProxyJump = jump.Addr()
		target.KnownHosts = []string{jump.KnownHosts(t)}
		target.ConnectTimeout = 300 * time.Millisecond
		begin := time.Now()
		_, err := remote.Connect(t.Context(), target)
		if err == nil || time.Since(begin) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
	t.Run("dropped twice", func(t *testing.T) {
		t.Parallel()
		s := remotetest.NewServer(t, remotetest.Options{DropFirst: 2})
		s.Connect(t)
		if s.Accepted() != 3 {
			t.Errorf("%d connections", s.Accepted())
		}
	})
	t.Run("dropped always", func(t *testing.T) {
		t.Parallel()
		s := remotetest.NewServer(t, remotetest.Options{Banner: "Not allowed at this time"})
		_, err := remote.Connect(t.Context(), s.Target(t))
		if err == nil || !strings.Contains(err.Error(), "wait half a minute") || s.Accepted() != 3 {
			t.Errorf("%v after %d tries", err, s.Accepted())
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		s := remotetest.NewServer(t, remotetest.Options{})
		target := s.Target(t)
		s.Close()
		_, err := remote.Connect(t.Context(), target)
		var c *remote.ConnectError
		if !errors.As(err, &c) || c.Kind != remote.DialRefused {
			t.Errorf("error %v", err)
		}
	})
	t.Run("wrong password is tried once", func(t *testing.T) {
		t.Parallel()
		s := remotetest.NewServer(t, remotetest.Options{Password: "x"})
		target := s.Target(t)
		target.Auth.Password = "yyyy"
		_, _ = remote.Connect(t.Context(), target)
		if s.Accepted() != 1 {
			t.Errorf("%d connections", s.Accepted())
		}
	})
}
