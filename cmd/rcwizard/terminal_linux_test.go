package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// At a question one signal ends the program, and the terminal shows again what
// is typed.
func TestSignalAtAQuestion(t *testing.T) {
	t.Parallel()
	const key = "\x03" // ctrl-c
	signals := map[string]func(p *os.Process, keyboard *os.File) error{
		"key": func(_ *os.Process, keyboard *os.File) error {
			_, err := keyboard.WriteString("half an answ" + key)
			return err
		},
		"signal": func(p *os.Process, _ *os.File) error { return p.Signal(syscall.SIGTERM) },
	}
	for sudo, prompt := range map[string]string{"auto": "Are these their keys? [y/n] ", "password": "for sudo on box: "} {
		for name, send := range signals {
			t.Run(prompt+name, func(t *testing.T) {
				t.Parallel()
				at := openTerminal(t)
				before := at.modes(t)
				cmd := at.start(t, fmt.Sprintf(oneHost, newSSHServer(t), sudo))
				at.await(t, prompt)
				if err := send(cmd.Process, at.keyboard); err != nil {
					t.Fatal(err)
				}
				// A program that does not end is ended with the test's context.
				if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitInterrupted {
					t.Errorf("ended with %v, want exit code %d", err, exitInterrupted)
				}
				if now := at.modes(t); now != before {
					t.Errorf("the terminal's modes are %+v, were %+v", now, before)
				}
			})
		}
	}
}

// oneHost is a workspace on one host, at a port of this machine.
const oneHost = `version: 1
domain: chat.example.com
email: ops@example.com
release: 8.9.1
hosts: [{name: box, address: 127.0.0.1, private_ip: 10.0.0.1, ssh: {port: %d}, sudo: %s}]
database: {host: box}
proxy: {host: box}
instances: [{host: box}, {host: box}]
`

// terminal is a pseudo-terminal with a person before it.
type terminal struct {
	keyboard, screen *os.File
	// shown is closed when the terminal is.
	shown chan []byte
	text  bytes.Buffer
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	at := &terminal{keyboard: keyboard, screen: screen, shown: make(chan []byte, 64)}
	go func() {
		defer close(at.shown)
		for {
			buf := make([]byte, 1024)
			n, err := keyboard.Read(buf)
			if err != nil {
				return
			}
			at.shown <- buf[:n]
		}
	}()
	return at
}

// modes are how the terminal treats what is typed.
func (at *terminal) modes(t *testing.T) unix.Termios {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(at.screen.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *modes
}

// lead makes the terminal that of a program which is started then.
func (at *terminal) lead(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

// start installs a workspace at the terminal.
func (at *terminal) start(t *testing.T, workspace string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	// testscript.Main has put the program into the path.
	cmd := exec.CommandContext(ctx, "rcwizard", "install", "-f", "box.yaml", "--ssh-config", "none", "--releases-url", noReleases)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "XDG_STATE_HOME=", "SSH_AUTH_SOCK=")
	if err := os.WriteFile(filepath.Join(cmd.Dir, "box.yaml"), []byte(workspace), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = at.screen, at.screen, at.screen
	at.lead(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// await waits until the terminal shows a text.
func (at *terminal) await(t *testing.T, text string) {
	t.Helper()
	late := time.NewTimer(15 * time.Second)
	defer late.Stop()
	for !strings.Contains(at.text.String(), text) {
		select {
		case part, ok := <-at.shown:
			if !ok {
				t.Fatalf("the terminal closed; it shows:\n%s", at.text.String())
			}
			at.text.Write(part)
		case <-late.C:
			t.Fatalf("no %q; the terminal shows:\n%s", text, at.text.String())
		}
	}
}

// newSSHServer answers the handshake and lets nobody in. It returns its port.
func newSSHServer(t *testing.T) int {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
		return nil, os.ErrPermission
	}}
	config.AddHostKey(signer)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				_, _, _, _ = ssh.NewServerConn(conn, config)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("a TCP listener has the address %v", listener.Addr())
	}
	return address.Port
}
