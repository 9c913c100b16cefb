package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace"
)

var draftTime = time.Date(2026, time.November, 23, 15, 0, 0, 0, time.UTC)

// nth is a draft of which everything says that it is the nth.
func nth(n int) Draft {
	mark := "n" + strconv.Itoa(n)
	return Draft{
		Page: mark, Skips: []string{mark}, Basis: mark,
		Workspace: workspace.Workspace{
			Version: workspace.Version, Domain: mark + ".example.org", Email: "ops@example.org",
			Hosts:    []workspace.Host{{Name: mark, Address: "192.0.2.1"}},
			Database: workspace.Database{Host: mark}, Proxy: workspace.Proxy{Host: mark},
			Instances: []workspace.Instance{{Host: mark}, {Host: mark}},
		},
		Secrets: workspace.Secrets{Hosts: map[string]workspace.HostSecrets{mark: {SSHPassword: "secret of " + mark}}},
	}
}

func TestDraftIsKept(t *testing.T) {
	t.Parallel()
	base := filepath.Join(t.TempDir(), "rcwizard")
	if ids, err := Drafts(base); err != nil || len(ids) > 0 {
		t.Fatalf("drafts where nothing is: %v, %v", ids, err)
	}
	first, err := NewDraft(base, draftTime)
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := Drafts(base); err != nil || len(ids) > 0 {
		t.Errorf("a draft that was never saved is listed: %v, %v", ids, err)
	}
	if _, err := first.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a draft that was never saved: %v", err)
	}
	second, err := NewDraft(base, draftTime) // in the same second
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := errors.Join(first.Save(nth(n)), second.Save(nth(n+10))); err != nil {
			t.Fatal(err)
		}
	}
	ids, err := Drafts(base)
	if err != nil || len(ids) != 2 {
		t.Fatalf("the drafts are %v, %v", ids, err)
	}
	again, err := OpenDraft(DraftDir(base, ids[1]))
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Load()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(nth(12), got); diff != "" {
		t.Error(diff)
	}
	// A draft is nobody else's, and no workspace.
	if err := filepath.WalkDir(base, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if names, err := List(base); err != nil || len(names) > 0 {
		t.Errorf("drafts are listed as the workspaces %v, %v", names, err)
	}
	if err := again.Discard(); err != nil {
		t.Fatal(err)
	}
	if ids, err := Drafts(base); err != nil || len(ids) != 1 {
		t.Errorf("after one was removed: %v, %v", ids, err)
	}
}

