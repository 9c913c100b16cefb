package svg

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Screen is what a terminal shows.
type Screen struct {
	// Title is what readers hear who cannot see the picture.
	Title         string
	Width, Height int
	// Rows are Height rows of cells. A character that is two cells wide is one
	// Cell of Width 2, which no cell follows for its right half.
	Rows   [][]Cell
	Cursor Cursor
	Theme  Theme
}

// Cell is one character on the screen with its style.
type Cell struct {
	Text  string // one grapheme; empty is blank
	Width int    // 1 or 2
	Style Style
}

// Style is how a character looks.
type Style struct {
	Foreground, Background Color
	Bold, Faint, Italic    bool
	Underline, Strike      bool
	Reverse, Conceal       bool
}

// Cursor is where the next character goes.
type Cursor struct {
	X, Y    int
	Visible bool
	// Bar is a thin line before the cell, rather than the whole cell.
	Bar bool
}

// Color is one of the terminal's own colours or any other.
type Color struct {
	kind    kind
	index   uint8
	r, g, b uint8
}

type kind uint8

const (
	none kind = iota
	indexed
	rgb
)

// Indexed is one of the 256 colours; the first 16 are the theme's.
func Indexed(i uint8) Color { return Color{kind: indexed, index: i} }

// RGB is any colour.
func RGB(r, g, b uint8) Color { return Color{kind: rgb, r: r, g: g, b: b} }

// Theme is a terminal's own colours.
type Theme struct {
	Foreground, Background, Border Color
	Palette                        [16]Color
}

// hex reads six digits.
func hex(v uint32) Color { return RGB(uint8(v>>16&0xff), uint8(v>>8&0xff), uint8(v&0xff)) }

func palette(values [16]uint32) (out [16]Color) {
	for i, v := range values {
		out[i] = hex(v)
	}
	return out
}

// Dark is a terminal with a dark background.
func Dark() Theme {
	return Theme{
		Foreground: hex(0xd7dbe2), Background: hex(0x15181e), Border: hex(0x343a45),
		Palette: palette([16]uint32{
			0x23272f, 0xf07178, 0x8fce72, 0xe8c06a, 0x6fb3f2, 0xc792ea, 0x5fc9c9, 0xc5cad3,
			0x6b7382, 0xff8b92, 0xa8e48a, 0xf5d687, 0x8cc7ff, 0xdcaeff, 0x7fe3e3, 0xf2f4f8,
		}),
	}
}

// Light is a terminal with a light background.
func Light() Theme {
	return Theme{
		Foreground: hex(0x24292f), Background: hex(0xfcfcfd), Border: hex(0xd0d5dc),
		Palette: palette([16]uint32{
			0x24292f, 0xc4282d, 0x2c7a2c, 0x8a6100, 0x1f63b5, 0x8238ad, 0x0f7277, 0x59616d,
			0x6e7781, 0xa41e24, 0x1c6320, 0x6e4c00, 0x134f97, 0x6a2992, 0x0a5b60, 0xf6f8fa,
		}),
	}
}

// resolve makes a colour that the theme has no part in.
func (t Theme) resolve(c, fallback Color) Color {
	switch {
	case c.kind == none:
		return fallback
	case c.kind == rgb:
		return c
	case c.index < 16:
		return t.Palette[c.index]
	case c.index < 232:
		level := func(n uint8) uint8 {
			if n == 0 {
				return 0
			}
			return 55 + 40*n
		}
		n := c.index - 16
		return RGB(level(n/36), level(n/6%6), level(n%6))
	}
	grey := 8 + 10*(c.index-232)
	return RGB(grey, grey, grey)
}

// String is the colour as CSS has it.
func (c Color) String() string {
	if c.r%17 == 0 && c.g%17 == 0 && c.b%17 == 0 {
		return fmt.Sprintf("#%x%x%x", c.r/17, c.g/17, c.b/17)
	}
	return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b)
}

// mix is c with the share of other, in hundredths.
func (c Color) mix(other Color, share int) Color {
	part := func(a, b uint8) uint8 { return uint8((int(a)*(100-share) + int(b)*share) / 100) } //nolint:gosec // between a and b
	return RGB(part(c.r, other.r), part(c.g, other.g), part(c.b, other.b))
}

// colors are a style's colours as they are seen.
func (t Theme) colors(s Style) (foreground, background Color) {
	foreground, background = t.resolve(s.Foreground, t.Foreground), t.resolve(s.Background, t.Background)
	if s.Reverse {
		foreground, background = background, foreground
	}
	if s.Faint {
		foreground = foreground.mix(background, 45)
	}
	return foreground, background
}

// Text is the screen's text, without spaces at the ends of lines.
func (s Screen) Text() string {
	var out strings.Builder
	for _, row := range s.Rows {
		line, _ := text(row)
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return out.String()
}

// text is a row's text, and where in it each cell begins.
func text(row []Cell) (string, []int) {
	var line strings.Builder
	starts := make([]int, len(row))
	for i, c := range row {
		starts[i] = line.Len()
		if c.Text == "" {
			line.WriteString(strings.Repeat(" ", c.Width))
		}
		line.WriteString(c.Text)
	}
	return line.String(), starts
}

// Without is the screen with one blank in the place of each match, so that two
// screens which differ in the matches alone are the same. The rows get shorter:
// it is made to be compared, not to be looked at.
func (s Screen) Without(matches []*regexp.Regexp) Screen {
	rows := make([][]Cell, len(s.Rows))
	for y, row := range s.Rows {
		for _, re := range matches {
			line, starts := text(row)
			var kept []Cell
			next := 0
			for _, at := range re.FindAllStringIndex(line, -1) {
				first := sortedIndex(starts, at[0])
				last := sortedIndex(starts, at[1])
				if first == last || first < next {
					continue
				}
				kept = append(kept, row[next:first]...)
				kept = append(kept, Cell{Width: 1, Style: row[first].Style})
				next = last
			}
			row = append(kept, row[next:]...)
		}
		rows[y] = row
	}
	s.Rows = rows
	return s
}

// sortedIndex is the first cell that begins at or after a place in the text.
func sortedIndex(starts []int, at int) int {
	i, _ := slices.BinarySearch(starts, at)
	return i
}

// Channels are red, green and blue of a colour made by RGB.
func (c Color) Channels() (r, g, b uint8) { return c.r, c.g, c.b }
