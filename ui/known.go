package ui

import (
	"time"

	"github.com/rcwizard/rcwizard/engine"
)

// State says how far a workspace came.
type State string

// The states of a workspace.
const (
	// Drafted says that its answers were not all given, or never carried out.
	Drafted State = "draft"
	// Unfinished says that its last run failed, was stopped or was cut.
	Unfinished State = "unfinished"
	// Deployed says that its last run carried out everything.
	Deployed State = "deployed"
	// Busy says that another rcwizard is working on it.
	Busy State = "busy"
	// Unreadable says that what is kept of it cannot be read.
	Unreadable State = "unreadable"
)

// Known is one workspace that is kept on this machine.
type Known struct {
	// Key is what Open takes.
	Key  string
	Name string
	// Domain, Release, Hosts and Instances are what its answers say.
	Domain    string
	Release   string
	Hosts     int
	Instances int
	State     State
	// Page is where its answers stopped, for Drafted.
	Page string
	// Why says in a sentence what is the matter: who holds a busy one, what
	// cannot be read.
	Why string
	// Last is the last run; nil where there was none.
	Last *LastRun
}

// LastRun is what is kept of the last run of a workspace.
type LastRun struct {
	// Doing is the plan's name: "install".
	Doing   string
	Started time.Time
	// Ended is zero, and Outcome empty, for a run that was cut.
	Ended   time.Time
	Outcome engine.Outcome
	// Steps and Done are how many steps it had and how many are done.
	Steps, Done int
	// Failures are what failed in it.
	Failures []engine.Failure
	// Cut are the steps that began and did not end.
	Cut []engine.StepRef
}
