package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
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

// Only what changes what a run does to the hosts is kept of the flags.
func TestGivenFlags(t *testing.T) {
	t.Parallel()
	a, _ := operator(t, nil)
	for flag, value := range map[string]any{"skip": []string{"a", "b"}, "install-docker": "docker", "overwrite-edited": false, "lock-wait": "10m", "yes": true} {
		a.config.Set(flag, value)
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
