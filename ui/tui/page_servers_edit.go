package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/workspace/question"
)

// edit opens the questions about the chosen server.
func (p *servers) edit() {
	p.remember("what was changed of " + p.hosts()[p.list.at].Name)
	at := p.list.at
	p.mode = editing
	p.form = newForm(p.c, func(a question.Answers) []question.Question {
		asked := question.OnHost(question.Servers, a, at)
		if p.base != nil { // what it does is why it is there
			asked = slices.DeleteFunc(asked, func(q question.Question) bool { return strings.HasSuffix(q.Key, ".roles") })
		}
		for i, q := range asked {
			if seen := p.sight(at).seen(); strings.HasSuffix(q.Key, ".private_ip") && seen != nil {
				asked[i] = q.Among(privateOptions(seen.Private))
			}
		}
		return asked
	})
	p.form.bare = true
}

func privateOptions(found []string) []question.Option {
	out := make([]question.Option, len(found))
	for i, ip := range found {
		out[i] = question.Option{Value: ip, Title: ip, Help: "found on the server"}
	}
	if len(out) > 0 {
		out[0].Help = "found on the server, the likeliest"
	}
	return out
}

// editorKey takes a key in the editor. What is typed is in the draft at once.
func (p *servers) editorKey(k tea.KeyPressMsg) (tea.Cmd, bool) {
	if key.Matches(k, p.c.keys.back) {
		return p.endEdit(), true
	}
	before := p.c.draft.Clone()
	done, taken := p.form.key(k)
	p.carry(before)
	if done {
		return p.endEdit(), true
	}
	return p.soon(), taken
}

func (p *servers) endEdit() tea.Cmd {
	last := p.done[len(p.done)-1]
	if sameDraft(last.draft, p.c.draft) {
		p.done = p.done[:len(p.done)-1]
	}
	p.browse()
	p.learn()
	return p.connect()
}

func (p *servers) editorKeys() []keyGroup {
	groups := p.form.keys()
	for i, b := range groups[0].keys {
		if b.Help() == p.c.keys.form.submit.Help() {
			groups[0].keys[i].SetHelp(b.Help().Key, "to the table")
		}
		if b.Help() == p.c.keys.next.Help() {
			groups[0].keys[i].SetHelp(b.Help().Key, "next field")
		}
	}
	groups[0].title = "One server"
	return groups
}
