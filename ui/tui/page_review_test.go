package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

// reviewing is a Backend with a review of the example.
func reviewing(change func(*ui.Review)) *uitest.Backend {
	r, err := uitest.Reviewed(uitest.Draft().Answers.Workspace)
	if err != nil {
		panic(err) // a mistake in the example
	}
	if change != nil {
		change(&r)
	}
	return &uitest.Backend{Reviewed: r, Written: ui.Exported{Path: "/home/ada/chat-example-com", Files: 23, Left: []string{"notes"}}}
}

func stuck(r *ui.Review) {
	r.Plan[0].Verdict, r.Plan[0].Reason, r.Plan[0].Next = engine.Blocked,
		"Docker is not installed", "install it, or let rcwizard do it: rcwizard install --install-docker"
}

func reviewScenes() []scene {
	plain := func() *uitest.Backend { return reviewing(nil) }
	at := func(keys ...string) func(d *driver) {
		return func(d *driver) {
			d.open(ui.Known{}, uitest.Draft(), pageReview)
			d.press(keys...)
		}
	}
	return []scene{
		{file: "review", name: "files", backend: plain, play: at()},
		{file: "review", name: "an environment", backend: plain, play: at("end", "up")},
		{file: "review", name: "what changes", backend: plain, play: at("d")},
		{file: "review", name: "whole width", backend: plain, play: at("down", "w")},
		{file: "review", name: "plan", backend: plain, play: at("tab", "tab")},
		{file: "review", name: "asked", backend: plain, play: at("enter")},
		{file: "review", name: "exported", backend: plain, play: at("e")},
		{file: "review", name: "in the way", backend: func() *uitest.Backend { return reviewing(stuck) }, play: at("tab", "tab")},
		{file: "review", name: "nothing to do", backend: func() *uitest.Backend {
			return reviewing(func(r *ui.Review) {
				for i := range r.Plan {
					r.Plan[i].Report = engine.Report{Verdict: engine.Done}
				}
				for i := range r.Hosts {
					for n := range r.Hosts[i].Files {
						r.Hosts[i].Files[n].Change = ""
					}
				}
			})
		}, play: at()},
		{file: "review", name: "Rocket.Chat's own files", backend: plain, play: at("o")},
		{file: "review", name: "Rocket.Chat's own files cannot be had", backend: func() *uitest.Backend {
			b := reviewing(nil)
			b.Errors = map[string]error{"Review": errors.New("Rocket.Chat's own compose files cannot be had, and nothing was changed: https://raw.githubusercontent.com/RocketChat/rocketchat-compose/f693f76c0335e98ba214276e869f54e319220d20/compose.database.yml cannot be fetched: dial tcp: lookup raw.githubusercontent.com: no such host\nnext: see that this machine reaches the internet (HTTPS_PROXY names a proxy), or name a mirror with --compose-url. Or take rcwizard's own files, which need no internet: --compose bundled")}
			return b
		}, play: at("o")},
		{file: "review", name: "looking", backend: func() *uitest.Backend {
			return &uitest.Backend{Delays: map[string]time.Duration{"Review": time.Hour}}
		}, play: at()},
		{file: "review", name: "cannot be looked at", backend: func() *uitest.Backend {
			return &uitest.Backend{Errors: map[string]error{"Review": errors.New("rc-paris: no answer from 192.0.2.12 on port 22; check that the server is up")}}
		}, play: at()},
	}
}

// TestDeployIsAskedFor: one enter too many deploys nothing.
func TestDeployIsAskedFor(t *testing.T) {
	t.Parallel()
	b := reviewing(nil)
	drive(t, b, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageReview)
		d.press("enter")
		d.shows("Enter again deploys")
		d.press("esc")
		d.isOn(pageReview)
		d.press("enter", "down")
		d.isOn(pageReview)
		d.press("enter", "enter")
		if d.m.front == pageReview {
			t.Error("two enters do not lead on")
		}
	})
}

// TestOtherFiles: a key goes from rcwizard's compose files to Rocket.Chat's own and
// back; what is chosen is kept.
func TestOtherFiles(t *testing.T) {
	t.Parallel()
	drive(t, reviewing(nil), Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageReview)
		for _, want := range []workspace.Compose{workspace.ComposeOfficial, workspace.ComposeBundled, workspace.ComposeOfficial} {
			d.press("o")
			if got := d.m.c.draft.Answers.Workspace.Compose; got != want {
				t.Errorf("the files are %q, want %q", got, want)
			}
		}
		d.shows("Rocket.Chat's own files")
		key := d.m.c.draft.Key
		d.press("esc")
		if kept, ok := d.backend.Saved(key); !ok || kept.Answers.Workspace.Compose != workspace.ComposeOfficial {
			t.Errorf("kept is %q", kept.Answers.Workspace.Compose)
		}
	})
}

// TestOtherFilesKeepTheirCommit: whoever named the commit of Rocket.Chat's own files
// and looked at rcwizard's comes back to that commit.
func TestOtherFilesKeepTheirCommit(t *testing.T) {
	t.Parallel()
	const pinned workspace.Compose = "official@0123456789abcdef0123456789abcdef01234567"
	drive(t, reviewing(nil), Options{}, func(d *driver) {
		draft := uitest.Draft()
		draft.Answers.Workspace.Compose = pinned
		d.open(ui.Known{}, draft, pageReview)
		for _, want := range []workspace.Compose{workspace.ComposeBundled, pinned, workspace.ComposeBundled, pinned} {
			d.press("o")
			if got := d.m.c.draft.Answers.Workspace.Compose; got != want {
				t.Errorf("the files are %q, want %q", got, want)
			}
		}
	})
}

// TestNothingIsDeployedThatIsStuck: a plan with a step that cannot be carried
// out, or none at all, leads nowhere, and says why.
func TestNothingIsDeployedThatIsStuck(t *testing.T) {
	t.Parallel()
	failing := &uitest.Backend{Errors: map[string]error{"Review": errors.New("rc-paris: no answer")}}
	for says, b := range map[string]*uitest.Backend{"cannot be carried out": reviewing(stuck), "There is no plan yet": failing} {
		drive(t, b, Options{}, func(d *driver) {
			d.open(ui.Known{}, uitest.Draft(), pageReview)
			d.press("enter", "enter", "enter")
			d.isOn(pageReview)
			d.shows(says)
		})
	}
}

// TestExportFromReview writes the files and says where, and what is there beside.
func TestExportFromReview(t *testing.T) {
	t.Parallel()
	b := reviewing(nil)
	drive(t, b, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageReview)
		d.press("e")
		d.shows("23 files written to /home/ada/chat-example-com")
	})
}

// TestHighlightKeepsTheText: colours come, nothing else does.
func TestHighlightKeepsTheText(t *testing.T) {
	t.Parallel()
	look := newLook(true, false)
	r := reviewing(nil).Reviewed
	for _, h := range r.Hosts {
		for _, f := range h.Files {
			for line := range strings.Lines(f.Content) {
				line = engine.CleanLine(strings.TrimSuffix(line, "\n"))
				if got := ansi.Strip(look.highlight(line)); got != line {
					t.Fatalf("%s: %q became %q", f.Path, line, got)
				}
			}
		}
	}
}
