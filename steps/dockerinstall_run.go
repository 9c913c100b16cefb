package steps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
)

// packagesPolls is how many of Timing.Poll lie between two tries of a command that
// another package manager keeps from its work: each is a process of root's.
const packagesPolls = 5

// runPackages runs one command of a package manager on a host, as root, and shows
// what it says. While another one is at work there, it tries the command again: of
// all locks that apt-get takes it waits by itself for dpkg's alone (aptWait). The
// time is bounded by Timing.Packages from the first try on; an error of it is an
// *engine.Problem, unless the context ended the wait.
func (s *Site) runPackages(ctx context.Context, out engine.Output, h remote.Host, command string) error {
	t := s.timing()
	started := time.Now()
	reassured := started
	tick := time.NewTicker(packagesPolls * t.Poll)
	defer tick.Stop()
	out.Line("docker", "$ "+command)
	// A try that fails for the lock says the same as the one before it.
	said := map[string]bool{}
	for {
		var lines []string
		res, err := h.Stream(ctx, remote.Command{Script: command, Root: true}, func(l remote.Line) {
			text := strings.TrimSpace(l.Text)
			lines = append(lines, text)
			if !said[text] {
				out.Line("docker", text)
			}
		})
		if err == nil && res.Code == 0 {
			return nil
		}
		lock := ""
		if err == nil {
			lock = lockHeld(res)
			err = fmt.Errorf("exit code %d", res.Code)
		}
		waited := time.Since(started)
		switch {
		case lock == "":
			return packagesProblem(fmt.Errorf("%s: %s: %w", h.Name(), command, err), command, res)
		case waited >= t.Packages:
			return &engine.Problem{
				Cause: "another package manager is at work on " + h.Name() + ", most often the updates that it makes by itself",
				Next:  "wait until it has come to its end (ps -ef on " + h.Name() + " shows it), then run again; do not remove the file of its lock",
				Err:   fmt.Errorf("%s: %s: waited %s for another package manager in vain: %s", h.Name(), command, t.Packages, lock),
			}
		case len(said) == 0:
			out.Line("waiting", fmt.Sprintf("for another package manager on %s, up to %s: %s", h.Name(), t.Packages, lock))
		case time.Since(reassured) > t.Reassure:
			out.Line("waiting", fmt.Sprintf("still for another package manager, %s by now: %s", waited.Round(time.Second), lock))
			reassured = time.Now()
		}
		for _, text := range lines {
			said[text] = true
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx) //nolint:wrapcheck // the runner knows which step was cut
		case <-tick.C:
		}
	}
}

// packagesProblem says what to do after a command failed for itself.
func packagesProblem(err error, command string, res remote.Result) error {
	if strings.HasPrefix(command, compareVersions) && res.Code == 1 {
		_, oldest, _ := strings.Cut(command, " ge ")
		return &engine.Problem{
			Err:   err,
			Cause: "the Compose of the distribution is older than " + oldest + ", or it has none",
			Next:  "use the source docker, with --install-docker=docker",
		}
	}
	return &engine.Problem{
		Err:  err,
		Next: "see what the package manager says; while another one is at work there, wait for it and run this again; Docker's own way is told at " + dockerManual,
	}
}

// lockHeld is what apt-get says of a lock that another process holds, which since
// apt 2.0 it names; empty if the command failed for something else. A lock that it
// may not open is another matter, and has other words. Commands have no language.
func lockHeld(res remote.Result) string {
	for line := range strings.Lines(res.Stderr) {
		if _, lock, ok := strings.Cut(line, "Could not get lock "); ok {
			return "could not get lock " + strings.TrimSpace(lock)
		}
	}
	return ""
}
