package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// lastLines is how many live lines a failure shows when the step gave none.
const lastLines = 20

// defaultNext is what a failure tells to do when the step does not know.
const defaultNext = "see the log, remove the cause and resume: what is done is not done again"

// step works on one step and says whether what needs it may go on.
func (r *runner) step(ctx context.Context, i int) outcome {
	w := &work{runner: r, index: i, step: r.plan.Steps[i], ref: r.plan.Steps[i].Ref(), began: time.Now()}
	w.out = &output{ref: w.ref, log: r.opts.Log, lines: r.opts.Lines, redact: r.opts.Redact}
	defer r.flush()
	defer w.out.close()
	if w.earlier = r.failureOf(i); w.earlier != nil {
		r.note(w.ref, "it is tried again")
	}
	return w.do(ctx)
}

// work is one step on its way.
type work struct {
	*runner

	index int
	step  Step
	ref   StepRef
	out   *output
	began time.Time
	// earlier is the failure for which the step is tried again; nil: none.
	earlier *Failure
}

func (w *work) do(ctx context.Context) outcome {
	w.start(Checking, nil)
	rep, err := check(ctx, w.step, w.out)
	switch {
	case err != nil:
		return w.failed(ctx, Checking, err)
	case rep.Verdict == Done:
		return w.done(AlreadyDone)
	case rep.Verdict == Blocked:
		return w.failed(ctx, Checking, blocked(rep))
	}
	if w.mayChange(ctx) && w.consented(ctx) {
		if err := w.hold(ctx); err != nil && w.mayChange(ctx) {
			return w.failed(ctx, Checking, err)
		}
	}
	if !w.mayChange(ctx) {
		w.out.close()
		if !w.stands() {
			w.skip(w.index, -1)
		}
		return failed
	}
	began := w.recordOf(RecordStepBegan)
	began.Command = w.opts.Redact(w.step.Command)
	if err := w.record(began); err != nil {
		return w.failed(ctx, Checking, &Problem{Err: err, Next: "make room for the journal and resume"})
	}
	w.mu.Lock()
	w.begun[w.index] = true
	w.mu.Unlock()
	w.start(Applying, rep.Changes)
	applied, crashed := apply(ctx, w.step, w.out)
	if crashed || ctx.Err() != nil {
		if applied == nil {
			applied = context.Cause(ctx)
		}
		return w.failed(ctx, Applying, applied)
	}
	w.start(Verifying, nil)
	rep, err = check(ctx, w.step, w.out)
	switch {
	case err == nil && rep.Verdict == Done:
		if applied != nil {
			w.note(w.ref, "it reported an error, but the host is as it should be: "+applied.Error())
		}
		return w.done(Applied)
	case applied != nil:
		return w.failed(ctx, Applying, applied)
	case err != nil:
		return w.failed(ctx, Verifying, err)
	default:
		return w.failed(ctx, Verifying, undone(rep))
	}
}

// mayChange tells whether a step may go from looking to changing. It asks at
// the source: an event about the stop may still be under way.
func (r *runner) mayChange(ctx context.Context) bool {
	select {
	case <-r.stopping:
	case <-r.opts.Stop:
	case <-r.lost():
	case <-ctx.Done():
	default:
		return true
	}
	return false
}

// hold asks the Locker whether the step may change its host. Of an error that
// ends the run the run tells; another is the step's own.
func (w *work) hold(ctx context.Context) error {
	if w.opts.Locker == nil || !w.mayChange(ctx) {
		return nil
	}
	return w.opts.Locker.Hold(ctx, w.ref.Host) //nolint:wrapcheck // it names the host
}

// consented asks for the consent that a run's first change needs, once for all
// steps; those that come meanwhile wait for the answer. Where it is refused the
// run stops.
func (r *runner) consented(ctx context.Context) bool {
	if r.opts.Consent == nil {
		return true
	}
	if r.asked.CompareAndSwap(false, true) {
		if r.refused = r.opts.Consent(ctx); r.refused != nil {
			r.opts.Log.Append(Stopping{Time: time.Now(), Kind: Graceful, Reason: CleanLine(r.opts.Redact(r.refused.Error()))})
			r.stop()
		}
		close(r.answered)
	}
	select {
	case <-r.answered:
		return r.refused == nil
	case <-ctx.Done():
		return false
	}
}

// blocked is the error of a first look that found the way barred.
func blocked(rep Report) error {
	p := &Problem{Cause: rep.Reason, Next: rep.Next}
	if p.Cause == "" {
		p.Cause = "it is blocked"
	}
	return p
}

// undone is the error of a second look that did not find the step done.
func undone(rep Report) error {
	text := "it was applied without an error, but looking again says " + string(rep.Verdict)
	if rep.Reason != "" {
		text += ": " + rep.Reason
	}
	return &Problem{Err: fmt.Errorf("%s", text), Next: rep.Next}
}

func (w *work) start(phase Phase, changes []Change) {
	names := make([]Change, len(changes))
	for i, c := range changes {
		names[i] = Change{Kind: c.Kind, Path: w.opts.Redact(c.Path), Secret: c.Secret}
	}
	w.opts.Lines.transcript.mark(w.ref, string(phase)+": "+w.ref.Title)
	w.opts.Log.Append(StepStarted{StepRef: w.ref, Time: time.Now(), Phase: phase, Changes: names})
}

