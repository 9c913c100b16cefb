package probe_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// server accepts on an address of this machine and does that with each guest.
func server(t *testing.T, do func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
			go func() {
				defer func() { _ = c.Close() }()
				do(c)
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// says writes a text and waits for the guest to leave.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
	}
}

// TestDial: each way of dialling tells the same things apart.
func TestDial(t *testing.T) {
	t.Parallel()
	// Leaves without reading, which may be an end or a reset.
	leaves := server(t, func(net.Conn) {})
	ours, other, silent := server(t, says("RCWZ n1\n")), server(t, says("220 mail\x01 ready\r\n")), server(t, says(""))
	for _, way := range []struct {
		via       string
		noForward bool
		broken    []string
	}{
		{"dial", false, nil},
		{"perl", true, nil},
		{"python3", true, []string{"perl"}},
		{"bash", true, []string{"python3", "perl"}},
	} {
		t.Run(way.via, func(t *testing.T) {
			t.Parallel()
			h := remotetest.NewServer(t, remotetest.Options{NoForward: way.noForward, Path: without(t, way.broken...)}).Connect(t)
			for name, c := range map[string]struct {
				addr  netip.AddrPort
				nonce string
				want  probe.Outcome
			}{
				"ours":          {ours, "n1", probe.Outcome{Kind: probe.Answered}},
				"other nonce":   {ours, "n2", probe.Outcome{Kind: probe.Other, Heard: "RCWZ n1"}},
				"other":         {other, "n1", probe.Outcome{Kind: probe.Other, Heard: "220 mail. ready"}},
				"whoever":       {other, "", probe.Outcome{Kind: probe.Opened}},
				"silent":        {silent, "n1", probe.Outcome{Kind: probe.Silent, Words: "nothing came before the deadline"}},
				"leaves":        {leaves, "n1", probe.Outcome{Kind: probe.Silent, Words: "closed without a byte"}},
				"nobody":        {freePort(t, "127.0.0.1"), "n1", probe.Outcome{Kind: probe.Refused, Words: "Connection refused"}},
				"nobody on six": {freePort(t, "::1"), "", probe.Outcome{Kind: probe.Refused, Words: "Connection refused"}},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					got := probe.Dial(t.Context(), h, c.addr, c.nonce)
					c.want.Via = way.via
					// Who accepts and says nothing is asked twice, with twice the time.
					if got.Took <= 0 || got.Took > 2*probe.Deadline+time.Second || name != "silent" && got.Took > probe.Deadline {
						t.Errorf("took %v", got.Took)
					}
					got.Took = 0
					if got != c.want {
						t.Errorf("got  %+v\nwant %+v", got, c.want)
					}
				})
			}
		})
	}
	t.Run("no way", func(t *testing.T) {
		t.Parallel()
		h := remotetest.NewServer(t, remotetest.Options{NoForward: true, Path: without(t, "python3", "perl", "bash")}).Connect(t)
		if o := probe.Dial(t.Context(), h, ours, "n1"); o.Kind != probe.CannotTell || o.Err == nil {
			t.Errorf("%+v", o)
		}
	})
}

// TestWords: what sshd passes on of connect(2).
func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want probe.Kind
	}{
		{syscall.ECONNREFUSED, probe.Refused},
		{syscall.EHOSTUNREACH, probe.Unreachable},
		{syscall.ENETUNREACH, probe.Unreachable},
		{syscall.ENOPROTOOPT, probe.Unreachable},
		{syscall.EACCES, probe.Unreachable}, // ICMPv6 "administratively prohibited"
		{syscall.ETIMEDOUT, probe.NoAnswer},
		{errors.New("nothing was sent"), probe.NoRoute}, // sshd then says "open failed"
		{syscall.EMFILE, probe.CannotTell},
	} {
		h := remotetest.NewServer(t, remotetest.Options{
			Dial: func(context.Context, string, string) (net.Conn, error) { return nil, c.err },
		}).Connect(t)
		if o := probe.Dial(t.Context(), h, netip.MustParseAddrPort("10.0.0.1:1"), "n"); o.Kind != c.want || (o.Kind == probe.CannotTell) != (o.Err != nil) {
			t.Errorf("%v: %+v, want %s", c.err, o, c.want)
		}
	}
}

// TestRejectedOverIPv6: a firewall that forbids over IPv6 is told from a host
// that cannot dial, by whichever way is dialled; firewalld forbids like that.
func TestRejectedOverIPv6(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddrPort("[fd00::1]:3000")
	words := syscall.EACCES.Error()
	prohibited := func(context.Context, string, string) (net.Conn, error) {
		return nil, &remote.DialError{Kind: remote.DialProhibited}
	}
	for name, h := range map[string]*remotetest.Fake{
		"from here": {OnDial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}
		}},
		"by sshd": {OnDial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &remote.DialError{Kind: remote.DialPermission, Err: errors.New("Permission denied")}
		}},
		"by a script": {OnDial: prohibited, OnRun: func(context.Context, remote.Command, string) (remote.Result, error) {
			return remote.Result{Stdout: "TOOL python3\nERR 0 13 Permission denied\n"}, nil
		}},
	} {
		o := probe.Dial(t.Context(), h, addr, "n")
		if o.Kind != probe.Unreachable || o.Err != nil || !strings.Contains(strings.ToLower(o.Words), words) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// TestDiallerIsGone: trouble with the host that dials is not the network's
// word on another.
func TestDiallerIsGone(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddrPort("10.0.0.1:1")
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		h := &remotetest.Fake{OnDial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &remote.ConnectError{Host: "a", Kind: remote.DialRefused, Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}}
		}}
		if o := probe.Dial(t.Context(), h, addr, "n"); o.Kind != probe.CannotTell || o.Err == nil {
			t.Errorf("%+v", o)
		}
	})
	t.Run("frozen", func(t *testing.T) {
		t.Parallel()
		filtered := func(context.Context, string, string) (net.Conn, error) {
			return nil, &remote.DialError{Kind: remote.DialFiltered}
		}
		h := &remotetest.Fake{OnDial: filtered}
		if o := probe.Dial(t.Context(), h, addr, "n"); o.Kind != probe.NoAnswer {
			t.Errorf("a host that answers: %+v", o)
		}
		h.OnRun = func(context.Context, remote.Command, string) (remote.Result, error) {
			return remote.Result{}, remote.ErrClosed
		}
		if o := probe.Dial(t.Context(), h, addr, "n"); o.Kind != probe.CannotTell || !errors.Is(o.Err, remote.ErrClosed) {
			t.Errorf("a host that does not: %+v", o)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		h := &remotetest.Fake{OnDial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, &remote.DialError{Kind: remote.DialFiltered, Err: ctx.Err()}
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if o := probe.Dial(ctx, h, addr, "n"); o.Kind != probe.CannotTell {
			t.Errorf("%+v", o)
		}
	})
}
