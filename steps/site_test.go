package steps

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rcwizard/rcwizard/internal/goldenfile"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// guide is the workspace of the guide's example: a database, two instances and
// a proxy, each on a host of its own. Nothing of it needs sudo, so that this
// machine can stand in for every host.
func guide() workspace.Workspace {
	w := workspace.Workspace{
		Version: workspace.Version, Domain: "chat.example.com", Email: "ops@example.com", Release: "8.9.1",
		Database:  workspace.Database{Host: "db"},
		Proxy:     workspace.Proxy{Host: "edge"},
		Instances: []workspace.Instance{{Host: "rc1"}, {Host: "rc2"}},
	}
	for i, name := range []string{"db", "rc1", "rc2", "edge"} {
		w.Hosts = append(w.Hosts, workspace.Host{Name: name, Address: fmt.Sprintf("10.0.0.%d", i+10), Sudo: workspace.SudoNever})
	}
	return w
}

// newSite renders a workspace; its hosts are not connected.
func newSite(t *testing.T, w workspace.Workspace, s workspace.Secrets) *Site {
	t.Helper()
	w = w.Complete()
	if err := w.Validate().Err(); err != nil {
		t.Fatal(err)
	}
	s, _ = s.Generate(w)
	tree, err := render.Render(render.Inputs{Workspace: w, Secrets: s})
	if err != nil {
		t.Fatal(err)
	}
	return &Site{Workspace: w, Secrets: s, Tree: tree, Version: "1.2.3", Hosts: make(map[string]remote.Host)}
}

// onDisk is the guide's workspace below a directory of the test's own on this
// machine, and what is done to each host, by name.
func onDisk(t *testing.T) (*Site, map[string]*remotetest.Recorder) {
	t.Helper()
	s := newSite(t, guide(), workspace.Secrets{GrafanaAdminPassword: "Grafana-12345", AdminPassword: "Admin-12345"})
	below := t.TempDir()
	for i, p := range s.Tree.Projects {
		s.Tree.Projects[i].Dir = filepath.Join(below, p.Dir)
	}
	recorders := make(map[string]*remotetest.Recorder)
	for _, h := range s.Workspace.Hosts {
		local := remote.Local(h.Name, remote.LocalOptions{Sudo: remote.SudoOff})
		t.Cleanup(func() { _ = local.Close() })
		recorders[h.Name] = remotetest.Record(local)
		s.Hosts[h.Name] = recorders[h.Name]
	}
	return s, recorders
}

// one is the first project of a role, on its host.
func one(t *testing.T, s *Site, role render.Role) project {
	t.Helper()
	projects := s.projects(role)
	if len(projects) == 0 {
		t.Fatalf("the workspace has no project of role %s", role)
	}
	p, err := s.project(projects[0])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	goldenfile.Compare(t, *update, filepath.Join("testdata", name+".golden"), []byte(got))
}

func TestHostNotConnected(t *testing.T) {
	t.Parallel()
	s := newSite(t, guide(), workspace.Secrets{})
	if _, err := s.project(s.Tree.Projects[0]); err == nil || err.Error() != "db is not connected" {
		t.Errorf("error %v", err)
	}
}

func TestAsRoot(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sudo     workspace.Sudo
		seen     facts.Sudo
		password string
		want     bool
	}{
		"never, even as root":                  {workspace.SudoNever, facts.SudoRoot, "", false},
		"with a password":                      {workspace.SudoPassword, facts.SudoPassword, "", true},
		"nothing known yet":                    {workspace.SudoAuto, "", "", true},
		"is root":                              {workspace.SudoAuto, facts.SudoRoot, "", true},
		"sudo without a password":              {workspace.SudoAuto, facts.SudoFree, "", true},
		"sudo asks, so the group is used":      {workspace.SudoAuto, facts.SudoPassword, "", false},
		"sudo asks, and the password is there": {workspace.SudoAuto, facts.SudoPassword, "pw", true},
		"no sudo, so the group is used":        {workspace.SudoAuto, facts.SudoNone, "", false},
		"sudo denied, so the group is used":    {workspace.SudoAuto, facts.SudoNo, "", false},
	} {
		w := guide()
		w.Hosts[0].Sudo = test.sudo
		s := &Site{Workspace: w, Secrets: workspace.Secrets{Hosts: map[string]workspace.HostSecrets{"db": {SudoPassword: test.password}}}}
		if test.seen != "" {
			s.remember("db", facts.Facts{Sudo: test.seen})
		}
		if got := s.asRoot("db"); got != test.want {
			t.Errorf("%s: as root is %t, want %t", name, got, test.want)
		}
	}
}
