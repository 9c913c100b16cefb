package tui

import (
	"testing"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

// TestAdvancedAndBack: what nobody has to open leads back to where it was
// opened, and keeps what was typed.
func TestAdvancedAndBack(t *testing.T) {
	t.Parallel()
	drive(t, &uitest.Backend{}, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageFiles)
		d.press("ctrl+o", "tab", "tab", "tab")
		d.isOn(pageAdvanced)
		d.typed("/srv/rc")
		d.press("esc")
		d.isOn(pageFiles)
		if got := d.m.c.draft.Answers.Workspace.Directory; got != "/srv/rc" {
			t.Errorf("the directory is %q", got)
		}
	})
}

// TestWrongElsewhere: what is wrong on a page that is not in front is told when
// the questions end, and the wizard goes there; nothing is lost by it.
func TestWrongElsewhere(t *testing.T) {
	t.Parallel()
	drive(t, &uitest.Backend{}, Options{}, func(d *driver) {
		draft := uitest.Draft()
		draft.Answers.Workspace.Domain = "not a name"
		draft.Answers.Workspace.Database.MongoDBPort = 70000
		d.open(ui.Known{}, draft, pageFiles)
		d.press("ctrl+n")
		d.isOn(pageWorkspace)
		d.shows("Domain: ")
		for range len("not a name") {
			d.press("backspace")
		}
		d.typed("chat.example.com")
		d.press("ctrl+n")
		d.isOn(pageFiles)
		d.press("ctrl+n")
		d.isOn(pageAdvanced)
		d.shows("Port of MongoDB")
	})
}

// TestDoubtIsToldAndGoes: a warning stands beside its field and forbids nothing.
func TestDoubtIsToldAndGoes(t *testing.T) {
	t.Parallel()
	drive(t, &uitest.Backend{}, Options{}, func(d *driver) {
		draft := uitest.Draft()
		draft.Answers.Workspace.Release = ""
		draft.Answers.Workspace.TLS.Mode = workspace.TLSLetsEncryptStaging
		d.open(ui.Known{}, draft, pageWorkspace)
		d.press("tab", "tab")
		d.typed("7.10.0")
		d.press("ctrl+n")
		d.isOn(pageFiles)
	})
}
