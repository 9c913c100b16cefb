package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// While another run is at work, what only looks finds all that it needs; what has
// something to keep is told who is at work.
func TestNothingToKeepNeedsNoLock(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	if err := a.keepLocked(&ans, "plan"); err != nil {
		t.Fatal(err)
	}
	made, err := ans.folder.LoadSecrets()
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := a.lock(ans, "install")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	looking := answers{workspace: ans.workspace, folder: ans.folder}
	if err := a.keepLocked(&looking, "plan"); err != nil {
		t.Errorf("beside another run: %v", err)
	}
	if diff := cmp.Diff(made, looking.secrets); diff != "" {
		t.Errorf("it looks with other secrets (-kept +its):\n%s", diff)
	}
	licensed := looking
	licensed.given.License = "a-licence"
	if err := a.keepLocked(&licensed, "plan"); !errors.As(err, new(*state.LockedError)) {
		t.Errorf("with a new licence: %v", err)
	}
	other := looking
	other.workspace.Grafana.Mode = workspace.GrafanaNone
	other.workspace.Admin.Username = "root"
	if err := a.keepLocked(&other, "plan"); err != nil {
		t.Errorf("with other answers, beside another run: %v", err)
	}
	fresh, err := state.Open(filepath.Join(t.TempDir(), "other"))
	if err != nil {
		t.Fatal(err)
	}
	begun := answers{workspace: ans.workspace, folder: fresh}
	held, err := a.lock(begun, "install")
	if err != nil {
		t.Fatal(err)
	}
	defer held()
	if err := a.keepLocked(&begun, "plan"); !errors.As(err, new(*state.LockedError)) {
		t.Errorf("with a folder that keeps nothing: %v", err)
	}
}
