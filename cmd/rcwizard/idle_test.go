package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
)

// barred is a right to change the hosts that lets some changes pass and bars the
// others, as a full disk would.
type barred struct{ after int }

func (*barred) Lost() <-chan struct{} { return nil }
func (*barred) Err() error            { return nil }
func (b *barred) Hold(context.Context, string) error {
	if b.after--; b.after < 0 {
		return errors.New("no space left on device")
	}
	return nil
}

// A removal that failed before it changed anything keeps nobody from anything else;
// one that changed something is told with both ways to go, whatever the face. What
// a run before it changed is not forgotten.
func TestRemovalThatFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		after  int
		goesOn bool
		wizard bool
		kept   bool
		said   string
	}{
		{name: "at once", said: "nothing was changed; when the cause is mended, run again: rcwizard remove-instance rc2"},
		{name: "at once, in the wizard", wizard: true, said: "Nothing was changed, and there is nothing to go on with."},
		{name: "at once, after another run", goesOn: true, kept: true, said: "To have rc2 back instead:\n  rcwizard install -f "},
		{name: "after a change", after: 1, kept: true, said: "To go on:\n  rcwizard remove-instance rc2"},
		{name: "after a change, in the wizard", after: 1, wizard: true, kept: true, said: "To have rc2 back instead:\n  rcwizard install -f "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, ans := operator(t, nil)
			var said bytes.Buffer
			a.sys.stderr, a.sys.stdout = &said, &said
			site, _ := simulated(t, ans.workspace)
			ans.secrets = site.Secrets
			if _, err := engine.Run(t.Context(), steps.Install(site), engine.Options{}); err != nil {
				t.Fatal(err)
			}
			ans.again = "rcwizard remove-instance rc2"
			c := &alteration{
				app: a, ans: ans, names: []string{"rc2"}, verb: steps.PlanRemove, goesOn: test.goesOn,
				without: ans.workspace.Without("rc2"), drain: time.Millisecond,
			}
			c.at(site)
			a.locker = &barred{after: test.after}
			var told string
			if test.wizard {
				if err := c.begin(); err != nil {
					t.Fatal(err)
				}
				x, err := a.execution(ans)
				if err != nil {
					t.Fatal(err)
				}
				end, err := c.conclusion(t.Context(), nil, x, nil, func(string, ...any) {})
				if err != nil || end.Summary.Outcome != engine.Failed || end.Summary.Begun != test.after {
					t.Errorf("%+v, %v", end.Summary, err)
				}
				told = end.Aftermath
			} else {
				if err := c.remove(t.Context()); exitOf(err) != exitFailed {
					t.Errorf("error %v", err)
				}
				told = said.String()
			}
			if !strings.Contains(told, test.said) {
				t.Errorf("%q is not said:\n%s", test.said, told)
			}
			if _, there, err := ans.folder.LoadAlteration(); err != nil || there != test.kept {
				t.Errorf("something is under way: %t, %v", there, err)
			}
			// Another one is refused only while there is something to go on with, and
			// told how that is ended.
			other, err := a.departure(ans, "rc1", time.Second)
			if err != nil {
				t.Fatal(err)
			}
			err = other.unchanged()
			if (err != nil) != test.kept || err != nil && !strings.Contains(err.Error(), "or put it back: rcwizard install -f "+ans.folder.WorkspacePath()) {
				t.Errorf("another removal: %v", err)
			}
			if !test.kept {
				return
			}
			// The file that the way back names has the instance, and so it is back.
			a.config.Set("dir", ans.folder.Dir())
			back, err := a.fromFile(ans.folder.WorkspacePath())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.overtaken(back); err != nil {
				t.Fatal(err)
			}
			if err := other.unchanged(); err == nil || !strings.Contains(err.Error(), "meanwhile") {
				t.Errorf("put back: %v", err)
			}
		})
	}
}

// An addition that failed before it changed anything leaves nothing either.
func TestAdditionThatFailsAtOnce(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	site, _ := simulated(t, ans.workspace)
	ans.secrets = site.Secrets
	c := &alteration{app: a, ans: ans, names: []string{"rc2"}, verb: steps.PlanAdd, adds: true, without: ans.workspace.Without("rc2")}
	c.at(site)
	if err := c.begin(); err != nil {
		t.Fatal(err)
	}
	a.locker = new(barred)
	x, err := a.execution(ans)
	if err != nil {
		t.Fatal(err)
	}
	end, err := c.conclusion(t.Context(), nil, x, nil, func(string, ...any) {})
	if err != nil || end.Summary.Outcome != engine.Failed || !strings.HasPrefix(end.Aftermath, "Nothing was changed") {
		t.Errorf("%+v, %v", end, err)
	}
	if _, there, err := ans.folder.LoadAlteration(); err != nil || there {
		t.Errorf("something is under way: %t, %v", there, err)
	}
}
