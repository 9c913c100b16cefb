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

func (s *sshd) target(t *testing.T) remote.Target {
	t.Helper()
	return remote.Target{
		Name: "sshd", Address: "127.0.0.1", Port: s.port, User: localUser(t), SSHConfig: "none",
		IdentityFile: s.key(), KnownHosts: []string{filepath.Join(s.dir, "known_hosts")}, AcceptNew: true,
	}
}

func localUser(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func keygen(t *testing.T, file, kind, passphrase string) {
	t.Helper()
	if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// startSSHD skips the test where there is no sshd.
func startSSHD(t *testing.T, settings ...string) *sshd {
	t.Helper()
	const bin = "/usr/sbin/sshd"
	if _, err := os.Stat(bin); err != nil {
		t.Skip("no /usr/sbin/sshd (package openssh-server) on this machine")
	}
	s := &sshd{dir: t.TempDir()}
	if os.Geteuid() == 0 {
		// sshd as root insists on its empty directory.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	keygen(t, filepath.Join(s.dir, "host_ed25519"), "ed25519", "")
	keygen(t, filepath.Join(s.dir, "host_rsa"), "rsa", "")
	keygen(t, s.key(), "ed25519", "")
	pub, err := os.ReadFile(s.key() + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "authorized_keys"), string(pub))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
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
	write(t, filepath.Join(s.dir, "sshd_config"), strings.Join(config, "\n")+"\n")
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *sshd) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
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
	t.Fatal("sshd does not listen")
}

func (s *sshd) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, target remote.Target) *remote.SSH {
	t.Helper()
	h, err := remote.Connect(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}
