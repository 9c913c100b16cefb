package tui

import (
	tea "charm.land/bubbletea/v2"
)

// scroll is a window on lines that may be more than there is room for. The
// keys of lists move it.
type scroll struct {
	list
	// h is how many lines were shown last.
	h int
}

// show returns the lines in the window, h of them at most. Where there are more
// the last row says how many lie below.
func (s *scroll) show(l Look, lines []string, h int) []string {
	s.h = h
	if len(lines) <= h || h < 2 {
		s.top = 0
		return lines[:min(len(lines), max(0, h))]
	}
	room := h - 1
	s.n = len(lines)
	s.top = max(0, min(s.top, len(lines)-room))
	out := append([]string(nil), lines[s.top:s.top+room]...)
	below := len(lines) - s.top - room
	switch {
	case below > 0:
		return append(out, l.Muted.Render(l.Down+" "+count(below, "more line")))
	default:
		return append(out, l.Muted.Render(l.Up+" "+count(s.top, "line")+" above"))
	}
}

// press scrolls by a key, and says whether it was one.
func (s *scroll) press(k tea.KeyPressMsg, keys listKeys) bool {
	at := list{n: s.n, at: s.top, top: s.top}
	if !at.press(k, keys, s.h) {
		return false
	}
	s.top = at.at
	return true
}
