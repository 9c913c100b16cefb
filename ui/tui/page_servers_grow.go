package tui

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// newAddition is the page on which instances are added to a workspace that was
// deployed: its servers, of which each may get one more, and new ones, connected
// to and looked at as on the Servers page. What is deployed stays as it is.
func newAddition(c *common) *servers {
	p := newServers(c)
	base := c.draft.Without()
	p.base = &base
	return p
}

// growKeys are the keys of that page.
func (p *servers) growKeys(bind func(enabled bool, what string, keys ...string) key.Binding, enter string) serversKeys {
	comes, free := p.comes(p.list.at), !p.begun()
	waits := enter != "edit" // a password or a key comes first
	if !comes && !waits {
		enter = "one more here"
	}
	return serversKeys{
		next:    bind(true, "next", "n", "ctrl+n"),
		edit:    bind(free || waits, enter, "enter"),
		add:     bind(free, "new server", "a"),
		more:    bind(free, "one more here", "+", "=", "i"),
		fewer:   bind(free && p.more(p.list.at) > 0, "one fewer", "-"),
		remove:  bind(free && comes, "remove", "x", "delete"),
		undo:    bind(len(p.done) > 0, "undo", "u"),
		compare: bind(len(p.keysToAccept()) > 0, "host keys", "f"),
		secret:  bind(slices.ContainsFunc(p.all(), (*sight).wantsSecret), "password", "s"),
		again:   bind(true, "connect again", "r"),
	}
}

// begun reports whether an addition that was cut goes on, of which everything is
// settled.
func (p *servers) begun() bool { return p.c.draft.Change != nil && p.c.draft.Change.Begun }

// comes reports whether the server of a row is described here, as all are in a
// new workspace; what is deployed on the others is not changed.
func (p *servers) comes(row int) bool {
	if p.base == nil {
		return true
	}
	_, there := p.base.Host(p.hosts()[row].Name)
	return !there && !p.begun()
}

// more is how many instances the server of a row gets.
func (p *servers) more(row int) int {
	if p.base == nil || row >= len(p.hosts()) {
		return 0
	}
	name := p.hosts()[row].Name
	return len(p.answers().Workspace.InstancesOn(name)) - len(p.base.InstancesOn(name))
}

// recount has the draft name the instances that are added.
func (p *servers) recount() {
	if p.base == nil || p.c.draft.Change == nil || p.begun() {
		return
	}
	p.c.draft.Change.Instances = p.c.draft.Beyond(*p.base)
}

// roleCell is what the server of a row does, and how many instances it gets.
func (p *servers) roleCell(row int, is string) string {
	n := p.more(row)
	switch there, known := p.base.Host(p.hosts()[row].Name); {
	case n == 0:
		return is
	case known:
		i := slices.IndexFunc(p.base.Hosts, func(h workspace.Host) bool { return h.Name == there.Name })
		return question.RolesOf(*p.base, i).Words() + " +" + itoa(n)
	}
	return "new +" + itoa(n)
}

// grow puts one more instance on the chosen server.
func (p *servers) grow() {
	if p.begun() {
		return
	}
	p.remember("one more on " + p.hosts()[p.list.at].Name)
	question.Grow(p.answers(), p.list.at)
}

// shrink takes the last one back that was put on the chosen server. A new one
// without any is not needed.
func (p *servers) shrink() tea.Cmd {
	if p.comes(p.list.at) && p.more(p.list.at) == 1 {
		return p.part()
	}
	name := p.hosts()[p.list.at].Name
	p.remember("one fewer on " + name)
	all := p.answers().Workspace.Instances
	for n, i := range slices.Backward(all) {
		if i.Host == name {
			question.Shrink(p.answers(), n)
			break
		}
	}
	return nil
}

// part takes a new server away.
func (p *servers) part() tea.Cmd {
	h := p.hosts()[p.list.at]
	what := or(h.Name, h.Address) + " removed"
	p.remember(what)
	before := p.c.draft.Clone()
	question.Part(p.answers(), p.list.at)
	p.carry(before)
	p.browse()
	p.c.say(neutral, what+"; u brings it back")
	return p.connect()
}

// join adds new servers, each with an instance, and returns how many there are.
// One of the workspace's own that is named gets one more.
func (p *servers) join(addresses []question.Address) int {
	p.remember(count(len(addresses), "address") + " added")
	before := p.c.draft.Clone()
	fresh := 0
	for _, address := range addresses {
		n, there := question.Meant(p.answers().Workspace, address)
		switch {
		case there && p.comes(n):
			p.list.resize(len(p.hosts()))
		case there:
			question.Grow(p.answers(), n)
			fresh++
		default:
			n = question.Join(p.answers(), []question.Address{address})[0]
			fresh++
		}
		p.list.resize(len(p.hosts()))
		p.list.move(n - p.list.at)
	}
	if fresh == 0 {
		p.done = p.done[:len(p.done)-1]
		return 0
	}
	p.carry(before)
	p.learn()
	return fresh
}

// growNotice says what is added so far.
func (p *servers) growNotice() string {
	look := p.c.look
	names := p.c.draft.Change.Instances
	switch {
	case p.begun():
		return look.word(warning, strings.Join(names, ", ")+" was being added when the run was cut") + look.Muted.Render(": n goes on with it")
	case len(names) == 0:
		return look.Muted.Render("Enter puts one more instance on a server; a adds a new server")
	}
	text := strings.Join(names, ", ") + ifOne(len(names), " comes", " come")
	if width(text) > legible {
		text = count(len(names), "instance") + ifOne(len(names), " comes", " come")
	}
	return look.word(good, fmt.Sprintf("%s: %s will be %d", text, count(len(p.base.Instances), "instance"), len(p.base.Instances)+len(names))) + look.Muted.Render(": n goes on")
}

func ifOne(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

// roomText says how much room there is on the server of a row, by the guide's
// rule: one instance fewer than it has cores.
func (p *servers) roomText(row, w int) []string {
	look := p.c.look
	seen := p.sight(row).seen()
	if seen == nil || seen.Cores == 0 {
		return nil
	}
	carries := len(p.answers().Workspace.InstancesOn(p.hosts()[row].Name))
	text := count(seen.Cores, "core") + "; carries " + question.RolesOf(p.answers().Workspace, row).Words() + ". By the guide's rule, one instance fewer than cores, "
	switch room := question.Room(seen.Cores, carries); {
	case room > 0:
		return prose(text+fmt.Sprintf("there is room for %d more.", room), w, look.Muted.Render)
	case carries <= max(1, seen.Cores-1):
		return prose(text+"it is full.", w, look.Muted.Render)
	}
	return look.finding(warning, text+"that is too many.", "", w)
}

// enlist adds the addresses that are being typed, to try how the answers are with
// them: see question.Add.
func (p *servers) enlist(a *question.Answers, addresses []question.Address) []int {
	if p.base == nil {
		return question.Add(a, addresses)
	}
	return question.Join(a, slices.DeleteFunc(slices.Clone(addresses), func(address question.Address) bool {
		_, there := question.Meant(a.Workspace, address)
		return there
	}))
}
