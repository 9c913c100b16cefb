package main

import (
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/workspace"
)

// Answers that were begun before another run changed the workspace are told to be so
// wherever they are opened, at Review too, and can be dropped for those that are
// kept. To go on with them is possible: the person knows.
func TestOlderAnswers(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	key, folder := deployedIn(t, b)
	d, err := b.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	d.Answers.Workspace.Email = "new@example.com"
	d.Answers.Workspace.Hosts[0].SSH.Port = closedPort(t)
	save := func() {
		t.Helper()
		if _, err := b.Save(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	save()
	if one := b.known(key); one.Stale || len(one.Notes) > 0 {
		t.Errorf("nothing was changed, and it says %q", one.Notes)
	}
	w, err := folder.LoadWorkspace()
	if err != nil {
		t.Fatal(err)
	}
	w.Instances = append(w.Instances, workspace.Instance{Name: "third", Host: w.Instances[0].Host})
	if err := folder.SaveWorkspace(w.Complete()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Deploy(t.Context(), d); err == nil || err.Error() != changedMeanwhile {
		t.Errorf("deployed over the other run: %v", err)
	}
	save() // whatever was carried over meanwhile, a face keeps the answers that it has

	const old = "these answers are older than what another run has changed since, and have no third: carried out as they are, they take that back"
	for range 2 { // in this program, and in the next one
		one := b.known(key)
		if !one.Stale || len(one.Notes) != 1 || one.Notes[0] != old {
			t.Errorf("listed: %t, %q", one.Stale, one.Notes)
		}
		if d, err = b.Open(t.Context(), key); err != nil || d.Answers.Workspace.Email != "new@example.com" {
			t.Fatalf("%+v, %v", d.Answers.Workspace, err)
		}
		review, _ := b.Review(t.Context(), d) // no host can be reached
		if len(review.Warnings) == 0 || !strings.HasPrefix(review.Warnings[len(review.Warnings)-1].Text, old) {
			t.Errorf("at Review: %+v", review.Warnings)
		}
		b.drawn.Clear()
		b.opened.Clear()
	}
	if d, err = b.Open(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Deploy(t.Context(), d); err == nil || err.Error() == changedMeanwhile {
		t.Errorf("knowingly: %v", err)
	}
	if err := b.Forget(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if one := b.known(key); one.Stale || len(one.Notes) > 0 {
		t.Errorf("dropped: %q", one.Notes)
	}
	if d, err = b.Open(t.Context(), key); err != nil || d.Answers.Workspace.Email == "new@example.com" || len(d.Answers.Workspace.Instances) != 2 {
		t.Errorf("dropped: %+v, %v", d.Answers.Workspace, err)
	}
	if err := b.Forget(t.Context(), draftKey+"nothing"); err == nil {
		t.Error("a draft that is no workspace was forgotten")
	}
}
