package steps

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/render"
)

// deployed is a project of that role with its files on disk.
func deployed(t *testing.T, role render.Role) (project, *remotetest.Recorder) {
	t.Helper()
	s, recorders := onDisk(t)
	p := one(t, s, role)
	if err := p.putFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	recorders[p.Host].Reset()
	return p, recorders[p.Host]
}

func checked(t *testing.T, p project) engine.Report {
	t.Helper()
	r, err := p.checkFiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFilesWritten(t *testing.T) {
	t.Parallel()
	s, _ := onDisk(t)
	p := one(t, s, render.RoleDatabase)
	before := checked(t, p)
	if before.Verdict != engine.Needed || len(before.Changes) != len(p.Files)+1 {
		t.Errorf("before: %s, %d changes for %d files", before.Verdict, len(before.Changes), len(p.Files))
	}
	for _, c := range before.Changes {
		if c.Kind != engine.Create || c.Secret && c.After != "" {
			t.Errorf("change %+v", c)
		}
	}
	if err := p.putFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Files {
		have, err := os.ReadFile(p.path(f.Path))
		if err != nil || string(have) != string(f.Content) {
			t.Errorf("%s: %v, or another content", f.Path, err)
		}
		if info, err := os.Stat(p.path(f.Path)); err == nil && info.Mode().Perm() != f.Mode {
			t.Errorf("%s has mode %o, want %o", f.Path, info.Mode().Perm(), f.Mode)
		}
	}
	answers, err := os.ReadFile(p.path("workspace.yaml"))
	if err != nil || !strings.Contains(string(answers), "chat.example.com") {
		t.Errorf("the answers are not kept on the database host: %v", err)
	}
	if after := checked(t, p); after.Verdict != engine.Done {
		t.Errorf("after: %s, %s, %v", after.Verdict, after.Reason, after.Changes)
	}
}

// The receipt says what was written, and holds no secret.
func TestFilesReceipt(t *testing.T) {
	t.Parallel()
	p, _ := deployed(t, render.RoleInstance)
	data, err := os.ReadFile(p.path(receiptName))
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseReceipt(data)
	if err != nil {
		t.Fatal(err)
	}
	want := Receipt{
		Version: receiptVersion, RCWizard: "1.2.3", Workspace: p.site.Workspace.Name, Project: p.Name,
		Role: render.RoleInstance, Instance: "rc1", Release: "8.9.1", Files: make(map[string]string),
	}
	for _, f := range p.Files {
		want.Files[f.Path] = sum(f.Content)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, secret := range p.site.Secrets.Values() {
		if strings.Contains(string(data), secret) {
			t.Error("a secret is in the receipt")
		}
	}
}

// What an upload left that the loss of power cut is removed, and no file is
// touched for it.
func TestFilesLeft(t *testing.T) {
	t.Parallel()
	p, _ := deployed(t, render.RoleInstance)
	before, err := os.Stat(p.path(".env"))
	if err != nil {
		t.Fatal(err)
	}
	left := p.path(".rcwz-1-17") // process 1 began, but not then
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	r := checked(t, p)
	if diff := cmp.Diff([]engine.Change{{Kind: engine.Delete, Path: left}}, r.Changes); diff != "" || r.Verdict != engine.Needed {
		t.Errorf("%s, %s, -want +got:\n%s", r.Verdict, r.Reason, diff)
	}
	if err := p.putFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := checked(t, p); r.Verdict != engine.Done {
		t.Errorf("after: %s, %s, %v", r.Verdict, r.Reason, r.Changes)
	}
	if after, err := os.Stat(p.path(".env")); err != nil || !os.SameFile(before, after) {
		t.Errorf("the .env was written anew: %v", err)
	}
}

// What Compose made stays written down when files are written again.
func TestFilesKeepWhatRuns(t *testing.T) {
	t.Parallel()
	p, _ := deployed(t, render.RoleInstance)
	services := map[string]Service{"rocketchat": {Image: "x", ConfigHash: "y"}}
	if err := p.writeReceipt(t.Context(), func(r *Receipt) { r.Applied, r.Services = "abc", services }); err != nil {
		t.Fatal(err)
	}
	if err := p.putFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen, err := p.look(t.Context(), nil)
	if err != nil || seen.receipt == nil {
		t.Fatalf("receipt %v, error %v", seen.receipt, err)
	}
	if seen.receipt.Applied != "abc" || !cmp.Equal(seen.receipt.Services, services) || len(seen.receipt.Files) != len(p.Files) {
		t.Errorf("receipt %+v", *seen.receipt)
	}
}

// hands are somebody at work in a project's directory.
type hands struct {
	t *testing.T
	p project
}

// What the administrator or Docker did to the directory since, and what the
// check says of it.
func TestFilesFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do      func(h hands)
		verdict engine.Verdict
		// reason is in the report's reason, changed are the paths of its changes.
		reason  string
		changed []string
	}{
		"untouched": {func(hands) {}, engine.Done, "files as they should be", nil},
		"a file is missing": {
			func(h hands) { remove(h.t, h.p.path(".env")) },
			engine.Needed, "1 of",
			[]string{".env"},
		},
		"another mode": {
			func(h hands) { must(h.t, os.Chmod(h.p.path(".env"), 0o644)) },
			engine.Needed, "1 of",
			[]string{".env"},
		},
		"edited by hand": {
			func(h hands) { write(h.t, h.p.path("compose.yml"), "services: {}\n") },
			engine.Blocked, "compose.yml in",
			[]string{"compose.yml"},
		},
		"an empty directory in a file's place": {
			func(h hands) {
				remove(h.t, h.p.path("compose.yml"))
				must(h.t, os.Mkdir(h.p.path("compose.yml"), 0o700))
			},
			engine.Needed, "1 of",
			[]string{"compose.yml"},
		},
		"a full directory in a file's place": {
			func(h hands) {
				remove(h.t, h.p.path("compose.yml"))
				must(h.t, os.Mkdir(h.p.path("compose.yml"), 0o700))
				write(h.t, h.p.path("compose.yml/mine"), "x")
			},
			engine.Blocked, "a directory with something in it stands where the file", nil,
		},
		"a link in a file's place": {
			func(h hands) {
				must(h.t, os.Rename(h.p.path("compose.yml"), h.p.path("mine.yml")))
				must(h.t, os.Symlink("mine.yml", h.p.path("compose.yml")))
			},
			engine.Blocked, "is no regular file", nil,
		},
		"the receipt is gone": {
			func(h hands) { remove(h.t, h.p.path(receiptName)) },
			engine.Needed, "as they should be, but not written by rcwizard: they are taken over",
			[]string{receiptName},
		},
		"another workspace's": {
			func(h hands) { rewrite(h.t, h.p, func(r *Receipt) { r.Workspace = "other" }) },
			engine.Blocked, "belongs to the workspace other", nil,
		},
		"somebody's file beside ours": {
			func(h hands) { write(h.t, h.p.path("notes.txt"), "mine") },
			engine.Done, "", nil,
		},
		"a file that is wanted no longer": {
			func(h hands) {
				write(h.t, h.p.path("old.yml"), "old\n")
				rewrite(h.t, h.p, func(r *Receipt) { r.Files["old.yml"] = sum([]byte("old\n")) })
			},
			engine.Needed, "1 of",
			[]string{"old.yml"},
		},
		"a file that is wanted no longer, edited by hand": {
			func(h hands) {
				write(h.t, h.p.path("old.yml"), "mine\n")
				rewrite(h.t, h.p, func(r *Receipt) { r.Files["old.yml"] = sum([]byte("old\n")) })
			},
			engine.Blocked, "old.yml in",
			[]string{"old.yml"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, recorder := deployed(t, render.RoleInstance)
			test.do(hands{t, p})
			r := checked(t, p)
			changed := make([]string, 0, len(r.Changes))
			for _, c := range r.Changes {
				changed = append(changed, strings.TrimPrefix(c.Path, p.Dir+"/"))
			}
			if r.Verdict != test.verdict || !strings.Contains(r.Reason, test.reason) || !slices.Equal(changed, test.changed) {
				t.Errorf("%s, %q, %v; want %s, %q, %v", r.Verdict, r.Reason, changed, test.verdict, test.reason, test.changed)
			}
			if puts := recorder.Puts(); len(puts) > 0 {
				t.Errorf("the check wrote %v", puts)
			}
			if test.verdict != engine.Needed {
				return
			}
			if err := p.putFiles(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r := checked(t, p); r.Verdict != engine.Done {
				t.Errorf("after: %s, %s", r.Verdict, r.Reason)
			}
		})
	}
}

// A file that was never rcwizard's is left alone, unless the site says
// otherwise.
func TestFilesForeign(t *testing.T) {
	t.Parallel()
	s, _ := onDisk(t)
	p := one(t, s, render.RoleInstance)
	must(t, os.MkdirAll(p.Dir, 0o700))
	write(t, p.path("compose.yml"), "services: {}\n")
	r := checked(t, p)
	if r.Verdict != engine.Blocked || !strings.Contains(r.Reason, "not written by rcwizard") || !strings.Contains(r.Reason, "--overwrite-edited") {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
	s.Overwrite = true
	r = checked(t, p)
	if r.Verdict != engine.Needed {
		t.Errorf("with --overwrite-edited: %s: %s", r.Verdict, r.Reason)
	}
	i := slices.IndexFunc(r.Changes, func(c engine.Change) bool { return c.Path == p.path("compose.yml") })
	if i < 0 || r.Changes[i].Before != "services: {}\n" || r.Changes[i].After == "" {
		t.Errorf("no difference is shown: %+v", r.Changes)
	}
}

// The content of a file with secrets is in no report.
func TestFilesSecretNotShown(t *testing.T) {
	t.Parallel()
	p, _ := deployed(t, render.RoleDatabase)
	write(t, p.path(".env"), "GRAFANA=canary-on-the-host\n")
	for _, c := range checked(t, p).Changes {
		if c.Path == p.path(".env") && c.Secret && c.Before+c.After == "" {
			return
		}
	}
	t.Error(".env is not reported as a secret file that changed")
}

// A file that somebody wrote by hand may hold secrets that nobody told rcwizard
// of: the guide's own .env does. They are in no report either.
func TestFilesForeignSecretNotShown(t *testing.T) {
	t.Parallel()
	s, _ := onDisk(t)
	p := one(t, s, render.RoleInstance)
	must(t, os.MkdirAll(p.Dir, 0o755))
	write(t, p.path(".env"), "RELEASE=8.9.1\nREG_TOKEN=\"S3CR3T-token\"\nMONGO_URL=mongodb://u:S3CR3T-pw@10.0.0.10/rocketchat\n")
	r := checked(t, p)
	shown := fmt.Sprintf("%+v", r)
	if strings.Contains(shown, "S3CR3T") {
		t.Errorf("a secret of the host is in the report: %s", shown)
	}
	if !strings.Contains(shown, "RELEASE=8.9.1") {
		t.Errorf("what is no secret is not shown: %s", shown)
	}
}

// What is in the way on one host is found before anything is changed on any.
func TestReadyFindsWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	s, recorders := onDisk(t)
	p := one(t, s, render.RoleInstance)
	must(t, os.MkdirAll(p.Dir, 0o755))
	write(t, p.path("compose.yml"), "services: {}\n")
	r, err := s.inTheWay(t.Context(), p.Host)
	if err != nil || r.Verdict != engine.Blocked || !strings.Contains(r.Reason, "compose.yml") || len(r.Changes) == 0 {
		t.Errorf("in the way on %s: %+v, %v", p.Host, r, err)
	}
	if r, err := s.inTheWay(t.Context(), "db"); err != nil || r.Verdict != engine.Done {
		t.Errorf("in the way on db: %+v, %v", r, err)
	}
	for name, rec := range recorders {
		if n := len(rec.Puts()); n > 0 {
			t.Errorf("%s: %d puts before anything was found fit", name, n)
		}
	}
	// Every change anywhere waits for this look everywhere.
	for _, step := range Install(s).Steps {
		if strings.Contains(step.ID, "/files-") || strings.HasSuffix(step.ID, "/images") {
			for _, host := range s.hostNames() {
				if !slices.Contains(step.Needs, readyID(host)) {
					t.Errorf("%s does not wait for %s", step.ID, readyID(host))
				}
			}
		}
	}
}

func TestFilesObsoleteRemoved(t *testing.T) {
	t.Parallel()
	p, _ := deployed(t, render.RoleInstance)
	write(t, p.path("old.yml"), "old\n")
	write(t, p.path("mine.yml"), "mine\n")
	rewrite(t, p, func(r *Receipt) { r.Files["old.yml"] = sum([]byte("old\n")) })
	if err := p.putFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.path("old.yml")); !os.IsNotExist(err) {
		t.Errorf("old.yml is still there: %v", err)
	}
	if _, err := os.Stat(p.path("mine.yml")); err != nil {
		t.Errorf("mine.yml: %v", err)
	}
}

