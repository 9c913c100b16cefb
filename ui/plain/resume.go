package plain

import (
	"fmt"
	"io"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// Resume prints what is said before a run goes on.
func Resume(w io.Writer, r ui.Resume, now time.Time) error { return Detect(w).Resume(w, r, now) }

// Resume prints what was done, what was cut, what is next, and what is not as it
// was.
func (s Style) Resume(w io.Writer, r ui.Resume, now time.Time) error {
	p := s.printer(w)
	m, how := outcome(r)
	head := r.Workspace + ": "
	if r.Doing == "" {
		head += "nothing is known of a run"
	} else {
		head += fmt.Sprintf("%s of %s, %s %s", r.Doing, r.Started.Local().Format("2006-01-02 15:04"), how, ui.Ago(r.Seen, now))
	}
	fmt.Fprintf(&p.out, "%s %s\n", p.style.paint(m, p.style.sign(m)), p.style.wrap(head, 2))
	if r.Doing != "" {
		p.field("done", fmt.Sprintf("%d of %s", r.Done, count(r.Steps, "step")))
	}
	for _, f := range r.Failed {
		p.field("failed", where(f.StepRef)+": "+name(f.StepRef)+": "+f.Message)
		p.field("do", f.Next)
	}
	for _, c := range r.Cut {
		p.field("cut", fmt.Sprintf("%s: %s, begun %s (%s)", where(c.StepRef), name(c.StepRef), c.Began.Local().Format(time.TimeOnly), ui.Ago(c.Began, now)))
		p.field("command", c.Command)
	}
	if r.Next != nil {
		text := where(*r.Next) + ": " + name(*r.Next)
		if r.Left > 1 {
			text += fmt.Sprintf(", and %d more", r.Left-1)
		}
		p.field("next", text+"; every step looks at its host first")
	}
	p.differences("answers", r.Answers)
	p.differences("flags", r.Flags)
	for _, n := range r.Notes {
		p.field("note", n)
	}
	if err := p.Flush(); err != nil {
		return fmt.Errorf("print what was done: %w", err)
	}
	return nil
}

// outcome is a run's in a word, and how bad that is.
func outcome(r ui.Resume) (mark, string) {
	switch {
	case r.Doing == "":
		return neutral, ""
	case r.Outcome == engine.Succeeded:
		return good, "done"
	case r.Outcome == engine.Failed:
		return bad, "failed"
	case r.Outcome == "":
		return warning, "cut"
	}
	return warning, string(r.Outcome)
}

// Differences prints the fields that are not as they were, one a line.
func Differences(w io.Writer, label string, all []workspace.Difference) error {
	return Detect(w).Differences(w, label, all)
}

// Differences prints the fields that are not as they were, one a line.
func (s Style) Differences(w io.Writer, label string, all []workspace.Difference) error {
	p := s.printer(w)
	p.differences(label, all)
	if err := p.Flush(); err != nil {
		return fmt.Errorf("print the differences: %w", err)
	}
	return nil
}

func (p *printer) differences(label string, all []workspace.Difference) {
	arrow := "→"
	if p.style.ASCII {
		arrow = "->"
	}
	for _, d := range all {
		p.field(label, fmt.Sprintf("%s: %s %s %s", d.Field, orNothing(d.Before), arrow, orNothing(d.After)))
	}
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return engine.CleanLine(text)
}
