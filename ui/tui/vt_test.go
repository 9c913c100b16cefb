package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"github.com/rcwizard/rcwizard/ui"
)

// terminal is a whole wizard on an emulated terminal: the bytes that it writes,
// the screen that comes of them, and keys as a terminal sends them. It runs in
// real time, so whoever drives it waits for what is on the screen, never for a
// while.
type terminal struct {
	t      *testing.T
	em     *vt.SafeEmulator
	cancel context.CancelCauseFunc
	ended  chan struct{}
	reason Reason
	err    error
	// program is the tea.Program, to tell it of a new size.
	program *tea.Program
}

// patience is how long the terminal waits for a text before the test fails.
const patience = 60 * time.Second

// onTerminal starts a wizard on a terminal of w by h cells.
func onTerminal(t *testing.T, backend ui.Backend, w, h int, environment ...string) *terminal {
	t.Helper()
	em := vt.NewSafeEmulator(w, h)
	// Without a real terminal Bubble Tea ends lines with LF alone (LNM).
	if _, err := em.Write([]byte("\x1b[20h")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	x := &terminal{t: t, em: em, cancel: cancel, ended: make(chan struct{})}
	m := newModel(ctx, backend, Options{})
	keys, typed := io.Pipe()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		pass(em, typed)
	}()
	x.program = tea.NewProgram(m,
		tea.WithContext(ctx), tea.WithoutSignalHandler(), tea.WithInput(keys), tea.WithOutput(em), tea.WithWindowSize(w, h),
		tea.WithEnvironment(append([]string{"TERM=xterm-256color", "LANG=C.UTF-8"}, environment...)),
	)
	go func() {
		defer close(x.ended)
		defer m.end()
		_, x.err = x.program.Run()
		x.reason = m.left
	}()
	t.Cleanup(func() {
		x.program.Kill()
		cancel(nil)
		<-x.ended
		if err := keys.Close(); err != nil {
			t.Error(err)
		}
		em.SendText(over)
		<-copied
	})
	return x
}

// over is a text that nobody types.
const over = "\x1c over \x1c"

// pass hands on what the terminal sends, keys and answers, until it sends over:
// an emulator has no end that could be read to. It never stops reading, for the
// emulator waits for that in the middle of a write, and so would the program.
func pass(em io.Reader, typed io.Writer) {
	const plenty = 1 << 14
	sent := make(chan []byte, plenty)
	defer close(sent)
	go func() {
		for data := range sent {
			_, _ = typed.Write(data) // in vain, once nobody reads any more
		}
	}()
	buf := make([]byte, 4096)
	for {
		n, err := em.Read(buf)
		if err != nil || bytes.Contains(buf[:n], []byte(over)) {
			return
		}
		sent <- bytes.Clone(buf[:n])
	}
}

// screen is the text on the terminal.
func (x *terminal) screen() string { return ansi.Strip(x.em.Render()) }

// wait waits until the screen shows all the texts.
func (x *terminal) wait(texts ...string) {
	x.t.Helper()
	x.until("show "+strings.Join(texts, " and "), func() bool {
		screen := x.screen()
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// gone waits until the screen no longer shows the text.
func (x *terminal) gone(text string) {
	x.t.Helper()
	x.until("hide "+text, func() bool { return !strings.Contains(x.screen(), text) })
}

func (x *terminal) until(what string, ok func() bool) {
	x.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		select {
		case <-x.ended:
			if !ok() {
				x.t.Fatalf("the wizard has ended (%v), and does not %s:\n%s", x.err, what, x.screen())
			}
			return
		default:
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("the screen does not %s:\n%s", what, x.screen())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// press presses keys by their names, as driver.press.
func (x *terminal) press(keys ...string) {
	for _, k := range keys {
		x.em.SendKey(vt.KeyPressEvent(keyPress(k)))
	}
}

// paste pastes a text, in brackets if the program asked for them.
func (x *terminal) paste(text string) { x.em.Paste(text) }

// resize makes the terminal another size.
func (x *terminal) resize(w, h int) {
	x.em.Resize(w, h)
	x.program.Send(tea.WindowSizeMsg{Width: w, Height: h})
}

// end waits for the wizard's end and returns why it was left.
func (x *terminal) end() (Reason, error) {
	x.t.Helper()
	select {
	case <-x.ended:
	case <-time.After(patience):
		x.t.Fatalf("the wizard does not end:\n%s", x.screen())
	}
	if x.em.IsAltScreen() {
		x.t.Error("the alternate screen was not left")
	}
	return x.reason, x.err
}

// TestOnTerminal goes through the whole program: what is drawn arrives, keys are
// understood, sizes are followed, and the terminal is left as it was found.
func TestOnTerminal(t *testing.T) {
	x := onTerminal(t, knowing(), 80, 24)
	x.wait("Workspaces on this machine", "› chat.example.com")
	x.press("down", "down")
	x.wait("› chat.intranet.example")
	x.resize(120, 40)
	x.wait("● Start", "› chat.intranet.example.org")
	x.resize(50, 10)
	x.wait("needs 60x16, has 50x10")
	x.resize(80, 24)
	x.wait("› chat.intranet.example")
	x.press("up", "up", "enter")
	x.wait("Pull images", "Likely cause")
	x.press("?")
	x.wait("After a failure", "Everywhere")
	x.press("esc")
	x.gone("Everywhere")
	x.press("esc")
	x.wait("Workspaces on this machine")
	x.press("ctrl+c")
	x.wait("Leave rcwizard?")
	x.press("enter")
	if reason, err := x.end(); reason != Quit || err != nil {
		t.Errorf("left with %v, %v", reason, err)
	}
}

// TestContextEndsIt: a signal of the caller's ends the wizard with the terminal
// as it was found.
func TestContextEndsIt(t *testing.T) {
	x := onTerminal(t, knowing(), 80, 24)
	x.wait("Workspaces on this machine")
	x.cancel(errors.New("terminated"))
	if _, err := x.end(); err == nil {
		t.Error("no error")
	}
}

// TestNoColour: NO_COLOR takes every colour away, and no meaning.
func TestNoColour(t *testing.T) {
	x := onTerminal(t, knowing(), 80, 24, "NO_COLOR=1")
	x.wait("✗ failed at 24 of 61", "✓ deployed")
	if c := regexp.MustCompile(`\x1b\[[0-9;]*[34][0-9;]+m`).FindString(x.em.Render()); c != "" {
		t.Errorf("a colour is left: %q", c)
	}
}
