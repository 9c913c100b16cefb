package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

// standing is a Backend with one workspace that was deployed, whose servers can
// be looked at without a question; new ones show their keys first.
func standing() *uitest.Backend {
	k := uitest.Known()[2]
	d := uitest.Draft()
	k.Key, k.Name, k.Domain, k.Hosts, k.Instances = d.Key, d.Key, d.Answers.Workspace.Domain, 4, 2
	hosts := uitest.Hosts()
	for _, h := range d.Answers.Workspace.Hosts {
		hosts[h.Address] = hosts[h.Address][len(hosts[h.Address])-1:]
	}
	crowded := uitest.Seen(12)
	crowded.Cores = 2
	hosts["192.0.2.12"] = []ui.Inspection{{Seen: &crowded}}
	with := d.Answers.Workspace.Complete()
	with.Hosts = append(with.Hosts, workspace.Host{Name: "host1", Address: "192.0.2.14", PrivateIP: "10.0.0.14"})
	with.Instances = append(with.Instances, workspace.Instance{Host: "host1"})
	count := uitest.Count()
	count.Planned, count.Registered, count.Summary = 3, 3, "3 of 3 instances registered, not linked: no licence"
	end := uitest.Conclusion()
	end.Count = &count
	return &uitest.Backend{
		Known: []ui.Known{k}, Drafts: map[string]ui.Draft{d.Key: d}, Hosts: hosts,
		Delays:   map[string]time.Duration{"Inspect": 337 * time.Millisecond},
		Checks:   []check.Report{uitest.Checked(with, nil)},
		Reviewed: changed(with), Counted: count,
		Begin: func() *ui.Run {
			return uitest.Deploy(context.Background(), with, uitest.Play{Beat: 100 * time.Millisecond, Conclusion: end})
		},
	}
}

// changed is the review of an addition: a list that gets an entry, the new files,
// and a file that somebody edited.
func changed(w workspace.Workspace) ui.Review {
	r, err := uitest.Reviewed(w)
	if err != nil {
		panic(err) // a mistake in the example
	}
	r.Estimate, r.EstimateFrom = 0, ""
	var hosts []ui.HostFiles
	for _, h := range r.Hosts {
		h.Files = slices.DeleteFunc(h.Files, func(f ui.ReviewFile) bool {
			return h.Host != "host1" && f.Name != render.Routes.Path() && !strings.HasSuffix(f.Name, "compose.database.yml")
		})
		for n, f := range h.Files {
			switch h.Host {
			case "edge":
				h.Files[n].Change, h.Files[n].Before = engine.Update, strings.Replace(f.Content, "10.0.0.14:3000", "10.0.0.12:3000", 1)
			case "db":
				h.Files[n].Change, h.Files[n].Before, h.Files[n].Remarks = "", "", nil
				h.Files[n].Left, h.Files[n].Content, h.Files[n].Other = "was edited by hand", "# edited\n"+f.Content, f.Content
			}
		}
		if len(h.Files) > 0 {
			hosts = append(hosts, h)
		}
	}
	r.Hosts = hosts
	r.Plan = slices.DeleteFunc(r.Plan, func(s engine.StepReport) bool { return s.Host == "rc-frankfurt" || s.Host == "rc-paris" })
	return r
}

