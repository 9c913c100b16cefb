package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// form asks the questions of one page, in rows. Its fields are huh's widgets,
// one by one: the form itself moves between them, judges, and draws the words
// around them. So nothing waits on a command, an error stands beside its field,
// and a field that is wrong keeps nobody from going back.
//
// What is typed is in the draft at once. What makes no sense there, letters in a
// number, stays in the field until the page is left for good.
type form struct {
	c *common
	// ask are the questions, by the answers so far.
	ask    func(question.Answers) []question.Question
	fields []*field
	list   list
	// rows is how many fields were shown last.
	rows int
	// bare leaves out whom a question is about, which a heading says.
	bare bool
}

// field is one question and what was typed.
type field struct {
	q      question.Question
	widget huh.Field
	// value is what the widget shows: behind a pointer, as huh wants it.
	value string
	// said is what the draft has of it since.
	said string
	// pasted is a secret of several lines, which no line can be typed of.
	pasted  string
	options []question.Option
	// problem is what is wrong with the answer, shown once the field was left.
	problem *workspace.Problem
	// visible says that a secret is shown as it is typed.
	visible bool
}

// newForm makes the form for what ask asks of the draft.
func newForm(c *common, ask func(question.Answers) []question.Question) *form {
	f := &form{c: c, ask: ask}
	f.sync()
	f.focus(0)
	return f
}

// questionsOn are those of a page that a line or a choice answers; the servers
// and their roles have a page of their own making.
func questionsOn(p question.Page) func(question.Answers) []question.Question {
	return func(a question.Answers) []question.Question {
		return slices.DeleteFunc(question.On(p, a), func(q question.Question) bool {
			return q.Kind == question.Addresses || q.Kind == question.RoleSet
		})
	}
}

// answers are the draft's.
func (f *form) answers() *question.Answers { return &f.c.draft.Answers }

// sync asks anew what is to be asked: an answer may bring questions or take
// them away. Fields that stay are as they were.
func (f *form) sync() {
	var at string
	if f.list.at < len(f.fields) {
		at = f.fields[f.list.at].q.Key
	}
	asked := f.ask(*f.answers())
	fields := make([]*field, len(asked))
	for i, q := range asked {
		old := slices.IndexFunc(f.fields, func(o *field) bool { return o.q.Key == q.Key })
		if old >= 0 && f.fields[old].fits(q, *f.answers()) {
			fields[i] = f.fields[old]
			fields[i].q = q
		} else {
			fields[i] = f.field(q)
		}
		if input, ok := fields[i].widget.(*huh.Input); ok {
			input.Placeholder(f.placeholder(q))
		}
	}
	f.fields = fields
	f.list.resize(len(fields))
	if i := slices.IndexFunc(fields, func(n *field) bool { return n.q.Key == at }); i >= 0 {
		f.list.at = i
	}
}

// fits reports whether a field can go on showing a question: the choices are
// the same, and nobody else has answered it meanwhile. What was typed and makes
// no sense yet stays.
func (n *field) fits(q question.Question, a question.Answers) bool {
	if !slices.Equal(n.options, q.Options(a)) {
		return false
	}
	if _, isInput := n.widget.(*huh.Input); isInput {
		return q.Get(a) == n.said
	}
	return n.value == q.Value(a)
}

// placeholder is what an empty field means.
func (f *form) placeholder(q question.Question) string {
	if d := q.Default(*f.answers()); d != "" {
		return d
	}
	return q.Blank
}

