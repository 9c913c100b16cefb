package tui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// review is the page on which a person agrees: every file as it would be, and
// every step with what it would change. It writes the files elsewhere on
// request, and asks once more before anything is deployed.
type review struct {
	quiet

	c       *common
	looking bool
	// hurried says that the person was told so.
	hurried bool
	// turn counts the looks, so that one that was left behind is not heard.
	turn   int
	review *ui.Review
	err    error

	part   reviewPart
	files  list
	rows   int
	text   scroll
	plan   scroll
	whole  bool
	differ bool
	// asked says that enter was pressed once.
	asked bool
	// official are Rocket.Chat's own files as they were chosen last, with the commit
	// that was named; empty while nobody left them for rcwizard's.
	official workspace.Compose
}

// reviewPart is what the keys move in.
type reviewPart int

const (
	partFiles reviewPart = iota
	partText
	partPlan
)

type (
	reviewedMsg struct {
		turn   int
		review ui.Review
		err    error
	}
	wroteMsg struct {
		wrote ui.Exported
		err   error
	}
)

// export writes the files of the draft; the review says where they went.
func (c *common) export() tea.Cmd {
	d := c.draft.Clone()
	return c.do(func(ctx context.Context) tea.Msg {
		wrote, err := c.backend.Export(ctx, d, ui.ExportOptions{})
		return wroteMsg{wrote, err}
	})
}

func newReview(c *common) *review { return &review{c: c} }

// Enter looks anew: the hosts may be others than they were.
func (p *review) Enter() tea.Cmd {
	p.looking, p.asked, p.turn = true, false, p.turn+1
	turn, d := p.turn, p.c.draft.Clone()
	return p.c.do(func(ctx context.Context) tea.Msg {
		r, err := p.c.backend.Review(ctx, d)
		return reviewedMsg{turn, r, err}
	})
}

// Update takes what was looked at, and what was written.
func (p *review) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case reviewedMsg:
		if msg.turn != p.turn {
			return nil
		}
		if p.hurried {
			p.c.say(neutral, "")
		}
		p.looking, p.hurried, p.err = false, false, msg.err
		if len(msg.review.Hosts) > 0 || msg.err == nil {
			p.review = &msg.review
			p.files.resize(len(p.all()))
		}
	case wroteMsg:
		if msg.err != nil {
			p.c.say(bad, msg.err.Error())
			return nil
		}
		said := fmt.Sprintf("%s written to %s", count(msg.wrote.Files, "file"), msg.wrote.Path)
		if n := len(msg.wrote.Left); n > 0 {
			said += fmt.Sprintf(", beside %s of yours", count(n, "file"))
		}
		p.c.say(good, said)
	}
	return nil
}

// hostFile is a file with its host.
type hostFile struct {
	host string
	ui.ReviewFile
}

// all are the files of all hosts.
func (p *review) all() []hostFile {
	if p.review == nil {
		return nil
	}
	var out []hostFile
	for _, h := range p.review.Hosts {
		for _, f := range h.Files {
			out = append(out, hostFile{h.Host, f})
		}
	}
	return out
}

func (p *review) current() (hostFile, bool) {
	all := p.all()
	if p.files.at >= len(all) {
		return hostFile{}, false
	}
	return all[p.files.at], true
}

// inTheWay are the steps that cannot be carried out.
func (p *review) inTheWay() []engine.StepReport {
	if p.review == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.review.Plan), func(r engine.StepReport) bool {
		return r.Failure == nil && r.Verdict != engine.Blocked
	})
}

// ready reports whether there is a plan that nothing stands in the way of.
func (p *review) ready() bool {
	return !p.looking && p.err == nil && p.review != nil && len(p.inTheWay()) == 0
}

// keysNow are the page's own keys, each enabled where it does something.
func (p *review) keysNow() (deploy, export, other, wide, differ, kind, gone, again key.Binding) {
	bind := func(on bool, what string, keys ...string) key.Binding {
		b := key.NewBinding(key.WithKeys(keys...), key.WithHelp(keys[0], what))
		b.SetEnabled(on)
		return b
	}
	f, some := p.current()
	what, _, _ := p.c.what()
	if p.asked {
		what = "yes, " + what
	}
	deploy = bind(p.ready(), what, p.agreeing())
	export = bind(p.review != nil && p.c.draft.Change == nil, "export", "e")
	other = bind(p.review != nil && !p.whole, "file, plan", "tab")
	wide = bind(some && p.part != partPlan, "whole width", "w")
	differs := "what changes"
	if f.Left != "" {
		differs = "what differs"
	}
	differ = bind(some && (f.Before != "" && f.Change == engine.Update || f.Other != ""), differs, "d")
	whose := "Rocket.Chat's own files"
	if p.c.draft.Answers.Workspace.Compose.Official() {
		whose = "rcwizard's files"
	}
	kind = bind(!p.looking && p.c.draft.Change == nil, whose, "o")
	gone = bind(!p.looking && p.silent() != nil, "it is gone for good", "g")
	again = bind(!p.looking, "look again", "r")
	return deploy, export, other, wide, differ, kind, gone, again
}

// agreeing is the key that leads on. The enter that chose what is removed, held a
// moment too long, must not come to agree to it too: that is another key's.
func (p *review) agreeing() string {
	if p.asked && p.c.removes() {
		return "y"
	}
	return "enter"
}

