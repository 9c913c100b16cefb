package tui

import (
	"strings"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"

	"github.com/rcwizard/rcwizard/workspace/question"
)

// theme is how huh's widgets look: as everything else does.
func (f *form) theme() huh.Theme {
	return huh.ThemeFunc(func(bool) *huh.Styles {
		look := f.c.look
		base := huh.FieldStyles{
			Base:           lipgloss.NewStyle(),
			SelectedOption: look.Text,
			PrevIndicator:  look.Muted.SetString("  "),
			NextIndicator:  look.Muted.SetString("  "),
			TextInput:      huh.TextInputStyles{Text: look.Text, Placeholder: look.Muted},
		}
		focused := base
		focused.SelectedOption = look.Strong
		focused.PrevIndicator = look.Accent.SetString(look.Left + " ")
		focused.NextIndicator = look.Accent.SetString(" " + look.Right)
		return &huh.Styles{Focused: focused, Blurred: base}
	})
}

// keys are the form's, for the last line and the help.
func (f *form) keys() []keyGroup {
	k := f.c.keys
	own := []key.Binding{k.next}
	if n, ok := f.current(); ok {
		switch {
		case n.q.Free:
			own = append(own, key.NewBinding(key.WithKeys("up"), key.WithHelp(k.list.up.Help().Key+k.list.down.Help().Key, "choose")))
		case !f.typing():
			own = append(own, key.NewBinding(key.WithKeys("left"), key.WithHelp(k.form.left.Help().Key+k.form.right.Help().Key, "choose")))
		case n.q.Kind == question.Secret:
			own = append(own, k.form.reveal)
		}
	}
	return []keyGroup{
		{"Questions", append(own, k.form.submit)},
		{"Between fields", []key.Binding{k.form.next, k.form.previous}},
	}
}

const (
	// rowHeight is a field and the line below it, where an error stands.
	rowHeight = 2
	// labelMost is the widest that the column of titles gets.
	labelMost = 28
)

// render draws the fields, and below them what there is to know of the one that
// has the focus. The part below keeps its height, so that nothing jumps.
func (f *form) render(w, h int) drawing {
	look := f.c.look
	below := max(3, min(8, h/3))
	label := 0
	for _, n := range f.fields {
		label = max(label, width(n.q.Title))
	}
	label = min(label, labelMost, w/3)
	f.rows = max(1, (h-below-1)/rowHeight)
	from, to := f.list.window(f.rows)
	var d drawing
	for i := from; i < to; i++ {
		n := f.fields[i]
		focused := i == f.list.at
		mark, title := "  ", look.Muted.Render(look.fit(n.q.Title, label))
		if focused {
			mark, title = look.Accent.Render(look.Pointer)+" ", look.Strong.Render(look.fit(n.q.Title, label))
		}
		const gap = 3
		x := 2 + label + gap
		line, cursor := f.line(n, focused, w-x)
		if cursor >= 0 {
			d.cursor = &point{x + cursor, len(d.lines)}
		}
		d.lines = append(d.lines, mark+title+strings.Repeat(" ", gap)+line)
		beside := ""
		if n.problem != nil {
			beside = strings.Repeat(" ", x) + look.cut(look.word(bad, n.problem.Text), w-x)
		}
		d.lines = append(d.lines, beside)
	}
	d.lines = look.block(d.lines, w, min(len(d.lines), h-below-1))
	d.lines = append(d.lines, f.scrollMark(from, to))
	d.lines = append(d.lines, f.about(w, below)...)
	return d
}

// scrollMark says that there are fields above or below.
func (f *form) scrollMark(from, to int) string {
	look := f.c.look
	var parts []string
	if from > 0 {
		parts = append(parts, look.Up+" "+itoa(from)+" above")
	}
	if to < len(f.fields) {
		parts = append(parts, look.Down+" "+itoa(len(f.fields)-to)+" below")
	}
	return look.Muted.Render(strings.Join(parts, "   "))
}

// line is a field in w cells, and where its cursor is; below 0: it has none.
func (f *form) line(n *field, focused bool, w int) (text string, cursor int) {
	look := f.c.look
	if n.pasted != "" {
		return look.cut(strings.Repeat(string(look.Mask), 8)+look.Muted.Render("  "+count(strings.Count(n.pasted, "\n")+1, "line")+" pasted"), w), -1
	}
	if !focused {
		return look.cut(f.rest(n), w), -1
	}
	n.widget = n.widget.WithWidth(max(1, w))
	view, _, _ := strings.Cut(n.widget.View(), "\n")
	// huh paints a cursor of its own, reversed. The terminal's is better: screen
	// readers and input methods follow it.
	const reversed = "\x1b[7m"
	at := strings.Index(view, reversed)
	if at < 0 || !f.typing() {
		return look.cut(strings.TrimRight(view, " "), w), -1
	}
	cursor = width(view[:at])
	view = view[:at] + view[at+len(reversed):]
	return look.cut(view, w), cursor
}

// rest is a field without the focus: huh's widgets have colours of their own for
// that, which no theme reaches.
func (f *form) rest(n *field) string {
	look := f.c.look
	switch {
	case !isInput(n):
		// As far in as the choice stands between its marks.
		return "  " + titleOf(f.optionsOf(n), n.value)
	case n.value == "":
		return look.Muted.Render(f.placeholder(n.q))
	case n.q.Kind == question.Secret && !n.visible:
		return strings.Repeat(string(look.Mask), utf8.RuneCountInString(n.value))
	}
	return n.value
}

func isInput(n *field) bool {
	_, ok := n.widget.(*huh.Input)
	return ok
}

func titleOf(options []question.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return or(o.Title, o.Value)
		}
	}
	return value
}

// matching are the options that fit what was typed; all of them, when it is one.
func (n *field) matching() []question.Option {
	typed := strings.ToLower(n.value)
	var out []question.Option
	for _, o := range n.options {
		if strings.ToLower(o.Value) == typed {
			return n.options
		}
		if strings.Contains(strings.ToLower(o.Value+" "+o.Title+" "+o.Help), typed) {
			out = append(out, o)
		}
	}
	return out
}

// about is what there is to know of the field that has the focus, in h lines.
func (f *form) about(w, h int) []string {
	look := f.c.look
	n, ok := f.current()
	if !ok {
		return look.block(nil, w, h)
	}
	var out []string
	if n.problem != nil {
		out = append(out, look.finding(bad, n.problem.Text, n.problem.Hint, w)...)
	} else {
		out = append(out, prose(n.q.Help, w, look.Muted.Render)...)
	}
	options := n.options
	if n.q.Free {
		options = n.matching()
	}
	if len(options) > 0 {
		out = append(out, "")
	}
	room := h - len(out)
	at := 0
	for i, o := range options {
		if o.Value == n.shown(*f.answers()) {
			at = i
		}
	}
	window := list{n: len(options), at: at}
	from, to := window.window(room)
	t := table{rigid: map[int]bool{0: true}}
	for i, o := range options {
		title := or(o.Title, o.Value)
		if i == at {
			title = look.Strong.Render(title)
		}
		t.rows = append(t.rows, []string{title, look.Muted.Render(o.Help)})
	}
	rows := t.render(look, w-2)
	for i := from; i < to; i++ {
		mark := "  "
		if i == at {
			mark = look.Accent.Render(look.Pointer) + " "
		}
		out = append(out, mark+rows[i])
	}
	return look.block(out, w, h)
}
