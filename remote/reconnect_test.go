package remote_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// TestGoneForGood: however many wait for a host that does not come back, all
// are told within one wait, and who comes later is told at once.
func TestGoneForGood(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	target := s.Target(t)
	const wait = 1500 * time.Millisecond
	target.ReconnectFor = wait
	h := connect(t, target)
	s.Close()
	s.Cut()
	begin := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := h.Run(t.Context(), remote.Command{Script: "true"})
			lost, ok := errors.AsType[*remote.LostError](err)
			if !ok || lost.Host != h.Name() || lost.For < wait/2 {
				t.Errorf("%v", err)
			}
		})
	}
	ctx, cancel := contextWithTimeout(t, 100*time.Millisecond)
	defer cancel()
	if _, err := h.Docker(ctx); err == nil {
		t.Error("Docker on a host that is gone")
	}
	all.Wait()
	if took := time.Since(begin); took > wait+3*time.Second {
		t.Errorf("20 commands were told after %v that the host is gone", took)
	}
	begin = time.Now()
	if _, err := h.Docker(t.Context()); err == nil || time.Since(begin) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}
