package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
)

// A run that changes hosts gets three signals; anything else ends with one, once
// what would stay behind on hosts was given back.
func TestSignals(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	var left []string
	s := &stopper{
		graceful: make(chan struct{}),
		say:      func(string, ...any) {},
		leave:    func(why interruptedError) { left = append(left, why.Error()) },
	}
	stopping := func() bool {
		select {
		case <-s.graceful:
			return true
		default:
			return false
		}
	}
	s.tidying(func() { left = append(left, "tidied") })
	s.during(func() {
		s.hear(os.Interrupt, cancel)
		if !stopping() || ctx.Err() != nil || len(left) > 0 {
			t.Errorf("after the first: stopping %v, context %v, left %v", stopping(), ctx.Err(), left)
		}
		s.hear(syscall.SIGTERM, cancel)
		if !errors.Is(context.Cause(ctx), context.Canceled) || context.Cause(ctx).Error() != "interrupted (terminated)" || len(left) > 0 {
			t.Errorf("after the second: cause %v, left %v", context.Cause(ctx), left)
		}
		s.hear(os.Interrupt, cancel)
		if len(left) != 1 {
			t.Errorf("after the third: left %v", left)
		}
	})
	s.hear(syscall.SIGHUP, cancel)
	if len(left) != 3 || left[1] != "tidied" || left[2] != "interrupted (hangup)" {
		t.Errorf("after the run: left %v", left)
	}
}
