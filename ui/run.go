package ui

import (
	"context"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
)

// Run is a deployment under way. It goes on whether anybody looks or not.
type Run struct {
	// Log has its events; it is closed after the last.
	Log *engine.Log
	// Lines has its live output and progress.
	Lines *engine.Lines
	// Lost are the hosts whose connection is lost and being made again, each with
	// the time since; nil: nobody knows.
	Lost func() map[string]time.Time
	// Stop asks it to end, after the steps in flight or at once. It never waits,
	// and may be called more than once.
	Stop func(kind engine.StopKind)
	// Retry has a step that failed begun again, by its ID, while the others go on,
	// and reports whether the run heard it: not once it has nothing else left to do.
	// Then Deploy begins another run, which does what is not done. nil: it cannot.
	Retry func(step string) bool
	// Wait waits until the run has ended and what it came to is written down.
	// Its error is about what could not be written or counted: that a step
	// failed is in the Conclusion.
	Wait func(ctx context.Context) (Conclusion, error)
}

// Conclusion is what a run came to.
type Conclusion struct {
	Summary engine.Summary
	// Count is nil where nothing could be counted.
	Count  *Count
	Access Access
	// Aftermath says what became of a Change that failed or was stopped: that the
	// cluster is as it was, or how to go on. After a removal that succeeded it is
	// what that leaves to the person: what is still on a host, and who lets it in;
	// after an installation, what may be somewhere of a Change that it put an end to.
	// Empty for everything else. Its paragraphs are parted by empty lines; a line
	// that begins with a space is a command, to be copied as it stands.
	Aftermath string
}

// Access is where everything is that a person needs afterwards.
type Access struct {
	RootURL string
	// Grafana is empty where there is no monitoring.
	Grafana string
	// Admin is the name of the first administrator; empty where the first to
	// come becomes it.
	Admin string
	// Secrets is the file with the passwords.
	Secrets string
	// Report is the file with the count, as it was at the end of the run.
	Report string
	// Transcript is the file with every line of live output.
	Transcript string
}

// Count is what a running cluster says of itself, and the verdict on it.
type Count struct {
	Name    string
	Release string
	RootURL string
	At      time.Time
	Verdict check.Verdict
	// Summary is the count in one line: "2 of 2 instances registered, linked".
	Summary string
	// Counted says that the registry could be read; without it Registered means
	// nothing.
	Counted    bool
	Planned    int
	Registered int
	Linked     check.Answer
	// Instances are in the order of the workspace.
	Instances []CountRow
	// Findings are what is worth telling, the worst first.
	Findings []CountFinding
	// Facts are about the rest of the cluster: MongoDB, the certificate.
	Facts []Fact
}

// CountRow is one planned instance.
type CountRow struct {
	Name    string
	Host    string
	Address string
	Version string
	// Registered, Proxied and Linked: in the registry, seen through the proxy,
	// passing live events to the others.
	Registered check.Answer
	Since      time.Time
	Proxied    check.Answer
	Linked     check.Answer
	// Why says why Linked is not yes.
	Why string
}

// CountFinding is one thing worth telling.
type CountFinding struct {
	Verdict  check.Verdict
	Host     string
	Instance string
	// Text says what is the matter, Hint what to do next.
	Text string
	Hint string
}

// Fact is a value with its name.
type Fact struct{ Label, Value string }
