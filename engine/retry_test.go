package engine_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
)

// mended is a step whose Apply fails until mend is called.
func mended(s engine.Step) (step engine.Step, mend func()) {
	whole := make(chan struct{})
	apply := s.Apply
	s.Apply = func(ctx context.Context, out engine.Output) error {
		select {
		case <-whole:
			return apply(ctx, out)
		default:
			return errors.Join(sleep(ctx, time.Second), errors.New("the disk is full"))
		}
	}
	return s, func() { close(whole) }
}

// slow is a step of one minute.
func slow(w *world, id, host string, needs ...string) engine.Step {
	s := w.step(id, host, needs...)
	apply := s.Apply
	s.Apply = func(ctx context.Context, out engine.Output) error {
		if err := sleep(ctx, time.Minute); err != nil {
			return err
		}
		return apply(ctx, out)
	}
	return s
}

// A step that failed is begun again while another host is at work, which nobody
// interrupts; what needs it was waiting, and the run comes to its end as if
// nothing had been. The journal tells the same.
func TestRetryInTheSameRun(t *testing.T) {
	journal, err := engine.OpenJournal(filepath.Join(t.TempDir(), "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		broken, mend := mended(w.step("a/1", "a"))
		log, retries := engine.NewLog(), new(engine.Retries)
		go func() {
			if err := sleep(t.Context(), 10*time.Second); err != nil {
				return
			}
			if !retries.Step("a/1") {
				t.Error("the run did not hear of it while nothing was mended")
			}
			if err := sleep(t.Context(), 10*time.Second); err != nil {
				return
			}
			mend()
			if !retries.Step("a/1") || !retries.Step("b/1") {
				t.Error("the run did not hear of it")
			}
			if retries.Step("c/1") {
				t.Error("it heard of a step that it does not have")
			}
		}()
		sum, err := engine.Run(t.Context(), engine.Plan{Name: "install", Steps: []engine.Step{
			broken, w.step("a/2", "a"), slow(w, "b/1", "b"), w.step("b/2", "b", "a/2"),
		}}, engine.Options{Log: log, Retry: retries, Journal: journal})
		if err != nil || sum.Outcome != engine.Succeeded || sum.Applied != 4 || len(sum.Failures)+len(sum.Skipped) > 0 {
			t.Errorf("%+v: %v", sum, err)
		}
		if sum.Duration != 62*time.Second {
			t.Errorf("it took %s: b/1 takes 61 s, b/2 one, and a/1 and a/2 are done meanwhile", sum.Duration)
		}
		want := []string{
			"run install of 4",
			"a/1 applying", "b/1 applying", "a/1 verifying", "a/1 failed applying: the disk is full",
			"a/1 note: it is tried again", "a/1 applying", "a/1 verifying", "a/1 failed applying: the disk is full",
			"a/1 note: it is tried again", "a/1 applying", "a/1 verifying", "a/1 applied in 1s",
			"a/2 applying", "a/2 verifying", "a/2 applied in 1s",
			"b/1 verifying", "b/1 applied in 1m1s", "b/2 applying", "b/2 verifying", "b/2 applied in 1s",
			"succeeded",
		}
		got := slices.DeleteFunc(story(events(t, log)), func(line string) bool { return strings.HasSuffix(line, "checking") })
		slices.Sort(got[1:3]) // two hosts begin at once
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if retries.Step("a/1") {
			t.Error("a run that is over heard of it")
		}
	})
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := engine.ReadJournal(journal.Path())
	last, _ := h.Last()
	if err != nil || h.Unfinished() || len(last.Failed)+len(last.Cut) > 0 || len(last.Done) != 4 {
		t.Errorf("the journal tells of %+v: %v", last, err)
	}
}

