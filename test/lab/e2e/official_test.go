package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// officialTree has the structure of Rocket.Chat's own repository.
const officialTree = "../../official"

// officialCommit is one that rcwizard does not know, at which the mirror has the tree.
var officialCommit = strings.Repeat("0f", 20)

// mirror serves the tree where the operator sits, and counts what it is asked for.
func mirror(t *testing.T, f *lab.Fleet) (address string, asked *atomic.Int64) {
	t.Helper()
	l, err := f.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int64)
	files := http.StripPrefix("/"+officialCommit, http.FileServer(http.Dir(officialTree)))
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		files.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String(), asked
}

// With Rocket.Chat's own compose files, a cluster on one host is installed, grows, shrinks, and changes to
// rcwizard's files and back, and keeps its data.
func TestOfficialFiles(t *testing.T) { //nolint:tparallel // on one cluster, one thing after the other
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("all")})
	address, asked := mirror(t, f)
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) {
		oneHost(t, f, w, "all", 1)
		w.Compose = workspace.Compose("official@" + officialCommit)
	})
	o := r.install("--compose-url", address)
	if n := int(asked.Load()); n != len(render.OfficialFiles()) {
		t.Errorf("the mirror was asked %d times for %d files", n, len(render.OfficialFiles()))
	}
	for _, text := range []string{"fetching Rocket.Chat's own compose files at 0f0f0f0 from " + address, "names a commit"} {
		if !strings.Contains(o.text(), text) {
			t.Errorf("install does not say %q:\n%s", text, o.text())
		}
	}
	t.Logf("lab: installed with Rocket.Chat's own files in %.1f s", o.took.Seconds())
	for _, test := range []struct {
		name string
		run  func(*rig)
	}{
		{"to the byte, and counted", officialStands},
		{"the guide's commands change nothing", officialByHand},
		{"add and remove", officialGrows},
		{"to rcwizard's files and back", kindChanges},
	} {
		if !t.Run(test.name, func(t *testing.T) { test.run(r.in(t)) }) {
			t.Fatal("what comes next builds on this")
		}
	}
	if n := int(asked.Load()); n != len(render.OfficialFiles()) {
		t.Errorf("after the first time the mirror was asked again: %d times", n)
	}
}

func officialStands(r *rig) {
	r.t.Helper()
	r.counts(cluster.VerdictOK, "1 of 1 instance registered")
	r.administrator()
	r.grafanaPath()
	for _, name := range render.OfficialFiles() {
		content, err := os.ReadFile(filepath.Join(officialTree, filepath.FromSlash(name)))
		r.must(err)
		sum := sha256.Sum256(content)
		at := map[string]string{
			"compose.yml":            "instances/" + r.w.Instances[0].Name + "/compose.yml",
			"compose.database.yml":   "database/upstream/compose.database.yml",
			"compose.monitoring.yml": "database/upstream/compose.monitoring.yml",
			"compose.traefik.yml":    "proxy/compose.traefik.yml",
		}[name]
		if at == "" {
			at = "database/" + name
		}
		if got, _, _ := strings.Cut(r.shell("all", "sha256sum "+r.w.Directory+"/"+at), " "); got != hex.EncodeToString(sum[:]) {
			r.t.Errorf("%s is not %s to the byte", at, name)
		}
	}
}

// officialByHand gives the guide's commands, each in its directory.
func officialByHand(r *rig) {
	before := r.containers()
	for dir, command := range map[string]string{
		"database":                           "docker compose -f compose.database.yml -f compose.monitoring.yml up -d",
		"instances/" + r.w.Instances[0].Name: "docker compose up -d",
		"proxy":                              "docker compose -f compose.traefik.yml -f override-traefik.yaml up -d",
	} {
		r.shell("all", "cd "+r.w.Directory+"/"+dir+" && "+command)
	}
	after := r.containers()
	for name := range before {
		// It does its work anew at each up.
		if strings.Contains(name, "mongodb-init") || strings.Contains(name, "mongodb-fix") {
			delete(before, name)
			delete(after, name)
		}
	}
	if diff := cmp.Diff(before, after); diff != "" {
		r.t.Errorf("the guide's commands changed containers (-before +after):\n%s", diff)
	}
}

