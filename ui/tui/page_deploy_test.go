package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
)

// onDeploy drives a wizard on the Deploy page.
func onDeploy(t *testing.T, r *staged, test func(d *driver)) {
	t.Helper()
	drive(t, &uitest.Backend{}, Options{}, func(d *driver) {
		// A channel belongs to the bubble that it is made in.
		r.ended = make(chan struct{})
		opened(d, r)
		test(d)
	})
}

func TestDeployGoesOnToTheCount(t *testing.T) {
	t.Parallel()
	r := running()
	onDeploy(t, r, func(d *driver) {
		d.shows("Wait for Rocket.Chat to answer", "15 of 21 steps", "4:25", "SERVER RUNNING", "following")
		if a := d.m.page().Activity(); a != (activity{working, 71}) {
			t.Errorf("activity %v", a)
		}
		r.ends(engine.Succeeded)
		d.pass(time.Second)
		d.isOn(pageDone)
		d.shows("2 of 2 instances registered")
	})
}

// TestDeployFailsAndIsRetried: the failure, its log and back, and the retry,
// which is a new run.
func TestDeployFailsAndIsRetried(t *testing.T) {
	t.Parallel()
	r := running()
	onDeploy(t, r, func(d *driver) {
		r.fails(170, "rc-frankfurt/answers", "the container restarted 3 times")
		r.ends(engine.Failed)
		d.pass(time.Second)
		d.isOn(pageFailure)
		d.press("l")
		d.isOn(pageDeploy)
		d.shows("1 failed", "to answer: the container rest", "SERVER RUNNING")
		d.press("esc")
		d.isOn(pageFailure)
		second := pulling()
		second.ended = make(chan struct{})
		d.backend.Runs = append(d.backend.Runs, second.run)
		d.press("enter")
		d.isOn(pageDeploy)
		d.pass(time.Second)
		d.shows("9 of 21 steps", "412 of 803 MB")
		d.hides("failed")
		if n := strings.Count(fmt.Sprint(d.backend.Calls()), "Deploy"); n != 2 {
			t.Errorf("calls %v", d.backend.Calls())
		}
	})
}

// TestBackFromAFailureDeploysNothing: the way back from a failure leads past
// this page, and forward again begins a new run.
func TestBackFromAFailureDeploysNothing(t *testing.T) {
	t.Parallel()
	r := running()
	onDeploy(t, r, func(d *driver) {
		d.m.trail = []pageID{pageStart, pageCheck}
		r.fails(170, "rc-frankfurt/answers", "the container restarted 3 times")
		r.ends(engine.Failed)
		d.pass(time.Second)
		d.isOn(pageFailure)
		d.press("esc")
		d.isOn(pageCheck)
		if n := strings.Count(fmt.Sprint(d.backend.Calls()), "Deploy"); n != 1 {
			t.Errorf("%d deployments", n)
		}
		d.m.c.visit(pageDeploy)
		d.send(nothingMsg{})
		d.pass(time.Second)
		if n := strings.Count(fmt.Sprint(d.backend.Calls()), "Deploy"); n != 2 {
			t.Errorf("%d deployments", n)
		}
	})
}

type nothingMsg struct{}

// TestStopping: once, twice, thrice, and the screen says each time what happens
// and how to go on. Esc leaves nothing.
func TestStopping(t *testing.T) {
	t.Parallel()
	r := running()
	onDeploy(t, r, func(d *driver) {
		d.press("esc")
		d.isOn(pageDeploy)
		d.shows("The run goes on; ctrl+c stops it.")
		d.press("ctrl+c")
		d.shows("Stopping: 1 step in flight will end first", "rcwizard resume chat-example-com", "ctrl+c cancel now")
		d.press("?")
		d.hides("quit", "back")
		d.press("ctrl+c") // with the help open it means what it means without
		d.shows("Cancelling what is under way", "rcwizard resume chat-example-com", "ctrl+c leave now")
		if diff := cmp.Diff([]engine.StopKind{engine.Graceful, engine.Cancel}, r.stops); diff != "" {
			t.Error(diff)
		}
		if d.quit {
			t.Fatal("left after the second")
		}
		d.press("ctrl+c")
		if !d.quit || d.m.left != Interrupted {
			t.Errorf("left: %v, %v", d.quit, d.m.left)
		}
	})
}

// TestStoppingATakeBack: what takes back an addition is not stopped by the first, and
// the screen does not say so.
func TestStoppingATakeBack(t *testing.T) {
	t.Parallel()
	r := running()
	onDeploy(t, r, func(d *driver) {
		p, _ := d.m.page().(*deploy)
		p.record.plan = ui.DoingTakeBack
		d.press("ctrl+c")
		d.shows("Taking back", "What was begun is still taken back, to the end. Ctrl+C again cancels that.", "ctrl+c cancel now")
		d.hides("Stopping", "no other begins")
		d.press("ctrl+c")
		d.shows("Stopping", "Cancelling what is under way")
	})
}

