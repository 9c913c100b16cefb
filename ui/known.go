package ui

import (
	"fmt"
	"strings"
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
	// Stale says that its answers are being changed, and that another run has
	// changed the workspace since they were begun: Notes tell of it, and
	// Backend.Forget drops them.
	Stale bool
	// Why says in a sentence what is the matter: who holds a busy one, what
	// cannot be read.
	Why string
	// Last is the last run; nil where there was none.
	Last *LastRun
	// UnderWay is what was being done to the instances when a run was cut, which is
	// brought to its end or taken back before anything else; nil if nothing was.
	UnderWay *Change
	// Resume is what is said before a run goes on; nil unless it is Unfinished.
	Resume *Resume
	// Notes are sentences on what is odd about what is kept: another version of
	// rcwizard wrote it, its journal was cut. Going on is possible all the same.
	Notes []string
}

// The names of the plans of changes, as LastRun.Doing has them.
const (
	DoingAdd      = "add-instance"
	DoingTakeBack = "take back the addition"
	DoingRemove   = "remove-instance"
)

// Alterable reports whether instances of the workspace can come or go: it was
// deployed as a whole, or a change to it is under way.
func (k Known) Alterable() bool {
	return k.State == Deployed || k.State == Unfinished && k.UnderWay != nil
}

// Changing reports whether a change of this kind is under way.
func (k Known) Changing(kind ChangeKind) bool { return k.UnderWay != nil && k.UnderWay.Kind == kind }

// LastRun is what is kept of the last run of a workspace.
type LastRun struct {
	// Doing is the plan's name: "install".
	Doing   string
	Started time.Time
	// Seen is when it was last known to be at work, or its end.
	Seen time.Time
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

// Brief is the run in one line: "cut at rc1/compose-up-instance, 14 min ago; 23
// of 41 steps done".
func (l LastRun) Brief(now time.Time) string {
	how, at := string(l.Outcome), make([]string, 0, len(l.Cut)+len(l.Failures))
	switch l.Outcome {
	case engine.Succeeded:
		return "done " + Ago(l.Seen, now)
	case engine.Failed:
		for _, f := range l.Failures {
			at = append(at, f.Step)
		}
	case engine.Cancelled, engine.Stopped:
	case "":
		how = "cut"
	}
	if len(at) == 0 {
		for _, c := range l.Cut {
			at = append(at, c.Step)
		}
	}
	const named = 2
	if more := len(at) - named; more > 0 {
		at = append(at[:named], fmt.Sprintf("%d more", more))
	}
	if n := len(at); n > 0 {
		how += " at " + strings.Join(at[:n-1], ", ")
		if n > 1 {
			how += " and "
		}
		how += at[n-1]
	}
	return fmt.Sprintf("%s, %s; %d of %d steps done", how, Ago(l.Seen, now), l.Done, l.Steps)
}

// Ago says how long ago something was, in the one unit that fits: "14 min ago".
func Ago(then, now time.Time) string {
	d := now.Sub(then)
	switch {
	case then.IsZero():
		return "at an unknown time"
	case d < 0:
		return "later than now by this machine's clock"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days ago", int(d/(24*time.Hour)))
}
