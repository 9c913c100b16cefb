package steps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
)

// patience is one wait: for what, for how long, and what to look at.
type patience struct {
	// what is awaited, "MongoDB to be primary".
	what string
	// deadline bounds the wait.
	deadline time.Duration
	// probe looks once. seen is what it saw, for the person who waits; it is
	// told whenever it changes. An error ends the wait: what only needs time
	// is no error.
	probe func(ctx context.Context) (ok bool, seen string, err error)
	// cause and next go into the error when the time is up.
	cause, next string
}

// await looks again and again until the probe is content. While it waits the
// project's logs are shown live, and a container that crashes in a loop ends
// the wait within its window: patience does not mend it.
func (p project) await(ctx context.Context, out engine.Output, w patience) error {
	t := p.site.timing()
	ctx, cancel := context.WithCancel(ctx)
	var logs sync.WaitGroup
	defer logs.Wait()
	defer cancel()
	hopeless := make(chan *engine.Problem, 1)
	logs.Go(func() { p.followLogs(ctx, out, hopeless) })

	started := time.Now()
	watch := newCrashWatch(t)
	ticker := time.NewTicker(t.Poll)
	defer ticker.Stop()
	last, said := "", started
	var blind time.Time // since when the containers cannot be looked at
	for {
		ok, seen, err := p.probeOnce(ctx, t, w)
		if err != nil {
			return err
		}
		if ok {
			return nil
		}
		if seen != last {
			out.Line("waiting", "for "+w.what+": "+seen)
			last, said = seen, time.Now()
		}
		looked := time.Now()
		err = p.crashed(ctx, watch)
		if err != nil && blind.IsZero() {
			blind = looked
			out.Line("waiting", err.Error())
		}
		switch {
		case err == nil:
			blind = time.Time{}
		case ctx.Err() != nil:
			return context.Cause(ctx) //nolint:wrapcheck // the runner knows which step was cut
		case !errors.As(err, new(*blindError)) || !transient(err):
			return err
		case time.Since(blind) > t.Blind:
			return err
		}
		if time.Since(started) > w.deadline {
			return &engine.Problem{
				LastLines: p.lastLogs(ctx, ""),
				Cause:     w.cause,
				Next:      w.next,
				Err:       fmt.Errorf("waited %s for %s in vain: %s", w.deadline, w.what, last),
			}
		}
		if time.Since(said) > t.Reassure {
			out.Line("waiting", fmt.Sprintf("still for %s, %s by now: %s", w.what, time.Since(started).Round(time.Second), last))
			said = time.Now()
		}
		select {
		case problem := <-hopeless:
			return problem
		case <-ctx.Done():
			return context.Cause(ctx) //nolint:wrapcheck // the runner knows which step was cut
		case <-ticker.C:
		}
	}
}

func (p project) probeOnce(ctx context.Context, t Timing, w patience) (bool, string, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Probe)
	defer cancel()
	return w.probe(ctx)
}

// settle sees that nothing of the project crashes at once. It ends as soon as
// every container runs, or has ended as it should, and looks once more after a
// pause, since a crash loop looks healthy between two crashes.
func (p project) settle(ctx context.Context, out engine.Output) error {
	var before map[string]int // restarts by container, at the last look
	return p.await(ctx, out, patience{
		what:     "the containers to run",
		deadline: p.site.timing().Start,
		probe: func(ctx context.Context) (bool, string, error) {
			containers, err := p.containers(ctx)
			if err != nil {
				before = nil
				return false, err.Error(), nil //nolint:nilerr // the wait itself knows how long to be patient with that
			}
			restarts := make(map[string]int, len(containers))
			for name, c := range containers {
				if c.State != "running" && !ended(c) {
					before = nil
					return false, fmt.Sprintf("%s is %s", name, c.State), nil
				}
				restarts[c.ID] = c.RestartCount
			}
			calm := maps.Equal(before, restarts)
			before = restarts
			return calm, "they run; one more look", nil
		},
		next: "Read the container's log with: docker logs " + p.Name + "-… on " + p.Host,
	})
}

