package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// list is a place among n rows, of which a window is shown. It holds no rows:
// whoever draws them asks which.
type list struct {
	n, at, top int
}

// resize says how many rows there are; the place stays where it can.
func (s *list) resize(n int) {
	s.n = n
	s.at = max(0, min(s.at, n-1))
}

// move goes by rows, and stops at both ends.
func (s *list) move(by int) { s.at = max(0, min(s.at+by, s.n-1)) }

// press moves by a key, and says whether it was one of the list's.
func (s *list) press(k tea.KeyPressMsg, keys listKeys, page int) bool {
	switch {
	case key.Matches(k, keys.up):
		s.move(-1)
	case key.Matches(k, keys.down):
		s.move(1)
	case key.Matches(k, keys.pageUp):
		s.move(-max(1, page-1))
	case key.Matches(k, keys.pageDown):
		s.move(max(1, page-1))
	case key.Matches(k, keys.first):
		s.move(-s.n)
	case key.Matches(k, keys.last):
		s.move(s.n)
	default:
		return false
	}
	return true
}

// window is which rows to draw on h lines, so that the place is among them and
// moves as little as can be.
func (s *list) window(h int) (from, to int) {
	if h <= 0 || s.n == 0 {
		return 0, 0
	}
	s.top = min(s.top, s.at)
	s.top = max(s.top, s.at-h+1)
	s.top = max(0, min(s.top, s.n-h))
	return s.top, min(s.n, s.top+h)
}

// moreRows says that there are rows above or below the window.
func (l Look) moreRows(above, below int) string {
	var parts []string
	if above > 0 {
		parts = append(parts, l.Up+" "+itoa(above)+" above")
	}
	if below > 0 {
		parts = append(parts, l.Down+" "+itoa(below)+" below")
	}
	return l.Muted.Render(strings.Join(parts, "   "))
}
