package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// A journal that cannot be read keeps nobody from going on: it is set aside, the
// run says so, and the list of workspaces says it before. One of a later version
// is refused, as somebody with a later rcwizard is at work there.
func TestUnreadableJournal(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	a.config.Set("dir", ans.folder.Dir())
	if err := os.WriteFile(ans.folder.Journal(), []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	known := (&keeper{app: a}).known(here)
	if known.State != ui.Unfinished || len(known.Notes) != 1 || !strings.Contains(known.Notes[0], "cannot be read") {
		t.Errorf("the list says %s, %q", known.State, known.Notes)
	}
	x, err := a.execution(ans)
	if err != nil {
		t.Fatal(err)
	}
	events, err := x.log.Cursor().Read()
	note, ok := events[0].(engine.Noted)
	if err != nil || !ok || !strings.Contains(note.Text, "journal.jsonl.unreadable-") {
		t.Errorf("the run says %v, %v", events, err)
	}
	if err := x.close(); err != nil {
		t.Error(err)
	}
	aside, err := filepath.Glob(filepath.Join(ans.folder.Dir(), "journal.jsonl.unreadable-*"))
	if err != nil || len(aside) != 1 {
		t.Errorf("set aside: %v, %v", aside, err)
	}
	if h, err := engine.ReadJournal(ans.folder.Journal()); err != nil || h.Lineage == "" {
		t.Errorf("the new one: %+v, %v", h, err)
	}

	later := "3eeda6e1 " + `{"version":2,"lineage":"A"}` + "\n"
	if err := os.WriteFile(ans.folder.Journal(), []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}
	if x, err := a.execution(ans); err == nil {
		t.Error("a journal of a later version was written to", x.close())
	} else if !strings.Contains(err.Error(), "version 2") {
		t.Error(err)
	}
	if known := (&keeper{app: a}).known(here); known.State != ui.Unreadable {
		t.Errorf("a journal of a later version: %s", known.State)
	}
}

// What is next is told of what resume goes on with: of an addition or a removal
// that was cut, and not of the installation; and what another plan did is not taken
// for a part of it.
func TestNextSteps(t *testing.T) {
	t.Parallel()
	done := func(plan string, ids ...string) engine.RunHistory {
		h := engine.RunHistory{Plan: plan}
		for _, id := range ids {
			h.Done = append(h.Done, engine.StepHistory{StepRef: engine.StepRef{Step: id}})
		}
		return h
	}
	looks := []string{"third/ready", "edge/ready", "db/ready"}
	for name, test := range map[string]struct {
		verb string
		last engine.RunHistory
		next string // empty: nothing is told
	}{
		"an installation":                      {last: done(steps.PlanInstall, "db/ready"), next: "rc1/ready"},
		"nothing is known":                     {next: "db/ready"},
		"a run whose name was damaged":         {last: done("", "db/ready"), next: "rc1/ready"},
		"an addition":                          {verb: steps.PlanAdd, last: done(steps.PlanAdd, looks...), next: "third/files-instance"},
		"an addition, which was taken back":    {verb: steps.PlanAdd, last: done(steps.PlanTakeBack, "edge/routes"), next: "db/ready"},
		"an addition, and an installation":     {verb: steps.PlanAdd, last: done(steps.PlanInstall, looks...), next: "db/ready"},
		"a removal":                            {verb: steps.PlanRemove, last: done(steps.PlanRemove, append(looks, "edge/routes")...), next: "third/stop"},
		"after an addition, which was the end": {last: done(steps.PlanAdd, looks...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, ans := operator(t, nil)
			ans.secrets, _ = ans.secrets.Generate(ans.workspace)
			if test.verb != "" {
				cut := state.Alteration{Verb: test.verb, Instances: []string{"third"}, Workspace: withThird(ans.workspace), Command: "x"}
				if err := ans.folder.SaveAlteration(cut); err != nil {
					t.Fatal(err)
				}
			}
			next, left := a.nextSteps(ans, test.last)
			switch {
			case test.next == "":
				if next != nil || left != 0 {
					t.Errorf("next is %v of %d", next, left)
				}
			case next == nil || next.Step != test.next || left < 2:
				t.Errorf("next is %+v of %d, want %s", next, left, test.next)
			}
		})
	}
}

// The list of workspaces says how far a run came, what is next, and which answers
// are others than those that it was begun with; and it goes by what is under way:
// a change that changed nothing leaves the workspace as deployed as it was.
func TestKnownResume(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	a.config.Set("dir", ans.folder.Dir())
	ans.secrets, _ = ans.secrets.Generate(ans.workspace)
	ran := func(plan string, fails bool) {
		t.Helper()
		x, err := a.execution(ans)
		if err != nil {
			t.Fatal(err)
		}
		step := engine.Step{
			ID: "db/ready", Host: "db",
			Check: func(context.Context, engine.Output) (engine.Report, error) {
				if fails {
					return engine.Report{}, errors.New("no route to host")
				}
				return engine.Report{Verdict: engine.Done}, nil
			},
			Apply: func(context.Context, engine.Output) error { return nil },
		}
		if _, err := x.run(t.Context(), a, ans, engine.Plan{Name: plan, Steps: []engine.Step{step}}, nil, nil); (err != nil) != fails {
			t.Fatal(err)
		}
		if err := x.close(); err != nil {
			t.Fatal(err)
		}
	}
	k := &keeper{app: a}
	a.config.Set("skip", []string{"host:db:clock"})
	ran(steps.PlanInstall, true)
	a.config.Set("skip", nil)
	if _, err := k.Save(t.Context(), ui.Draft{Key: here, Answers: question.Answers{Workspace: newer(ans.workspace), Secrets: ans.secrets}}); err != nil {
		t.Fatal(err)
	}
	r := k.known(here).Resume
	if r == nil || len(r.Failed) != 1 || r.Steps != 1 || r.Next == nil || r.Left < 2 {
		t.Fatalf("%+v", r)
	}
	if diff := cmp.Diff([]workspace.Difference{{Field: "email", Before: ans.workspace.Email, After: "new@example.com"}}, r.Answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]workspace.Difference{{Field: "--skip", Before: "host:db:clock"}}, r.Flags); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}

	ran(steps.PlanInstall, false)
	ran(steps.PlanRemove, true)
	if known := k.known(here); known.State != ui.Deployed || known.Resume != nil || known.Last.Doing != steps.PlanInstall {
		t.Errorf("after a removal that changed nothing: %+v", known)
	}
	cut := state.Alteration{Verb: steps.PlanAdd, Instances: []string{"third"}, Workspace: withThird(ans.workspace), Command: "x"}
	if err := ans.folder.SaveAlteration(cut); err != nil {
		t.Fatal(err)
	}
	known := k.known(here)
	if known.State != ui.Unfinished || !known.Changing(ui.AddInstances) || known.Resume == nil || len(known.Resume.Answers) > 0 {
		t.Errorf("with an addition under way: %+v", known)
	}
}

