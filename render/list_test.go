package render_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// list is the list's file of the guide's workspace with these instances.
func list(t *testing.T, l render.List, instances ...workspace.Instance) ([]byte, workspace.Workspace) {
	t.Helper()
	w := workspace.Workspace{
		Version: workspace.Version, Domain: "chat.example.com", Email: "ops@example.com", Release: "8.9.1",
		Database: workspace.Database{Host: "db"}, Proxy: workspace.Proxy{Host: "db"}, Instances: instances,
		Hosts: []workspace.Host{
			{Name: "db", Address: "10.0.0.10"},
			{Name: "rc1", Address: "10.0.0.11"},
			{Name: "rc2", Address: "10.0.0.12"},
			{Name: "rc3", Address: "fd00::3"},
		},
	}.Complete()
	s, _ := workspace.Secrets{}.Generate(w)
	tree, err := render.Render(render.Inputs{Workspace: w, Secrets: s})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range tree.Projects {
		for _, f := range p.Files {
			if p.Role == l.Role() && f.Path == l.Path() {
				return f.Content, w
			}
		}
	}
	t.Fatalf("nothing renders %s", l)
	return nil, w
}

// Into a list and out of it again: the file is what a whole rendering would be.
func TestList(t *testing.T) {
	t.Parallel()
	one, two, three := workspace.Instance{Host: "rc1"}, workspace.Instance{Host: "rc2"}, workspace.Instance{Host: "rc3"}
	for _, l := range []render.List{render.Routes, render.Targets} {
		t.Run(string(l), func(t *testing.T) {
			t.Parallel()
			short, _ := list(t, l, one, two)
			long, w := list(t, l, one, two, three)
			address := func(n int) string {
				if l == render.Targets {
					return w.Instances[n].MetricsAddress(w)
				}
				return w.Instances[n].Address(w)
			}
			with, err := l.With(short, long, address(2))
			if diff := cmp.Diff(string(long), string(with)); err != nil || diff != "" {
				t.Errorf("with: %v (-want +got):\n%s", err, diff)
			}
			if again, err := l.With(long, long, address(2)); err != nil || string(again) != string(long) {
				t.Errorf("with what is there: %v:\n%s", err, again)
			}
			without, err := l.Without(long, address(2))
			if diff := cmp.Diff(string(short), string(without)); err != nil || diff != "" {
				t.Errorf("without: %v (-want +got):\n%s", err, diff)
			}
			middle, _ := list(t, l, one, three)
			without, err = l.Without(long, address(1))
			if diff := cmp.Diff(string(middle), string(without)); err != nil || diff != "" {
				t.Errorf("without the second: %v (-want +got):\n%s", err, diff)
			}
			if has, err := l.Has(short, address(2)); has || err != nil {
				t.Errorf("has what is not there: %t, %v", has, err)
			}
			alone, _ := list(t, l, one)
			if _, err := l.Without(alone, address(0)); err == nil {
				t.Error("the last one was taken out")
			}
		})
	}
}

// What somebody wrote into the file stays, wherever it is, to the byte.
func TestListKeepsEdits(t *testing.T) {
	t.Parallel()
	_, w := list(t, render.Routes, workspace.Instance{Host: "rc1"}, workspace.Instance{Host: "rc2"})
	long, _ := list(t, render.Routes, workspace.Instance{Host: "rc1"}, workspace.Instance{Host: "rc2"})
	const edited = `# ours
http:
  services:
    grafana:
      loadBalancer: {servers: [{url: "http://10.0.0.10:5050"}]}
    rocketchat:
      loadBalancer:
        servers:
        - weight: 2 # the strong one
          url: http://10.0.0.11:3000
        # the end
  routers: {}
`
	got, err := render.Routes.With([]byte(edited), long, w.Instances[1].Address(w))
	want := strings.Replace(edited, "        # the end\n", "        - url: \"http://10.0.0.12:3000\"\n        # the end\n", 1)
	if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	back, err := render.Routes.Without(got, w.Instances[1].Address(w))
	if err != nil || string(back) != edited {
		t.Errorf("%v:\n%s", err, back)
	}
	for _, odd := range []string{
		"", "a: b\n", "http: {services: {rocketchat: {loadBalancer: {servers: [{url: \"http://10.0.0.11:3000\"}]}}}}\n",
		"http:\n  services:\n    rocketchat:\n      loadBalancer:\n        servers: [{url: \"http://10.0.0.11:3000\"}]\n",
		"http:\n  services:\n    rocketchat:\n      loadBalancer:\n        servers:\n          - {url: \"http://10.0.0.11:3000\"}\n",
	} {
		if got, err := render.Routes.With([]byte(odd), long, w.Instances[1].Address(w)); !errors.Is(err, render.ErrNotAList) {
			t.Errorf("%q became %q, %v", odd, got, err)
		}
	}
	if _, err := render.Routes.Has([]byte("\t:"), "x"); err == nil {
		t.Error("what is no YAML was read")
	}
}
