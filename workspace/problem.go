package workspace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a problem forbids going on.
type Severity int

// The severities.
const (
	// Error forbids going on: what would be deployed could not work.
	Error Severity = iota
	// Warning is something that works, but that a person should know.
	Warning
)

// String is "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Problem is one thing that is wrong, or doubtful, in workspace.yaml or
// secrets.yaml. Its texts never hold a secret.
type Problem struct {
	Severity Severity
	// File is the name of the file, as it was given to Parse or Load; empty for
	// a workspace that did not come from a file.
	File string
	// Line is the line in File, counted from 1; 0 when it is not known. For a
	// field that is missing it is the line of what it is missing from.
	Line int
	// Field is the path of the field, such as "hosts[1].address".
	Field string
	// Text says what is wrong, in lower case, without a full stop.
	Text string
	// Hint says what to do about it; it may be empty.
	Hint string
}

// String is the problem on one line, or on two with the hint indented below:
//
//	workspace.yaml:12: hosts[1].address: the same address as hosts[0] (db)
//	    give every host its own address
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.File != "" && p.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
	case p.File != "":
		b.WriteString(p.File + ": ")
	}
	if p.Severity == Warning {
		b.WriteString("warning: ")
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString("\n    " + p.Hint)
	}
	return b.String()
}

// Problems is everything that was found, in the order of the file where the
// lines are known.
type Problems []Problem

// Errors returns the problems that forbid going on.
func (p Problems) Errors() Problems { return p.only(Error) }

// Warnings returns the problems that do not.
func (p Problems) Warnings() Problems { return p.only(Warning) }

func (p Problems) only(s Severity) Problems {
	var out Problems
	for _, problem := range p {
		if problem.Severity == s {
			out = append(out, problem)
		}
	}
	return out
}

// String is every problem, each as Problem.String has it, a line break between
// them.
func (p Problems) String() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Err is an *InvalidError with all the errors, or nil if there are only
// warnings.
func (p Problems) Err() error {
	if errs := p.Errors(); len(errs) > 0 {
		return &InvalidError{Problems: errs}
	}
	return nil
}

// sorted orders the problems by line, those without one last, and keeps the
// order in which they were found otherwise.
func (p Problems) sorted() Problems {
	out := slices.Clone(p)
	slices.SortStableFunc(out, func(a, b Problem) int {
		switch {
		case a.Line == b.Line:
			return 0
		case a.Line == 0:
			return 1
		case b.Line == 0:
			return -1
		}
		return cmp.Compare(a.Line, b.Line)
	})
	return out
}

// InvalidError is a file that cannot be used, with every reason at once.
type InvalidError struct {
	// Problems are of severity Error only.
	Problems Problems
}

// Error is the one problem, or their number and all of them, a line each.
func (e *InvalidError) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].String()
	}
	return fmt.Sprintf("%d problems:\n%s", len(e.Problems), e.Problems)
}
