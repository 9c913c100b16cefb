package render

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rcwizard/rcwizard/assets"
	"github.com/rcwizard/rcwizard/workspace"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// wanted is where a golden begins in the archives of testdata.
const wanted = "want/"

// golden is one archive of testdata: inputs, and what they render to. Goldens
// hold placeholders for secrets, as every export for showing does.
type golden struct {
	name    string
	archive *txtar.Archive
	inputs  Inputs
}

func goldens(t *testing.T) []golden {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	out := make([]golden, 0, len(names))
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, golden{name: name, archive: archive, inputs: inputs(t, name, archive)})
	}
	return out
}

func inputs(t *testing.T, name string, archive *txtar.Archive) Inputs {
	t.Helper()
	var in Inputs
	for _, f := range archive.Files {
		switch f.Name {
		case "workspace.yaml":
			w, problems := workspace.Load(name, f.Data)
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			in.Workspace = w
		case "secrets.yaml":
			secrets, problems := workspace.ParseSecrets(name, f.Data)
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			in.Secrets = secrets
		case "cert.pem":
			in.TLSCert = f.Data
		case "key.pem":
			in.TLSKey = f.Data
		case "ca.pem":
			in.CACert = f.Data
		}
	}
	return in
}

// TestGolden shows every byte that is made for four workspaces. Embedded files
// that go to the host as they are appear in the list alone.
func TestGolden(t *testing.T) {
	t.Parallel()
	static := staticFiles(t)
	for _, g := range goldens(t) {
		t.Run(filepath.Base(g.name), func(t *testing.T) {
			t.Parallel()
			tree, err := Render(g.inputs.WithoutSecrets())
			if err != nil {
				t.Fatal(err)
			}
			got := &txtar.Archive{Comment: g.archive.Comment}
			for _, f := range g.archive.Files {
				if !strings.HasPrefix(f.Name, wanted) {
					got.Files = append(got.Files, f)
				}
			}
			got.Files = append(got.Files, txtar.File{Name: wanted + "PROJECTS", Data: describe(tree)})
			for _, f := range tree.Exported() {
				if !static[string(f.Content)] {
					got.Files = append(got.Files, txtar.File{Name: wanted + f.Path, Data: f.Content})
				}
			}
			if *update {
				if err := os.WriteFile(g.name, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(txtar.Format(g.archive)), string(txtar.Format(got))); d != "" {
				t.Errorf("%s (-want +got; -update rewrites it):\n%s", g.name, d)
			}
		})
	}
}

// describe lists the projects and their files.
func describe(tree Tree) []byte {
	var b strings.Builder
	for _, p := range tree.Projects {
		fmt.Fprintf(&b, "%s on %s as %s\n  cd %s && %s\n", p.Role, p.Host, p.Name, p.Dir, p.ComposeCommand())
		for _, image := range p.Images {
			fmt.Fprintf(&b, "  pull %s\n", image)
		}
		for _, f := range p.Files {
			fmt.Fprintf(&b, "  %o %s", f.Mode, f.Path)
			if f.Secret {
				b.WriteString(" secret")
			}
			if f.Live {
				b.WriteString(" live")
			}
			b.WriteByte('\n')
		}
	}
	return []byte(b.String())
}

// staticFiles are the contents of the embedded files that are no templates.
func staticFiles(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, project := range []string{assets.Database, assets.Instance, assets.Proxy} {
		files, err := assets.Files(project)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !f.Template {
				out[f.Content] = true
			}
		}
	}
	return out
}

func TestRenderIsDeterministic(t *testing.T) {
	t.Parallel()
	for _, g := range goldens(t) {
		in := g.inputs.WithoutSecrets()
		first, err := Render(in)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			again, err := Render(in)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(first, again) {
				t.Fatalf("%s: rendering again gives something else", g.name)
			}
		}
	}
}

// TestNamesAreUnique shows that no two projects share a name or a folder on a
// host, also when an instance is called like another role.
func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	w := workspace.Workspace{
		Domain:    "chat.example.com",
		Release:   "8.9.1",
		Hosts:     []workspace.Host{{Name: "all", Address: "10.0.0.1"}},
		Database:  workspace.Database{Host: "all"},
		Proxy:     workspace.Proxy{Host: "all"},
		Instances: []workspace.Instance{{Name: "database", Host: "all"}, {Name: "proxy", Host: "all"}, {Host: "all"}},
	}
	tree, err := Render(Inputs{Workspace: w.Complete(), Secrets: workspace.Secrets{GrafanaAdminPassword: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, p := range tree.Projects {
		for _, key := range []string{"name " + p.Name, "directory " + p.Dir} {
			if other, ok := seen[key]; ok {
				t.Errorf("%s is that of %s and of %s %s", key, other, p.Role, p.Instance)
			}
			seen[key] = string(p.Role) + " " + p.Instance
		}
	}
}

func TestRenderRefusesWhatIsMissing(t *testing.T) {
	t.Parallel()
	base := goldens(t)[0].inputs
	for _, test := range []struct {
		name   string
		change func(*Inputs)
		want   string
	}{
		{"no Grafana password", func(in *Inputs) { in.Secrets.GrafanaAdminPassword = "" }, "grafana_admin_password"},
		{"external without a URL", func(in *Inputs) { in.Workspace.Database.External = true; in.Secrets.MongoURL = "" }, "mongo_url"},
		{"no certificate", func(in *Inputs) { in.Workspace.TLS = workspace.TLS{Mode: workspace.TLSFiles}; in.TLSCert = nil }, "tls.cert_file"},
		{"no root", func(in *Inputs) {
			in.Workspace.TLS = workspace.TLS{Mode: workspace.TLSACME, CACertFile: "ca.pem"}
			in.CACert = nil
		}, "tls.ca_cert_file"},
		{"not complete", func(in *Inputs) { in.Workspace.Instances = []workspace.Instance{{Host: "rc1"}} }, "instance"},
		{"no address", func(in *Inputs) { in.Workspace.Hosts = nil }, "private address"},
		{"no version", func(in *Inputs) { in.Workspace.Database.MongoDBVersion = "" }, "mongodb_version"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := base.WithoutSecrets()
			in.Secrets.GrafanaAdminPassword = "x"
			in.Workspace.Database.External = false
			test.change(&in)
			_, err := Render(in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one about %s", err, test.want)
			}
		})
	}
}

func TestHealthPath(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]string{
		"7.10.9": "/health", "7.11.0": "/livez", "8.0.1": "/livez", "9.0.0": "/livez", "7.9.12": "/health", "?": "/health",
	} {
		if got := healthPath(release); got != want {
			t.Errorf("healthPath(%s) = %s, want %s", release, got, want)
		}
	}
}
