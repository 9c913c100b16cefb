package tui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// View draws the screen.
func (m *Model) View() tea.View {
	lines, cursor := m.screen()
	v := tea.NewView(strings.Join(lines, "\n"))
	v.AltScreen = true
	v.WindowTitle = m.title()
	if cursor != nil {
		v.Cursor = tea.NewCursor(cursor.x, cursor.y)
		v.Cursor.Shape = tea.CursorBar
	}
	m.report(&v)
	return v
}

// title is the window's.
func (m *Model) title() string {
	if name := m.workspaceName(); name != "" {
		return "rcwizard: " + m.pageTitle() + ", " + name
	}
	return "rcwizard: " + m.pageTitle()
}

// pageTitle is that of the page in front, which may be called by what it shows.
func (m *Model) pageTitle() string {
	e, _ := m.entry(m.front)
	if own, ok := e.page.(interface{ Title() string }); ok {
		return own.Title()
	}
	return e.title
}

// report tells the terminal itself how things go: its tab may show it.
func (m *Model) report(v *tea.View) {
	a := m.page().Activity()
	bar := func(s tea.ProgressBarState) { v.ProgressBar = tea.NewProgressBar(s, max(0, a.percent)) }
	status := func(s tea.ProgramState) { v.ProgramStatus = &tea.ProgramStatus{State: s} }
	switch a.state {
	case working:
		status(tea.ProgramStateWorking)
		if a.percent < 0 {
			bar(tea.ProgressBarIndeterminate)
		} else {
			bar(tea.ProgressBarDefault)
		}
	case blocked:
		status(tea.ProgramStateBlocked)
		bar(tea.ProgressBarWarning)
	case failed:
		status(tea.ProgramStateError)
		bar(tea.ProgressBarError)
	case finished:
		status(tea.ProgramStateDone)
	case idle:
		status(tea.ProgramStateIdle)
	}
}

// screen is every line of the terminal, and where its cursor belongs.
func (m *Model) screen() ([]string, *point) {
	l, look := m.layout, m.c.look
	if l.small {
		return m.tooSmall(), nil
	}
	d := m.body()
	body := look.block(d.lines, l.body.w, l.body.h)
	margin := strings.Repeat(" ", l.header.x)
	out := make([]string, 0, l.area.h)
	out = append(out, margin+m.header(), look.rule(l.top.w))
	for len(out) < l.body.y {
		out = append(out, "")
	}
	var rail []string
	if l.rail.w > 0 {
		rail = look.block(m.rail(), l.rail.w, l.rail.h)
	}
	for i, line := range body {
		if rail != nil {
			gap := strings.Repeat(" ", l.body.x-l.rail.x-l.rail.w)
			line = rail[i] + gap + line
		}
		out = append(out, margin+line)
	}
	message := look.style(m.message.tone).Render(look.cut(m.messageText(), l.message.w))
	out = append(out,
		strings.Repeat(" ", l.message.x)+message,
		look.rule(l.bottom.w),
		margin+m.keyLine(),
	)
	if d.cursor == nil {
		return out, nil
	}
	return out, &point{min(l.body.x+d.cursor.x, l.body.x+l.body.w-1), l.body.y + d.cursor.y}
}

func (m *Model) messageText() string {
	if m.message.text == "" {
		return ""
	}
	sign := m.c.look.Neutral
	switch m.message.tone {
	case good:
		sign = m.c.look.Glyphs.Good
	case warning:
		sign = m.c.look.Glyphs.Warning
	case bad:
		sign = m.c.look.Glyphs.Bad
	case neutral:
	}
	return sign + " " + strings.Join(strings.Fields(m.message.text), " ")
}

// tooSmall says what is needed, and goes on running: a window that is made
// larger again shows what was there.
func (m *Model) tooSmall() []string {
	w, h := m.layout.area.w, m.layout.area.h
	text := []string{
		m.c.look.cut("rcwizard", w),
		m.c.look.cut(fmt.Sprintf("needs %dx%d, has %dx%d", leastWidth, leastHeight, w, h), w),
	}
	return text[:min(len(text), max(0, h))]
}

func (m *Model) body() drawing {
	w, h := m.layout.body.w, m.layout.body.h
	switch m.overlay {
	case helpOverlay:
		return drawing{lines: m.help(w, h)}
	case quitOverlay:
		return drawing{lines: m.quitQuestion(w, h)}
	case noOverlay:
	}
	return m.page().Render(w, h)
}

// header names the program, the page and the workspace.
func (m *Model) header() string {
	look := m.c.look
	left := look.Accent.Render("rcwizard") + "   " + look.Strong.Render(m.pageTitle())
	right := m.workspaceName()
	if at, of := m.place(); at > 0 && m.layout.rail.w == 0 {
		if right != "" {
			right = look.cut(right, m.layout.header.w/2) + "   "
		}
		right += fmt.Sprintf("%d of %d", at, of)
	}
	return look.ends(left, look.Muted.Render(right), m.layout.header.w)
}

// workspaceName is what the person calls the workspace.
func (m *Model) workspaceName() string {
	if d := m.c.draft.Answers.Workspace.Domain; d != "" {
		return d
	}
	return m.c.draft.Answers.Workspace.Name
}

// wayPage is the page on the way that the one in front belongs to.
func (m *Model) wayPage() pageID {
	switch m.front {
	case pageFailure:
		return pageDeploy
	case pageAdvanced:
		return pageFiles
	case pageStatus:
		return pageStart
	default:
		return m.front
	}
}

// place is how far along the way the page is, from 1; 0 off it.
func (m *Model) place() (at, of int) {
	for _, e := range m.pages {
		if !e.way {
			continue
		}
		of++
		if e.id == m.wayPage() {
			at = of
		}
	}
	return at, of
}

// rail lists the pages of the way: behind, here, ahead.
func (m *Model) rail() []string {
	look := m.c.look
	at, _ := m.place()
	var out []string
	n := 0
	for _, e := range m.pages {
		if !e.way {
			continue
		}
		n++
		switch {
		case n == at:
			out = append(out, look.Accent.Render(look.Current+" "+e.title))
		case n < at:
			out = append(out, look.sign(good)+" "+e.title)
		default:
			out = append(out, look.Muted.Render(look.Neutral+" "+e.title))
		}
	}
	return out
}

func (m *Model) keyLine() string {
	switch m.overlay {
	case helpOverlay:
		return m.c.look.keyLine(nil, []key.Binding{closeKey()}, m.layout.keys.w)
	case quitOverlay:
		return m.c.look.keyLine(quitKeys(), nil, m.layout.keys.w)
	case noOverlay:
	}
	var own []key.Binding
	if groups := m.page().Keys(); len(groups) > 0 {
		own = groups[0].keys
	}
	always := m.always()
	if len(m.trail) > 0 && len(always) > 2 {
		always = always[:2] // ctrl+c is in the help
	}
	return m.c.look.keyLine(own, always, m.layout.keys.w)
}

// always are the keys of the wizard itself that do something now.
func (m *Model) always() []key.Binding {
	keys := m.c.keys
	help := keys.help
	if m.page().Typing() {
		help = keys.helpTyping
	}
	switch {
	case m.front == pageDeploy && m.c.running():
		return []key.Binding{help} // there is no way back, and ctrl+c is the page's
	case len(m.trail) > 0:
		return []key.Binding{keys.back, help, keys.quit}
	}
	return []key.Binding{help, keys.quit}
}
