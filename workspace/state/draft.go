package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// Draft is what has been answered so far of a workspace that is not one yet: it
// may lack a name, and be wrong in any way.
type Draft struct {
	// Page is the page that comes next, by the name that the face gave it.
	Page string
	// Skips are the checks that the person chose not to heed.
	Skips []string
	// Basis marks the answers that were kept when this was drawn from them, in the
	// writer's own way; empty where there were none, or where nobody knows.
	Basis string
	// Workspace is as it was said, without defaults.
	Workspace workspace.Workspace
	Secrets   workspace.Secrets
}

// The names of drafts. A draft is a folder in draftsDir, beside the workspaces,
// whose names cannot begin with a dot. Each Save makes a new folder of
// answers in it and then removes the one before, so that answers and secrets
// are always those of one moment.
const (
	draftsDir    = ".drafts"
	answersDir   = "answers."
	halfWritten  = ".answers-"
	progressFile = "progress.json"
)

// progress is what a draft knows beside the answers.
type progress struct {
	Page  string   `json:"page,omitempty"`
	Skips []string `json:"skips,omitempty"`
	Basis string   `json:"basis,omitempty"`
}

// Drafts returns the ids of the drafts in base, the oldest first; none if base
// does not exist. A draft that was begun and never saved is none.
func Drafts(base string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(base, draftsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the drafts: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if generations(filepath.Join(base, draftsDir, e.Name())) != nil {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// DraftFolder keeps one draft. Its methods are for one goroutine at a time;
// what keeps two runs apart is Lock.
type DraftFolder struct {
	*Folder

	// between is called after every change of the disk, for tests that end the
	// process there.
	between func()
}

// NewDraft makes the folder of a draft that begins now, in base.
func NewDraft(base string, now time.Time) (*DraftFolder, error) {
	if _, err := Open(filepath.Join(base, draftsDir)); err != nil {
		return nil, err
	}
	stamp := now.UTC().Format("20060102t150405z")
	for n := 1; ; n++ {
		id := stamp
		if n > 1 {
			id = fmt.Sprintf("%s-%d", stamp, n)
		}
		dir := filepath.Join(base, draftsDir, id)
		err := os.Mkdir(dir, dirMode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("creating the draft: %w", err)
		}
		return OpenDraft(dir)
	}
}

// DraftDir is the folder of a draft in base by its id, as Drafts lists them.
func DraftDir(base, id string) string { return filepath.Join(base, draftsDir, filepath.Base(id)) }

// OpenDraft returns the draft in a folder, which it creates as Open does. The
// folder may be any, such as one that a person named for the workspace.
func OpenDraft(dir string) (*DraftFolder, error) {
	f, err := Open(dir)
	if err != nil {
		return nil, err
	}
	return &DraftFolder{Folder: f, between: func() {}}, nil
}

// ID is the draft's name in Drafts.
func (f *DraftFolder) ID() string { return filepath.Base(f.dir) }

// Load reads the draft as it was saved last. The error wraps fs.ErrNotExist if
// it never was.
func (f *DraftFolder) Load() (Draft, error) {
	const tries = 3 // another run may save, and remove what was about to be read
	var d Draft
	var err error
	for range tries {
		if d, err = f.load(); err == nil || !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return d, err
}

func (f *DraftFolder) load() (Draft, error) {
	all := generations(f.dir)
	if len(all) == 0 {
		return Draft{}, fmt.Errorf("reading the draft in %s: %w", f.dir, fs.ErrNotExist)
	}
	dir := f.path(answersDir + strconv.Itoa(all[len(all)-1]))
	data, err := os.ReadFile(filepath.Join(dir, progressFile))
	if err != nil {
		return Draft{}, fmt.Errorf("reading the draft: %w", err)
	}
	var p progress
	if err := json.Unmarshal(data, &p); err != nil {
		return Draft{}, fmt.Errorf("reading the draft: %s: %w", filepath.Join(dir, progressFile), err)
	}
	d := Draft{Page: p.Page, Skips: p.Skips, Basis: p.Basis}
	answers := filepath.Join(dir, workspaceFile)
	if data, err = os.ReadFile(answers); err != nil {
		return Draft{}, fmt.Errorf("reading the draft: %w", err)
	}
	var problems workspace.Problems
	if d.Workspace, problems = workspace.Parse(answers, data); problems.Err() != nil {
		return Draft{}, problems.Err() //nolint:wrapcheck // every problem names the file and the line
	}
	d.Secrets, err = ReadSecrets(filepath.Join(dir, secretsFile))
	return d, err
}

// Save keeps the draft as a whole: whenever the process or the machine stops,
// Load reads all of this one or all of the one before, and from when Save
// returns this one.
func (f *DraftFolder) Save(d Draft) error {
	files, err := d.files()
	if err != nil {
		return fmt.Errorf("saving the draft: %w", err)
	}
	half, err := os.MkdirTemp(f.dir, halfWritten)
	if err != nil {
		return fmt.Errorf("saving the draft: %w", err)
	}
	f.between()
	next := 1
	all := generations(f.dir)
	if len(all) > 0 {
		next = all[len(all)-1] + 1
	}
	if err := f.publish(half, files, next); err != nil {
		return errors.Join(fmt.Errorf("saving the draft: %w", err), os.RemoveAll(half))
	}
	return f.removeBefore(next)
}

// files are the draft's files with their content.
func (d Draft) files() (map[string][]byte, error) {
	answers, err := d.Workspace.Marshal()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says that it is about YAML
	}
	secrets, err := d.Secrets.Marshal()
	if err != nil {
		return nil, err //nolint:wrapcheck // it says that it is about YAML
	}
	where, err := json.Marshal(progress{Page: d.Page, Skips: d.Skips, Basis: d.Basis})
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return map[string][]byte{workspaceFile: answers, secretsFile: secrets, progressFile: append(where, '\n')}, nil
}

// publish writes the files where nobody reads them, and then gives their folder
// the name under which they are read.
func (f *DraftFolder) publish(half string, files map[string][]byte, generation int) error {
	for name, data := range files {
		if err := f.writeThrough(filepath.Join(half, name), data); err != nil {
			return err
		}
		f.between()
	}
	if err := syncDir(half); err != nil {
		return err
	}
	f.between()
	if err := os.Rename(half, f.path(answersDir+strconv.Itoa(generation))); err != nil {
		return err //nolint:wrapcheck // it names both folders
	}
	f.between()
	if err := syncDir(f.dir); err != nil {
		return err
	}
	f.between()
	return nil
}

// writeThrough writes a new file to the disk.
func (f *DraftFolder) writeThrough(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err //nolint:wrapcheck // it names the file
	}
	f.between()
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// removeBefore removes the answers before a generation, and what was never
// finished.
func (f *DraftFolder) removeBefore(generation int) error {
	for _, old := range generations(f.dir) {
		if old >= generation {
			continue
		}
		// Under another name first: half of it is never read.
		gone := f.path(halfWritten + "old-" + strconv.Itoa(old))
		if err := os.Rename(f.path(answersDir+strconv.Itoa(old)), gone); err != nil {
			return fmt.Errorf("removing the draft before: %w", err)
		}
		f.between()
	}
	left, err := filepath.Glob(f.path(halfWritten + "*"))
	if err != nil {
		return fmt.Errorf("removing the draft before: %w", err)
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the draft before: %w", err)
		}
		f.between()
	}
	return nil
}

// generations are the numbers of the answers in a draft's folder, the oldest
// first.
func generations(dir string) []int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // none that could be read
	}
	var out []int
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), answersDir)
		if n, err := strconv.Atoi(text); ok && err == nil && e.IsDir() {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// Forget removes the draft, and leaves the workspace that is in its folder.
func (f *DraftFolder) Forget() error { return f.removeBefore(int(^uint(0) >> 1)) }

// Discard removes the draft and everything in it.
func (f *DraftFolder) Discard() error {
	if err := f.removeBefore(int(^uint(0) >> 1)); err != nil {
		return err
	}
	if err := os.RemoveAll(f.dir); err != nil {
		return fmt.Errorf("removing the draft: %w", err)
	}
	return nil
}
