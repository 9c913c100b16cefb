package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace/question"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// Workspaces implements ui.Backend.
func (b *backend) Workspaces(ctx context.Context) ([]ui.Known, error) {
	dirs, err := b.dirs()
	if err != nil {
		return nil, err
	}
	known := make([]ui.Known, 0, len(dirs))
	for _, dir := range dirs {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("list the workspaces: %w", err)
		}
		known = append(known, b.look(dir))
	}
	slices.SortStableFunc(known, func(x, y ui.Known) int {
		return cmp.Or(order(x.State)-order(y.State), cmp.Compare(x.Name, y.Name))
	})
	return known, nil
}

// order puts what is unfinished first.
func order(s ui.State) int {
	switch s {
	case ui.Busy, ui.Unfinished:
		return 0
	case ui.Drafted:
		return 1
	case ui.Deployed, ui.Unreadable:
	}
	return 2
}

// dirs are the folders of everything that is kept on this machine.
func (b *backend) dirs() ([]string, error) {
	base, err := b.base()
	if err != nil {
		return nil, err
	}
	if base == "" {
		dir, err := b.named()
		if err != nil {
			return nil, err
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
			return nil, nil // it is still to be made
		}
		return []string{dir}, nil
	}
	drafts, err := state.Drafts(base)
	if err != nil {
		return nil, fmt.Errorf("list the drafts: %w", err)
	}
	names, err := state.List(base)
	if err != nil {
		return nil, fmt.Errorf("list the workspaces: %w", err)
	}
	dirs := make([]string, 0, len(drafts)+len(names))
	for _, id := range drafts {
		dirs = append(dirs, state.DraftDir(base, id))
	}
	for _, name := range names {
		dirs = append(dirs, filepath.Join(base, name))
	}
	return dirs, nil
}

// look tells what a folder keeps.
func (b *backend) look(dir string) ui.Known {
	k := ui.Known{Key: dir, Name: filepath.Base(dir), State: ui.Drafted}
	unreadable := func(err error) ui.Known {
		k.State, k.Why = ui.Unreadable, err.Error()
		return k
	}
	folder, err := b.draftFolder(dir)
	if err != nil {
		return unreadable(err)
	}
	d, err := b.read(folder)
	if err != nil {
		return unreadable(err)
	}
	w := d.Answers.Workspace.Complete()
	k.Name, k.Domain, k.Release, k.Page = w.Name, w.Domain, w.Release, d.Page
	k.Hosts, k.Instances = len(w.Hosts), len(w.Instances)
	history, err := engine.ReadJournal(folder.Journal())
	if err != nil {
		return unreadable(err)
	}
	if last, ok := history.Last(); ok {
		k.Last, k.State = runBefore(last), ui.Deployed
		if history.Unfinished() {
			k.State = ui.Unfinished
		}
	}
	if holder, busy := folder.Holder(); busy {
		k.State = ui.Busy
		k.Why = fmt.Sprintf("%s by %s since %s (process %d)", holder.Doing, holder.User, holder.Since.Format(time.TimeOnly), holder.PID)
	}
	return k
}

func runBefore(h engine.RunHistory) *ui.LastRun {
	last := &ui.LastRun{Doing: h.Plan, Started: h.Started, Ended: h.Ended, Outcome: h.Outcome, Steps: h.Steps, Done: len(h.Done)}
	for _, s := range h.Failed {
		if s.Failure != nil {
			last.Failures = append(last.Failures, *s.Failure)
		}
	}
	for _, s := range h.Cut {
		last.Cut = append(last.Cut, s.StepRef)
	}
	return last
}

// Open implements ui.Backend.
func (b *backend) Open(_ context.Context, key string) (ui.Draft, error) {
	folder, err := b.draftFolder(key)
	if err != nil {
		return ui.Draft{}, err
	}
	d, err := b.read(folder)
	if err != nil {
		return ui.Draft{}, err
	}
	b.a.redactor.Add(d.Answers.Secrets.Values()...)
	return d, nil
}

// read is what a folder keeps: the answers that are being changed, else those
// that were deployed.
func (b *backend) read(folder *state.DraftFolder) (ui.Draft, error) {
	b.disk.Lock()
	defer b.disk.Unlock()
	d, err := folder.Load()
	if err == nil {
		return ui.Draft{
			Key: folder.Dir(), Page: d.Page, Skips: d.Skips,
			Answers: question.Answers{Workspace: d.Workspace, Secrets: d.Secrets},
		}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return ui.Draft{}, fmt.Errorf("read the answers in %s: %w", folder.Dir(), err)
	}
	w, err := folder.LoadWorkspace()
	if err != nil {
		return ui.Draft{}, fmt.Errorf("read the answers in %s: %w", folder.Dir(), err)
	}
	secrets, err := folder.LoadSecrets()
	if err != nil {
		return ui.Draft{}, fmt.Errorf("read the secrets in %s: %w", folder.Dir(), err)
	}
	return ui.Draft{Key: folder.Dir(), Answers: question.Answers{Workspace: w, Secrets: secrets}}, nil
}

// Save implements ui.Backend. The passwords that rcwizard made stay kept, though
// the face never had them.
func (b *backend) Save(_ context.Context, d ui.Draft) (ui.Draft, error) {
	return b.save(d)
}

func (b *backend) save(d ui.Draft) (ui.Draft, error) {
	b.a.redactor.Add(d.All().Values()...)
	folder, err := b.folderFor(d.Key)
	if err != nil {
		return ui.Draft{}, err
	}
	b.disk.Lock()
	defer b.disk.Unlock()
	secrets, err := madeBefore(folder, d.Answers.Secrets)
	if err != nil {
		return ui.Draft{}, err
	}
	err = folder.Save(state.Draft{Page: d.Page, Skips: d.Skips, Workspace: d.Answers.Workspace, Secrets: secrets})
	if err != nil {
		return ui.Draft{}, fmt.Errorf("keep the answers: %w", err)
	}
	d.Key = folder.Dir()
	return d, nil
}

// folderFor is the folder that keeps a draft, made where there is none yet.
func (b *backend) folderFor(key string) (*state.DraftFolder, error) {
	if key != "" {
		return b.draftFolder(key)
	}
	base, err := b.base()
	if err != nil {
		return nil, err
	}
	if base != "" {
		folder, err := state.NewDraft(base, time.Now())
		if err != nil {
			return nil, fmt.Errorf("make a state folder: %w", err)
		}
		return folder, nil
	}
	dir, err := b.named()
	if err != nil {
		return nil, err
	}
	folder, err := state.OpenDraft(dir)
	if err != nil {
		return nil, fmt.Errorf("open the state folder: %w", err)
	}
	if _, err := b.read(folder); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s keeps a workspace already: open that one, or name another folder with --dir", dir)
	}
	return folder, nil
}
