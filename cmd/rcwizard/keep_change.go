package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// additionDir is where an addition is kept that is being described, in the folder
// of its workspace. It is a draft of the answers with what is added.
const additionDir = "addition"

// Alter opens a deployed workspace for instances to come or go.
func (k *keeper) Alter(_ context.Context, key string, kind ui.ChangeKind) (ui.Draft, error) {
	f, err := k.folder(key)
	if err != nil {
		return ui.Draft{}, err
	}
	w, err := f.LoadWorkspace()
	if err != nil {
		return ui.Draft{}, fmt.Errorf("read the answers in %s: %w", f.Dir(), err)
	}
	w = w.Complete()
	secrets, err := f.LoadSecrets()
	if err != nil {
		return ui.Draft{}, fmt.Errorf("read the secrets in %s: %w", f.Dir(), err)
	}
	d := ui.Draft{Key: key, Answers: question.Answers{Workspace: w, Secrets: secrets}, Change: &ui.Change{Kind: kind}}
	if kind == ui.RemoveInstances {
		d.Change.Drain = removeDrain
	}
	cut, err := underWay(answers{folder: f.Folder})
	switch {
	case err != nil:
		return ui.Draft{}, err
	case cut != nil && cut.Verb == steps.PlanRemove && kind == ui.AddInstances:
		return ui.Draft{}, usage(fmt.Errorf("%s was cut: bring that to its end first", doing(*cut)))
	case cut != nil:
		// What is being added can also be taken back.
		d.Change.Instances, d.Change.Begun = cut.Instances, true
		if d.Answers.Workspace, err = k.app.joined(answers{workspace: w, folder: f.Folder}, *cut); err != nil {
			return ui.Draft{}, err
		}
		if cut.Verb == steps.PlanRemove {
			d.Change.Drain, d.Change.WithoutHost = cut.Drain, cut.WithoutHost
		}
	case kind == ui.AddInstances:
		if err := kept(f.Folder, &d); err != nil {
			return ui.Draft{}, err
		}
	}
	k.app.redactor.Add(d.Answers.Secrets.Values()...)
	return d, nil
}

// kept brings back the addition that was being described, if the workspace is
// still the one that it was described for.
func kept(f *state.Folder, d *ui.Draft) error {
	dir := filepath.Join(f.Dir(), additionDir)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	addition, err := state.OpenDraft(dir)
	if err != nil {
		return fmt.Errorf("open the addition that was begun: %w", err)
	}
	was, err := addition.Load()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the addition that was begun: %w", err)
	}
	with := was.Workspace.Complete()
	var names []string
	for _, i := range with.Instances {
		if _, there := d.Answers.Workspace.Instance(i.Name); !there {
			names = append(names, i.Name)
		}
	}
	if len(names) == 0 || !sameWorkspace(with.Without(names...), d.Answers.Workspace) {
		return nil
	}
	d.Page, d.Skips = was.Page, was.Skips
	d.Change.Instances = names
	d.Answers.Workspace = was.Workspace
	for _, h := range was.Workspace.Hosts {
		if said, some := was.Secrets.Hosts[h.Name]; some {
			d.Answers.Secrets = d.Answers.Secrets.Override(workspace.Secrets{Hosts: map[string]workspace.HostSecrets{h.Name: said}})
		}
	}
	return nil
}

// saveChange keeps an addition that is being described beside the workspace. One
// that was carried out is kept no more, and of a removal there is nothing to keep.
func (k *keeper) saveChange(d ui.Draft) error {
	if d.Change.Kind == ui.RemoveInstances || d.Change.Begun {
		return nil
	}
	k.app.redactor.Add(d.All().Values()...)
	f, err := k.folder(d.Key)
	if err != nil {
		return err
	}
	w, err := f.LoadWorkspace()
	if err != nil {
		return fmt.Errorf("read the answers in %s: %w", f.Dir(), err)
	}
	dir := filepath.Join(f.Dir(), additionDir)
	if !slices.ContainsFunc(d.Change.Instances, func(name string) bool { _, there := w.Instance(name); return !there }) {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("forget the addition: %w", err)
		}
		return nil
	}
	addition, err := state.OpenDraft(dir)
	if err != nil {
		return fmt.Errorf("keep the addition: %w", err)
	}
	if err := addition.Save(state.Draft{Page: d.Page, Skips: d.Skips, Workspace: d.Answers.Workspace, Secrets: d.Answers.Secrets}); err != nil {
		return fmt.Errorf("keep the addition: %w", err)
	}
	return nil
}

// carryOver makes the change to other answers too that somebody is giving to
// this workspace and that are not carried out yet, so that nobody takes it back by
// carrying them out; the addition that was described is done.
func (c *alteration) carryOver() error {
	if err := os.RemoveAll(filepath.Join(c.ans.folder.Dir(), additionDir)); err != nil {
		return fmt.Errorf("forget the addition: %w", err)
	}
	f, err := state.OpenDraft(c.ans.folder.Dir())
	if err != nil {
		return fmt.Errorf("open the answers that are being changed: %w", err)
	}
	d, err := f.Load()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the answers that are being changed: %w", err)
	}
	if c.adds {
		// By the names that instances have where nobody gave them one.
		w := d.Workspace.Complete()
		missing := slices.DeleteFunc(slices.Clone(c.names), func(name string) bool { _, there := w.Instance(name); return there })
		d.Workspace = d.Workspace.With(c.ans.workspace, missing...)
	} else {
		d.Workspace = d.Workspace.Complete().Without(c.names...)
	}
	// What this has changed is in them now: they are as new as they were before.
	for _, before := range []*workspace.Workspace{c.ans.lastTime, &c.without, &c.ans.workspace} {
		if d.Basis == "" || d.Basis != mark(before) {
			continue
		}
		now, err := c.ans.folder.LoadWorkspace()
		if err != nil {
			return fmt.Errorf("read the answers in %s: %w", c.ans.folder.Dir(), err)
		}
		d.Basis = mark(&now)
		break
	}
	d.Secrets = c.ans.secrets.Override(d.Secrets) // what somebody gave there is newer
	if err := f.Save(d); err != nil {
		return fmt.Errorf("keep the answers that are being changed: %w", err)
	}
	return nil
}
