package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/workspace/state"
)

func (a *app) unlockCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unlock [NAME]",
		Short: "Show who is working on the hosts, and take them away from them",
		Long: `Show who holds the lock of each host, and free it after a yes. Whoever holds it
stops before the next change, and what of theirs is running on the hosts is
ended; rcwizard resume goes on from there. A lock whose holder died frees itself
within seconds, one that is frozen or cut off after half a minute: unlock is for
a run that lives and should not.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.unlock(cmd.Context(), args)
		},
	}
	workspaceFlags(cmd)
	connectFlags(cmd)
	cmd.Flags().BoolP("yes", "y", false, "free what is held without asking")
	return cmd
}

// lockStanding is one host's lock, as unlock shows it.
type lockStanding struct {
	Host  string     `json:"host"`
	State lock.State `json:"state"`
	// Holder and Since are left out where nobody has it.
	Holder *lock.Holder `json:"holder,omitempty"`
	Since  *time.Time   `json:"since,omitempty"`

	place lock.Place
}

func (s lockStanding) String() string {
	switch s.State {
	case lock.Free:
		return "free"
	case lock.Left:
		return "free; left behind by " + s.Holder.String() + ", which died"
	case lock.Taken:
	}
	return s.Holder.String()
}

func (a *app) unlock(ctx context.Context, args []string) error {
	ans, err := a.answers(args)
	if err != nil {
		return err
	}
	return a.free(ctx, ans)
}

// free shows the locks of a workspace's hosts and takes those away that are held.
func (a *app) free(ctx context.Context, ans answers) error {
	if err := a.askSudo(&ans); err != nil {
		return err
	}
	a.redactor.Add(ans.all().Values()...)
	// A host that is down is often why a run is to be ended: the others are freed.
	hosts, failures, err := a.reach(ctx, &ans, nil)
	if err != nil {
		return err
	}
	defer closeAll(hosts)
	away := unreached(ans.workspace, failures)
	if len(hosts) == 0 {
		return away
	}
	all, err := lookAtLocks(ctx, places(ans.workspace, hosts))
	if err != nil {
		return err
	}
	if err := a.showLocks(all); err != nil {
		return err
	}
	a.tellLocalHolder(ans)
	var taken int
	var wanted []lockStanding
	for _, s := range all {
		if s.State != lock.Free {
			wanted = append(wanted, s)
		}
		if s.State == lock.Taken {
			taken++
		}
	}
	if taken > 0 {
		if err := a.mayUnlock(); err != nil {
			return err
		}
	}
	if err := a.breakLocks(ctx, wanted); err != nil || away == nil {
		return errors.Join(err, away)
	}
	return fmt.Errorf("%w\nits lock is not known; one that is held there frees itself half a minute after its holder was last heard", away)
}

// lookAtLocks asks all hosts at once.
func lookAtLocks(ctx context.Context, places []lock.Place) ([]lockStanding, error) {
	all := make([]lockStanding, len(places))
	errs := make([]error, len(places))
	var asked sync.WaitGroup
	for i, p := range places {
		asked.Go(func() {
			how, holder, err := lock.Look(ctx, p)
			all[i], errs[i] = lockStanding{Host: p.Host.Name(), State: how, place: p}, err
			if how != lock.Free {
				all[i].Holder, all[i].Since = &holder, &holder.Since
			}
		})
	}
	asked.Wait()
	return all, errors.Join(errs...)
}

func (a *app) showLocks(all []lockStanding) error {
	if a.config.GetBool("json") {
		return a.printJSON(all)
	}
	width := 0
	for _, s := range all {
		width = max(width, len(s.Host))
	}
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "%-*s  %s\n", width, s.Host, s)
	}
	return a.print(b.String())
}

// tellLocalHolder names a run on this machine, which only its end frees: the
// kernel gives a living process's lock to nobody else.
func (a *app) tellLocalHolder(ans answers) {
	l, err := ans.folder.Lock(state.Holder{PID: os.Getpid(), User: a.login(), Since: time.Now(), Doing: "unlock"})
	if err == nil {
		_ = l.Close()
		return
	}
	var locked *state.LockedError
	if errors.As(err, &locked) && locked.Holder.PID != 0 {
		a.sayf("on this machine %s by %s (process %d) has the workspace until it ends; to end it: kill %d\n",
			locked.Holder.Doing, locked.Holder.User, locked.Holder.PID, locked.Holder.PID)
	}
}

// mayUnlock asks whether to take the hosts away from a run that lives.
func (a *app) mayUnlock() error {
	if a.config.GetBool("yes") {
		return nil
	}
	if !a.sys.interactive {
		return usage(errors.New("nobody can be asked here: give --yes to free what is held"))
	}
	yes, err := a.ask("Take the hosts away? That run stops before its next change.")
	if err != nil {
		return err
	}
	if !yes {
		return &exitError{code: exitInterrupted, err: errors.New("nothing was freed")}
	}
	return nil
}

// breakLocks frees all at once and tells of each.
func (a *app) breakLocks(ctx context.Context, wanted []lockStanding) error {
	errs := make([]error, len(wanted))
	var asked sync.WaitGroup
	for i, s := range wanted {
		asked.Go(func() { errs[i] = lock.Break(ctx, s.place, s.Holder.ID) })
	}
	asked.Wait()
	for i, s := range wanted {
		if errs[i] == nil {
			a.sayf("%s: freed\n", s.Host)
		}
	}
	return errors.Join(errs...)
}