func TestFilesNewerReceipt(t *testing.T) {
	t.Parallel()
	p, _ := deployed(t, render.RoleInstance)
	rewrite(t, p, func(r *Receipt) { r.Version = 9 })
	_, err := p.checkFiles(t.Context())
	if err == nil || !strings.Contains(err.Error(), "use a newer rcwizard") || !strings.Contains(err.Error(), p.path(receiptName)) {
		t.Errorf("error %v", err)
	}
}

// Looking forks the same number of times however many files there are, and
// everything is written in one stream.
func TestFilesRoundTrips(t *testing.T) {
	t.Parallel()
	p, recorder := deployed(t, render.RoleDatabase)
	checked(t, p)
	if calls := recorder.Calls(); len(calls) != 1 {
		t.Errorf("%d calls to look at %d files, want 1", len(calls), len(p.Files))
	}
	recorder.Reset()
	if err := p.putFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	if calls := recorder.Calls(); len(calls) != 2 || len(recorder.Puts()) != len(p.Files)+2 {
		t.Errorf("%d calls to write %d files, want a look and a put", len(calls), len(p.Files))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	must(t, os.Remove(name))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Clean(name), []byte(text), 0o600))
}

// rewrite changes the receipt behind rcwizard's back.
func rewrite(t *testing.T, p project, edit func(*Receipt)) {
	t.Helper()
	seen, err := p.look(t.Context(), nil)
	if err != nil || seen.receipt == nil {
		t.Fatalf("receipt %v, error %v", seen.receipt, err)
	}
	edit(seen.receipt)
	data, err := seen.receipt.marshal()
	must(t, err)
	write(t, p.path(receiptName), string(data))
}
