package engine

import "time"

// Event is one thing that happened in a run. The set is sealed: the types of
// this file are all there are, so that a face can switch over them and miss
// none. Events hold no secrets and never change once they are in a log.
type Event interface {
	// When is the time at which it happened.
	When() time.Time
	sealed()
}

// RunStarted is the first event of every run. One log may hold several runs,
// one after the other: a retry is a new run of the same plan.
type RunStarted struct {
	Time time.Time
	Plan string
	// Steps are the plan's, in its order.
	Steps []StepRef
}

// StepStarted says that a phase of a step begins. A step that has nothing to
// do is only ever Checking.
type StepStarted struct {
	StepRef

	Time  time.Time
	Phase Phase
	// Changes are what Applying is about to change, without the contents of
	// files; nil in the other phases.
	Changes []Change
}

// How says how a step came to be done.
type How string

// The ways to be done.
const (
	// AlreadyDone says that the first look found nothing to do.
	AlreadyDone How = "already done"
	// Applied says that the step was applied and then seen to be done.
	Applied How = "applied"
)

// StepDone says that a step was seen to be done.
type StepDone struct {
	StepRef

	Time     time.Time
	How      How
	Duration time.Duration
}

// StepFailed says that a step failed, and why. What needs it is skipped. A step
// that is tried again, but in a run that ends before it changed anything, fails
// with the same Failure.
type StepFailed struct {
	Time     time.Time
	Failure  Failure
	Duration time.Duration
}

// SkipReason says why a step was not begun.
type SkipReason string

// The reasons to skip a step.
const (
	// NeedFailed says that a step before it failed or was cut.
	NeedFailed SkipReason = "need failed"
	// RunStopped says that the run was stopped before its turn came, or
	// between its look and its first change.
	RunStopped SkipReason = "run stopped"
)

// StepSkipped says that a step was not applied in this run.
type StepSkipped struct {
	StepRef

	Time   time.Time
	Reason SkipReason
	// Because is the ID of the step that failed, for NeedFailed.
	Because string
}

// StepCut says that a step in flight was ended by the end of the run's
// context. What it left on the host is looked at again by the next run.
type StepCut struct {
	StepRef

	Time  time.Time
	Phase Phase
	// Message is the error with which it ended.
	Message  string
	Duration time.Duration
}

// Noted is a sentence for the person. Its StepRef is empty where the note is
// the run's own.
type Noted struct {
	StepRef

	Time time.Time
	Text string
}

// Found is what the caller of a run found out beside its steps and tells in the
// run's log. The engine never makes one, and knows nothing of what it is.
type Found struct {
	Time time.Time
	// What names it for programs: "check".
	What string
	// Value is for programs, as something that JSON can hold; Text is for people,
	// in whole lines.
	Value any
	Text  string
}

// StopKind says how far a stop goes.
type StopKind string

// The kinds of stop.
const (
	// Graceful lets the steps in flight end, and begins no other.
	Graceful StopKind = "after the steps in flight"
	// Cancel ends the steps in flight.
	Cancel StopKind = "at once"
)

// Stopping says that the run will begin no further step.
type Stopping struct {
	Time time.Time
	Kind StopKind
	// Reason says why: a person asked, the lock was lost.
	Reason string
}

// RunFinished is the last event of every run.
type RunFinished struct {
	Time    time.Time
	Summary Summary
}

// Outcome is how a run ended.
type Outcome string

// The outcomes of a run.
const (
	// Succeeded says that every step is done.
	Succeeded Outcome = "succeeded"
	// Failed says that at least one step failed.
	Failed Outcome = "failed"
	// Stopped says that the run was stopped after the steps in flight, and
	// that none of them failed.
	Stopped Outcome = "stopped"
	// Cancelled says that the run was ended at once.
	Cancelled Outcome = "cancelled"
)

// Summary is what a run came to.
type Summary struct {
	Plan     string
	Outcome  Outcome
	Started  time.Time
	Duration time.Duration
	// Steps is the number of steps in the plan: the sum of the five below.
	Steps int
	// Already and Applied count the steps that are done, by How.
	Already, Applied int
	// Begun counts the steps that were begun to be applied, whatever became of them:
	// with 0 the run changed nothing on any host.
	Begun int
	// Failures are in the order in which they happened.
	Failures []Failure
	// Skipped and Cut name steps in the order of the plan.
	Skipped, Cut []StepRef
	// Resume is the command that goes on from here; empty when all is done.
	Resume string
}

// When is the time at which the run began.
func (e RunStarted) When() time.Time { return e.Time }

// When is the time at which the phase began.
func (e StepStarted) When() time.Time { return e.Time }

// When is the time at which the step was seen to be done.
func (e StepDone) When() time.Time { return e.Time }

// When is the time of the failure.
func (e StepFailed) When() time.Time { return e.Time }

// When is the time at which it was known that the step will not run.
func (e StepSkipped) When() time.Time { return e.Time }

// When is the time at which the step returned.
func (e StepCut) When() time.Time { return e.Time }

// When is the time of the note.
func (e Noted) When() time.Time { return e.Time }

// When is the time at which it was found.
func (e Found) When() time.Time { return e.Time }

// When is the time at which the stop was asked for.
func (e Stopping) When() time.Time { return e.Time }

// When is the time at which the last step had ended.
func (e RunFinished) When() time.Time { return e.Time }

func (RunStarted) sealed()  {}
func (StepStarted) sealed() {}
func (StepDone) sealed()    {}
func (StepFailed) sealed()  {}
func (StepSkipped) sealed() {}
func (StepCut) sealed()     {}
func (Noted) sealed()       {}
func (Found) sealed()       {}
func (Stopping) sealed()    {}
func (RunFinished) sealed() {}
