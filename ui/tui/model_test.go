package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// twoForms is a wizard of two pages with forms, between Start and Done.
func twoForms(c *common) []entry {
	page := func(p question.Page) page { return &formPage{c: c, f: newForm(c, questionsOn(p))} }
	return []entry{
		{pageStart, "Start", true, newStart(c)},
		{pageWorkspace, "Workspace", true, page(question.Workspace)},
		{pageFiles, "Monitoring and files", true, page(question.Files)},
		{pageAdvanced, "Advanced", false, page(question.Advanced)},
		{pageDone, "Done", true, newDone(c)},
	}
}

// withForms drives such a wizard, opened at its first form with a draft.
func withForms(t *testing.T, b *uitest.Backend, draft ui.Draft, test func(d *driver)) {
	t.Helper()
	drive(t, b, Options{}, func(d *driver) {
		d.m.build = twoForms
		d.open(ui.Known{}, draft, pageWorkspace)
		test(d)
	})
}

func TestAnswersAreSavedWithEveryPage(t *testing.T) {
	b := &uitest.Backend{}
	withForms(t, b, ui.Draft{}, func(d *driver) {
		d.typed("chat.example.com")
		d.press("tab")
		d.typed("ops@example.com")
		if calls := strings.Join(b.Calls(), " "); strings.Contains(calls, "Save") {
			t.Errorf("saved before the page was left: %s", calls)
		}
		d.press("ctrl+n")
		d.isOn(pageFiles)
		saved, ok := b.Saved("draft-1")
		if !ok {
			t.Fatalf("nothing was saved: %v", b.Calls())
		}
		w := saved.Answers.Workspace
		if w.Domain != "chat.example.com" || w.Email != "ops@example.com" || saved.Page != string(pageFiles) {
			t.Errorf("saved %+v", saved)
		}
		// The way back saves too, and under the same key.
		d.press("right", "esc")
		d.isOn(pageWorkspace)
		saved, _ = b.Saved("draft-1")
		if saved.Answers.Workspace.Grafana.Mode == "" || len(b.Drafts) != 1 {
			t.Errorf("saved %+v", b.Drafts)
		}
		d.shows("chat.example.com", "ops@example.com")
	})
}