func changeScenes() []scene {
	at := func(open string, play func(d *driver)) func(d *driver) {
		return func(d *driver) {
			d.press(open)
			d.pass(2 * time.Second)
			play(d)
		}
	}
	one := func(file, name, open string, play func(d *driver)) scene {
		return scene{file: file, name: name, backend: standing, play: at(open, play)}
	}
	joined := func(d *driver) {
		d.press("a")
		d.typed("192.0.2.14")
		d.press("enter", "enter")
		d.pass(2 * time.Second)
		d.press("f", "enter")
		d.pass(2 * time.Second)
	}
	checked := func(d *driver) {
		joined(d)
		d.press("n")
		d.pass(time.Second)
	}
	reviewed := func(d *driver) {
		checked(d)
		d.press("enter")
		d.pass(time.Second)
	}
	carriedOut := func(d *driver) {
		reviewed(d)
		d.press("enter", "enter")
		d.pass(time.Second)
	}
	return []scene{
		{file: "start", name: "deployed", backend: standing, play: func(*driver) {}},
		one("add", "nothing yet", "a", func(*driver) {}),
		one("add", "looking", "a", func(d *driver) { d.press("r") }),
		one("add", "one more where there is room", "a", func(d *driver) { d.press("down", "enter") }),
		one("add", "one more than the rule has", "a", func(d *driver) { d.press("down", "down", "+") }),
		one("add", "an address", "a", func(d *driver) {
			d.press("a")
			d.typed("192.0.2.14")
			d.pass(2 * time.Second)
		}),
		one("add", "a key to accept", "a", func(d *driver) {
			d.press("a")
			d.typed("192.0.2.14")
			d.press("enter", "enter")
			d.pass(2 * time.Second)
		}),
		one("add", "a new server", "a", joined),
		{file: "add", name: "going on", backend: func() *uitest.Backend {
			b := standing()
			d := b.Drafts["chat-example-com"]
			d.Answers.Workspace = d.Answers.Workspace.Complete()
			d.Change = &ui.Change{Kind: ui.AddInstances, Instances: []string{d.Answers.Workspace.Instances[1].Name}, Begun: true}
			b.Drafts["chat-example-com add"] = d
			return b
		}, play: at("a", func(*driver) {})},
		one("add", "check", "a", checked),
		one("add", "review", "a", reviewed),
		one("add", "what stays as it is", "a", func(d *driver) {
			reviewed(d)
			d.press("d")
		}),
		one("add", "asked", "a", func(d *driver) {
			reviewed(d)
			d.press("enter")
		}),
		{file: "add", name: "under way", backend: func() *uitest.Backend {
			b := standing()
			b.Begin = func() *ui.Run {
				r := stage("db", "edge", "host1")
				r.done(2, 1.4, engine.AlreadyDone, "db/ready", "edge/ready", "host1/ready")
				r.done(4, 0.8, engine.Applied, "host1/files")
				r.starts(5, "host1/images")
				return r.run
			}
			return b
		}, play: at("a", carriedOut)},
		one("add", "done", "a", func(d *driver) {
			carriedOut(d)
			d.pass(time.Minute)
		}),
		one("add", "taken back", "a", func(d *driver) {
			joined(d)
			d.m.visit(pageFailure, true)
			d.m.c.run = &ui.Run{Log: engine.NewLog(), Lines: engine.NewLines(nil)}
			d.m.c.end = ending{conclusion: ui.Conclusion{
				Summary:   engine.Summary{Plan: ui.DoingAdd, Outcome: engine.Failed, Steps: 21, Already: 4, Applied: 9, Failures: []engine.Failure{uitest.Failure()}},
				Aftermath: "The cluster is as it was. When the cause is mended, add again.",
			}}
		}),
		one("remove", "cut", "x", func(d *driver) {
			d.press("down", "enter")
			d.pass(time.Second)
			d.m.visit(pageFailure, true)
			d.m.c.run = &ui.Run{Log: engine.NewLog(), Lines: engine.NewLines(nil)}
			d.m.c.end = ending{conclusion: ui.Conclusion{
				Summary:   engine.Summary{Plan: ui.DoingRemove, Outcome: engine.Failed, Steps: 11, Already: 4, Applied: 2, Begun: 3, Failures: []engine.Failure{uitest.Failure()}},
				Aftermath: uitest.HalfRemoved,
			}}
		}),
		one("remove", "which one", "x", func(d *driver) { d.press("down") }),
		{file: "remove", name: "the last one", backend: func() *uitest.Backend {
			b := standing()
			d := b.Drafts["chat-example-com"]
			d.Answers.Workspace.Instances = d.Answers.Workspace.Instances[:1]
			b.Drafts["chat-example-com"] = d
			return b
		}, play: at("x", func(*driver) {})},
		{file: "remove", name: "going on", backend: func() *uitest.Backend {
			b := standing()
			d := b.Drafts["chat-example-com"]
			d.Answers.Workspace = d.Answers.Workspace.Complete()
			d.Change = &ui.Change{Kind: ui.RemoveInstances, Instances: []string{d.Answers.Workspace.Instances[1].Name}, Begun: true, Drain: 5 * time.Minute, WithoutHost: true}
			b.Drafts["chat-example-com remove"] = d
			return b
		}, play: at("x", func(d *driver) { d.press("up") })},
		one("remove", "asked", "x", func(d *driver) {
			d.press("down", "enter")
			d.pass(time.Second)
			d.press("enter")
		}),
		{file: "remove", name: "its server is silent", backend: lost, play: at("x", func(d *driver) {
			d.press("down", "enter")
			d.pass(time.Second)
		})},
		{file: "remove", name: "done", backend: func() *uitest.Backend {
			b := standing()
			end := uitest.Conclusion()
			end.Aftermath = uitest.LeftByRemoval
			b.Begin = func() *ui.Run {
				return uitest.Deploy(context.Background(), uitest.Draft().Answers.Workspace.Complete(), uitest.Play{Beat: 100 * time.Millisecond, Conclusion: end})
			}
			return b
		}, play: at("x", func(d *driver) {
			d.press("down", "enter")
			d.pass(time.Second)
			d.press("enter", "y")
			d.pass(time.Minute)
		})},
	}
}

