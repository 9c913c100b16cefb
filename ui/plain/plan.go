package plain

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/workspace"
)

// Plan prints what a plan would change, step by step, with the difference of
// each file that is there and would become another, in the style that fits w.
// Steps that are done take part in the last line only.
func Plan(w io.Writer, reports []engine.StepReport) error { return Detect(w).Plan(w, reports) }

// Plan prints what a plan would change.
func (s Style) Plan(w io.Writer, reports []engine.StepReport) error {
	p := s.printer(w)
	for _, r := range reports {
		p.width = max(p.width, utf8.RuneCountInString(where(r.StepRef)))
	}
	for _, r := range reports {
		p.report(r)
	}
	t := engine.Total(reports)
	parts := []string{fmt.Sprintf("%d done", t.Done), fmt.Sprintf("%d to do", t.Needed)}
	for _, part := range []struct {
		n    int
		word string
	}{{t.Later, "known later"}, {t.Blocked, "blocked"}, {t.Failed, "could not be checked"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	text := fmt.Sprintf("%s: %s", count(len(reports), "step"), strings.Join(parts, ", "))
	if t.Done == len(reports) {
		text += "; nothing would change"
	}
	fmt.Fprintln(&p.out, text)
	if err := p.Flush(); err != nil {
		return fmt.Errorf("print the plan: %w", err)
	}
	return nil
}

// report prints one step of a plan.
func (p *printer) report(r engine.StepReport) {
	row := func(m mark, word string) {
		text := name(r.StepRef)
		if r.Guide != "" {
			text += ", guide " + r.Guide
		}
		fmt.Fprintf(&p.out, "%-*s %s %s\n", p.width, where(r.StepRef), p.style.word(m, word), p.style.wrap(text, p.width+wordWidth+2))
	}
	if r.Failure != nil {
		row(bad, "unknown")
		p.failure(*r.Failure)
		return
	}
	switch r.Verdict {
	case engine.Done:
		return
	case engine.Needed:
		row(neutral, "to do")
	case engine.Later:
		row(neutral, "later")
	case engine.Blocked:
		row(bad, "blocked")
	}
	p.field("why", r.Reason)
	p.field("next", r.Next)
	for _, c := range r.Changes {
		p.change(c)
	}
}

// change prints one change, and the difference where an existing text changes.
// A new file is told by its length: what is in it is what export writes.
func (p *printer) change(c engine.Change) {
	note := ""
	switch {
	case c.Secret:
		note = " (holds secrets, not shown)"
	case c.Before == "" && c.After != "":
		note = " (" + count(lineCount(c.After), "line") + ")"
	}
	fmt.Fprintf(&p.out, "    %-10s  %s\n", c.Kind, p.style.wrap(c.Path+note, fieldIndent))
	if c.Secret || c.Before == "" {
		return
	}
	p.difference(c.Path+" (on the host)", []byte(c.Before), c.Path+" (new)", []byte(c.After))
}

// difference prints what differs between two texts, indented.
func (p *printer) difference(oldName string, before []byte, newName string, after []byte) {
	d := diff.Diff(oldName, before, newName, after)
	for i, line := range strings.Split(strings.TrimSuffix(string(d), "\n"), "\n") {
		// What is on the host may be anybody's, and must not move the cursor.
		line = engine.CleanLine(line)
		switch {
		case i == 0 || line == "":
			// The first line repeats the next two.
			continue
		case strings.HasPrefix(line, "+"):
			line = p.style.paint(good, line)
		case strings.HasPrefix(line, "-"):
			line = p.style.paint(bad, line)
		case strings.HasPrefix(line, "@@"):
			line = p.style.paint(neutral, line)
		}
		fmt.Fprintf(&p.out, "      %s\n", line)
	}
}

// Difference prints what differs between two texts, in the form of diff -u and
// in the style that fits w. It prints nothing where they are the same.
func Difference(w io.Writer, oldName string, before []byte, newName string, after []byte) error {
	return Detect(w).Difference(w, oldName, before, newName, after)
}

// Difference prints what differs between two texts.
func (s Style) Difference(w io.Writer, oldName string, before []byte, newName string, after []byte) error {
	p := s.printer(w)
	p.difference(oldName, before, newName, after)
	if err := p.Flush(); err != nil {
		return fmt.Errorf("print the difference: %w", err)
	}
	return nil
}

func lineCount(text string) int {
	return strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1
}

// Problems prints what is wrong or odd in a workspace file, each with its hint,
// and how many of them forbid going on.
func Problems(w io.Writer, problems workspace.Problems) error { return Detect(w).Problems(w, problems) }

// Problems prints what is wrong or odd in a workspace file.
func (s Style) Problems(w io.Writer, problems workspace.Problems) error {
	p := s.printer(w)
	for _, problem := range problems {
		m := bad
		if problem.Severity == workspace.Warning {
			m = warning
		}
		fmt.Fprintf(&p.out, "%s %s\n", s.paint(m, s.sign(m)), problem)
	}
	if n := len(problems.Errors()); n > 0 {
		fmt.Fprintf(&p.out, "%s to correct, %s\n", count(n, "problem"), count(len(problems)-n, "warning"))
	}
	if err := p.Flush(); err != nil {
		return fmt.Errorf("print the problems: %w", err)
	}
	return nil
}
