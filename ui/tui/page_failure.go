package tui

import (
	"fmt"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
)

// failure is where a run stopped, and why: the one that has just ended, or the
// last one that is kept.
type failure struct {
	quiet

	c *common
	// at is which failure is shown, of several.
	at     int
	scroll scroll
}

func newFailure(c *common) *failure { return &failure{c: c} }

type failureKeys struct{ retry, log, following key.Binding }

func (p *failure) keys() failureKeys {
	bind := func(enabled bool, help, what string, keys ...string) key.Binding {
		b := key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, what))
		b.SetEnabled(enabled)
		return b
	}
	return failureKeys{
		retry:     bind(true, "enter", "retry", "enter"),
		log:       bind(p.c.run != nil, "l", "log", "l"),
		following: bind(len(p.last().Failures) > 1, "tab", "next failure", "tab"),
	}
}

// last is the run that stopped.
func (p *failure) last() ui.LastRun {
	if p.c.run == nil {
		if p.c.known.Last == nil {
			return ui.LastRun{}
		}
		return *p.c.known.Last
	}
	s := p.c.end.conclusion.Summary
	return ui.LastRun{
		Doing: s.Plan, Started: s.Started, Ended: s.Started.Add(s.Duration), Outcome: s.Outcome,
		Steps: s.Steps, Done: s.Already + s.Applied, Failures: s.Failures, Cut: s.Cut,
	}
}

// Title is what the page is about: that a person stopped a run is no failure.
func (p *failure) Title() string {
	last := p.last()
	switch {
	case len(last.Failures) > 0:
		return "Failure"
	case last.Outcome == engine.Stopped, last.Outcome == engine.Cancelled:
		return "Stopped"
	}
	return "Not finished"
}

// Enter shows the first failure.
func (p *failure) Enter() tea.Cmd {
	p.at, p.scroll = 0, scroll{}
	return nil
}

// Key retries, scrolls, and shows the log or the next failure.
func (p *failure) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	keys := p.keys()
	switch {
	case key.Matches(k, keys.retry) && p.c.run == nil && p.change() != "":
		p.c.open(p.c.known, p.change())
	case key.Matches(k, keys.retry):
		p.c.run, p.c.end = nil, ending{}
		p.c.visit(pageDeploy)
	case key.Matches(k, keys.log):
		p.c.reading = true
		p.c.visit(pageDeploy)
	case key.Matches(k, keys.following):
		p.at, p.scroll = (p.at+1)%len(p.last().Failures), scroll{}
	default:
		return nil, p.scroll.press(k, p.c.keys.list)
	}
	return nil, true
}

// change is the page of the change that is under way since another day, if one is:
// to deploy the workspace as a whole would undo a removal.
func (p *failure) change() pageID {
	switch {
	case p.c.known.Changing(ui.AddInstances):
		return pageAdd
	case p.c.known.Changing(ui.RemoveInstances):
		return pageRemove
	}
	return ""
}

// Keys are to retry, to read on, and to scroll.
func (p *failure) Keys() []keyGroup {
	keys, l := p.keys(), p.c.keys.list
	return []keyGroup{
		{"After a failure", []key.Binding{keys.retry, keys.log, keys.following}},
		{"To scroll", []key.Binding{l.up, l.down, l.pageUp, l.pageDown}},
	}
}

// Activity has failed.
func (p *failure) Activity() activity {
	last := p.last()
	return activity{failed, percentOf(last.Done, last.Steps)}
}

func percentOf(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	return 100 * part / whole
}

// Render draws what failed, and what is safe.
func (p *failure) Render(w, h int) drawing {
	last := p.last()
	var lines []string
	safe := append([]string{""}, p.safe(last, w)...)
	if p.at < len(last.Failures) {
		f := last.Failures[p.at]
		lines = p.one(f, len(last.Failures), w)
		lines = append(lines, p.lastLines(f, w, h-len(lines)-len(safe))...)
	} else {
		lines = p.stopped(last, w)
	}
	lines = append(lines, safe...)
	return drawing{lines: p.scroll.show(p.c.look, lines, h)}
}

