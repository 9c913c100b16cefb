package tui

import (
	"slices"
	"time"

	"github.com/rcwizard/rcwizard/engine"
)

// record is what the events of a run say so far: its hosts and their steps, each
// with how far it is.
type record struct {
	plan         string
	began, ended time.Time
	hosts        []*hostRecord
	steps        map[string]*stepRecord
	// stop is how the run was told to end; empty: it was not.
	stop engine.StopKind
	// note is the last sentence that the run or a step told.
	note     string
	noteTone tone
}

// hostRecord is one host of a run; its name is empty for this machine.
type hostRecord struct {
	name  string
	steps []*stepRecord
}

// stepRecord is one step of a run.
type stepRecord struct {
	engine.StepRef

	state stepState
	phase engine.Phase
	began time.Time
	took  time.Duration
	// why says what it failed with, or why it was not begun.
	why string
}

type stepState int

const (
	stepWaiting stepState = iota
	stepRunning
	// stepFound was done already.
	stepFound
	stepDone
	stepFailed
	stepSkipped
	stepCut
)

// over reports whether the step has ended, however.
func (s *stepRecord) over() bool { return s.state != stepWaiting && s.state != stepRunning }

// title is what the person calls it.
func (s *stepRecord) title() string { return or(s.Title, s.Step) }

// spent is how long it took, or takes by now.
func (s *stepRecord) spent(now time.Time) time.Duration {
	if s.state == stepRunning {
		return max(0, now.Sub(s.began))
	}
	return s.took
}

// take adds an event.
func (r *record) take(e engine.Event) {
	switch e := e.(type) {
	case engine.RunStarted:
		*r = newRecord(e)
	case engine.StepStarted:
		if s := r.steps[e.Step]; s != nil {
			if s.state != stepRunning {
				if s.state == stepFailed { // it is tried again
					r.note = ""
				}
				s.state, s.began, s.why = stepRunning, e.Time, ""
			}
			s.phase = e.Phase
		}
	case engine.StepDone:
		state := stepDone
		if e.How == engine.AlreadyDone {
			state = stepFound
		}
		r.end(e.Step, state, e.Duration, "")
	case engine.StepFailed:
		r.end(e.Failure.Step, stepFailed, e.Duration, e.Failure.Message)
		r.note, r.noteTone = hostName(e.Failure.Host)+": "+e.Failure.Message, bad
	case engine.StepSkipped:
		why := "the run was stopped"
		if s := r.steps[e.Because]; e.Reason == engine.NeedFailed && s != nil {
			why = "it needs: " + s.title()
			if s.Host != e.Host {
				why += " on " + hostName(s.Host)
			}
		}
		r.end(e.Step, stepSkipped, 0, why)
	case engine.StepCut:
		r.end(e.Step, stepCut, e.Duration, "cut while "+string(e.Phase))
	case engine.Noted:
		r.note, r.noteTone = e.Text, neutral
	case engine.Stopping:
		r.stop = e.Kind
	case engine.RunFinished:
		r.ended = e.Time
	case engine.Found:
	}
}

func newRecord(e engine.RunStarted) record {
	r := record{plan: e.Plan, began: e.Time, steps: make(map[string]*stepRecord, len(e.Steps))}
	for _, ref := range e.Steps {
		i := slices.IndexFunc(r.hosts, func(h *hostRecord) bool { return h.name == ref.Host })
		if i < 0 {
			i = len(r.hosts)
			r.hosts = append(r.hosts, &hostRecord{name: ref.Host})
		}
		s := &stepRecord{StepRef: ref}
		r.hosts[i].steps = append(r.hosts[i].steps, s)
		r.steps[ref.Step] = s
	}
	return r
}

func (r *record) end(id string, state stepState, took time.Duration, why string) {
	if s := r.steps[id]; s != nil {
		s.state, s.took, s.why = state, took, why
	}
}

// hostName is what the person calls a host of the plan.
func hostName(name string) string { return or(name, "this machine") }

// numbers are how many steps there are, are done, have failed, and are in
// flight.
func (r *record) numbers() (all, done, failed, flying int) {
	for _, s := range r.steps {
		switch s.state {
		case stepFound, stepDone:
			done++
		case stepFailed:
			failed++
		case stepRunning:
			flying++
		case stepWaiting, stepSkipped, stepCut:
		}
	}
	return len(r.steps), done, failed, flying
}

// busy is the step in flight that the person would look at: the one given, as
// long as it is in flight; else the next on its host; else the first of the
// plan that is. nil: none is.
func (r *record) busy(now *stepRecord) *stepRecord {
	if now != nil && now.state == stepRunning {
		return now
	}
	var first *stepRecord
	for _, h := range r.hosts {
		for _, s := range h.steps {
			if s.state != stepRunning {
				continue
			}
			if now != nil && s.Host == now.Host {
				return s
			}
			if first == nil {
				first = s
			}
		}
	}
	return first
}

// failed is the step that failed, of several the one given if it did; nil: none.
func (r *record) failed(now *stepRecord) *stepRecord {
	if now != nil && now.state == stepFailed {
		return now
	}
	for _, h := range r.hosts {
		for _, s := range h.steps {
			if s.state == stepFailed {
				return s
			}
		}
	}
	return nil
}

// current is the step that says how the host stands: what runs, what failed or
// was cut, what is skipped because of it, what comes next, or the last.
func (h *hostRecord) current() *stepRecord {
	for _, state := range []stepState{stepRunning, stepFailed, stepCut, stepSkipped, stepWaiting} {
		for _, s := range h.steps {
			if s.state == state {
				return s
			}
		}
	}
	return h.steps[len(h.steps)-1]
}

// done counts the steps that are.
func (h *hostRecord) done() int {
	n := 0
	for _, s := range h.steps {
		if s.state == stepFound || s.state == stepDone {
			n++
		}
	}
	return n
}

// spent is how long its steps took together.
func (h *hostRecord) spent(now time.Time) time.Duration {
	var all time.Duration
	for _, s := range h.steps {
		all += s.spent(now)
	}
	return all
}
