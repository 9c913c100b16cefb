package tui

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// servers asks for the machines: their addresses, pasted or typed, and what each
// of them does. As soon as an address is whole it connects, beside the screen,
// and fills in what it sees. What only a person can settle, host keys and
// passwords, is settled here and never during a run.
type servers struct {
	c    *common
	list list
	mode serversMode
	// entry is where an address is typed. What is in it stays when it is left.
	entry *input
	// wrong is what is the matter with it, until the next key.
	wrong *workspace.Problem
	// form are the questions about one server, in the editor.
	form *form
	ask  *secretQuestion
	// keyScroll is where the list of host keys is scrolled to.
	keyScroll scroll
	// accepting says that host keys are being taken.
	accepting bool

	// sights are what came of looking at each machine, by the way to it.
	sights   map[string]*sight
	attempts int
	// changes counts what was typed, so that a pause is known as one.
	changes int
	done    []undoable
	// doubt is what was told when the person wanted to go on; the second time
	// they may.
	doubt string
	// known are the problems by row, until something happens.
	known map[int]rowProblems
	// base is the workspace that instances are added to; nil where the servers of
	// a new one are described.
	base *workspace.Workspace
}

// serversMode is what the keys are for.
type serversMode int

const (
	// browsing moves in the table.
	browsing serversMode = iota
	// adding types addresses.
	adding
	// editing answers the questions about one server.
	editing
	// answering types a secret.
	answering
	// comparing looks at the host keys.
	comparing
)

func newServers(c *common) *servers {
	return &servers{c: c, sights: make(map[string]*sight)}
}

// answers are the draft's, and hosts the machines in them as they were typed.
func (p *servers) answers() *question.Answers { return &p.c.draft.Answers }
func (p *servers) hosts() []workspace.Host    { return p.c.draft.Answers.Workspace.Hosts }

// Enter connects to what was not looked at yet. With no server an address can be
// typed at once.
func (p *servers) Enter() tea.Cmd {
	defer p.changed()
	if p.c.adds() {
		base := p.c.draft.Without()
		p.base = &base
	}
	p.done, p.doubt = nil, ""
	p.list.resize(len(p.hosts()))
	p.browse()
	return p.connect()
}

// changed has the answers judged anew before they are drawn.
func (p *servers) changed() {
	p.known = nil
	p.recount()
}

// browse goes back to the table, or to the first address where there is none.
func (p *servers) browse() {
	p.mode, p.form, p.ask, p.wrong = browsing, nil, nil, nil
	p.list.resize(len(p.hosts()))
	if len(p.hosts()) == 0 {
		p.add()
	}
}

// add opens the line for addresses.
func (p *servers) add() {
	p.mode, p.wrong = adding, nil
	if p.entry == nil {
		p.entry = newInput(p.c, "192.0.2.10", false)
	}
}

// serversKeys are the page's own, in the table.
type serversKeys struct {
	next, edit, add, database, instance, proxy, more, fewer, remove, undo, compare, secret, offer, again key.Binding
}

func (p *servers) keys() serversKeys {
	bind := func(enabled bool, what string, keys ...string) key.Binding {
		b := key.NewBinding(key.WithKeys(keys...), key.WithHelp(keys[0], what))
		b.SetEnabled(enabled)
		return b
	}
	some := len(p.hosts()) > 0
	enter := "edit"
	if s := p.sight(p.list.at); s.wantsSecret() {
		enter = wordFor(s.found.Secret.Kind)
	} else if s.showsKey() {
		enter = "host keys"
	}
	if p.base != nil {
		return p.growKeys(bind, enter)
	}
	_, offered := p.offer()
	return serversKeys{
		next:     bind(true, "next", "n", "ctrl+n"),
		edit:     bind(some, enter, "enter"),
		add:      bind(true, "add", "a"),
		database: bind(some, "database", "d"),
		instance: bind(some, "instance", "i"),
		proxy:    bind(some, "proxy", "p"),
		more:     bind(some, "one more instance", "+", "="),
		fewer:    bind(some, "one instance fewer", "-"),
		remove:   bind(some, "remove", "x", "delete"),
		undo:     bind(len(p.done) > 0, "undo", "u"),
		compare:  bind(len(p.keysToAccept()) > 0, "host keys", "f"),
		secret:   bind(slices.ContainsFunc(p.all(), (*sight).wantsSecret), "password", "s"),
		offer:    bind(offered, "take the offer", "o"),
		again:    bind(some, "connect again", "r"),
	}
}

// editKey opens the questions about a server, whatever else it wants.
func editKey() key.Binding {
	return key.NewBinding(key.WithKeys("e"), key.WithHelp("e", "edit"))
}

