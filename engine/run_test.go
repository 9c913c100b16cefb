package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rcwizard/rcwizard/engine"
)

// story writes a log as one short line for each event.
func story(all []engine.Event) []string {
	var lines []string
	for _, e := range all {
		switch e := e.(type) {
		case engine.RunStarted:
			lines = append(lines, fmt.Sprintf("run %s of %d", e.Plan, len(e.Steps)))
		case engine.StepStarted:
			lines = append(lines, fmt.Sprintf("%s %s", e.Step, e.Phase))
		case engine.StepDone:
			lines = append(lines, fmt.Sprintf("%s %s in %s", e.Step, e.How, e.Duration))
		case engine.StepFailed:
			lines = append(lines, fmt.Sprintf("%s failed %s: %s", e.Failure.Step, e.Failure.Phase, e.Failure.Message))
		case engine.StepSkipped:
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s skipped, %s %s", e.Step, e.Reason, e.Because)))
		case engine.StepCut:
			lines = append(lines, fmt.Sprintf("%s cut %s: %s", e.Step, e.Phase, e.Message))
		case engine.Noted:
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s note: %s", e.Step, e.Text)))
		case engine.Stopping:
			lines = append(lines, fmt.Sprintf("stopping %s: %s", e.Kind, e.Reason))
		case engine.RunFinished:
			lines = append(lines, string(e.Summary.Outcome))
		}
	}
	return lines
}

func TestRunAppliesWhatIsNeededInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("a/1")
		log := engine.NewLog()
		sum, err := engine.Run(t.Context(), engine.Plan{Name: "install", Steps: []engine.Step{
			w.step("a/1", "a"), w.step("a/2", "a"), w.step("b/1", "b", "a/2"),
		}}, engine.Options{Log: log, Resume: "rcwizard resume"})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"run install of 3",
			"a/1 checking", "a/1 already done in 0s",
			"a/2 checking", "a/2 applying", "a/2 verifying", "a/2 applied in 1s",
			"b/1 checking", "b/1 applying", "b/1 verifying", "b/1 applied in 1s",
			"succeeded",
		}
		if diff := cmp.Diff(want, story(events(t, log))); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if sum.Already != 1 || sum.Applied != 2 || sum.Duration != 2*time.Second || sum.Resume != "" {
			t.Errorf("summary %+v", sum)
		}
	})
}

func TestRunTwiceChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		plan := engine.Plan{Name: "install", Steps: []engine.Step{w.step("a", "a"), w.step("b", "b", "a")}}
		for range 2 {
			if _, err := engine.Run(t.Context(), plan, engine.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"a", "b"}, w.applied()); diff != "" {
			t.Errorf("applied (-want +got):\n%s", diff)
		}
	})
}

func TestRunHostsAtOnceWithinBound(t *testing.T) {
	for _, tt := range []struct {
		bound int
		want  time.Duration
	}{{0, time.Second}, {20, time.Second}, {5, 2 * time.Second}, {1, 10 * time.Second}} {
		t.Run(strconv.Itoa(tt.bound), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				steps := make([]engine.Step, 0, 10)
				for i := range 10 {
					steps = append(steps, w.step(fmt.Sprintf("h%d", i), fmt.Sprintf("h%d", i)))
				}
				sum, err := engine.Run(t.Context(), engine.Plan{Steps: steps}, engine.Options{Concurrency: tt.bound})
				if err != nil || sum.Duration != tt.want {
					t.Errorf("took %v (%v), want %v", sum.Duration, err, tt.want)
				}
			})
		})
	}
}

