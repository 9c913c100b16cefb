package probe_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// within is how long the whole matrix of fifty hosts may take on a machine that
// has other work, too; on its own it takes less than 2 s, as make bench shows.
const within = 30 * time.Second

// TestManyHosts: fifty hosts, each of which every fifth dials.
func TestManyHosts(t *testing.T) {
	t.Parallel()
	hosts := map[string]probe.Host{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range 50 {
		server := remotetest.NewServer(t, remotetest.Options{})
		wg.Go(func() {
			h := server.Connect(t)
			mu.Lock()
			defer mu.Unlock()
			hosts[fmt.Sprint("h", n)] = h
		})
	}
	wg.Wait()
	var edges []probe.Edge
	for from := 0; from < 50; from += 5 {
		for to := range 50 {
			for port := range 2 {
				edges = append(edges, probe.Edge{
					From: fmt.Sprint("h", from), To: fmt.Sprint("h", to),
					Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, 0, byte(to + 1)}), uint16(23000+port)),
				})
			}
		}
	}
	begin := time.Now()
	results := probe.Matrix(t.Context(), hosts, nil, edges)
	took := time.Since(begin)
	t.Logf("%d cells among 50 hosts: %v", len(edges), took)
	for i, r := range results {
		if r.Edge != edges[i] || r.Outcome.Kind != probe.Answered || !r.Source.IsLoopback() {
			t.Fatalf("cell %d: %+v", i, r)
		}
	}
	if took > within && !raceDetector {
		t.Errorf("the matrix took %v, more than %v", took, within)
	}
	for _, e := range edges[:100] { // each address once: a child that is being forked holds what was closed
		l, err := net.Listen("tcp", e.Addr.String())
		if err != nil {
			t.Fatalf("still taken after the matrix: %v", err)
		}
		_ = l.Close()
	}
}

// TestMatrix: what else can come of a cell.
func TestMatrix(t *testing.T) {
	t.Parallel()
	a := remotetest.NewServer(t, remotetest.Options{}).Connect(t)
	b := remotetest.NewServer(t, remotetest.Options{}).Connect(t)
	taken := server(t, says(""))
	free, claimed := freePort(t, "127.0.0.1"), freePort(t, "127.0.0.2")
	edges := []probe.Edge{
		{From: "a", To: "b", Addr: free},
		{From: "", To: "b", Addr: free},
		{From: "a", To: "b", Addr: taken},
		{From: "a", To: "c", Addr: free},
		{From: "c", To: "b", Addr: free},
		{From: "a", To: "", Addr: taken},
		{From: "a", To: "", Addr: freePort(t, "127.0.0.1")},
		// b is said to be where a is.
		{From: "b", To: "a", Addr: claimed},
		{From: "a", To: "b", Addr: claimed, Bind: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.3"), claimed.Port())},
		// So that what a dials waits for what listens there.
		{From: "a", To: "a", Addr: claimed},
	}
	got := probe.Matrix(t.Context(), map[string]probe.Host{"a": a, "b": b}, (&net.Dialer{}).DialContext, edges)
	for i, want := range []struct {
		state probe.State
		kind  probe.Kind
		by    string
	}{
		{probe.Listening, probe.Answered, ""},
		{probe.Listening, probe.Answered, ""},
		{probe.InUse, probe.Opened, ""},
		{probe.Unknown, probe.Opened, ""},
		{probe.Listening, probe.CannotTell, ""},
		{"", probe.Opened, ""},
		{"", probe.Refused, ""},
		{probe.Listening, probe.Answered, ""},
		{probe.Listening, probe.Other, "a"},
		{probe.Listening, probe.Answered, ""},
	} {
		r := got[i]
		if r.Edge != edges[i] || r.Socket.State != want.state || r.Outcome.Kind != want.kind || r.By != want.by {
			t.Errorf("cell %d: %+v\nwant %+v", i, r, want)
		}
	}
	if s := got[2].Socket; len(s.Owners) != 1 || s.Owners[0].Program != "probe.test" {
		t.Errorf("owners %+v", s.Owners)
	}
	if !errors.Is(got[3].Socket.Err, probe.ErrNotConnected) || !errors.Is(got[4].Outcome.Err, probe.ErrNotConnected) {
		t.Errorf("%v, %v", got[3].Socket.Err, got[4].Outcome.Err)
	}
}
