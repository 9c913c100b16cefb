package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// lockName is the lock's file in the workspace's directory on each host: who may
// deploy there can write to it, whatever the login, and nobody else can.
const lockName = ".rcwizard.lock"

func lockFlags(cmd *cobra.Command) {
	cmd.Flags().Duration("lock-wait", 0, "wait this long (such as 10m) for another operator to be done; 0 refuses at once")
}

// lockedError says what to do about hosts that another operator holds.
type lockedError struct {
	err *lock.HeldError
	// unlock is the command that shows and frees the locks, for a shell.
	unlock string
}

func (e *lockedError) Error() string {
	return e.err.Error() + "; wait for it to be done (--lock-wait 10m waits), or take the hosts away from it with: " + e.unlock
}

func (e *lockedError) Unwrap() error { return e.err }

// login is who runs the program.
func (a *app) login() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return a.sys.env("USER")
}

// lock keeps other runs on this machine away from the workspace.
func (a *app) lock(ans answers, doing string) (unlock func(), err error) {
	l, err := ans.folder.Lock(state.Holder{PID: os.Getpid(), User: a.login(), Since: time.Now(), Doing: doing})
	if err != nil {
		return nil, fmt.Errorf("lock the workspace: %w", err)
	}
	return func() {
		if err := l.Close(); err != nil {
			a.sayf("rcwizard: unlock the workspace: %v\n", err)
		}
	}, nil
}

// lockWaiting is lock for as long as --lock-wait says.
func (a *app) lockWaiting(ctx context.Context, ans answers, doing string) (unlock func(), err error) {
	began, wait, told := time.Now(), a.config.GetDuration("lock-wait"), false
	for {
		unlock, err := a.lock(ans, doing)
		var locked *state.LockedError
		if !errors.As(err, &locked) || time.Since(began) >= wait {
			return unlock, err
		}
		if !told {
			told = true
			a.sayf("%v\nwaiting up to %s\n", locked, wait)
		}
		timer := time.NewTimer(min(time.Second, wait-time.Since(began)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx) //nolint:wrapcheck // the signal says it
		}
	}
}

// lockHosts keeps operators on other machines away from the workspace's hosts,
// and lets the site change them only as long as it does. Hosts are taken in the
// order of their names, which is the same for everybody.
func (a *app) lockHosts(ctx context.Context, ans answers, site *steps.Site, doing string) (release func(), err error) {
	from, err := os.Hostname()
	if err != nil {
		from = "an unnamed machine"
	}
	held, err := lock.Take(ctx, lock.Holder{User: a.login(), From: from, PID: os.Getpid(), Doing: doing}, places(ans.workspace, site.Hosts), lock.Options{
		Wait:  a.config.GetDuration("lock-wait"),
		Ended: func(h lock.Holder) bool { return a.endedHere(h, from) },
		Waiting: func(e *lock.HeldError, atMost time.Duration) {
			if a.endedHere(e.Holder, from) {
				a.sayf("host %s: it is still ending what %s, which was killed here (process %d), had running there; waiting for that, %s at most\n", e.Host, e.Holder.Doing, e.Holder.PID, atMost)
				return
			}
			a.sayf("%v\nwaiting up to %s\n", e, atMost)
		},
	})
	var other *lock.HeldError
	switch {
	case errors.As(err, &other):
		return nil, &lockedError{err: other, unlock: a.commandWith("unlock", ans.workspace.Name)}
	case err != nil:
		return nil, fmt.Errorf("lock the hosts: %w", err)
	}
	a.locker = held
	for name, h := range site.Hosts {
		site.Hosts[name] = held.Guard(h)
	}
	giveBack := sync.OnceValue(held.Close)
	a.stop.tidying(func() { within(tidyTime, func() { _ = giveBack() }) }) // hosts that do not answer free it by themselves
	return func() {
		a.stop.tidying(nil)
		a.locker = nil
		if err := giveBack(); err != nil {
			a.sayf("rcwizard: unlock the hosts: %v\n", err)
		}
	}, nil
}

// endedHere tells of a holder that it was a process of this login on this
// machine, and is no more: killed, or gone with the machine's power. Of one that
// is not surely gone it says no.
func (a *app) endedHere(h lock.Holder, from string) bool {
	return h.From == from && h.User == a.login() && h.PID > 0 && errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH)
}

// tidyTime is how long a person who leaves at a question waits at most until the
// hosts have their locks back.
const tidyTime = 3 * time.Second

// within waits for a function, and not longer than a time.
func within(limit time.Duration, do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// takenAway says why a run that lost its hosts ended, and what to do.
func (a *app) takenAway(ans answers) error {
	return lockLost(a.locker.Err(), a.resumeWith(ans.workspace.Name))
}

// lockLost is the end of a run whose lock is lost. That a host went away is no
// matter of another operator: the run failed, as it does where a step notices
// first.
func lockLost(why error, resume string) error {
	if lost, ok := errors.AsType[*lock.LostError](why); ok && lost.Err != nil {
		return &exitError{code: exitFailed, err: fmt.Errorf("the run ended, and changed nothing more: %w; see that ssh reaches %s from here, then go on with: %s", why, lost.Host, resume)}
	}
	return &exitError{code: exitLocked, err: fmt.Errorf("the run ended, and changed nothing more: %w; when nobody is at work any more, go on with: %s", why, resume)}
}

// places are where those hosts of a workspace keep their locks that are connected.
func places(w workspace.Workspace, hosts map[string]remote.Host) []lock.Place {
	sorted := slices.Clone(w.Hosts)
	slices.SortFunc(sorted, func(x, y workspace.Host) int { return strings.Compare(x.Name, y.Name) })
	out := make([]lock.Place, 0, len(sorted))
	for _, h := range sorted {
		if hosts[h.Name] == nil {
			continue
		}
		out = append(out, lock.Place{
			Host: hosts[h.Name], File: path.Join(w.Directory, lockName), NoRoot: h.Sudo == workspace.SudoNever,
		})
	}
	return out
}
