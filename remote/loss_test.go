package remote_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// TestCutAnywhere cuts the connection after every so many bytes: the outcome
// is a success, an error before, or unknown, and nothing hangs.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for cut := int64(1); cut < 6000; cut += 331 {
		wg.Go(func() {
			s := remotetest.NewServer(t, remotetest.Options{CutAfter: cut})
			target := s.Target(t)
			target.ReconnectFor = 300 * time.Millisecond
			h, err := remote.Connect(t.Context(), target)
			if err != nil {
				return
			}
			defer func() { _ = h.Close() }()
			res, err := h.Run(t.Context(), remote.Command{Script: "echo out; exit 3"})
			if err == nil && (res.Code != 3 || res.Stdout != "out\n") {
				t.Errorf("cut after %d: %+v", cut, res)
			}
		})
	}
}

func TestReconnect(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	target := s.Target(t)
	var mu sync.Mutex
	var states []bool
	target.OnState = func(connected bool, err error) {
		mu.Lock()
		defer mu.Unlock()
		states = append(states, connected)
		if !connected && err == nil {
			t.Error("lost without a reason")
		}
	}
	h := connect(t, target)
	mark := sleeper()
	go func() {
		for !running(t, mark) {
			time.Sleep(5 * time.Millisecond)
		}
		s.Cut()
	}()
	_, err := h.Run(t.Context(), remote.Command{Script: "sleep $1", Args: []string{mark}})
	if !errors.Is(err, remote.ErrOutcomeUnknown) {
		t.Errorf("error %v", err)
	}
	eventually(t, 4*time.Second, "the host ends the script", func() bool { return !running(t, mark) })
	res, err := h.Run(t.Context(), remote.Command{Script: "echo again"})
	if err != nil || res.Stdout != "again\n" {
		t.Errorf("%+v, %v", res, err)
	}

	// Away for a while: the command waits.
	addr := s.Addr()
	s.Close()
	go func() {
		time.Sleep(700 * time.Millisecond)
		s.Listen(t, addr)
	}()
	res, err = h.Run(t.Context(), remote.Command{Script: "echo later"})
	if err != nil || res.Stdout != "later\n" {
		t.Errorf("%+v, %v", res, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(states) != 4 || states[0] || !states[1] || states[2] || !states[3] {
		t.Errorf("states %v", states)
	}
}

func TestFrozenConnection(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	target := s.Target(t)
	target.Keepalive = 50 * time.Millisecond
	h := connect(t, target)
	go func() {
		time.Sleep(300 * time.Millisecond)
		s.Freeze()
	}()
	begin := time.Now()
	_, err := h.Run(t.Context(), remote.Command{Script: "sleep 20"})
	if !errors.Is(err, remote.ErrOutcomeUnknown) || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	if err != nil && !strings.Contains(err.Error(), "no sign of life") {
		t.Errorf("%q", err)
	}
}

// TestCancelOnFrozenConnection: the operator's stop must not wait for the
// network.
func TestCancelOnFrozenConnection(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	h := s.Connect(t)
	ctx, cancel := contextWithTimeout(t, 300*time.Millisecond)
	defer cancel()
	go func() {
		time.Sleep(100 * time.Millisecond)
		s.Freeze()
	}()
	begin := time.Now()
	_, err := h.Run(ctx, remote.Command{Script: "sleep 20"})
	if !errors.Is(err, remote.ErrOutcomeUnknown) || time.Since(begin) > 7*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	h := s.Connect(t)
	mark := sleeper()
	go func() {
		for !running(t, mark) {
			time.Sleep(5 * time.Millisecond)
		}
		_ = h.Close()
	}()
	if _, err := h.Run(t.Context(), remote.Command{Script: "sleep $1", Args: []string{mark}}); !errors.Is(err, remote.ErrOutcomeUnknown) || !errors.Is(err, remote.ErrClosed) {
		t.Errorf("in flight: %v", err)
	}
	eventually(t, 4*time.Second, "the script ends", func() bool { return !running(t, mark) })
	if _, err := h.Run(t.Context(), remote.Command{}); !errors.Is(err, remote.ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Errorf("again: %v", err)
	}
}
