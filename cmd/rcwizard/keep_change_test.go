package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// deployedIn makes a workspace that was deployed, and returns its draft's key and
// its folder.
func deployedIn(t *testing.T, b *backend) (string, *state.DraftFolder) {
	t.Helper()
	d := draftOf(t, 22, "root")
	d.Answers.Workspace.Hosts[0].PrivateIP = "10.0.0.9"
	d, err := b.Save(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := b.adopt(d)
	if err != nil {
		t.Fatal(err)
	}
	f, err := state.OpenDraft(folder.Dir())
	if err != nil {
		t.Fatal(err)
	}
	return b.now(d.Key), f
}

func joinedTo(t *testing.T, b *backend, key string) ui.Draft {
	t.Helper()
	d, err := b.Alter(t.Context(), key, ui.AddInstances)
	if err != nil {
		t.Fatal(err)
	}
	question.Join(&d.Answers, question.ParseAddresses("ada@192.0.2.99"))
	n := len(d.Answers.Workspace.Hosts) - 1
	d.Answers.Workspace.Hosts[n].PrivateIP = "10.0.0.99"
	d.Change.Instances = []string{d.Answers.Workspace.Complete().Instances[1].Name}
	return d
}

// An addition that was described is there for a process that begins anew, and
// nothing of it is in the workspace's own answers; it goes when nothing is added
// any more, and is not brought back once the workspace is another.
func TestAdditionIsKept(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	key, folder := deployedIn(t, b)
	before, err := b.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	d := joinedTo(t, b, key)
	d.Page, d.Skips = "check", []string{"host:host1:clock"}
	d.Answers.Secrets.Hosts = map[string]workspace.HostSecrets{"host1": {SSHPassword: "correct horse"}}
	d.Typed.Hosts = map[string]workspace.HostSecrets{"host1": {SudoPassword: "battery staple"}}
	if _, err := b.Save(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	again := backendIn(t, b.a.home)
	opened, err := again.Alter(t.Context(), key, ui.AddInstances)
	if err != nil {
		t.Fatal(err)
	}
	d.Typed = workspace.Secrets{}
	opened.Answers.Secrets.AdminPassword, opened.Answers.Secrets.GrafanaAdminPassword = d.Answers.Secrets.AdminPassword, d.Answers.Secrets.GrafanaAdminPassword
	if diff := cmp.Diff(d, opened); diff != "" {
		t.Errorf("opened (-saved +opened):\n%s", diff)
	}
	if after, err := again.Open(t.Context(), key); err != nil || !cmp.Equal(before, after) {
		t.Errorf("the workspace's own answers changed: %v\n%s", err, cmp.Diff(before, after))
	}
	leaks := func(secret string) {
		t.Helper()
		_ = filepath.WalkDir(folder.Dir(), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if strings.Contains(string(data), secret) {
				t.Errorf("%s has a password that was for one run", path)
			}
			return err
		})
	}
	leaks("battery staple")

	// Another run added something meanwhile: what was described fits no more.
	other := before.Answers.Workspace.Complete()
	other.Instances = append(other.Instances, workspace.Instance{Host: other.Hosts[0].Name})
	other = other.Complete()
	if err := folder.SaveWorkspace(other); err != nil {
		t.Fatal(err)
	}
	if opened, err = again.Alter(t.Context(), key, ui.AddInstances); err != nil || len(opened.Change.Instances) != 0 || len(opened.Answers.Workspace.Hosts) != 1 {
		t.Errorf("%+v, %v", opened, err)
	}
	d.Answers.Workspace, d.Change.Instances = other, nil
	if _, err := again.Save(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder.Dir(), additionDir)); err == nil {
		t.Error("an addition of nothing is kept")
	}
}

