// Package plain writes a run as plain lines: for pipes, logs, screen readers
// and terminals without abilities. Its rules:
//
//   - one event, one line; only a failure takes more, for it tells everything
//   - every line of live output is printed, prefixed with its host and step;
//     what could not be read in time is counted, and the run never waits
//   - no cursor movement, nothing is ever overwritten
//   - a state is a mark and a word beside it, never a colour alone; colour only
//     on a terminal and without NO_COLOR; ASCII where the locale is not UTF-8
//   - short sentences, no exclamation marks, no secrets
package plain

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rcwizard/rcwizard/engine"
)

// progressEvery is how often the progress of a step is told, at most.
const progressEvery = 5 * time.Second

// waiting is the source of the lines in which a step says what it waits for.
const waiting = "waiting"

// operatorsMachine stands for the host of steps that run on no host.
const operatorsMachine = "(here)"

// Run prints a run to w in the style that fits it, and returns when the end of
// the run was printed.
func Run(ctx context.Context, log *engine.Log, lines *engine.Lines, w io.Writer) error {
	return Detect(w).Run(ctx, log, lines, w)
}

// Run prints the run and returns when its end was printed, when the log has
// ended, or with the first error of w or the end of the context.
func (s Style) Run(ctx context.Context, log *engine.Log, lines *engine.Lines, w io.Writer) error {
	p := s.printer(w)
	p.width = len(operatorsMachine)
	return engine.Follow(ctx, log, lines, progressEvery, p) //nolint:wrapcheck // says what it did
}

// Brief is Run without the hosts' live output, but for what a step says that it
// is waiting for: to be listened to, the rest is too much.
func (s Style) Brief(ctx context.Context, log *engine.Log, lines *engine.Lines, w io.Writer) error {
	p := s.printer(w)
	p.width, p.brief = len(operatorsMachine), true
	return engine.Follow(ctx, log, lines, progressEvery, p) //nolint:wrapcheck // says what it did
}

// printer is an engine.Printer. It writes to memory, and to w at Flush.
type printer struct {
	w     io.Writer
	out   bytes.Buffer
	style Style
	// width is that of the column of hosts.
	width int
	// brief leaves out what hosts print.
	brief bool
}

func (s Style) printer(w io.Writer) *printer { return &printer{w: w, style: s} }

var _ engine.Printer = (*printer)(nil)

// Event prints one event, or nothing where the next one says it all: that a
// step is looking is told by what it finds.
func (p *printer) Event(e engine.Event) {
	switch e := e.(type) {
	case engine.RunStarted:
		hosts := hostsOf(e.Steps)
		for _, h := range hosts {
			p.width = max(p.width, utf8.RuneCountInString(h))
		}
		text := fmt.Sprintf("%s: %s", e.Plan, count(len(e.Steps), "step"))
		if len(hosts) > 0 {
			text += " on " + strings.Join(hosts, ", ")
		}
		p.row(e.Time, "", neutral, "start", text)
	case engine.StepStarted:
		if e.Phase == engine.Applying {
			p.row(e.Time, where(e.StepRef), neutral, "begin", name(e.StepRef)+changes(e.Changes))
		}
	case engine.StepDone:
		word := "done"
		if e.How == engine.AlreadyDone {
			word = "already"
		}
		p.row(e.Time, where(e.StepRef), good, word, name(e.StepRef)+", "+duration(e.Duration))
	case engine.StepFailed:
		p.row(e.Time, where(e.Failure.StepRef), bad, "failed", name(e.Failure.StepRef)+", "+duration(e.Duration))
		p.failure(e.Failure)
	case engine.StepSkipped:
		if e.Reason == engine.RunStopped {
			// The last line counts them; one line each would bury it.
			return
		}
		p.row(e.Time, where(e.StepRef), neutral, "skipped", name(e.StepRef)+": it needs "+e.Because)
	case engine.StepCut:
		text := fmt.Sprintf("%s, %s while %s: %s", name(e.StepRef), duration(e.Duration), e.Phase, e.Message)
		p.row(e.Time, where(e.StepRef), warning, "cut", text)
	case engine.Noted:
		host := ""
		text := e.Text
		if e.Step != "" {
			host = where(e.StepRef)
			text = e.Step + ": " + e.Text
		}
		p.row(e.Time, host, warning, "note", text)
	case engine.Found:
		p.out.WriteString(e.Text)
	case engine.Stopping:
		p.row(e.Time, "", warning, "stopping", string(e.Kind)+" ("+e.Reason+")")
	case engine.RunFinished:
		p.summary(e.Time, e.Summary)
	}
}

