package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// TakenError says that a workspace cannot have its folder, because there is one
// with something in it already.
type TakenError struct {
	Name string
	Dir  string
}

// Error names the folder and what can be done.
func (e *TakenError) Error() string {
	return fmt.Sprintf("there is a workspace %s already, in %s; give this one another name, or go on with that one: rcwizard resume %s", e.Name, e.Dir, e.Name)
}

// Adopt makes the draft, as it was saved last, the workspace that keeps its
// answers in dir. The draft is gone then. What has been saved must be valid: the
// error is a *workspace.InvalidError if it is not. Another workspace is never
// written over: the error is a *TakenError then, and the draft is as it was. A
// lock on the draft is one on the workspace afterwards.
//
// The folder appears with everything in it, or not at all. A process that is
// ended in between leaves the draft, or the workspace.
func (f *DraftFolder) Adopt(dir string) (*Folder, error) {
	d, err := f.Load()
	if err != nil {
		return nil, err
	}
	w := d.Workspace.Complete()
	if err := w.Validate().Err(); err != nil {
		return nil, err //nolint:wrapcheck // every problem names its field
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("opening the state folder: %w", err)
	}
	taken := &TakenError{Name: w.Name, Dir: dir}
	if dir != f.dir {
		if err := free(dir); err != nil {
			return nil, orTaken(err, taken)
		}
	}
	if err := f.SaveSecrets(d.Secrets); err != nil {
		return nil, err
	}
	f.between()
	if err := f.SaveWorkspace(w); err != nil {
		return nil, err
	}
	f.between()
	if dir != f.dir {
		if err := os.Rename(f.dir, dir); err != nil {
			return nil, orTaken(err, taken)
		}
		f.between()
		if err := errors.Join(syncDir(filepath.Dir(dir)), syncDir(filepath.Dir(f.dir))); err != nil {
			return nil, err
		}
		f.dir = dir
	}
	if err := f.removeBefore(int(^uint(0) >> 1)); err != nil {
		return nil, err
	}
	return f.Folder, nil
}

// free removes an empty folder; anything else that is there is an error.
func free(dir string) error {
	// Remove removes a file too, and a workspace's folder may be one by mistake.
	if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
		return fs.ErrExist
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err //nolint:wrapcheck // the caller says what it is about
	}
	return nil
}

// orTaken is the error for something that is in the way.
func orTaken(err error, taken *TakenError) error {
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
		return taken
	}
	return fmt.Errorf("making the state folder of %s: %w", taken.Name, err)
}