func newer(w workspace.Workspace) workspace.Workspace {
	w = w.Clone()
	w.Email = "new@example.com"
	return w
}

// Only what changes what a run does to the hosts is kept of the flags.
func TestGivenFlags(t *testing.T) {
	t.Parallel()
	a, _ := operator(t, nil)
	for flag, value := range map[string]any{"skip": []string{"a", "b"}, "install-docker": "docker", "overwrite-edited": false, "lock-wait": "10m", "yes": true} {
		a.config.Set(flag, value)
	}
	if diff := cmp.Diff([]string{"--skip=a,b,c", "--install-docker=docker"}, a.given("b", "c")); diff != "" {
		t.Errorf("with what was chosen in the wizard (-want +got):\n%s", diff)
	}
	given := a.given()
	if diff := cmp.Diff([]string{"--skip=a,b", "--install-docker=docker"}, given); diff != "" {
		t.Errorf("given (-want +got):\n%s", diff)
	}
	want := []workspace.Difference{{Field: "--skip", Before: "a,b"}, {Field: "--install-docker", Before: "docker"}, {Field: "--overwrite-edited", After: "true"}}
	if diff := cmp.Diff(want, flagDifferences(given, []string{"--overwrite-edited=true"})); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if got := flagDifferences(given, given); len(got) > 0 {
		t.Errorf("of the same: %v", got)
	}
}

// The guide has people raise the release by hand, and the answers know nothing of
// it: resume says which one runs, and how to stay with it, before it goes on.
func TestTellRelease(t *testing.T) {
	t.Parallel()
	_, runs := operator(t, nil)
	site, _ := simulated(t, runs.workspace)
	said := func(release string, json bool) (person, program string) {
		t.Helper()
		a, _ := operator(t, nil)
		out, events := new(bytes.Buffer), new(bytes.Buffer)
		a.sys.stderr, a.sys.stdout = out, events
		a.config.Set("json", json)
		answers := site.Workspace
		answers.Release = release
		if err := a.tellRelease(t.Context(), &steps.Site{Workspace: answers, Secrets: site.Secrets, Tree: site.Tree, Hosts: site.Hosts}); err != nil {
			t.Error(err)
		}
		return out.String(), events.String()
	}
	if person, _ := said("8.9.0", false); person != "" {
		t.Errorf("of a cluster that does not run: %q", person)
	}
	if _, err := engine.Run(t.Context(), steps.Install(site), engine.Options{}); err != nil {
		t.Fatal(err)
	}
	if person, _ := said(runs.workspace.Release, false); person != "" {
		t.Errorf("of the release that the answers have: %q", person)
	}
	person, program := said("8.9.0", true)
	want := "the cluster runs release " + runs.workspace.Release + ", and the answers say 8.9.0; to stay with the one that runs, give --release " + runs.workspace.Release + "\n"
	if person != want {
		t.Errorf("%q, want %q", person, want)
	}
	if !strings.Contains(program, `"runs":"`+runs.workspace.Release+`","answers":"8.9.0"`) {
		t.Errorf("the event is %q", program)
	}
}
