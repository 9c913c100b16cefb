package main

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// basis is what a folder kept when answers in it were opened to be changed. Those
// are carried out only while it keeps the same.
type basis struct {
	// workspace is nil where there was none yet.
	workspace *workspace.Workspace
	secrets   workspace.Secrets
	// cut is what was under way; nil if nothing was.
	cut *state.Alteration
}

// basisOf is what a folder keeps now.
func basisOf(f *state.Folder) (basis, error) {
	var out basis
	w, err := f.LoadWorkspace()
	switch {
	case err == nil:
		out.workspace = &w
	case !errors.Is(err, fs.ErrNotExist):
		return basis{}, fmt.Errorf("read the answers in %s: %w", f.Dir(), err)
	}
	if out.secrets, err = f.LoadSecrets(); err != nil {
		return basis{}, fmt.Errorf("read the secrets in %s: %w", f.Dir(), err)
	}
	out.cut, err = underWay(answers{folder: f})
	return out, err
}

// unchanged sees, with the lock, that the folder keeps what it kept then.
func (b basis) unchanged(f *state.Folder) error {
	then := answers{folder: f, lastTime: b.workspace, drawn: true}
	if err := then.unchanged(b.cut); err != nil {
		return err
	}
	secrets, err := f.LoadSecrets()
	if err != nil {
		return fmt.Errorf("read the secrets in %s: %w", f.Dir(), err)
	}
	if !reflect.DeepEqual(secrets, b.secrets) {
		return errors.New(changedMeanwhile)
	}
	return nil
}

// opens notes what the folder of a key keeps, of which answers are opened, or
// which this process has just written. What cannot be read is told when the
// answers are carried out.
func (k *keeper) opens(key string, f *state.Folder) {
	now, err := basisOf(f)
	if err != nil {
		k.opened.Delete(k.now(key))
		return
	}
	k.opened.Store(k.now(key), now)
}

// openedOn is the basis of the answers under a key: for a draft that was never
// opened here, since it was begun here, what its folder keeps now.
func (k *keeper) openedOn(key string) (basis, error) {
	if was, ok := k.opened.Load(k.now(key)); ok {
		return was.(basis), nil //nolint:forcetypeassert // nothing else is stored
	}
	f, err := k.folder(key)
	if err != nil {
		return basis{}, err
	}
	return basisOf(f.Folder)
}
