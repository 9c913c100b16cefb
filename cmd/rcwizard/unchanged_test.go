package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// onHearing does something once when a text is said, where it is said.
type onHearing struct {
	text string
	do   func()
}

func (h *onHearing) Write(p []byte) (int, error) {
	if h.do != nil && strings.Contains(string(p), h.text) {
		h.do()
		h.do = nil
	}
	return len(p), nil
}

// withThird is the guide's workspace with one more instance.
func withThird(w workspace.Workspace) workspace.Workspace {
	w = w.Clone()
	w.Hosts = append(w.Hosts, workspace.Host{Name: "third", Address: "10.0.0.14"})
	w.Instances = append(w.Instances, workspace.Instance{Host: "third"})
	return w.Complete()
}

// Who waits for another run has answers of before it. They are not carried out:
// an instance that the other run added stays in the answers.
func TestDeployAfterAnother(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// meanwhile is what the other run does.
		meanwhile func(t *testing.T, f *state.Folder, w workspace.Workspace)
		fresh     bool
		changed   bool
	}{
		{name: "nothing", meanwhile: func(*testing.T, *state.Folder, workspace.Workspace) {}},
		{name: "an instance", changed: true, meanwhile: func(t *testing.T, f *state.Folder, w workspace.Workspace) {
			t.Helper()
			if err := f.SaveWorkspace(withThird(w)); err != nil {
				t.Error(err)
			}
		}},
		{name: "an addition that was cut", changed: true, meanwhile: func(t *testing.T, f *state.Folder, w workspace.Workspace) {
			t.Helper()
			if err := f.SaveAlteration(state.Alteration{Verb: steps.PlanAdd, Instances: []string{"third"}, Workspace: withThird(w), Command: "x"}); err != nil {
				t.Error(err)
			}
		}},
		{name: "a first installation", fresh: true, changed: true, meanwhile: func(t *testing.T, f *state.Folder, w workspace.Workspace) {
			t.Helper()
			if err := f.SaveWorkspace(w); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, ans := operator(t, func(w *workspace.Workspace) {
				for i := range w.Hosts { // without its key no host is dialled
					w.Hosts[i].SSH.IdentityFile = "/nonexistent"
				}
			})
			if test.fresh {
				folder, err := state.Open(filepath.Join(t.TempDir(), "chat"))
				if err != nil {
					t.Fatal(err)
				}
				ans.folder, ans.lastTime = folder, nil
			}
			a.config.Set("yes", true)
			a.config.Set("lock-wait", 10*time.Second)
			unlock, err := a.lock(ans, "add-instance third")
			if err != nil {
				t.Fatal(err)
			}
			hears := &onHearing{text: "waiting up to", do: func() {
				test.meanwhile(t, ans.folder, ans.workspace)
				unlock()
			}}
			a.sys.stderr = hears
			err = a.deploy(t.Context(), doingResume, ans, nil)
			if hears.do != nil {
				t.Fatal("nobody waited")
			}
			if err == nil || strings.Contains(err.Error(), "changed by another run meanwhile") != test.changed {
				t.Errorf("refused for the other run: %v, want %t", err, test.changed)
			}
			kept, err := ans.folder.LoadWorkspace()
			if err != nil {
				t.Fatal(err)
			}
			if _, there := kept.Instance("third"); there != (test.name == "an instance") {
				t.Errorf("the answers that are kept have the instances %v", instanceNames(kept))
			}
			if secrets, err := ans.folder.LoadSecrets(); err != nil || test.changed && !cmp.Equal(secrets, workspace.Secrets{}) {
				t.Errorf("secrets were written: %v", err)
			}
		})
	}
}