func (w *work) done(how How) outcome {
	w.out.close()
	rec := w.recordOf(RecordStepDone)
	rec.How = how
	if err := w.record(rec); err != nil {
		// The host is as it should be; only the record of it is missing.
		w.note(w.ref, err.Error())
	}
	to := wasDone
	if how == Applied {
		to = wasApplied
	}
	w.settle(w.index, to, nil)
	w.opts.Lines.transcript.mark(w.ref, string(how))
	w.opts.Log.Append(StepDone{StepRef: w.ref, Time: time.Now(), How: how, Duration: time.Since(w.began)})
	return finished
}

// failed ends the step with an error: as cut if the run was ended, which has
// no record so that the journal tells that it was cut, and else as failed.
func (w *work) failed(ctx context.Context, phase Phase, err error) outcome {
	w.out.close()
	f := newFailure(w.ref, phase, err, func(text string) string { return CleanLine(w.opts.Redact(text)) })
	if ctx.Err() != nil {
		if phase == Checking && w.stands() {
			return failed
		}
		w.settle(w.index, wasCut, nil)
		w.opts.Lines.transcript.mark(w.ref, "cut: "+f.Message)
		w.opts.Log.Append(StepCut{
			StepRef: w.ref, Time: time.Now(), Phase: phase, Message: f.Message, Duration: time.Since(w.began),
		})
		return failed
	}
	if f.Next == "" {
		f.Next = defaultNext
	}
	if len(f.LastLines) == 0 {
		for _, line := range w.opts.Lines.Tail(w.ref.Step, lastLines) {
			f.LastLines = append(f.LastLines, line.Text)
		}
	}
	f.Resume = w.opts.Redact(w.opts.Resume)
	rec := w.recordOf(RecordStepFailed)
	rec.Failure = f
	if err := w.record(rec); err != nil {
		w.note(w.ref, err.Error())
	}
	w.settle(w.index, hasFailed, f)
	w.opts.Lines.transcript.mark(w.ref, "failed: "+f.Message)
	w.opts.Log.Append(StepFailed{Time: time.Now(), Failure: *f, Duration: time.Since(w.began)})
	return failed
}

// stands tells whether the step was tried again and has, now that the run was
// ended before it changed anything, failed as before. The journal knows no other
// end of it either.
func (w *work) stands() bool {
	if w.earlier == nil {
		return false
	}
	w.opts.Lines.transcript.mark(w.ref, "failed as before: "+w.earlier.Message)
	w.opts.Log.Append(StepFailed{Time: time.Now(), Failure: *w.earlier, Duration: time.Since(w.began)})
	return true
}

func (w *work) recordOf(kind RecordKind) Record {
	return Record{Kind: kind, Step: w.ref.Step, Title: w.ref.Title, Host: w.ref.Host, Guide: w.ref.Guide}
}

// check calls the step's Check. A panic is an error, its stack in the live
// output, and so is a verdict that is none.
func check(ctx context.Context, s Step, out Output) (rep Report, err error) {
	defer func() {
		if p := recover(); p != nil {
			rep, err = Report{}, panicked(p, out)
		}
	}()
	rep, err = s.Check(ctx, out)
	if err != nil {
		return Report{}, err
	}
	switch rep.Verdict {
	case Done, Needed, Blocked, Later:
		return rep, nil
	default:
		return Report{}, fmt.Errorf("its check gave no verdict but %q, which is a mistake in rcwizard", rep.Verdict)
	}
}

// apply calls the step's Apply in the same way, and tells of a panic: after
// one the step is not given the benefit of a second look.
func apply(ctx context.Context, s Step, out Output) (err error, isPanic bool) { //nolint:revive // the error belongs first to the eye: the flag tells of it
	defer func() {
		if p := recover(); p != nil {
			err, isPanic = panicked(p, out), true
		}
	}()
	return s.Apply(ctx, out), false
}

func panicked(p any, out Output) error {
	for line := range strings.SplitSeq(strings.TrimSpace(string(debug.Stack())), "\n") {
		out.Line("panic", line)
	}
	return &Problem{
		Err:  fmt.Errorf("panic: %v", p),
		Next: "this is a mistake in rcwizard: please report it with the log",
	}
}

// output is the Output of one step.
type output struct {
	ref    StepRef
	log    *Log
	lines  *Lines
	redact func(string) string

	// mu lets close wait for calls that are under way, so that nothing of a
	// step comes after its end.
	mu     sync.RWMutex
	closed bool
}

func (o *output) Line(source, text string) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if !o.closed {
		o.lines.Append(Line{
			Time: time.Now(), Step: o.ref.Step, Host: o.ref.Host, Source: source, Text: o.redact(text),
		})
	}
}

func (o *output) Progress(done, total int64, what string) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if !o.closed {
		o.lines.SetProgress(Progress{
			Time: time.Now(), Step: o.ref.Step, Host: o.ref.Host, Done: done, Total: total, What: o.redact(what),
		})
	}
}

func (o *output) Note(text string) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if !o.closed {
		o.log.Append(Noted{StepRef: o.ref, Time: time.Now(), Text: CleanLine(o.redact(text))})
	}
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}