func TestNothingIsSavedOfNothing(t *testing.T) {
	b := &uitest.Backend{}
	withForms(t, b, ui.Draft{}, func(d *driver) {
		d.press("esc")
		d.isOn(pageStart)
		if diff := cmp.Diff([]string{"Workspaces", "Workspaces"}, b.Calls()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAPageStaysThatCannotBeSaved(t *testing.T) {
	b := &uitest.Backend{Errors: map[string]error{"Save": errors.New("keep the answers: no space left on device; free some in /home/ada")}}
	withForms(t, b, uitest.Draft(), func(d *driver) {
		d.typed("x")
		d.press("ctrl+n")
		d.isOn(pageWorkspace)
		d.shows("✗ keep the answers: no space left on device")
		b.Errors = nil
		d.press("ctrl+n")
		d.isOn(pageFiles)
	})
}

// TestKeysWaitForTheSave: what is typed at once after the last field belongs to
// the page that comes.
func TestKeysWaitForTheSave(t *testing.T) {
	b := &uitest.Backend{Delays: map[string]time.Duration{"Save": 3 * time.Second}}
	withForms(t, b, uitest.Draft(), func(d *driver) {
		d.typed(".org")
		d.press("ctrl+n")
		d.press("right")
		d.isOn(pageWorkspace)
		if mode := d.m.c.draft.Answers.Workspace.Grafana.Mode; mode != "" {
			t.Errorf("the key came to a page that is not shown yet: %s", mode)
		}
		d.pass(4 * time.Second)
		d.isOn(pageFiles)
		if mode := d.m.c.draft.Answers.Workspace.Grafana.Mode; mode == "" {
			t.Error("the key was lost")
		}
	})
}

// TestAnOlderDraftIsNotHeard: what was begun for one workspace is not shown for
// the next.
func TestAnOlderDraftIsNotHeard(t *testing.T) {
	b := knowing()
	b.Delays = map[string]time.Duration{"Status": time.Minute}
	drive(t, b, Options{}, func(d *driver) {
		d.open(uitest.Known()[2], uitest.Draft(), pageStatus)
		d.pass(30 * time.Second)
		d.open(uitest.Known()[0], uitest.Draft(), pageStatus)
		b.Counted.Summary = "0 of 2 instances registered"
		d.pass(40 * time.Second)
		d.hides("instances registered", "could not be counted")
		d.pass(30 * time.Second)
		d.shows("0 of 2 instances registered")
	})
}

func TestBackGoesTheWayThatWasGone(t *testing.T) {
	withForms(t, &uitest.Backend{}, uitest.Draft(), func(d *driver) {
		d.press("ctrl+n")
		d.isOn(pageFiles)
		d.m.c.visit(pageAdvanced)
		d.send(tea.FocusMsg{})
		d.isOn(pageAdvanced)
		d.press("esc")
		d.isOn(pageFiles)
		d.m.c.visit(pageAdvanced)
		d.send(tea.FocusMsg{})
		// Next from a page off the way leads back to it.
		d.press("ctrl+n")
		d.isOn(pageFiles)
		d.press("esc")
		d.isOn(pageWorkspace)
		d.press("esc")
		d.isOn(pageStart)
		d.press("esc")
		d.isOn(pageStart)
	})
}

func TestQuit(t *testing.T) {
	b := &uitest.Backend{}
	withForms(t, b, ui.Draft{}, func(d *driver) {
		d.typed("chat.example.com")
		d.press("ctrl+c", "esc")
		if d.quit {
			t.Fatal("it was left although the person stayed")
		}
		d.press("ctrl+c", "ctrl+c")
		saved, _ := b.Saved("draft-1")
		if !d.quit || saved.Answers.Workspace.Domain != "chat.example.com" || saved.Page != string(pageWorkspace) {
			t.Errorf("left: %v, saved %+v", d.quit, saved)
		}
	})
}

func TestTooSmall(t *testing.T) {
	withForms(t, &uitest.Backend{}, uitest.Draft(), func(d *driver) {
		for _, size := range [][2]int{{59, 16}, {60, 15}, {20, 2}, {9, 1}, {1, 1}, {0, 0}} {
			d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			lines, _ := d.m.screen()
			for _, line := range lines {
				if width(line) > size[0] || len(lines) > size[1] {
					t.Errorf("%v: %q", size, lines)
				}
			}
			d.typed("x")
		}
		d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
		d.shows("chat.example.com")
		d.hides("chat.example.comx")
	})
}

// TestOpeningNeverDeploys: a draft that was left on its way to Deploy, and of
// which no run is known, does not begin one because it is opened.
func TestOpeningNeverDeploys(t *testing.T) {
	for _, page := range []pageID{pageDeploy, pageDone, "no such page", ""} {
		draft := uitest.Draft()
		draft.Page = string(page)
		withForms(t, &uitest.Backend{}, ui.Draft{}, func(d *driver) {
			d.send(openedMsg{draft: draft, page: page})
			d.isOn(pageWorkspace) // the first that there is; Review, in the whole wizard
		})
	}
}

// TestOpenFails: a workspace that cannot be read is said, and the list stays.
func TestOpenFails(t *testing.T) {
	b := knowing()
	b.Errors = map[string]error{"Open": errors.New("read the answers: permission denied")}
	drive(t, b, Options{}, func(d *driver) {
		d.press("enter")
		d.isOn(pageStart)
		d.shows("✗ read the answers: permission denied", "› chat.example.com")
	})
}

func TestStart(t *testing.T) {
	for name, test := range map[string]struct {
		keys []string
		page pageID
		call string
	}{
		"an unfinished one is resumed":  {[]string{"enter"}, pageFailure, "Open chat-example-com"},
		"status of an unfinished one":   {[]string{"s"}, pageStatus, "Status"},
		"status of one that was done":   {[]string{"down", "down", "enter"}, pageStatus, "Open intranet"},
		"nothing of an unreadable one":  {[]string{"end", "up", "enter", "s", "e"}, pageStart, "Workspaces"},
		"export":                        {[]string{"e"}, pageStart, "Export"},
		"a draft has no files to write": {[]string{"down", "e"}, pageStart, "Workspaces"},
	} {
		t.Run(name, func(t *testing.T) {
			b := knowing()
			b.Drafts["intranet"] = uitest.Draft()
			drive(t, b, Options{}, func(d *driver) {
				d.press(test.keys...)
				d.isOn(test.page)
				calls := b.Calls()
				if last := calls[len(calls)-1]; last != test.call && calls[len(calls)-2] != test.call {
					t.Errorf("calls %v, want %s among the last", calls, test.call)
				}
			})
		})
	}
}

// TestADraftNeverOpensWhereItDeploys: in the whole wizard, a workspace that is
// kept is opened at Review at the latest, wherever it was left, and nothing is
// deployed by that.
func TestADraftNeverOpensWhereItDeploys(t *testing.T) {
	t.Parallel()
	for _, page := range []pageID{pageDeploy, pageDone, pageReview} {
		b := reviewing(nil)
		draft := uitest.Draft()
		draft.Key, draft.Page = "kept", string(page)
		b.Drafts = map[string]ui.Draft{"kept": draft}
		b.Known = []ui.Known{{Key: "kept", Domain: "chat.example.com", State: ui.Drafted, Page: string(page), Hosts: 4}}
		drive(t, b, Options{}, func(d *driver) {
			d.press("enter")
			d.pass(time.Second)
			d.isOn(pageReview)
			for _, call := range b.Calls() {
				if strings.HasPrefix(call, "Deploy") {
					t.Errorf("opened at %s, it deploys: %v", page, b.Calls())
				}
			}
		})
	}
}

// Answers that another run has overtaken are dropped when that is asked for twice,
// and not by an o that went astray.
func TestOlderAnswersAreDropped(t *testing.T) {
	t.Parallel()
	backend := knowing()
	backend.Known[0].Stale = true
	forgets := func() int {
		return len(slices.DeleteFunc(backend.Calls(), func(c string) bool { return !strings.HasPrefix(c, "Forget") }))
	}
	drive(t, backend, Options{}, func(d *driver) {
		d.press("o", "down", "up")
		d.press("o")
		if forgets() != 0 {
			t.Errorf("dropped by one key: %q", backend.Calls())
		}
		d.shows("o once more drops these answers")
		d.press("o")
		if forgets() != 1 {
			t.Errorf("not dropped: %q", backend.Calls())
		}
		d.press("o", "o")
		if forgets() != 1 {
			t.Errorf("nothing is left to be dropped, and %q", backend.Calls())
		}
	})
}
