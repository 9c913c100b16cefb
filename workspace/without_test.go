package workspace_test

import (
	"slices"
	"testing"

	"github.com/rcwizard/rcwizard/workspace"
)

// An instance goes, and its host with it unless that has something else to do;
// nobody else moves.
func TestWithout(t *testing.T) {
	t.Parallel()
	w := workspace.Workspace{
		Version: workspace.Version, Domain: "chat.example.com", Email: "ops@example.com",
		Hosts: []workspace.Host{
			{Name: "db", Address: "10.0.0.10"},
			{Name: "rc1", Address: "10.0.0.11"},
			{Name: "rc2", Address: "10.0.0.12"},
			{Name: "edge", Address: "10.0.0.13"},
		},
		Database: workspace.Database{Host: "db"}, Proxy: workspace.Proxy{Host: "edge"},
		Instances: []workspace.Instance{{Host: "rc1"}, {Host: "rc1"}, {Host: "rc2"}, {Host: "edge"}},
	}.Complete()
	for _, test := range []struct {
		gone, hosts []string
	}{
		{[]string{"rc1"}, []string{"db", "rc1", "rc2", "edge"}},
		{[]string{"rc1", "rc1-2"}, []string{"db", "rc2", "edge"}},
		{[]string{"rc2"}, []string{"db", "rc1", "edge"}},
		{[]string{"edge"}, []string{"db", "rc1", "rc2", "edge"}},
		{[]string{"nobody"}, []string{"db", "rc1", "rc2", "edge"}},
	} {
		got := w.Without(test.gone...)
		if err := got.Validate().Err(); err != nil {
			t.Errorf("without %v: %v", test.gone, err)
		}
		if !slices.Equal(got.HostNames(), test.hosts) {
			t.Errorf("without %v it has %v", test.gone, got.HostNames())
		}
		if back := got.With(w, test.gone...); !sameSets(back, w) {
			t.Errorf("without %v and with them again it has %v on %v", test.gone, back.Instances, back.HostNames())
		}
		again := got.Complete()
		for _, i := range again.Instances {
			if was, ok := w.Instance(i.Name); !ok || was != i || slices.Contains(test.gone, i.Name) {
				t.Errorf("without %v there is %+v, which was %+v", test.gone, i, was)
			}
		}
	}
	if len(w.Instances) != 4 || len(w.Hosts) != 4 {
		t.Error("the workspace itself was changed")
	}
}

// sameSets reports whether two workspaces have the same hosts and instances, in
// whatever order.
func sameSets(a, b workspace.Workspace) bool {
	in := func(x, y workspace.Workspace) bool {
		return !slices.ContainsFunc(x.Hosts, func(h workspace.Host) bool { return !slices.Contains(y.Hosts, h) }) &&
			!slices.ContainsFunc(x.Instances, func(i workspace.Instance) bool { return !slices.Contains(y.Instances, i) })
	}
	return in(a, b) && in(b, a)
}
