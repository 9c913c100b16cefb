package steps

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// Every address of a name is tried on its own: one that leads somewhere else is
// found beside one that is right.
func TestNamesByEveryAddress(t *testing.T) {
	t.Parallel()
	s := box(t)
	w := s.Workspace
	at := netip.MustParseAddr("127.0.0.10") // all of 127/8 is the box, for whoever listens on the wildcard
	nobody := netip.MustParseAddr("192.0.2.77")
	s.View.Outside = func(ctx context.Context, network, address string) (net.Conn, error) {
		if netip.MustParseAddrPort(address).Addr() == nobody {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", os.ErrDeadlineExceeded)}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	e := Check(t.Context(), s, Looking{
		Skips: []string{"host", "image", "port", "exposure", "loopback", "release", "domain:" + w.Domain + ":caa"},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{at, nobody}, nil
		},
	})
	port := w.Proxy.HTTPPort
	got := map[string]check.Outcome{}
	for _, p := range e.Names[w.Domain].Ports[port] {
		got[p.Address] = p.Outcome
	}
	want := map[string]check.Outcome{
		netip.AddrPortFrom(at, uint16(port)).String():     check.OutcomeNonce,
		netip.AddrPortFrom(nobody, uint16(port)).String(): check.OutcomeTimeout,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	kinds := map[string]check.Kind{}
	for _, f := range check.Judge(w, e, nil).Findings {
		kinds[f.ID] = f.Kind
	}
	for id, kind := range map[string]check.Kind{
		"domain:" + w.Domain + ":dns":                     "dns-partly", // one was proven, the other not
		"domain:" + w.Domain + ":" + strconv.Itoa(port):   "name-filtered",
		"listen:box:" + strconv.Itoa(w.Proxy.HTTPSPort):   "listen-free",
		"listen:box:" + strconv.Itoa(w.Database.NATSPort): "listen-free",
	} {
		if kinds[id] != kind {
			t.Errorf("%s is %q, not %q", id, kinds[id], kind)
		}
	}
}

// A host's resolver is asked for both kinds of address, whether its getent can
// leave out the filter or not.
func TestLookupFrom(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		want   check.Lookup
	}{
		"both": {
			`[ "$1" = -A ] || exit 9
printf '192.0.2.13 STREAM chat.example.com\n192.0.2.13 DGRAM\n2001:db8::13 STREAM\n'`,
			check.Lookup{State: check.LookupFound, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.13"), netip.MustParseAddr("2001:db8::13")}},
		},
		"an old getent": {`[ "$1" != -A ] || exit 64
echo 192.0.2.13 STREAM`, check.Lookup{State: check.LookupFound, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.13")}}},
		"no such name": {`exit 2`, check.Lookup{State: check.LookupNone}},
		"no answer":    {`exit 1`, check.Lookup{State: check.LookupFailed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin := t.TempDir()
			if err := os.WriteFile(filepath.Join(bin, "getent"), []byte("#!/bin/sh\n"+test.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			h := remotetest.NewServer(t, remotetest.Options{Path: bin}).Connect(t)
			got, asked := lookupFrom(t.Context(), h, "chat.example.com")
			if diff := cmp.Diff(test.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" || !asked {
				t.Errorf("asked %t (-want +got):\n%s", asked, diff)
			}
		})
	}
}

// That a host has no IPv6 is nothing against the port of a service on it.
func TestWithoutIPv6(t *testing.T) {
	t.Parallel()
	every := netip.MustParseAddrPort("[::]:443")
	for state, want := range map[probe.State]bool{probe.NotOnHost: true, probe.InUse: false, probe.Listening: false} {
		if got := withoutIPv6(probe.Socket{Addr: every, State: state}); got != want {
			t.Errorf("%s: %t", state, got)
		}
	}
	if withoutIPv6(probe.Socket{Addr: netip.MustParseAddrPort("10.0.0.9:443"), State: probe.NotOnHost}) {
		t.Error("an address that is not the host's is taken for missing IPv6")
	}
}
