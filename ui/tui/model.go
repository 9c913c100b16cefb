package tui

import (
	"context"
	"reflect"
	"slices"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/ui"
)

// beatEvery is the time of one frame of the spinner.
const beatEvery = 100 * time.Millisecond

// Model is the wizard: the one tea.Model, which holds the pages, knows which is
// in front, and does what they ask for.
type Model struct {
	c      *common
	parent context.Context //nolint:containedctx // the program's life, of which the drafts' are parts
	cancel context.CancelFunc

	ascii  bool
	dark   bool
	layout layout

	pages []entry
	// build makes the pages for a draft: newPages.
	build func(*common) []entry
	// front is the page that is shown.
	front pageID
	// trail are the pages that back leads to, the last one first to be left.
	trail []pageID

	overlay overlay
	message message
	// saved is the draft as it was written last.
	saved ui.Draft
	// saving is what to do as soon as the answers are written; keys wait for it.
	saving func() tea.Cmd
	held   []tea.Msg
	// beating says that a frame of the spinner is on its way.
	beating bool
	left    Reason
}

// message is the sentence in the message line.
type message struct {
	tone tone
	text string
}

// overlay is what lies over the page.
type overlay int

const (
	noOverlay overlay = iota
	helpOverlay
	quitOverlay
)

// Reason says why the wizard was left.
type Reason int

// The reasons to leave.
const (
	// Quit says that the person left, with everything saved.
	Quit Reason = iota
	// Interrupted says that the person left a run in the middle of a step.
	Interrupted
)

// messages of the model itself.
type (
	beatMsg   struct{}
	openedMsg struct {
		known ui.Known
		draft ui.Draft
		page  pageID
		err   error
	}
	savedMsg struct {
		draft ui.Draft
		err   error
	}
)

func newModel(ctx context.Context, backend ui.Backend, o Options) *Model {
	m := &Model{ascii: o.ASCII, dark: true, parent: ctx, front: pageStart, build: newPages}
	m.c = &common{backend: backend, now: time.Now, after: tea.Tick}
	if m.c.resume = o.Resume; o.Resume == nil {
		m.c.resume = func(name string) string { return "rcwizard resume " + name }
	}
	m.restyle()
	m.begin(ui.Known{}, ui.Draft{})
	m.resize(80, 24)
	return m
}

// restyle makes the look anew.
func (m *Model) restyle() {
	m.c.look = newLook(m.dark, m.ascii)
	m.c.keys = newKeyMap(m.c.look.Glyphs)
}

func (m *Model) resize(w, h int) { m.layout = newLayout(w, h) }

// begin opens a draft with pages of its own; whatever is still under way for the
// one before ends and is not heard.
func (m *Model) begin(k ui.Known, d ui.Draft) {
	if m.cancel != nil {
		m.cancel()
	}
	m.c.ctx, m.cancel = context.WithCancel(m.parent)
	m.c.generation++
	m.c.known, m.c.draft, m.saved = k, d, d.Clone()
	m.c.run, m.c.end, m.c.starting, m.c.reading = nil, ending{}, false, false
	m.pages = m.build(m.c)
	m.trail = nil
}

// Init asks the terminal what its background is and brings up the first page.
func (m *Model) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, m.settle(m.page().Enter()))
}

func (m *Model) entry(id pageID) (entry, bool) {
	i := slices.IndexFunc(m.pages, func(e entry) bool { return e.id == id })
	if i < 0 {
		return entry{}, false
	}
	return m.pages[i], true
}

func (m *Model) page() page {
	e, _ := m.entry(m.front)
	return e.page
}

// Update does what a message says. It waits for nothing.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	return m, m.settle(m.update(msg))
}

