package workspace_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace"
)

func TestDifferences(t *testing.T) {
	t.Parallel()
	base := func() workspace.Workspace {
		return workspace.Workspace{
			Version: workspace.Version, Domain: "chat.example.com", Email: "ops@example.com", Release: "8.9.1",
			Hosts: []workspace.Host{
				{Name: "db", Address: "10.0.0.10"}, {Name: "rc1", Address: "10.0.0.11"}, {Name: "edge", Address: "10.0.0.13"},
			},
			Database:  workspace.Database{Host: "db"},
			Proxy:     workspace.Proxy{Host: "edge"},
			Instances: []workspace.Instance{{Host: "rc1"}},
		}
	}
	for name, test := range map[string]struct {
		change func(w *workspace.Workspace)
		want   []workspace.Difference
	}{
		"nothing": {func(*workspace.Workspace) {}, nil},
		"a field, and one that follows from it": {
			func(w *workspace.Workspace) { w.Domain = "talk.example.com" },
			[]workspace.Difference{
				{Field: "name", Before: "chat-example-com", After: "talk-example-com"},
				{Field: "domain", Before: "chat.example.com", After: "talk.example.com"},
				{Field: "root_url", Before: "https://chat.example.com", After: "https://talk.example.com"},
			},
		},
		"of a host that moved in the list": {
			func(w *workspace.Workspace) {
				w.Hosts[0], w.Hosts[2] = w.Hosts[2], w.Hosts[0]
				w.Hosts[1].SSH.Port = 2222
			},
			[]workspace.Difference{{Field: "hosts.rc1.ssh.port", Before: "22", After: "2222"}},
		},
		"one more": {
			func(w *workspace.Workspace) { w.Instances = append(w.Instances, workspace.Instance{Host: "rc1"}) },
			[]workspace.Difference{{Field: "instances.rc1-2", After: "name rc1-2, host rc1, port 3001, metrics_port 9459"}},
		},
		"what is gone with another answer": {
			func(w *workspace.Workspace) { w.Grafana.Mode = workspace.GrafanaNone },
			[]workspace.Difference{
				{Field: "grafana.mode", Before: "path", After: "none"},
				{Field: "grafana.path", Before: "/grafana"},
				{Field: "grafana.port", Before: "5050"},
				{Field: "database.prometheus_port", Before: "9090"},
				{Field: "database.node_exporter_port", Before: "9100"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after := base()
			test.change(&after)
			got := workspace.Differences(base().Complete(), after.Complete())
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
