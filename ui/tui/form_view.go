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
			Base:      lipgloss.NewStyle(),
			TextInput: huh.TextInputStyles{Text: look.Text, Placeholder: look.Muted},
		}
		return &huh.Styles{Focused: base, Blurred: base}
	})
}

// keys are the form's, for the last line and the help.
func (f *form) keys() []keyGroup {
	k := f.c.keys
	own := []key.Binding{k.next}
	if n, ok := f.current(); ok {
		switch {
		case n.q.Free, !f.typing():
			own = append(own, key.NewBinding(key.WithKeys("left"), key.WithHelp(f.c.look.KeyLeftRight, "choose")))
		case n.q.Kind == question.Secret:
			own = append(own, k.form.reveal)
		}
	}
	return []keyGroup{
		{"Questions", append(own, k.form.submit)},
		{"Between fields", []key.Binding{k.form.next, k.form.previous}},
	}
}

// labelMost is the widest that the column of titles gets.
const labelMost = 36

// render draws the fields, and below them what there is to know of the one that
// has the focus. The part below keeps its height, so that nothing jumps. Where
// there is room, each field has a line of its own below it for its error;
// otherwise the error stands behind what was typed.
func (f *form) render(w, h int) drawing {
	look := f.c.look
	below := max(3, min(8, h/3))
	label := 0
	for _, n := range f.fields {
		label = max(label, width(f.title(n)))
	}
	label = min(label, labelMost, w/2)
	room, per := h-below-1, 2
	if per*len(f.fields) > room {
		// What the fields leave free is better had by what is said of one of them.
		per, below = 1, max(below, min(8, h-1-len(f.fields)))
		room = h - below - 1
	}
	f.rows = max(1, room/per)
	from, to := f.list.window(f.rows)
	var d drawing
	for i := from; i < to; i++ {
		n := f.fields[i]
		focused := i == f.list.at
		mark, title := "  ", look.Muted.Render(look.fit(f.title(n), label))
		if focused {
			mark, title = look.Accent.Render(look.Pointer)+" ", look.Strong.Render(look.fit(f.title(n), label))
		}
		const gap = 3
		x := 2 + label + gap
		line, cursor := f.line(n, focused, w-x)
		if cursor >= 0 {
			d.cursor = &point{x + cursor, len(d.lines)}
		}
		if n.problem != nil && per == 1 {
			line = strings.TrimRight(line, " ") + "  " + look.word(n.tone(), n.problem.Text)
		}
		d.lines = append(d.lines, look.cut(mark+title+strings.Repeat(" ", gap)+line, w))
		if per == 1 {
			continue
		}
		beside := ""
		if n.problem != nil {
			beside = strings.Repeat(" ", x) + look.cut(look.word(n.tone(), n.problem.Text), w-x)
		}
		d.lines = append(d.lines, beside)
	}
	d.lines = look.block(d.lines, w, room)
	d.lines = append(d.lines, look.moreRows(from, len(f.fields)-to))
	d.lines = append(d.lines, f.about(w, below)...)
	return d
}

// title is the question's, with the host or the instance that it is about.
func (f *form) title(n *field) string {
	if n.q.About() == "" || f.bare {
		return n.q.Title
	}
	return n.q.About() + ": " + n.q.Title
}

// tone is how bad the problem is.
func (n *field) tone() tone {
	if n.wrong() {
		return bad
	}
	return warning
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
	if !isInput(n) {
		// The marks are behind what is chosen, which stays where it is when the
		// focus comes and goes.
		chosen := look.Strong.Render(titleOf(f.optionsOf(n), n.value))
		return look.cut(chosen+" "+look.Accent.Render(look.Left+look.Right), w), -1
	}
	n.widget = n.widget.WithWidth(max(1, w))
	view, cursor := withoutCursor(n.widget.View())
	return look.cut(view, w), min(cursor, w-1) // huh counts some emoji narrower than they are
}

// rest is a field without the focus: huh's widgets have colours of their own for
// that, which no theme reaches.
func (f *form) rest(n *field) string {
	look := f.c.look
	switch {
	case !isInput(n):
		return titleOf(f.optionsOf(n), n.value)
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
	options := n.options
	if n.q.Free {
		options = n.matching()
	}
	var out []string
	if n.problem != nil {
		out = append(out, look.finding(n.tone(), n.problem.Text, n.problem.Hint, w)...)
	} else {
		out = append(out, prose(n.q.Help, w, look.Muted.Render)...)
	}
	// What can be chosen is not hidden by what is said about it.
	const some = 3
	if most := max(1, h-min(some, len(options))); len(options) > 0 && len(out) >= most {
		out = out[:min(len(out), most)]
	} else if len(options) > 0 {
		out = append(out, "")
	}
	at := 0
	for i, o := range options {
		if o.Value == n.shown(*f.answers()) {
			at = i
		}
	}
	return look.block(append(out, look.choices(options, at, w, h-len(out))...), w, h)
}

// choices are options in h lines, each with what it means; that of the one
// chosen is there to its last word.
func (l Look) choices(options []question.Option, at, w, h int) []string {
	titles := 0
	for _, o := range options {
		titles = max(titles, width(or(o.Title, o.Value)))
	}
	const mark, gap = 2, 2
	titles = min(titles, w/2)
	room := max(1, w-mark-titles-gap)
	var chosen []string
	if at < len(options) {
		chosen = prose(options[at].Help, room, l.Muted.Render)
	}
	window := list{n: len(options), at: at}
	from, to := window.window(max(1, h-max(0, len(chosen)-1)))
	var out []string
	for i := from; i < to; i++ {
		title := l.fit(or(options[i].Title, options[i].Value), titles)
		if i != at {
			out = append(out, l.Muted.Render(l.Off)+" "+title+strings.Repeat(" ", gap)+l.Muted.Render(l.cut(options[i].Help, room)))
			continue
		}
		first := ""
		if len(chosen) > 0 {
			first = chosen[0]
		}
		out = append(out, l.Accent.Render(l.On)+" "+l.Strong.Render(title)+strings.Repeat(" ", gap)+first)
		for _, more := range chosen[min(1, len(chosen)):] {
			out = append(out, strings.Repeat(" ", mark+titles+gap)+more)
		}
	}
	return out
}
