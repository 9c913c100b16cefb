package terminal

import (
	"image/color"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"github.com/rcwizard/rcwizard/test/pictures/svg"
)

// Screen is what the terminal shows now. The cursor is shown while a program
// runs that has not hidden it.
func (t *Terminal) Screen() svg.Screen {
	// One look at the whole, so that no half of it is older than the other. Not
	// Emulator.Draw, which leaves out lines after a change of the size.
	t.look.Lock()
	defer t.look.Unlock()
	t.mu.Lock()
	cursor := t.cursor
	cursor.Visible = cursor.Visible && t.pty != nil
	t.mu.Unlock()
	width, height := t.emulator.Width(), t.emulator.Height()
	at := t.emulator.CursorPosition()
	cursor.X, cursor.Y = at.X, at.Y
	s := svg.Screen{Width: width, Height: height, Rows: make([][]svg.Cell, height), Cursor: cursor, Theme: t.theme}
	for y := range height {
		row := make([]svg.Cell, 0, width)
		for x := 0; x < width; {
			cell := t.emulator.CellAt(x, y)
			if cell == nil || cell.Width < 1 {
				row = append(row, svg.Cell{Width: 1})
				x++
				continue
			}
			row = append(row, svg.Cell{Text: cell.Content, Width: cell.Width, Style: style(cell.Style)})
			x += cell.Width
		}
		s.Rows[y] = row
	}
	return s
}

func style(s uv.Style) svg.Style {
	has := func(attribute uint8) bool { return s.Attrs&attribute != 0 }
	return svg.Style{
		Foreground: paint(s.Fg), Background: paint(s.Bg),
		Bold: has(uv.AttrBold), Faint: has(uv.AttrFaint), Italic: has(uv.AttrItalic),
		Underline: s.Underline != uv.UnderlineNone, Strike: has(uv.AttrStrikethrough),
		Reverse: has(uv.AttrReverse), Conceal: has(uv.AttrConceal),
	}
}

// paint is a colour of the emulator's. The terminal's own stay the theme's.
func paint(c color.Color) svg.Color {
	switch c := c.(type) {
	case nil:
		return svg.Color{}
	case ansi.BasicColor:
		return svg.Indexed(uint8(c))
	case ansi.IndexedColor:
		return svg.Indexed(uint8(c))
	}
	r, g, b, _ := c.RGBA()
	return svg.RGB(uint8(r>>8), uint8(g>>8), uint8(b>>8)) //nolint:gosec // 16 bits each
}

func rgba(c svg.Color) color.Color {
	r, g, b := c.Channels()
	return color.RGBA{R: r, G: g, B: b, A: 0xff}
}