func TestFailureEndsItsHostAndWhatNeedsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		log := engine.NewLog()
		boom := errors.New("boom")
		sum, err := engine.Run(t.Context(), engine.Plan{Name: "install", Steps: []engine.Step{
			failing(w.step("a/1", "a"), boom), w.step("a/2", "a"),
			w.step("b/1", "b"), w.step("b/2", "b"),
			w.step("c/1", "c", "a/2"), w.step("c/2", "c"),
		}}, engine.Options{Log: log, Resume: "rcwizard resume chat"})
		var f *engine.Failure
		if !errors.As(err, &f) || !errors.Is(err, boom) {
			t.Fatalf("error %v, want a Failure that wraps boom", err)
		}
		if diff := cmp.Diff([]string{"b/1", "b/2"}, w.applied()); diff != "" {
			t.Errorf("applied (-want +got):\n%s", diff)
		}
		if sum.Outcome != engine.Failed || len(sum.Failures) != 1 || len(sum.Skipped) != 3 || sum.Applied != 2 {
			t.Errorf("summary %+v", sum)
		}
		if sum.Resume != "rcwizard resume chat" || f.Resume != sum.Resume {
			t.Errorf("resume %q and %q", sum.Resume, f.Resume)
		}
		var skipped []string
		for _, line := range story(events(t, log)) {
			if strings.Contains(line, "skipped") {
				skipped = append(skipped, line)
			}
		}
		want := []string{"a/2 skipped, need failed a/1", "c/1 skipped, need failed a/1", "c/2 skipped, need failed a/1"}
		if diff := cmp.Diff(want, skipped); diff != "" {
			t.Errorf("skipped (-want +got):\n%s", diff)
		}
	})
}

func TestFailureHasEveryField(t *testing.T) {
	w := newWorld()
	s := w.step("rc1/compose-up", "rc1")
	s.Title, s.Guide = "Start Rocket.Chat", "2.3"
	s.Apply = func(_ context.Context, out engine.Output) error {
		out.Line("stderr", "pulling")
		out.Line("stderr", "pull access denied, password hunter2")
		return fmt.Errorf("start: %w", &engine.Problem{
			Command: "docker compose up -d", ExitCode: 18, Cause: "the image does not exist",
			Next: "correct release in workspace.yaml", Err: errors.New("hunter2 was wrong"),
		})
	}
	opts := engine.Options{
		Resume: "rcwizard resume chat",
		Redact: func(text string) string { return strings.ReplaceAll(text, "hunter2", "•••") },
	}
	_, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{s}}, opts)
	var f *engine.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error %v, want a Failure", err)
	}
	want := engine.Failure{
		StepRef: s.Ref(), Phase: engine.Applying,
		Message: "start: docker compose up -d ended with exit code 18: ••• was wrong",
		Command: "docker compose up -d", ExitCode: 18,
		LastLines: []string{"pulling", "pull access denied, password •••"},
		Cause:     "the image does not exist", Next: "correct release in workspace.yaml", Resume: "rcwizard resume chat",
	}
	if diff := cmp.Diff(want, *f, cmpopts.IgnoreUnexported(engine.Failure{})); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
	const text = "rc1: Start Rocket.Chat (rc1/compose-up): start: docker compose up -d ended with exit code 18: ••• was wrong; " +
		"likely cause: the image does not exist; next: correct release in workspace.yaml"
	if f.Error() != text {
		t.Errorf("Error() = %q\nwant      %q", f.Error(), text)
	}
}

func TestChecksThatEndAStep(t *testing.T) {
	report := func(rep engine.Report, err error) func(context.Context, engine.Output) (engine.Report, error) {
		return func(context.Context, engine.Output) (engine.Report, error) { return rep, err }
	}
	for name, tt := range map[string]struct {
		check   func(context.Context, engine.Output) (engine.Report, error)
		apply   error
		want    string
		next    string
		applied bool
	}{
		"blocked": {
			check: report(engine.Report{Verdict: engine.Blocked, Reason: "port 27017 is taken by mongod", Next: "stop it"}, nil),
			want:  "s failed checking: port 27017 is taken by mongod", next: "stop it",
		},
		"check fails": {check: report(engine.Report{}, errors.New("no route to host")), want: "s failed checking: no route to host"},
		"no verdict": {
			check: report(engine.Report{}, nil), want: `s failed checking: its check gave no verdict but "", which is a mistake in rcwizard`,
		},
		"check panics": {
			check: func(context.Context, engine.Output) (engine.Report, error) { panic("nil map") }, want: "s failed checking: panic: nil map",
			next: "this is a mistake in rcwizard: please report it with the log",
		},
		"still needed after it was applied": {
			check:   report(engine.Report{Verdict: engine.Needed, Reason: "no container runs"}, nil),
			want:    "s failed verifying: it was applied without an error, but looking again says needed: no container runs",
			applied: true,
		},
		"later even after it was applied": {
			check:   report(engine.Report{Verdict: engine.Later}, nil),
			want:    "s failed verifying: it was applied without an error, but looking again says later",
			applied: true,
		},
		"the error of Apply is told before that of the second look": {
			check: report(engine.Report{Verdict: engine.Needed}, nil), apply: errors.New("exit 1"), want: "s failed applying: exit 1", applied: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := engine.NewLog()
			applied := false
			sum, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{{ID: "s", Check: tt.check, Apply: func(context.Context, engine.Output) error {
				applied = true
				return tt.apply
			}}}}, engine.Options{Log: log})
			if err == nil || applied != tt.applied {
				t.Fatalf("applied %v, error %v", applied, err)
			}
			if got := story(events(t, log)); !strings.Contains(strings.Join(got, "\n"), tt.want) {
				t.Errorf("events %q lack %q", got, tt.want)
			}
			if tt.next != "" && sum.Failures[0].Next != tt.next {
				t.Errorf("next %q, want %q", sum.Failures[0].Next, tt.next)
			}
			if sum.Failures[0].Next == "" {
				t.Error("a failure without a next thing to do")
			}
		})
	}
}