func (m *Model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.resize(msg.Width, msg.Height)
		return nil
	case tea.BackgroundColorMsg:
		m.dark = msg.IsDark()
		m.restyle()
		return nil
	case beatMsg:
		m.beating = false
		m.c.beat++
		return nil
	case owned:
		if msg.generation != m.c.generation {
			return nil
		}
		return m.update(msg.msg)
	case alwaysOnMsg:
		m.message = message{neutral, "No shell started rcwizard here that could continue it, so it is not suspended."}
		return nil
	case openedMsg:
		return m.opened(msg)
	case savedMsg:
		return m.afterSave(msg)
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		return m.paste(msg)
	}
	cmds := make([]tea.Cmd, 0, len(m.pages))
	for _, e := range m.pages {
		cmds = append(cmds, e.page.Update(msg))
	}
	return tea.Batch(cmds...)
}

func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case m.saving != nil:
		m.held = append(m.held, k)
		return nil
	case key.Matches(k, m.c.keys.suspend):
		return tea.Suspend
	case m.layout.small:
		if key.Matches(k, m.c.keys.quit) {
			return m.interrupt(k)
		}
		return nil
	}
	m.message = message{}
	if m.overlay != noOverlay {
		return m.overlayKey(k)
	}
	if cmd, taken := m.page().Key(k); taken {
		return cmd
	}
	switch {
	case key.Matches(k, m.c.keys.quit):
		m.c.quit()
	case key.Matches(k, m.c.keys.back):
		m.c.back()
	case key.Matches(k, m.c.keys.help):
		m.overlay = helpOverlay
	}
	return nil
}

// interrupt is ctrl+c where nothing can be drawn: the page may take it, as it
// does during a run; otherwise it leaves.
func (m *Model) interrupt(k tea.KeyPressMsg) tea.Cmd {
	if cmd, taken := m.page().Key(k); taken {
		return cmd
	}
	m.c.leave()
	return nil
}

func (m *Model) paste(msg tea.PasteMsg) tea.Cmd {
	switch {
	case m.saving != nil:
		m.held = append(m.held, msg)
		return nil
	case m.layout.small, m.overlay != noOverlay:
		return nil
	}
	m.message = message{}
	return m.page().Update(msg)
}

// settle does what pages asked for, and keeps the spinner turning while
// anything is at work.
func (m *Model) settle(cmd tea.Cmd) tea.Cmd {
	cmds := []tea.Cmd{cmd}
	for len(m.c.asked) > 0 && m.saving == nil {
		w := m.c.asked[0]
		m.c.asked = m.c.asked[1:]
		cmds = append(cmds, m.grant(w))
	}
	own, ok := m.page().(paced)
	if turns := ok && own.Paced(); !turns && !m.beating && m.page().Activity().state == working {
		m.beating = true
		cmds = append(cmds, m.c.after(beatEvery, func(time.Time) tea.Msg { return beatMsg{} }))
	}
	return tea.Batch(cmds...)
}

func (m *Model) grant(w wish) tea.Cmd {
	switch w.kind {
	case wishNext:
		if to, ok := m.following(); ok {
			return m.leavePage(to, func() tea.Cmd { return m.visit(to, true) })
		}
	case wishBack:
		if len(m.trail) > 0 {
			to := m.trail[len(m.trail)-1]
			return m.leavePage(to, func() tea.Cmd { return m.visit(to, false) })
		}
	case wishVisit:
		return m.leavePage(w.page, func() tea.Cmd { return m.visit(w.page, true) })
	case wishOpen:
		return m.leavePage(m.front, func() tea.Cmd { return m.openDraft(w.known, w.page) })
	case wishSay:
		m.message = message{w.tone, w.text}
	case wishQuit:
		m.overlay = quitOverlay
	case wishLeave:
		return m.leavePage(m.front, func() tea.Cmd { return tea.Quit })
	case wishInterrupt:
		m.left = Interrupted
		return tea.Quit
	}
	return nil
}

// following is the page after the one in front, on the way. From a page off the
// way it is the one that led there.
func (m *Model) following() (pageID, bool) {
	i := slices.IndexFunc(m.pages, func(e entry) bool { return e.id == m.front })
	if !m.pages[i].way {
		if len(m.trail) == 0 {
			return "", false
		}
		return m.trail[len(m.trail)-1], true
	}
	for _, e := range m.pages[i+1:] {
		if e.way {
			return e.id, true
		}
	}
	return "", false
}