// Key does what the keys say.
func (p *review) Key(k tea.KeyPressMsg) (tea.Cmd, bool) {
	deploy, export, other, wide, differ, kind, gone, again := p.keysNow()
	asked := p.asked
	p.asked = false
	switch {
	case key.Matches(k, deploy):
		if asked {
			p.c.next()
			return nil, true
		}
		p.asked = true
		p.c.say(warning, p.question())
	case asked && p.ready() && key.Matches(k, p.c.keys.next): // of a removal
		p.asked = true
		p.c.say(warning, p.question())
	case key.Matches(k, p.c.keys.next):
		p.hurried = p.looking
		p.c.say(warning, p.refusal())
	case asked && key.Matches(k, p.c.keys.back):
	case key.Matches(k, export):
		return p.c.export(), true
	case key.Matches(k, other):
		p.part = (p.part + 1) % (partPlan + 1)
	case key.Matches(k, wide), p.whole && key.Matches(k, p.c.keys.back):
		p.whole = !p.whole
		if p.whole {
			p.part = partText
		} else {
			p.part = partFiles
		}
	case key.Matches(k, differ):
		p.differ, p.text = !p.differ, scroll{}
	case key.Matches(k, kind):
		return p.otherFiles(), true
	case key.Matches(k, gone):
		p.c.draft.Change.WithoutHost = true
		return p.Enter(), true
	case key.Matches(k, again):
		return p.Enter(), true
	default:
		return nil, p.move(k)
	}
	return nil, true
}

// otherFiles goes from rcwizard's compose files to Rocket.Chat's own, or back, and
// looks at what comes of it.
func (p *review) otherFiles() tea.Cmd {
	kind := &p.c.draft.Answers.Workspace.Compose
	if kind.Official() {
		p.official, *kind = *kind, workspace.ComposeBundled
	} else {
		*kind = cmp.Or(p.official, workspace.ComposeOfficial)
	}
	// What was looked at is of the other kind.
	p.review, p.err, p.files, p.text = nil, nil, list{}, scroll{}
	return p.Enter()
}

func (p *review) move(k tea.KeyPressMsg) bool {
	keys := p.c.keys.list
	switch p.part {
	case partPlan:
		return p.plan.press(k, keys)
	case partText:
		return p.text.press(k, keys)
	case partFiles:
	}
	// The pages turn the file, so that it can be read from where one chooses.
	if key.Matches(k, keys.pageUp, keys.pageDown) {
		return p.text.press(k, keys)
	}
	at := p.files.at
	taken := p.files.press(k, keys, p.rows)
	if p.files.at != at {
		p.text, p.differ = scroll{}, false
	}
	return taken
}

// question is what is asked before anything is changed.
func (p *review) question() string {
	c := p.c.draft.Change
	if c == nil {
		return "This changes " + count(len(p.c.draft.Answers.Workspace.Hosts), "server") + ". Enter again deploys, any other key does not."
	}
	var hosts []string
	for _, r := range p.review.Plan {
		if r.Host != "" && r.Verdict != engine.Done && !slices.Contains(hosts, r.Host) {
			hosts = append(hosts, r.Host)
		}
	}
	changed := "No server changes."
	if len(hosts) > 0 {
		changed = "Changed: " + strings.Join(hosts, ", ") + "."
	}
	names := strings.Join(c.Instances, ", ")
	if p.c.removes() {
		return fmt.Sprintf("y removes %s, Enter does not. %s", names, changed)
	}
	return fmt.Sprintf("Enter again adds %s, any other key does not. %s", names, changed)
}

// silent says whose host does not answer that an instance can be removed without;
// nil, if that is not so.
func (p *review) silent() *ui.SilentError {
	e, is := errors.AsType[*ui.SilentError](p.err)
	if !is || !p.c.removes() {
		return nil
	}
	return e
}

// refusal is why enter does not deploy.
func (p *review) refusal() string {
	switch {
	case p.looking:
		return "The hosts are still being looked at."
	case p.silent() != nil:
		return "There is no plan yet; r looks again, g goes on without the server."
	case p.err != nil:
		return "There is no plan yet; r looks again."
	}
	return "Some steps cannot be carried out: tab shows the plan, and why."
}

// Keys are its keys.
func (p *review) Keys() []keyGroup {
	deploy, export, other, wide, differ, kind, gone, again := p.keysNow()
	l := p.c.keys.list
	return []keyGroup{
		{"Review", []key.Binding{deploy, gone, export, other, differ, wide, kind, again}},
		{"To move", []key.Binding{l.up, l.down, l.pageUp, l.pageDown, l.first, l.last}},
	}
}

// Activity says whether the hosts are being looked at.
func (p *review) Activity() activity {
	switch {
	case p.looking:
		return activity{working, -1}
	case len(p.inTheWay()) > 0 || p.err != nil:
		return activity{blocked, -1}
	}
	return activity{}
}

// about is how long a deployment takes, as far as is known.
func about(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < time.Minute:
		return fmt.Sprintf("about %d s", int(d.Seconds()))
	}
	return fmt.Sprintf("about %d min", int(d.Round(time.Minute).Minutes()))
}
