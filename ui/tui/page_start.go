package tui

import (
	"context"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
)

// start lists the workspaces that are known here, and what can be done with
// each.
type start struct {
	quiet

	c      *common
	loaded bool
	err    error
	known  []ui.Known
	list   list
	// exporting is the workspace of which the files are being written.
	exporting string
	// dropping is the workspace of which the answers that were begun are dropped when
	// the key is pressed once more.
	dropping string
}

// messages of the page.
type (
	knownMsg struct {
		known []ui.Known
		err   error
	}
	exportedMsg struct {
		exported ui.Exported
		err      error
	}
)

func newStart(c *common) *start { return &start{c: c} }

// startKeys are the page's own.
type startKeys struct{ open, begin, status, add, remove, export, forget key.Binding }

// keys are those that do something with what is chosen.
func (p *start) keys() startKeys {
	k, onOne := p.chosen()
	bind := func(enabled bool, what string, keys ...string) key.Binding {
		b := key.NewBinding(key.WithKeys(keys...), key.WithHelp(keys[0], what))
		b.SetEnabled(enabled)
		return b
	}
	open := "begin"
	if onOne {
		open = map[ui.State]string{
			ui.Drafted: "go on", ui.Unfinished: "resume", ui.Deployed: "status", ui.Busy: "status",
		}[k.State]
	}
	adds, removes := "add an instance", "remove one"
	switch {
	case k.Changing(ui.AddInstances):
		adds, removes = "go on adding", "take it back"
	case k.Changing(ui.RemoveInstances):
		removes = "go on removing"
	}
	readable := onOne && k.State != ui.Unreadable
	return startKeys{
		open:   bind(open != "", open, "enter"),
		begin:  bind(len(p.known) > 0, "new workspace", "n"),
		status: bind(readable && k.State == ui.Unfinished, "status", "s"),
		add:    bind(onOne && k.Alterable() && !k.Changing(ui.RemoveInstances), adds, "a"),
		remove: bind(onOne && k.Alterable() && (k.Instances > 1 || k.UnderWay != nil), removes, "x"),
		forget: bind(readable && k.Stale, "drop these answers", "o"),
		export: bind(readable && k.State != ui.Drafted && p.exporting == "", "export its files", "e"),
	}
}

// Enter reads what is known.
func (p *start) Enter() tea.Cmd {
	return p.c.do(func(ctx context.Context) tea.Msg {
		known, err := p.c.backend.Workspaces(ctx)
		return knownMsg{known, err}
	})
}

// Update takes what is known, and what was exported.
func (p *start) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case knownMsg:
		p.loaded, p.known, p.err = true, msg.known, msg.err
		p.list.resize(len(p.known) + 1)
	case exportedMsg:
		p.exporting = ""
		if msg.err != nil {
			p.c.say(bad, msg.err.Error())
			break
		}
		p.c.say(good, count(msg.exported.Files, "file")+" written to "+msg.exported.Path)
	}
	return nil
}

// chosen is the workspace that is chosen; false for a new one.
func (p *start) chosen() (ui.Known, bool) {
	if p.list.at >= len(p.known) {
		return ui.Known{}, false
	}
	return p.known[p.list.at], true
}

// Key moves, and does things with what is chosen.
func (p *start) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	keys := p.keys()
	chosen, _ := p.chosen()
	switch {
	case !p.loaded:
		return nil, false
	case key.Matches(k, keys.forget):
		return p.forget(chosen), true
	case p.list.press(k, p.c.keys.list, 8):
		p.dropping = ""
	case key.Matches(k, keys.open):
		p.c.open(chosen, p.pageOf(chosen))
	case key.Matches(k, keys.begin):
		p.c.open(ui.Known{}, p.pageOf(ui.Known{}))
	case key.Matches(k, keys.status):
		p.c.open(chosen, pageStatus)
	case key.Matches(k, keys.add):
		p.c.open(chosen, pageAdd)
	case key.Matches(k, keys.remove):
		p.c.open(chosen, pageRemove)
	case key.Matches(k, keys.export):
		return p.export(chosen), true
	case k.String() == "q":
		p.c.quit()
	default:
		return nil, false
	}
	return nil, true
}

