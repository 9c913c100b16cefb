package main

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
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

// What takes back an addition goes on at the first signal, and says so; also that of
// the plan that a command carries out for it.
func TestSignalsWhileTakingBack(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var said []string
	a.sys.stdout, a.stop.graceful = io.Discard, make(chan struct{})
	a.stop.say = func(format string, _ ...any) { said = append(said, format) }
	hear := func() {
		a.stop.heard = 0
		a.stop.graceful = make(chan struct{})
		a.stop.hear(os.Interrupt, cancel)
	}
	plan := engine.Plan{Name: steps.PlanTakeBack, Steps: []engine.Step{{
		ID: "a/1", Host: "a",
		Check: func(context.Context, engine.Output) (engine.Report, error) {
			hear()
			return engine.Report{Verdict: engine.Done}, nil
		},
		Apply: func(context.Context, engine.Output) error { return nil },
	}}}
	for _, stop := range []chan struct{}{nil, a.stop.graceful} {
		if _, err := a.carryOutUntil(ctx, stop, plan, ans, new(steps.Result), nil); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"what was begun is still taken back, to the end; once more cancels that\n",
		"stopping after the steps in flight; once more cancels them\n",
	}
	if diff := cmp.Diff(want, said); diff != "" || ctx.Err() != nil {
		t.Errorf("said (-want +got):\n%s\n%v", diff, ctx.Err())
	}
}
