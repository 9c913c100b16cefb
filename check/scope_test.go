package check_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/workspace"
)

func guideOf(instances ...string) workspace.Workspace {
	w := workspace.Workspace{
		Version: workspace.Version, Domain: "chat.example.com", Email: "ops@example.com", Release: "8.9.1",
		Database: workspace.Database{Host: "db"}, Proxy: workspace.Proxy{Host: "edge"},
		Hosts: []workspace.Host{{Name: "db", Address: "10.0.0.10"}, {Name: "edge", Address: "10.0.0.13"}},
	}
	for n, name := range instances {
		w.Instances = append(w.Instances, workspace.Instance{Host: name})
		if !slices.Contains(w.HostNames(), name) {
			w.Hosts = append(w.Hosts, workspace.Host{Name: name, Address: "10.0.0." + string(rune('2'+n))})
		}
	}
	return w.Complete()
}

// Of a new host everything is checked, and every connection that it brings; of
// what runs already nothing but what has to be known for that.
func TestNew(t *testing.T) {
	t.Parallel()
	after := guideOf("rc1", "rc2")
	only := check.New(guideOf("rc1"), after)
	for _, id := range []string{"host:rc2:memory", "port:rc2:db:27017", "port:rc2:db:4222", "port:edge:rc2:3000", "port:db:rc2:9458", "listen:rc2:3000", "exposure:rc2:3000", "domain:chat.example.com:dns:rc2", "release:instance:rc2", "image:rc2:x"} {
		if !check.Matches(only, id) {
			t.Errorf("%s is not checked", id)
		}
	}
	for _, id := range []string{"host:rc1:memory", "port:rc1:db:27017", "port:edge:rc1:3000", "port:world:edge:443", "release:exists", "image:rc1:x"} {
		if check.Matches(only, id) {
			t.Errorf("%s is checked", id)
		}
	}
	beside := check.Beside(after, only)
	if check.Matches(beside, "domain:chat.example.com:dns:rc2") || !check.Matches(beside, "port:rc1:db:27017") {
		t.Errorf("beside it is left out: %s", strings.Join(beside, "\n"))
	}
	if check.Beside(after, nil) != nil {
		t.Error("something is left out of a whole check")
	}

	only = check.New(guideOf("rc1"), guideOf("rc1", "rc1"))
	for id, want := range map[string]bool{
		"listen:rc1:3001": true, "port:edge:rc1:3001": true, "port:db:rc1:9459": true, "host:rc1:cores": true,
		"port:edge:rc1:3000": false, "port:rc1:db:27017": false,
	} {
		if got := check.Matches(only, id); got != want {
			t.Errorf("one more on a host: %s is checked: %t", id, got)
		}
	}
}
