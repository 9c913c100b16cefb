package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/viper"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// imagined is a Backend that keeps what it is told for good, and imagines the
// hosts.
type imagined struct {
	*uitest.Backend

	keep *keeper
}

func (i imagined) Workspaces(ctx context.Context) ([]ui.Known, error) { return i.keep.Workspaces(ctx) }

func (i imagined) Open(ctx context.Context, key string) (ui.Draft, error) {
	return i.keep.Open(ctx, key)
}

func (i imagined) Save(ctx context.Context, d ui.Draft) (ui.Draft, error) { return i.keep.Save(ctx, d) }

func (i imagined) Deploy(ctx context.Context, d ui.Draft) (*ui.Run, error) {
	if _, err := i.keep.adopt(d); err != nil {
		return nil, err
	}
	return i.Backend.Deploy(ctx, d)
}

// imaginedMain is the program "wizard" of these tests: the wizard as lines, with
// hosts that are imagined.
func imaginedMain() {
	sys := process()
	a := &app{
		sys: sys, config: viper.New(), home: sys.env("HOME"),
		input: bufio.NewReader(sys.stdin), redactor: remote.NewRedactor(),
	}
	a.config.Set("dir", sys.env("WIZARD_DIR"))
	var ctx context.Context
	ctx, a.stop = listen(context.Background(), a.sayf, a.leave)
	log, lines := uitest.Story()
	seen := ui.Inspection{Seen: &ui.Seen{System: "Debian 12", Cores: 4, Private: []string{"10.0.0.10"}}}
	hosts := &uitest.Backend{
		Hosts: map[string][]ui.Inspection{
			"203.0.113.10": {{Key: &ui.HostKey{Host: "db", Address: "203.0.113.10:22", Type: "ssh-ed25519", Fingerprint: "SHA256:db"}}, seen},
		},
		Checks:   []check.Report{{Verdict: check.Pass}},
		Reviewed: ui.Review{Hosts: []ui.HostFiles{{Host: "db"}}},
		Runs: []*ui.Run{{Log: log, Lines: lines, Wait: func(context.Context) (ui.Conclusion, error) {
			return uitest.Conclusion(), nil
		}}},
	}
	err := a.plainWizard(ctx, imagined{Backend: hosts, keep: &keeper{app: a}})
	code, untold := exitCode(err)
	if untold {
		a.sayf("rcwizard: %v\n", err)
	}
	a.stop.end()
	os.Exit(code)
}

// wizardAnswers are the lines of a person who goes all the way, and how many
// of them belong to finished pages.
func wizardAnswers() (lines []string, pages map[int]string) {
	groups := []struct {
		next  string // the page that comes next
		lines []string
	}{
		{"workspace", []string{"root@203.0.113.10", "yes", "", ""}},
		{"files", []string{"chat.example.org", "ops@example.org", "", "", "", "", "a password of mine", "", ""}},
		{"advanced", []string{"", "", "", ""}},
		{"check", []string{"no"}},
		{"", []string{"1", "yes"}},
	}
	pages = map[int]string{}
	for _, g := range groups {
		lines = append(lines, g.lines...)
		pages[len(lines)] = g.next
	}
	return lines, pages
}

// wizardAt is the program "wizard" in a home of its own.
func wizardAt(t *testing.T, home string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "wizard")
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_STATE_HOME=", "TERM=dumb", "NO_COLOR=1", "LC_ALL=C.UTF-8", "WIZARD_DIR=")
	return cmd
}

func stateBase(home string) string { return filepath.Join(home, ".local", "state", "rcwizard") }