// An addition that was cut goes on as it was begun, and no other is described
// meanwhile.
func TestCutAdditionGoesOn(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	key, folder := deployedIn(t, b)
	w := joinedTo(t, b, key).Answers.Workspace.Complete()
	name := w.Instances[1].Name
	cut := state.Alteration{Verb: steps.PlanAdd, Instances: []string{name}, Workspace: w, Command: "rcwizard add-instance ada@192.0.2.99"}
	if err := folder.SaveAlteration(cut); err != nil {
		t.Fatal(err)
	}
	d, err := b.Alter(t.Context(), key, ui.AddInstances)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&ui.Change{Kind: ui.AddInstances, Instances: []string{name}, Begun: true}, d.Change); diff != "" {
		t.Error(diff)
	}
	if n := len(d.Without().Hosts); n != 1 {
		t.Errorf("without it there are %d hosts", n)
	}
	ans, err := b.usable(d)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.alteration(d, ans)
	if err != nil || len(c.without.Instances) != 1 || !c.adds || !c.goesOn || c.ans.again != cut.Command {
		t.Errorf("%+v, %v", c, err)
	}

	// Who described it and is still there can try it again at once, and nothing else.
	d.Change.Begun = false
	if c, err = b.alteration(d, ans); err != nil || !c.goesOn {
		t.Errorf("%+v, %v", c, err)
	}
	other := d.Clone()
	other.Change.Instances = []string{"another"}
	if _, err := b.alteration(other, ans); err == nil {
		t.Error("something else is added while an addition is under way")
	}
	d.Change.Begun = true

	// It can be taken back instead.
	back, err := b.Alter(t.Context(), key, ui.RemoveInstances)
	if err != nil || !back.Change.Begun || len(back.Answers.Workspace.Instances) != 2 {
		t.Fatalf("%+v, %v", back, err)
	}
	if ans, err = b.usable(back); err != nil {
		t.Fatal(err)
	}
	if c, err = b.alteration(back, ans); err != nil || c.adds || len(c.without.Instances) != 1 {
		t.Errorf("%+v, %v", c, err)
	}

	if diff := cmp.Diff(ui.Change{Kind: ui.RemoveInstances, Instances: []string{name}, Begun: true, Drain: removeDrain}, *back.Change); diff != "" {
		t.Error(diff)
	}

	// Nothing is added while a removal is under way.
	cut.Verb = steps.PlanRemove
	if err := folder.SaveAlteration(cut); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Alter(t.Context(), key, ui.AddInstances); err == nil || !strings.Contains(err.Error(), "was cut") {
		t.Error(err)
	}
	if _, err := b.alteration(d, ans); err == nil {
		t.Error("an addition goes on although a removal is under way")
	}
}

// A removal that was cut goes on under the conditions that it was begun with, and
// keeps them for whoever goes on after that.
func TestCutRemovalGoesOn(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	key, folder := deployedIn(t, b)
	w := joinedTo(t, b, key).Answers.Workspace.Complete()
	if err := folder.SaveWorkspace(w); err != nil {
		t.Fatal(err)
	}
	fresh, err := b.Alter(t.Context(), key, ui.RemoveInstances)
	if err != nil || fresh.Change.Begun || fresh.Change.Drain != removeDrain {
		t.Fatalf("%+v, %v", fresh.Change, err)
	}
	cut := state.Alteration{
		Verb: steps.PlanRemove, Instances: []string{w.Instances[1].Name}, Workspace: w,
		Drain: 5 * time.Minute, WithoutHost: true, Command: "rcwizard remove-instance host1 --drain 5m --without-host",
	}
	if err := folder.SaveAlteration(cut); err != nil {
		t.Fatal(err)
	}
	d, err := b.Alter(t.Context(), key, ui.RemoveInstances)
	if err != nil {
		t.Fatal(err)
	}
	want := ui.Change{Kind: ui.RemoveInstances, Instances: cut.Instances, Begun: true, Drain: cut.Drain, WithoutHost: true}
	if diff := cmp.Diff(want, *d.Change); diff != "" {
		t.Error(diff)
	}
	ans, c := changing(t, b, d)
	if !c.goesOn || c.adds || c.drain != cut.Drain || !c.withoutHost || c.ans.again != cut.Command {
		t.Errorf("%+v", c)
	}
	if err := c.begin(); err != nil {
		t.Fatal(err)
	}
	if kept, _, err := folder.LoadAlteration(); err != nil || kept.Drain != cut.Drain || !kept.WithoutHost {
		t.Errorf("kept is %+v, %v", kept, err)
	}
	d.Change.Instances = []string{w.Instances[0].Name}
	if _, err := b.alteration(d, ans); err == nil {
		t.Error("another one is removed while a removal is under way")
	}
}

