package engine

import (
	"errors"
	"fmt"
	"strings"
)

// Problem is an error of a step that tells the person more than a sentence.
// Steps return it, wrapped or not, from Check and Apply; the runner completes
// it with host and step to a Failure. No field may hold a secret: a command is
// written as the person could type it, with secrets left out.
type Problem struct { //nolint:errname // the field's word: a step reports a problem
	// Command is what was run on the host, as a person could repeat it.
	Command string
	// ExitCode is the command's; 0 where no command ended by itself.
	ExitCode int
	// LastLines are the last lines of its output, or of the container's log.
	// Where they are empty the runner takes the step's last live lines.
	LastLines []string
	// Cause is the likely reason, as a clause: "the disk of db is full".
	Cause string
	// Next is what to do about it, as a clause that tells: "free 2 GB in
	// /var/lib/docker on db".
	Next string
	// Err is what went wrong.
	Err error
}

// Error says what happened in one line: the command, how it ended, and Err.
func (p *Problem) Error() string {
	var parts []string
	switch {
	case p.Command != "" && p.ExitCode != 0:
		parts = append(parts, fmt.Sprintf("%s ended with exit code %d", p.Command, p.ExitCode))
	case p.Command != "":
		parts = append(parts, p.Command)
	case p.ExitCode != 0:
		parts = append(parts, fmt.Sprintf("exit code %d", p.ExitCode))
	}
	if p.Err != nil {
		parts = append(parts, p.Err.Error())
	}
	if len(parts) == 0 {
		return p.Cause
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns Err.
func (p *Problem) Unwrap() error { return p.Err }

// Phase is the part of a step that is at work.
type Phase string

// The phases of a step.
const (
	// Checking is the look before anything is changed.
	Checking Phase = "checking"
	// Applying is the only phase that changes anything.
	Applying Phase = "applying"
	// Verifying is the look after it.
	Verifying Phase = "verifying"
)

// Failure is why a step failed, with everything that the failure page, the
// plain printer and the JSON lines show. It is an error.
type Failure struct { //nolint:errname // what failed, in events and JSON; being an error is its lesser use
	StepRef

	// Phase is where it failed. A step that failed while Checking changed
	// nothing.
	Phase Phase `json:"phase"`
	// Message says what happened, in one line.
	Message   string   `json:"message"`
	Command   string   `json:"command,omitempty"`
	ExitCode  int      `json:"exit_code,omitempty"`
	LastLines []string `json:"last_lines,omitempty"`
	Cause     string   `json:"cause,omitempty"`
	Next      string   `json:"next,omitempty"`
	// Resume is the command that goes on from here.
	Resume string `json:"resume,omitempty"`

	err error
}

// Error says host, step, what happened, the likely cause and what to do next,
// in one line.
func (f *Failure) Error() string {
	var b strings.Builder
	if f.Host != "" {
		b.WriteString(f.Host + ": ")
	}
	if f.Title != "" {
		fmt.Fprintf(&b, "%s (%s): %s", f.Title, f.Step, f.Message)
	} else {
		fmt.Fprintf(&b, "%s: %s", f.Step, f.Message)
	}
	if f.Cause != "" {
		b.WriteString("; likely cause: " + f.Cause)
	}
	if f.Next != "" {
		b.WriteString("; next: " + f.Next)
	}
	return b.String()
}

// Unwrap returns the step's own error, nil for a failure read from a journal.
func (f *Failure) Unwrap() error { return f.err }

// newFailure completes the error of a step. redact goes over every text.
func newFailure(ref StepRef, phase Phase, err error, redact func(string) string) *Failure {
	f := &Failure{StepRef: ref, Phase: phase, Message: redact(err.Error()), err: err}
	if p, ok := errors.AsType[*Problem](err); ok {
		f.Command, f.ExitCode = redact(p.Command), p.ExitCode
		f.Cause, f.Next = redact(p.Cause), redact(p.Next)
		for _, line := range p.LastLines {
			f.LastLines = append(f.LastLines, redact(line))
		}
		if f.Cause == f.Message {
			f.Cause = ""
		}
	}
	return f
}
