package tui

import (
	"fmt"
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/workspace/question"
)

// questions is a page of nothing but a form: Workspace, Monitoring and files,
// Advanced. What is wrong on a page that is not in front is told when the
// questions end, and the wizard goes there.
type questions struct {
	quiet

	c    *common
	page question.Page
	// made is the form, once it was needed: a program that begins has other things
	// to do than to make all of them.
	made *form
	// last says that the checks come next, for which everything must be whole.
	last bool
}

func newQuestions(c *common, p question.Page, last bool) *questions {
	return &questions{c: c, page: p, last: last}
}

func (p *questions) form() *form {
	if p.made == nil {
		p.made = newForm(p.c, questionsOn(p.page))
	}
	return p.made
}

// advanced leads to what nobody has to answer.
func (p *questions) advanced() key.Binding {
	b := key.NewBinding(key.WithKeys("ctrl+o"), key.WithHelp("ctrl+o", "advanced"))
	b.SetEnabled(p.page != question.Advanced)
	return b
}

// Enter takes over what other pages answered meanwhile.
func (p *questions) Enter() tea.Cmd {
	p.form().sync()
	return nil
}

// Key goes to the form, and on with it.
func (p *questions) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	if key.Matches(k, p.advanced()) {
		p.c.visit(pageAdvanced)
		return nil, true
	}
	done, taken := p.form().key(k)
	if done {
		p.done()
	}
	return nil, taken
}

func (p *questions) done() {
	if p.last {
		for _, other := range question.Pages() {
			if wrong := question.Errors(other, p.c.draft.Answers); len(wrong) > 0 && other != p.page {
				p.c.visit(idOf(other))
				p.c.say(bad, fmt.Sprintf("%s: %s", wrong[0].Title, wrong[0].Text))
				return
			}
		}
	}
	p.c.next()
}

// idOf is where a page's questions are asked.
func idOf(p question.Page) pageID {
	switch p {
	case question.Servers:
		return pageServers
	case question.Workspace:
		return pageWorkspace
	case question.Files:
		return pageFiles
	case question.Advanced:
	}
	return pageAdvanced
}

// Update takes what is pasted.
func (p *questions) Update(msg tea.Msg) tea.Cmd {
	if msg, ok := msg.(tea.PasteMsg); ok {
		p.form().paste(msg)
	}
	return nil
}

// generous is the height from which a page begins with what it is about.
const generous = 24

// Render draws the form.
func (p *questions) Render(w, h int) drawing {
	if h < generous {
		return p.form().render(w, h)
	}
	d := p.form().render(w, h-2)
	d.lines = append([]string{p.c.look.Muted.Render(p.c.look.cut(p.page.Intro(), w)), ""}, d.lines...)
	if d.cursor != nil {
		d.cursor = &point{d.cursor.x, d.cursor.y + 2}
	}
	return d
}

// Keys are the form's, and the way to the rest.
func (p *questions) Keys() []keyGroup {
	groups := p.form().keys()
	groups[0].keys = slices.Insert(groups[0].keys, 1, p.advanced())
	return groups
}

// Typing says that letters are text in the field that has the focus.
func (p *questions) Typing() bool { return p.form().typing() }
