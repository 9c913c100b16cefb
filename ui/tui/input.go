package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
)

// input is one line of text outside of a form: huh's widget with the terminal's
// own cursor.
type input struct {
	widget *huh.Input
	// text is what was typed, behind a pointer, as huh wants it.
	text    string
	secret  bool
	visible bool
}

// newInput makes a line that has the focus. Of a secret nothing is shown but its
// length.
func newInput(c *common, placeholder string, secret bool) *input {
	i := &input{secret: secret}
	i.widget = huh.NewInput().Inline(true).Prompt("").Placeholder(placeholder).Value(&i.text)
	if secret {
		i.widget.EchoMode(huh.EchoModePassword)
	}
	i.widget.WithKeyMap(huh.NewDefaultKeyMap())
	i.widget.WithTheme(huh.ThemeFunc(func(bool) *huh.Styles {
		base := huh.FieldStyles{
			Base:      lipgloss.NewStyle(),
			TextInput: huh.TextInputStyles{Text: c.look.Text, Placeholder: c.look.Muted},
		}
		return &huh.Styles{Focused: base, Blurred: base}
	}))
	// Its command would make a cursor of huh's own blink.
	_ = i.widget.Focus()
	return i
}

// take hands a key or a paste to the line. Line breaks in a paste are not text.
func (i *input) take(msg tea.Msg) {
	if pasted, ok := msg.(tea.PasteMsg); ok {
		msg = tea.PasteMsg{Content: strings.TrimSpace(pasted.Content)}
	}
	m, _ := i.widget.Update(msg)
	if w, ok := m.(*huh.Input); ok {
		i.widget = w
	}
}

// put replaces the text.
func (i *input) put(text string) {
	i.text = text
	i.widget.Value(&i.text)
}

// reveal shows a secret, or hides it again.
func (i *input) reveal() {
	i.visible = !i.visible
	mode := huh.EchoModePassword
	if i.visible {
		mode = huh.EchoModeNormal
	}
	i.widget.EchoMode(mode)
}

// render is the line in w cells, and where its cursor is.
func (i *input) render(look Look, w int) (text string, cursor int) {
	i.widget.WithWidth(max(1, w))
	view, cursor := withoutCursor(i.widget.View())
	return look.cut(view, w), min(max(0, cursor), max(0, w-1))
}

// withoutCursor takes the cursor that huh paints, reversed, out of the view of a
// line, and says where it was; below 0: there was none. The terminal's own is
// better: screen readers and input methods follow it.
func withoutCursor(view string) (text string, cursor int) {
	view, _, _ = strings.Cut(view, "\n")
	const reversed = "\x1b[7m"
	at := strings.Index(view, reversed)
	if at < 0 {
		return strings.TrimRight(view, " "), -1
	}
	return view[:at] + view[at+len(reversed):], width(view[:at])
}
