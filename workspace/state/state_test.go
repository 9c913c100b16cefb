package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/renameio/v2"

	"github.com/rcwizard/rcwizard/workspace"
)

const four = `version: 1
domain: chat.example.com
email: ops@example.com
hosts:
  - {name: db, address: 10.0.0.10}
  - {name: rc1, address: 10.0.0.11}
  - {name: rc2, address: 10.0.0.12}
database: {host: db}
proxy: {host: db}
instances: [{host: rc1}, {host: rc2}]
`

func open(t *testing.T) *Folder {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "a", "chat"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestBase(t *testing.T) {
	for _, c := range []struct{ xdg, home, want string }{
		{"/var/state", "/home/me", "/var/state/rcwizard"},
		{"", "/home/me", "/home/me/.local/state/rcwizard"},
		{"relative", "/home/me", "/home/me/.local/state/rcwizard"},
		{"", "", ""},
	} {
		env := func(name string) string { return map[string]string{"XDG_STATE_HOME": c.xdg}[name] }
		got, err := Base(env, c.home)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q and %q: %q, %v", c.xdg, c.home, got, err)
		}
	}
}

func TestOpenModes(t *testing.T) {
	f := open(t)
	for _, dir := range []string{f.Dir(), filepath.Dir(f.Dir())} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}

	empty := t.TempDir()
	if err := os.Chmod(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(empty); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(empty); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("an empty folder that others could read was left so: %v", info.Mode())
	}

	if err := os.WriteFile(filepath.Join(empty, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(empty, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(empty); err == nil || !strings.Contains(err.Error(), "chmod 700 "+empty) {
		t.Errorf("a folder that others can read: %v", err)
	}

	file := filepath.Join(f.Dir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil {
		t.Error("a file was opened as a folder")
	}
}

func TestWorkspaceAndSecrets(t *testing.T) {
	f := open(t)
	if _, err := f.LoadWorkspace(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no workspace yet: %v", err)
	}
	if s, err := f.LoadSecrets(); err != nil || !cmp.Equal(s, workspace.Secrets{}) {
		t.Errorf("no secrets yet: %v", err)
	}
	w, problems := workspace.Load("", []byte(four))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	secrets, _ := workspace.Secrets{Hosts: map[string]workspace.HostSecrets{"db": {SSHPassword: "canary"}}}.Generate(w)
	for range 2 { // a second time replaces what is there
		if err := f.SaveWorkspace(w); err != nil {
			t.Fatal(err)
		}
		if err := f.SaveSecrets(secrets); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := f.LoadWorkspace(); err != nil || !cmp.Equal(w, got) {
		t.Errorf("%v\n%s", err, cmp.Diff(w, got))
	}
	if got, err := f.LoadSecrets(); err != nil || !cmp.Equal(secrets, got) {
		t.Errorf("the secrets are not what was saved: %v", err)
	}
	entries, err := os.ReadDir(f.Dir())
	if err != nil || len(entries) != 2 {
		t.Errorf("something was left behind: %v %v", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", e.Name(), info.Mode())
		}
	}

	if err := os.Chmod(f.SecretsPath(), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := f.LoadSecrets(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("secrets that others can read: %v", err)
	}
	if err := os.WriteFile(f.SecretsPath(), []byte("canary: canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(f.SecretsPath(), 0o600); err != nil {
		t.Fatal(err)
	}
	var invalid *workspace.InvalidError
	if _, err := f.LoadSecrets(); !errors.As(err, &invalid) || strings.Contains(err.Error(), "canary") {
		t.Errorf("secrets that are wrong: %v", err)
	}
	if err := os.WriteFile(f.WorkspacePath(), []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.LoadWorkspace(); !errors.As(err, &invalid) {
		t.Errorf("a workspace that is wrong: %v", err)
	}
}

// A file that cannot be replaced stays as it was, and nothing is left beside it.
func TestWriteFailsWhole(t *testing.T) {
	f := open(t)
	if err := f.SaveReport([]byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.path("x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.write("x", []byte("second")); err == nil {
		t.Error("a directory was replaced by a file")
	}
	if entries, err := os.ReadDir(f.Dir()); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	if data, err := os.ReadFile(f.Report()); err != nil || string(data) != "first" {
		t.Errorf("%q %v", data, err)
	}
}

func TestList(t *testing.T) {
	base := filepath.Join(t.TempDir(), "rcwizard")
	if names, err := List(base); err != nil || len(names) != 0 {
		t.Errorf("no base: %v %v", names, err)
	}
	w, _ := workspace.Load("", []byte(four))
	for _, name := range []string{"b", "a", "unfinished"} {
		f, err := Open(filepath.Join(base, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "unfinished" {
			continue
		}
		if err := f.SaveWorkspace(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(base, "stray"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := List(base); err != nil || !cmp.Equal(names, []string{"a", "b"}) {
		t.Errorf("%v %v", names, err)
	}
}

func TestTranscripts(t *testing.T) {
	f := open(t)
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.FixedZone("CET", 3600))
	names := make([]string, 0, 3)
	for range 3 {
		file, err := f.CreateTranscript(now)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := file.Stat(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		names = append(names, filepath.Base(file.Name()))
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"20261123T110000Z.log", "20261123T110000Z-2.log", "20261123T110000Z-3.log"}; !cmp.Equal(names, want) {
		t.Errorf("%v", names)
	}
}

func TestManifest(t *testing.T) {
	f := open(t)
	if m, err := f.LoadManifest(); err != nil || len(m.Hosts) != 0 {
		t.Errorf("nothing rendered yet: %v %v", m, err)
	}
	m := Manifest{Hosts: map[string][]ManifestFile{
		"db": {{Path: "/opt/rocketchat/database/.env", SHA256: strings.Repeat("a", 64), Mode: 0o600}},
	}}
	if err := f.SaveManifest(m); err != nil {
		t.Fatal(err)
	}
	if got, err := f.LoadManifest(); err != nil || !cmp.Equal(m, got) {
		t.Errorf("%v\n%s", err, cmp.Diff(m, got))
	}
	for _, text := range []string{`{"version":2,"hosts":{}}`, `{"hosts":{}}`, `{`, ``} {
		if err := f.write(manifestFile, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.LoadManifest(); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// What a process leaves that is killed while it writes a file goes with the next
// lock, and nothing else does.
func TestSweep(t *testing.T) {
	f := open(t)
	if err := f.SaveSecrets(workspace.Secrets{}); err != nil {
		t.Fatal(err)
	}
	// What renameio calls its file is seen, not assumed.
	pending, err := renameio.NewPendingFile(f.SecretsPath(), renameio.WithTempDir(f.Dir()))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(pending.Name()) != f.Dir() {
		t.Fatalf("it lies in %s", pending.Name())
	}
	mine := f.path(".workspace.yaml.mine")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := f.Lock(Holder{PID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(pending.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", pending.Name(), err)
	}
	for _, path := range []string{mine, f.SecretsPath()} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