func officialGrows(r *rig) {
	if o := r.run("add-instance", "all", "--yes"); o.code != 0 {
		r.t.Fatalf("add-instance ended with code %d:\n%s", o.code, tail(o.text(), 60))
	}
	two := *r
	two.takeState()
	two.counts(cluster.VerdictOK, "2 of 2 instances registered, linked")
	added := two.w.Instances[1]
	if got := r.shell("all", "cd "+r.w.Directory+"/instances/"+added.Name+" && ls -A && docker compose config --services"); !strings.Contains(got, "compose.override.yml") || !strings.HasSuffix(got, "rocketchat\n") {
		r.t.Errorf("the new instance has %s", got)
	}
	if o := r.run("remove-instance", added.Name, "--yes", "--drain", "1s"); o.code != 0 {
		r.t.Fatalf("remove-instance ended with code %d:\n%s", o.code, tail(o.text(), 60))
	}
	r.counts(cluster.VerdictOK, "1 of 1 instance registered")
}

// kindChanges goes over to rcwizard's files and back. The plan says what is made anew, and it is.
func kindChanges(r *rig) {
	volumes := func() string {
		return r.shell("all", "docker volume ls -q | grep '^"+r.w.Name+"-' | sort | xargs docker volume inspect -f '{{.Name}} {{.CreatedAt}}'")
	}
	for _, to := range []workspace.Compose{workspace.ComposeBundled, workspace.Compose("official@" + officialCommit)} {
		before, data := r.containers(), volumes()
		r.writeWorkspace(func(w *workspace.Workspace) { w.Compose = to })
		o := r.run("plan", "-f", r.file)
		anew := map[string]bool{}
		for name := range before {
			service := strings.TrimSuffix(name[strings.LastIndex(name, r.w.Name):], "-1")
			_, service, _ = strings.Cut(strings.TrimPrefix(service, r.w.Name+"-"), "-")
			service = strings.TrimPrefix(service, r.w.Instances[0].Name+"-")
			anew[name] = strings.Contains(o.stdout, "/"+service+": a new container")
			if !anew[name] != slices.Contains([]string{"mongodb-exporter", "nats-exporter", "mongodb-fix-permission-container"}, service) {
				r.t.Errorf("to %s: the plan says that %s (%s) is made anew: %v", to, name, service, anew[name])
			}
		}
		r.t.Logf("lab: the plan to %s:\n%s", to, withoutTexts(o.stdout))
		if diff := cmp.Diff(before, r.containers()); diff != "" {
			r.t.Fatalf("the plan touched containers (-before +after):\n%s", diff)
		}
		r.install()
		r.counts(cluster.VerdictOK, "1 of 1 instance registered")
		after := r.containers()
		for _, name := range slices.Sorted(maps.Keys(before)) {
			id, _, _ := strings.Cut(before[name], " ")
			if now, _, _ := strings.Cut(after[name], " "); now == "" || (now != id) != anew[name] {
				r.t.Errorf("to %s: %s was %s and is %s; the plan said that it is made anew: %v", to, name, id, now, anew[name])
			}
		}
		if len(after) != len(before) {
			r.t.Errorf("to %s: %d containers became %d", to, len(before), len(after))
		}
		if diff := cmp.Diff(data, volumes()); diff != "" {
			r.t.Errorf("to %s: the volumes are others (-before +after):\n%s", to, diff)
		}
		if roles := r.roles("passerby", "pw-passerby"); !slices.Equal(roles, []string{"user"}) {
			r.t.Errorf("to %s: who registered before is %v", to, roles)
		}
		unchanged(r.t, r)
	}
}

// withoutTexts are the lines of a plan that are no difference of a file.
func withoutTexts(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "      ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