// field makes the widget for a question.
func (f *form) field(q question.Question) *field {
	a := *f.answers()
	n := &field{q: q, options: q.Options(a)}
	switch {
	case q.Kind == question.Choice && !q.Free:
		n.value = q.Value(a)
		n.widget = f.choice(n, n.options)
	case q.Kind == question.Toggle:
		n.value = or(q.Value(a), question.No)
		n.widget = f.choice(n, []question.Option{{Value: question.Yes, Title: "yes"}, {Value: question.No, Title: "no"}})
	default:
		n.said = q.Get(a)
		n.value = n.said
		if strings.Contains(n.value, "\n") {
			n.pasted, n.value = n.value, ""
		}
		input := huh.NewInput().Inline(true).Prompt("").Value(&n.value)
		if q.Kind == question.Secret {
			input.EchoMode(huh.EchoModePassword)
		}
		n.widget = input
	}
	n.widget = n.widget.WithKeyMap(huh.NewDefaultKeyMap()).WithTheme(f.theme())
	n.widget.Blur()
	return n
}

func (f *form) choice(n *field, options []question.Option) huh.Field {
	huhs := make([]huh.Option[string], len(options))
	for i, o := range options {
		huhs[i] = huh.NewOption(or(o.Title, o.Value), o.Value)
	}
	return huh.NewSelect[string]().Options(huhs...).Value(&n.value).Inline(true)
}

// focus goes to a field.
func (f *form) focus(i int) {
	for _, n := range f.fields {
		n.widget.Blur()
	}
	f.list.move(i - f.list.at)
	if n, ok := f.current(); ok {
		// Its command would make a cursor of huh's own blink; the terminal has one.
		_ = n.widget.Focus()
	}
}

func (f *form) current() (*field, bool) {
	if f.list.at >= len(f.fields) || f.list.at < 0 {
		return nil, false
	}
	return f.fields[f.list.at], true
}

// typing says that letters are text in the field that has the focus.
func (f *form) typing() bool {
	n, ok := f.current()
	if !ok {
		return false
	}
	_, isInput := n.widget.(*huh.Input)
	return isInput
}

// key takes a key; false: it is none of the form's. done says that enter was
// pressed in the last field, or ctrl+n in any, and that nothing is wrong.
func (f *form) key(k tea.KeyPressMsg) (done, taken bool) {
	n, ok := f.current()
	keys := f.c.keys
	switch {
	case !ok:
		return key.Matches(k, keys.next), key.Matches(k, keys.next)
	case key.Matches(k, keys.next):
		f.judge(n)
		if n.wrong() {
			return false, true
		}
		if f.list.at == len(f.fields)-1 {
			return f.whole(), true
		}
		f.focus(f.list.at + 1)
	case n.q.Free && f.pick(n, k):
	case key.Matches(k, keys.form.next):
		f.judge(n)
		f.focus((f.list.at + 1) % len(f.fields))
	case key.Matches(k, keys.form.previous):
		f.judge(n)
		f.focus((f.list.at + len(f.fields) - 1) % len(f.fields))
	case key.Matches(k, keys.form.submit):
		f.judge(n)
		return f.whole(), true
	case n.q.Kind == question.Secret && key.Matches(k, keys.form.reveal):
		n.reveal()
	case key.Matches(k, keys.quit, keys.back, keys.helpTyping, keys.suspend):
		return false, false
	default:
		return false, f.give(n, k)
	}
	return false, true
}

// pick goes through the options of a choice that can be typed too, with the
// keys of any other choice. Once something else is typed they move in it, as in
// any other text; up and down go from field to field everywhere, so that nobody
// changes an answer in passing.
func (f *form) pick(n *field, k tea.KeyPressMsg) bool {
	var by int
	switch k.String() {
	case "left":
		by = -1
	case "right":
		by = 1
	default:
		return false
	}
	at := slices.IndexFunc(n.options, func(o question.Option) bool { return o.Value == n.shown(*f.answers()) })
	if at < 0 {
		return false
	}
	f.put(n, n.options[max(0, min(at+by, len(n.options)-1))].Value)
	return true
}

