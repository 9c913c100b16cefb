package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

// formPage is a page of nothing but a form, for its tests.
type formPage struct {
	quiet

	c *common
	f *form
}

func (p *formPage) Enter() tea.Cmd {
	p.f.sync()
	return nil
}

func (p *formPage) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	done, taken := p.f.key(k)
	if done {
		p.c.next()
	}
	return nil, taken
}

func (p *formPage) Update(msg tea.Msg) tea.Cmd {
	if msg, ok := msg.(tea.PasteMsg); ok {
		p.f.paste(msg)
	}
	return nil
}

func (p *formPage) Render(w, h int) drawing { return p.f.render(w, h) }
func (p *formPage) Keys() []keyGroup        { return p.f.keys() }
func (p *formPage) Typing() bool            { return p.f.typing() }

// TestBackFromAnInvalidField: huh's own form freezes there.
func TestBackFromAnInvalidField(t *testing.T) {
	withForms(t, &uitest.Backend{}, uitest.Draft(), func(d *driver) {
		d.press("tab")
		d.typed("@@")
		d.press("enter")
		d.isOn(pageWorkspace)
		d.shows("✗")
		d.press("shift+tab")
		d.typed("x")
		d.shows("chat.example.comx")
		d.press("esc")
		d.isOn(pageStart)
		d.send(openedMsg{draft: d.m.c.draft, page: pageWorkspace})
		d.shows("ops@example.com@@")
		d.press("ctrl+n")
		d.isOn(pageWorkspace)
		d.shows("✗")
	})
}

// TestAnswersBringQuestions: a choice may bring a question, or take it away,
// and the focus stays where it was.
func TestAnswersBringQuestions(t *testing.T) {
	withForms(t, &uitest.Backend{}, uitest.Draft(), func(d *driver) {
		d.press("ctrl+n")
		d.isOn(pageFiles)
		d.shows("Grafana's path")
		d.hides("Grafana's domain")
		d.press("right")
		d.hides("Grafana's path")
		d.press("right")
		d.hides("Grafana's path", "Grafana's domain")
		if mode := d.m.c.draft.Answers.Workspace.Grafana.Mode; mode != workspace.GrafanaNone {
			t.Errorf("Grafana's mode is %q", mode)
		}
		d.press("left", "left")
		d.shows("Grafana's path", "/grafana")
	})
}

// TestDefaultsFollow: a field that nobody answered shows what follows from the
// answers before.
func TestDefaultsFollow(t *testing.T) {
	withForms(t, &uitest.Backend{}, ui.Draft{}, func(d *driver) {
		d.typed("chat.example.com")
		d.m.c.visit(pageAdvanced)
		d.send(tea.FocusMsg{})
		d.shows("chat-example-com")
		if name := d.m.c.draft.Answers.Workspace.Name; name != "" {
			t.Errorf("a default was written down: %q", name)
		}
	})
}

func TestASpaceInTheMiddleStays(t *testing.T) {
	withForms(t, &uitest.Backend{}, ui.Draft{}, func(d *driver) {
		d.typed("a b")
		d.shows("a b")
	})
}

// TestSecretsAreNotShown: neither while they are typed nor afterwards.
func TestSecretsAreNotShown(t *testing.T) {
	withForms(t, &uitest.Backend{}, uitest.Draft(), func(d *driver) {
		for range 20 {
			if n, _ := d.page().f.current(); n.q.Key == "license" {
				break
			}
			d.press("tab")
		}
		d.typed("a-Licence")
		d.shows("*********")
		d.hides("a-Licence")
		d.press("ctrl+r")
		d.shows("a-Licence")
		d.press("ctrl+r", "tab")
		d.hides("a-Licence")
		if got := d.m.c.draft.Answers.Secrets.License; got != "a-Licence" {
			t.Errorf("the licence is %q", got)
		}
	})
}

// page is the form in front.
func (d *driver) page() *formPage {
	d.t.Helper()
	p, ok := d.m.page().(*formPage)
	if !ok {
		d.t.Fatalf("the page in front is no form: %s", d.m.front)
	}
	return p
}

// TestPasteOfAKey: a key in PEM form keeps its lines.
func TestPasteOfAKey(t *testing.T) {
	const pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END PRIVATE KEY-----"
	draft := uitest.Draft()
	draft.Answers.Workspace.Storage = workspace.Storage{Type: workspace.StorageGCS, Bucket: "files"}
	withForms(t, &uitest.Backend{}, draft, func(d *driver) {
		d.press("ctrl+n")
		d.isOn(pageFiles)
		for range 20 {
			if n, _ := d.page().f.current(); n.q.Lines {
				break
			}
			d.press("tab")
		}
		d.paste("\r\n" + strings.ReplaceAll(pem, "\n", "\r\n") + "\r\n")
		d.shows("4 lines pasted")
		d.hides("MIIEvQ")
		if got := strings.TrimSpace(d.m.c.draft.Answers.Secrets.StorageSecretKey); got != pem {
			t.Errorf("the key is %q", got)
		}
		d.press("backspace")
		d.hides("lines pasted")
		if got := d.m.c.draft.Answers.Secrets.StorageSecretKey; got != "" {
			t.Errorf("the key is %q after it was taken away", got)
		}
	})
}

// TestCursor: the terminal's own cursor stands where the next letter goes, also
// behind letters that take two cells.
func TestCursor(t *testing.T) {
	withForms(t, &uitest.Backend{}, ui.Draft{}, func(d *driver) {
		_, before := d.m.screen()
		d.typed("日本x")
		_, after := d.m.screen()
		if before == nil || after == nil || after.x-before.x != 5 || after.y != before.y {
			t.Errorf("the cursor went from %v to %v", before, after)
		}
		d.press("left", "left")
		_, left := d.m.screen()
		if left == nil || left.x-before.x != 2 {
			t.Errorf("then to %v", left)
		}
		d.typed(strings.Repeat("long", 40))
		_, end := d.m.screen()
		if end == nil || end.x >= 80 {
			t.Errorf("at the end of a long text it is at %v", end)
		}
	})
}

// TestReleaseIsChosenOrTyped: the list follows what is typed, and any release
// may be.
func TestReleaseIsChosenOrTyped(t *testing.T) {
	withForms(t, &uitest.Backend{}, uitest.Draft(), func(d *driver) {
		d.press("tab", "tab")
		before := d.m.c.draft.Answers.Workspace.Release
		d.press("right")
		if after := d.m.c.draft.Answers.Workspace.Release; after == before {
			t.Errorf("right chose nothing: %q", after)
		}
		chosen := d.m.c.draft.Answers.Workspace.Release
		d.press("down", "up")
		if passed := d.m.c.draft.Answers.Workspace.Release; passed != chosen {
			t.Errorf("going past it changed it to %q", passed)
		}
		for range 10 {
			d.press("backspace")
		}
		d.typed("8.10.0")
		if got := d.m.c.draft.Answers.Workspace.Release; got != "8.10.0" {
			t.Errorf("the release is %q", got)
		}
	})
}
