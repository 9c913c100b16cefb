package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/upstream"
)

// stalling serves the tree, at every commit. Once it is armed it gives half of one
// file, says so, and nothing more.
type stalling struct {
	file  string
	armed atomic.Bool
	asked atomic.Int64
	half  chan struct{}
}

func (s *stalling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	path := strings.SplitN(r.URL.Path, "/", 3)[2]
	content, err := os.ReadFile(filepath.Join(officialTree, filepath.FromSlash(path)))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if path != s.file || !s.armed.Load() {
		_, _ = w.Write(content)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content[:len(content)/2])
	_ = http.NewResponseController(w).Flush()
	s.half <- struct{}{}
	<-r.Context().Done()
}

// exporting is a run that fetches the files and writes everything to a folder.
func exporting(t *testing.T, home, mirror string) (cmd *exec.Cmd, said *bytes.Buffer) {
	t.Helper()
	workspace, err := filepath.Abs("testdata/workspace.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), "rcwizard", "export", "-f", workspace, "--compose", "official@"+strings.Repeat("0", 40),
		"--compose-url", mirror, "-o", filepath.Join(home, "files"))
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_STATE_HOME=")
	said = new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = said, said
	return cmd, said
}

// fetched are the folders of what was fetched: whole ones by their commits, of which
// each file is as its sum says, and those that are not done.
func fetched(t *testing.T, home string) (whole, unfinished []string) {
	t.Helper()
	base := filepath.Join(stateBase(home), "chat-example-com", "upstream")
	entries, err := os.ReadDir(base)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			unfinished = append(unfinished, e.Name())
			continue
		}
		whole = append(whole, e.Name())
		sums, err := os.ReadFile(filepath.Join(base, e.Name(), "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range render.OfficialFiles() {
			content, err := os.ReadFile(filepath.Join(base, e.Name(), filepath.FromSlash(path)))
			if err != nil || !strings.Contains(string(sums), upstream.Sum(content)+"  "+path+"\n") {
				t.Errorf("%s of a folder with a commit's name is not whole: %v", path, err)
			}
		}
	}
	return whole, unfinished
}

// A run that is killed with half of a file on its way leaves nothing that counts,
// and the next one fetches all of it and goes on.
func TestKilledWhileFetching(t *testing.T) {
	t.Parallel()
	s := &stalling{file: "files/grafana/provisioning/dashboards/from-dir.yml", half: make(chan struct{}, 1)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	home := t.TempDir()
	s.armed.Store(true)
	cmd, said := exporting(t, home, server.URL)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-s.half
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("it was not killed: %v\n%s", err, said)
	}
	if whole, unfinished := fetched(t, home); len(whole)+len(unfinished) > 0 {
		t.Errorf("it left %v and %v", whole, unfinished)
	}
	if _, err := os.Stat(filepath.Join(home, "files")); !os.IsNotExist(err) {
		t.Errorf("it wrote files: %v", err)
	}
	s.armed.Store(false)
	s.asked.Store(0)
	cmd, said = exporting(t, home, server.URL)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if n := int(s.asked.Load()); n != len(render.OfficialFiles()) {
		t.Errorf("the next run asked for %d files of %d", n, len(render.OfficialFiles()))
	}
	if whole, unfinished := fetched(t, home); len(whole) != 1 || len(unfinished) > 0 {
		t.Errorf("the next run kept %v and %v", whole, unfinished)
	}
}

// A run that is killed at any moment after the last byte came, while it writes
// what it fetched, leaves a whole folder or none with the commit's name.
func TestKilledWhileKeeping(t *testing.T) {
	t.Parallel()
	all := render.OfficialFiles()
	last := make(chan struct{}, 1)
	tree := &stalling{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tree.ServeHTTP(w, r)
		if strings.HasSuffix(r.URL.Path, all[len(all)-1]) {
			last <- struct{}{}
		}
	}))
	t.Cleanup(server.Close)
	home := t.TempDir()
	states := map[string]int{}
	for n := range 25 {
		if err := os.RemoveAll(filepath.Join(stateBase(home), "chat-example-com", "upstream")); err != nil {
			t.Fatal(err)
		}
		cmd, said := exporting(t, home, server.URL)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-last
		timer := time.NewTimer(time.Duration(n) * time.Millisecond)
		<-timer.C
		_ = cmd.Process.Kill() // it may be done
		_ = cmd.Wait()
		whole, unfinished := fetched(t, home)
		switch {
		case len(whole) > 0:
			states["whole"]++
		case len(unfinished) > 0:
			states["not done"]++
		default:
			states["none"]++
		}
		if t.Failed() {
			t.Fatalf("killed after %d ms:\n%s", n, said)
		}
	}
	t.Logf("left behind: %v", states)
	cmd, said := exporting(t, home, server.URL)
	if err := cmd.Run(); err != nil {
		t.Fatalf("the next run: %v\n%s", err, said)
	}
	if whole, _ := fetched(t, home); len(whole) != 1 {
		t.Errorf("the next run kept %v", whole)
	}
}
