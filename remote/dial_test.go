package remote_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// echo is a server that sends back what it gets, at a TCP port and a socket.
func echo(t *testing.T) (address, socket string) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(t.TempDir(), "echo.sock")
	unix, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []net.Listener{tcp, unix} {
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer func() { _ = c.Close() }()
					_, _ = io.Copy(c, c)
				}()
			}
		}()
	}
	return tcp.Addr().String(), socket
}

// closedPort is a port where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func checkEcho(t *testing.T, h remote.Host, network, address string) {
	t.Helper()
	ctx, cancel := contextWithTimeout(t, 20*time.Second)
	defer cancel()
	c, err := h.Dial(ctx, network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	data := strings.Repeat("0123456789\x00\xff\n", 30_000)
	go func() { _, _ = io.WriteString(c, data) }()
	got := make([]byte, len(data))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != data {
		t.Fatalf("echo: %v", err)
	}
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "on"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got[:2]); err != nil || string(got[:2]) != "on" {
		t.Errorf("after a deadline the connection is broken: %v", err)
	}
}

func checkRefused(t *testing.T, h remote.Host) {
	t.Helper()
	ctx, cancel := contextWithTimeout(t, 10*time.Second)
	defer cancel()
	_, err := h.Dial(ctx, "tcp", closedPort(t))
	var d *remote.DialError
	if !errors.As(err, &d) || d.Kind != remote.DialRefused {
		t.Errorf("a closed port: %v", err)
	}
}

func TestDial(t *testing.T) {
	t.Parallel()
	address, socket := echo(t)
	everyHost(t, func(t *testing.T, h remote.Host) {
		t.Helper()
		checkEcho(t, h, "tcp", address)
		checkEcho(t, h, "unix", socket)
		checkRefused(t, h)
	})
}

func TestDialFiltered(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		time.Sleep(3 * time.Second)
		return nil, errors.New("late")
	}})
	ctx, cancel := contextWithTimeout(t, 100*time.Millisecond)
	defer cancel()
	_, err := s.Connect(t).Dial(ctx, "tcp", "192.0.2.1:1")
	var d *remote.DialError
	if !errors.As(err, &d) || d.Kind != remote.DialFiltered {
		t.Errorf("error %v", err)
	}
}

// tools is a PATH of links to the named programs and what a shell script needs.
func tools(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range append([]string{"sh", "dd", "cat", "sleep", "kill", "id"}, names...) {
		bin, err := exec.LookPath(name)
		if name == "python3" { // not a version manager's shim, which needs more than this
			bin, err = "/usr/bin/python3", nil
			if _, serr := os.Stat(bin); serr != nil {
				err = serr
			}
		}
		if err != nil {
			if name == "kill" {
				continue
			}
			t.Skipf("no %s on this machine", name)
		}
		if err := os.Symlink(bin, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestDialWithoutForwarding uses each tool alone.
func TestDialWithoutForwarding(t *testing.T) {
	t.Parallel()
	address, socket := echo(t)
	for _, tool := range []string{"python3", "perl", "bash", "socat", "nc"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			h := remotetest.NewServer(t, remotetest.Options{NoForward: true, Env: []string{"PATH=" + tools(t, tool)}}).Connect(t)
			checkEcho(t, h, "tcp", address)
			if tool != "bash" {
				checkEcho(t, h, "unix", socket)
			}
			checkRefused(t, h)
		})
	}
	t.Run("openssh", func(t *testing.T) {
		t.Parallel()
		s := startSSHD(t, "DisableForwarding yes")
		h := connect(t, s.target(t))
		checkEcho(t, h, "tcp", address)
		checkEcho(t, h, "unix", socket)
		checkRefused(t, h)
	})
}
