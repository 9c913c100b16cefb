package steps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps/stepstest"
)

// Hosts in memory answer the scripts that look at files as a real shell does, so
// that what is tried on them thousands of times means something.
func TestHostsInMemoryAnswerAsAShell(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	world, dir := stepstest.New(t, w), t.TempDir()
	shell := remote.Local("db", remote.LocalOptions{Sudo: remote.SudoOff})
	t.Cleanup(func() { _ = shell.Close() })
	hosts := []remote.Host{shell, world.Hosts()["db"]}
	run := func(script string, args ...string) []remote.Result {
		t.Helper()
		out := make([]remote.Result, 0, len(hosts))
		for _, h := range hosts {
			res, err := h.Run(t.Context(), remote.Command{Script: script, Args: args})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, res)
		}
		return out
	}
	same := func(what, script string, args ...string) {
		t.Helper()
		res := run(script, args...)
		if diff := cmp.Diff(res[0].Stdout, res[1].Stdout); diff != "" {
			t.Errorf("%s (-shell +memory):\n%s", what, diff)
		}
	}
	names := []string{".env", "files/list.yaml", "empty", "missing"}
	same("nothing there", lookScript, append([]string{dir}, names...)...)
	for name, content := range map[string]string{".env": "A=\"b\"\n", "files/list.yaml": "no end of line", "empty": "", receiptName: "{\n \"version\": 1\n}\n"} {
		at := filepath.Join(dir, name)
		mode := os.FileMode(0o644)
		if name == ".env" {
			mode = 0o600
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(at, mode); err != nil {
			t.Fatal(err)
		}
		world.Put("db", at, content, mode)
	}
	same("look", lookScript, append([]string{dir}, names...)...)
	same("look for nothing", lookScript, dir)
	same("contents", contentsScript, dir, ".env", "files/list.yaml", "empty")
	if res := run(contentsScript, dir, "missing"); (res[0].Code == 0) != (res[1].Code == 0) {
		t.Errorf("what is missing: the shell ends with %d, memory with %d", res[0].Code, res[1].Code)
	}

	s := &Site{Workspace: w, Hosts: map[string]remote.Host{"db": shell}}
	for _, h := range hosts {
		s.Hosts["db"] = h
		p, err := s.project(render.Project{Host: "db", Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, render.FirstAdminFile)
		if err := h.Put(t.Context(), dir, []remote.File{{Path: render.FirstAdminFile, Mode: 0o600, Content: []byte("x")}}, remote.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []bool{true, false} {
			left, err := p.adminFileLeft(t.Context())
			if err != nil || left != want {
				t.Errorf("%s is left %t, want %t: %v", at, left, want, err)
			}
			if err := p.removeAdminFile(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := hosts[1].Run(t.Context(), remote.Command{Script: "reboot"}); err == nil || !strings.Contains(err.Error(), "not known") {
		t.Errorf("a script that nobody knows: %v", err)
	}
}
