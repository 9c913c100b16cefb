package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace"
)

// canary is in every secret of secretInputs.
const canary = "canary$1 \"x\" #y \\z"

// secretInputs is a workspace with every secret that can reach a file.
func secretInputs(t *testing.T) Inputs {
	t.Helper()
	in := goldens(t)[2].inputs
	if in.Workspace.TLS.Mode != workspace.TLSFiles {
		t.Fatal("the third archive of testdata is not the one with certificate files")
	}
	in.Workspace.Database.External = true
	in.Secrets = workspace.Secrets{
		GrafanaAdminPassword: canary, AdminPassword: canary, RegistrationToken: canary, License: canary,
		MongoURL:         "mongodb://user:" + canary + "@db.example.com/rocketchat?replicaSet=rs0",
		StorageAccessKey: canary, StorageSecretKey: canary,
	}
	in.TLSKey = []byte(canary)
	return in
}

func render(t *testing.T, in Inputs) Tree {
	t.Helper()
	tree, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestExportWithoutSecretsHoldsNone(t *testing.T) {
	t.Parallel()
	in := secretInputs(t)
	var with, without bytes.Buffer
	for _, f := range render(t, in).Exported() {
		with.Write(f.Content)
	}
	for _, f := range render(t, in.WithoutSecrets()).Exported() {
		without.Write(f.Content)
	}
	if n := strings.Count(with.String(), "canary"); n < 15 {
		t.Fatalf("the canary is in %d places of the whole export; the test looks at too little", n)
	}
	if strings.Contains(without.String(), "canary") {
		t.Error("a secret is in the export without secrets")
	}
	for _, key := range []string{"grafana_admin_password", "registration_token", "license", "mongo_url", "storage_access_key", "storage_secret_key"} {
		if !strings.Contains(without.String(), `"<`+key+`>"`) {
			t.Errorf("no placeholder for %s", key)
		}
	}
}

// TestSecretFiles shows that secrets are only in files that say so, and that
// these are for their owner alone.
func TestSecretFiles(t *testing.T) {
	t.Parallel()
	for _, f := range render(t, secretInputs(t)).Exported() {
		if has := bytes.Contains(f.Content, []byte("canary")); has != f.Secret {
			t.Errorf("%s: holds a secret: %v, says so: %v", f.Path, has, f.Secret)
		}
		if (f.Secret || filepath.Base(f.Path) == ".env") && f.Mode != 0o600 {
			t.Errorf("%s has mode %o", f.Path, f.Mode)
		}
		if bytes.Contains(Masked(f.Path, f.Content), []byte("canary")) {
			t.Errorf("%s: a secret is left after masking", f.Path)
		}
		if !f.Secret && !bytes.Equal(Masked(f.Path, f.Content), f.Content) {
			t.Errorf("%s: masking changes a file without secrets", f.Path)
		}
	}
}

func TestFirstAdmin(t *testing.T) {
	t.Parallel()
	w := workspace.Workspace{Admin: workspace.Admin{Username: "admin", Email: "ops@example.com"}}
	f, err := FirstAdmin(w, workspace.Secrets{AdminPassword: `a$b"c\d`})
	if err != nil {
		t.Fatal(err)
	}
	if f.Path != FirstAdminFile || f.Mode != 0o600 || !f.Secret {
		t.Errorf("the file is %s, %o, secret %v", f.Path, f.Mode, f.Secret)
	}
	if want := `      ADMIN_PASS: "a$$b\"c\\d"` + "\n"; !strings.Contains(string(f.Content), want) {
		t.Errorf("no line %q in\n%s", want, f.Content)
	}
	if masked := Masked("rc1/"+f.Path, f.Content); !bytes.HasSuffix(masked, []byte("\n      ADMIN_PASS: \"********\"\n")) {
		t.Errorf("the password is not masked:\n%s", masked)
	}
	if _, err := FirstAdmin(w, workspace.Secrets{}); err == nil {
		t.Error("no error without a password")
	}
}

func TestExportDir(t *testing.T) {
	t.Parallel()
	tree, dir := render(t, secretInputs(t)), t.TempDir()
	for range 2 { // the second time over the first
		if _, err := ExportDir(tree, dir); err != nil {
			t.Fatal(err)
		}
	}
	left := map[string]File{}
	for _, f := range tree.Exported() {
		left[f.Path] = f
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != dir && info.Mode().Perm() != 0o755 {
				t.Errorf("%s has mode %o", name, info.Mode().Perm())
			}
			return nil
		}
		path, _ := filepath.Rel(dir, name)
		path = filepath.ToSlash(path)
		f, ok := left[path]
		if !ok {
			t.Errorf("%s is no file of the tree", path)
			return nil
		}
		delete(left, path)
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !bytes.Equal(content, f.Content) || info.Mode().Perm() != f.Mode {
			t.Errorf("%s was not written as it is in the tree", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path := range left {
		t.Errorf("%s was not written", path)
	}
}

func TestExportArchive(t *testing.T) {
	t.Parallel()
	tree := render(t, secretInputs(t))
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := ExportArchive(tree, b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two archives of one tree differ")
	}

	decompressed, err := gzip.NewReader(&first)
	if err != nil {
		t.Fatal(err)
	}
	if !decompressed.ModTime.IsZero() || decompressed.Name != "" {
		t.Errorf("the header holds a time or a name: %+v", decompressed.Header)
	}
	var got []File
	last, archive := "", tar.NewReader(decompressed)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.ModTime.Unix() != 0 {
			t.Errorf("%s belongs to somebody or has a time: %+v", h.Name, h)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if h.Name <= last {
			t.Errorf("%s comes after %s", h.Name, last)
		}
		last = h.Name
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, File{Path: h.Name, Mode: fs.FileMode(h.Mode), Content: content})
	}
	want := tree.Exported()
	for i := range want {
		want[i].Secret, want[i].Live = false, false
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the archive does not hold the tree (-want +got):\n%s", d)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	in := secretInputs(t)
	old := render(t, in)
	dir := t.TempDir()
	if _, err := ExportDir(old, dir); err != nil {
		t.Fatal(err)
	}
	// What is not of an export is none of Diff's business, and not shown.
	for name, content := range map[string]string{
		"secrets.yaml": "admin_password: canary", "big/proxy/notes.txt": "canary", "notes/proxy/.envrc": "canary", "gone/instances/x/.env": "A=canary",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := []FileDiff{{Path: "big/proxy/notes.txt", Kind: Deleted}, {Path: "gone/instances/x/.env", Kind: Deleted}}
	if diffs, err := Diff(os.DirFS(dir), old); err != nil || cmp.Diff(want, diffs) != "" {
		t.Fatalf("the same tree differs: %v %v", diffs, err)
	}

	in.Workspace.Release = "7.10.1"
	in.Workspace.Instances = in.Workspace.Instances[:2]
	in.Secrets.GrafanaAdminPassword = "another canary"
	in.TLSKey = []byte("another canary")
	diffs, err := Diff(os.DirFS(dir), render(t, in))
	if err != nil {
		t.Fatal(err)
	}
	byPath := map[string]FileDiff{}
	for _, d := range diffs {
		byPath[d.Path] = d
		if strings.Contains(d.Unified, "canary") {
			t.Errorf("%s: a secret is in the difference:\n%s", d.Path, d.Unified)
		}
	}
	env := byPath["big/instances/big/.env"]
	if env.Kind != Updated || env.SecretChanged || !strings.Contains(env.Unified, "-RELEASE=\"7.10.0\"\n+RELEASE=\"7.10.1\"\n") {
		t.Errorf("the change of the release is %+v", env)
	}
	for _, path := range []string{"big/database/.env", "big/proxy/dynamic/key.pem"} {
		if d := byPath[path]; !d.SecretChanged || d.Unified != "" {
			t.Errorf("the change of a secret in %s is %+v", path, d)
		}
	}
	if d := byPath["big/instances/third/compose.yml"]; d.Kind != Deleted || d.Unified != "" {
		t.Errorf("what is gone is %+v", d)
	}
	if left, err := ExportDir(render(t, in), dir); err != nil || !slices.Contains(left, "big/instances/third/.env") || slices.Contains(left, "secrets.yaml") {
		t.Errorf("the export names as left %q, %v", left, err)
	}
	if d := byPath["big/proxy/dynamic/rocketchat.yml"]; !strings.Contains(d.Unified, `-          - url: "http://10.0.0.5:4000"`) {
		t.Errorf("the change of the routes is %+v", d)
	}
	if _, ok := byPath["big/instances/big/compose.yml"]; ok {
		t.Error("a file that is the same is there")
	}
}

func TestDigestFollowsTheFiles(t *testing.T) {
	t.Parallel()
	in := secretInputs(t)
	before, _ := render(t, in).Instance("big")
	again, _ := render(t, in).Instance("big")
	if before.Digest() != again.Digest() {
		t.Error("the digest of the same project differs")
	}
	in.Secrets.License = "another"
	after, _ := render(t, in).Instance("big")
	if before.Digest() == after.Digest() {
		t.Error("the digest does not see a changed file")
	}
	files := append([]File(nil), before.Files...)
	files[0].Mode = 0o644
	before.Files = files
	if before.Digest() == again.Digest() {
		t.Error("the digest does not see a changed mode")
	}
}
