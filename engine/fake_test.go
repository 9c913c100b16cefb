package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/engine"
)

// world is a set of things that fake steps bring about, as hosts are for real
// ones, with what was called in which order.
type world struct {
	mu    sync.Mutex
	done  map[string]bool
	calls []string
}

func newWorld(done ...string) *world {
	w := &world{done: make(map[string]bool)}
	for _, id := range done {
		w.done[id] = true
	}
	return w
}

func (w *world) set(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[id] = true
	w.calls = append(w.calls, "apply "+id)
}

func (w *world) is(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done[id]
}

// applied returns the ids that were applied, in order.
func (w *world) applied() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for _, c := range w.calls {
		if id, ok := strings.CutPrefix(c, "apply "); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// step is a well-behaved step: it takes a while and honours its context.
func (w *world) step(id, host string, needs ...string) engine.Step {
	return engine.Step{
		ID: id, Title: "Bring about " + id, Host: host, Needs: needs,
		Check: func(context.Context, engine.Output) (engine.Report, error) {
			if w.is(id) {
				return engine.Report{Verdict: engine.Done}, nil
			}
			return engine.Report{
				Verdict: engine.Needed,
				Changes: []engine.Change{{Kind: engine.Create, Path: "/" + id, After: "content of " + id}},
			}, nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			out.Line("stdout", "working on "+id)
			if err := sleep(ctx, time.Second); err != nil {
				return err
			}
			w.set(id)
			return nil
		},
	}
}

// failing is the step, with an Apply that fails after a second.
func failing(s engine.Step, err error) engine.Step {
	s.Apply = func(ctx context.Context, _ engine.Output) error {
		return errors.Join(sleep(ctx, time.Second), err)
	}
	return s
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// events returns everything in a log whose runs are over.
func events(t *testing.T, log *engine.Log) []engine.Event {
	t.Helper()
	log.Close()
	all, err := log.Cursor().Next(t.Context())
	if err != nil {
		t.Fatalf("read the log: %v", err)
	}
	return all
}

// fakeJournal keeps records in memory and can die.
type fakeJournal struct {
	mu      sync.Mutex
	records []engine.Record
	// left is how many records it takes before it fails; negative: all.
	left int
}

var errDisk = errors.New("no space left on device")

func (j *fakeJournal) Record(rec engine.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.left == 0 {
		return errDisk
	}
	j.left--
	j.records = append(j.records, rec)
	return nil
}

// instant is the step of that id with an Apply that takes no time.
func (w *world) instant(id, host string, needs ...string) engine.Step {
	s := w.step(id, host, needs...)
	s.Apply = func(context.Context, engine.Output) error {
		w.set(id)
		return nil
	}
	return s
}
