package steps

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/workspace"
)

// Every plan can be run, and reads in the guide's order.
func TestInstallPlan(t *testing.T) {
	t.Parallel()
	no := false
	for _, test := range []struct {
		name    string
		secrets workspace.Secrets
		change  func(w *workspace.Workspace)
	}{
		{name: "four-hosts", change: func(*workspace.Workspace) {}},
		{name: "three-on-one-host", change: func(w *workspace.Workspace) {
			w.Hosts = w.Hosts[:1]
			w.Proxy.Host = "db"
			w.Instances = []workspace.Instance{{Host: "db"}, {Host: "db"}, {Host: "db"}}
		}},
		{
			name: "external-database", secrets: workspace.Secrets{MongoURL: "mongodb://user:word@mongo.example.com/rocketchat?replicaSet=rs0"},
			change: func(w *workspace.Workspace) { w.Database.External = true },
		},
		{
			name: "no-database-host", secrets: workspace.Secrets{MongoURL: "mongodb://user:word@mongo.example.com/rocketchat?replicaSet=rs0"},
			change: func(w *workspace.Workspace) {
				w.Hosts = w.Hosts[1:]
				w.Database = workspace.Database{External: true}
				w.Messaging.Transporter = workspace.TransporterTCP
				w.Grafana.Mode = workspace.GrafanaNone
			},
		},
		{name: "administrator-in-the-browser", change: func(w *workspace.Workspace) { w.Admin.Create = &no }},
		{name: "one-instance", change: func(w *workspace.Workspace) {
			w.Hosts = slices.Delete(w.Hosts, 2, 3)
			w.Instances = w.Instances[:1]
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := guide()
			test.change(&w)
			plan := Install(newSite(t, w, test.secrets))
			if err := plan.Validate(); err != nil {
				t.Fatal(err)
			}
			golden(t, "install-"+test.name, outline(plan))
			first := indexOf(plan, "/answers")
			for i, s := range plan.Steps {
				if s.Title == "" || s.Guide == "" {
					t.Errorf("%s has no title or no place in the guide", s.ID)
				}
				// A fresh database is not covered by Rocket.Chat's own lock.
				if strings.Contains(s.ID, "compose-up-instance") && i > first && !slices.Contains(s.Needs, plan.Steps[first].ID) {
					t.Errorf("%s may start before the first instance answers", s.ID)
				}
			}
		})
	}
}

// The proxy lets nobody in before the administrator is made and every
// instance answers.
func TestProxyOpensLast(t *testing.T) {
	t.Parallel()
	plan := Install(newSite(t, guide(), workspace.Secrets{}))
	before := behind(plan, "edge/compose-up-proxy")
	for _, id := range []string{"rc1/first-administrator", "rc1/answers", "rc2/answers", "database/primary", "edge/images"} {
		if !before[id] {
			t.Errorf("the proxy does not wait for %s; it waits for %v", id, before)
		}
	}
	if last := plan.Steps[len(plan.Steps)-1]; last.ID != verifyID || !behind(plan, verifyID)["edge/open"] {
		t.Errorf("the last step is %s", last.ID)
	}
}

// behind are all steps that must be done before one, by what it needs.
func behind(plan engine.Plan, id string) map[string]bool {
	out := make(map[string]bool)
	var visit func(string)
	visit = func(id string) {
		for _, s := range plan.Steps {
			if s.ID != id {
				continue
			}
			for _, need := range s.Needs {
				if !out[need] {
					out[need] = true
					visit(need)
				}
			}
		}
	}
	visit(id)
	return out
}

func indexOf(plan engine.Plan, suffix string) int {
	return slices.IndexFunc(plan.Steps, func(s engine.Step) bool { return strings.HasSuffix(s.ID, suffix) })
}

// outline is a plan as text.
func outline(plan engine.Plan) string {
	var b strings.Builder
	for _, s := range plan.Steps {
		fmt.Fprintf(&b, "%s on %s, guide %s\n    %s\n", s.ID, orHere(s.Host), s.Guide, s.Title)
		if len(s.Needs) > 0 {
			fmt.Fprintf(&b, "    needs %s\n", strings.Join(s.Needs, ", "))
		}
	}
	return b.String()
}

func orHere(host string) string {
	if host == "" {
		return "the operator's machine"
	}
	return host
}