func TestSecondLookIsBelieved(t *testing.T) {
	w := newWorld()
	s := w.step("s", "a")
	s.Apply = func(context.Context, engine.Output) error {
		w.set("s")
		return errors.New("connection reset")
	}
	log := engine.NewLog()
	if _, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{s}}, engine.Options{Log: log}); err != nil {
		t.Fatal(err)
	}
	want := "s note: it reported an error, but the host is as it should be: connection reset"
	if got := story(events(t, log)); !strings.Contains(strings.Join(got, "\n"), want) {
		t.Errorf("events %q lack %q", got, want)
	}
}

func TestPanicInApplyFailsEvenWhenDone(t *testing.T) {
	w := newWorld()
	s := w.step("s", "a")
	s.Apply = func(context.Context, engine.Output) error {
		w.set("s")
		panic("index out of range")
	}
	var file strings.Builder
	lines := engine.NewLines(&file)
	sum, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{s}}, engine.Options{Lines: lines})
	if err == nil || sum.Failures[0].Message != "panic: index out of range" {
		t.Fatalf("error %v, want the panic", err)
	}
	if !strings.Contains(file.String(), "a s panic | ") || !strings.Contains(file.String(), "TestPanicInApply") {
		t.Errorf("the transcript lacks the stack:\n%s", file.String())
	}
}

func TestStopLetsStepsInFlightEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		slow := w.step("b/1", "b")
		check := slow.Check
		slow.Check = func(ctx context.Context, out engine.Output) (engine.Report, error) {
			if err := sleep(ctx, time.Second); err != nil {
				return engine.Report{}, err
			}
			return check(ctx, out)
		}
		stop := make(chan struct{})
		time.AfterFunc(500*time.Millisecond, func() { close(stop) })
		log := engine.NewLog()
		sum, err := engine.Run(t.Context(), engine.Plan{Name: "install", Steps: []engine.Step{
			w.step("a/1", "a"), w.step("a/2", "a"), slow, w.step("b/2", "b"),
		}}, engine.Options{Log: log, Stop: stop})
		if !errors.Is(err, engine.ErrStopped) || sum.Outcome != engine.Stopped {
			t.Fatalf("error %v, outcome %s, want stopped", err, sum.Outcome)
		}
		// a/1 was being applied and ends; b/1 was still looking and changes
		// nothing any more.
		if diff := cmp.Diff([]string{"a/1"}, w.applied()); diff != "" {
			t.Errorf("applied (-want +got):\n%s", diff)
		}
		if got := len(sum.Skipped); got != 3 || sum.Duration != time.Second {
			t.Errorf("%d skipped after %v, want 3 after 1s", got, sum.Duration)
		}
		got := strings.Join(story(events(t, log)), "\n")
		if !strings.Contains(got, "stopping after the steps in flight: asked to stop") || !strings.HasSuffix(got, "\nstopped") {
			t.Errorf("events:\n%s", got)
		}
	})
}