// What is carried out is the workspace's alone; answers that somebody is changing
// beside it have it too afterwards, or else to carry them out would take it back.
func TestCarryOver(t *testing.T) {
	t.Parallel()
	for _, adds := range []bool{true, false} {
		b := newBackend(t)
		key, folder := deployedIn(t, b)
		d := joinedTo(t, b, key)
		beside, err := b.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		beside.Answers.Workspace.Domain = "new.example.com"
		beside.Answers.Secrets.License = "new"
		if !adds {
			beside.Answers.Workspace.Hosts = d.Answers.Workspace.Hosts
			beside.Answers.Workspace.Instances = d.Answers.Workspace.Instances
		}
		if _, err := b.Save(t.Context(), beside); err != nil {
			t.Fatal(err)
		}
		ans, err := b.usable(d)
		if err != nil {
			t.Fatal(err)
		}
		ans.folder, ans.secrets.License = folder.Folder, "old"
		ans.secrets.Hosts = map[string]workspace.HostSecrets{"host1": {SSHPassword: "correct horse"}}
		c := &alteration{app: b.a, ans: ans, names: d.Change.Instances, adds: adds}
		if err := c.carryOver(); err != nil {
			t.Fatal(err)
		}
		if one := b.known(key); one.Stale {
			t.Errorf("adds %v: they are taken for older than what was carried over: %q", adds, one.Notes)
		}
		got, err := b.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		w := got.Answers.Workspace
		if _, there := w.Complete().Instance(d.Change.Instances[0]); there != adds || w.Domain != "new.example.com" || len(w.Hosts) != len(w.Complete().Instances) {
			t.Errorf("adds %v: %+v", adds, w)
		}
		if s := got.Answers.Secrets; s.License != "new" || s.Hosts["host1"].SSHPassword != "correct horse" {
			t.Errorf("adds %v: the licence that was typed, or the login of the new host, is lost", adds)
		}
	}
}

// The command that does the same names what the wizard was told, quoted for a
// shell; a workspace that another run changed meanwhile is refused, and so is the
// last instance.
func TestChangeOfDraft(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	key, folder := deployedIn(t, b)
	d := joinedTo(t, b, key)
	ans, c := changing(t, b, d)
	want := "rcwizard add-instance ada@192.0.2.99:22 --workspace " + ans.workspace.Name + " --name " + d.Change.Instances[0] + " --private-ip 10.0.0.99"
	if !strings.HasPrefix(c.ans.again, want) {
		t.Errorf("%s\nwanted %s", c.ans.again, want)
	}
	other := c.without.Clone()
	other.Email = "others@example.com"
	if err := folder.SaveWorkspace(other); err != nil {
		t.Fatal(err)
	}
	if _, err := b.alteration(d, ans); err == nil || !strings.Contains(err.Error(), "changed by another run") {
		t.Error(err)
	}
	if err := folder.SaveWorkspace(c.without); err != nil {
		t.Fatal(err)
	}
	gone, err := b.Alter(t.Context(), key, ui.RemoveInstances)
	if err != nil {
		t.Fatal(err)
	}
	gone.Change.Instances = []string{gone.Answers.Workspace.Instances[0].Name}
	if ans, err = b.usable(gone); err != nil {
		t.Fatal(err)
	}
	if _, err := b.alteration(gone, ans); err == nil || !strings.Contains(err.Error(), "last instance") {
		t.Error(err)
	}
}

// changing are the answers of a draft, and its change as the commands make it.
func changing(t *testing.T, b *backend, d ui.Draft) (answers, *alteration) {
	t.Helper()
	ans, err := b.usable(d)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.alteration(d, ans)
	if err != nil {
		t.Fatal(err)
	}
	return ans, c
}
