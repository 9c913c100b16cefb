package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
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
	// empty where nothing but a secret changed.
	Unified string
	// SecretChanged says that a value changed that is masked.
	SecretChanged bool
}

// Diff compares an earlier export, as a file system, with a tree and returns
// the files that differ, sorted by path.
func Diff(old fs.FS, t Tree) ([]FileDiff, error) {
	var out []FileDiff
	current := map[string]bool{}
	for _, f := range t.Exported() {
		current[f.Path] = true
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
	err := fs.WalkDir(old, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || current[name] {
			return err
		}
		before, err := fs.ReadFile(old, name)
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		out = append(out, compare(name, Deleted, before, nil))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("compare with the earlier export: %w", err)
	}
	slices.SortFunc(out, func(a, b FileDiff) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// compare makes the difference of two contents; nil is no file.
func compare(name string, kind DiffKind, before, after []byte) FileDiff {
	maskedBefore, maskedAfter := Masked(name, before), Masked(name, after)
	if before == nil {
		maskedBefore = nil
	}
	if after == nil {
		maskedAfter = nil
	}
	return FileDiff{
		Path:          name,
		Kind:          kind,
		Unified:       string(diff.Diff("a/"+name, maskedBefore, "b/"+name, maskedAfter)),
		SecretChanged: kind == Updated && secretsDiffer(name, before, after),
	}
}

// secretsDiffer reports whether more changed than can be seen: a line that is
// masked, in a file where the masked lines would be the same or not.
func secretsDiffer(name string, before, after []byte) bool {
	return !slices.Equal(maskedLines(name, before), maskedLines(name, after))
}

// maskedLines are the lines that Masked changes, unmasked.
func maskedLines(name string, content []byte) []string {
	masked := slices.Collect(strings.Lines(string(Masked(name, content))))
	var out []string
	n := 0
	for line := range strings.Lines(string(content)) {
		if n >= len(masked) || masked[n] != line {
			out = append(out, line)
		}
		n++
	}
	return out
}
