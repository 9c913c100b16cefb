package remote_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
)

// sshd is a real OpenSSH server on a port of 127.0.0.1, run by the test's own
// user with keys of its own.
type sshd struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

// key is the private key that may log in.
func (s *sshd) key() string { return filepath.Join(s.dir, "user") }

func (s *sshd) target(tb testing.TB) remote.Target {
	tb.Helper()
	return remote.Target{
		Name: "sshd", Address: "127.0.0.1", Port: s.port, User: localUser(tb), SSHConfig: "none",
		IdentityFile: s.key(), KnownHosts: []string{filepath.Join(s.dir, "known_hosts")}, AcceptNew: true,
	}
}

func localUser(tb testing.TB) string {
	tb.Helper()
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func keygen(tb testing.TB, file, kind, passphrase string) {
	tb.Helper()
	if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", file).CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
}

// startSSHD skips the test where there is no sshd.
func startSSHD(tb testing.TB, settings ...string) *sshd {
	tb.Helper()
	const bin = "/usr/sbin/sshd"
	if _, err := os.Stat(bin); err != nil {
		tb.Skip("no /usr/sbin/sshd (package openssh-server) on this machine")
	}
	s := &sshd{dir: tb.TempDir()}
	if os.Geteuid() == 0 {
		// sshd as root insists on its empty directory.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	keygen(tb, filepath.Join(s.dir, "host_ed25519"), "ed25519", "")
	keygen(tb, filepath.Join(s.dir, "host_rsa"), "rsa", "")
	keygen(tb, s.key(), "ed25519", "")
	pub, err := os.ReadFile(s.key() + ".pub")
	if err != nil {
		tb.Fatal(err)
	}
	write(tb, filepath.Join(s.dir, "authorized_keys"), string(pub))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	config := append(settings,
		"ListenAddress 127.0.0.1:"+strconv.Itoa(s.port),
		"HostKey "+filepath.Join(s.dir, "host_ed25519"),
		"HostKey "+filepath.Join(s.dir, "host_rsa"),
		"AuthorizedKeysFile "+filepath.Join(s.dir, "authorized_keys"),
		"PidFile none", "StrictModes no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
		"PermitRootLogin yes", "UsePAM no",
	)
	write(tb, filepath.Join(s.dir, "sshd_config"), strings.Join(config, "\n")+"\n")
	s.start(tb)
	tb.Cleanup(s.stop)
	return s
}

func (s *sshd) start(tb testing.TB) {
	tb.Helper()
	s.cmd = exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	_ = log.Close()
	for range 200 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	tb.Fatal("sshd does not listen")
}

func (s *sshd) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func write(tb testing.TB, file, content string) {
	tb.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func connect(tb testing.TB, target remote.Target) *remote.SSH {
	tb.Helper()
	h, err := remote.Connect(tb.Context(), target)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = h.Close() })
	return h
}
