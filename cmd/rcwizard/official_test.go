package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/upstream"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// The ways on are ways that the command has: the wizard, add-instance and
// remove-instance have no --compose.
func TestUnfetchedWaysOn(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, func(w *workspace.Workspace) { w.Compose = workspace.ComposeOfficial })
	a.config.Set("compose-url", "http://127.0.0.1:1")
	a.config.Set("yes", true)
	a.config.Set("dir", ans.folder.Dir())
	kept, err := a.ofState()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		ans  answers
		want string
	}{
		"a command":    {ans, "--compose bundled"},
		"the wizard":   {answers{workspace: ans.workspace, drawn: true, bundled: bundledByKey()}, bundledByKey()},
		"add-instance": {kept, "first rcwizard resume " + ans.workspace.Name + " --compose bundled, then this again"},
	} {
		_, err := a.official(t.Context(), test.ans)
		var told *unfetchedError
		if !errors.As(err, &told) || !strings.HasSuffix(told.Error(), "need no internet: "+test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := a.backend()
	defer b.close()
	drafted, err := b.given(ui.Draft{Answers: question.Answers{Workspace: ans.workspace}})
	if err != nil || drafted.bundled != bundledByKey() {
		t.Errorf("the wizard: %q, %v", drafted.bundled, err)
	}
	drafted, err = b.given(ui.Draft{Answers: question.Answers{Workspace: ans.workspace}, Change: &ui.Change{Kind: ui.AddInstances}})
	if err != nil || drafted.bundled != bundledFirst(ans.workspace.Name) {
		t.Errorf("the wizard that adds: %q, %v", drafted.bundled, err)
	}
}

// What the program does with the commit that it knows: each file must have its sum,
// whether it is fetched or was kept; then nobody is asked, and nothing is warned of.
func TestPinned(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, func(w *workspace.Workspace) { w.Compose = workspace.ComposeOfficial })
	ans.upstream, ans.secrets = ans.folder.Upstream(), workspace.Secrets{}
	ans.secrets, _ = ans.secrets.Generate(ans.workspace)
	a.pinned = upstream.Commit{ID: strings.Repeat("0", 40), Sums: map[string]string{}}
	files := map[string][]byte{}
	for _, path := range render.OfficialFiles() {
		content, err := os.ReadFile(filepath.Join(officialTree, filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		files[path], a.pinned.Sums[path] = content, upstream.Sum(content)
	}
	at, good := "files/prometheus/prometheus.yml", a.pinned.Sums["files/prometheus/prometheus.yml"]
	a.config.Set("compose-url", mirror(t)+"/good")
	a.pinned.Sums[at] = upstream.Sum([]byte("another"))
	_, err := a.official(t.Context(), ans)
	var told *unfetchedError
	if !errors.As(err, &told) || told.err.Kind != upstream.Changed || told.err.Got != good || told.err.Want != a.pinned.Sums[at] {
		t.Errorf("a file with another sum: %v", err)
	}
	if _, err := os.Stat(ans.upstream); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was kept of it: %v", err)
	}
	a.pinned.Sums[at] = good
	for range 2 {
		got, err := a.official(t.Context(), ans)
		if err != nil || got.Commit != a.pinned.ID || !cmp.Equal(got.Files, files) {
			t.Fatalf("%v", err)
		}
		if _, err := a.renderTree(t.Context(), ans); err != nil {
			t.Errorf("rendered: %v", err)
		}
		a.config.Set("compose-url", "http://127.0.0.1:1") // from now on nobody is asked
	}
	if err := os.WriteFile(filepath.Join(ans.upstream, a.pinned.ID, filepath.FromSlash(at)), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.official(t.Context(), ans); !errors.As(err, &told) || told.err.Kind != upstream.Unreachable {
		t.Errorf("a kept file that was changed: %v", err)
	}
}

// Who counts the instances needs no file of Rocket.Chat's, in the wizard either.
func TestStatusFetchesNothing(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	b := newBackend(t)
	b.a.config.Set("compose-url", "http://127.0.0.1:1")
	b.a.config.Set("known-hosts", server.KnownHosts(t))
	d := draftOf(t, server.Port(), "")
	d.Answers.Workspace.Compose = workspace.ComposeOfficial
	if _, err := b.Review(t.Context(), d); !errors.Is(err, ui.ErrNoOfficialFiles) {
		t.Errorf("a plan without the files: %v", err)
	}
	// The way to the Review page, where one can choose, leads through the check.
	if _, err := b.Check(t.Context(), d, ui.CheckOptions{Skips: leaveOut()}, nil); err != nil {
		t.Errorf("a check without the files: %v", err)
	}
	count, err := b.Status(t.Context(), d)
	if err != nil || len(count.Instances) != 1 {
		t.Errorf("%+v, %v", count, err)
	}
}

// What was fetched for a draft is kept beside it.
func TestDraftKeepsOfficial(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	dir := filepath.Join(t.TempDir(), "draft")
	folder, err := state.OpenDraft(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Save(state.Draft{Workspace: ans.workspace}); err != nil {
		t.Fatal(err)
	}
	a.config.Set("dir", dir)
	got, err := a.answersOrDraft(nil)
	if err != nil || got.upstream == "" || got.upstream != folder.Upstream() {
		t.Errorf("Rocket.Chat's own files are kept in %q: %v", got.upstream, err)
	}
}
