package steps

import (
	"context"
	"errors"
	"fmt"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
)

// triesWhenCut is how often a step is begun anew, at most, because the connection
// broke in the middle of it: a line that breaks again and again is a person's to
// mend.
const triesWhenCut = 3

// explained is a step that outlives a connection that breaks and comes back, and
// whose errors of the connection say what to do. They can come out of everything
// that a step does.
//
// A step that was cut off looks again and does what is not done, which is what a
// resume would do: the host has ended what was running there by the time that it
// has the lock back, without which it lets nothing be changed.
func explained(s engine.Step) engine.Step {
	check, apply := s.Check, s.Apply
	s.Check = func(ctx context.Context, out engine.Output) (r engine.Report, err error) {
		for try := 1; ; try++ {
			if r, err = check(ctx, out); !cutOff(ctx, err) || try == triesWhenCut {
				return r, explain(err)
			}
			out.Note("the connection broke in the middle of a look; looking again")
		}
	}
	s.Apply = func(ctx context.Context, out engine.Output) error {
		for try := 1; ; try++ {
			err := apply(ctx, out)
			if !cutOff(ctx, err) || try == triesWhenCut {
				return explain(err)
			}
			out.Note("the connection broke in the middle of it; looking again, and doing what is not done")
			r, looked := s.Check(ctx, out)
			switch {
			case looked != nil:
				return looked //nolint:wrapcheck // the step's own
			case r.Verdict == engine.Done:
				return nil
			case r.Verdict == engine.Blocked: // what is there now is not to be overwritten
				return &engine.Problem{Cause: r.Reason, Next: r.Next}
			}
		}
	}
	return s
}

// cutOff tells whether an error is that a connection broke which may come back.
func cutOff(ctx context.Context, err error) bool {
	return errors.Is(err, remote.ErrOutcomeUnknown) && transient(err) && ctx.Err() == nil
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
	if put, ok := errors.AsType[*remote.PutError](err); ok {
		return putProblem(put)
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

// putProblem says what to do about files that could not be written.
func putProblem(e *remote.PutError) *engine.Problem {
	p := &engine.Problem{Err: fmt.Errorf("write files to %s: %s", e.Dir, e.Text)}
	switch e.Kind {
	case remote.PutDiskFull:
		p.Cause, p.Next = "the disk of "+e.Host+" is full", "free space on "+e.Host+" (df shows where), then run again; the files there are as they were"
	case remote.PutReadOnly:
		p.Cause, p.Next = "that file system of "+e.Host+" is read-only", "choose another directory in workspace.yaml, or mount it writable, then run again"
	case remote.PutPermission:
		p.Cause, p.Next = "the user may not write there on "+e.Host, "log in as root, let the user use sudo, or choose a directory of the user's own in workspace.yaml, then run again"
	case remote.PutNoTool, remote.PutNoOwner, remote.PutObstacle, remote.PutCorrupt, remote.PutOther:
		p.Err = e // which says what to do itself
		p.Cause, p.Next = string(e.Kind), "mend that on "+e.Host+", then run again"
	}
	return p
}

// transient tells whether a look that failed is worth another one: a
// connection that is made again and an engine that is restarted come back, a
// host that was given up does not.
func transient(err error) bool {
	_, lost := errors.AsType[*remote.LostError](err)
	return !lost && !errors.Is(err, remote.ErrClosed)
}
