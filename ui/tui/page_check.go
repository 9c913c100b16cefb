package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/ui"
)

// checks is the page of the checks: the port matrix, cell by cell as its
// findings come, what is not as it should be, and, one at a time, what to do
// about it. It begins by itself, and again when the answers are others.
//
// A failure stops the way; what is doubtful or could not be seen goes by with a
// key, which the draft remembers.
type checks struct {
	quiet

	c *common
	// of is the file of the answers that the findings are about.
	of string
	// looking is the check under way, nil when there is none; stop ends it.
	looking *looking
	stop    context.CancelFunc
	began   time.Time
	took    time.Duration
	// found are the findings so far, in the order of their coming and then of the
	// report.
	found []check.Finding
	// anew says that r was pressed while the check was under way.
	anew bool
	// whole says that a report stands behind them.
	whole bool
	err   error

	grid   *grid
	list   list
	rows   int
	opened bool
	scroll scroll
}

// looking collects findings as they come, from any goroutine.
type looking struct {
	mu    sync.Mutex
	found []check.Finding
}

func (l *looking) add(f check.Finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found = with(l.found, f)
}

func (l *looking) all() []check.Finding {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.found)
}

// with replaces the finding that has the id, or adds it.
func with(found []check.Finding, f check.Finding) []check.Finding {
	if i := slices.IndexFunc(found, func(o check.Finding) bool { return o.ID == f.ID }); i >= 0 {
		found[i] = f
		return found
	}
	return append(found, f)
}

// lookEvery is how often findings that came meanwhile are shown.
const lookEvery = 66 * time.Millisecond

type (
	lookMsg    struct{ of *looking }
	checkedMsg struct {
		of     *looking
		report check.Report
		err    error
	}
)

func newChecks(c *common) *checks { return &checks{c: c} }

// Enter begins, unless what was found is about these very answers.
func (p *checks) Enter() tea.Cmd {
	p.opened = false
	file, err := p.c.draft.Answers.File()
	if err != nil {
		p.err = err
		return nil
	}
	if string(file) == p.of && (p.looking != nil || p.whole) {
		return nil
	}
	p.of, p.found, p.whole = string(file), nil, false
	w := p.c.draft.Answers.Workspace.Complete()
	var only []string // of a change what it brings
	if p.c.draft.Change != nil {
		only = check.New(p.c.draft.Without(), w)
	}
	p.grid = newGrid(w, only)
	return p.look(nil)
}

// look begins a check of everything, or of only what has these ids.
func (p *checks) look(only []string) tea.Cmd {
	if p.stop != nil {
		p.stop()
	}
	l := &looking{found: slices.Clone(p.found)}
	ctx, stop := context.WithCancel(p.c.ctx)
	p.looking, p.stop, p.began, p.err, p.anew = l, stop, p.c.now(), nil, false
	d := p.c.draft.Clone()
	o := ui.CheckOptions{Skips: d.Skips, Only: only}
	if len(only) > 0 {
		o.Before = slices.Clone(p.found)
	}
	return tea.Batch(
		p.c.wait(lookEvery, lookMsg{l}),
		p.c.do(func(context.Context) tea.Msg {
			report, err := p.c.backend.Check(ctx, d, o, l.add)
			return checkedMsg{l, report, err}
		}),
	)
}

// Update takes what was found.
func (p *checks) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case lookMsg:
		if msg.of != p.looking {
			return nil
		}
		p.found = msg.of.all()
		return p.c.wait(lookEvery, msg)
	case checkedMsg:
		if msg.of != p.looking {
			return nil
		}
		p.looking, p.err, p.took = nil, msg.err, p.c.now().Sub(p.began)
		p.found = msg.of.all()
		if msg.err == nil {
			// The report's order is the order of the checks.
			p.found, p.whole = msg.report.Findings, true
		}
		if ids := p.failed(); p.anew && len(ids) > 0 {
			return p.look(ids)
		}
	}
	return nil
}

// standing are the findings, with what the person chose not to heed marked.
func (p *checks) standing() []check.Finding {
	found, _ := check.Skip(p.found, p.c.draft.Skips)
	return found
}

// remarks are what is not as it should be: failures first, then what could not
// be seen, what is doubtful, and what was passed by.
func remarks(found []check.Finding) []check.Finding {
	var out []check.Finding
	for _, f := range found {
		if f.Verdict != check.Pass {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b check.Finding) int { return weight(a) - weight(b) })
	return out
}

func weight(f check.Finding) int {
	switch {
	case f.Skipped:
		return 4
	case f.Because != "":
		return 3
	case f.Verdict == check.Fail:
		return 0
	case f.Verdict == check.Unknown:
		return 1
	}
	return 2
}

// stands reports whether the finding stands in the way.
func stands(f check.Finding) bool { return f.Verdict != check.Pass && !f.Skipped }

// passed reports whether everything is seen and nothing stands in the way.
func (p *checks) passed() bool {
	return p.whole && p.looking == nil && !slices.ContainsFunc(p.standing(), stands)
}

func (p *checks) current() (check.Finding, bool) {
	all := remarks(p.standing())
	p.list.resize(len(all))
	if len(all) == 0 {
		return check.Finding{}, false
	}
	return all[p.list.at], true
}

