package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// A new folder has its secrets before its answers: who is cut off between the two
// finds nothing to resume, and not a workspace without its licence.
func TestSecretsAreKeptFirst(t *testing.T) {
	t.Parallel()
	folder, err := state.Open(filepath.Join(t.TempDir(), "chat"))
	if err != nil {
		t.Fatal(err)
	}
	// The secrets cannot be written; a kill at that moment leaves the same.
	if err := os.MkdirAll(filepath.Join(folder.SecretsPath(), "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	ans := answers{workspace: workspace.Workspace{Version: 1, Domain: "chat.example.com"}.Complete(), folder: folder}
	if err := ans.keepSecrets(); err == nil {
		t.Fatal("the secrets were kept although they cannot be written")
	}
	if _, err := os.Stat(folder.WorkspacePath()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the answers are kept without secrets: %v", err)
	}
	if err := os.RemoveAll(folder.SecretsPath()); err != nil {
		t.Fatal(err)
	}
	if err := ans.keepSecrets(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder.SecretsPath(), folder.WorkspacePath()} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
