package steps

import (
	"context"
	"errors"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
)

// explained is a step whose errors of the connection say what to do. They can
// come out of everything that a step does.
func explained(s engine.Step) engine.Step {
	check, apply := s.Check, s.Apply
	s.Check = func(ctx context.Context, out engine.Output) (engine.Report, error) {
		r, err := check(ctx, out)
		return r, explain(err)
	}
	s.Apply = func(ctx context.Context, out engine.Output) error { return explain(apply(ctx, out)) }
	return s
}

func explain(err error) error {
	if problem, ok := errors.AsType[*engine.Problem](err); err == nil || ok && problem.Next != "" {
		return err
	}
	if lost, ok := errors.AsType[*remote.LostError](err); ok {
		return &engine.Problem{
			Cause: lost.Host + " is off, or the network between here and " + lost.Host + " is cut",
			Next:  "see that ssh reaches " + lost.Host + " from here, then resume; the host itself ends what was running on it",
			Err:   err,
		}
	}
	if errors.Is(err, remote.ErrOutcomeUnknown) {
		return &engine.Problem{
			Cause: "the connection broke, or the run was ended, while a command ran",
			Next:  "resume: every step looks at its host first, so nothing is done twice",
			Err:   err,
		}
	}
	return err
}

// transient tells whether a look that failed is worth another one: a
// connection that is made again and an engine that is restarted come back, a
// host that was given up does not.
func transient(err error) bool {
	_, lost := errors.AsType[*remote.LostError](err)
	return !lost && !errors.Is(err, remote.ErrClosed)
}
