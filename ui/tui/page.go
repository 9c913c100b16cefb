package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/ui"
)

// pageID names a page; it is what a draft keeps as Draft.Page.
type pageID string

// The pages.
const (
	pageStart     pageID = "start"
	pageServers   pageID = "servers"
	pageWorkspace pageID = "workspace"
	pageFiles     pageID = "files"
	pageAdvanced  pageID = "advanced"
	pageCheck     pageID = "check"
	pageReview    pageID = "review"
	pageDeploy    pageID = "deploy"
	pageFailure   pageID = "failure"
	pageDone      pageID = "done"
	pageStatus    pageID = "status"
	// The pages of a change stand in the place of the questions.
	pageAdd    pageID = "add"
	pageRemove pageID = "remove"
)

// page is one page of the wizard: a plain struct that the model asks. It reads
// and writes the draft in its common part, does nothing slow, and hands
// whatever must be waited for back as a command, made by common.do.
type page interface {
	// Enter is called each time the page comes to the front.
	Enter() tea.Cmd
	// Key takes a key; false leaves it to the wizard, which knows esc, help and
	// ctrl+c.
	Key(k tea.KeyPressMsg) (tea.Cmd, bool)
	// Update takes every other message. It gets the messages of all pages, also
	// while another page is in front, and looks only at its own.
	Update(msg tea.Msg) tea.Cmd
	// Render draws the page on w by h cells, or less. No line may be wider, and
	// there may not be more of them.
	Render(w, h int) drawing
	// Keys are its keys for the last line and the help, the first group first.
	Keys() []keyGroup
	// Typing says that letters are text now.
	Typing() bool
	// Activity is what goes on, for the spinner and the terminal's own display.
	Activity() activity
}

// drawing is what a page shows.
type drawing struct {
	lines []string
	// cursor is where the terminal's cursor belongs; nil hides it.
	cursor *point
}

// point is a cell, from the upper left corner of the page.
type point struct{ x, y int }

// activity is what goes on.
type activity struct {
	state activityState
	// percent is how far it is, from 0 to 100; below 0: nobody knows.
	percent int
}

// paced is a page that looks at what goes on at a pace of its own, and turns the
// spinner with it.
type paced interface{ Paced() bool }

type activityState int

const (
	idle activityState = iota
	working
	// blocked waits for the person in the middle of something.
	blocked
	failed
	finished
)

// quiet is embedded by pages for what they have nothing to say about.
type quiet struct{}

// Enter needs nothing.
func (quiet) Enter() tea.Cmd { return nil }

// Key leaves every key to the wizard.
func (quiet) Key(tea.KeyPressMsg) (tea.Cmd, bool) { return nil, false }

// Update has no messages of its own.
func (quiet) Update(tea.Msg) tea.Cmd { return nil }

// Keys has none of its own.
func (quiet) Keys() []keyGroup { return nil }

// Typing says that letters are keys.
func (quiet) Typing() bool { return false }

// Activity says that nothing goes on.
func (quiet) Activity() activity { return activity{} }

// common is what every page is made with.
type common struct {
	backend ui.Backend
	// draft is what is being described. Pages write to it as the person types;
	// the model saves it.
	draft ui.Draft
	// known is what Workspaces said of the draft's workspace, if it did.
	known ui.Known
	// run is the deployment under way, or the last one.
	run *ui.Run
	// end is what it came to, as soon as it has.
	end ending
	// starting says that a run is about to begin.
	starting bool
	// reading says that the log of a run that has ended is asked for.
	reading bool

	// resume is the command that goes on with the workspace of a name.
	resume func(name string) string

	look Look
	keys keyMap
	// beat counts the frames of the spinner, while anything is at work.
	beat int
	now  func() time.Time
	// after is tea.Tick, which tests replace.
	after func(d time.Duration, msg func(time.Time) tea.Msg) tea.Cmd

	// ctx ends when another draft is opened, and with the program.
	ctx context.Context //nolint:containedctx // it is the life of the draft that is open, which no call has
	// generation counts the drafts that were opened.
	generation int
	// asked is what pages want of the wizard, until it has looked.
	asked []wish
}

