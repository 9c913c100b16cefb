package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/viper"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// The folder holds what was deployed last and nothing of before, for the owner
// alone, whatever an ended run left beside it.
func TestKeepRendered(t *testing.T) {
	t.Parallel()
	folder, err := state.Open(filepath.Join(t.TempDir(), "chat"))
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{".new", ".old"} {
		if err := os.MkdirAll(filepath.Join(folder.Rendered()+left, "half"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := render.File{Path: "compose.yml", Mode: 0o644, Content: []byte("services: {}\n")}
	for _, host := range []string{"rc1", "rc2"} {
		tree := render.Tree{Projects: []render.Project{{Host: host, Dir: "/opt/rocketchat", Files: []render.File{file}}}}
		if err := keepRendered(folder, tree); err != nil {
			t.Fatal(err)
		}
		kept, err := filepath.Glob(folder.Rendered() + "/*/*")
		if want := filepath.Join(folder.Rendered(), host, "compose.yml"); err != nil || len(kept) != 1 || kept[0] != want {
			t.Errorf("kept are %v, %v, want %s", kept, err, want)
		}
		m, err := folder.LoadManifest()
		if err != nil || len(m.Hosts) != 1 || len(m.Hosts[host]) != 1 || m.Hosts[host][0].Path != "/opt/rocketchat/compose.yml" {
			t.Errorf("%s: manifest %v, %v", host, m, err)
		}
	}
	if info, err := os.Stat(folder.Rendered()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, left := range []string{".new", ".old"} {
		if _, err := os.Stat(folder.Rendered() + left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", left, err)
		}
	}
}

// What was not deployed is not kept as deployed.
func TestConcludeAfterAFailure(t *testing.T) {
	t.Parallel()
	folder, err := state.Open(filepath.Join(t.TempDir(), "chat"))
	if err != nil {
		t.Fatal(err)
	}
	a := &app{config: viper.New()}
	for _, succeeded := range []bool{false, true} {
		if err := a.conclude(&steps.Site{}, answers{folder: folder}, succeeded); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(folder.Rendered()); (err == nil) != succeeded {
			t.Errorf("succeeded %v: %v", succeeded, err)
		}
	}
}
