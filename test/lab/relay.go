package lab

import (
	"io"
	"net"
	"net/netip"
	"strconv"
	"testing"
)

// Relay gives the test's own process, which is not on the fleet's network, a way to a port of the host: an address on
// its loopback. It ends with the test.
func (h *Host) Relay(tb testing.TB, port int) netip.AddrPort {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	to := net.JoinHostPort(h.Address().String(), strconv.Itoa(port))
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = near.Close() }()
				far, err := h.fleet.Dial(tb.Context(), "tcp", to)
				if err != nil {
					return
				}
				defer func() { _ = far.Close() }()
				go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
				_, _ = io.Copy(near, far)
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}
