package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultConcurrency is how many steps run at a time unless Options say
// otherwise: more hosts than most clusters have, and few enough for one
// operator's machine and line.
const DefaultConcurrency = 16

var (
	// ErrStopped says that a run was stopped after the steps in flight.
	ErrStopped = errors.New("stopped before everything was done")
	// ErrRefused says that Options.Consent was not given.
	ErrRefused = errors.New("nothing was changed: consent was refused")
	// ErrLockLost says that the run was ended because its lock was lost.
	ErrLockLost = errors.New("the lock on the hosts was lost")

	// errRunOver ends the context of a run that has come to its own end.
	errRunOver = errors.New("the run is over")
)

// Locker is the right to change the hosts, which the caller took before it
// built the plan and gives back after the run.
type Locker interface {
	// Lost is closed when the right is gone: another operator has it, or its
	// time ran out while the network was silent. The run then ends at once.
	Lost() <-chan struct{}
	// Err says why, once Lost is closed.
	Err() error
	// Hold asks, before each change on a host, whether the right is still
	// there; the host is empty for a step that names none. It may wait while a
	// connection is made again. An error while Lost is not closed and the
	// context goes on is a failure of the step.
	Hold(ctx context.Context, host string) error
}

// Options are what a run needs beside its plan. The zero value runs.
type Options struct {
	// Log receives the events. The caller closes it after its last run.
	Log *Log
	// Lines receives the live output.
	Lines *Lines
	// Journal records the run; nil: nothing is recorded.
	Journal Recorder
	// Locker, when not nil, is asked before each change, and ends the run when
	// it is lost.
	Locker Locker
	// Concurrency bounds the steps that run at a time; 0 is
	// DefaultConcurrency. At most one step runs on each host in any case.
	Concurrency int
	// Stop, when closed, lets the steps in flight end and begins no other. A
	// step that is still looking when that happens changes nothing any more.
	// To stop at once, cancel the context.
	Stop <-chan struct{}
	// Retry takes the ids of steps that failed in this run and are to be begun
	// again in it, while others are still at work; nil: none ever is.
	Retry *Retries
	// Consent is asked once in a run, when the first step is about to be applied,
	// and no step is applied before it has answered; a run that finds nothing to
	// apply never asks. With an error nothing is applied: the run ends as one
	// that was stopped, with an error that wraps ErrRefused and Consent's own.
	// nil: all may be applied.
	Consent func(ctx context.Context) error
	// Resume is the command that goes on after a failure, for the person.
	Resume string
	// Program is what carries the plan out, with its version, and Given what it was
	// told beside the plan, such as flags: the journal keeps both, so that the next
	// run can tell what is not as it was. Neither may hold a secret.
	Program string
	Given   []string
	// Redact takes secrets out of every text before it leaves the engine, as a
	// second net below the redactor of the line reader; nil: none.
	Redact func(text string) string
}

// filled returns the options with the defaults for what was left out.
func (o Options) filled() Options {
	if o.Log == nil {
		o.Log = NewLog()
	}
	if o.Lines == nil {
		o.Lines = NewLines(nil)
	}
	if o.Concurrency < 1 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Redact == nil {
		o.Redact = func(text string) string { return text }
	}
	return o
}

