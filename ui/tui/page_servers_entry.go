package tui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// typed are the addresses in the line for them.
func (p *servers) typed() []question.Address {
	if p.entry == nil {
		return nil
	}
	return question.ParseAddresses(p.entry.text)
}

// entryKey takes a key while addresses are typed.
func (p *servers) entryKey(k tea.KeyPressMsg) (tea.Cmd, bool) {
	keys := p.c.keys
	switch {
	case key.Matches(k, keys.form.submit):
		if p.addTyped() && len(p.hosts()) > 0 {
			p.browse()
			p.goOn()
		}
		return p.connect(), true
	case key.Matches(k, keys.next):
		if len(p.typed()) == 0 {
			p.entry.put("")
			p.browse()
			return nil, true
		}
		p.addTyped()
		return p.connect(), true
	case key.Matches(k, keys.back) && len(p.hosts()) > 0:
		p.browse()
		return p.connect(), true
	case key.Matches(k, keys.quit, keys.back, keys.helpTyping, keys.suspend):
		return nil, false
	case k.String() == "up" || k.String() == "down":
		return nil, true
	}
	p.wrong = nil
	p.entry.take(k)
	return p.soon(), true
}

// addTyped adds what is in the line; false: something in it is no address, and
// the line stays as it is.
func (p *servers) addTyped() bool {
	typed := p.typed()
	if p.wrong = p.wrongWith(typed); p.wrong != nil {
		return false
	}
	p.added(typed)
	p.entry.put("")
	return true
}

// wrongWith is what is wrong with addresses that are about to be added.
func (p *servers) wrongWith(typed []question.Address) *workspace.Problem {
	a := p.answers().Clone()
	for _, n := range p.enlist(&a, typed) {
		q, ok := question.Find(fmt.Sprintf("hosts[%d].address", n), a)
		if !ok {
			continue
		}
		for _, found := range q.Check(a, q.Get(a)) {
			if found.Severity == workspace.Error {
				return &found
			}
		}
	}
	return nil
}

// added adds addresses and says what came of it.
func (p *servers) added(addresses []question.Address) {
	fresh := p.insert(addresses)
	switch there := len(addresses) - fresh; {
	case there == 1 && len(addresses) == 1:
		p.c.say(warning, addresses[0].Host+" is in the table already")
	case there > 0:
		p.c.say(warning, fmt.Sprintf("%s added; %d in the table already", count(fresh, "server"), there))
	case fresh > 1:
		p.c.say(good, count(fresh, "server")+" added")
	}
}

// paste takes any number of addresses at once. A single word goes into the line,
// to be looked at first; what is no address at all stays in the table, marked.
func (p *servers) paste(msg tea.PasteMsg) tea.Cmd {
	switch p.mode {
	case editing:
		before := p.c.draft.Clone()
		p.form.paste(msg)
		p.carry(before)
		return p.soon()
	case answering:
		p.ask.input.take(msg)
		return nil
	case comparing:
		return nil
	case browsing, adding:
	}
	p.doubt, p.wrong = "", nil
	addresses := question.ParseAddresses(msg.Content)
	if len(addresses) == 0 {
		return nil
	}
	if len(addresses) == 1 && !strings.ContainsAny(msg.Content, "\r\n") {
		p.add()
		p.entry.take(msg)
		return p.soon()
	}
	p.added(addresses)
	p.browse()
	return p.connect()
}

func (p *servers) entryKeys() []keyGroup {
	k := p.c.keys
	what := "done"
	switch n := len(p.typed()); {
	case n == 1:
		what = "add it"
	case n > 1:
		what = "add them"
	}
	enter := key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", what))
	enter.SetEnabled(len(p.hosts()) > 0 || len(p.typed()) > 0)
	submit := k.form.submit
	submit.SetEnabled(len(p.hosts()) > 0)
	return []keyGroup{{"Addresses", []key.Binding{enter, submit}}}
}
