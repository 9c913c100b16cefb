package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui/jsonl"
	"github.com/rcwizard/rcwizard/ui/plain"
)

// keepLocked keeps what a command needs that deploys nothing, while no other
// run is at work. Where all of it is kept already nothing is written: then a run
// that is at work is in nobody's way.
func (a *app) keepLocked(ans *answers, doing string) error {
	if all, err := ans.allKept(); all || err != nil {
		return err
	}
	unlock, err := a.lock(*ans, doing)
	if err != nil {
		return err
	}
	defer unlock()
	return ans.keepSecrets()
}

// warn tells what is odd in the answers, and what is not as it was last time.
// Where stderr cannot be written there is nobody to be told so.
func (a *app) warn(ans answers) {
	_ = plain.Problems(a.sys.stderr, ans.warnings)
	if changed := ans.changed(); len(changed) > 0 && !ans.told {
		a.sayf("the workspace is not as it was last time:\n")
		_ = plain.Differences(a.sys.stderr, "answers", changed)
	}
}

// carryOut runs a plan and shows it in the face that was asked for. What the
// plan finds of the cluster comes in result. first, if not nil, has the check
// that must come before the first change.
func (a *app) carryOut(ctx context.Context, plan engine.Plan, ans answers, result *steps.Result, first *stage) error {
	_, err := a.carryOutUntil(ctx, a.stop.graceful, plan, ans, result, first)
	return err
}

// carryOutUntil is carryOut, with what stops it after the steps in flight; nil where
// it takes back what was begun, which nothing but a cancel ends. It tells
// also what the run came to, which is empty if none was begun.
func (a *app) carryOutUntil(ctx context.Context, stop <-chan struct{}, plan engine.Plan, ans answers, result *steps.Result, first *stage) (sum engine.Summary, err error) {
	x, err := a.execution(ans)
	if err != nil {
		return sum, err
	}
	defer func() { err = a.closed(x, err) }()
	shown := make(chan error, 1)
	// The face is not bound to ctx: it has the end of a cancelled run to tell.
	go func() { shown <- a.show(context.WithoutCancel(ctx), x.log, x.lines, result) }()
	var consent func(context.Context) error
	if first != nil {
		consent = first.consent(x.log, x.journal)
	}
	var runErr error
	during := a.stop.during
	if stop == nil {
		during = a.stop.duringTakeBack
	}
	during(func() { sum, runErr = x.run(ctx, a, ans, plan, stop, consent) })
	if err := <-shown; err != nil {
		a.sayf("rcwizard: the output could not be written: %v\n", err)
	}
	switch {
	case runErr == nil:
		return sum, nil
	case errors.Is(runErr, engine.ErrLockLost):
		return sum, a.takenAway(ans)
	case errors.Is(runErr, engine.ErrRefused):
		if refusal, ok := errors.AsType[*exitError](runErr); ok {
			return sum, refusal
		}
		return sum, fmt.Errorf("prove what the plan depends on: %w", runErr)
	case errors.Is(runErr, context.Canceled), errors.Is(runErr, engine.ErrStopped):
		return sum, told(exitInterrupted)
	}
	return sum, told(exitFailed)
}

// closed closes what a run wrote to, and is what became of the run. One that
// succeeded stays so: what it did is on the hosts, whatever its journal has.
func (a *app) closed(x *execution, runErr error) error {
	err := x.close()
	if runErr != nil || err == nil {
		return errors.Join(runErr, err)
	}
	a.sayf("warning: everything was carried out, but what was written down of it may not be whole: %v\n", err)
	return nil
}

// resumeWith is the command that goes on with a workspace.
func (a *app) resumeWith(name string) string { return a.commandWith("resume", name) }

// commandWith is a command for a workspace, for a shell, from where this one was
// given: with what was said of finding the workspace and its hosts.
func (a *app) commandWith(verb, name string) string {
	return strings.Join(append([]string{"rcwizard", verb, name}, a.whence()...), " ")
}

// whence are the flags that were given of finding a workspace and its hosts, for a
// shell.
func (a *app) whence() []string {
	var flags []string
	for _, flag := range []string{"dir", "ssh-config", "known-hosts"} {
		if value := a.config.GetString(flag); value != "" {
			flags = append(flags, "--"+flag, word(value))
		}
	}
	return flags
}

// word writes a text as one word of a shell, in quotes where it needs them.
func word(text string) string {
	special := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-", r)
	}
	if text == "" || strings.ContainsFunc(text, special) {
		return remote.Quote(text)
	}
	return text
}

// show follows a run in the face that was asked for, until its log is closed.
func (a *app) show(ctx context.Context, log *engine.Log, lines *engine.Lines, result *steps.Result) error {
	logs := a.config.GetBool("logs")
	if !logs {
		lines = engine.NewLines(nil) // nothing is ever written to it
	}
	if a.config.GetBool("json") {
		face := jsonl.Face{Lines: logs, Report: func() (any, bool) {
			report, counted := result.Report()
			return report, counted
		}}
		return face.Run(ctx, log, lines, a.sys.stdout) //nolint:wrapcheck // told as it is
	}
	return plain.Run(ctx, log, lines, a.sys.stdout) //nolint:wrapcheck // told as it is
}

// confirm shows what would change and asks whether it may. Before that comes the
// check, if anything would change and it was not made yet.
func (a *app) confirm(ctx context.Context, plan engine.Plan, first *stage) error {
	reports, err := engine.Preview(ctx, plan, engine.Options{Redact: a.redactor.Redact})
	if err != nil {
		return fmt.Errorf("look at the hosts: %w", err)
	}
	if first.report == nil && engine.Total(reports).Done < len(reports) {
		if err := first.make(ctx); err != nil {
			return err
		}
	}
	if err := plain.Plan(a.sys.stderr, reports); err != nil {
		return fmt.Errorf("show the plan: %w", err)
	}
	yes, err := a.ask("Carry this out?")
	if err != nil {
		return err
	}
	if !yes {
		return &exitError{code: exitInterrupted, err: errors.New("nothing was changed")}
	}
	return nil
}

// ask puts a question with yes or no; the end of the input is an error, never
// an answer.
func (a *app) ask(question string) (bool, error) {
	for {
		a.sayf("%s [y/n] ", question)
		answer, err := a.line()
		if err != nil {
			return false, err
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

func (a *app) line() (string, error) {
	line, err := a.input.ReadString('\n')
	if errors.Is(err, io.EOF) {
		return "", usage(errors.New("the input ended before the question was answered"))
	}
	if err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	return line, nil
}
