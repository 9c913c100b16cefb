package engine

import "context"

// Verdict is what a step's Check found.
type Verdict string

// The verdicts of a Check.
const (
	// Done says that the host is as the step wants it; Apply is not called.
	Done Verdict = "done"
	// Needed says that Apply has work to do.
	Needed Verdict = "needed"
	// Blocked says that Apply would fail, or would harm; the report says why.
	Blocked Verdict = "blocked"
	// Later says that it cannot be known before a step in Needs has run. It
	// counts as Needed in a plan view, and is checked again when its turn
	// comes; a step that is still Later then is applied.
	Later Verdict = "later"
)

// ChangeKind says what would happen to one thing on a host.
type ChangeKind string

// The kinds of change.
const (
	Create  ChangeKind = "create"
	Update  ChangeKind = "update"
	Delete  ChangeKind = "delete"
	Restart ChangeKind = "restart"
	Pull    ChangeKind = "pull"
	Start   ChangeKind = "start"
	Stop    ChangeKind = "stop"
	// Execute runs a command that says itself what it changes.
	Execute ChangeKind = "run"
	// Wait changes nothing: the step waits for something to become true.
	Wait ChangeKind = "wait"
)

// Change is one thing that Apply would change.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Path names the thing: a file by its absolute path, a container by
	// project/service, an image by its reference, a command by its text.
	Path string `json:"path"`
	// Before and After are the contents of a text file, for a diff. They are
	// empty where there is no text to show, and for a secret file, always.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Secret says that the contents were left out because they hold secrets.
	Secret bool `json:"secret,omitempty"`
}

// Report is the outcome of a Check.
type Report struct {
	Verdict Verdict `json:"verdict"`
	// Reason says why, in one sentence; a Blocked report always has one.
	Reason string `json:"reason,omitempty"`
	// Next says what the person can do about a Blocked report.
	Next    string   `json:"next,omitempty"`
	Changes []Change `json:"changes,omitempty"`
}

// Step is one thing to bring about on one host. Check looks and never changes
// anything; Apply brings it about and is safe to repeat. The runner does
// Check, Apply, Check, and believes the last one: a step whose second Check is
// not Done has failed, whatever Apply returned, and one whose second Check is
// Done is done, even if Apply returned an error (a connection that broke after
// the work was done), which is then noted.
//
// Both honour their context: when it ends they return soon, leaving nothing
// running that they started. An error of theirs that is or wraps a *Problem
// gives the person the command, its exit code and what to do next.
type Step struct {
	// ID is stable over runs and readable, "rc1/compose-up-instance": letters,
	// digits and ".", "_", "-", "/", ":".
	ID string
	// Title is what a person reads: "Start Rocket.Chat".
	Title string
	// Host is the workspace's name of the host; steps of one host run one
	// after the other in the order of the plan. Empty: the operator's machine.
	Host string
	// Guide is the step of Rocket.Chat's guide, "2.3"; empty where the guide
	// has none.
	Guide string
	// Command is what Apply runs on the host where that is one command, as a person
	// could repeat it, with secrets left out: the journal tells it of a step that
	// was cut.
	Command string
	// Needs are the IDs of the steps that must be done before. The step before
	// it on the same host is always among them, named or not.
	Needs []string

	Check func(ctx context.Context, out Output) (Report, error)
	Apply func(ctx context.Context, out Output) error
}

// Ref returns what names the step in events, failures and records.
func (s Step) Ref() StepRef {
	return StepRef{Step: s.ID, Title: s.Title, Host: s.Host, Guide: s.Guide}
}

// StepRef names one step of a plan.
type StepRef struct {
	Step  string `json:"step"`
	Title string `json:"title,omitempty"`
	// Host is empty for a step on the operator's own machine.
	Host  string `json:"host,omitempty"`
	Guide string `json:"guide,omitempty"`
}

// Output is where a running step reports to. Its methods never wait for a
// reader and may be called from many goroutines; calls after the step has
// returned are ignored.
type Output interface {
	// Line appends one line of live output of the step. source names where it
	// came from: "stderr", a container's name.
	Line(source, text string)
	// Progress says how far the step is, in any unit of which total is known;
	// total 0 means not known. what names the unit or the thing: "bytes".
	Progress(done, total int64, what string)
	// Note is one sentence for the person that is worth an event of its own:
	// a pause because a connection broke, an older container that was stopped.
	Note(text string)
}