// A new server and one more on an old one are added by keys alone: what is
// deployed stays to the last field, the check is of what is new, and at the end
// there is the new count.
func TestAddition(t *testing.T) {
	t.Parallel()
	b := standing()
	drive(t, b, Options{}, func(d *driver) {
		d.shows("add an instance")
		d.press("a")
		d.isOn(pageAdd)
		d.pass(2 * time.Second)
		d.press("n")
		d.isOn(pageAdd)
		d.shows("no instance is added yet")
		d.press("enter") // on the database's server
		d.shows("database +1")
		d.press("-")
		d.hides("+1")
		d.press("d", "p", "x", "e") // of what is deployed nothing is changed
		d.isOn(pageAdd)
		d.press("a")
		d.typed("192.0.2.14")
		d.press("enter", "enter")
		d.pass(2 * time.Second)
		d.press("f", "enter")
		d.pass(2 * time.Second)
		d.shows("host1", "2 instances will be 3")
		d.press("n")
		d.isOn(pageCheck)
		d.pass(time.Second)
		d.shows("Nothing stands in the way.", "host1")
		d.hides("rc-paris")
		d.press("enter")
		d.isOn(pageReview)
		d.pass(time.Second)
		d.press("enter")
		d.shows("Enter again adds host1")
		d.press("enter")
		d.isOn(pageDeploy)
		d.pass(time.Minute)
		d.isOn(pageDone)
		d.shows("host1 is added", "3 of 3")
	})
	was := uitest.Draft().Answers.Workspace.Complete()
	kept, ok := b.Saved("chat-example-com add")
	if !ok || kept.Change == nil {
		t.Fatalf("the addition was not kept: %q", b.Calls())
	}
	if diff := cmp.Diff([]string{"host1"}, kept.Change.Instances); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(was, kept.Without()); diff != "" {
		t.Errorf("what is deployed is another (-before +now):\n%s", diff)
	}
	if whole, _ := b.Saved("chat-example-com"); whole.Change != nil || len(whole.Answers.Workspace.Hosts) != 4 {
		t.Error("the workspace's own answers were changed by describing an addition")
	}
	if !slices.Contains(b.Calls(), "Deploy add host1") {
		t.Errorf("%q", b.Calls())
	}
}

// Whatever is added, undone and taken away again leaves what is deployed as it
// is, and the names that the draft has for what is added are those of its
// instances.
func TestAdditionChanges(t *testing.T) {
	t.Parallel()
	drive(t, standing(), Options{}, func(d *driver) {
		d.press("a")
		d.pass(2 * time.Second)
		was := uitest.Draft().Answers.Workspace.Complete()
		for _, keys := range [][]string{
			{"down", "+", "+"}, {"u"}, {"-"}, {"a"}, {"1", "0", ".", "0", ".", "0", ".", "1", "1", "enter", "enter"}, // the private address is none's to log in to
			{"x"}, {"u"}, {"+"}, {"-"}, {"-"}, {"u"}, {"home", "i"}, {"u"}, {"u"}, {"u"},
		} {
			d.press(keys...)
			d.pass(100 * time.Millisecond)
			if diff := cmp.Diff(was, d.m.c.draft.Without()); diff != "" {
				t.Fatalf("after %q what is deployed is another (-before +now):\n%s\n%s", keys, diff, d.screen())
			}
			if n := len(d.m.c.draft.Answers.Workspace.Instances) - len(was.Instances); n != len(d.m.c.draft.Change.Instances) {
				t.Fatalf("after %q %d instances more, and the change names %q", keys, n, d.m.c.draft.Change.Instances)
			}
		}
		// One that is there already gets one more instead of a second entry.
		d.press("a")
		d.typed("root@192.0.2.12")
		d.press("enter", "enter")
		if w := d.m.c.draft.Answers.Workspace; len(w.InstancesOn("rc-paris")) != 2 {
			t.Errorf("%+v", w.Hosts)
		}
	})
}

