package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/rcwizard/rcwizard/workspace/state"
)

// answersOrDraft are the answers that a command asks for, or, where no file is given
// and no workspace is known, those of the draft that the wizard keeps: to look at
// the hosts with, not to change them by, for a draft may still become anything.
func (a *app) answersOrDraft(args []string) (answers, error) {
	if a.config.GetString("file") != "" || len(args) > 0 {
		return a.answers(args)
	}
	folder, err := a.onlyDraft()
	if err != nil {
		return answers{}, err
	}
	if folder == nil {
		return a.answers(args)
	}
	if a.config.GetBool("apply") || a.config.GetBool("undo") {
		return answers{}, usage(fmt.Errorf("%s holds a draft of the wizard's, and firewalls are changed for a workspace alone: "+
			"write the files (e on the wizard's Check page), and run this with -f workspace.yaml", folder.Dir()))
	}
	d, err := folder.Load()
	if err != nil {
		return answers{}, fmt.Errorf("read the draft: %w", err)
	}
	w := d.Workspace.Complete()
	applyOverrides(a.config, &w)
	w = w.Complete()
	if err := w.Validate().Err(); err != nil {
		return answers{}, usage(fmt.Errorf("the draft in %s is not complete yet, go on with it in the wizard: %w", folder.Dir(), err))
	}
	a.sayf("the answers are those of the wizard's draft in %s\n", folder.Dir())
	return answers{workspace: w, secrets: d.Secrets, folder: folder.Folder, warnings: w.Validate().Warnings(), upstream: folder.Upstream()}, nil
}

// onlyDraft is the draft that there is where no workspace is known, in the folder
// that --dir names or among those of this machine; nil if there is none. Of several
// it says what to do.
func (a *app) onlyDraft() (*state.DraftFolder, error) {
	dir := a.config.GetString("dir")
	if dir == "" {
		base, err := state.Base(a.sys.env, a.home)
		if err != nil {
			return nil, fmt.Errorf("find the state folder: %w", err)
		}
		names, err := state.List(base)
		if err != nil {
			return nil, fmt.Errorf("list the workspaces: %w", err)
		}
		ids, err := state.Drafts(base)
		switch {
		case err != nil:
			return nil, fmt.Errorf("list the drafts: %w", err)
		case len(names) > 0 || len(ids) == 0:
			return nil, nil //nolint:nilnil // there is none, which is no error
		case len(ids) > 1:
			return nil, usage(errors.New("no workspace is known on this machine, but several drafts of the wizard's: " +
				"open the one that is meant with rcwizard, whose Check page does the same"))
		}
		dir = state.DraftDir(base, ids[0])
	}
	folder, err := state.OpenDraft(dir)
	if err != nil {
		return nil, fmt.Errorf("open the state folder: %w", err)
	}
	if _, err := folder.LoadWorkspace(); !errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // a workspace, which is read by those who want it
	}
	if _, err := folder.Load(); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // neither
	} else if err != nil {
		return nil, fmt.Errorf("read the draft: %w", err)
	}
	return folder, nil
}
