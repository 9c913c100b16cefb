package upstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// sumsName lists what was fetched, in the form of sha256sum, so that anybody can
// look at it with sha256sum -c.
const sumsName = "SHA256SUMS"

// unfinished begins the names of folders that are not whole yet.
const unfinished = ".fetching-"

// Cache keeps what was fetched: a folder for each commit, which is there whole or
// not at all.
type Cache struct {
	// Dir is made when something is kept. Empty: nothing is kept.
	Dir string
}

// errIncomplete says that a folder is not, or not any more, what was kept there.
var errIncomplete = errors.New("it is not whole")

// Get returns the files of a commit: as they were kept, without asking anybody, or
// else fetched and kept. fetching is called before somebody is asked; it may be nil.
//
// A kept file that is not as its sum says is fetched again. Of a commit that nobody
// vouches for, each file counts as it was fetched first, so that it is then the
// same.
func (c Cache) Get(ctx context.Context, s Source, commit Commit, paths []string, fetching func()) (map[string][]byte, error) {
	files, first, err := c.load(commit, paths)
	if err == nil {
		return files, nil
	}
	if fetching != nil {
		fetching()
	}
	if files, err = s.fetch(ctx, commit, paths, func(path string, content []byte) error {
		want, kept := first[path]
		if commit.Sums != nil {
			want, kept = commit.Sums[path], true
		}
		if !kept {
			return nil
		}
		return compare(want, content)
	}); err != nil {
		return nil, err
	}
	if err := c.keep(commit, files); err != nil {
		return nil, err
	}
	return files, nil
}

// load reads what is kept. first are the sums of what was kept once, also if it is
// no longer so.
func (c Cache) load(commit Commit, paths []string) (files map[string][]byte, first map[string]string, err error) {
	if c.Dir == "" {
		return nil, nil, errIncomplete
	}
	dir := filepath.Join(c.Dir, commit.ID)
	sums := commit.Sums
	if sums == nil {
		if first, err = readSums(filepath.Join(dir, sumsName)); err != nil {
			return nil, nil, err
		}
		sums = first
	}
	files = make(map[string][]byte, len(paths))
	for _, path := range paths {
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, first, fmt.Errorf("read what was fetched: %w", err)
		}
		if Sum(content) != sums[path] {
			return nil, first, errIncomplete
		}
		files[path] = content
	}
	return files, first, nil
}

// keep writes a folder beside and gives it its name when everything in it is on
// the disk.
func (c Cache) keep(commit Commit, files map[string][]byte) (err error) {
	if c.Dir == "" {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep what was fetched in %s: %w", c.Dir, err)
		}
	}()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err //nolint:wrapcheck // above
	}
	c.clear()
	beside, err := os.MkdirTemp(c.Dir, unfinished)
	if err != nil {
		return err //nolint:wrapcheck // above
	}
	defer os.RemoveAll(beside) //nolint:errcheck // what it could not remove, the next run does
	var sums strings.Builder
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err := write(filepath.Join(beside, filepath.FromSlash(path)), files[path]); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", Sum(files[path]), path)
	}
	if err := write(filepath.Join(beside, sumsName), []byte(sums.String())); err != nil {
		return err
	}
	dir := filepath.Join(c.Dir, commit.ID)
	if err := os.RemoveAll(dir); err != nil { // it was not whole
		return err //nolint:wrapcheck // above
	}
	if err := os.Rename(beside, dir); err != nil {
		if errors.Is(err, fs.ErrExist) { // another run was faster
			return nil
		}
		return err //nolint:wrapcheck // above
	}
	return nil
}

// write puts one file onto the disk whole, with its folders.
func write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err //nolint:wrapcheck // by keep
	}
	return renameio.WriteFile(name, content, 0o600) //nolint:wrapcheck // by keep
}

// abandoned is the age at which a folder that is not whole belongs to a run that
// was killed: longer than all files may take.
const abandoned = time.Hour

// clear removes what killed runs have left.
func (c Cache) clear() {
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), unfinished) && time.Since(info.ModTime()) > abandoned {
			_ = os.RemoveAll(filepath.Join(c.Dir, e.Name())) // it only takes room
		}
	}
}

func readSums(name string) (map[string]string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read what was fetched: %w", err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		sum, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok {
			return nil, errIncomplete
		}
		out[path] = sum
	}
	return out, nil
}