func TestStoppedBeforeItBegan(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		opts engine.Options
		want error
	}{
		"stop":   {t.Context(), engine.Options{Stop: stop}, engine.ErrStopped},
		"cancel": {cancelled, engine.Options{}, context.Canceled},
		"lock":   {t.Context(), engine.Options{Locker: lostLock(stop)}, engine.ErrLockLost},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			_, err := engine.Run(tt.ctx, engine.Plan{Steps: []engine.Step{w.step("a", "a")}}, tt.opts)
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if len(w.applied()) > 0 {
				t.Errorf("applied %v", w.applied())
			}
		})
	}
}

type lostLock chan struct{}

func (l lostLock) Lost() <-chan struct{} { return l }

func (l lostLock) Err() error { return errors.New("taken by eve@laptop") }

func (l lostLock) Hold(context.Context, string) error { return nil }

func TestCancelCutsStepsInFlight(t *testing.T) {
	for name, tt := range map[string]struct {
		want  error
		text  string
		begin func(cancel context.CancelCauseFunc, lock lostLock)
	}{
		"context": {
			want: context.Canceled, text: "interrupted twice",
			begin: func(cancel context.CancelCauseFunc, _ lostLock) {
				cancel(fmt.Errorf("interrupted twice: %w", context.Canceled))
			},
		},
		"lock lost": {
			want: engine.ErrLockLost, text: "taken by eve@laptop",
			begin: func(_ context.CancelCauseFunc, lock lostLock) { close(lock) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				journal := &fakeJournal{left: -1}
				// Made here: only a channel of the bubble lets its time go on.
				lock := make(lostLock)
				opts := engine.Options{Journal: journal, Locker: lock}
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(1500*time.Millisecond, func() { tt.begin(cancel, lock) })
				sum, err := engine.Run(ctx, engine.Plan{Steps: []engine.Step{
					w.step("a/1", "a"), w.step("a/2", "a"), w.step("a/3", "a"),
				}}, opts)
				if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %v, want %v: %s", err, tt.want, tt.text)
				}
				if sum.Outcome != engine.Cancelled || len(sum.Cut) != 1 || sum.Cut[0].Step != "a/2" || len(sum.Skipped) != 1 {
					t.Errorf("summary %+v", sum)
				}
				if sum.Duration != 1500*time.Millisecond {
					t.Errorf("took %v", sum.Duration)
				}
				last := journal.records[len(journal.records)-2:]
				if last[0].Kind != engine.RecordStepBegan || last[0].Step != "a/2" || last[1].Outcome != engine.Cancelled {
					t.Errorf("the journal ends with %+v, want the beginning of a/2 and no end of it", last)
				}
			})
		})
	}
}

func TestWithoutJournalNothingBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The records are: run, began 1, done 1, began 2, …: the disk is full at
		// any of them.
		for left := range 6 {
			w := newWorld()
			journal := &fakeJournal{left: left}
			sum, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{
				w.step("1", "a"), w.step("2", "a"),
			}}, engine.Options{Journal: journal})
			began := 0
			for _, r := range journal.records {
				if r.Kind == engine.RecordStepBegan {
					began++
				}
			}
			if got := len(w.applied()); got != began {
				t.Errorf("%d records: %d steps applied, %d on record", left, got, began)
			}
			if began < 2 && (!errors.Is(err, errDisk) || !strings.Contains(sum.Failures[0].Next, "make room")) {
				t.Errorf("%d records: error %v", left, err)
			}
			if began == 2 && err != nil {
				t.Errorf("%d records: error %v, want none: the hosts are as they should be", left, err)
			}
		}
	})
}

func TestNothingComesAfterTheEnd(t *testing.T) {
	w := newWorld()
	s := w.step("s", "a")
	var late atomic.Pointer[engine.Output]
	s.Apply = func(_ context.Context, out engine.Output) error {
		late.Store(&out)
		w.set("s")
		return nil
	}
	log, lines := engine.NewLog(), engine.NewLines(nil)
	if _, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{s}}, engine.Options{Log: log, Lines: lines}); err != nil {
		t.Fatal(err)
	}
	out := *late.Load()
	out.Note("too late")
	out.Line("stdout", "too late")
	out.Progress(1, 2, "too late")
	all := events(t, log)
	if _, ok := all[len(all)-1].(engine.RunFinished); !ok || lines.Total() != 0 || lines.Updates() != 0 {
		t.Errorf("the log ends with %T, %d lines and %d updates", all[len(all)-1], lines.Total(), lines.Updates())
	}
}
