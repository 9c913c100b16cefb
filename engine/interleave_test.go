package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
)

// gates hold steps at the beginning of each look and of each Apply until the test
// lets them go on, well or not.
type gates struct {
	mu   sync.Mutex
	held map[string]chan bool
	// closed is set by the test where no Apply may begin any more.
	closed bool
	late   []string
}

// pass waits to be let on, and reports how.
func (g *gates) pass(ctx context.Context, call string) bool {
	ch := make(chan bool)
	g.mu.Lock()
	g.held[call] = ch
	if g.closed && strings.HasPrefix(call, "apply ") {
		g.late = append(g.late, call)
	}
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.held, call)
	}()
	select {
	case well := <-ch:
		return well
	case <-ctx.Done():
		return false
	}
}

// calls are those that wait, sorted.
func (g *gates) calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	calls := make([]string, 0, len(g.held))
	for call := range g.held {
		calls = append(calls, call)
	}
	slices.Sort(calls)
	return calls
}

func (g *gates) let(call string, well bool) {
	g.mu.Lock()
	ch := g.held[call]
	g.mu.Unlock()
	ch <- well
}

func (g *gates) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// gated is a step whose first look in each visit and whose Apply wait.
func gated(g *gates, id, host string) engine.Step {
	var looked, done bool // of one step, one visit at a time
	return engine.Step{
		ID: id, Title: "Bring about " + id, Host: host,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			looked = !looked
			if looked && !g.pass(ctx, "check "+id) {
				looked = false
				return engine.Report{}, errors.New("no answer")
			}
			if done {
				return engine.Report{Verdict: engine.Done}, nil
			}
			return engine.Report{Verdict: engine.Needed}, nil
		},
		Apply: func(ctx context.Context, _ engine.Output) error {
			if done = g.pass(ctx, "apply "+id); !done {
				return errors.New("the disk is full")
			}
			return nil
		},
	}
}

// choices goes through every way to choose, as a counter does whose digits have
// different bases: each run asks pick, and next is the following run.
type choices struct {
	digits, bases []int
	at            int
}

func (c *choices) pick(n int) int {
	if c.at == len(c.digits) {
		c.digits, c.bases = append(c.digits, 0), append(c.bases, n)
	}
	c.at++
	return c.digits[c.at-1] % n // after a race there may be fewer ways than there were
}

func (c *choices) next() bool {
	for c.at = 0; len(c.digits) > 0; {
		last := len(c.digits) - 1
		if c.digits[last]++; c.digits[last] < c.bases[last] {
			return true
		}
		c.digits, c.bases = c.digits[:last], c.bases[:last]
	}
	return false
}

// play runs a plan of three steps, bound at a time, makes one choice whenever
// everything waits, and returns what it did with what is wrong about the end.
func play(t *testing.T, c *choices, bound, retried int) (script, wrong []string) {
	t.Helper()
	g := &gates{held: make(map[string]chan bool)}
	log, journal, retries, stop := engine.NewLog(), &fakeJournal{left: -1}, new(engine.Retries), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan struct{})
	var sum engine.Summary
	var err error
	go func() {
		defer close(over)
		sum, err = engine.Run(ctx, engine.Plan{Name: "install", Steps: []engine.Step{
			gated(g, "a/1", "a"), gated(g, "a/2", "a"), gated(g, "b/1", "b"),
		}}, engine.Options{Log: log, Journal: journal, Retry: retries, Stop: stop, Concurrency: bound})
	}()
	ends, cursor, stopped, cancelled := make(map[string]string), log.Cursor(), false, false
	for {
		synctest.Wait()
		fold(ends, cursor)
		calls := g.calls()
		if len(calls) == 0 {
			break
		}
		var words []string
		var acts []func()
		may := func(word string, act func()) { words, acts = append(words, word), append(acts, act) }
		for _, call := range calls {
			may(call, func() { g.let(call, true) })
			may(call+" fails", func() { g.let(call, false) })
		}
		for _, id := range []string{"a/1", "b/1"} {
			if retried == 0 || ends[id] != "failed" {
				continue
			}
			may("retry "+id, func() { retried--; retries.Step(id) })
			if !stopped {
				may("retry "+id+" at the moment of the stop", func() {
					retried--
					go retries.Step(id)
					stopped = true
					close(stop)
				})
			}
		}
		if !stopped && !cancelled {
			may("stop", func() { stopped = true; close(stop); synctest.Wait(); g.close() })
		}
		if !cancelled {
			may("cancel", func() { cancelled = true; cancel(); synctest.Wait(); g.close() })
		}
		i := c.pick(len(acts))
		script = append(script, words[i])
		acts[i]()
	}
	<-over
	return script, verdict(ends, journal, sum, err, cancelled, g.late)
}

