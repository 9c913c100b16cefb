package remote

import (
	"errors"
	"fmt"
	"strings"
)

// ErrOutcomeUnknown is in the chain of an error when a script was sent to a
// host and nobody can say whether it ran, and how far: the connection was lost
// or the context ended. The caller looks at the host again before it concludes
// anything.
var ErrOutcomeUnknown = errors.New("the outcome is unknown")

// ErrClosed is in the chain of errors after Close.
var ErrClosed = errors.New("the connection is closed")

// OutcomeUnknownError says of which host, and why.
type OutcomeUnknownError struct {
	Host string
	// Cause is what ended the wait: a lost connection, a deadline.
	Cause error
	// Ended is true when the host confirmed that the script's processes are
	// gone, as after a cancel over a connection that works.
	Ended bool
}

func (e *OutcomeUnknownError) Error() string {
	if e.Ended {
		return fmt.Sprintf("host %s: the command was ended before it was done: %v", e.Host, e.Cause)
	}
	return fmt.Sprintf("host %s: the command may or may not have run to its end (its processes are ended by the host itself): %v", e.Host, e.Cause)
}

// Unwrap gives both the sentinel and the cause.
func (e *OutcomeUnknownError) Unwrap() []error { return []error{ErrOutcomeUnknown, e.Cause} }

// ExitError is a script that ended with another code than 0, for callers to
// whom that is an error; see Result.Err.
type ExitError struct {
	Host string
	// What is what the script was to do, in a few words.
	What string
	Code int
	// Last is the end of its output, standard error if there was any.
	Last string
}

func (e *ExitError) Error() string {
	msg := fmt.Sprintf("host %s: %s: exit status %d", e.Host, e.What, e.Code)
	if e.Last != "" {
		msg += ": " + e.Last
	}
	return msg
}

// Err is nil for code 0, else an *ExitError that holds the last lines.
func (r Result) Err(host, what string) error {
	if r.Code == 0 {
		return nil
	}
	last := strings.TrimSpace(r.Stderr)
	if last == "" {
		last = strings.TrimSpace(r.Stdout)
	}
	lines := strings.Split(last, "\n")
	if len(lines) > 20 {
		lines = lines[len(lines)-20:]
	}
	return &ExitError{Host: host, What: what, Code: r.Code, Last: strings.Join(lines, "\n")}
}

// SudoKind says why a script could not become root.
type SudoKind string

// The ways in which sudo says no.
const (
	SudoPasswordNeeded SudoKind = "password needed"
	SudoWrongPassword  SudoKind = "wrong password"
	SudoNotAllowed     SudoKind = "not allowed"
	SudoRequireTTY     SudoKind = "requires a terminal"
	SudoMissing        SudoKind = "not installed"
	SudoNever          SudoKind = "switched off"
	SudoOther          SudoKind = "failed"
)

// SudoError says that a script which needs root never ran.
type SudoError struct {
	Host, User string
	Kind       SudoKind
	// Text is what sudo said.
	Text string
}

func (e *SudoError) Error() string {
	who := e.User
	if who == "" {
		who = "the login"
	}
	var msg string
	switch e.Kind {
	case SudoPasswordNeeded:
		msg = fmt.Sprintf("sudo asks %s for a password: give the sudo password, or allow %s to use sudo without one", who, who)
	case SudoWrongPassword:
		msg = fmt.Sprintf("sudo does not take the password of %s: correct the sudo password", who)
	case SudoNotAllowed:
		msg = fmt.Sprintf("%s may not use sudo: log in as root, or add %s to the sudoers", who, who)
	case SudoRequireTTY:
		msg = "sudo is set to work in a terminal only: add the line \"Defaults:" + who + " !requiretty\" with visudo"
	case SudoMissing:
		msg = who + " is not root and sudo is not installed: log in as root, or install sudo"
	case SudoNever:
		msg = fmt.Sprintf("this needs root, %s is not root, and sudo is switched off for this host", who)
	case SudoOther:
		msg = "sudo failed"
	}
	if e.Text != "" && e.Kind != SudoNever {
		msg += " (" + e.Text + ")"
	}
	return fmt.Sprintf("host %s: %s", e.Host, msg)
}
