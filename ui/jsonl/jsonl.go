// Package jsonl writes a run as JSON lines: one event, one line, in the schema
// of docs/events.md. The schema is stable: within a version fields are added,
// and never renamed, removed or given another meaning, so a reader ignores
// what it does not know. It writes no secret, for none is in an event, and it
// never holds up the run: what it could not read in time it counts.
package jsonl

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"math"
	"time"

	"github.com/rcwizard/rcwizard/engine"
)

// Version is the version of the schema, in the field "schema" of every line.
const Version = 1

// progressEvery is how often the progress of a step is told, at most.
const progressEvery = time.Second

// Face is the JSON face. The zero value writes events and progress.
type Face struct {
	// Lines adds the live output of the steps.
	Lines bool
	// Report gives what the run found, as a value that JSON can hold; false if
	// it found nothing. It is asked once, when the run is over, and told before
	// the last line. It may be nil.
	Report func() (report any, ok bool)
}

// Run writes the events of a run and returns when RunFinished was written.
func Run(ctx context.Context, log *engine.Log, lines *engine.Lines, w io.Writer) error {
	return Face{}.Run(ctx, log, lines, w)
}

// Run writes the run and returns when RunFinished was written, when the log has
// ended, or with the first error of w or the end of the context.
func (f Face) Run(ctx context.Context, log *engine.Log, lines *engine.Lines, w io.Writer) error {
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return engine.Follow(ctx, log, lines, progressEvery, &printer{buf: buf, enc: enc, lines: f.Lines, report: f.Report}) //nolint:wrapcheck // says what it did
}

// printer is an engine.Printer. The first error of its writer stays with buf
// and comes out at Flush.
type printer struct {
	buf   *bufio.Writer
	enc   *json.Encoder
	lines bool
	// report is Face.Report.
	report func() (any, bool)
	err    error
}

var _ engine.Printer = (*printer)(nil)

// head begins every line.
type head struct {
	Schema int    `json:"schema"`
	Type   string `json:"type"`
	Time   string `json:"time"`
}

func at(kind string, t time.Time) head {
	return head{Schema: Version, Type: kind, Time: t.UTC().Format("2006-01-02T15:04:05.000Z")}
}

// seconds is a duration with three decimals.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

type runStarted struct {
	head
	Plan  string           `json:"plan"`
	Steps []engine.StepRef `json:"steps"`
}

type stepEvent struct {
	head
	engine.StepRef
	Phase   engine.Phase      `json:"phase,omitempty"`
	Changes []engine.Change   `json:"changes,omitempty"`
	How     engine.How        `json:"how,omitempty"`
	Reason  engine.SkipReason `json:"reason,omitempty"`
	Because string            `json:"because,omitempty"`
	Message string            `json:"message,omitempty"`
	Seconds *float64          `json:"seconds,omitempty"`
}

// failure has the fields of a Failure, and is no error.
type failure engine.Failure

type failedStep struct {
	head
	failure
	Seconds float64 `json:"seconds"`
}

type noted struct {
	head
	Step string `json:"step,omitempty"`
	Host string `json:"host,omitempty"`
	Text string `json:"text"`
}

type stopping struct {
	head
	Kind   engine.StopKind `json:"kind"`
	Reason string          `json:"reason"`
}

type found struct {
	head
	Report any `json:"report"`
}

// Found writes one line for what was found before a run began.
func Found(w io.Writer, e engine.Found) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(found{at(e.What, e.Time), e.Value}) //nolint:wrapcheck // the caller says what was written
}

type runFinished struct {
	head
	Plan     string           `json:"plan"`
	Outcome  engine.Outcome   `json:"outcome"`
	Seconds  float64          `json:"seconds"`
	Steps    int              `json:"steps"`
	Already  int              `json:"already"`
	Applied  int              `json:"applied"`
	Failures []engine.Failure `json:"failures,omitempty"`
	Skipped  []engine.StepRef `json:"skipped,omitempty"`
	Cut      []engine.StepRef `json:"cut,omitempty"`
	Resume   string           `json:"resume,omitempty"`
}

type progress struct {
	head
	Step  string `json:"step"`
	Host  string `json:"host,omitempty"`
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"`
	What  string `json:"what,omitempty"`
}

type line struct {
	head
	Step   string `json:"step"`
	Host   string `json:"host,omitempty"`
	Source string `json:"source,omitempty"`
	Text   string `json:"text"`
}

type linesDropped struct {
	head
	Count uint64 `json:"count"`
}

// Event writes one event.
func (p *printer) Event(e engine.Event) {
	switch e := e.(type) {
	case engine.RunStarted:
		p.write(runStarted{at("run_started", e.Time), e.Plan, e.Steps})
	case engine.StepStarted:
		p.write(stepEvent{head: at("step_started", e.Time), StepRef: e.StepRef, Phase: e.Phase, Changes: e.Changes})
	case engine.StepDone:
		s := seconds(e.Duration)
		p.write(stepEvent{head: at("step_done", e.Time), StepRef: e.StepRef, How: e.How, Seconds: &s})
	case engine.StepFailed:
		p.write(failedStep{at("step_failed", e.Time), failure(e.Failure), seconds(e.Duration)})
	case engine.StepSkipped:
		p.write(stepEvent{head: at("step_skipped", e.Time), StepRef: e.StepRef, Reason: e.Reason, Because: e.Because})
	case engine.StepCut:
		s := seconds(e.Duration)
		p.write(stepEvent{head: at("step_cut", e.Time), StepRef: e.StepRef, Phase: e.Phase, Message: e.Message, Seconds: &s})
	case engine.Noted:
		p.write(noted{at("noted", e.Time), e.Step, e.Host, e.Text})
	case engine.Found:
		p.write(found{at(e.What, e.Time), e.Value})
	case engine.Stopping:
		p.write(stopping{at("stopping", e.Time), e.Kind, e.Reason})
	case engine.RunFinished:
		p.found(e.Time)
		s := e.Summary
		p.write(runFinished{
			head: at("run_finished", e.Time), Plan: s.Plan, Outcome: s.Outcome, Seconds: seconds(s.Duration),
			Steps: s.Steps, Already: s.Already, Applied: s.Applied,
			Failures: s.Failures, Skipped: s.Skipped, Cut: s.Cut, Resume: s.Resume,
		})
	}
}

// found writes what the run found, if it found something.
func (p *printer) found(t time.Time) {
	if p.report == nil {
		return
	}
	if report, ok := p.report(); ok {
		p.write(found{at("report", t), report})
	}
}

// Line writes one line of live output.
func (p *printer) Line(l engine.Line) {
	if p.lines {
		p.write(line{at("line", l.Time), l.Step, l.Host, l.Source, l.Text})
	}
}

// Dropped tells of lines that came and went between two looks.
func (p *printer) Dropped(n uint64, kept time.Time) {
	if p.lines {
		p.write(linesDropped{at("lines_dropped", kept), n})
	}
}

// Progress writes how far a step is.
func (p *printer) Progress(g engine.Progress) {
	p.write(progress{at("progress", g.Time), g.Step, g.Host, g.Done, g.Total, g.What})
}

// Flush writes what is buffered and returns the first error there was.
func (p *printer) Flush() error {
	if p.err != nil {
		return p.err
	}
	return p.buf.Flush() //nolint:wrapcheck // Follow says what it did
}

func (p *printer) write(v any) {
	if p.err == nil {
		p.err = p.enc.Encode(v)
	}
}
