package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// manifestVersion is the version of the manifest's form that this program reads
// and writes.
const manifestVersion = 1

// Manifest is what was last rendered, so that a file on a host that somebody
// changed can be told from one that is merely old: of every file three sides
// are known, last rendered, on the host, and new.
type Manifest struct {
	// Hosts are the files by the host's name.
	Hosts map[string][]ManifestFile
}

// ManifestFile is one rendered file.
type ManifestFile struct {
	// Path is absolute, on the host.
	Path string `json:"path"`
	// SHA256 is of the whole content, in hexadecimal.
	SHA256 string `json:"sha256"`
	// Mode is the permission bits.
	Mode fs.FileMode `json:"mode"`
}

// manifestForm is the manifest in its file.
type manifestForm struct {
	Version int                       `json:"version"`
	Hosts   map[string][]ManifestFile `json:"hosts"`
}

// LoadManifest reads what was last rendered; nothing, if nothing was yet. A
// version that this program does not know is refused.
func (f *Folder) LoadManifest() (Manifest, error) {
	data, err := os.ReadFile(f.path(manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, nil
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("reading the manifest: %w", err)
	}
	var form manifestForm
	if err := json.Unmarshal(data, &form); err != nil {
		return Manifest{}, fmt.Errorf("reading %s: %w", f.path(manifestFile), err)
	}
	if form.Version != manifestVersion {
		return Manifest{}, fmt.Errorf("%s is of version %d, this rcwizard reads version %d; use the rcwizard that wrote it", f.path(manifestFile), form.Version, manifestVersion)
	}
	return Manifest{Hosts: form.Hosts}, nil
}

// SaveManifest writes what was rendered.
func (f *Folder) SaveManifest(m Manifest) error {
	data, err := json.MarshalIndent(manifestForm{Version: manifestVersion, Hosts: m.Hosts}, "", "  ")
	if err != nil {
		return fmt.Errorf("saving the manifest: %w", err)
	}
	return f.write(manifestFile, append(data, '\n'))
}
