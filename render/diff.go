package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// DiffKind says what became of a file.
type DiffKind string

// The kinds of difference.
const (
	Created DiffKind = "created"
	Updated DiffKind = "updated"
	Deleted DiffKind = "deleted" // in the earlier export, and no longer in the tree
)

// FileDiff is how one file differs from an earlier export.
type FileDiff struct {
	Path string
	Kind DiffKind
	// Unified is the difference as a unified diff, with secrets masked. It is
	// empty where nothing but a secret changed, and for a deleted file: what it
	// holds is not known.
	Unified string
	// SecretChanged says that a value changed that is masked.
	SecretChanged bool
}

// Diff compares an earlier export, as a file system, with a tree and returns
// the files that differ, sorted by path.
func Diff(old fs.FS, t Tree) ([]FileDiff, error) {
	var out []FileDiff
	for _, f := range t.Exported() {
		before, err := fs.ReadFile(old, f.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, compare(f.Path, Created, nil, f.Content))
		case err != nil:
			return nil, fmt.Errorf("compare with the earlier export: %w", err)
		case !bytes.Equal(before, f.Content):
			out = append(out, compare(f.Path, Updated, before, f.Content))
		}
	}
	left, err := leftovers(old, t)
	if err != nil {
		return nil, fmt.Errorf("compare with the earlier export: %w", err)
	}
	for _, name := range left {
		out = append(out, FileDiff{Path: name, Kind: Deleted})
	}
	slices.SortFunc(out, func(a, b FileDiff) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// compare makes the difference of two contents; nil is no file.
func compare(name string, kind DiffKind, before, after []byte) FileDiff {
	maskedBefore, hiddenBefore := masking(name, string(before))
	maskedAfter, hiddenAfter := masking(name, string(after))
	if before == nil {
		maskedBefore = ""
	}
	return FileDiff{
		Path:          name,
		Kind:          kind,
		Unified:       string(diff.Diff("a/"+name, []byte(maskedBefore), "b/"+name, []byte(maskedAfter))),
		SecretChanged: kind == Updated && !slices.Equal(hiddenBefore, hiddenAfter),
	}
}

// leftovers are the files of an earlier export that are none of the tree's, as
// paths in it: of projects, also on hosts that the workspace no longer has.
// Nothing else in the folder is looked at, since it need not be an export alone.
func leftovers(old fs.FS, t Tree) ([]string, error) {
	current := map[string]bool{}
	for _, f := range t.Exported() {
		current[f.Path] = true
	}
	var out []string
	for _, pattern := range []string{"*/database", "*/proxy", "*/instances/*"} {
		folders, err := fs.Glob(old, pattern)
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", pattern, err)
		}
		for _, folder := range folders {
			// What rcwizard exports has a .env in each project.
			if _, err := fs.Stat(old, path.Join(folder, ".env")); err != nil {
				continue
			}
			err := fs.WalkDir(old, folder, func(name string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && !current[name] {
					out = append(out, name)
				}
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("look at %s: %w", folder, err)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}