// Run carries out the plan and returns when no step of it is running any more.
//
// The error is nil when every step is done. Otherwise it wraps, as far as they
// apply: each *Failure, ErrStopped, ErrLockLost with the Locker's own error,
// and the cause of the context's end. A plan that is not valid gives an error
// that wraps ErrPlan, before any event.
//
// When the context ends, Run waits for the steps in flight to return, which
// they do soon as they honour it. What they were at is in Summary.Cut and, for
// want of an end, in the journal.
func Run(ctx context.Context, plan Plan, opts Options) (Summary, error) {
	g, err := newGraph(plan)
	if err != nil {
		return Summary{}, err
	}
	r := &runner{plan: plan, opts: opts.filled(), states: make([]outcomeOf, len(plan.Steps)), begun: map[int]bool{}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return r.run(ctx, cancel, g)
}

// runner is one run.
type runner struct {
	plan Plan
	opts Options

	mu       sync.Mutex
	states   []outcomeOf
	failures []Failure
	// begun has the steps of which something may have been applied.
	begun map[int]bool
	// stopping is closed, by stop, once no further change may begin.
	stopping chan struct{}
	stop     func()
	// asked is set by the step that asks for Options.Consent; answered is closed
	// when refused is the answer.
	asked    atomic.Bool
	answered chan struct{}
	refused  error
	// transcriptBroken is set when the person was told of it.
	transcriptBroken bool
}

// outcomeOf is what became of one step, for the summary.
type outcomeOf int

const (
	notRun outcomeOf = iota
	wasDone
	wasApplied
	hasFailed
	wasSkipped
	wasCut
)

func (r *runner) run(ctx context.Context, cancel context.CancelCauseFunc, g graph) (Summary, error) {
	started := time.Now()
	refs := make([]StepRef, len(r.plan.Steps))
	for i, s := range r.plan.Steps {
		refs[i] = s.Ref()
	}
	r.opts.Log.Append(RunStarted{Time: started, Plan: r.plan.Name, Steps: refs})
	if err := r.record(Record{Kind: RecordRunStarted, Plan: r.plan.Name, Steps: len(refs), Program: r.opts.Program, Given: r.opts.Given}); err != nil {
		r.note(StepRef{}, "no step can begin: "+err.Error())
	}

	r.stopping, r.answered = make(chan struct{}), make(chan struct{})
	r.stop = sync.OnceFunc(func() { close(r.stopping) })
	watching := r.watch(ctx, cancel)
	schedule{
		graph: g,
		bound: r.opts.Concurrency,
		visit: func(i int) outcome { return r.step(ctx, i) },
		skip:  r.skip,
		retry: r.opts.Retry.open(r.plan),
	}.run(r.stopping)
	r.opts.Retry.close()
	cause := context.Cause(ctx)
	if cause == nil && isClosed(r.lost()) {
		cause = r.lockLost()
	}
	// The watcher ends with the context; nothing is appended after the end.
	cancel(errRunOver)
	<-watching

	sum := r.summary(started, cause)
	if err := r.record(Record{Kind: RecordRunEnded, Outcome: sum.Outcome}); err != nil {
		r.note(StepRef{}, err.Error())
	}
	r.flush()
	r.opts.Log.Append(RunFinished{Time: time.Now(), Summary: sum})
	return sum, r.err(sum, cause)
}

// watch turns the end of the context, the loss of the lock and the wish to stop
// into events, closes stopping at the first, and cancels when the lock is lost.
// It ends with the context; the channel it returns is closed then.
func (r *runner) watch(ctx context.Context, cancel context.CancelCauseFunc) <-chan struct{} {
	ended := make(chan struct{})
	lost, stop := r.lost(), r.opts.Stop
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				stop = nil
				r.opts.Log.Append(Stopping{Time: time.Now(), Kind: Graceful, Reason: "asked to stop"})
				r.stop()
			case <-lost:
				lost = nil
				cancel(r.lockLost())
			case <-ctx.Done():
				if cause := context.Cause(ctx); !errors.Is(cause, errRunOver) {
					r.opts.Log.Append(Stopping{Time: time.Now(), Kind: Cancel, Reason: r.opts.Redact(cause.Error())})
				}
				r.stop()
				return
			}
		}
	}()
	return ended
}

// lost is closed when the lock is lost; nil where there is none.
func (r *runner) lost() <-chan struct{} {
	if r.opts.Locker == nil {
		return nil
	}
	return r.opts.Locker.Lost()
}

