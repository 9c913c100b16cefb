package main

import (
	"context"
	"errors"
	"strings"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/steps"
)

// carryOutAndRetry is carryOut, and once more for as long as the run fails and a
// person wants it tried again: with the connections and locks that are there. What
// the other hosts have done stays done.
func (a *app) carryOutAndRetry(ctx context.Context, plan func() engine.Plan, ans answers, result *steps.Result, first *stage) error {
	for {
		runErr := a.carryOut(ctx, plan(), ans, result, first)
		if !a.mayRetry(runErr) {
			return runErr
		}
		again, err := a.askRetry()
		if err != nil || !again {
			return runErr // which was told, with the way to go on
		}
	}
}

// mayRetry reports whether a person is there to be asked what to do about a run
// that failed. One that was stopped or cancelled, or lost its hosts, is over.
func (a *app) mayRetry(runErr error) bool {
	if _, lost := errors.AsType[*lock.LostError](runErr); lost {
		return false // the next run would be cancelled at once
	}
	exit, ok := errors.AsType[*exitError](runErr)
	if !ok || exit.code != exitFailed || !a.sys.interactive || a.config.GetBool("yes") || a.config.GetBool("json") {
		return false
	}
	select {
	case <-a.stop.graceful:
		return false
	default:
		return true
	}
}

// askRetry asks whether what failed is tried again, with the connections and locks
// that are there.
func (a *app) askRetry() (bool, error) {
	for {
		a.sayf("\nWhen the cause is mended: try again what failed (r), or stop here (s)? [r/s] ")
		answer, err := a.line()
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "r", "retry":
			return true, nil
		case "s", "stop":
			return false, nil
		}
	}
}
