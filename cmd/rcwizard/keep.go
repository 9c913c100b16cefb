package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// keeper is the part of a wizard's Backend that is about what is kept on this
// machine: the workspaces, and the drafts that are to become some. The key of a
// workspace is its name, that of a draft draftKey and its id; with --dir there
// is one folder, whose key is here.
type keeper struct {
	app *app

	// mu is for what is written.
	mu sync.Mutex
	// moved are the keys of drafts that have become workspaces since: a face may
	// go on with the key that it had.
	moved sync.Map
	// opened are the bases of the answers that were opened, by key, and drawn the
	// marks of those that they were drawn from, which may be older.
	opened, drawn sync.Map
}

const (
	draftKey = "draft:"
	here     = "."
)

// Workspaces lists drafts and workspaces, those first with which something is
// still to be done.
func (k *keeper) Workspaces(ctx context.Context) ([]ui.Known, error) {
	keys, err := k.keys()
	if err != nil {
		return nil, err
	}
	known := make([]ui.Known, 0, len(keys))
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("list the workspaces: %w", err)
		}
		known = append(known, k.known(key))
	}
	finished := func(one ui.Known) int {
		if one.State == ui.Drafted || one.State == ui.Unfinished {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(known, func(x, y ui.Known) int { return finished(x) - finished(y) })
	return known, nil
}

// keys are those of everything that is kept, sorted by name within drafts and
// workspaces.
func (k *keeper) keys() ([]string, error) {
	if dir := k.app.config.GetString("dir"); dir != "" {
		entries, err := os.ReadDir(dir)
		if len(entries) > 0 {
			return []string{here}, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("list the workspaces: %w", err)
		}
		return nil, nil
	}
	base, err := k.base()
	if err != nil {
		return nil, err
	}
	ids, err := state.Drafts(base)
	if err != nil {
		return nil, fmt.Errorf("list the drafts: %w", err)
	}
	names, err := state.List(base)
	if err != nil {
		return nil, fmt.Errorf("list the workspaces: %w", err)
	}
	keys := make([]string, 0, len(ids)+len(names))
	for _, id := range ids {
		keys = append(keys, draftKey+id)
	}
	return append(keys, names...), nil
}

func (k *keeper) base() (string, error) {
	base, err := state.Base(k.app.sys.env, k.app.home)
	if err != nil {
		return "", fmt.Errorf("find the state folder: %w", err)
	}
	return base, nil
}

// now is the key that a key has become.
func (k *keeper) now(key string) string {
	if to, ok := k.moved.Load(key); ok {
		return to.(string) //nolint:forcetypeassert // nothing else is stored
	}
	return key
}

// dir is the folder of a key.
func (k *keeper) dir(key string) (string, error) {
	key = k.now(key)
	if dir := k.app.config.GetString("dir"); dir != "" {
		return dir, nil
	}
	base, err := k.base()
	if err != nil {
		return "", err
	}
	if id, ok := strings.CutPrefix(key, draftKey); ok {
		return state.DraftDir(base, id), nil
	}
	return filepath.Join(base, filepath.Base(key)), nil
}

// folder opens what is kept under a key.
func (k *keeper) folder(key string) (*state.DraftFolder, error) {
	dir, err := k.dir(key)
	if err != nil {
		return nil, err
	}
	f, err := state.OpenDraft(dir)
	if err != nil {
		return nil, fmt.Errorf("open what is kept: %w", err)
	}
	return f, nil
}

// read is the draft in a folder, with the mark of what it was drawn from, or else
// the answers of the workspace there: a workspace of which answers are being changed
// has both.
func (k *keeper) read(f *state.DraftFolder) (d ui.Draft, from string, err error) {
	kept, err := f.Load()
	if err == nil {
		return ui.Draft{Page: kept.Page, Skips: kept.Skips, Answers: question.Answers{Workspace: kept.Workspace, Secrets: kept.Secrets}}, kept.Basis, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return ui.Draft{}, "", fmt.Errorf("read the draft: %w", err)
	}
	w, err := f.LoadWorkspace()
	if err != nil {
		return ui.Draft{}, "", fmt.Errorf("read the answers in %s: %w", f.Dir(), err)
	}
	secrets, err := f.LoadSecrets()
	if err != nil {
		return ui.Draft{}, "", fmt.Errorf("read the secrets in %s: %w", f.Dir(), err)
	}
	return ui.Draft{Answers: question.Answers{Workspace: w, Secrets: secrets}}, "", nil
}

// Open reads what is kept under a key.
func (k *keeper) Open(_ context.Context, key string) (ui.Draft, error) {
	f, err := k.folder(key)
	if err != nil {
		return ui.Draft{}, err
	}
	k.opens(key, f.Folder) // before they are read: what changes in between is noticed
	d, from, err := k.read(f)
	d.Key = key
	if from != "" {
		k.drawn.Store(k.now(key), from)
	}
	k.app.redactor.Add(d.Answers.Secrets.Values()...)
	return d, err
}

// Forget drops the answers that are being changed beside those that a workspace
// keeps.
func (k *keeper) Forget(_ context.Context, key string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, err := k.folder(key)
	if err != nil {
		return err
	}
	if _, err := f.LoadWorkspace(); err != nil {
		return fmt.Errorf("read the answers in %s: %w", f.Dir(), err)
	}
	if err := f.Forget(); err != nil {
		return fmt.Errorf("drop the answers that were begun: %w", err)
	}
	k.opens(key, f.Folder)
	return nil
}

// Save keeps a draft as a whole.
func (k *keeper) Save(_ context.Context, d ui.Draft) (ui.Draft, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if d.Change != nil {
		return d, k.saveChange(d)
	}
	_, err := k.save(&d)
	return d, err
}

func (k *keeper) save(d *ui.Draft) (*state.DraftFolder, error) {
	d.Key = k.now(d.Key)
	k.app.redactor.Add(d.All().Values()...)
	f, err := k.place(d)
	if err != nil {
		return nil, err
	}
	secrets, err := k.withMade(f, d.Answers.Secrets)
	if err != nil {
		return nil, err
	}
	if err := f.Save(state.Draft{
		Page: d.Page, Skips: d.Skips, Basis: k.drawnFrom(d.Key, f.Folder), Workspace: d.Answers.Workspace, Secrets: secrets,
	}); err != nil {
		return nil, fmt.Errorf("keep the answers: %w", err)
	}
	return f, nil
}

// withMade fills in the passwords that rcwizard made earlier, where nobody gave
// others: a face does not know them, and they are made once.
func (k *keeper) withMade(f *state.DraftFolder, s workspace.Secrets) (workspace.Secrets, error) {
	var old workspace.Secrets
	d, err := f.Load()
	switch {
	case err == nil:
		old = d.Secrets
	case !errors.Is(err, fs.ErrNotExist):
		return workspace.Secrets{}, fmt.Errorf("read the draft: %w", err)
	default:
		if old, err = f.LoadSecrets(); err != nil {
			return workspace.Secrets{}, fmt.Errorf("read the secrets in %s: %w", f.Dir(), err)
		}
	}
	if s.GrafanaAdminPassword == "" {
		s.GrafanaAdminPassword = old.GrafanaAdminPassword
	}
	if s.AdminPassword == "" {
		s.AdminPassword = old.AdminPassword
	}
	return s, nil
}

// place is where a draft is kept, made where it has no place yet.
func (k *keeper) place(d *ui.Draft) (*state.DraftFolder, error) {
	switch {
	case k.app.config.GetString("dir") != "":
		// There is room for one: another must not take the place of its answers.
		if all, err := k.keys(); err != nil {
			return nil, err
		} else if d.Key == "" && len(all) > 0 {
			if one := k.known(here); one.State != ui.Drafted || one.Hosts > 0 {
				return nil, usage(fmt.Errorf("%s holds the workspace %s: go on with it, or give a new one another --dir", k.app.config.GetString("dir"), or(one.Name, "of other answers")))
			}
		}
		d.Key = here
	case d.Key == "":
		base, err := k.base()
		if err != nil {
			return nil, err
		}
		f, err := state.NewDraft(base, time.Now())
		if err != nil {
			return nil, fmt.Errorf("keep the answers: %w", err)
		}
		d.Key = draftKey + f.ID()
		return f, nil
	}
	return k.folder(d.Key)
}

// adopt makes a draft the workspace of its name, with the answers that are in
// it, and returns its folder. A workspace that has one keeps it. Another's is
// never taken: the error is a *state.TakenError.
func (k *keeper) adopt(d ui.Draft) (*state.Folder, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := d.Answers.Workspace.Complete().Name
	if f, err := k.folder(d.Key); d.Key != "" && err == nil {
		if before, err := f.LoadWorkspace(); err == nil && before.Name != name {
			return nil, usage(fmt.Errorf("the workspace %s keeps its name, which its files on the hosts bear: give it back, or begin a new workspace", before.Name))
		}
	}
	f, err := k.save(&d)
	if err != nil {
		return nil, err
	}
	to := f.Dir()
	if strings.HasPrefix(d.Key, draftKey) {
		to = filepath.Join(filepath.Dir(filepath.Dir(to)), name)
	}
	folder, err := f.Adopt(to)
	if err != nil {
		var invalid *workspace.InvalidError
		var taken *state.TakenError
		if errors.As(err, &invalid) || errors.As(err, &taken) {
			return nil, usage(err)
		}
		return nil, fmt.Errorf("make the workspace: %w", err)
	}
	if strings.HasPrefix(d.Key, draftKey) {
		k.moved.Store(d.Key, name)
	}
	k.opens(d.Key, folder)
	return folder, nil
}
