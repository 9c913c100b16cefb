package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"

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
		k.drawn.Delete(k.now(key))
		return
	}
	k.opened.Store(k.now(key), now)
	k.drawn.Store(k.now(key), mark(now.workspace))
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

// mark tells answers that are kept from others; empty where there are none.
func mark(w *workspace.Workspace) string {
	if w == nil {
		return ""
	}
	text, err := w.Complete().Marshal()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// drawnFrom is the mark of the answers that those under a key were drawn from. Of
// what was never opened here it is that of what the folder keeps.
func (k *keeper) drawnFrom(key string, f *state.Folder) string {
	if from, ok := k.drawn.Load(k.now(key)); ok {
		return from.(string) //nolint:forcetypeassert // nothing else is stored
	}
	now, err := basisOf(f)
	if err != nil {
		return ""
	}
	return mark(now.workspace)
}

// stale says that answers were drawn from others than a folder keeps now, so that
// to carry them out takes back what another run has done since; empty if they were
// not, or if nobody knows.
func stale(f *state.Folder, from string, drawn workspace.Workspace) string {
	kept, err := f.LoadWorkspace()
	if err != nil || from == "" || from == mark(&kept) {
		return ""
	}
	text := "these answers are older than what another run has changed since"
	drawn = drawn.Complete()
	var missing []string
	for _, name := range instanceNames(kept.Complete()) {
		if _, there := drawn.Instance(name); !there {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		text += ", and have no " + strings.Join(missing, ", ")
	}
	return text + ": carried out as they are, they take that back"
}