// TestStoppingWhileItBegins gives up before there is a run, and stops one that
// came nevertheless.
func TestStoppingWhileItBegins(t *testing.T) {
	t.Parallel()
	b := &uitest.Backend{Delays: map[string]time.Duration{"Deploy": time.Minute}}
	drive(t, b, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageCheck)
		d.m.c.visit(pageDeploy)
		d.send(nothingMsg{})
		d.shows("Beginning", "connecting to the hosts")
		d.press("ctrl+c")
		d.pass(time.Second)
		d.isOn(pageCheck)
		d.shows("did not begin")

		r := running()
		d.m.c.visit(pageDeploy)
		d.send(nothingMsg{})
		p, _ := d.m.page().(*deploy)
		p.stops = 1
		d.send(begunMsg{of: p.beginning, run: r.run})
		if diff := cmp.Diff([]engine.StopKind{engine.Graceful}, r.stops); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDeployDoesNotBegin(t *testing.T) {
	t.Parallel()
	b := &uitest.Backend{Errors: map[string]error{"Deploy": errors.New("db: no answer")}}
	drive(t, b, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageDeploy)
		d.shows("did not begin: db: no answer", "enter try again")
		b.Errors = nil
		b.Runs = []*ui.Run{running().run}
		d.press("enter")
		d.pass(time.Second)
		d.shows("15 of 21 steps")
	})
}

// TestReadingIsNotDisturbed: scrolled up, the log stands still while lines come,
// counts them, and is not taken away by the end of the run.
func TestReadingIsNotDisturbed(t *testing.T) {
	t.Parallel()
	r := running()
	onDeploy(t, r, func(d *driver) {
		d.press("tab", "up", "up")
		d.m.View()
		before := logRows(d)
		r.says("rc-frankfurt/answers", "", 41, "a new line")
		d.pass(time.Second)
		d.shows("41 new lines below")
		if diff := cmp.Diff(before, logRows(d)); diff != "" {
			t.Errorf("the log moved:\n%s", diff)
		}
		// The step ends, and the next one on the host begins.
		r.done(200, 3, engine.Applied, "rc-frankfurt/answers")
		r.starts(200, "rc-paris/up")
		r.ends(engine.Succeeded)
		d.pass(time.Second)
		d.isOn(pageDeploy)
		if diff := cmp.Diff(before, logRows(d)); diff != "" {
			t.Errorf("the log moved:\n%s", diff)
		}
		d.shows("✓ deployed", "enter the count")
		d.press("end")
		d.m.View()
		d.press("enter")
		d.isOn(pageDone)
	})
}

// logRows are the rows of the log at 80x24.
func logRows(d *driver) []string {
	lines := strings.Split(d.screen(), "\n")
	return lines[13:20]
}

// TestTheEndFollowsAgain: End, or scrolling to the last line, goes with the log.
func TestTheEndFollowsAgain(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"end"}, {"down", "down", "down"}, {"f"}, {"pgdown", "pgdown"}} {
		r := running()
		onDeploy(t, r, func(d *driver) {
			d.press("tab", "up", "up")
			d.m.View()
			for _, k := range keys {
				d.press(k)
				d.m.View()
			}
			r.says("rc-frankfurt/answers", "", 1, "the very last line")
			d.pass(time.Second)
			d.shows("the very last line", "following")
		})
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	r := stage("db")
	r.starts(0, "db/ready")
	for n := range 500 {
		text := fmt.Sprintf("line %d", n)
		if n%100 == 50 {
			text += " needle (x"
		}
		r.says("db/ready", "", 1, text)
	}
	onDeploy(t, r, func(d *driver) {
		d.press("/")
		d.typed("NEEDLE (")
		d.shows("line 450 needle", "5 of 5 lines")
		// Letters are no keys now.
		d.typed("n")
		d.shows("found nowhere")
		d.press("backspace", "enter")
		for _, n := range []int{350, 250, 150, 50, 450} {
			d.press("n")
			d.shows("› ", fmt.Sprintf("line %d needle", n))
		}
		d.press("N", "N")
		d.shows("line 150 needle")
		d.press("esc")
		d.shows("line 499", "following")
		d.press("/")
		d.paste("line 77\n")
		d.shows("1 of 1 line")
	})
}

// TestFollowing: the choice goes with what is in flight until the person chooses,
// and again after f.
func TestFollowing(t *testing.T) {
	t.Parallel()
	r := four()
	onDeploy(t, r, func(d *driver) {
		d.shows("Pull the images on db")
		r.done(80, 77, engine.Applied, "db/images")
		d.pass(time.Second)
		d.shows("Pull the images on rc-frankfurt")
		d.press("down")
		d.shows("Pull the images on rc-paris")
		r.done(80, 77, engine.Applied, "rc-paris/images")
		d.pass(time.Second)
		d.shows("Start Rocket.Chat on rc-paris", "This step has not begun.")
		d.press("f")
		d.shows("Pull the images on rc-frankfurt", "following")
	})
}

