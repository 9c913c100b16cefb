package ui

import (
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/workspace"
)

// Resume is what is said of a workspace before a run goes on with it: what was
// done and what was cut, by the journal, and what is not as it was then. It decides
// nothing: every step looks at its host.
type Resume struct {
	Workspace string `json:"workspace"`
	// Doing is the last run's plan, "install"; empty where no run is known of, and
	// then so is everything up to Next.
	Doing   string    `json:"doing,omitempty"`
	Started time.Time `json:"started,omitzero"`
	// Seen is when it was last known to be at work, or its end.
	Seen time.Time `json:"seen,omitzero"`
	// Outcome is empty for a run that was cut.
	Outcome engine.Outcome `json:"outcome,omitempty"`
	// Steps and Done are how many steps it had and how many are done.
	Steps  int              `json:"steps"`
	Done   int              `json:"done"`
	Failed []engine.Failure `json:"failed,omitempty"`
	Cut    []CutStep        `json:"cut,omitempty"`
	// Next is the first step of the plan that is not known to be done, and Left
	// how many there are with it.
	Next *engine.StepRef `json:"next,omitempty"`
	Left int             `json:"left"`
	// Answers are those that are not as they were kept, Flags those that were not
	// given as to the last run.
	Answers []workspace.Difference `json:"answers,omitempty"`
	Flags   []workspace.Difference `json:"flags,omitempty"`
	// Notes are sentences on what is odd about what is kept.
	Notes []string `json:"notes,omitempty"`
}

// CutStep is a step that began and of which no end is known.
type CutStep struct {
	engine.StepRef

	// Command is what was run on the host, where it is one command.
	Command string    `json:"command,omitempty"`
	Began   time.Time `json:"began"`
}
