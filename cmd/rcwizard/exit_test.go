package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/workspace/state"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err    error
		code   int
		untold bool
	}{
		"done":                {nil, 0, false},
		"whole":               {standing(cluster.VerdictOK), 0, false},
		"whole, with a word":  {standing(cluster.VerdictWarning), 0, false},
		"not known":           {standing(cluster.VerdictUnknown), 3, false},
		"not whole":           {standing(cluster.VerdictFailed), 3, false},
		"a verdict to come":   {standing("worse"), 3, false},
		"failed":              {errors.New("no"), 1, true},
		"failed, told":        {told(exitFailed), 1, false},
		"wrong use":           {fmt.Errorf("here: %w", usage(errors.New("no"))), 2, true},
		"hosts locked":        {fmt.Errorf("here: %w", &lockedError{err: &lock.HeldError{}}), 4, true},
		"hosts lost":          {fmt.Errorf("here: %w", &lock.LostError{}), 4, true},
		"locked":              {fmt.Errorf("here: %w", &state.LockedError{}), 4, true},
		"cancelled":           {fmt.Errorf("here: %w", context.Canceled), 130, true},
		"ended by a signal":   {fmt.Errorf("here: %w", interruptedError{syscall.SIGTERM}), 130, true},
		"several unreachable": {&unreachableError{[]error{errors.New("a"), errors.New("b")}}, 1, true},
	} {
		if code, untold := exitCode(test.err); code != test.code || untold != test.untold {
			t.Errorf("%s: code %d, still to be told: %v; want %d, %v", name, code, untold, test.code, test.untold)
		}
	}
}
