package tui

// The least that the wizard can be drawn on, and the width from which there is
// room for the list of pages on the left.
const (
	leastWidth  = 60
	leastHeight = 16
	railFrom    = 100
	railWidth   = 26
	// airyFrom is the height from which the body has an empty row above it.
	airyFrom = 20
)

// rect is a rectangle of the screen, in cells.
type rect struct{ x, y, w, h int }

// layout is where everything is, for one size of the terminal: nothing else
// decides on a place.
type layout struct {
	// area is the whole terminal.
	area rect
	// small says that the terminal is too small for anything but saying so.
	small bool
	// header is one row: the program, the page, the workspace.
	header rect
	// top is the rule below it.
	top rect
	// rail is the list of pages; empty below railFrom columns.
	rail rect
	// body is the page's.
	body rect
	// message is one row: an error, or what was just done.
	message rect
	// bottom is the rule above the keys.
	bottom rect
	// keys is the last row.
	keys rect
}

func newLayout(w, h int) layout {
	l := layout{area: rect{0, 0, w, h}, small: w < leastWidth || h < leastHeight}
	if l.small {
		return l
	}
	const margin = 2
	inner := w - 2*margin
	l.header = rect{margin, 0, inner, 1}
	l.top = rect{0, 1, w, 1}
	l.message = rect{margin, h - 3, inner, 1}
	l.bottom = rect{0, h - 2, w, 1}
	l.keys = rect{margin, h - 1, inner, 1}
	l.body = rect{margin, 2, inner, h - 5}
	if h >= airyFrom {
		l.body.y++
		l.body.h--
	}
	if w >= railFrom {
		l.rail = rect{margin, l.body.y, railWidth - margin, l.body.h}
		l.body.x = railWidth + 2*margin
		l.body.w = w - l.body.x - margin
		l.message.x, l.message.w = l.body.x, l.body.w
	}
	return l
}