func (r *runner) lockLost() error {
	if err := r.opts.Locker.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrLockLost, err)
	}
	return ErrLockLost
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// skip is told by the schedule of each step that will not be begun.
func (r *runner) skip(i, because int) {
	e := StepSkipped{StepRef: r.plan.Steps[i].Ref(), Time: time.Now(), Reason: RunStopped}
	if because >= 0 {
		e.Reason, e.Because = NeedFailed, r.plan.Steps[because].ID
	}
	r.settle(i, wasSkipped, nil)
	r.opts.Log.Append(e)
}

// settle sets what became of a step, with its failure if it failed, in the place
// of what a visit before had come to.
func (r *runner) settle(i int, to outcomeOf, f *Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states[i] = to
	id := r.plan.Steps[i].ID
	r.failures = slices.DeleteFunc(r.failures, func(f Failure) bool { return f.Step == id })
	if f != nil {
		r.failures = append(r.failures, *f)
	}
}

// failureOf is the failure of a step that was visited before; nil: none.
func (r *runner) failureOf(i int) *Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.plan.Steps[i].ID
	for _, f := range r.failures {
		if f.Step == id {
			return &f
		}
	}
	return nil
}

func (r *runner) summary(started time.Time, cause error) Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := Summary{
		Plan: r.plan.Name, Started: started, Duration: time.Since(started),
		Steps: len(r.states), Failures: slices.Clone(r.failures), Begun: len(r.begun),
	}
	for i, s := range r.states {
		switch s {
		case wasDone:
			sum.Already++
		case wasApplied:
			sum.Applied++
		case wasSkipped:
			sum.Skipped = append(sum.Skipped, r.plan.Steps[i].Ref())
		case wasCut:
			sum.Cut = append(sum.Cut, r.plan.Steps[i].Ref())
		case hasFailed, notRun:
		}
	}
	switch {
	case sum.Already+sum.Applied == sum.Steps:
		// Everything is done, even if somebody asked to stop at the very end.
		sum.Outcome = Succeeded
		return sum
	case cause != nil:
		sum.Outcome = Cancelled
	case len(sum.Failures) > 0:
		sum.Outcome = Failed
	default:
		sum.Outcome = Stopped
	}
	sum.Resume = r.opts.Redact(r.opts.Resume)
	return sum
}

// err is the error of Run for a summary.
func (r *runner) err(sum Summary, cause error) error {
	var errs []error
	switch sum.Outcome {
	case Succeeded:
		return nil
	case Cancelled:
		errs = append(errs, fmt.Errorf("cancelled before everything was done: %w", cause))
	case Stopped:
		errs = append(errs, ErrStopped)
	case Failed:
	}
	if isClosed(r.answered) && r.refused != nil {
		errs = append(errs, fmt.Errorf("%w: %w", ErrRefused, r.refused))
	}
	for i := range sum.Failures {
		errs = append(errs, &sum.Failures[i])
	}
	return errors.Join(errs...)
}

// record stamps a record and gives it to the journal.
func (r *runner) record(rec Record) error {
	if r.opts.Journal == nil {
		return nil
	}
	rec.Time = time.Now().UTC()
	if err := r.opts.Journal.Record(rec); err != nil {
		return fmt.Errorf("the journal cannot be written: %w", err)
	}
	return nil
}

func (r *runner) note(ref StepRef, text string) {
	r.opts.Log.Append(Noted{StepRef: ref, Time: time.Now(), Text: CleanLine(r.opts.Redact(text))})
}

// flush flushes the transcript and tells once when it cannot be written: a run
// does not end for want of a log file.
func (r *runner) flush() {
	err := r.opts.Lines.Flush()
	if err == nil {
		return
	}
	r.mu.Lock()
	told := r.transcriptBroken
	r.transcriptBroken = true
	r.mu.Unlock()
	if !told {
		r.note(StepRef{}, err.Error()+"; the run goes on without it")
	}
}
