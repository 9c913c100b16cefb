package steps

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// quickPackages is the patience of real hosts, without the pauses.
func quickPackages() Timing {
	t := Patience()
	t.Poll = time.Millisecond
	return t
}

// What apt-get 2.6 and 1.6 say of the lists' lock, and for another reason.
const (
	heldBy      = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)\nE: Unable to lock directory /var/lib/apt/lists/\n"
	heldByElse  = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 8 (apt-get)\nE: Unable to lock directory /var/lib/apt/lists/\n"
	held        = "E: Could not get lock /var/lib/apt/lists/lock - open (11: Resource temporarily unavailable)\n"
	notRoot     = "E: Could not open lock file /var/lib/apt/lists/lock - open (13: Permission denied)\n"
	noSuchName  = "E: Failed to fetch http://deb.debian.org/debian/dists/trixie/InRelease  Could not resolve 'deb.debian.org'\n"
	aptUpdating = "Reading package lists...\n"
)

// A package manager that is kept from its work by another one is tried again until
// it gets there, and says what it waits for once; nothing else is tried again.
func TestPackagesWait(t *testing.T) {
	t.Parallel()
	failed := func(said string) remote.Result {
		return remote.Result{Code: 100, Stdout: aptUpdating, Stderr: said}
	}
	for _, test := range []struct {
		name    string
		answers []remote.Result // the last one again and again
		bound   time.Duration
		tries   int // 0: as many as there is time for
		lines   []string
		err     string
		next    string
	}{
		{
			name: "until it is free", answers: []remote.Result{failed(heldBy), failed(heldBy), failed(heldByElse), {Stdout: aptUpdating + "Hit:1\n"}},
			bound: time.Minute, tries: 4,
			lines: []string{
				"docker: $ apt-get update", "docker: Reading package lists...",
				"docker: E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)",
				"docker: E: Unable to lock directory /var/lib/apt/lists/",
				"waiting: for another package manager on box, up to 1m0s: could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)",
				"docker: E: Could not get lock /var/lib/apt/lists/lock. It is held by process 8 (apt-get)",
				"docker: Hit:1",
			},
		},
		{
			name: "an old apt", answers: []remote.Result{failed(held), {}}, bound: time.Minute, tries: 2,
			lines: []string{
				"docker: $ apt-get update", "docker: Reading package lists...",
				"docker: E: Could not get lock /var/lib/apt/lists/lock - open (11: Resource temporarily unavailable)",
				"waiting: for another package manager on box, up to 1m0s: could not get lock /var/lib/apt/lists/lock - open (11: Resource temporarily unavailable)",
			},
		},
		{
			name: "never", answers: []remote.Result{failed(heldBy)}, bound: 20 * time.Millisecond,
			err:  "box: apt-get update: waited 20ms for another package manager in vain: could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)",
			next: "wait until it has come to its end (ps -ef on box shows it), then run again",
		},
		{name: "no lock", answers: []remote.Result{failed(noSuchName)}, bound: time.Minute, tries: 1, err: "box: apt-get update: exit code 100", next: dockerManual},
		{name: "not root", answers: []remote.Result{failed(notRoot)}, bound: time.Minute, tries: 1, err: "box: apt-get update: exit code 100", next: dockerManual},
		{
			name: "something else after it", answers: []remote.Result{failed(heldBy), failed(noSuchName)}, bound: time.Minute, tries: 2,
			err: "box: apt-get update: exit code 100", next: dockerManual,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &Site{Timing: quickPackages()}
			s.Timing.Packages = test.bound
			tries := 0
			h := &remotetest.Fake{Label: "box", OnRun: func(_ context.Context, c remote.Command, _ string) (remote.Result, error) {
				if c.Script != "apt-get update" || !c.Root {
					t.Errorf("ran %q, root: %t", c.Script, c.Root)
				}
				tries++
				return test.answers[min(tries, len(test.answers))-1], nil
			}}
			var out output
			err := s.runPackages(t.Context(), &out, h, "apt-get update")
			if test.err != "" {
				if p := asProblem(t, err); p.Err.Error() != test.err || !strings.Contains(p.Next, test.next) {
					t.Errorf("error %q, next %q", p.Err, p.Next)
				}
			} else if err != nil {
				t.Error(err)
			}
			if test.tries > 0 && tries != test.tries {
				t.Errorf("%d tries, want %d", tries, test.tries)
			}
			if diff := cmp.Diff(test.lines, out.lines); test.lines != nil && diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
}

// A Compose that is too old is told by an exit code alone: the words are rcwizard's.
func TestPackagesTooOld(t *testing.T) {
	t.Parallel()
	h := &remotetest.Fake{Label: "box", OnRun: answer(remote.Result{Code: 1})}
	command := distributionApt("2.24.4", "docker-compose-v2")[2]
	p := asProblem(t, (&Site{Timing: quickPackages()}).runPackages(t.Context(), &output{}, h, command))
	if p.Cause != "the Compose of the distribution is older than 2.24.4, or it has none" || !strings.Contains(p.Next, "--install-docker=docker") {
		t.Errorf("cause %q, next %q", p.Cause, p.Next)
	}
}

// Whoever waits for a long time hears that it goes on.
func TestPackagesWaitReassures(t *testing.T) {
	t.Parallel()
	s := &Site{Timing: quickPackages()}
	s.Timing.Reassure = 0
	tries := 0
	h := &remotetest.Fake{Label: "box", OnRun: func(context.Context, remote.Command, string) (remote.Result, error) {
		if tries++; tries == 3 {
			return remote.Result{}, nil
		}
		return remote.Result{Code: 100, Stderr: held}, nil
	}}
	var out output
	if err := s.runPackages(t.Context(), &out, h, "apt-get update"); err != nil {
		t.Fatal(err)
	}
	if last := out.lines[len(out.lines)-1]; !strings.HasPrefix(last, "waiting: still for another package manager, ") {
		t.Errorf("said last %q", last)
	}
}

// A wait that is not wanted any more ends at once, with what ended it.
func TestPackagesWaitCancelled(t *testing.T) {
	t.Parallel()
	s := &Site{Timing: quickPackages()}
	s.Timing.Poll = time.Hour
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	tries := 0
	h := &remotetest.Fake{Label: "box", OnRun: func(context.Context, remote.Command, string) (remote.Result, error) {
		tries++
		cancel(stop)
		return remote.Result{Code: 100, Stderr: held}, nil
	}}
	if err := s.runPackages(ctx, &output{}, h, "apt-get update"); !errors.Is(err, stop) || tries != 1 {
		t.Errorf("%d tries, error %v", tries, err)
	}
}
