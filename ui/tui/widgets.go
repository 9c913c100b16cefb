package tui

import (
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
)

func itoa(n int) string { return strconv.Itoa(n) }

// rule is a line across.
func (l Look) rule(w int) string { return l.Line.Render(strings.Repeat(l.Horizontal, max(0, w))) }

// heading is the line above a part of a page.
func (l Look) heading(s string) string { return l.Strong.Render(s) }

// row is a name and its value, for pairs.
type row struct {
	label string
	value string
}

// pairs are names and values in two columns, the values wrapped. What has no
// value is left out.
func (l Look) pairs(w int, rows ...row) []string {
	label := 0
	for _, r := range rows {
		if r.value != "" {
			label = max(label, width(r.label))
		}
	}
	const gap = 3
	label = min(label, w/3)
	var out []string
	for _, r := range rows {
		for i, line := range wrap(r.value, w-label-gap) {
			name := ""
			if i == 0 {
				name = r.label
			}
			out = append(out, l.Muted.Render(l.fit(name, label))+strings.Repeat(" ", gap)+line)
		}
	}
	return out
}

// table is rows of cells in aligned columns. It is at most as wide as it is
// given room: the widest of the columns that may shrink gives way first.
type table struct {
	head []string
	rows [][]string
	// right are the columns of numbers, aligned at their right end.
	right map[int]bool
	// rigid are the columns that are never cut as long as others can be.
	rigid map[int]bool
	// least is what a column takes at least, as long as there is room, so that
	// nothing moves when it is filled.
	least map[int]int
}

// columnGap is the space between the columns of a table.
const columnGap = 2

// render returns the head, if there is one, and the rows.
func (t table) render(l Look, w int) []string {
	widths := t.widths(w)
	line := func(cells []string, style lipgloss.Style) string {
		parts := make([]string, len(widths))
		for i, cw := range widths {
			cell := ""
			if i < len(cells) {
				cell = cells[i]
			}
			switch {
			case t.right[i]:
				parts[i] = l.fitRight(cell, cw)
			case i == len(widths)-1:
				parts[i] = l.cut(cell, cw)
			default:
				parts[i] = l.fit(cell, cw)
			}
			parts[i] = style.Render(parts[i])
		}
		return strings.Join(parts, strings.Repeat(" ", columnGap))
	}
	out := make([]string, 0, len(t.rows)+1)
	if len(t.head) > 0 {
		out = append(out, line(t.head, l.Muted))
	}
	for _, cells := range t.rows {
		out = append(out, line(cells, l.Text))
	}
	return out
}

// widths are what every column needs, less what there is no room for.
func (t table) widths(w int) []int {
	n := len(t.head)
	for _, r := range t.rows {
		n = max(n, len(r))
	}
	widths := make([]int, n)
	for i := range widths {
		widths[i] = t.least[i]
	}
	for _, r := range append([][]string{t.head}, t.rows...) {
		for i, cell := range r {
			widths[i] = max(widths[i], width(cell))
		}
	}
	over := columnGap * (n - 1)
	for _, cw := range widths {
		over += cw
	}
	const least = 3
	for _, rigid := range []bool{false, true} {
		for over -= w; over > 0; over-- {
			widest := -1
			for i, cw := range widths {
				if t.rigid[i] == rigid && cw > least && (widest < 0 || cw > widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			widths[widest]--
		}
		over += w
	}
	return widths
}

// bar is a progress bar of w cells, part from 0 to 1.
func (l Look) bar(part float64, w int) string {
	full := int(min(max(part, 0), 1) * float64(w))
	return l.Accent.Render(strings.Repeat(l.BarFull, full)) + l.Line.Render(strings.Repeat(l.BarEmpty, max(0, w-full)))
}

// spin is the frame of the spinner at a beat. Every frame takes one cell, so
// what stands behind it keeps its place.
func (l Look) spin(beat int) string {
	return l.Accent.Render(l.Spinner[beat%len(l.Spinner)])
}

// box is a frame with a title, of w by h cells, around lines.
func (l Look) box(title string, lines []string, w, h int) []string {
	if w < 4 || h < 2 {
		return l.block(lines, w, h)
	}
	inner := w - 4
	head := ""
	if title != "" {
		head = " " + l.cut(title, inner-2) + " "
	}
	out := []string{
		l.Line.Render(l.TopLeft+l.Horizontal) + l.Strong.Render(head) +
			l.Line.Render(strings.Repeat(l.Horizontal, max(0, w-3-width(head)))+l.TopRight),
	}
	side := l.Line.Render(l.Vertical)
	for _, line := range l.block(lines, inner, h-2) {
		out = append(out, side+" "+line+" "+side)
	}
	return append(out, l.Line.Render(l.BottomLeft+strings.Repeat(l.Horizontal, w-2)+l.BottomRight))
}
