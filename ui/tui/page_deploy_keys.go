package tui

import (
	"fmt"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/engine"
)

// deployKeys are the keys of the page, each enabled where it does something.
type deployKeys struct {
	on, stop, again, full, follow, find, newer, older, focus, open, close key.Binding
}

func (p *deploy) keys() deployKeys {
	bind := func(on bool, help, what string, keys ...string) key.Binding {
		b := key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, what))
		b.SetEnabled(on)
		return b
	}
	g := p.c.look.Glyphs
	on := "how to go on"
	switch {
	case p.err != nil:
		on = "try again"
	case p.c.end.conclusion.Summary.Outcome == engine.Succeeded:
		on = "the count"
	}
	stop := []string{"stop", "cancel now", "leave now"}[min(p.stops, 2)]
	if p.of == nil && p.stops > 0 {
		stop = "leave now"
	}
	focus, full := "to the log", "whole log"
	if p.inLog {
		focus = "to the hosts"
	}
	if p.log.full {
		full = "hosts and log"
	}
	some := p.of != nil
	found := len(p.log.search.hits) > 0
	return deployKeys{
		on:     bind(p.over || p.err != nil, "enter", on, "enter"),
		stop:   bind(!p.over && p.err == nil, "ctrl+c", stop, "ctrl+c"),
		again:  bind(p.retriable() != nil, "r", "try it again", "r"),
		full:   bind(some, "l", full, "l"),
		follow: bind(some && !p.over && (!p.following || p.log.frozen), "f", "follow", "f"),
		find:   bind(some, "/", "search", "/"),
		older:  bind(found, "n", "next above", "n"),
		newer:  bind(found, "N", "next below", "N"),
		focus:  bind(some && !p.log.full, "tab", focus, "tab", "shift+tab"),
		open:   bind(some && !p.log.full, g.KeyRight, "open a host", "right", "space"),
		close:  bind(some && !p.log.full, g.KeyLeft, "close it", "left"),
	}
}

// Keys are its keys.
func (p *deploy) Keys() []keyGroup {
	k, l := p.keys(), p.c.keys.list
	if p.log.search.typing {
		enter := key.NewBinding(key.WithHelp("enter", "find"))
		esc := key.NewBinding(key.WithHelp("esc", "leave it"))
		enter.SetKeys("enter")
		esc.SetKeys("esc")
		return []keyGroup{{"Search", []key.Binding{enter, esc}}}
	}
	return []keyGroup{
		{"The run", []key.Binding{k.on, k.stop, k.again, k.older, k.newer, k.follow, k.full, k.focus, k.find}},
		{"Hosts and log", []key.Binding{l.up, l.down, k.open, k.close, l.pageUp, l.pageDown, l.first, l.last}},
	}
}

// Key does what the keys say.
func (p *deploy) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	keys, lists := p.keys(), p.c.keys.list
	switch {
	case key.Matches(k, keys.stop):
		p.halt()
	case p.log.search.typing:
		return nil, p.searchKey(k)
	case key.Matches(k, keys.on) && p.err != nil:
		return p.begin(), true
	case key.Matches(k, keys.on):
		p.leave()
	case key.Matches(k, p.c.keys.back):
		return nil, p.backKey()
	case p.of == nil:
		return nil, p.err != nil && p.scroll.press(k, lists)
	case key.Matches(k, keys.again):
		p.retry()
	case key.Matches(k, keys.full):
		p.log.full = !p.log.full
	case key.Matches(k, keys.follow):
		p.following = true
		p.log.follow(p.of.Lines)
		p.frame()
	case key.Matches(k, keys.find):
		p.log.search = search{typing: true, at: -1}
		p.log.freeze(p.of.Lines)
	case key.Matches(k, keys.older):
		p.log.another(-1)
	case key.Matches(k, keys.newer):
		p.log.another(1)
	case key.Matches(k, keys.focus):
		p.inLog = !p.inLog
	case !p.inLog && !p.log.full && p.list.press(k, keys, lists, &p.record):
		p.following = false
		p.log.follow(p.of.Lines)
		p.sample()
	default:
		return nil, p.log.scrolls(k, lists, p.of.Lines)
	}
	return nil, true
}

// retriable is the step that failed and can be tried again while others are at
// work; nil: none can.
func (p *deploy) retriable() *stepRecord {
	if p.of == nil || p.over || p.of.Retry == nil || p.stops > 0 || p.record.stop != "" {
		return nil
	}
	return p.record.failed(p.shown())
}

// retry has a step that failed begun again.
func (p *deploy) retry() {
	s := p.retriable()
	what := s.title() + " on " + hostName(s.Host)
	if !p.of.Retry(s.Step) {
		p.c.say(warning, "Nothing else is left to do, so the run ends; another one does what is missing.")
		return
	}
	p.list.choose(&p.record, s)
	p.following = false
	p.log.follow(p.of.Lines)
	p.c.say(neutral, "Tried again: "+what)
}

// backKey leaves what was opened last; during a run the page itself is not left.
func (p *deploy) backKey() bool {
	switch {
	case p.log.search.of != nil || p.log.search.typing:
		p.log.follow(p.of.Lines)
	case p.log.full:
		p.log.full = false
	case p.over:
		p.leave()
	case p.err != nil:
		p.err = nil
		return false
	case p.beginning != nil:
		p.c.say(neutral, "The run is about to begin; ctrl+c stops it.")
	default:
		p.c.say(neutral, "The run goes on; ctrl+c stops it.")
	}
	return true
}

// halt stops the run, the more the more often it is asked: after the steps in
// flight, at once, and then the person leaves.
func (p *deploy) halt() {
	p.stops++
	switch {
	case p.stops > 2, p.of == nil && p.stops > 1:
		p.c.interrupt()
	case p.of == nil:
		p.stop()
	case p.stops == 2:
		p.of.Stop(engine.Cancel)
	default:
		p.of.Stop(engine.Graceful)
	}
}

// stopText says what a stop does, what the next one would do, and how to go on
// another day; empty while nobody asked for one.
func (p *deploy) stopText() string {
	resume := ""
	if text := p.c.resumeText(); text != "" {
		resume = " " + text
	}
	_, _, _, flying := p.record.numbers()
	switch {
	case p.over || p.stops == 0 && p.record.stop == "":
		return ""
	case p.of == nil:
		return "Giving up before anything is changed. Ctrl+C again leaves at once."
	case p.stops > 1:
		return "Cancelling what is under way. Ctrl+C leaves without waiting for it." + resume
	case p.record.stop == engine.Cancel:
		return "The run ends what is under way." + resume
	case p.takesBack():
		return "What was begun is still taken back, to the end. Ctrl+C again cancels that." + resume
	}
	return fmt.Sprintf("Stopping: %s in flight will end first, no other begins. Ctrl+C again cancels.", count(flying, "step")) + resume
}