// pageOf is where one goes on with a workspace.
func (p *start) pageOf(k ui.Known) pageID {
	switch k.State {
	case ui.Unfinished:
		return pageFailure
	case ui.Deployed, ui.Busy:
		return pageStatus
	case ui.Drafted:
		if k.Page != "" {
			return pageID(k.Page)
		}
	case ui.Unreadable:
	}
	return pageServers
}

// forget drops the answers that were begun, when it is asked for twice.
func (p *start) forget(k ui.Known) tea.Cmd {
	if p.dropping != k.Key {
		p.dropping = k.Key
		p.c.say(warning, "o once more drops these answers, for those that are kept")
		return nil
	}
	p.dropping = ""
	p.c.say(good, "it begins with the answers that are kept")
	return p.c.do(func(ctx context.Context) tea.Msg {
		if err := p.c.backend.Forget(ctx, k.Key); err != nil {
			return knownMsg{p.known, err}
		}
		known, err := p.c.backend.Workspaces(ctx)
		return knownMsg{known, err}
	})
}

func (p *start) export(k ui.Known) tea.Cmd {
	p.exporting = k.Key
	return p.c.do(func(ctx context.Context) tea.Msg {
		d, err := p.c.backend.Open(ctx, k.Key)
		if err != nil {
			return exportedMsg{err: err}
		}
		e, err := p.c.backend.Export(ctx, d, ui.ExportOptions{})
		return exportedMsg{e, err}
	})
}

// Activity is at work while it reads or writes.
func (p *start) Activity() activity {
	if !p.loaded || p.exporting != "" {
		return activity{working, -1}
	}
	return activity{}
}

// Keys are those that fit what is chosen.
func (p *start) Keys() []keyGroup {
	keys, l := p.keys(), p.c.keys.list
	return []keyGroup{
		{"Workspaces", []key.Binding{keys.open, keys.status, keys.add, keys.remove, keys.forget, keys.export, keys.begin}},
		{"In a list", []key.Binding{l.up, l.down, l.first, l.last}},
	}
}

// Render draws the list, and what there is to say of the one that is chosen.
func (p *start) Render(w, h int) drawing {
	look := p.c.look
	switch {
	case !p.loaded:
		return drawing{lines: []string{look.spin(p.c.beat) + " " + look.Muted.Render("looking for workspaces")}}
	case p.err != nil:
		return drawing{lines: append([]string{look.word(bad, "the workspaces cannot be read"), ""}, prose(p.err.Error(), w, look.Text.Render)...)}
	case len(p.known) == 0:
		return drawing{lines: p.welcome(w, h)}
	}
	chosen, onOne := p.chosen()
	rows := p.rows(w - 2)
	var detail []string
	if onOne {
		detail = p.detail(chosen, w, h-3-min(len(rows), leastRows), h-3-len(rows))
	} else {
		detail = prose("Describe your servers and what you want of them. Nothing is changed on them before you have seen the plan.", w, look.Muted.Render)
	}
	room := max(leastRows, h-2-len(detail)-2)
	more := len(rows) > room
	if more {
		room--
	}
	from, to := p.list.window(room)
	lines := []string{look.Muted.Render("Workspaces on this machine"), ""}
	for i := from; i < to; i++ {
		mark := "  "
		if i == p.list.at {
			mark = look.Accent.Render(look.Pointer) + " "
		}
		lines = append(lines, mark+rows[i])
	}
	if more {
		lines = append(lines, "  "+look.moreRows(from, len(rows)-to))
	}
	lines = append(lines, "")
	return drawing{lines: append(lines, detail[:max(0, min(len(detail), h-len(lines)))]...)}
}

// leastRows is what the list has at least: it gives way to the detail.
const leastRows = 3

// legible is how much of a name is shown before other columns are.
const legible = 24