// visit shows a page. A page that is on the trail already is gone back to, so
// that back never goes round in a circle.
func (m *Model) visit(id pageID, remember bool) tea.Cmd {
	e, ok := m.entry(id)
	if !ok || id == m.front {
		return nil
	}
	if i := slices.Index(m.trail, id); i >= 0 {
		m.trail = m.trail[:i]
	} else if remember {
		m.trail = append(m.trail, m.front)
	}
	m.front = id
	return e.page.Enter()
}

// openDraft reads a draft and shows a page of it.
func (m *Model) openDraft(k ui.Known, id pageID) tea.Cmd {
	if k.Key == "" {
		return m.opened(openedMsg{page: id})
	}
	m.message = message{neutral, "opening " + or(k.Domain, k.Name)}
	return m.c.do(func(ctx context.Context) tea.Msg {
		var d ui.Draft
		var err error
		switch id {
		case pageAdd:
			d, err = m.c.backend.Alter(ctx, k.Key, ui.AddInstances)
		case pageRemove:
			d, err = m.c.backend.Alter(ctx, k.Key, ui.RemoveInstances)
		default:
			d, err = m.c.backend.Open(ctx, k.Key)
		}
		return openedMsg{known: k, draft: d, page: id, err: err}
	})
}

func (m *Model) opened(msg openedMsg) tea.Cmd {
	if msg.err != nil {
		m.message = message{bad, msg.err.Error()}
		return nil
	}
	m.message = message{}
	m.begin(msg.known, msg.draft)
	msg.page = m.opens(msg.page)
	// Going back leads through the pages that were answered before.
	if i := slices.IndexFunc(m.pages, func(e entry) bool { return e.id == msg.page }); i >= 0 && m.pages[i].way {
		for _, e := range m.pages[:i] {
			if e.way {
				m.trail = append(m.trail, e.id)
			}
		}
	} else {
		m.trail = []pageID{pageStart}
	}
	m.front = msg.page
	return m.page().Enter()
}

// opens is the page on which a workspace is opened: never one that begins to
// change hosts because it is shown, and never one that there is not.
func (m *Model) opens(id pageID) pageID {
	if id == pageDeploy || id == pageDone {
		id = pageReview
	}
	if _, ok := m.entry(id); ok {
		return id
	}
	for _, e := range m.pages {
		if e.way && e.id != pageStart {
			return e.id
		}
	}
	return pageStart
}

// leavePage saves the answers, if they are not as they were saved last, with the
// page on which to go on with them, which is never one that deploys, and then does what comes next. Keys that come meanwhile wait. When they cannot be saved the
// page stays: nothing is to be lost that looked finished.
func (m *Model) leavePage(to pageID, then func() tea.Cmd) tea.Cmd {
	if e, ok := m.entry(to); ok && e.way && to != pageStart {
		m.c.draft.Page = string(m.opens(to))
	}
	if m.c.draft.Key == "" && emptyDraft(m.c.draft) || reflect.DeepEqual(m.c.draft, m.saved) {
		return then()
	}
	d := m.c.draft.Clone()
	m.saving = then
	return m.c.do(func(ctx context.Context) tea.Msg {
		kept, err := m.c.backend.Save(ctx, d)
		return savedMsg{kept, err}
	})
}

// emptyDraft reports whether nothing was answered yet.
func emptyDraft(d ui.Draft) bool {
	d.Page = ""
	return reflect.DeepEqual(d, ui.Draft{})
}

func (m *Model) afterSave(msg savedMsg) tea.Cmd {
	then := m.saving
	m.saving = nil
	held := m.held
	m.held = nil
	if msg.err != nil {
		m.message = message{bad, msg.err.Error()}
		return nil
	}
	m.c.draft.Key = msg.draft.Key
	// What came since, such as what a host says of itself, is saved next time.
	m.saved = msg.draft.Clone()
	if then == nil {
		return nil
	}
	cmds := []tea.Cmd{then()}
	for _, k := range held {
		cmds = append(cmds, m.settle(m.update(k)))
	}
	return tea.Batch(cmds...)
}