// give hands a message to a field's widget and takes over what it made of it.
func (f *form) give(n *field, msg tea.Msg) bool {
	if k, isKey := msg.(tea.KeyPressMsg); isKey {
		if _, isInput := n.widget.(*huh.Input); !isInput && !slices.Contains([]string{"left", "right", "space", "y", "n"}, k.String()) {
			return false
		}
		switch s := k.String(); {
		case n.q.Kind == question.Toggle && (s == "y" || s == "n"):
			f.put(n, map[string]string{"y": question.Yes, "n": question.No}[s])
			return true
		case s == "space" && !f.typing():
			msg = tea.KeyPressMsg{Code: tea.KeyRight}
		case n.pasted != "" && (s == "backspace" || s == "delete" || k.Text != ""):
			n.pasted = ""
		}
	}
	before := n.value
	m, _ := n.widget.Update(msg)
	if w, ok := m.(huh.Field); ok {
		n.widget = w
	}
	if n.value != before || n.pasted == "" {
		f.changed(n)
	}
	return true
}

// paste puts what was pasted into the field that has the focus.
func (f *form) paste(msg tea.PasteMsg) {
	n, ok := f.current()
	switch {
	case !ok || !f.typing():
	case n.q.Lines && strings.Contains(strings.TrimSpace(msg.Content), "\n"):
		n.pasted = strings.TrimSpace(strings.ReplaceAll(msg.Content, "\r\n", "\n"))
		n.pasted = strings.ReplaceAll(n.pasted, "\r", "\n")
		f.put(n, "")
	default:
		line := strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(strings.TrimSpace(msg.Content))
		f.give(n, tea.PasteMsg{Content: engine.CleanLine(line)})
	}
}

// put replaces what a field shows.
func (f *form) put(n *field, value string) {
	n.value = value
	if input, ok := n.widget.(*huh.Input); ok {
		input.Value(&n.value)
		_, _ = input.Update(tea.KeyPressMsg{Code: tea.KeyEnd}) // what is typed next belongs behind it
	} else {
		fresh := f.field(n.q)
		fresh.value = value
		fresh.widget = f.choice(n, f.optionsOf(n)).WithKeyMap(huh.NewDefaultKeyMap()).WithTheme(f.theme())
		n.widget = fresh.widget
		_ = n.widget.Focus()
	}
	f.changed(n)
}

func (f *form) optionsOf(n *field) []question.Option {
	if n.q.Kind == question.Toggle {
		return []question.Option{{Value: question.Yes, Title: "yes"}, {Value: question.No, Title: "no"}}
	}
	return n.options
}

// changed writes what was typed into the draft.
func (f *form) changed(n *field) {
	n.problem = nil
	if err := n.q.Set(f.answers(), n.answer()); err == nil {
		n.said = n.q.Get(*f.answers())
		f.sync()
	}
}

// answer is what was typed or pasted.
func (n *field) answer() string { return or(n.pasted, n.value) }

// shown is what a field means now, with the default.
func (n *field) shown(a question.Answers) string { return or(n.answer(), n.q.Default(a)) }

// judge looks at the answer of a field that is left.
func (f *form) judge(n *field) {
	n.problem = nil
	for _, p := range n.q.Check(*f.answers(), n.answer()) {
		if n.problem == nil || p.Severity == workspace.Error && n.problem.Severity != workspace.Error {
			n.problem = &p
		}
	}
}

// wrong reports whether the answer forbids going on; a doubtful one is told, and
// goes.
func (n *field) wrong() bool { return n.problem != nil && n.problem.Severity == workspace.Error }

// whole judges every field, and goes to the first that is wrong.
func (f *form) whole() bool {
	first := -1
	for i, n := range f.fields {
		f.judge(n)
		if n.wrong() && first < 0 {
			first = i
		}
	}
	if first >= 0 {
		f.focus(first)
		return false
	}
	return true
}

func (n *field) reveal() {
	n.visible = !n.visible
	if input, ok := n.widget.(*huh.Input); ok {
		mode := huh.EchoModePassword
		if n.visible {
			mode = huh.EchoModeNormal
		}
		input.EchoMode(mode)
	}
}
