package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// alterationVersion is the version of the form that this program reads and
// writes.
const alterationVersion = 1

// Alteration is what is being done to the instances of a running cluster: it is
// kept from before the first change until everything of it is brought about or
// taken back, so that a run that was cut at any moment can be gone on with.
type Alteration struct {
	// Verb is what is done: the name of the plan.
	Verb string
	// Instances are the names of those that come or go.
	Instances []string
	// Workspace has the instances and their hosts.
	Workspace workspace.Workspace
	// Drain is how long an instance goes on for those who are with it.
	Drain time.Duration
	// WithoutHost says that the instances' host is gone for good.
	WithoutHost bool
	// Command is how it was asked for, for a shell.
	Command string
}

// alterationForm is an alteration in its file.
type alterationForm struct {
	Version     int           `json:"version"`
	Verb        string        `json:"verb"`
	Instances   []string      `json:"instances"`
	Drain       time.Duration `json:"drain_ns"`
	WithoutHost bool          `json:"without_host,omitempty"`
	Command     string        `json:"command"`
	// Workspace is a workspace.yaml.
	Workspace string `json:"workspace"`
}

// LoadAlteration reads what is being done to the instances; false if nothing is.
func (f *Folder) LoadAlteration() (Alteration, bool, error) {
	data, err := os.ReadFile(f.path(alterationFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Alteration{}, false, nil
	}
	if err != nil {
		return Alteration{}, false, fmt.Errorf("reading what was being done to the instances: %w", err)
	}
	var form alterationForm
	if err := json.Unmarshal(data, &form); err != nil {
		return Alteration{}, false, fmt.Errorf("reading %s: %w", f.path(alterationFile), err)
	}
	if form.Version != alterationVersion {
		return Alteration{}, false, fmt.Errorf("%s is of version %d, this rcwizard reads version %d; use the rcwizard that wrote it", f.path(alterationFile), form.Version, alterationVersion)
	}
	w, problems := workspace.Load(f.path(alterationFile), []byte(form.Workspace))
	if err := problems.Err(); err != nil {
		return Alteration{}, false, fmt.Errorf("reading %s: %w", f.path(alterationFile), err)
	}
	return Alteration{
		Verb: form.Verb, Instances: form.Instances, Workspace: w,
		Drain: form.Drain, WithoutHost: form.WithoutHost, Command: form.Command,
	}, true, nil
}

// SaveAlteration writes it.
func (f *Folder) SaveAlteration(a Alteration) error {
	text, err := a.Workspace.Marshal()
	if err != nil {
		return fmt.Errorf("keeping what is being done to the instances: %w", err)
	}
	data, err := json.MarshalIndent(alterationForm{
		Version: alterationVersion, Verb: a.Verb, Instances: a.Instances, Workspace: string(text),
		Drain: a.Drain, WithoutHost: a.WithoutHost, Command: a.Command,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("keeping what is being done to the instances: %w", err)
	}
	return f.write(alterationFile, append(data, '\n'))
}

// DropAlteration says that nothing is being done to the instances any more.
func (f *Folder) DropAlteration() error {
	if err := os.Remove(f.path(alterationFile)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("forgetting what was being done to the instances: %w", err)
	}
	return syncDir(f.dir)
}