// An instance is removed without a check; the last one is not.
func TestRemoval(t *testing.T) {
	t.Parallel()
	b := standing()
	drive(t, b, Options{}, func(d *driver) {
		d.press("x")
		d.isOn(pageRemove)
		d.shows("rc-frankfurt leaves, and 1 instance goes on")
		d.press("down", "enter")
		d.isOn(pageReview)
		d.pass(time.Second)
		d.press("enter")
		d.shows("y removes rc-paris, Enter does not", "y yes, remove")
		d.press("down", "y") // any other key takes the question back
		d.isOn(pageReview)
		d.press("enter", "y")
		d.isOn(pageDeploy)
		d.pass(time.Minute)
		d.isOn(pageDone)
		d.shows("rc-paris is removed")
	})
	if !slices.Contains(b.Calls(), "Deploy remove rc-paris") {
		t.Errorf("%q", b.Calls())
	}

	// Enter held too long removes nothing, from the first page to the last.
	held := standing()
	drive(t, held, Options{}, func(d *driver) {
		d.press("x")
		for range 40 {
			d.press("enter")
			d.pass(50 * time.Millisecond)
		}
		d.isOn(pageReview)
		d.shows("y removes rc-frankfurt, Enter does not")
	})
	if slices.ContainsFunc(held.Calls(), func(c string) bool { return strings.HasPrefix(c, "Deploy") }) {
		t.Errorf("%q", held.Calls())
	}

	one := standing()
	draft := one.Drafts["chat-example-com"]
	draft.Answers.Workspace.Instances = draft.Answers.Workspace.Instances[:1]
	one.Drafts["chat-example-com"] = draft
	drive(t, one, Options{}, func(d *driver) {
		d.press("x", "enter", "n")
		d.isOn(pageRemove)
		d.shows("It is the last instance")
	})
}

// lost is standing with a server that is silent, of an instance that is removed.
func lost() *uitest.Backend {
	b := standing()
	b.Silent = &ui.SilentError{Hosts: []string{"rc-paris"}, Err: errors.New("rc-paris: connect to 192.0.2.13:22: no route to host; see that it is up, and that nothing filters port 22")}
	return b
}

// An instance whose server does not answer is removed without it, if somebody
// says that it is gone for good: of that one, and of no other.
func TestRemovalWithoutHost(t *testing.T) {
	t.Parallel()
	b := lost()
	drive(t, b, Options{}, func(d *driver) {
		d.press("x", "down", "enter")
		d.isOn(pageReview)
		d.pass(time.Second)
		d.shows("no route to host", "g it is gone for good", "If the server rc-paris is gone for good")
		d.press("enter")
		d.shows("g goes on without the server")
		d.press("g")
		d.pass(time.Second)
		d.hides("no route to host", "g it is gone")
		d.press("esc", "up", "enter") // another, of which nobody said so
		d.pass(time.Second)
		d.shows("no route to host")
		d.press("esc", "down", "enter")
		d.pass(time.Second)
		d.press("g")
		d.pass(time.Second)
		d.press("enter", "y")
		d.pass(time.Minute)
		d.isOn(pageDone)
		d.press("esc") // there is nothing left of it to review
		d.isOn(pageStart)
	})
	if !slices.Contains(b.Calls(), "Deploy remove rc-paris without its host") {
		t.Errorf("%q", b.Calls())
	}
}

// Of a change that only has to be written down, no server is named.
func TestNoServerChanges(t *testing.T) {
	t.Parallel()
	for key, page := range map[string]pageID{"a": pageAdd, "x": pageRemove} {
		b := standing()
		for n := range b.Reviewed.Plan {
			b.Reviewed.Plan[n].Verdict = engine.Done
		}
		drive(t, b, Options{}, func(d *driver) {
			d.press(key)
			d.isOn(page)
			d.pass(2 * time.Second)
			d.press("down")
			if page == pageAdd {
				d.press("enter", "n")
				d.pass(2 * time.Second)
			}
			d.press("enter")
			d.isOn(pageReview)
			d.pass(time.Second)
			d.press("enter")
			d.shows("No server change") // the end of it may be cut
			d.hides("Changed: .")
		})
	}
}

// A change that was cut is gone on with as the change that it was: a removal is
// not undone by deploying the workspace as a whole.
func TestCutChange(t *testing.T) {
	t.Parallel()
	for kind, page := range map[ui.ChangeKind]pageID{ui.RemoveInstances: pageRemove, ui.AddInstances: pageAdd} {
		b := standing()
		b.Known[0].State = ui.Unfinished
		b.Known[0].UnderWay = &ui.Change{Kind: kind, Instances: []string{"rc-paris"}, Begun: true}
		b.Known[0].Last = &ui.LastRun{Doing: ui.DoingAdd, Started: uitest.Begin(), Steps: 12, Done: 3}
		drive(t, b, Options{}, func(d *driver) {
			d.press("enter")
			d.isOn(pageFailure)
			d.press("enter")
			d.isOn(page)
			if slices.ContainsFunc(b.Calls(), func(c string) bool { return strings.HasPrefix(c, "Deploy") }) {
				t.Errorf("%q", b.Calls())
			}
		})
	}
}
