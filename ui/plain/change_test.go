package plain_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

// standing is world with a workspace that was deployed on its first three
// servers; the fourth is new.
func standing() *uitest.Backend {
	b := world()
	d := uitest.Draft()
	for n := range d.Answers.Workspace.Hosts {
		h := &d.Answers.Workspace.Hosts[n]
		h.Address = strings.Replace(h.Address, "192.0.2.", "198.51.100.", 1)
		b.Hosts[h.Address] = []ui.Inspection{{Seen: &ui.Seen{Hostname: h.Name, System: "Debian 12", Cores: 4, Docker: "28.5.1", Compose: "2.40.3", Private: []string{h.PrivateIP}}}}
	}
	b.Drafts = map[string]ui.Draft{d.Key: d}
	b.Known = []ui.Known{{Key: d.Key, Name: d.Key, Hosts: 4, Instances: 2, State: ui.Deployed, Last: &ui.LastRun{Doing: "install", Outcome: engine.Succeeded}}}
	fresh := ui.Seen{Hostname: "box", System: "Debian 12", Cores: 8, Docker: "28.5.1", Compose: "2.40.3", Private: []string{"10.0.0.20"}}
	b.Hosts["203.0.113.13"] = []ui.Inspection{{Seen: &fresh}}
	with := d.Answers.Workspace.Complete()
	with.Hosts = append(with.Hosts, workspace.Host{Name: "host1", Address: "203.0.113.13", PrivateIP: "10.0.0.20"})
	with.Instances = append(with.Instances, workspace.Instance{Host: "host1"}, workspace.Instance{Host: "rc-frankfurt"})
	b.Checks = []check.Report{uitest.Checked(with, nil)}
	b.Reviewed.Hosts[0].Files[0].Left = "was edited by hand"
	return b
}

// An instance comes to a new server and one to an old one; what is deployed stays
// to the last field, and the run is of what was added.
func TestAddition(t *testing.T) {
	t.Parallel()
	b := standing()
	said, end, err := play(t, b, []string{
		"1", "2", // the workspace, add
		"1", "7", // one more on db, and back again
		"5", "<", "5", "203.0.113.13", // a new server
		"3",                   // one more on rc-frankfurt
		"1",                   // go on
		"1", "no", "1", "yes", // add
	})
	golden(t, "add", []byte(said))
	if err != nil {
		t.Fatal(err)
	}
	if end.Conclusion == nil {
		t.Errorf("%+v", end)
	}
	kept, ok := b.Saved("chat-example-com add")
	if !ok {
		t.Fatalf("nothing was kept: %q", b.Calls())
	}
	if diff := cmp.Diff([]string{"host1", "rc-frankfurt-2"}, kept.Change.Instances); diff != "" {
		t.Error(diff)
	}
	was, _ := b.Saved("chat-example-com")
	if diff := cmp.Diff(was.Answers.Workspace.Complete(), kept.Without()); diff != "" {
		t.Errorf("what is deployed is another:\n%s", diff)
	}
	if calls := b.Calls(); !slices.Contains(calls, "Deploy add host1,rc-frankfurt-2") {
		t.Errorf("%q", calls)
	}
}

// An instance goes without a check; nothing is done that nobody said yes to, and
// the end of the input is no answer.
func TestRemoval(t *testing.T) {
	t.Parallel()
	b := standing()
	wait := b.Runs[0].Wait
	b.Runs[0].Wait = func(ctx context.Context) (ui.Conclusion, error) {
		end, err := wait(ctx)
		end.Aftermath = uitest.LeftByRemoval
		return end, err
	}
	said, end, err := play(t, b, []string{"1", "3", "2", "1", "yes"})
	golden(t, "remove", []byte(said))
	if err != nil || end.Conclusion == nil {
		t.Errorf("%+v, %v", end, err)
	}
	calls := b.Calls()
	if !slices.Contains(calls, "Deploy remove rc-paris") || slices.ContainsFunc(calls, func(c string) bool { return strings.HasPrefix(c, "Check") }) {
		t.Errorf("%q", calls)
	}
	b = standing()
	if _, _, err := play(t, b, []string{"1", "3", "2", "1"}); err == nil {
		t.Error("the end of the input was taken for an answer")
	}
	if _, end, err := play(t, b, []string{"1", "3", "2", "3"}); err != nil || end.Page != "review" {
		t.Errorf("%+v, %v", end, err)
	}
	if calls := b.Calls(); slices.ContainsFunc(calls, func(c string) bool { return strings.HasPrefix(c, "Deploy") }) {
		t.Errorf("%q", calls)
	}
}

// A server that does not answer is gone for good only when somebody says so.
func TestRemovalWithoutHost(t *testing.T) {
	t.Parallel()
	silent := &ui.SilentError{Hosts: []string{"rc-paris"}, Err: errors.New("rc-paris: no route to host")}
	b := standing()
	b.Silent = silent
	said, end, err := play(t, b, []string{"1", "3", "2", "yes", "1", "yes"})
	golden(t, "remove-without-host", []byte(said))
	if err != nil || end.Conclusion == nil || !slices.Contains(b.Calls(), "Deploy remove rc-paris without its host") {
		t.Errorf("%+v, %v: %q", end, err, b.Calls())
	}
	b = standing()
	b.Silent = silent
	if _, _, err := play(t, b, []string{"1", "3", "2", ""}); !errors.Is(err, silent) {
		t.Errorf("%v", err)
	}
}

// What can be done goes by what is under way, whatever the last run was, after it
// was said how far that came and what is not as it was.
func TestUnderWay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		underWay *ui.Change
		answer   string
		want     []string
		call     string
	}{
		"an addition": {
			&ui.Change{Kind: ui.AddInstances, Instances: []string{"rc-berlin"}, Begun: true},
			"2",
			[]string{"1  go on adding rc-berlin", "2  take rc-berlin back"},
			"Alter chat-example-com remove",
		},
		"a removal": {
			&ui.Change{Kind: ui.RemoveInstances, Instances: []string{"rc-paris"}, Begun: true},
			"1",
			[]string{"1  go on removing rc-paris\nWhat with"},
			"Alter chat-example-com remove",
		},
		"nothing": {nil, "9", []string{"done        24 of 61 steps", "answers     release: 8.9.99 -> 8.9.1", "flags       --skip: host:db:clock -> nothing", "\nReview\n"}, "Open chat-example-com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := standing()
			k := &b.Known[0]
			k.State, k.UnderWay, k.Resume = ui.Unfinished, test.underWay, uitest.Resume()
			k.Last = &ui.LastRun{Doing: ui.DoingRemove, Outcome: engine.Failed}
			k.Resume.Flags = []workspace.Difference{{Field: "--skip", Before: "host:db:clock"}}
			said, _, _ := play(t, b, []string{"1", test.answer})
			for _, want := range append(test.want, "answers     release") {
				if !strings.Contains(strings.ReplaceAll(said, "→", "->"), want) {
					t.Errorf("there is no %q:\n%s", want, said)
				}
			}
			if !slices.Contains(b.Calls(), test.call) {
				t.Errorf("%q", b.Calls())
			}
		})
	}
}