// A draft may be wrong in any way that a page lets through.
func TestDraftMayBeWrong(t *testing.T) {
	t.Parallel()
	f, err := NewDraft(t.TempDir(), draftTime)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []workspace.Workspace{
		{},
		{Version: 1, Hosts: []workspace.Host{{}, {Address: "Ünï\tcode"}}},
		{Version: 1, Name: "..", Domain: "two\nlines"},
	} {
		if err := f.Save(Draft{Workspace: w}); err != nil {
			t.Fatal(err)
		}
		got, err := f.Load()
		if err != nil {
			t.Fatal(err)
		}
		w.Version = 1
		if diff := cmp.Diff(w, got.Workspace); diff != "" {
			t.Error(diff)
		}
		if _, err := f.Adopt(filepath.Join(t.TempDir(), "x")); err == nil {
			t.Errorf("%+v became a workspace", w)
		}
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	f, err := NewDraft(base, draftTime)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Save(nth(1)); err != nil {
		t.Fatal(err)
	}
	lock, err := f.Lock(Holder{PID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()

	// Another workspace is never written over.
	target := filepath.Join(base, "n1-example-org")
	other, err := Open(target)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.SaveReport([]byte("mine")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Adopt(target); err == nil {
		t.Fatal("another workspace was written over")
	} else if taken, ok := errors.AsType[*TakenError](err); !ok || taken.Name != "n1-example-org" {
		t.Errorf("a name that is taken: %v", err)
	}
	if got, err := os.ReadFile(other.Report()); err != nil || string(got) != "mine" {
		t.Errorf("the other workspace has the report %q, %v", got, err)
	}
	if got, err := f.Load(); err != nil || got.Page != "n1" {
		t.Errorf("after that the draft is %+v, %v", got, err)
	}

	// An empty folder is no workspace.
	if err := os.Remove(other.Report()); err != nil {
		t.Fatal(err)
	}
	folder, err := f.Adopt(target)
	if err != nil {
		t.Fatal(err)
	}
	w, err := folder.LoadWorkspace()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(nth(1).Workspace.Complete(), w); diff != "" {
		t.Error(diff)
	}
	if s, err := folder.LoadSecrets(); err != nil || s.Hosts["n1"].SSHPassword == "" {
		t.Errorf("the workspace has the secrets %v", err)
	}
	if ids, err := Drafts(base); err != nil || len(ids) > 0 {
		t.Errorf("the draft is still there: %v, %v", ids, err)
	}
	if generations(target) != nil {
		t.Error("the workspace has answers of the draft in it")
	}
	if _, err := folder.Lock(Holder{}); err == nil {
		t.Error("the lock on the draft is none on the workspace")
	}
}

// A draft in the folder that a person named becomes the workspace there.
func TestAdoptInPlace(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mine")
	f, err := OpenDraft(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Save(nth(1)); err != nil {
		t.Fatal(err)
	}
	folder, err := f.Adopt(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := folder.LoadWorkspace(); err != nil {
		t.Error(err)
	}
	if generations(dir) != nil {
		t.Error("the draft is still there")
	}
}

const (
	killAt = "STATE_TEST_AT"
	killDo = "STATE_TEST_DO"
)

// TestKilled ends a process by kill -9 after every change that it makes on the
// disk, and looks at what is left: the draft before, or the new one, whole; and
// of a workspace that a draft becomes either the one or the other.
func TestKilled(t *testing.T) {
	t.Parallel()
	if doing := os.Getenv(killDo); doing != "" {
		base, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		killed(t, base, doing)
		return
	}
	for _, doing := range []string{"save", "adopt"} {
		t.Run(doing, func(t *testing.T) {
			t.Parallel()
			points := 0
			for at := 1; ; at++ {
				base := t.TempDir()
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
				cmd.Dir = base
				cmd.Env = append(os.Environ(), killDo+"="+doing, fmt.Sprintf("%s=%d", killAt, at))
				out, err := cmd.CombinedOutput()
				died, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
				ended := ok && died.Signaled() && died.Signal() == syscall.SIGKILL
				if err != nil && !ended {
					t.Fatalf("at %d: %v\n%s", at, err, out)
				}
				whole(t, base, doing, at, !ended)
				if !ended {
					break
				}
				points++
			}
			t.Logf("killed at %d points", points)
			if points < 4 {
				t.Errorf("killed at %d points only", points)
			}
		})
	}
}

// killed saves one draft, and dies at a point of what comes then.
func killed(t *testing.T, base, doing string) {
	t.Helper()
	at, err := strconv.Atoi(os.Getenv(killAt))
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewDraft(base, draftTime)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Save(nth(1)); err != nil {
		t.Fatal(err)
	}
	f.between = func() {
		if at--; at == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it arrives
		}
	}
	if doing == "save" {
		err = f.Save(nth(2))
	} else {
		_, err = f.Adopt(filepath.Join(base, "n1-example-org"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// whole wants a draft or a workspace, and after the end the new one alone.
func whole(t *testing.T, base, doing string, at int, finished bool) {
	t.Helper()
	ids, err := Drafts(base)
	if err != nil {
		t.Fatal(err)
	}
	names, err := List(base)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids)+len(names) != 1 {
		t.Fatalf("at %d: the drafts %v and the workspaces %v are left", at, ids, names)
	}
	if len(names) == 1 {
		folder, err := Open(filepath.Join(base, names[0]))
		if err != nil {
			t.Fatal(err)
		}
		if w, err := folder.LoadWorkspace(); err != nil || cmp.Diff(nth(1).Workspace.Complete(), w) != "" {
			t.Errorf("at %d: the workspace is %+v, %v", at, w, err)
		}
		if s, err := folder.LoadSecrets(); err != nil || cmp.Diff(nth(1).Secrets, s) != "" {
			t.Errorf("at %d: the workspace's secrets are not the draft's: %v", at, err)
		}
		return
	}
	if finished && doing == "adopt" {
		t.Errorf("at %d: it ended well, and there is no workspace", at)
	}
	f, err := OpenDraft(DraftDir(base, ids[0]))
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Load()
	if err != nil {
		t.Fatalf("at %d: %v", at, err)
	}
	isOld, isNew := cmp.Diff(nth(1), got) == "", cmp.Diff(nth(2), got) == ""
	if !isOld && !isNew || finished && !isNew {
		t.Errorf("at %d: the draft is neither the one before nor the new one:\n%+v", at, got)
	}
	// What was left half-written is in nobody's way.
	if err := f.Save(nth(3)); err != nil {
		t.Errorf("at %d: %v", at, err)
	}
	if left, err := filepath.Glob(filepath.Join(f.Dir(), halfWritten+"*")); err != nil || len(left) > 0 {
		t.Errorf("at %d: %v are left, %v", at, left, err)
	}
}