// keptFile is what was kept of the workspace that the answers describe.
func keptFile(t *testing.T, home string) string {
	t.Helper()
	dir := filepath.Join(stateBase(home), "chat-example-org")
	data, err := os.ReadFile(filepath.Join(dir, "workspace.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "secrets.yaml"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("secrets.yaml: %v, %v", info, err)
	}
	return string(data)
}

// Wherever the answers end, that is wrong use, and what was answered on the
// pages before is kept.
func TestWizardInputEnds(t *testing.T) {
	t.Parallel()
	lines, pages := wizardAnswers()
	page := ""
	for n := range lines {
		if next, ok := pages[n]; ok {
			page = next
			if page == "check" {
				page = "review" // the check asks nothing here
			}
		}
		home := t.TempDir()
		cmd := wizardAt(t, home)
		// The line that breaks off is no answer.
		cmd.Stdin = strings.NewReader(strings.Join(append(append([]string{}, lines[:n]...), lines[n]), "\n"))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitUsage || !bytes.Contains(out, []byte("the input ended before the question was answered")) {
			t.Errorf("after %d lines: %v, want exit code %d\n%s", n, err, exitUsage, out)
		}
		ids, err := state.Drafts(stateBase(home))
		if err != nil {
			t.Fatal(err)
		}
		if page == "" {
			if len(ids) > 0 {
				t.Errorf("after %d lines: a draft is kept of no page", n)
			}
			continue
		}
		if len(ids) != 1 {
			t.Fatalf("after %d lines: the drafts are %v\n%s", n, ids, out)
		}
		f, err := state.OpenDraft(state.DraftDir(stateBase(home), ids[0]))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Load(); err != nil || got.Page != page {
			t.Errorf("after %d lines: the draft is at the page %q, want %q, %v", n, got.Page, page, err)
		}
	}
}

// The name of another workspace is never taken, and nothing of what was
// answered is lost.
func TestWizardNameIsTaken(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	lines, _ := wizardAnswers()
	other, err := state.Open(filepath.Join(stateBase(home), "chat-example-org"))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.SaveReport([]byte("another's")); err != nil {
		t.Fatal(err)
	}
	cmd := wizardAt(t, home)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitUsage || !bytes.Contains(out, []byte("there is a workspace chat-example-org already")) {
		t.Errorf("%v\n%s", err, out)
	}
	if ids, err := state.Drafts(stateBase(home)); err != nil || len(ids) != 1 {
		t.Errorf("the drafts are %v, %v", ids, err)
	}
	if data, err := os.ReadFile(other.Report()); err != nil || string(data) != "another's" {
		t.Errorf("the other workspace's report is %q, %v", data, err)
	}
}

// Answers of a workspace that was deployed are changed beside those that are
// deployed, and become them when it is deployed again.
func TestKeeperChangesAWorkspace(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", "of its own"} {
		home := t.TempDir()
		a := &app{home: home, config: viper.New(), redactor: remote.NewRedactor(), sys: system{env: func(string) string { return "" }}}
		if dir != "" {
			a.config.Set("dir", filepath.Join(home, dir))
		}
		k := &keeper{app: a}
		d, err := k.Save(t.Context(), ui.Draft{Page: "review", Answers: uitest.Draft().Answers})
		if err != nil {
			t.Fatal(err)
		}
		folder, err := k.adopt(d)
		if err != nil {
			t.Fatal(err)
		}
		known, err := k.Workspaces(t.Context())
		if err != nil || len(known) != 1 || known[0].Name != "chat-example-com" || known[0].State != ui.Drafted || known[0].Hosts != 4 {
			t.Fatalf("known: %+v, %v", known, err)
		}
		d.Answers.Workspace.Email = "other@example.com"
		if d, err = k.Save(t.Context(), d); err != nil { // under the key that it had
			t.Fatal(err)
		}
		if d.Key != known[0].Key {
			t.Errorf("it is kept as %q, and listed as %q", d.Key, known[0].Key)
		}
		email := func() string {
			w, err := folder.LoadWorkspace()
			if err != nil {
				t.Fatal(err)
			}
			return w.Email
		}
		if got := email(); got != "ops@example.com" {
			t.Errorf("before it is deployed again: %s", got)
		}
		again, err := k.Open(t.Context(), known[0].Key)
		if err != nil || again.Answers.Workspace.Email != "other@example.com" {
			t.Errorf("opened: %+v, %v", again, err)
		}
		if _, err := k.adopt(again); err != nil {
			t.Fatal(err)
		}
		if got := email(); got != "other@example.com" {
			t.Errorf("after it is deployed again: %s", got)
		}
	}
}

// What cannot be read is listed, and says so.
func TestKeeperListsWhatIsUnreadable(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	folder, err := state.Open(filepath.Join(stateBase(home), "broken"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder.WorkspacePath(), []byte("version: 1\nhots: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := state.Open(filepath.Join(stateBase(home), "whole"))
	if err != nil {
		t.Fatal(err)
	}
	if err := whole.SaveWorkspace(uitest.Draft().Answers.Workspace.Complete()); err != nil {
		t.Fatal(err)
	}
	k := &keeper{app: &app{home: home, config: viper.New(), redactor: remote.NewRedactor(), sys: system{env: func(string) string { return "" }}}}
	known, err := k.Workspaces(t.Context())
	if err != nil || len(known) != 2 {
		t.Fatalf("known: %+v, %v", known, err)
	}
	if known[1].Key != "broken" || known[1].State != ui.Unreadable || !strings.Contains(known[1].Why, "hots") {
		t.Errorf("the broken one: %+v", known[1])
	}
	if fmt.Sprint(known[0].Key, known[0].State) != "wholedraft" {
		t.Errorf("the other one: %+v", known[0])
	}
}

// With a folder of its own there is one workspace: a new one never takes the
// place of what was answered.
func TestKeeperHasRoomForOne(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	a := &app{home: home, config: viper.New(), redactor: remote.NewRedactor(), sys: system{env: func(string) string { return "" }}}
	a.config.Set("dir", filepath.Join(home, "one"))
	k := &keeper{app: a}
	first, err := k.Save(t.Context(), ui.Draft{Page: "review", Answers: uitest.Draft().Answers})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Save(t.Context(), ui.Draft{Page: "workspace"}); err == nil || !strings.Contains(err.Error(), "chat-example-com") {
		t.Errorf("another took its place: %v", err)
	}
	if _, err := k.Save(t.Context(), first); err != nil {
		t.Errorf("the first cannot be kept again: %v", err)
	}
	if d, err := k.Open(t.Context(), first.Key); err != nil || d.Page != "review" {
		t.Errorf("of the first is left: %+v, %v", d, err)
	}
}