// adds and removes say what the draft changes of a workspace that was deployed.
func (c *common) adds() bool { return c.draft.Change != nil && c.draft.Change.Kind == ui.AddInstances }

func (c *common) removes() bool {
	return c.draft.Change != nil && c.draft.Change.Kind == ui.RemoveInstances
}

// resumeText says how to go on another day with what is under way; empty where
// nobody knows a name for it yet.
func (c *common) resumeText() string {
	name := c.draft.Answers.Workspace.Complete().Name
	switch {
	case c.draft.Change != nil:
		return "To go on later: open rcwizard and choose the same again."
	case name != "":
		return "To go on later: " + c.resume(name)
	}
	return ""
}

// what is what is done with the hosts: in a key, while it goes on, and once it is
// over.
func (c *common) what() (do, doing, done string) {
	switch {
	case c.adds():
		return "add", "Adding", "added"
	case c.removes():
		return "remove", "Removing", "removed"
	}
	return "deploy", "Deploying", "deployed"
}

// running says that hosts are being changed, or are about to be: there is a run,
// and it has not ended.
func (c *common) running() bool {
	return c.starting || c.run != nil && c.end.conclusion.Summary.Outcome == ""
}

// ending is how a deployment ended.
type ending struct {
	conclusion ui.Conclusion
	// err is what could not be counted or written down afterwards.
	err error
}

// do makes a command of what must be waited for. Its message reaches no page
// once another draft is open.
func (c *common) do(f func(ctx context.Context) tea.Msg) tea.Cmd {
	ctx, generation := c.ctx, c.generation
	return func() tea.Msg { return owned{generation, f(ctx)} }
}

// wait makes a command that sends a message after a time.
func (c *common) wait(d time.Duration, msg tea.Msg) tea.Cmd {
	generation := c.generation
	return c.after(d, func(time.Time) tea.Msg { return owned{generation, msg} })
}

// owned is a message of the draft that was open when its command was made.
type owned struct {
	generation int
	msg        tea.Msg
}

// What pages ask of the wizard. It is done as soon as the page has returned,
// before any other key is looked at: what is typed at once after Enter belongs to
// the next page.

// next saves the answers and goes to the page that follows.
func (c *common) next() { c.asked = append(c.asked, wish{kind: wishNext}) }

// back goes to the page before; what was typed stays.
func (c *common) back() { c.asked = append(c.asked, wish{kind: wishBack}) }

// visit goes to a page; back leads here again.
func (c *common) visit(id pageID) { c.asked = append(c.asked, wish{kind: wishVisit, page: id}) }

// open goes to a page with another draft, leaving the one that was open. Key
// empty begins a new one.
func (c *common) open(k ui.Known, id pageID) {
	c.asked = append(c.asked, wish{kind: wishOpen, known: k, page: id})
}

// say puts a sentence into the message line, until the next key.
func (c *common) say(t tone, text string) {
	c.asked = append(c.asked, wish{kind: wishSay, tone: t, text: text})
}

// quit asks whether to leave; leave saves and leaves; interrupt leaves at once,
// in the middle of whatever goes on.
func (c *common) quit()      { c.asked = append(c.asked, wish{kind: wishQuit}) }
func (c *common) leave()     { c.asked = append(c.asked, wish{kind: wishLeave}) }
func (c *common) interrupt() { c.asked = append(c.asked, wish{kind: wishInterrupt}) }

// wish is one thing that a page asks for.
type wish struct {
	kind  wishKind
	page  pageID
	known ui.Known
	tone  tone
	text  string
}

type wishKind int

const (
	wishNext wishKind = iota
	wishBack
	wishVisit
	wishOpen
	wishSay
	wishQuit
	wishLeave
	wishInterrupt
)
