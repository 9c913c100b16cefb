package steps

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// scopeOf is a scope of instances of a workspace, kept in memory.
func scopeOf(s *Site, names ...string) *Scope {
	kept := s.Workspace.Without(names...)
	return &Scope{
		Instances: names, Without: s.Workspace.Without(names...),
		Kept: func() (workspace.Workspace, error) { return kept, nil },
		Keep: func(w workspace.Workspace) error { kept = w; return nil },
	}
}

// three is the guide's workspace with a third instance, on a host of its own.
func three() workspace.Workspace {
	w := guide()
	w.Hosts = append(w.Hosts, workspace.Host{Name: "rc3", Address: "10.0.0.14", Sudo: workspace.SudoNever})
	w.Instances = append(w.Instances, workspace.Instance{Host: "rc3"})
	return w
}

func TestAddPlans(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(w *workspace.Workspace)
		scope  string
	}{
		{"new-host", func(*workspace.Workspace) {}, "rc3"},
		{"one-more-on-a-host", func(w *workspace.Workspace) {
			w.Hosts, w.Instances = w.Hosts[:4], append(w.Instances[:2], workspace.Instance{Host: "rc1"})
		}, "rc1-2"},
		{"no-monitoring", func(w *workspace.Workspace) { w.Grafana.Mode = workspace.GrafanaNone }, "rc3"},
	} {
		w := three()
		test.change(&w)
		s := newSite(t, w, workspace.Secrets{})
		s.Scope = scopeOf(s, test.scope)
		for name, plan := range map[string]engine.Plan{"add": Add(s), "take-back": TakeBack(s), "remove": Remove(s)} {
			if err := plan.Validate(); err != nil {
				t.Errorf("%s, %s: %v", name, test.name, err)
			}
			golden(t, name+"-"+test.name, outline(plan))
		}
		for _, h := range s.Workspace.Hosts {
			if h.Name != "rc3" {
				s.Hosts[h.Name] = new(remotetest.Fake)
			}
		}
		s.Scope.Lost = true
		if plan := Remove(s); test.scope == "rc3" {
			golden(t, "remove-without-host-"+test.name, outline(plan))
		}
	}
}

