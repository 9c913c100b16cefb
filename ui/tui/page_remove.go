package tui

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/workspace"
)

// removal is the page on which the instance is chosen that leaves a workspace
// that was deployed.
type removal struct {
	quiet

	c    *common
	list list
}

func newRemoval(c *common) *removal { return &removal{c: c} }

func (p *removal) instances() []workspace.Instance {
	return p.c.draft.Answers.Workspace.Complete().Instances
}

// Enter goes to the one that was chosen before.
func (p *removal) Enter() tea.Cmd {
	all := p.instances()
	p.list.resize(len(all))
	if chosen := p.c.draft.Change.Instances; len(chosen) > 0 {
		p.list.move(slices.IndexFunc(all, func(i workspace.Instance) bool { return i.Name == chosen[0] }) - p.list.at)
	}
	return nil
}

func (p *removal) choose() key.Binding {
	b := key.NewBinding(key.WithKeys("enter", "n"), key.WithHelp("enter", "review"))
	b.SetEnabled(len(p.instances()) > 1)
	return b
}

// Key moves, and chooses.
func (p *removal) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	if key.Matches(k, p.choose()) {
		if !p.c.draft.Change.Begun {
			// Whether a host is gone was said of the one that was chosen then.
			if name := p.instances()[p.list.at].Name; !slices.Equal(p.c.draft.Change.Instances, []string{name}) {
				p.c.draft.Change.Instances, p.c.draft.Change.WithoutHost = []string{name}, false
			}
		}
		p.c.next()
		return nil, true
	}
	if p.c.draft.Change.Begun {
		return nil, false
	}
	return nil, p.list.press(k, p.c.keys.list, 8)
}

// Keys are to choose, and to move.
func (p *removal) Keys() []keyGroup {
	l := p.c.keys.list
	return []keyGroup{
		{"Remove an instance", []key.Binding{p.choose()}},
		{"In the list", []key.Binding{l.up, l.down, l.first, l.last}},
	}
}

// Render draws the instances, and what becomes of the chosen one.
func (p *removal) Render(w, h int) drawing {
	look := p.c.look
	all := p.instances()
	complete := p.c.draft.Answers.Workspace.Complete()
	below := make([]string, 0, 8)
	for n, text := range p.told(all) {
		style := look.Muted
		if n == 0 {
			style = look.Text
		}
		below = append(below, prose(text, w, style.Render)...)
	}
	t := table{head: []string{"Instance", "Server", "Address", "Beside it"}, rigid: map[int]bool{2: true}}
	for n, i := range all {
		name := i.Name
		if n == p.list.at {
			name = look.Strong.Render(name)
		}
		t.rows = append(t.rows, []string{name, i.Host, i.Address(complete), beside(complete, i)})
	}
	rows := t.render(look, w-2)
	room := max(2, h-len(below)-2)
	more := len(all) > room
	if more {
		room--
	}
	from, to := p.list.window(room)
	lines := []string{"  " + rows[0]}
	for n := from; n < to; n++ {
		mark := "  "
		if n == p.list.at {
			mark = look.Accent.Render(look.Pointer) + " "
		}
		lines = append(lines, mark+rows[n+1])
	}
	if more {
		lines = append(lines, "  "+look.moreRows(from, len(all)-to))
	}
	lines = append(append(lines, ""), below...)
	return drawing{lines: lines[:min(len(lines), h)]}
}

// beside is what else is on an instance's server.
func beside(w workspace.Workspace, i workspace.Instance) string {
	others := len(w.InstancesOn(i.Host)) - 1
	text := ""
	if w.Database.Host == i.Host {
		text = "the database"
	}
	if w.Proxy.Host == i.Host {
		text = join(text, "the proxy")
	}
	if others > 0 {
		text = join(text, count(others, "instance"))
	}
	return text
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

// told is what becomes of the chosen one.
func (p *removal) told(all []workspace.Instance) []string {
	if len(all) == 1 {
		return []string{"It is the last instance: without it nobody is answered.", "Add another one first; esc goes back."}
	}
	c := p.c.draft.Change
	if c.Begun {
		return []string{strings.Join(c.Instances, ", ") + ": the run that changed this was cut. Enter brings it to its end: it leaves.", c.Leaving()}
	}
	chosen := all[p.list.at]
	return []string{
		fmt.Sprintf("%s leaves, and %s %s.", chosen.Name, count(len(all)-1, "instance"), ifOne(len(all)-1, "goes on", "go on")),
		c.Leaving(),
	}
}
