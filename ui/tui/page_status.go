package tui

import (
	"context"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/ui"
)

// status counts the instances of a workspace that was deployed.
type status struct {
	quiet

	c       *common
	looking bool
	count   *ui.Count
	err     error
	scroll  scroll
}

type countedMsg struct {
	count ui.Count
	err   error
}

func newStatus(c *common) *status { return &status{c: c} }

func (p *status) again() key.Binding {
	b := key.NewBinding(key.WithKeys("r"), key.WithHelp("r", "count again"))
	b.SetEnabled(!p.looking)
	return b
}

// Enter counts.
func (p *status) Enter() tea.Cmd {
	p.looking, p.err = true, nil
	d := p.c.draft.Clone()
	return p.c.do(func(ctx context.Context) tea.Msg {
		counted, err := p.c.backend.Status(ctx, d)
		return countedMsg{counted, err}
	})
}

// Update takes the count.
func (p *status) Update(msg tea.Msg) tea.Cmd {
	if msg, ok := msg.(countedMsg); ok {
		p.looking, p.err = false, msg.err
		if msg.err == nil {
			p.count = &msg.count
		}
	}
	return nil
}

// Key scrolls and counts again.
func (p *status) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	if key.Matches(k, p.again()) {
		return p.Enter(), true
	}
	return nil, p.scroll.press(k, p.c.keys.list)
}

// Keys are to count again, and to scroll.
func (p *status) Keys() []keyGroup {
	l := p.c.keys.list
	return []keyGroup{
		{"Status", []key.Binding{p.again()}},
		{"To scroll", []key.Binding{l.up, l.down, l.pageUp, l.pageDown}},
	}
}

// Activity is at work while it counts.
func (p *status) Activity() activity {
	if p.looking {
		return activity{working, -1}
	}
	return activity{}
}

// Render draws the count, the one before while the next is made.
func (p *status) Render(w, h int) drawing {
	look := p.c.look
	head := ""
	switch {
	case p.looking:
		head = look.spin(p.c.beat) + " " + look.Muted.Render("counting the instances")
	case p.count != nil:
		head = look.Muted.Render("Counted " + day(p.count.At, p.c.now()))
	}
	lines := []string{head, ""}
	switch {
	case p.err != nil:
		lines = append(lines, look.word(bad, "it could not be counted"), "")
		lines = append(lines, prose(p.err.Error(), w, look.Text.Render)...)
	case p.count != nil:
		lines = append(lines, look.countLines(*p.count, w)...)
		lines = append(append(lines, ""), look.factLines(*p.count, w)...)
	}
	return drawing{lines: p.scroll.show(look, lines, h)}
}
