package main

import (
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// An installation puts an end to what was under way once nothing of that can be gone
// on with, and tells of each place where something of it may be. An instance of the
// same name somewhere else is another one.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	moved := func(w *workspace.Workspace) {
		w.Hosts[len(w.Hosts)-1].Address, w.Hosts[len(w.Hosts)-1].PrivateIP = "10.0.0.15", "10.0.0.15"
	}
	for _, test := range []struct {
		name string
		verb string
		// now is the workspace that was brought about, of the one with the instance.
		now func(w *workspace.Workspace)
		// barred is what bars going on.
		barred string
		ends   bool
		left   []string
	}{
		{name: "it is there", verb: steps.PlanAdd, ends: true},
		{name: "it is back", verb: steps.PlanRemove, ends: true},
		{name: "it is to come", verb: steps.PlanAdd, now: func(w *workspace.Workspace) { *w = w.Without("third") }},
		{name: "it is to leave", verb: steps.PlanRemove, now: func(w *workspace.Workspace) { *w = w.Without("third") }},
		{
			name: "its host is logged in to by another address", verb: steps.PlanAdd, ends: true,
			now: func(w *workspace.Workspace) { w.Hosts[len(w.Hosts)-1].Address = "third.example.com" },
		},
		{
			name: "one of the name on another host, while it was to come", verb: steps.PlanAdd, now: moved,
			barred: "third is now on third (10.0.0.15) in /opt/rocketchat/instances/third, and was on third (10.0.0.14) in /opt/rocketchat/instances/third",
			ends:   true, left: []string{"third was being added on third (10.0.0.14)", "cd /opt/rocketchat/instances/third && docker compose down"},
		},
		{
			name: "one of the name on another host, while it was to leave", verb: steps.PlanRemove, now: moved,
			barred: "third is now on third (10.0.0.15)", ends: true, left: []string{"third was being removed on third (10.0.0.14)"},
		},
		{
			name: "one of the name in another directory", verb: steps.PlanAdd,
			now:    func(w *workspace.Workspace) { w.Directory = "/srv/chat" },
			barred: "third is now on third (10.0.0.14) in /srv/chat/instances/third",
			ends:   true, left: []string{"third was being added on third (10.0.0.14)", "cd /opt/rocketchat/instances/third"},
		},
		{
			name: "its host has another name", verb: steps.PlanAdd,
			now: func(w *workspace.Workspace) {
				w.Hosts[len(w.Hosts)-1].Name = "fourth"
				w.Instances[len(w.Instances)-1] = workspace.Instance{Host: "fourth"}
			},
			barred: "10.0.0.14", ends: true, left: []string{"third was being added on third (10.0.0.14)"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, ans := operator(t, nil)
			with := withThird(ans.workspace)
			ans.workspace = with.Clone()
			if test.now != nil {
				test.now(&ans.workspace)
				ans.workspace = ans.workspace.Complete()
			}
			ans.lastTime = &ans.workspace
			cut := state.Alteration{Verb: test.verb, Instances: []string{"third"}, Workspace: with, Command: "x"}
			if err := ans.folder.SaveAlteration(cut); err != nil {
				t.Fatal(err)
			}
			_, err := a.cutAlteration(ans, cut)
			out := "to have the workspace brought about as it is now, and this forgotten: rcwizard install -f " + ans.folder.WorkspacePath()
			if (err != nil) != (test.barred != "") || err != nil && (!strings.Contains(err.Error(), test.barred) || !strings.Contains(err.Error(), out)) {
				t.Errorf("going on: %v\nwanted %q and the way out", err, test.barred)
			}
			if err != nil && exitOf(err) != exitUsage {
				t.Errorf("exit code %d", exitOf(err))
			}
			left, err := a.overtaken(ans)
			if err != nil {
				t.Fatal(err)
			}
			if _, there, err := ans.folder.LoadAlteration(); err != nil || there == test.ends {
				t.Errorf("something is under way: %t, %v", there, err)
			}
			if (left == "") != (len(test.left) == 0) {
				t.Errorf("left is %q", left)
			}
			for _, text := range test.left {
				if !strings.Contains(left, text) {
					t.Errorf("%q is not said:\n%s", text, left)
				}
			}
		})
	}
}

// exitOf is the code with which the program ends for an error.
func exitOf(err error) int {
	code, _ := exitCode(err)
	return code
}