// A wizard carries answers out only on what they were opened on.
func TestWizardDeploysWhatItOpened(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(f *state.Folder, w workspace.Workspace) error{
		"an instance": func(f *state.Folder, w workspace.Workspace) error {
			w.Instances = append(w.Instances, workspace.Instance{Host: "box"})
			return f.SaveWorkspace(w.Complete())
		},
		"an addition that was cut": func(f *state.Folder, w workspace.Workspace) error {
			return f.SaveAlteration(state.Alteration{Verb: steps.PlanAdd, Instances: []string{"third"}, Workspace: w, Command: "x"})
		},
		"a licence": func(f *state.Folder, _ workspace.Workspace) error {
			return f.SaveSecrets(workspace.Secrets{License: "theirs"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t)
			key, folder := deployedIn(t, b)
			d, err := b.Open(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			d.Answers.Workspace.Hosts[0].SSH.Port = closedPort(t)
			before, err := folder.LoadWorkspace()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Deploy(t.Context(), d); err == nil || strings.Contains(err.Error(), changedMeanwhile) {
				t.Errorf("although nothing was changed: %v", err)
			}
			if err := meanwhile(folder.Folder, before); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Deploy(t.Context(), d); err == nil || err.Error() != changedMeanwhile {
				t.Errorf("after another run: %v", err)
			}
			// The lock was given back, and who begins again has what is there now.
			if d, err = b.Open(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			d.Answers.Workspace.Hosts[0].SSH.Port = closedPort(t)
			if _, err := b.Deploy(t.Context(), d); err == nil || strings.Contains(err.Error(), changedMeanwhile) {
				t.Errorf("begun again: %v", err)
			}
		})
	}
}

// Secrets that were read before the lock do not take the place of those that
// another run has kept since, unless somebody gave them for this run.
func TestSecretsOfAnotherRunStay(t *testing.T) {
	t.Parallel()
	w, problems := workspace.Load("workspace.yaml", []byte(guideWorkspace))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	folder, err := state.Open(filepath.Join(t.TempDir(), "chat"))
	if err != nil {
		t.Fatal(err)
	}
	first, second := answers{workspace: w, folder: folder}, answers{workspace: w, folder: folder}
	for _, ans := range []*answers{&first, &second} {
		if err := ans.keepSecrets(); err != nil {
			t.Fatal(err)
		}
	}
	if first.secrets.GrafanaAdminPassword == "" || first.secrets.GrafanaAdminPassword != second.secrets.GrafanaAdminPassword {
		t.Error("two first installations made two passwords")
	}

	theirs := first.secrets
	theirs.License, theirs.RegistrationToken = "theirs", "token"
	if err := folder.SaveSecrets(theirs); err != nil {
		t.Fatal(err)
	}
	later := second
	later.secrets.License = "before"
	later.secrets.Hosts = map[string]workspace.HostSecrets{"third": {SSHPassword: "correct horse"}}
	if err := later.keepSecrets(); err != nil {
		t.Fatal(err)
	}
	want := theirs
	want.Hosts = later.secrets.Hosts
	if kept, err := folder.LoadSecrets(); err != nil || !cmp.Equal(want, kept) || !cmp.Equal(want, later.secrets) {
		t.Errorf("what another run kept was not left: %v", err)
	}

	second.given = workspace.Secrets{License: "said now"}
	if err := second.keepSecrets(); err != nil {
		t.Fatal(err)
	}
	want.License = "said now"
	if kept, err := folder.LoadSecrets(); err != nil || !cmp.Equal(want, kept) {
		t.Errorf("what was given for this run is not kept: %v", err)
	}
}

// An addition in the wizard takes the licence that is kept when it is carried out,
// and the logins with which its hosts were reached.
func TestChangeTakesSecretsOfNow(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	key, folder := deployedIn(t, b)
	d := joinedTo(t, b, key)
	d.Answers.Secrets.License = "before"
	d.Answers.Secrets.Hosts = map[string]workspace.HostSecrets{"host1": {SSHPassword: "correct horse"}}
	theirs := workspace.Secrets{License: "theirs", Hosts: map[string]workspace.HostSecrets{"host1": {SSHPassword: "of another host that had the name"}}}
	if err := folder.SaveSecrets(theirs); err != nil {
		t.Fatal(err)
	}
	_, c := changing(t, b, d)
	if s := c.ans.secrets; s.License != "theirs" || s.Hosts["host1"].SSHPassword != "correct horse" {
		t.Error("the secrets are not those of now")
	}
}

// A run may end its retries at once; who follows it has them from before. The race
// detector sees it where that is not so.
func TestRetriesBeforeRun(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	x := &execution{log: engine.NewLog(), retries: new(engine.Retries)}
	run := b.carryOut(t.Context(), x, func(context.Context, <-chan struct{}) (ui.Conclusion, error) {
		x.retries = nil
		return ui.Conclusion{}, nil
	})
	if _, err := run.Wait(soon(t)); err != nil || run.Retry == nil {
		t.Error(err)
	}
}
