package render

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/workspace"
)

// officialInputs is the guide's workspace with files that have the structure of
// Rocket.Chat's own.
func officialInputs(t *testing.T) Inputs {
	t.Helper()
	for _, g := range goldens(t) {
		if filepath.Base(g.name) != "guide.txtar" {
			continue
		}
		in := g.inputs.WithoutSecrets()
		in.Workspace.Compose = workspace.ComposeOfficial
		in.Official = Official{Commit: strings.Repeat("0", 40), Files: map[string][]byte{}}
		for _, name := range OfficialFiles() {
			content, err := os.ReadFile(filepath.Join("..", "test", "official", filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			in.Official.Files[name] = content
		}
		return in
	}
	t.Fatal("there is no guide.txtar")
	return Inputs{}
}

// Rocket.Chat's own files go to the hosts to the byte, each once for each project,
// and nothing that is ours has their place.
func TestOfficial(t *testing.T) {
	t.Parallel()
	in := officialInputs(t)
	tree, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range tree.Projects {
		for _, f := range p.Files {
			name := strings.TrimPrefix(f.Path, upstreamDir)
			theirs, there := in.Official.Files[name]
			// The two that include theirs are ours, and have the guide's names.
			if included := p.Role == RoleDatabase && f.Path == name && strings.HasPrefix(name, "compose."); there && !included {
				seen[name] = true
				if !f.Upstream || !bytes.Equal(f.Content, theirs) {
					t.Errorf("%s of %s is not Rocket.Chat's own", f.Path, p.Name)
				}
				continue
			}
			if f.Upstream {
				t.Errorf("%s of %s says that it is Rocket.Chat's own", f.Path, p.Name)
			}
			if strings.Contains(string(f.Content), "{{") && !strings.HasSuffix(f.Path, ".json") {
				t.Errorf("%s of %s is not filled in:\n%s", f.Path, p.Name, f.Content)
			}
		}
	}
	for _, name := range OfficialFiles() {
		if !seen[name] {
			t.Errorf("%s is fetched and not used", name)
		}
	}
	for _, l := range []List{Routes, Targets} {
		p, _ := tree.Database()
		if l.Role() == RoleProxy {
			p, _ = tree.Proxy()
		}
		f, there := p.File(l.Path())
		if has, err := l.Has(f.Content, map[List]string{Routes: in.Workspace.Instances[0].Address(in.Workspace), Targets: in.Workspace.Instances[0].MetricsAddress(in.Workspace)}[l]); !there || !has || err != nil {
			t.Errorf("the list %s: %v, %v, %v", l, there, has, err)
		}
	}
	p, _ := tree.Instance(in.Workspace.Instances[0].Name)
	if got := p.ComposeWith("x.yml"); !slices.Equal(got, []string{"compose.yml", "compose.override.yml", "x.yml"}) {
		t.Errorf("beside another file Compose is given %v", got)
	}
}

// Grafana is given the same data source in both kinds: of one that it keeps under
// its name it takes no other uid, and that is the one of Rocket.Chat's dashboards.
func TestOneDataSource(t *testing.T) {
	t.Parallel()
	in := officialInputs(t)
	official, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	in.Workspace.Compose = workspace.ComposeBundled
	bundled, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := official.Database()
	ours, _ := bundled.Database()
	a, there := theirs.File(dataSources + "prometheus.yml")
	b, _ := ours.File(dataSources + "prometheus.yml")
	if !there || a.Upstream || string(a.Content) != string(b.Content) || !strings.Contains(string(a.Content), "uid: DS_PROMETHEUS\n") {
		t.Errorf("the data source is\n%s\nand\n%s", a.Content, b.Content)
	}
	for _, f := range slices.Concat(theirs.Files, ours.Files) {
		if strings.HasSuffix(f.Path, ".json") && !strings.Contains(string(f.Content), `"uid": "DS_PROMETHEUS"`) {
			t.Errorf("%s asks for another data source", f.Path)
		}
	}
}

// What a variable of the environment decides in theirs, which image runs and where
// the data lies, is ours.
func TestOfficialIsNotTurnedByVariables(t *testing.T) {
	t.Parallel()
	tree, err := Render(officialInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	db, _ := tree.Database()
	instance, _ := tree.Instance("rc1")
	for _, c := range []struct {
		project            Project
		file, service, key string
		want               string
	}{
		{instance, composeOverride, "rocketchat", "image", "    image: registry.rocket.chat/rocketchat/rocket.chat:${RELEASE:?}"},
		{db, "override-database.yaml", "mongodb", "volumes", "    volumes: !override\n      - mongodb_data:/data/db"},
		{db, "override-database.yaml", "mongodb-fix-permission-container", "volumes", "    volumes: !override\n      - mongodb_data:/data/db"},
	} {
		if got, err := piece(c.project.Files, c.file, c.service, []string{c.key}); err != nil || got != c.want {
			t.Errorf("%s of %s: %v, %q", c.key, c.service, err, got)
		}
	}
}

// What is missing, or of another layout, is an error and not a file that fails on a
// host.
func TestOfficialDoesNotFit(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Inputs){
		"the official files/prometheus/prometheus.yml is missing": func(in *Inputs) { delete(in.Official.Files, "files/prometheus/prometheus.yml") },
		"the official compose.database.yml at commit " + strings.Repeat("0", 40) + " has no service nats, which": func(in *Inputs) {
			in.Official.Files[composeDatabase] = bytes.Replace(in.Official.Files[composeDatabase], []byte("\n  nats:\n"), []byte("\n  messages:\n"), 1)
		},
		"the official compose.yml at commit " + strings.Repeat("0", 40) + " cannot be read": func(in *Inputs) { in.Official.Files[composeFile] = []byte("\t- x") },
	} {
		in := officialInputs(t)
		change(&in)
		if _, err := Render(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A piece has the comments before it, ends where the next key begins, and is an
// error where there is none.
func TestPiece(t *testing.T) {
	t.Parallel()
	files := []File{{Path: "compose.yml", Content: []byte(`services:
  a:
    image: x
    # why
    # so
    command:
      - |
        one

        two
    volumes:
      - v:/v

  b:
    image: y
volumes: {}
`)}}
	got, err := piece(files, "compose.yml", "a", []string{"volumes", "command"})
	if want := "    volumes:\n      - v:/v\n    # why\n    # so\n    command:\n      - |\n        one\n\n        two"; err != nil || got != want {
		t.Errorf("%v:\n%s", err, got)
	}
	for _, wrong := range [][3]string{{"other.yml", "a", "image"}, {"compose.yml", "c", "image"}, {"compose.yml", "b", "command"}} {
		if got, err := piece(files, wrong[0], wrong[1], []string{wrong[2]}); err == nil {
			t.Errorf("%v gives %s", wrong, got)
		}
	}
}