// putAll writes every file of the site where it belongs.
func putAll(t *testing.T, s *Site) {
	t.Helper()
	for _, rp := range s.Tree.Projects {
		p, err := s.project(rp)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.putFiles(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// added is the guide's cluster on disk with a third instance that is to come:
// its files are where they are to be, those of rc3 are not.
func added(t *testing.T) (*Site, map[string]*remotetest.Recorder) {
	t.Helper()
	s, recorders := onDisk(t)
	putAll(t, s)
	next := newSite(t, three(), s.Secrets)
	for i, p := range next.Tree.Projects {
		next.Tree.Projects[i].Dir = filepath.Join(filepath.Dir(filepath.Dir(s.Tree.Projects[0].Dir)), filepath.Base(filepath.Dir(s.Tree.Projects[0].Dir)), strings.TrimPrefix(p.Dir, s.Workspace.Directory))
	}
	next.Hosts = s.Hosts
	local := remote.Local("rc3", remote.LocalOptions{Sudo: remote.SudoOff})
	t.Cleanup(func() { _ = local.Close() })
	recorders["rc3"] = remotetest.Record(local)
	next.Hosts["rc3"] = recorders["rc3"]
	next.Scope = scopeOf(next, "rc3")
	for _, r := range recorders {
		r.Reset()
	}
	return next, recorders
}

// step runs a step as the runner does.
func bring(t *testing.T, s engine.Step) engine.Report {
	t.Helper()
	before, err := s.Check(t.Context(), quiet{})
	if err != nil {
		t.Fatal(err)
	}
	if before.Verdict == engine.Blocked {
		return before
	}
	if err := s.Apply(t.Context(), quiet{}); err != nil {
		t.Fatal(err)
	}
	after, err := s.Check(t.Context(), quiet{})
	if err != nil || after.Verdict != engine.Done {
		t.Fatalf("%s afterwards: %s, %s, %v", s.ID, after.Verdict, after.Reason, err)
	}
	return before
}

type quiet struct{}

func (quiet) Line(string, string)           {}
func (quiet) Progress(int64, int64, string) {}
func (quiet) Note(string)                   {}

// An instance comes into both lists as a whole rendering would have it, and out
// again; nothing else is written, and what was ours stays ours.
func TestListsOnHosts(t *testing.T) {
	t.Parallel()
	s, recorders := added(t)
	rest, err := s.Rest(t.Context())
	if err != nil || len(rest) > 0 {
		t.Errorf("the rest: %+v, %v", rest, err)
	}
	proxy, database := s.projects(render.RoleProxy)[0], s.projects(render.RoleDatabase)[0]
	enter := s.listed(render.Routes, proxy, true, nil)
	report := bring(t, enter)
	if len(report.Changes) != 1 || strings.Contains(report.Changes[0].Before, "10.0.0.14") || !strings.Contains(report.Changes[0].After, "10.0.0.14:3000") {
		t.Errorf("the change: %+v", report.Changes)
	}
	bring(t, s.tellPrometheus(database, true))
	bring(t, s.note(database, s.Workspace))
	for _, rp := range []render.Project{proxy, database} {
		p, err := s.project(rp)
		if err != nil {
			t.Fatal(err)
		}
		if r := checked(t, p); r.Verdict != engine.Done {
			t.Errorf("a whole installation would change %s: %s, %v", rp.Name, r.Reason, r.Changes)
		}
	}
	for host, want := range map[string]int{"db": 2, "edge": 1, "rc1": 0, "rc2": 0, "rc3": 0} {
		if got := len(recorders[host].Puts()); (want == 0) != (got == 0) {
			t.Errorf("%s: files were put %v", host, recorders[host].Puts())
		}
	}
	bring(t, s.tellPrometheus(database, false))
	bring(t, s.listed(render.Routes, proxy, false, nil))
	text, err := os.ReadFile(filepath.Join(proxy.Dir, render.Routes.Path()))
	if err != nil || strings.Contains(string(text), "10.0.0.14") || !strings.Contains(string(text), "10.0.0.12") {
		t.Errorf("%v:\n%s", err, text)
	}
}

// An instance that was removed from the middle of a list in a run that was cut
// makes no difference of the list.
func TestRestOfARemovalThatWasCut(t *testing.T) {
	t.Parallel()
	s, _ := onDisk(t)
	putAll(t, s)
	s.Scope = scopeOf(s, "rc1")
	for n, step := range []engine.Step{
		s.listed(render.Routes, s.projects(render.RoleProxy)[0], false, nil),
		s.tellPrometheus(s.projects(render.RoleDatabase)[0], false),
	} {
		bring(t, step)
		if rest, err := s.Rest(t.Context()); err != nil || len(rest) > 0 {
			t.Errorf("%d lists later: %+v, %v", n+1, rest, err)
		}
	}
}

// What somebody edited stays, is told, and is somebody's afterwards too. A list
// in which nothing can be found is not guessed at.
func TestListsEdited(t *testing.T) {
	t.Parallel()
	s, _ := added(t)
	proxy := s.projects(render.RoleProxy)[0]
	file := filepath.Join(proxy.Dir, render.Routes.Path())
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), "attempts: 2", "attempts: 3", 1)
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	rest, err := s.Rest(t.Context())
	if err != nil || len(rest) != 1 || !rest[0].Edited || !strings.Contains(rest[0].Have, "attempts: 3") || !strings.Contains(rest[0].Have, "10.0.0.14") || !strings.Contains(rest[0].Want, "attempts: 2") {
		t.Fatalf("the rest: %+v, %v", rest, err)
	}
	if r := bring(t, s.listed(render.Routes, proxy, true, nil)); !strings.Contains(r.Reason, "the edit stays") {
		t.Errorf("reason %q", r.Reason)
	}
	got, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(got), "attempts: 3") || !strings.Contains(string(got), "10.0.0.14:3000") {
		t.Errorf("%v:\n%s", err, got)
	}
	p, err := s.project(proxy)
	if err != nil {
		t.Fatal(err)
	}
	if r := checked(t, p); r.Verdict != engine.Blocked {
		t.Errorf("an edit of somebody's is taken for rcwizard's: %s, %s", r.Verdict, r.Reason)
	}
	if err := os.WriteFile(file, []byte("http: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := bring(t, s.listed(render.Routes, proxy, true, nil)); r.Verdict != engine.Blocked || r.Next == "" {
		t.Errorf("a file without a list: %s, %s", r.Verdict, r.Reason)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if r := bring(t, s.listed(render.Routes, proxy, true, nil)); r.Verdict != engine.Blocked {
		t.Errorf("no file: %s, %s", r.Verdict, r.Reason)
	}
}

// With a scope, an edit of another project on the host is no obstacle, and what a
// newer rcwizard would write there is told and left.
func TestScopeLeavesTheRest(t *testing.T) {
	t.Parallel()
	s, _ := added(t)
	env := filepath.Join(s.projects(render.RoleInstance)[0].Dir, ".env")
	if err := os.WriteFile(env, []byte("SECRET=word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := s.inTheWay(t.Context(), "rc1"); err != nil || r.Verdict != engine.Done {
		t.Errorf("in the way: %s, %s, %v", r.Verdict, r.Reason, err)
	}
	rest, err := s.Rest(t.Context())
	want := []Left{{Host: "rc1", Path: env, Edited: true}}
	if rest[0].Have != "" {
		want[0].Have, want[0].Want = rest[0].Have, rest[0].Want
		if strings.Contains(rest[0].Have, "word") {
			t.Errorf("a secret is shown: %s", rest[0].Have)
		}
	}
	if diff := cmp.Diff(want, rest); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got := s.references("rc1"); len(got) > 0 {
		t.Errorf("images of what is not in the scope: %v", got)
	}
	if got := s.references("rc3"); len(got) != 1 || !slices.Equal(got, s.compared("rc1")) {
		t.Errorf("images of the scope: %v, compared with %v", got, s.compared("rc1"))
	}
}

// What lies where a new instance's files go is told with its difference, unless
// rcwizard wrote it.
func TestForeign(t *testing.T) {
	t.Parallel()
	s, _ := added(t)
	rp := s.scoped()[0]
	if foreign, err := s.Foreign(t.Context()); err != nil || len(foreign) > 0 {
		t.Errorf("on a new host: %+v, %v", foreign, err)
	}
	p, err := s.project(rp)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.putFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	if foreign, err := s.Foreign(t.Context()); err != nil || len(foreign) > 0 {
		t.Errorf("what rcwizard wrote: %+v, %v", foreign, err)
	}
	for _, name := range []string{".env", "compose.yml"} {
		if err := os.WriteFile(p.path(name), []byte("SECRET=word\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	foreign, err := s.Foreign(t.Context())
	if err != nil || len(foreign) != 2 {
		t.Fatalf("%+v, %v", foreign, err)
	}
	for _, l := range foreign {
		if l.Path == p.path(".env") && strings.Contains(l.Have, "word") || l.Want == "" || !l.Edited || l.Host != "rc3" {
			t.Errorf("%+v", l)
		}
	}
	if r, err := s.inTheWay(t.Context(), "rc3"); err != nil || r.Verdict != engine.Blocked || !strings.Contains(r.Next, "before the check") {
		t.Errorf("%s, %s, %v", r.Verdict, r.Next, err)
	}
}

// The release is the one that runs; two of them, none, and one that was raised
// and not started yet are told.
func TestRunning(t *testing.T) {
	t.Parallel()
	image := func(release, state string) engineContainer {
		return engineContainer{Service: "rocketchat", State: state, Image: "registry.rocket.chat/rocketchat/rocket.chat:" + release}
	}
	for _, test := range []struct {
		name     string
		rc1, rc2 engineContainer
		want     string
		wrong    string
	}{
		{"both", image("8.10.0", "running"), image("8.10.0", "running"), "8.10.0", ""},
		{"one is down", image("8.9.1", "running"), image("8.9.1", "exited"), "8.9.1", ""},
		{"two releases", image("8.9.1", "running"), image("8.10.0", "running"), "", "finish that upgrade first"},
		{"none", image("8.9.1", "exited"), image("8.9.1", "exited"), "", "no instance of the workspace is seen to run"},
		{"half raised", image("8.9.1", "running"), image("8.10.0", "created"), "", "is to be on release 8.10.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, _ := added(t)
			s.Hosts["rc1"], s.Hosts["rc2"] = withEngine(t, "rc1", test.rc1), withEngine(t, "rc2", test.rc2)
			got, err := s.Running(t.Context())
			if got != test.want || (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// That the workspace has an instance is kept once, and taken back.
func TestKeep(t *testing.T) {
	t.Parallel()
	s, _ := added(t)
	bring(t, s.keep(s.Workspace))
	if kept, err := s.Scope.Kept(); err != nil || len(kept.Instances) != 3 {
		t.Errorf("kept %+v, %v", kept.Instances, err)
	}
	bring(t, s.keep(s.Scope.Without))
	if kept, err := s.Scope.Kept(); err != nil || len(kept.Instances) != 2 || len(kept.Hosts) != 4 {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

// Removing reads the receipt: ours goes, with its secrets, and an edit stays.
func TestErase(t *testing.T) {
	t.Parallel()
	s, _ := added(t)
	s.Hosts["rc3"] = withEngine(t, "rc3") // whose container is gone by now
	rp := s.scoped()[0]
	p, err := s.project(rp)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.putFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path("compose.yml"), []byte("services: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env, err := os.ReadFile(p.path(".env"))
	if err != nil {
		t.Fatal(err)
	}
	// Raised by hand, as the guide says: it is rcwizard's all the same.
	if err := os.WriteFile(p.path(".env"), []byte(strings.Replace(string(env), `RELEASE="8.9.1"`, "RELEASE=8.10.0", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	left, err := p.leftOf(t.Context())
	want := remains{remove: []string{".env", receiptName}, edited: []string{"compose.yml"}}
	if diff := cmp.Diff(want, left, cmp.AllowUnexported(remains{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := p.host.Put(t.Context(), p.Dir, nil, remote.PutOptions{Remove: left.remove}); err != nil {
		t.Fatal(err)
	}
	after, err := s.erase(rp).Check(t.Context(), quiet{})
	if err != nil || after.Verdict != engine.Done {
		t.Errorf("afterwards: %s, %s, %v", after.Verdict, after.Reason, err)
	}
	if _, err := os.Stat(p.path(".env")); !os.IsNotExist(err) {
		t.Errorf("the secrets stay: %v", err)
	}
}

// A wait ends with its context, and after its time.
func TestPass(t *testing.T) {
	t.Parallel()
	s := new(Site)
	if err := s.pass(t.Context(), quiet{}, 20*time.Millisecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.pass(ctx, quiet{}, time.Hour); err == nil {
		t.Error("it waited on")
	}
}

// A new instance that is not linked yet is waited for, unless none is.
func TestLinking(t *testing.T) {
	t.Parallel()
	s := &Site{Scope: &Scope{Instances: []string{"rc3"}}}
	row := func(name string, linked cluster.Answer, why string) cluster.Row {
		return cluster.Row{Name: name, Linked: linked, Why: why}
	}
	for _, test := range []struct {
		rows []cluster.Row
		want bool
	}{
		{[]cluster.Row{row("rc1", cluster.Yes, ""), row("rc3", cluster.Yes, "")}, false},
		{[]cluster.Row{row("rc1", cluster.Yes, ""), row("rc3", cluster.No, "no connection to NATS")}, true},
		{[]cluster.Row{row("rc1", cluster.No, "no licence"), row("rc3", cluster.No, "no licence")}, false},
		{[]cluster.Row{row("rc1", cluster.No, "no licence"), row("rc3", cluster.Unknown, "x")}, true},
		{[]cluster.Row{row("rc1", cluster.Unknown, "x")}, false},
	} {
		if got := s.linking(cluster.Report{Instances: test.rows}); got != test.want {
			t.Errorf("%+v: %t", test.rows, got)
		}
	}
}
