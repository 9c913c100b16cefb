package steps

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
)

func TestLooping(t *testing.T) {
	t.Parallel()
	t0 := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	// look is one look at the container, so long after the first.
	type look struct {
		after time.Duration
		count int
	}
	for name, test := range map[string]struct {
		// age and up are how old the container is at the first look, and how
		// long it has been running then.
		age, up time.Duration
		looks   []look
		want    bool // at the last look
	}{
		"steady":                                 {time.Hour, time.Hour, []look{{0, 0}, {30 * time.Second, 0}}, false},
		"restarted long ago":                     {time.Hour, time.Hour, []look{{0, 9}, {30 * time.Second, 9}}, false},
		"two restarts":                           {time.Hour, time.Hour, []look{{0, 0}, {10 * time.Second, 1}, {20 * time.Second, 2}}, false},
		"three restarts in a minute":             {time.Hour, time.Hour, []look{{0, 0}, {10 * time.Second, 1}, {50 * time.Second, 3}}, true},
		"three restarts on top of nine":          {time.Hour, time.Hour, []look{{0, 9}, {50 * time.Second, 12}}, true},
		"three restarts in two minutes":          {time.Hour, time.Hour, []look{{0, 0}, {50 * time.Second, 1}, {100 * time.Second, 2}, {150 * time.Second, 3}}, false},
		"new, and crashed before the first look": {5 * time.Second, time.Second, []look{{0, 3}}, true},
		"new, crashed twice":                     {5 * time.Second, time.Second, []look{{0, 2}}, false},
		"old, and just restarted by hand":        {time.Hour, time.Second, []look{{0, 3}}, false},
	} {
		watch := newCrashWatch(Patience())
		got := false
		for _, l := range test.looks {
			c := &remote.Container{ID: "a", RestartCount: l.count, Created: t0.Add(-test.age), StartedAt: t0.Add(-test.up)}
			got = watch.looping(c, t0.Add(l.after))
		}
		if got != test.want {
			t.Errorf("%s: looping is %t, want %t", name, got, test.want)
		}
	}
}

// What stood in the way of a container is gone, and Docker started it once
// more: the next run must not be told of its past.
func TestRecovered(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	c := &remote.Container{ID: "a", State: "running", RestartCount: 5, Created: now.Add(-20 * time.Second), StartedAt: now.Add(-time.Second)}
	watch := newCrashWatch(Patience())
	for i := range 3 {
		if watch.looping(c, now.Add(time.Duration(i)*time.Second)) {
			t.Errorf("look %d: a container that runs again loops", i)
		}
	}
	c.RestartCount++
	if !watch.looping(c, now.Add(4*time.Second)) {
		t.Error("it crashed once more, and does not loop")
	}
}

// A container that was made anew begins with a history of its own.
func TestLoopingByContainer(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	watch := newCrashWatch(Patience())
	watch.looping(&remote.Container{ID: "old", RestartCount: 0, Created: now.Add(-time.Hour)}, now)
	if watch.looping(&remote.Container{ID: "new", RestartCount: 3, Created: now.Add(-time.Hour)}, now.Add(time.Second)) {
		t.Error("another container's restarts count")
	}
}

func TestSuspect(t *testing.T) {
	t.Parallel()
	for want, containers := range map[string]map[string]*remote.Container{
		"":     {},
		"init": {"mongodb": {State: "running"}, "init": {State: "exited", ExitCode: 1, Restart: "no"}},
		"nats": {"mongodb": {State: "running"}, "nats": {State: "running", RestartCount: 2}, "init": {State: "exited", Restart: "no"}},
		"a":    {"b": {State: "running"}, "a": {State: "running"}},
	} {
		if got := suspect(containers); got != want {
			t.Errorf("suspect is %q, want %q", got, want)
		}
	}
}

// soon is a timing for tests.
func soon() Timing {
	t := Patience()
	t.Poll, t.CrashWindow = time.Millisecond, time.Minute
	return t
}

// waiting is a project on a host whose engine has the containers that are
// given, and its log says one line.
func waiting(t *testing.T, containers ...engineContainer) project {
	t.Helper()
	s, _ := onDisk(t)
	s.Timing = soon()
	s.Hosts["rc1"] = withEngine(t, "rc1", containers...)
	return one(t, s, render.RoleInstance)
}

func TestAwait(t *testing.T) {
	t.Parallel()
	p := waiting(t, engineContainer{Service: "rocketchat", State: "running"})
	out, looks := &output{}, 0
	err := p.await(t.Context(), out, patience{
		what: "it to answer", deadline: time.Minute,
		probe: func(context.Context) (bool, string, error) { looks++; return looks == 3, "not yet", nil },
	})
	if err != nil || looks != 3 {
		t.Fatalf("error %v after %d looks", err, looks)
	}
	if got := strings.Count(strings.Join(out.lines, "\n"), "waiting: for it to answer: not yet"); got != 1 {
		t.Errorf("what is seen is told %d times, want once: %q", got, out.lines)
	}
}

func TestAwaitInVain(t *testing.T) {
	t.Parallel()
	p := waiting(t, engineContainer{Service: "rocketchat", State: "running"})
	err := p.await(t.Context(), &output{}, patience{
		what: "it to answer", deadline: time.Millisecond, cause: "the cause", next: "what to do",
		probe: func(context.Context) (bool, string, error) { return false, "connection refused", nil },
	})
	problem := asProblem(t, err)
	if problem.Cause != "the cause" || problem.Next != "what to do" || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("problem %+v", problem)
	}
	if len(problem.LastLines) != 1 || problem.LastLines[0] != logLine {
		t.Errorf("last lines %q", problem.LastLines)
	}
}

// What no time will mend ends the wait at once, with the container's log.
func TestAwaitCrash(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]engineContainer{
		"it was restarted 4 times":  {Service: "rocketchat", State: "restarting", RestartCount: 4, ExitCode: 1},
		"it ended with exit code 2": {Service: "init", State: "exited", Restart: "no", ExitCode: 2},
	} {
		p := waiting(t, c)
		err := p.await(t.Context(), &output{}, patience{
			what: "it to answer", deadline: time.Minute,
			probe: func(context.Context) (bool, string, error) { return false, "connection refused", nil },
		})
		problem := asProblem(t, err)
		if !strings.Contains(err.Error(), name) || len(problem.LastLines) != 1 || problem.ExitCode != c.ExitCode {
			t.Errorf("want %q: %v, %+v", name, err, problem)
		}
	}
}

func TestAwaitEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("another version")
	p := waiting(t, engineContainer{Service: "rocketchat", State: "running"})
	probe := func(err error) patience {
		return patience{what: "it", deadline: time.Minute, probe: func(context.Context) (bool, string, error) { return false, "", err }}
	}
	if err := p.await(t.Context(), &output{}, probe(broken)); !errors.Is(err, broken) {
		t.Errorf("error of the probe: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.await(ctx, &output{}, probe(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A container that runs is not enough: it must still run at the second look.
func TestSettle(t *testing.T) {
	t.Parallel()
	p := waiting(t,
		engineContainer{Service: "rocketchat", State: "running"},
		engineContainer{Service: "init", State: "exited", Restart: "no"},
	)
	if err := p.settle(t.Context(), &output{}); err != nil {
		t.Error(err)
	}
}