// TestNothingJumps: whatever happens in a run, every host keeps its row.
func TestNothingJumps(t *testing.T) {
	t.Parallel()
	r := pulling()
	onDeploy(t, r, func(d *driver) {
		rows := func() (out []string) {
			for i, line := range strings.Split(d.screen(), "\n") {
				for _, h := range []string{" db ", "rc-frankfurt  ", "rc-paris  ", " edge ", "this machine  "} {
					if i > 4 && i < 10 && strings.Contains(line, h) {
						out = append(out, fmt.Sprint(i, h, strings.Index(line, "━") > 0))
					}
				}
			}
			return out
		}
		before := rows()
		if len(before) != 5 {
			t.Fatalf("rows %v:\n%s", before, d.screen())
		}
		r.pulls("rc-paris/images", 1, 1_304e6)
		r.run.Log.Append(engine.Noted{Time: r.at(99), Text: "the connection to db was lost"})
		r.lost = map[string]time.Time{"rc-frankfurt": r.at(300)}
		r.fails(100, "db/images", "no space left on device")
		r.done(100, 7, engine.Applied, "rc-paris/images")
		d.pass(time.Second)
		d.shows("connection lost, trying again", "✗ db: no space left on device", "1 failed")
		if a := rows(); len(a) != len(before) {
			t.Fatalf("rows %v", a)
		}
		after := rows()
		for i := range before {
			if strings.Fields(before[i])[0] != strings.Fields(after[i])[0] {
				t.Errorf("row %q is %q now", before[i], after[i])
			}
		}
	})
}

// TestDeployIsNeverSaved: on its way to Deploy and to Done a draft says Review,
// so that opening it again asks before it deploys.
func TestDeployIsNeverSaved(t *testing.T) {
	t.Parallel()
	b := &uitest.Backend{}
	drive(t, b, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageCheck)
		d.m.c.draft.Answers.Workspace.Email = "else@example.com"
		r := running()
		r.ended = make(chan struct{})
		b.Runs = []*ui.Run{r.run}
		d.m.c.visit(pageDeploy)
		d.send(nothingMsg{})
		d.pass(time.Second)
		d.isOn(pageDeploy)
		saved, ok := b.Saved("chat-example-com")
		if !ok || saved.Page != string(pageReview) || saved.Answers.Workspace.Email != "else@example.com" {
			t.Errorf("saved %v: page %q", ok, saved.Page)
		}
		r.ends(engine.Succeeded)
		d.pass(time.Second)
		d.isOn(pageDone)
		if saved, _ = b.Saved("chat-example-com"); saved.Page != string(pageReview) {
			t.Errorf("saved with page %q", saved.Page)
		}
	})
}

func TestClockAndBytes(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0:00", 59*time.Second + 999*time.Millisecond: "0:59", 75 * time.Second: "1:15", time.Hour + 2*time.Second: "1:00:02",
	} {
		if got := clock(d); got != want {
			t.Errorf("clock(%s) = %s, want %s", d, got, want)
		}
	}
	for _, test := range []struct {
		done, total int64
		want        string
	}{{0, 1, "0 of 0 MB"}, {412e6, 803e6, "412 of 803 MB"}, {412e6, 2_803e6, "0.41 of 2.80 GB"}} {
		if got := ofBytes(test.done, test.total); got != test.want {
			t.Errorf("%d of %d is %q, want %q", test.done, test.total, got, test.want)
		}
	}
}

// A step that failed is tried again with a key while others are at work; once
// nothing else is left to do, the run says so and ends.
func TestRetryInTheRun(t *testing.T) {
	t.Parallel()
	r := stage("db", "edge")
	var asked []string
	heard := true
	r.run.Retry = func(step string) bool { asked = append(asked, step); return heard }
	onDeploy(t, r, func(d *driver) {
		d.hides("try it again")
		d.press("r")
		r.starts(5, "db/images", "edge/images")
		f := engine.Failure{StepRef: r.step("db/images"), Phase: engine.Applying, Message: "no space left on device"}
		r.run.Log.Append(engine.StepFailed{Time: r.at(9), Failure: f, Duration: 4 * time.Second})
		d.pass(time.Second)
		d.shows("no space left on device", "r try it again")
		d.press("r")
		d.shows("Tried again: Pull the images on db")
		r.starts(12, "db/images")
		d.pass(time.Second)
		d.hides("no space left on device", "r try it again")
		r.run.Log.Append(engine.StepFailed{Time: r.at(14), Failure: f, Duration: 2 * time.Second})
		d.pass(time.Second)
		heard = false
		d.press("r")
		d.shows("Nothing else is left to do")
		d.press("ctrl+c")
		d.hides("try it again")
		d.press("r")
	})
	if diff := cmp.Diff([]string{"db/images", "db/images"}, asked); diff != "" {
		t.Error(diff)
	}
}