// Where nobody asks, what needs the step is skipped when nothing else is left to
// do, and the run has failed. The same holds for a run that was asked to stop
// before.
func TestRetryThatNobodyWants(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			broken, mend := mended(w.step("a/1", "a"))
			log, retries, stop := engine.NewLog(), new(engine.Retries), make(chan struct{})
			var asked sync.WaitGroup
			if stopped {
				asked.Go(func() {
					if err := sleep(t.Context(), 10*time.Second); err != nil {
						return
					}
					mend()
					close(stop)
					synctest.Wait()
					if !retries.Step("a/1") {
						t.Error("the run did not hear of it, and is at work still")
					}
				})
			}
			sum, err := engine.Run(t.Context(), engine.Plan{Name: "install", Steps: []engine.Step{
				broken, w.step("a/2", "a"), slow(w, "b/1", "b"), w.step("b/2", "b"), w.step("c/1", "c", "a/2"),
			}}, engine.Options{Log: log, Retry: retries, Stop: stop})
			asked.Wait()
			if err == nil || sum.Outcome != engine.Failed || len(sum.Failures) != 1 {
				t.Errorf("%+v: %v", sum, err)
			}
			var skipped []string
			for _, line := range story(events(t, log)) {
				if strings.Contains(line, "skipped") {
					skipped = append(skipped, line)
				}
			}
			want := []string{"a/2 skipped, need failed a/1", "c/1 skipped, need failed a/1"}
			if stopped {
				want = append(want, "b/2 skipped, run stopped")
			}
			if diff := cmp.Diff(want, skipped); diff != "" {
				t.Errorf("stopped %t: skipped (-want +got):\n%s", stopped, diff)
			}
			if got := len(w.applied()); got != 2 && !stopped || got != 1 && stopped {
				t.Errorf("stopped %t: applied %v", stopped, w.applied())
			}
		})
	}
}

// A stop comes before the step that failed is begun again, for want of room or
// because it is only looking yet: then nobody tried, and it has failed as before.
func TestStopKeepsTheFailureThatNobodyTriedAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		stopAt time.Duration
		want   []string
	}{
		"no room yet": {30 * time.Second, []string{
			"a/1 failed applying: the disk is full",
			"stopping after the steps in flight: asked to stop", "b/1 applied in 1m1s", "failed",
		}},
		"looking": {65 * time.Second, []string{
			"a/1 failed applying: the disk is full", "b/1 applied in 1m1s",
			"a/1 note: it is tried again", "stopping after the steps in flight: asked to stop",
			"a/1 failed applying: the disk is full", "failed",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				broken, mend := mended(w.step("a/1", "a"))
				look, looks := broken.Check, 0
				broken.Check = func(ctx context.Context, out engine.Output) (engine.Report, error) {
					if looks++; looks == 3 { // before and after the first Apply, and before the second
						if err := sleep(ctx, 10*time.Second); err != nil {
							return engine.Report{}, err
						}
					}
					return look(ctx, out)
				}
				log, retries, stop := engine.NewLog(), new(engine.Retries), make(chan struct{})
				time.AfterFunc(10*time.Second, func() { mend(); retries.Step("a/1") })
				time.AfterFunc(tt.stopAt, func() { close(stop) })
				sum, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{broken, slow(w, "b/1", "b")}},
					engine.Options{Log: log, Retry: retries, Stop: stop, Concurrency: 1})
				var failure *engine.Failure
				if !errors.As(err, &failure) || sum.Outcome != engine.Failed || len(sum.Failures) != 1 || len(sum.Skipped) > 0 {
					t.Errorf("%+v: %v", sum, err)
				}
				got := slices.DeleteFunc(story(events(t, log)), func(line string) bool {
					return strings.HasPrefix(line, "run ") || strings.HasSuffix(line, "ing")
				})
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A thousand retries from many goroutines, at any moment of the run: each is
// heard or told that it was not, and none gets stuck.
func TestRetryAtAnyMoment(t *testing.T) {
	w := newWorld()
	s := w.instant("a", "a")
	var tries int
	apply := s.Apply
	s.Apply = func(ctx context.Context, out engine.Output) error {
		if tries++; tries < 20 { // of one step, one at a time
			return errors.New("not yet")
		}
		return apply(ctx, out)
	}
	retries := new(engine.Retries)
	stop := make(chan struct{})
	var people sync.WaitGroup
	for range 8 {
		people.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					retries.Step("a")
				}
			}
		})
	}
	b := w.instant("b", "b")
	b.Apply = func(ctx context.Context, _ engine.Output) error {
		for range 10_000 {
			if w.is("a") {
				break
			}
			if err := sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		w.set("b")
		return nil
	}
	sum, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{s, b}}, engine.Options{Retry: retries})
	close(stop)
	people.Wait()
	if err != nil || tries != 20 {
		t.Errorf("%d tries, %+v: %v", tries, sum, err)
	}
}
