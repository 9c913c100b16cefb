package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/steps"
)

// A person is asked what to do about a run that failed, until it is done or they
// stop; what was done is done once. Without a person, after a signal, and for
// programs nobody is asked.
func TestCarryOutAndRetry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, typed string
		failures    int
		prepare     func(a *app)
		tries, code int
		asked       int
	}{
		{"done", "", 0, nil, 1, 0, 0},
		{"tried again until it is done", "maybe\nr\nRETRY\n", 2, nil, 3, 0, 3},
		{"stopped", "s\n", 2, nil, 1, exitFailed, 1},
		{"the input ends", "", 2, nil, 1, exitFailed, 1},
		{"--yes", "r\n", 2, func(a *app) { a.config.Set("yes", true) }, 1, exitFailed, 0},
		{"--json", "r\n", 2, func(a *app) { a.config.Set("json", true) }, 1, exitFailed, 0},
		{"no terminal", "r\n", 2, func(a *app) { a.sys.interactive = false }, 1, exitFailed, 0},
		{"after a signal", "r\n", 2, func(a *app) { close(a.stop.graceful) }, 0, exitInterrupted, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, ans := operator(t, nil)
			said := new(bytes.Buffer)
			a.sys.stderr, a.sys.stdout, a.sys.interactive = said, io.Discard, true
			a.stop.graceful, a.input = make(chan struct{}), bufio.NewReader(strings.NewReader(test.typed))
			if test.prepare != nil {
				test.prepare(a)
			}
			other, tries, done := 0, 0, map[string]bool{}
			step := func(id, host string, apply func() error) engine.Step {
				return engine.Step{
					ID: id, Host: host,
					Check: func(context.Context, engine.Output) (engine.Report, error) {
						if done[id] {
							return engine.Report{Verdict: engine.Done}, nil
						}
						return engine.Report{Verdict: engine.Needed}, nil
					},
					Apply: func(context.Context, engine.Output) error {
						if err := apply(); err != nil {
							return err
						}
						done[id] = true
						return nil
					},
				}
			}
			plan := func() engine.Plan {
				return engine.Plan{Name: "install", Steps: []engine.Step{
					step("a/1", "a", func() error { other++; return nil }),
					step("a/2", "a", func() error {
						if tries++; tries <= test.failures {
							return errors.New("the disk is full")
						}
						return nil
					}),
				}}
			}
			err := a.carryOutAndRetry(t.Context(), plan, ans, new(steps.Result), nil)
			code, _ := exitCode(err)
			if asked := strings.Count(said.String(), "[r/s]"); code != test.code || tries != test.tries || asked != test.asked {
				t.Errorf("code %d, %d tries, asked %d times: %v\n%s", code, tries, asked, err, said)
			}
			if other > 1 {
				t.Errorf("what was done is done %d times", other)
			}
		})
	}
}

// Who lost a host is not asked to try again: no run could change it any more.
func TestMayRetry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
		want bool
	}{
		{"a step failed", told(exitFailed), true},
		{"a host went away", lockLost(&lock.LostError{Host: "rc1", Err: errors.New("no answer")}, "rcwizard resume"), false},
		{"another operator has it", lockLost(&lock.LostError{Host: "rc1"}, "rcwizard resume"), false},
	} {
		a, _ := operator(t, nil)
		a.sys.interactive, a.stop.graceful = true, make(chan struct{})
		if got := a.mayRetry(test.err); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