// Line prints one line of live output.
func (p *printer) Line(l engine.Line) {
	if p.brief && l.Source != waiting {
		return
	}
	host := l.Host
	if host == "" {
		host = operatorsMachine
	}
	// One step runs on a host at a time, and its row said which: the source
	// alone leaves more room for the line.
	source := l.Source
	if source == "" {
		source = l.Step
	}
	fmt.Fprintf(&p.out, "%s %-*s   %s | %s\n", clock(l.Time), p.width, host, p.style.paint(neutral, source), l.Text)
}

// Dropped says how much output went by faster than it could be written.
func (p *printer) Dropped(n uint64, kept time.Time) {
	if p.brief {
		return
	}
	p.row(kept, "", warning, "note", count(n, "line")+
		" of output went by too fast to be shown; the log file has them")
}

// Progress prints how far a step is.
func (p *printer) Progress(g engine.Progress) {
	host := g.Host
	if host == "" {
		host = operatorsMachine
	}
	p.row(g.Time, host, neutral, "at", g.Step+": "+far(g))
}

// Flush writes what was printed since the last time.
func (p *printer) Flush() error {
	_, err := p.out.WriteTo(p.w)
	return err //nolint:wrapcheck // the callers say what was printed
}

// row prints one event: time, host, mark, word, text.
func (p *printer) row(t time.Time, host string, m mark, word, text string) {
	before := len(time.TimeOnly) + 1 + p.width + 1 + wordWidth + 1
	fmt.Fprintf(&p.out, "%s %-*s %s %s\n", clock(t), p.width, host, p.style.word(m, word), p.style.wrap(text, before))
}

// failure prints everything that is known about a failure, indented below its
// row.
func (p *printer) failure(f engine.Failure) {
	p.field("what", f.Message)
	p.field("command", f.Command)
	if f.ExitCode != 0 {
		p.field("exit code", strconv.Itoa(f.ExitCode))
	}
	for i, line := range f.LastLines {
		label := ""
		if i == 0 {
			label = "last lines"
		}
		// As it was: its spaces may mean something.
		fmt.Fprintf(&p.out, "    %-10s  | %s\n", label, line)
	}
	p.field("cause", f.Cause)
	p.field("next", f.Next)
	p.field("resume", f.Resume)
}

// fieldIndent is where the text of a field begins.
const fieldIndent = 4 + 10 + 2

func (p *printer) field(label, text string) {
	if text != "" {
		fmt.Fprintf(&p.out, "    %-10s  %s\n", label, p.style.wrap(text, fieldIndent))
	}
}

func (p *printer) summary(t time.Time, s engine.Summary) {
	m := bad
	switch s.Outcome {
	case engine.Succeeded:
		m = good
	case engine.Stopped, engine.Cancelled:
		m = warning
	case engine.Failed:
	}
	text := fmt.Sprintf("%s, %s: ", s.Plan, duration(s.Duration))
	parts := []string{
		fmt.Sprintf("%d of %s done (%d now, %d already)", s.Already+s.Applied, count(s.Steps, "step"), s.Applied, s.Already),
	}
	for _, part := range []struct {
		n    int
		word string
	}{{len(s.Failures), "failed"}, {len(s.Cut), "cut"}, {len(s.Skipped), "not begun"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	p.row(t, "", m, string(s.Outcome), text+strings.Join(parts, ", "))
	for _, f := range s.Failures {
		p.field("failed", where(f.StepRef)+": "+name(f.StepRef)+": "+f.Message)
	}
	for _, c := range s.Cut {
		p.field("cut", where(c)+": "+name(c)+": it is looked at again when you resume")
	}
	p.field("resume", s.Resume)
}

// hostsOf names the hosts of steps, in the order of their first step.
func hostsOf(steps []engine.StepRef) []string {
	var hosts []string
	for _, s := range steps {
		if s.Host != "" && !slices.Contains(hosts, s.Host) {
			hosts = append(hosts, s.Host)
		}
	}
	return hosts
}

func where(ref engine.StepRef) string {
	if ref.Host == "" {
		return operatorsMachine
	}
	return ref.Host
}

func name(ref engine.StepRef) string {
	if ref.Title == "" {
		return ref.Step
	}
	return ref.Title + " (" + ref.Step + ")"
}

// maxChanges is how many changes the line of a step names.
const maxChanges = 3

func changes(all []engine.Change) string {
	if len(all) == 0 {
		return ""
	}
	parts := make([]string, 0, maxChanges+1)
	for i, c := range all {
		if i == maxChanges && len(all) > maxChanges+1 {
			parts = append(parts, fmt.Sprintf("and %d more", len(all)-maxChanges))
			break
		}
		parts = append(parts, string(c.Kind)+" "+c.Path)
	}
	return ": " + strings.Join(parts, ", ")
}