// rows are the workspaces in columns, and a new one below.
func (p *start) rows(w int) []string {
	look := p.c.look
	t := table{rigid: map[int]bool{1: true}, right: map[int]bool{2: true, 3: true}}
	for i, k := range p.known {
		name := or(k.Domain, or(k.Name, "not named yet"))
		if i == p.list.at {
			name = look.Strong.Render(name)
		}
		tone, word := p.state(k)
		cells := []string{name, look.word(tone, word), "", "", k.Release}
		if k.Hosts > 0 {
			cells[2] = count(k.Hosts, "host")
		}
		if k.Instances > 0 {
			cells[3] = count(k.Instances, "instance")
		}
		t.rows = append(t.rows, cells)
	}
	// Where there is little room the name and the state are what tells them apart.
	for columns := 5; columns > 2 && t.widths(w)[0] < min(t.widths(1 << 10)[0], legible); columns-- {
		for i := range t.rows {
			t.rows[i] = t.rows[i][:columns-1]
		}
	}
	rows := t.render(look, w)
	text := "New workspace"
	if p.list.at == len(p.known) {
		text = look.Strong.Render(text)
	}
	return append(rows, text)
}

// state is how far a workspace is, in a few words.
func (p *start) state(k ui.Known) (tone, string) {
	switch k.State {
	case ui.Drafted:
		return neutral, "draft"
	case ui.Deployed:
		word := "deployed"
		if k.Last != nil {
			word += " " + day(k.Last.Ended, p.c.now())
		}
		return good, word
	case ui.Busy:
		return warning, "busy"
	case ui.Unreadable:
		return bad, "unreadable"
	case ui.Unfinished:
	}
	if k.Last == nil {
		return warning, "unfinished"
	}
	far := " at " + itoa(k.Last.Done) + " of " + itoa(k.Last.Steps)
	switch k.Last.Outcome {
	case engine.Failed:
		return bad, "failed" + far
	case engine.Stopped, engine.Cancelled:
		return warning, "stopped" + far
	case engine.Succeeded:
		return good, "done"
	}
	return warning, "cut" + far
}

// detail says where a workspace stands and what enter does, in h lines if it can, of
// which some are free: the list does not need them.
func (p *start) detail(k ui.Known, w, h, free int) []string {
	look := p.c.look
	var out []string
	add := func(s string, render func(...string) string) { out = append(out, prose(s, w, render)...) }
	switch k.State {
	case ui.Drafted:
		add("Its answers are kept, and nothing was deployed yet.", look.Text.Render)
	case ui.Unfinished:
		if k.Resume == nil {
			add(or(k.Why, "Its last run did not come to its end."), look.Text.Render)
			break
		}
		if p.exporting == k.Key {
			h, free = h-2, free-2
		}
		out = look.resume(k, p.c.now(), w, h, free)
	case ui.Deployed:
		add("Everything was carried out. Status counts the instances; one more can be added, or one removed, while people use it.", look.Text.Render)
	case ui.Busy:
		add(or(k.Why, "Another rcwizard is working on it."), look.Text.Render)
	case ui.Unreadable:
		add(k.Why, look.Text.Render)
	}
	if k.Resume == nil { // which has them
		for _, text := range k.Notes {
			out = append(out, look.finding(warning, text, "", w)...)
		}
	}
	if k.Stale {
		out = append(out, prose("o drops them, and begins with the answers that are kept.", w, look.Text.Render)...)
	}
	if p.exporting == k.Key {
		out = append(out, "", look.spin(p.c.beat)+" "+look.Muted.Render("writing its files"))
	}
	return out
}

// welcome is what somebody sees who has no workspace yet.
func (p *start) welcome(w, h int) []string {
	look := p.c.look
	lines := prose("Rocket.Chat with several instances, over your own servers: as Rocket.Chat's guide has it, carried out step by step over SSH, and counted at the end.", w, look.Text.Render)
	lines = append(lines, "", look.Muted.Render("You need"))
	for _, need := range []string{
		"the addresses of your servers, and how to log in to them",
		"a domain that leads to the one that stands in front",
		"Docker on each of them; Check shows how to get it",
	} {
		for i, line := range prose(need, w-4, look.Text.Render) {
			mark := " "
			if i == 0 {
				mark = look.Text.Render(look.Between)
			}
			lines = append(lines, "  "+mark+" "+line)
		}
	}
	promise := prose("Nothing is changed on any server before you have seen the plan and said yes. Your answers are saved after every page.", w, look.Muted.Render)
	if len(lines)+1+len(promise)+2 <= h {
		lines = append(append(lines, ""), promise...)
	}
	return append(lines, "", look.Accent.Render(look.Pointer)+" "+look.Strong.Render("New workspace"))
}
