package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/workspace"
)

// done is the end: what was counted, where everything is, and what comes next.
type done struct {
	quiet

	c      *common
	scroll scroll
}

func newDone(c *common) *done { return &done{c: c} }

func doneLeave() key.Binding {
	return key.NewBinding(key.WithKeys("enter", "q"), key.WithHelp("enter", "leave"))
}

// Key scrolls, and leaves.
func (p *done) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	switch {
	case key.Matches(k, doneLeave(), p.c.keys.quit):
		p.c.leave()
		return nil, true
	case p.c.draft.Change != nil && key.Matches(k, p.c.keys.back):
		// What was changed is as it was wanted: there is nothing to review any more.
		p.c.visit(pageStart)
		return nil, true
	}
	return nil, p.scroll.press(k, p.c.keys.list)
}

// Keys are to leave, and to scroll.
func (p *done) Keys() []keyGroup {
	l := p.c.keys.list
	return []keyGroup{
		{"Done", []key.Binding{doneLeave()}},
		{"To scroll", []key.Binding{l.up, l.down, l.pageUp, l.pageDown}},
	}
}

// Activity is finished.
func (p *done) Activity() activity { return activity{finished, 100} }

// Render draws the count, the addresses, and what comes next.
func (p *done) Render(w, h int) drawing {
	look := p.c.look
	end := p.c.end
	lines := p.changed(w)
	switch count := end.conclusion.Count; {
	case count != nil:
		lines = append(lines, look.countLines(*count, w)...)
	default:
		lines = append(lines, look.finding(warning, "Everything was carried out, and nothing could be counted.", "", w)...)
	}
	if end.err != nil {
		lines = append(lines, "")
		lines = append(lines, look.finding(warning, end.err.Error(), "", w)...)
	}
	lines = append(append(lines, "", look.heading("Where it is")), p.access(w)...)
	lines = append(append(lines, "", look.heading("What comes next")), p.tasks(w)...)
	lines = append(append(lines, "", look.heading("What there is only one of")), p.single(w)...)
	if c := end.conclusion.Count; c != nil && len(c.Facts) > 0 {
		lines = append(append(lines, "", look.heading("The rest of it")), look.factLines(*c, w)...)
	}
	lines = append(append(lines, "", look.heading("What is kept of it here")), p.kept(w)...)
	return drawing{lines: p.scroll.show(look, lines, h)}
}

// changed is what came or went.
func (p *done) changed(w int) []string {
	change := p.c.draft.Change
	if change == nil {
		return p.aftermath(nil, w)
	}
	text := ifOne(len(change.Instances), "is added, and people are sent there.", "are added, and people are sent there.")
	if p.c.removes() {
		text = ifOne(len(change.Instances), "is removed.", "are removed.")
	}
	look := p.c.look
	lines := append(look.finding(good, strings.Join(change.Instances, ", ")+" "+text, "", w), "")
	return p.aftermath(lines, w)
}

// aftermath adds what is left to the person.
func (p *done) aftermath(lines []string, w int) []string {
	for paragraph := range strings.SplitSeq(p.c.end.conclusion.Aftermath, "\n\n") {
		if paragraph != "" {
			lines = append(append(lines, p.c.look.left(paragraph, w)...), "")
		}
	}
	return lines
}

// left is a paragraph of what is left to the person: broken for this width, but for
// its commands, which stand on lines of their own.
func (l Look) left(paragraph string, w int) []string {
	first := true
	return l.withCommands(paragraph, w, func(text string) []string {
		if first {
			first = false
			return l.finding(warning, text, "", w)
		}
		return indent(2, prose(text, w-2, l.Text.Render))
	})
}

// withCommands is a text whose lines that begin with a space are commands, which
// stay lines of their own; broken says how all else is broken.
func (l Look) withCommands(paragraph string, w int, broken func(text string) []string) []string {
	var lines []string
	text := ""
	flush := func() {
		if text != "" {
			lines = append(lines, broken(text)...)
		}
		text = ""
	}
	for line := range strings.SplitSeq(paragraph, "\n") {
		if command, is := strings.CutPrefix(line, " "); is {
			flush()
			lines = append(lines, indent(4, prose(command, w-4, l.Strong.Render))...)
			continue
		}
		text = strings.TrimSpace(text + " " + line)
	}
	flush()
	return lines
}

// access is where the person finds everything.
func (p *done) access(w int) []string {
	a := p.c.end.conclusion.Access
	admin := "the first to sign up becomes it: be that yourself, now"
	if a.Admin != "" {
		admin = a.Admin
	}
	return p.c.look.pairs(w,
		row{"Rocket.Chat", a.RootURL},
		row{"Administrator", admin},
		row{"Grafana", a.Grafana},
		row{"Passwords", a.Secrets},
	)
}

// kept are the files that the run left on this machine.
func (p *done) kept(w int) []string {
	a := p.c.end.conclusion.Access
	return p.c.look.pairs(w, row{"Report", a.Report}, row{"Every line", a.Transcript})
}

// tasks are what a person does next, by what there is.
func (p *done) tasks(w int) []string {
	d := p.c.draft
	tasks := []string{"Back up MongoDB: nothing does yet."}
	linked := p.c.end.conclusion.Count != nil && p.c.end.conclusion.Count.Linked == check.Yes
	if !linked && len(d.Answers.Workspace.Instances) > 1 {
		tasks = append(tasks, "Get a licence with the module scalability, so that the instances pass live events to each other.")
	}
	if t := d.Answers.Workspace.Storage.Type; t == "" || t == workspace.StorageGridFS {
		tasks = append(tasks, "Move uploaded files out of MongoDB before there are many of them.")
	}
	var out []string
	for i, task := range tasks {
		lines := prose(task, w-3, p.c.look.Text.Render)
		for n, line := range lines {
			mark := "  "
			if n == 0 {
				mark = p.c.look.Accent.Render(itoa(i+1)) + " "
			}
			out = append(out, mark+line)
		}
	}
	return out
}

// single names what takes everything down with it.
func (p *done) single(w int) []string {
	ws := p.c.draft.Answers.Workspace.Complete()
	rows := []row{{"Reverse proxy", or(ws.Proxy.Host, "")}}
	if ws.RunsMongoDB() {
		rows = append([]row{{"MongoDB", ws.Database.Host}}, rows...)
	}
	if ws.RunsNATS() {
		rows = append(rows, row{"NATS", ws.Database.Host})
	}
	return p.c.look.pairs(w, rows...)
}
