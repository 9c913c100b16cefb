package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// The exit codes, as the program's help names them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitCheckFailed = 3
	exitLocked      = 4
	exitInterrupted = 130
)

// exitError ends the program with a code. Its error is printed, unless it is
// nil because a face has told everything already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage is an error of the person's: wrong flags or wrong answers.
func usage(err error) error { return &exitError{code: exitUsage, err: err} }

// told ends the program with a code when everything was said already.
func told(code int) error { return &exitError{code: code} }

// standing ends a command that has counted the cluster, by the verdict, which
// was told. What could not be known is no better than what failed: a script that
// goes on after a 0 must be able to rely on it.
func standing(v cluster.Verdict) error {
	switch v {
	case cluster.VerdictOK, cluster.VerdictWarning:
		return nil
	case cluster.VerdictUnknown, cluster.VerdictFailed:
	}
	return told(exitCheckFailed)
}

// exitCode gives the code for an error, and whether it is still to be printed.
func exitCode(err error) (code int, untold bool) {
	var exit *exitError
	var locked *state.LockedError
	var held *lock.HeldError
	var lost *lock.LostError
	switch {
	case err == nil:
		return exitDone, false
	case errors.As(err, &exit):
		return exit.code, exit.err != nil
	case errors.As(err, &locked), errors.As(err, &held), errors.As(err, &lost):
		return exitLocked, true
	case errors.Is(err, context.Canceled):
		return exitInterrupted, true
	}
	return exitFailed, true
}