// one is everything that is known of one failure.
func (p *failure) one(f engine.Failure, of, w int) []string {
	look := p.c.look
	where := or(f.Host, "this machine")
	if f.Guide != "" {
		where += ", step " + f.Guide + " of the guide"
	}
	if of > 1 {
		where += fmt.Sprintf("   %d of %d", p.at+1, of)
	}
	head := look.sign(bad) + " " + look.Strong.Render(or(f.Title, f.Step))
	out := []string{look.ends(head, look.Muted.Render(where), w), ""}
	out = append(out, prose(f.Message, w, look.Text.Render)...)
	exit := ""
	if f.ExitCode != 0 {
		exit = itoa(f.ExitCode)
	}
	out = append(append(out, ""), look.pairs(w,
		row{"Likely cause", f.Cause},
		row{"What to do", f.Next},
		row{"Command", f.Command},
		row{"Exit code", exit},
		row{"Look yourself", p.shell(f.Host)},
	)...)
	return out
}

// lastLines are the last that the command or the container said, as many as
// leave room for what comes below, and three at least; the log has them all.
func (p *failure) lastLines(f engine.Failure, w, h int) []string {
	if len(f.LastLines) == 0 {
		return nil
	}
	look := p.c.look
	const head, least = 2, 3
	out := []string{"", look.Muted.Render("Its last lines")}
	n := min(len(f.LastLines), max(least, h-head))
	for _, line := range f.LastLines[len(f.LastLines)-n:] {
		out = append(out, look.Line.Render(look.Vertical)+" "+look.cut(engine.CleanLine(line), w-2))
	}
	return out
}

// shell is the command that opens a shell on a host.
func (p *failure) shell(host string) string {
	h, ok := p.c.draft.Answers.Workspace.Complete().Host(host)
	if !ok || h.Local() {
		return ""
	}
	command := "ssh "
	if h.SSH.ProxyJump != "" {
		command += "-J " + h.SSH.ProxyJump + " "
	}
	if h.SSH.Port != 0 && h.SSH.Port != defaultSSHPort {
		command += "-p " + itoa(h.SSH.Port) + " "
	}
	return command + h.SSH.User + "@" + h.Address
}

const defaultSSHPort = 22

// stopped is a run in which nothing failed: it was stopped, or cut.
func (p *failure) stopped(last ui.LastRun, w int) []string {
	look := p.c.look
	text := "The run was stopped after the steps that were in flight."
	switch last.Outcome {
	case engine.Cancelled:
		text = "The run was cancelled in the middle of what it did."
	case engine.Stopped, engine.Failed, engine.Succeeded:
	default:
		text = "The run was cut: rcwizard or this machine went down in the middle of it."
	}
	out := []string{look.word(warning, "not finished"), ""}
	out = append(out, prose(text, w, look.Text.Render)...)
	if len(last.Cut) > 0 {
		out = append(out, "", look.Muted.Render("In the middle of"))
		for _, s := range last.Cut {
			out = append(out, "  "+look.cut(or(s.Title, s.Step)+" on "+or(s.Host, "this machine"), w-2))
		}
	}
	return out
}

// safe says what is done already and what comes of a retry.
func (p *failure) safe(last ui.LastRun, w int) []string {
	look := p.c.look
	if text := p.c.end.conclusion.Aftermath; text != "" {
		return look.withCommands(text, w, func(text string) []string { return prose(text, w, look.Text.Render) })
	}
	text := fmt.Sprintf("%d of %s are done, and stay so. A retry looks at each again and does what is missing.", last.Done, count(last.Steps, "step"))
	out := prose(text, w, look.Text.Render)
	if name := p.c.draft.Answers.Workspace.Complete().Name; name != "" && p.change() == "" && p.c.draft.Change == nil {
		out = append(out, prose("Another day: rcwizard opens here again, and "+p.c.resume(name)+" does the same without questions.", w, look.Muted.Render)...)
	}
	return out
}