// Key goes to what has the keys.
func (p *servers) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	defer p.changed()
	doubt := p.doubt
	p.doubt = ""
	switch p.mode {
	case adding:
		return p.entryKey(k)
	case editing:
		return p.editorKey(k)
	case answering:
		return p.secretKey(k)
	case comparing:
		return p.keysKey(k)
	case browsing:
	}
	keys := p.keys()
	switch {
	case key.Matches(k, keys.next):
		p.doubt = doubt
		p.goOn()
	case key.Matches(k, keys.edit):
		p.open()
	case len(p.hosts()) > 0 && p.comes(p.list.at) && key.Matches(k, editKey()):
		p.edit()
	case key.Matches(k, keys.add):
		p.add()
	case p.base != nil && key.Matches(k, keys.more):
		p.grow()
	case p.base != nil && key.Matches(k, keys.fewer):
		return p.shrink(), true
	case key.Matches(k, keys.database, keys.instance, keys.proxy, keys.more, keys.fewer):
		p.giveRole(k, keys)
	case key.Matches(k, keys.remove):
		return p.remove(), true
	case key.Matches(k, keys.undo):
		return p.takeBack(), true
	case key.Matches(k, keys.compare):
		p.compare()
	case key.Matches(k, keys.secret):
		p.list.move(slices.IndexFunc(p.all(), (*sight).wantsSecret) - p.list.at)
		p.askSecret()
	case key.Matches(k, keys.offer):
		p.takeOffer()
	case key.Matches(k, keys.again):
		return p.again(), true
	default:
		return nil, p.list.press(k, p.c.keys.list, 8)
	}
	return nil, true
}

// open does what the server wants first: a secret, a look at its key, or
// whatever the person wants to change.
func (p *servers) open() {
	switch s := p.sight(p.list.at); {
	case s.wantsSecret():
		p.askSecret()
	case s.showsKey():
		p.compare()
	case !p.comes(p.list.at):
		p.grow()
	default:
		p.edit()
	}
}

// Update takes what is pasted, and what comes of connecting.
func (p *servers) Update(msg tea.Msg) tea.Cmd {
	defer p.changed()
	switch msg := msg.(type) {
	case tea.PasteMsg:
		return p.paste(msg)
	case inspectedMsg:
		return p.inspected(msg)
	case acceptedMsg:
		return p.accepted(msg)
	case pauseMsg:
		if msg.changes == p.changes {
			return p.connect()
		}
	}
	return nil
}

// Typing says that letters are text.
func (p *servers) Typing() bool {
	switch p.mode {
	case adding, answering:
		return true
	case editing:
		return p.form.typing()
	case browsing, comparing:
	}
	return false
}

// Activity is at work while it connects, and held up where the person is asked.
func (p *servers) Activity() activity {
	switch {
	case p.running() > 0 || p.accepting:
		return activity{working, -1}
	case len(p.keysToAccept()) > 0 || slices.ContainsFunc(p.all(), (*sight).wantsSecret):
		return activity{blocked, -1}
	}
	return activity{}
}

// Keys are those of what has the keys.
func (p *servers) Keys() []keyGroup {
	switch p.mode {
	case adding:
		return p.entryKeys()
	case editing:
		return p.editorKeys()
	case answering:
		return p.secretKeys()
	case comparing:
		return p.comparingKeys()
	case browsing:
	}
	keys, l := p.keys(), p.c.keys.list
	if p.base != nil {
		s := p.sight(p.list.at) // what enter does for it needs no key of its own
		keys.compare.SetEnabled(keys.compare.Enabled() && !s.showsKey())
		keys.secret.SetEnabled(keys.secret.Enabled() && !s.wantsSecret())
		return []keyGroup{
			{"Add instances", []key.Binding{keys.next, keys.edit, keys.compare, keys.secret, keys.add, keys.more, keys.fewer, keys.remove, keys.undo, keys.again}},
			{"In the table", []key.Binding{l.up, l.down, l.first, l.last}},
		}
	}
	roles := key.NewBinding(key.WithKeys("d"), key.WithHelp("d i p", "role"))
	// What waits comes before what may be done.
	own := []key.Binding{keys.next, keys.edit}
	showsKey := p.sight(p.list.at).showsKey()
	if !showsKey {
		own = append(own, keys.compare)
	}
	if !p.sight(p.list.at).wantsSecret() {
		own = append(own, keys.secret)
	}
	own = append(own, keys.offer, keys.add, roles, keys.remove, keys.undo, editKey(), keys.again)
	if showsKey {
		own = append(own, keys.compare)
	}
	return []keyGroup{
		{"Servers", own},
		{"Roles", []key.Binding{keys.database, keys.instance, keys.proxy, keys.more, keys.fewer}},
		{"In the table", []key.Binding{l.up, l.down, l.first, l.last}},
	}
}