// fold notes the last word of the events on each step.
func fold(ends map[string]string, cursor *engine.Cursor) {
	events, _ := cursor.Read() // the end of the log is no error here
	for _, e := range events {
		switch e := e.(type) {
		case engine.StepStarted:
			ends[e.Step] = "at work"
		case engine.StepDone:
			ends[e.Step] = "done"
		case engine.StepFailed:
			ends[e.Failure.Step] = "failed"
		case engine.StepSkipped:
			ends[e.Step] = "skipped"
		case engine.StepCut:
			ends[e.Step] = "cut"
		default:
		}
	}
}

// verdict is what is wrong about how a run ended: events, summary, journal and
// error tell the same of each step, and of each exactly one thing.
func verdict(ends map[string]string, journal *fakeJournal, sum engine.Summary, err error, cancelled bool, late []string) (wrong []string) {
	told := make(map[string]string)
	tell := func(id, what string) {
		if told[id] != "" {
			wrong = append(wrong, "the summary has "+id+" as "+told[id]+" and as "+what)
		}
		told[id] = what
	}
	for _, f := range sum.Failures {
		tell(f.Step, "failed")
		if err == nil || !strings.Contains(err.Error(), f.Message) {
			wrong = append(wrong, "the error lacks the failure of "+f.Step)
		}
	}
	for _, ref := range sum.Skipped {
		tell(ref.Step, "skipped")
	}
	for _, ref := range sum.Cut {
		tell(ref.Step, "cut")
	}
	for id, end := range ends {
		if end == "done" {
			tell(id, "done")
		}
	}
	if diff := cmp.Diff(ends, told); diff != "" || sum.Already+sum.Applied+len(sum.Failures)+len(sum.Skipped)+len(sum.Cut) != sum.Steps {
		wrong = append(wrong, "events and summary differ (-events +summary):\n"+diff)
	}
	recorded := make(map[string]engine.RecordKind)
	for _, rec := range journal.records {
		if rec.Step != "" {
			recorded[rec.Step] = rec.Kind
		}
	}
	for id, end := range ends {
		if (end == "failed") != (recorded[id] == engine.RecordStepFailed) || (end == "done") != (recorded[id] == engine.RecordStepDone) {
			wrong = append(wrong, id+" is "+end+", but the journal ends with "+string(recorded[id]))
		}
	}
	want := engine.Stopped
	switch {
	case sum.Already+sum.Applied == sum.Steps:
		want = engine.Succeeded
	case cancelled:
		want = engine.Cancelled
	case len(sum.Failures) > 0:
		want = engine.Failed
	}
	if sum.Outcome != want {
		wrong = append(wrong, "the outcome is "+string(sum.Outcome))
	}
	for _, call := range late {
		wrong = append(wrong, call+" began after the stop")
	}
	return wrong
}

// Every order in which steps can end, well or not, a failed one is wished to be
// tried again, and the run is stopped and cancelled: whatever happens, no failure
// is lost and none is told that is not there.
func TestRetryStopAndCancelInEveryOrder(t *testing.T) {
	for bound, retried := range map[int]int{1: 2, 2: 1} { // more would take many seconds
		orders := 0
		for c := new(choices); ; {
			orders++
			var script, wrong []string
			synctest.Test(t, func(t *testing.T) { script, wrong = play(t, c, bound, retried) })
			if len(wrong) > 0 {
				t.Fatalf("%d at a time: %s\n%s", bound, strings.Join(script, ", "), strings.Join(wrong, "\n"))
			}
			if !c.next() {
				break
			}
		}
		t.Logf("%d at a time: %d orders", bound, orders)
	}
}
