package probe_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// without is a directory for the front of PATH in which the named tools are
// broken: perl as one without its modules, the others as shims with nothing behind
// them.
func without(t *testing.T, tools ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, tool := range tools {
		if err := os.WriteFile(filepath.Join(dir, tool), []byte("#!/bin/sh\ncase $0 in *perl) echo \"Can't locate Socket.pm\" >&2; exit 2 ;; esac\nexit 127\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// freePort is an address on which nobody listens.
func freePort(t *testing.T, ip string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return netip.MustParseAddrPort(l.Addr().String())
}

// left are the processes of this machine that listen with a nonce.
func left(t *testing.T, nonce string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		b, _ := os.ReadFile(file)
		if strings.Contains(string(b), nonce) {
			found = append(found, file+": "+strings.ReplaceAll(string(b[:min(len(b), 40)]), "\x00", " "))
		}
	}
	return found
}

// gone waits a moment until no process has the nonce.
func gone(t *testing.T, nonce string) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		found := left(t, nonce)
		if len(found) == 0 {
			return
		}
		if time.Since(begin) > 20*time.Second {
			t.Errorf("left behind: %s", strings.Join(found, "\n"))
			return
		}
	}
}

// TestListeners: every tool listens, answers with the nonce, tells what it
// cannot have, and leaves nothing behind.
func TestListeners(t *testing.T) {
	t.Parallel()
	python, perl, systemd := "python3", "perl", "systemd-socket-activate"
	for _, c := range []struct {
		tool, needs string
		broken      []string
		knowsGuests bool
	}{
		{perl, "perl", nil, true},
		{python, "python3", []string{perl}, true},
		{systemd, systemd, []string{python, perl}, false},
		{"busybox nc", "busybox", []string{python, perl, systemd}, false},
	} {
		t.Run(c.tool, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.needs); err != nil {
				t.Skip(err)
			}
			h := remotetest.NewServer(t, remotetest.Options{Path: without(t, c.broken...)}).Connect(t)
			free, six := freePort(t, "127.0.0.1"), freePort(t, "::1")
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = taken.Close() }()
			inUse := netip.MustParseAddrPort(taken.Addr().String())
			elsewhere := netip.MustParseAddrPort("192.0.2.7:4444")

			l, err := probe.Listen(t.Context(), h, free, inUse, elsewhere, six)
			if err != nil {
				t.Fatal(err)
			}
			for addr, want := range map[netip.AddrPort]probe.State{
				free: probe.Listening, six: probe.Listening, inUse: probe.InUse, elsewhere: probe.NotOnHost,
			} {
				if addr == elsewhere && c.tool == "busybox nc" {
					continue // Debian's knows only the wildcard
				}
				if s, _ := l.Socket(addr); s.State != want || s.Via != c.tool {
					t.Errorf("%s: %+v, want %s by %s", addr, s, want, c.tool)
				}
			}
			if s, _ := l.Socket(inUse); len(s.Owners) != 1 || s.Owners[0].PID != os.Getpid() || s.Owners[0].Program != "probe.test" {
				t.Errorf("owners %+v, want this process, %d", s.Owners, os.Getpid())
			}
			for _, addr := range []netip.AddrPort{free, six, free} {
				if o := probe.Dial(t.Context(), h, addr, l.Nonce()); o.Kind != probe.Answered || o.Took > probe.Deadline {
					t.Errorf("%s: %+v", addr, o)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			gone(t, l.Nonce())
			if source, ok := l.Guest(0); ok != c.knowsGuests || ok && !source.IsLoopback() {
				t.Errorf("the guest came from %s (%t)", source, ok)
			}
			if o := probe.Dial(t.Context(), h, free, ""); o.Kind != probe.Refused {
				t.Errorf("after Close: %+v", o)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		h := remotetest.NewServer(t, remotetest.Options{Path: without(t, python, perl, systemd, "busybox", "nc")}).Connect(t)
		got, err := probe.Free(t.Context(), h, []netip.AddrPort{freePort(t, "127.0.0.1")})
		if err != nil || len(got) != 1 || got[0].State != probe.NoTool || got[0].Err != nil {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestWildcard: one socket stands for an address and for the wildcard of its
// port.
func TestWildcard(t *testing.T) {
	t.Parallel()
	h := remotetest.NewServer(t, remotetest.Options{}).Connect(t)
	one := freePort(t, "127.0.0.1")
	all := netip.AddrPortFrom(netip.IPv4Unspecified(), one.Port())
	six := netip.AddrPortFrom(netip.IPv6Unspecified(), one.Port())
	got, err := probe.Free(t.Context(), h, []netip.AddrPort{one, all, six})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []netip.AddrPort{one, all, six} {
		if got[i].State != probe.Listening || got[i].Addr != want {
			t.Errorf("%s: %+v", want, got[i])
		}
	}
	// Whoever has the wildcard has the address, too.
	taken, err := net.Listen("tcp", six.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	got, err = probe.Free(t.Context(), h, []netip.AddrPort{one})
	if err != nil || got[0].State != probe.InUse || len(got[0].Owners) != 1 || got[0].Owners[0].Addr != six {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestEnds: a listener ends when the context that started it does, and when
// the connection is lost.
func TestEnds(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	h := server.Connect(t)
	addr := freePort(t, "127.0.0.1")
	l, err := probe.Listen(t.Context(), h, addr)
	if err != nil {
		t.Fatal(err)
	}
	server.Cut()
	gone(t, l.Nonce())
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		s, _ := l.Socket(addr)
		if s.State == probe.Lost && s.Err != nil {
			break
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("after the connection was cut: %+v", s)
		}
	}
	if err := l.Close(); err == nil {
		t.Error("Close of a lost listener says that the host confirmed its end")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := probe.Listen(ctx, h, addr); err == nil {
		t.Error("listened although the context had ended")
	}
	gone(t, addr.Addr().String()+"\x00"+strconv.Itoa(int(addr.Port()))) // as its arguments say; others listen meanwhile
}

// unprivileged is a host without sudo on which low ports are root's.
type unprivileged struct {
	remotetest.Fake
	asked int
	// lists is what the host's list of sockets says.
	lists string
}

func (u *unprivileged) Run(_ context.Context, c remote.Command) (remote.Result, error) {
	if c.Root {
		return remote.Result{}, &remote.SudoError{Host: "box", User: "u", Kind: remote.SudoPasswordNeeded}
	}
	return remote.Result{Stdout: u.lists}, nil
}

func (u *unprivileged) Stream(_ context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error) {
	if c.Root {
		u.asked++
		return remote.Result{}, &remote.SudoError{Host: "box", User: "u", Kind: remote.SudoPasswordNeeded}
	}
	emit(remote.Line{Text: "TOOL perl"})
	emit(remote.Line{Text: "ERR 0 13 Permission denied"})
	return remote.Result{}, nil
}

// TestRootIsRefused: a port that only root may have, and no sudo. Whether it is
// free is in the list of sockets, if that was read to its end.
func TestRootIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lists  string
		state  probe.State
		vacant bool
	}{
		{"", probe.NotPermitted, false},
		{"END\n", probe.NotPermitted, false},
		{"LISTED\n", probe.NotPermitted, false},
		{"LISTED\nEND\n", probe.NotPermitted, true},
		{"LISTED\nSOCKET 00000000:01BC 0A 4711\nEND\n", probe.NotPermitted, true},
		{"LISTED\nSOCKET 0100000A:01BB 01 4711\nEND\n", probe.NotPermitted, false},
		{"LISTED\nSOCKET 00000000:01BB 0A 4711\nEND\n", probe.InUse, false},
	} {
		h := &unprivileged{lists: test.lists}
		got, err := probe.Free(t.Context(), h, []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:443")})
		if err != nil || got[0].State != test.state || got[0].Vacant != test.vacant || got[0].Err == nil || h.asked != 1 {
			t.Errorf("%q: %+v, %v; asked for root %d times", test.lists, got, err, h.asked)
		}
	}
}
