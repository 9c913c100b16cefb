package tui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

func closeKey() key.Binding {
	return key.NewBinding(key.WithKeys("esc", "?", "f1", "q", "enter", "ctrl+b"), key.WithHelp("esc", "close"))
}

func quitKeys() []key.Binding {
	return []key.Binding{
		key.NewBinding(key.WithKeys("enter", "y", "q", "ctrl+c"), key.WithHelp("enter", "quit")),
		key.NewBinding(key.WithKeys("esc", "n", "ctrl+b"), key.WithHelp("esc", "stay")),
	}
}

func (m *Model) overlayKey(k tea.KeyPressMsg) tea.Cmd {
	switch m.overlay {
	case helpOverlay:
		switch {
		case key.Matches(k, m.c.keys.quit):
			// As without the help: during a run it is the page that is asked to stop.
			m.overlay = noOverlay
			if cmd, taken := m.page().Key(k); taken {
				return cmd
			}
			m.c.quit()
		case key.Matches(k, closeKey()):
			m.overlay = noOverlay
		}
	case quitOverlay:
		yes, no := quitKeys()[0], quitKeys()[1]
		switch {
		case key.Matches(k, yes):
			m.overlay = noOverlay
			m.c.leave()
		case key.Matches(k, no):
			m.overlay = noOverlay
		}
	case noOverlay:
	}
	return nil
}

// help lists every key that means something here, the page's own first, in as
// many columns as there is room for.
func (m *Model) help(w, h int) []string {
	look := m.c.look
	groups := append(m.page().Keys(), keyGroup{"Everywhere", append(m.always(), m.c.keys.suspend)})
	keyWidth, textWidth := 0, 0
	titleWidth := 0
	for _, g := range groups {
		titleWidth = max(titleWidth, width(g.title))
		for _, k := range g.keys {
			if k.Enabled() {
				keyWidth = max(keyWidth, width(k.Help().Key))
				textWidth = max(textWidth, width(k.Help().Desc))
			}
		}
	}
	blocks := make([][]string, 0, len(groups))
	for _, g := range groups {
		lines := []string{look.heading(g.title)}
		for _, k := range g.keys {
			if k.Enabled() && k.Help().Key != "" {
				lines = append(lines, look.Accent.Render(look.fit(k.Help().Key, keyWidth))+"  "+k.Help().Desc)
			}
		}
		blocks = append(blocks, append(lines, ""))
	}
	const gap = 4
	columnWidth := max(titleWidth, keyWidth+2+textWidth)
	columns := max(1, (w+gap)/(columnWidth+gap))
	return look.newspaper(blocks, columns, columnWidth, gap, h)
}

// newspaper sets blocks into columns of h lines, one below the other as long as
// there is room.
func (l Look) newspaper(blocks [][]string, columns, w, gap, h int) []string {
	set := []column{{w: w}}
	for _, b := range blocks {
		last := &set[len(set)-1]
		if len(last.lines) > 0 && len(last.lines)+len(b)-1 > h && len(set) < columns {
			set = append(set, column{w: w})
			last = &set[len(set)-1]
		}
		last.lines = append(last.lines, b...)
	}
	lines := l.beside(gap, set...)
	return lines[:min(len(lines), h)]
}

// quitQuestion asks whether to leave, and says what is kept.
func (m *Model) quitQuestion(w, h int) []string {
	look := m.c.look
	text := "Nothing was answered yet, so there is nothing to keep."
	if m.c.draft.Key != "" || !emptyDraft(m.c.draft) {
		text = "Your answers are kept. Start rcwizard again and it goes on from here."
	}
	boxWidth := min(w, 60)
	lines := append([]string{""}, prose(text, boxWidth-4, look.Text.Render)...)
	framed := look.box("Leave rcwizard?", lines, boxWidth, min(h, len(lines)+3))
	return look.centred(framed, boxWidth, w, h)
}

// centred puts a block into the middle of w by h cells.
func (l Look) centred(lines []string, blockWidth, w, h int) []string {
	above := max(0, (h-len(lines))/3)
	out := make([]string, above, above+len(lines))
	return append(out, indent(max(0, (w-blockWidth)/2), lines)...)
}