// keysNow are the keys, each enabled where it does something.
func (p *checks) keysNow() (next, openIt, passBy, again, everything, copyIt, export key.Binding) {
	bind := func(on bool, what string, keys ...string) key.Binding {
		b := key.NewBinding(key.WithKeys(keys...), key.WithHelp(keys[0], what))
		b.SetEnabled(on)
		return b
	}
	f, some := p.current()
	next = bind(p.passed() && !p.opened, "next", "enter")
	openIt = bind(some && !p.opened && !p.passed(), "what to do", "enter", "right", "o")
	without := "go on without it"
	if n := len(p.alike(f)); n > 1 {
		without = "without all " + itoa(n)
	}
	passBy = bind(some && (stands(f) && f.Verdict != check.Fail), without, "w")
	again = bind(some, "again", "r")
	everything = bind(p.looking == nil, "everything again", "R")
	copyIt = bind(some && p.opened && len(f.Commands) > 0, "copy the lines", "y")
	// What stands in the way of a deployment is no reason to withhold the files.
	export = bind(p.looking == nil && p.whole && !p.opened && p.c.draft.Change == nil, "export", "e")
	return next, openIt, passBy, again, everything, copyIt, export
}

// Key does what the keys say.
func (p *checks) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	next, openIt, passBy, again, everything, copyIt, export := p.keysNow()
	f, _ := p.current()
	switch {
	case key.Matches(k, next):
		p.c.next()
	case key.Matches(k, openIt):
		p.opened, p.scroll = true, scroll{}
	case p.opened && key.Matches(k, p.c.keys.back, p.c.keys.next) || p.opened && k.String() == "left":
		p.opened = false
	case key.Matches(k, passBy):
		ids := p.alike(f)
		p.c.draft.Skips = append(p.c.draft.Skips, ids...)
		p.opened = false
		if len(ids) == 1 {
			p.c.say(warning, "Noted: "+f.ID+" is not heeded.")
		} else {
			p.c.say(warning, fmt.Sprintf("Noted: %d findings that follow from %s are not heeded.", len(ids), causeOf(f)))
		}
	case key.Matches(k, again):
		p.opened = false
		if p.looking != nil {
			p.anew = true
			p.c.say(neutral, "What failed is looked at again as soon as the rest is done.")
			return nil, true
		}
		return p.look(p.failed()), true
	case key.Matches(k, everything):
		p.opened = false
		p.found, p.whole = nil, false
		return p.look(nil), true
	case key.Matches(k, copyIt):
		p.c.say(good, "Copied to the clipboard, if the terminal allows it.")
		return tea.SetClipboard(joined(f.Commands)), true
	case key.Matches(k, export):
		return p.c.export(), true
	case key.Matches(k, p.c.keys.next):
		p.c.say(warning, p.refusal())
	case p.opened:
		return nil, p.scroll.press(k, p.c.keys.list)
	default:
		return nil, p.list.press(k, p.c.keys.list, p.rows)
	}
	return nil, true
}

// causeOf is what a finding follows from; itself, where it follows from nothing.
func causeOf(f check.Finding) string { return or(f.Because, f.ID) }

// alike are the ids of all that has the cause of a finding and may be passed by
// with it: what cannot be tried from one host that does not answer is one thing
// to decide about.
func (p *checks) alike(f check.Finding) []string {
	var ids []string
	for _, o := range p.standing() {
		if stands(o) && o.Verdict != check.Fail && causeOf(o) == causeOf(f) {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// refusal is why there is no going on.
func (p *checks) refusal() string {
	if p.looking != nil {
		return "The checks are not done yet."
	}
	return "Something could not be checked; r tries again."
}

// failed are the ids of all that stands in the way, to look at again.
func (p *checks) failed() []string {
	var ids []string
	for _, f := range p.standing() {
		if stands(f) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// Keys are its keys.
func (p *checks) Keys() []keyGroup {
	next, openIt, passBy, again, everything, copyIt, export := p.keysNow()
	l := p.c.keys.list
	return []keyGroup{
		{"Checks", []key.Binding{next, openIt, copyIt, again, passBy, export, everything}},
		{"In the list", []key.Binding{l.up, l.down, l.first, l.last}},
	}
}

// Activity says whether the checks are under way, or wait for the person.
func (p *checks) Activity() activity {
	switch {
	case p.looking != nil:
		return activity{working, -1}
	case p.whole && !p.passed():
		return activity{blocked, -1}
	}
	return activity{}
}

// headline is how the checks stand, in one line.
func (p *checks) headline(found []check.Finding) string {
	look := p.c.look
	var t tally
	skipped := 0
	for _, f := range found {
		if f.Skipped {
			skipped++
			continue
		}
		t.add(f, true)
	}
	var parts []string
	add := func(tone tone, sign string, n int, what string) {
		if n > 0 {
			parts = append(parts, look.style(tone).Render(fmt.Sprintf("%s %d %s", sign, n, what)))
		}
	}
	add(bad, look.Glyphs.Bad, t.fail, "failed")
	add(warning, "?", t.unknown, "unknown")
	add(warning, look.Glyphs.Warning, t.warn, "doubtful")
	add(neutral, look.Neutral, skipped, "not heeded")
	add(good, look.Glyphs.Good, t.pass, "as it should be")
	text := strings.Join(parts, "   ")
	if p.looking != nil {
		spent := p.c.now().Sub(p.began).Truncate(time.Second)
		return look.spin(p.c.beat) + " " + look.Muted.Render(fmt.Sprintf("checking, %d s", int(spent.Seconds()))) + "   " + text
	}
	return text
}