// followLogs shows the logs of the project's containers until ctx ends. A line
// that says what no patience mends goes to hopeless.
// What cannot be followed is not worth failing for: the wait decides.
func (p project) followLogs(ctx context.Context, out engine.Output, hopeless chan<- *engine.Problem) {
	docker, err := p.host.Docker(ctx)
	if err != nil {
		return
	}
	containers, err := p.containers(ctx)
	if err != nil {
		return
	}
	var all sync.WaitGroup
	for name, c := range containers {
		if ended(c) {
			continue
		}
		all.Go(func() {
			opt := remote.LogOptions{Tail: 5, Follow: true}
			err := docker.Logs(ctx, c.ID, opt, func(l remote.Line) {
				out.Line(name, l.Text)
				if problem := final(name, p.Host, l.Text); problem != nil {
					select {
					case hopeless <- problem:
					default: // one is enough
					}
				}
			})
			if err != nil && ctx.Err() == nil {
				out.Line(name, "its log cannot be followed: "+err.Error())
			}
		})
	}
	all.Wait()
}

// lastLogs are the last lines of one service's container, or of the one that
// most likely is at fault.
func (p project) lastLogs(ctx context.Context, service string) []string {
	const tail = 15
	docker, err := p.host.Docker(ctx)
	if err != nil {
		return nil
	}
	containers, err := p.containers(ctx)
	if err != nil {
		return nil
	}
	if service == "" {
		service = suspect(containers)
	}
	c, ok := containers[service]
	if !ok {
		return nil
	}
	var lines []string
	opt := remote.LogOptions{Tail: tail}
	if err := docker.Logs(ctx, c.ID, opt, func(l remote.Line) { lines = append(lines, l.Text) }); err != nil {
		return nil
	}
	return lines
}

// suspect is the service whose container restarted most, or does not run.
func suspect(containers map[string]*remote.Container) string {
	worst, score := "", -1
	for name, c := range containers {
		s := c.RestartCount
		if c.State != "running" && !ended(c) {
			s += 1000
		}
		if ended(c) {
			s = -1
		}
		if s > score || s == score && name < worst {
			worst, score = name, s
		}
	}
	return worst
}

// crashWatch notices containers that restart again and again.
type crashWatch struct {
	timing Timing
	seen   map[string][]restart // by container id
}

type restart struct {
	at    time.Time
	count int
}

func newCrashWatch(t Timing) *crashWatch {
	return &crashWatch{timing: t, seen: make(map[string][]restart)}
}

// looping reports whether the container restarted CrashCount times within
// CrashWindow.
func (w *crashWatch) looping(c *remote.Container, now time.Time) bool {
	history := append(w.seen[c.ID], restart{at: now, count: c.RestartCount})
	history = slices.DeleteFunc(history, func(r restart) bool { return now.Sub(r.at) > w.timing.CrashWindow })
	w.seen[c.ID] = history
	// Docker doubles its pause after each crash; the count of a container that
	// was made moments ago says as much as a difference, if it still goes on:
	// one that runs may have recovered since what stood in its way is gone.
	more := c.RestartCount - history[0].count
	return more >= w.timing.CrashCount ||
		c.RestartCount >= w.timing.CrashCount && (more > 0 || c.State != "running") &&
			now.Sub(c.StartedAt) < w.timing.CrashWindow && now.Sub(c.Created) < 2*w.timing.CrashWindow
}

// crashed says that a container crashes in a loop, or that a one-shot failed.
func (p project) crashed(ctx context.Context, watch *crashWatch) error {
	containers, err := p.containers(ctx)
	if err != nil {
		return &blindError{err}
	}
	for name, c := range containers {
		var what string
		switch {
		case watch.looping(c, time.Now()):
			what = fmt.Sprintf("it was restarted %d times and crashed each time, with exit code %d", c.RestartCount, c.ExitCode)
		case oneShot(c) && c.State == "exited" && c.ExitCode != 0:
			what = fmt.Sprintf("it ended with exit code %d", c.ExitCode)
		default:
			continue
		}
		last := p.lastLogs(ctx, name)
		cause, next := crashCause(strings.Join(last, "\n"), p.Host)
		return &engine.Problem{
			Command:   "docker logs " + c.Name,
			ExitCode:  c.ExitCode,
			LastLines: last,
			Cause:     cause,
			Next:      next,
			Err:       fmt.Errorf("the service %s of %s does not stay up: %s", name, p.Name, what),
		}
	}
	return nil
}

// blindError is a look at the containers that failed, which says nothing of
// the containers.
type blindError struct{ err error }

func (e *blindError) Error() string { return e.err.Error() }
func (e *blindError) Unwrap() error { return e.err }
