package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
)

// A step whose connection breaks in the middle looks again and does what is not
// done, some times; one that failed, or whose host was given up, does not.
func TestCutOff(t *testing.T) {
	t.Parallel()
	cut := fmt.Errorf("write: %w", &remote.OutcomeUnknownError{Host: "rc1", Cause: errors.New("reset")})
	gone := fmt.Errorf("write: %w", &remote.LostError{Host: "rc1", Err: cut})
	for name, test := range map[string]struct {
		// applies are the errors of Apply, one after the other; done is how many
		// of them leave the host as it should be, all the same.
		applies []error
		done    int
		want    string
		notes   int
	}{
		"once":                   {[]error{cut, nil}, 0, "", 1},
		"and it was done":        {[]error{cut, errors.New("must not be asked again")}, 1, "", 1},
		"again and again":        {[]error{cut, cut, cut, nil}, 0, "may or may not have run", 2},
		"then fails":             {[]error{cut, errors.New("no space")}, 0, "no space", 1},
		"fails":                  {[]error{errors.New("no space"), nil}, 0, "no space", 0},
		"the host was given up":  {[]error{gone, nil}, 0, "rc1", 0},
		"the run itself is over": {[]error{cut, nil}, 0, "may or may not have run", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls := 0
			s := explained(engine.Step{
				Check: func(context.Context, engine.Output) (engine.Report, error) {
					if calls > 0 && calls <= test.done {
						return engine.Report{Verdict: engine.Done}, nil
					}
					return engine.Report{Verdict: engine.Needed}, nil
				},
				Apply: func(context.Context, engine.Output) error {
					calls++
					if name == "the run itself is over" {
						cancel()
					}
					return test.applies[calls-1]
				},
			})
			out := &noted{}
			err := s.Apply(ctx, out)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if len(out.notes) != test.notes {
				t.Errorf("notes: %q, want %d", out.notes, test.notes)
			}
		})
	}
}

// A look that is cut off is made again.
func TestLookCutOff(t *testing.T) {
	t.Parallel()
	looks := 0
	s := explained(engine.Step{Check: func(context.Context, engine.Output) (engine.Report, error) {
		if looks++; looks == 1 {
			return engine.Report{}, &remote.OutcomeUnknownError{Host: "rc1", Cause: errors.New("reset")}
		}
		return engine.Report{Verdict: engine.Done}, nil
	}})
	out := &noted{}
	r, err := s.Check(t.Context(), out)
	if err != nil || r.Verdict != engine.Done {
		t.Errorf("%s, %v", r.Verdict, err)
	}
	if diff := cmp.Diff([]string{"the connection broke in the middle of a look; looking again"}, out.notes); diff != "" {
		t.Error(diff)
	}
}

// What a step was cut off from, and now finds barred, is left as it is, and the
// person hears why and what to do.
func TestCutOffAndBlocked(t *testing.T) {
	t.Parallel()
	applies := 0
	s := explained(engine.Step{
		Check: func(context.Context, engine.Output) (engine.Report, error) {
			return engine.Report{Verdict: engine.Blocked, Reason: "it was edited by hand", Next: "give --overwrite-edited"}, nil
		},
		Apply: func(context.Context, engine.Output) error {
			applies++
			return &remote.OutcomeUnknownError{Host: "rc1", Cause: errors.New("reset")}
		},
	})
	err := s.Apply(t.Context(), &noted{})
	problem, ok := errors.AsType[*engine.Problem](err)
	if !ok || problem.Cause != "it was edited by hand" || problem.Next != "give --overwrite-edited" || applies != 1 {
		t.Errorf("%v after it was applied %d times", err, applies)
	}
}

// noted keeps what a step notes.
type noted struct {
	engine.Output

	notes []string
}

func (n *noted) Note(text string) { n.notes = append(n.notes, text) }
