package terminal

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/test/pictures/svg"
)

// TestMain lets the test's binary be the program in the terminal.
func TestMain(m *testing.M) {
	if os.Getenv("PICTURES_TEST_PROGRAM") == "" {
		os.Exit(m.Run())
	}
	if _, err := tea.NewProgram(page{}).Run(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(3)
}

// page is a program of one page that tells what it is told.
type page struct {
	background, size, said string
}

func (page) Init() tea.Cmd { return tea.RequestBackgroundColor }

func (p page) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.BackgroundColorMsg:
		p.background = map[bool]string{true: "dark", false: "light"}[msg.IsDark()]
	case tea.WindowSizeMsg:
		p.size = fmt.Sprintf("%dx%d", msg.Width, msg.Height)
	case tea.PasteMsg:
		p.said += fmt.Sprintf("pasted(%q)", msg.Content)
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+c" {
			return p, tea.Quit
		}
		p.said += "[" + msg.String() + "]"
	}
	return p, nil
}

func (p page) View() tea.View {
	v := tea.NewView("background " + p.background + "\nsize " + p.size + "\n\x1b[1;31m进度\x1b[m " + p.said)
	v.AltScreen = true
	v.Cursor = tea.NewCursor(2, 1)
	v.Cursor.Shape = tea.CursorBar
	return v
}

// start runs the page in a terminal that goes with the test.
func start(t *testing.T, term *Terminal) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "PICTURES_TEST_PROGRAM=1", "TERM=xterm-256color", "COLORTERM=truecolor")
	if err := term.Start(cmd); err != nil {
		t.Fatal(err)
	}
}

func newTerminal(t *testing.T, theme svg.Theme) (term *Terminal, shows func(text string)) {
	t.Helper()
	term = New(60, 16, theme)
	t.Cleanup(func() {
		if err := term.Close(); err != nil {
			t.Error(err)
		}
	})
	return term, func(text string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := term.Wait(ctx, text, func(screen string) bool { return strings.Contains(screen, text) }); err != nil {
			t.Fatal(err)
		}
	}
}

// A full-screen program has in it what it has in a terminal that people look at.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for name, theme := range map[string]svg.Theme{"dark": svg.Dark(), "light": svg.Light()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term, shows := newTerminal(t, theme)
			if err := term.Show("$ page"); err != nil {
				t.Fatal(err)
			}
			start(t, term)
			shows("background " + name)
			shows("size 60x16")
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(term.Type("a\x1b[Z"))
			shows("[a][shift+tab]")
			must(term.Paste("two\nlines"))
			shows(`pasted("two\nlines")`)
			must(term.Resize(80, 24))
			shows("size 80x24")
			must(term.Quiet(t.Context()))

			s := term.Screen()
			if len(s.Rows) != 24 || s.Width != 80 {
				t.Errorf("the screen has %d rows of %d", len(s.Rows), s.Width)
			}
			if c := s.Cursor; c != (svg.Cursor{X: 2, Y: 1, Visible: true, Bar: true}) {
				t.Errorf("the cursor is %+v", c)
			}
			if c := s.Rows[2][1]; c.Text != "度" || c.Width != 2 || !c.Style.Bold || c.Style.Foreground != svg.Indexed(1) {
				t.Errorf("the second character of the third row is %+v", c)
			}

			must(term.Type("\x03"))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if code, err := term.Exit(ctx); code != 3 || err != nil {
				t.Errorf("the program ended with %d, %v", code, err)
			}
			if text := term.Screen().Text(); !strings.HasPrefix(text, "$ page") {
				t.Errorf("when the program has ended the screen is not as before:\n%s", text)
			}
			start(t, term) // one after the other
			shows("size 80x24")
		})
	}
}

// Waits end, and say what the screen showed.
func TestTrouble(t *testing.T) {
	t.Parallel()
	term, shows := newTerminal(t, svg.Dark())
	if _, err := term.Exit(t.Context()); err == nil {
		t.Error("a program that never began has ended")
	}
	if term.Type("x") == nil || term.Paste("x") == nil {
		t.Error("it may be typed where no program runs")
	}
	start(t, term)
	shows("size 60x16")
	if err := term.Start(exec.Command("true")); err == nil {
		t.Error("two programs run in one terminal")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	never := func(string) bool { return false }
	if err := term.Wait(ctx, "never", never); err == nil || !strings.Contains(err.Error(), "size 60x16") {
		t.Errorf("a wait without end: %v", err)
	}
	if _, err := term.Exit(ctx); err == nil {
		t.Error("a program that runs has ended")
	}
	if err := term.Type("\x03"); err != nil {
		t.Fatal(err)
	}
	if err := term.Wait(t.Context(), "never", never); err == nil || !strings.Contains(err.Error(), "the program ended") {
		t.Errorf("a wait for a program that ended: %v", err)
	}
}

// What a killed program leaves is an error.
func TestKilled(t *testing.T) {
	t.Parallel()
	term, shows := newTerminal(t, svg.Dark())
	cmd := exec.Command("sh", "-c", `echo "before"; kill -9 $$`)
	if err := term.Start(cmd); err != nil {
		t.Fatal(err)
	}
	shows("before")
	if _, err := term.Exit(t.Context()); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("a killed program ended with %v", err)
	}
}
