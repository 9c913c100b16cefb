package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
)

// Consent is asked once, before the first change and not before it is known that
// there is one; two hosts that come to it at once both wait for the answer.
func TestConsentComesBeforeTheFirstChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a/1", "b/1")
		asked := 0
		_, err := engine.Run(t.Context(), engine.Plan{Name: "install", Steps: []engine.Step{
			w.step("a/1", "a"), w.step("b/1", "b"), w.step("a/2", "a", "a/1"), w.step("b/2", "b", "b/1"),
		}}, engine.Options{Consent: func(ctx context.Context) error {
			asked++
			if err := sleep(ctx, time.Minute); err != nil {
				return err
			}
			if done := w.applied(); len(done) > 0 {
				t.Errorf("%v was applied without consent", done)
			}
			return nil
		}})
		if err != nil || asked != 1 || len(w.applied()) != 2 {
			t.Errorf("asked %d times, applied %v: %v", asked, w.applied(), err)
		}
	})
}

func TestConsentIsNotAskedForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a", "b")
		_, err := engine.Run(t.Context(), engine.Plan{Name: "install", Steps: []engine.Step{w.step("a", "a"), w.step("b", "b")}},
			engine.Options{Consent: func(context.Context) error { return errors.New("asked") }})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestConsentRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		log, why := engine.NewLog(), errors.New("a port is closed")
		journal := &fakeJournal{left: -1}
		sum, err := engine.Run(t.Context(), engine.Plan{Name: "install", Steps: []engine.Step{
			w.step("a/1", "a"), w.step("a/2", "a", "a/1"),
		}}, engine.Options{Log: log, Journal: journal, Consent: func(context.Context) error { return why }})
		if !errors.Is(err, engine.ErrRefused) || !errors.Is(err, why) || sum.Outcome != engine.Stopped {
			t.Errorf("%s: %v", sum.Outcome, err)
		}
		if done := w.applied(); len(done) > 0 {
			t.Errorf("%v was applied without consent", done)
		}
		for _, rec := range journal.records {
			if rec.Kind == engine.RecordStepBegan {
				t.Errorf("%s has begun without consent", rec.Step)
			}
		}
		want := []string{
			"run install of 2", "a/1 checking", "stopping after the steps in flight: a port is closed",
			"a/1 skipped, run stopped", "a/2 skipped, need failed a/1", "stopped",
		}
		if diff := cmp.Diff(want, story(events(t, log))); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}
