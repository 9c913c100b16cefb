package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

// stoppedAt is a Backend whose first workspace was cut in the middle of a run.
func stoppedAt(edit func(k *ui.Known)) func() *uitest.Backend {
	return func() *uitest.Backend {
		b := knowing()
		edit(&b.Known[0])
		return b
	}
}

// cutChange is a change of instances that was cut.
func cutChange(k *ui.Known, c ui.Change, doing string, steps, done int, at, next engine.StepRef) {
	begun := uitest.Begin().Add(5 * time.Minute)
	k.UnderWay = &c
	k.Last = &ui.LastRun{Doing: doing, Started: uitest.Begin(), Seen: begun, Steps: steps, Done: done, Cut: []engine.StepRef{at}}
	k.Resume = &ui.Resume{
		Workspace: k.Name, Doing: doing, Started: uitest.Begin(), Seen: begun, Steps: steps, Done: done,
		Cut:  []ui.CutStep{{StepRef: at, Began: begun}},
		Next: &next, Left: steps - done,
	}
}

func cutAddition(k *ui.Known) {
	up := engine.StepRef{Step: "rc-berlin/compose-up-instance", Title: "Start Rocket.Chat", Host: "rc-berlin", Guide: "2.4"}
	cutChange(k, ui.Change{Kind: ui.AddInstances, Instances: []string{"rc-berlin"}, Begun: true}, ui.DoingAdd, 21, 9, up, up)
	k.Resume.Cut[0].Command = "cd /opt/rocketchat/instances/rc-berlin && docker compose up -d"
}

func cutRemoval(k *ui.Known) {
	stop := engine.StepRef{Step: "rc-paris/stop", Title: "Stop Rocket.Chat", Host: "rc-paris"}
	cutChange(k, ui.Change{Kind: ui.RemoveInstances, Instances: []string{"rc-paris"}, Begun: true}, ui.DoingRemove, 11, 6, stop, stop)
	k.Resume.Flags = []workspace.Difference{{Field: "--skip", Before: "host:rc-paris:clock"}}
}

// changedALot is a run of which there is more to say than fits.
func changedALot(k *ui.Known) {
	r := k.Resume
	second := uitest.Failure()
	second.Host, second.Title, second.Message = "rc-paris", "Start Rocket.Chat", "the container restarted three times within 60 s"
	second.Cause, second.Next = "the database cannot be reached from rc-paris", "open port 27017 on db for 10.0.0.12"
	r.Failed = append(r.Failed, second)
	k.Last.Failures = r.Failed
	up := engine.StepRef{Step: "db/compose-up", Title: "Start MongoDB, NATS and monitoring", Host: "db", Guide: "1.4"}
	r.Cut = []ui.CutStep{{StepRef: up, Command: "cd /opt/rocketchat/database && docker compose up -d", Began: uitest.Begin().Add(time.Minute)}}
	for _, field := range []string{"domain", "email", "hosts.rc-paris.address", "hosts.rc-paris.private_ip", "grafana.mode"} {
		r.Answers = append(r.Answers, workspace.Difference{Field: field, Before: "one value", After: "another value"})
	}
	r.Flags = []workspace.Difference{{Field: "--skip", Before: "host:rc-paris:clock"}, {Field: "--overwrite-edited", After: "true"}}
	r.Notes = []string{"the last run was of rcwizard 0.9.0, and this is 1.0.0; what it would write differently is in the plan"}
	k.Notes = r.Notes
}

func resumeScenes() []scene {
	nothing := func(*driver) {}
	return []scene{
		{file: "start", name: "cut addition", backend: stoppedAt(cutAddition), play: nothing},
		{file: "start", name: "cut removal", backend: stoppedAt(cutRemoval), play: nothing},
		{file: "start", name: "much to say", backend: stoppedAt(changedALot), play: nothing},
		{file: "start", name: "nothing known of the run", backend: stoppedAt(func(k *ui.Known) {
			k.Last = nil
			k.Notes = []string{"the journal cannot be read, so nobody knows how far the last run came; what is done is seen on the hosts, and a new journal is begun beside it"}
			next := k.Resume.Next
			k.Resume = &ui.Resume{Workspace: k.Name, Next: next, Left: 61, Notes: k.Notes}
		}), play: nothing},
	}
}

// The least important gives way, and what failed, what is other than before, and
// what is next are there on the smallest screen; nothing that is shown is too much
// for its place.
func TestResumeFits(t *testing.T) {
	t.Parallel()
	k := uitest.Known()[0]
	changedALot(&k)
	look := newLook(true, false)
	now := uitest.Begin().Add(26 * time.Minute)
	before := 0
	for h := range 40 {
		lines := look.resume(k, now, 56, h, h)
		if len(lines) > h || len(lines) < before {
			t.Errorf("%d lines in %d, and %d in one less", len(lines), h, before)
		}
		before = len(lines)
		for _, line := range lines {
			if width(line) > 56 {
				t.Errorf("%d cells: %q", width(line), line)
			}
		}
	}
	five := strings.Join(look.resume(k, now, 56, 5, 5), "\n")
	for _, want := range []string{"Pull images on rc-frankfurt", "and 1 more", "release: 8.9.99 → 8.9.1, and 5 more", "Next", "Cut", "24 of 61 steps of install"} {
		if !strings.Contains(five, want) {
			t.Errorf("in five lines there is no %q:\n%s", want, five)
		}
	}
	all := strings.Join(look.resume(k, now, 120, 40, 40), "\n")
	for _, want := range []string{"Cause", "To do", "docker compose up -d", "grafana.mode", "--overwrite-edited: nothing → true", "rcwizard 0.9.0", "What is done stays done"} {
		if !strings.Contains(all, want) {
			t.Errorf("in forty lines there is no %q:\n%s", want, all)
		}
	}
}

// What can be done with a workspace goes by what is under way: an addition goes on
// or is taken back, a removal goes on.
func TestStartUnderWay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit        func(*ui.Known)
		keys        string
		add, remove pageID
	}{
		"an addition":             {cutAddition, "a go on adding", pageAdd, pageRemove},
		"a removal":               {cutRemoval, "x go on removing", pageStart, pageRemove},
		"nothing, after a change": {func(k *ui.Known) { k.Last.Doing = ui.DoingRemove }, "enter resume", pageStart, pageStart},
	} {
		for press, page := range map[string]pageID{"a": test.add, "x": test.remove} {
			drive(t, stoppedAt(test.edit)(), Options{}, func(d *driver) {
				d.shows(test.keys)
				d.press(press)
				if d.m.front != page {
					t.Errorf("%s: %s leads to %s, want %s", name, press, d.m.front, page)
				}
			})
		}
	}
}
