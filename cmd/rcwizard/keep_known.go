package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// known is what a list says of one draft or workspace. What cannot be read is
// listed, and says so. No host is asked for it.
func (k *keeper) known(key string) ui.Known {
	known := ui.Known{Key: key, Name: strings.TrimPrefix(key, draftKey)}
	unreadable := func(err error) ui.Known {
		known.State, known.Why = ui.Unreadable, err.Error()
		return known
	}
	f, err := k.folder(key)
	if err != nil {
		return unreadable(err)
	}
	draft, from, err := k.read(f)
	if err != nil {
		return unreadable(err)
	}
	w := draft.Answers.Workspace.Complete()
	known.Name, known.Domain, known.Release = w.Name, w.Domain, w.Release
	known.Hosts, known.Instances, known.Page = len(w.Hosts), len(w.Instances), draft.Page
	cut, err := underWay(answers{folder: f.Folder})
	if err != nil {
		return unreadable(err)
	}
	history, unread := engine.ReadJournal(f.Journal())
	if unread != nil && !errors.Is(unread, engine.ErrNotJournal) {
		return unreadable(unread)
	}
	if old := stale(f.Folder, from, draft.Answers.Workspace); old != "" {
		known.Notes, known.Stale = []string{old}, true
	}
	known.Notes = append(known.Notes, k.app.oddities(history, unread)...)
	known.State = farness(&history, unread, cut)
	if last, ok := history.Last(); ok {
		known.Last = lastRun(last)
	}
	if cut != nil {
		known.UnderWay = &ui.Change{
			Kind: kindOf(cut.Verb), Instances: cut.Instances, Begun: true, Drain: cut.Drain, WithoutHost: cut.WithoutHost,
		}
	}
	if holder, busy := f.Holder(); busy {
		known.State = ui.Busy
		known.Why = fmt.Sprintf("%s by %s since %s (process %d)", holder.Doing, holder.User, holder.Since.Format(time.TimeOnly), holder.PID)
	}
	if known.State == ui.Unfinished {
		r := k.app.resumed(goingOn(f, draft, cut), history, unread)
		if known.Stale {
			r.Notes = slices.Insert(r.Notes, 0, known.Notes[0])
		}
		known.Resume = &r
	}
	return known
}

// farness is how far a workspace came. It leaves changes of instances out of the
// history that did not come to their end and are under way no more: they changed
// nothing, or were taken back, and the workspace is what it was before them.
func farness(h *engine.History, unread error, cut *state.Alteration) ui.State {
	changes := []string{steps.PlanAdd, steps.PlanTakeBack, steps.PlanRemove}
	ran := len(h.Runs) > 0
	for cut == nil {
		last, ok := h.Last()
		if !ok || last.Outcome == engine.Succeeded || !slices.Contains(changes, last.Plan) {
			break
		}
		h.Runs = h.Runs[:len(h.Runs)-1]
	}
	last, ok := h.Last()
	switch {
	case cut != nil, unread != nil: // the hosts say how far it came
		return ui.Unfinished
	case ok && last.Outcome != engine.Succeeded:
		return ui.Unfinished
	case ran: // nobody changes the instances of what was not deployed
		return ui.Deployed
	}
	return ui.Drafted
}

// kindOf is the kind of change that a plan makes.
func kindOf(verb string) ui.ChangeKind {
	if verb == steps.PlanRemove {
		return ui.RemoveInstances
	}
	return ui.AddInstances
}

// goingOn are the answers that going on carries out, and those that the folder
// kept before: a change goes on with what is kept, all else with what was answered
// since.
func goingOn(f *state.DraftFolder, d ui.Draft, cut *state.Alteration) answers {
	ans := answers{workspace: d.Answers.Workspace.Complete(), secrets: d.Answers.Secrets, folder: f.Folder}
	kept, err := f.LoadWorkspace()
	if err != nil {
		return ans // there are none before, or the run says why they cannot be read
	}
	kept = kept.Complete()
	ans.lastTime = &kept
	if cut != nil {
		ans.workspace = kept
	}
	return ans
}

func lastRun(last engine.RunHistory) *ui.LastRun {
	out := &ui.LastRun{
		Doing: last.Plan, Started: last.Started, Seen: last.Seen, Ended: last.Ended, Outcome: last.Outcome,
		Steps: last.Steps, Done: len(last.Done),
	}
	for _, s := range last.Failed {
		if s.Failure != nil {
			out.Failures = append(out.Failures, *s.Failure)
		}
	}
	for _, s := range last.Cut {
		out.Cut = append(out.Cut, s.StepRef)
	}
	return out
}
