package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// The names beside renderedDir while it is replaced.
const (
	renderedNew = renderedDir + ".new"
	renderedOld = renderedDir + ".old"
)

// ReplaceRendered replaces the files as they were last rendered by what write puts
// into the empty directory that it is given. A process that is ended in between
// leaves the ones before or the new ones, all of them, from the next Lock on.
func (f *Folder) ReplaceRendered(write func(dir string) error) error {
	if err := f.settleRendered(); err != nil {
		return err
	}
	if err := os.Mkdir(f.path(renderedNew), dirMode); err != nil {
		return fmt.Errorf("writing the rendered files: %w", err)
	}
	if err := write(f.path(renderedNew)); err != nil {
		return errors.Join(err, os.RemoveAll(f.path(renderedNew)))
	}
	// No directory can be renamed over one with something in it.
	if err := os.Rename(f.Rendered(), f.path(renderedOld)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replacing the rendered files: %w", err)
	}
	if err := os.Rename(f.path(renderedNew), f.Rendered()); err != nil {
		return fmt.Errorf("replacing the rendered files: %w", err)
	}
	if err := syncDir(f.dir); err != nil {
		return err
	}
	return f.settleRendered()
}

// settleRendered ends a replacement that was cut: what was there before comes back
// where the new files had not taken its place.
func (f *Folder) settleRendered() error {
	if _, err := os.Lstat(f.Rendered()); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(f.path(renderedOld), f.Rendered()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("bringing the rendered files back: %w", err)
		}
	}
	if err := errors.Join(os.RemoveAll(f.path(renderedNew)), os.RemoveAll(f.path(renderedOld))); err != nil {
		return fmt.Errorf("removing rendered files that were left: %w", err)
	}
	return nil
}
