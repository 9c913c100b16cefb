package engine

import (
	"slices"
	"time"
)

// RecordKind says what a journal record tells.
type RecordKind string

// The kinds of record.
const (
	// RecordRunStarted begins a run.
	RecordRunStarted RecordKind = "run_started"
	// RecordStepBegan is on the disk before the step changes anything.
	RecordStepBegan RecordKind = "step_began"
	// RecordStepDone follows the look that found the step done.
	RecordStepDone RecordKind = "step_done"
	// RecordStepFailed says that the step ended with a failure. It has a
	// beginning only if the step was applied.
	RecordStepFailed RecordKind = "step_failed"
	// RecordNoted keeps what cannot be observed on a host.
	RecordNoted RecordKind = "noted"
	// RecordRunEnded ends a run. A run without it was cut.
	RecordRunEnded RecordKind = "run_ended"
)

// Record is one line of the journal. It holds no secret.
type Record struct {
	// Serial counts the records of a journal from 1. The journal sets it.
	Serial uint64     `json:"serial"`
	Time   time.Time  `json:"time"`
	Kind   RecordKind `json:"kind"`
	// Plan, Steps (their number), Program and Given belong to RecordRunStarted.
	Plan    string   `json:"plan,omitempty"`
	Steps   int      `json:"steps,omitempty"`
	Program string   `json:"program,omitempty"`
	Given   []string `json:"given,omitempty"`
	// Step, Title, Host and Guide name the step of a step's record.
	Step  string `json:"step,omitempty"`
	Title string `json:"title,omitempty"`
	Host  string `json:"host,omitempty"`
	Guide string `json:"guide,omitempty"`
	// Command belongs to RecordStepBegan.
	Command string `json:"command,omitempty"`
	// How belongs to RecordStepDone.
	How How `json:"how,omitempty"`
	// Failure belongs to RecordStepFailed.
	Failure *Failure `json:"failure,omitempty"`
	// Outcome belongs to RecordRunEnded.
	Outcome Outcome `json:"outcome,omitempty"`
	// Key and Value belong to RecordNoted.
	Key   string `json:"key,omitempty"`
	Value string `json:"value,omitempty"`
}

// Recorder is what the runner needs of a journal. Record returns when the
// record is as durable as it has to be: on the disk, for every kind but a step
// that was done already. A step is not begun when its record fails.
type Recorder interface {
	Record(rec Record) error
}

// History is what a journal tells a person. It never decides what to do.
type History struct {
	// Lineage names the journal over its whole life; empty where there is none.
	Lineage string
	// Runs are all runs, the oldest first.
	Runs []RunHistory
	// Damaged counts lines that could not be read. The rest is still right.
	Damaged int
	// Torn says that the last line was not whole: the machine or the program
	// stopped while it was written, or somebody cut the file.
	Torn bool
}

// RunHistory is what a journal tells of one run.
type RunHistory struct {
	Plan  string
	Steps int
	// Program and Given are as Options had them.
	Program string
	Given   []string
	Started time.Time
	// Seen is the time of the last record that there is of it.
	Seen time.Time
	// Ended is zero, and Outcome empty, for a run that was cut.
	Ended   time.Time
	Outcome Outcome
	// Done, Failed and Cut are in the order in which they ended or, for Cut,
	// began. A step is cut when it began and neither was seen to be done nor
	// failed: nobody knows how far it came until it is looked at again.
	Done   []StepHistory
	Failed []StepHistory
	Cut    []StepHistory
	// Notes are in the order in which they were made.
	Notes []NoteHistory
}

// StepHistory is what a journal tells of one step in one run.
type StepHistory struct {
	StepRef

	Time time.Time
	// Command belongs to a step that was cut.
	Command string
	// How belongs to a step that is done.
	How How
	// Failure belongs to a step that failed.
	Failure *Failure
}

// NoteHistory is one note, such as the id of a detached job.
type NoteHistory struct {
	Time time.Time
	// Step is empty for a note of the run.
	Step, Key, Value string
}

// Last returns the latest run, and whether there was any.
func (h History) Last() (RunHistory, bool) {
	if len(h.Runs) == 0 {
		return RunHistory{}, false
	}
	return h.Runs[len(h.Runs)-1], true
}

// Unfinished tells whether there is something to resume: the latest run did
// not bring about its whole plan.
func (h History) Unfinished() bool {
	last, ok := h.Last()
	return ok && last.Outcome != Succeeded
}

// Note returns the latest value noted under key for a step (empty: for a run),
// over all runs.
func (h History) Note(step, key string) (string, bool) {
	for _, run := range slices.Backward(h.Runs) {
		for _, note := range slices.Backward(run.Notes) {
			if note.Step == step && note.Key == key {
				return note.Value, true
			}
		}
	}
	return "", false
}

// add takes in the next record. A record that no run precedes (its line was
// damaged) begins one that has no name.
func (h *History) add(rec Record) {
	if rec.Kind == RecordRunStarted || len(h.Runs) == 0 {
		h.Runs = append(h.Runs, RunHistory{Plan: rec.Plan, Steps: rec.Steps, Program: rec.Program, Given: rec.Given, Started: rec.Time})
	}
	run := &h.Runs[len(h.Runs)-1]
	run.Seen = rec.Time
	step := StepHistory{
		StepRef: StepRef{Step: rec.Step, Title: rec.Title, Host: rec.Host, Guide: rec.Guide},
		Time:    rec.Time, Command: rec.Command, How: rec.How, Failure: rec.Failure,
	}
	switch rec.Kind {
	case RecordStepBegan:
		run.end(rec.Step)
		run.Cut = append(run.Cut, step)
	case RecordStepDone:
		run.end(rec.Step)
		run.Done = append(run.Done, step)
	case RecordStepFailed:
		run.end(rec.Step)
		run.Failed = append(run.Failed, step)
	case RecordNoted:
		run.Notes = append(run.Notes, NoteHistory{Time: rec.Time, Step: rec.Step, Key: rec.Key, Value: rec.Value})
	case RecordRunEnded:
		run.Ended, run.Outcome = rec.Time, rec.Outcome
	case RecordRunStarted:
	default:
		// A later rcwizard of the same version may know more kinds.
	}
}

// end takes a step out of Cut and Failed: it ended, or began anew.
func (r *RunHistory) end(id string) {
	same := func(s StepHistory) bool { return s.Step == id }
	r.Cut, r.Failed = slices.DeleteFunc(r.Cut, same), slices.DeleteFunc(r.Failed, same)
}
