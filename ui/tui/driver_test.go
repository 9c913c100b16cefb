package tui

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
)

// driver drives a Model without a terminal: it hands it messages, carries its
// commands out, and hands it what comes of them. It runs in a bubble of
// testing/synctest, where time passes only when nothing else can happen: a
// Backend that takes two minutes costs the test nothing, and what is on the
// screen at any moment is the same in every run.
type driver struct {
	t       *testing.T
	m       *Model
	backend *uitest.Backend
	began   time.Time
	quit    bool

	mu   sync.Mutex
	news []tea.Msg
}

// drive runs a test with a wizard on 80 by 24 cells that has just been started.
func drive(t *testing.T, backend *uitest.Backend, o Options, test func(d *driver)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &driver{t: t, m: newModel(t.Context(), backend, o), backend: backend, began: time.Now()}
		// The bubble's clock begins in the year 2000; the stories have their own.
		d.m.c.now = func() time.Time { return uitest.Begin().Add(26*time.Minute + time.Since(d.began)) }
		over := make(chan struct{})
		d.m.c.after = func(after time.Duration, f func(time.Time) tea.Msg) tea.Cmd {
			return func() tea.Msg {
				select {
				case now := <-time.After(after):
					return f(now)
				case <-over:
					return nil
				}
			}
		}
		defer func() {
			close(over)
			d.m.end()
			synctest.Wait()
		}()
		d.carryOut(d.m.Init())
		d.settle()
		test(d)
	})
}

// carryOut begins a command and everything that is in it.
func (d *driver) carryOut(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		msg := cmd()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.news = append(d.news, msg)
	}()
}

// settle hands the Model all that comes until everything waits for time to
// pass, or for a key.
func (d *driver) settle() {
	for {
		synctest.Wait()
		d.mu.Lock()
		news := d.news
		d.news = nil
		d.mu.Unlock()
		if len(news) == 0 {
			return
		}
		for _, msg := range news {
			d.hand(msg)
		}
	}
}

func (d *driver) hand(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
	case tea.BatchMsg:
		for _, cmd := range msg {
			d.carryOut(cmd)
		}
	case tea.QuitMsg:
		d.quit = true
	default:
		_, cmd := d.m.Update(msg)
		d.carryOut(cmd)
	}
}

// send hands the Model a message and all that comes of it.
func (d *driver) send(msg tea.Msg) {
	d.hand(msg)
	d.settle()
}

// press presses keys, each as KeyPressMsg.String has it: "enter", "ctrl+c", "a".
func (d *driver) press(keys ...string) {
	for _, k := range keys {
		d.send(keyPress(k))
	}
}

// typed types a text, letter by letter.
func (d *driver) typed(text string) {
	for _, r := range text {
		d.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

// paste pastes a text.
func (d *driver) paste(text string) { d.send(tea.PasteMsg{Content: text}) }

// pass lets time pass, and everything happen that happens meanwhile.
func (d *driver) pass(t time.Duration) {
	for end := time.Now().Add(t); time.Now().Before(end); {
		time.Sleep(min(beatEvery, time.Until(end)))
		d.settle()
	}
}

// open begins at a page with a draft, as Start does; and also at one that Start
// never opens, since it deploys or shows what was deployed.
func (d *driver) open(k ui.Known, draft ui.Draft, id pageID) {
	d.t.Helper()
	d.send(openedMsg{known: k, draft: draft, page: id})
	if d.m.front != id {
		d.carryOut(d.m.visit(id, true))
		d.settle()
	}
	if d.m.front != id {
		d.t.Fatalf("the page in front is %s, want %s", d.m.front, id)
	}
}

// screen is what is shown, without styles.
func (d *driver) screen() string {
	lines, _ := d.m.screen()
	return ansi.Strip(strings.Join(lines, "\n"))
}

// shows fails the test unless the screen has the text.
func (d *driver) shows(texts ...string) {
	d.t.Helper()
	for _, text := range texts {
		if !strings.Contains(d.screen(), text) {
			d.t.Errorf("the screen does not show %q:\n%s", text, d.screen())
		}
	}
}

// hides fails the test if the screen has the text.
func (d *driver) hides(texts ...string) {
	d.t.Helper()
	for _, text := range texts {
		if strings.Contains(d.screen(), text) {
			d.t.Errorf("the screen shows %q:\n%s", text, d.screen())
		}
	}
}

// isOn fails the test unless the page is in front.
func (d *driver) isOn(id pageID) {
	d.t.Helper()
	if d.m.front != id {
		d.t.Fatalf("the page in front is %s, want %s:\n%s", d.m.front, id, d.screen())
	}
}

// keyPress is the message of a key by its name.
func keyPress(name string) tea.KeyPressMsg {
	var k tea.Key
	for {
		mod, rest, ok := strings.Cut(name, "+")
		if !ok || rest == "" {
			break
		}
		switch mod {
		case "ctrl":
			k.Mod |= tea.ModCtrl
		case "alt":
			k.Mod |= tea.ModAlt
		case "shift":
			k.Mod |= tea.ModShift
		}
		name = rest
	}
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "backspace": tea.KeyBackspace,
		"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "space": tea.KeySpace, "delete": tea.KeyDelete, "f1": tea.KeyF1,
	}
	if code, ok := special[name]; ok {
		k.Code = code
		if code == tea.KeySpace {
			k.Text = " "
		}
		return tea.KeyPressMsg(k)
	}
	k.Code = []rune(name)[0]
	if k.Mod == 0 {
		k.Text = name
	}
	return tea.KeyPressMsg(k)
}
