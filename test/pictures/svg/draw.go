package svg

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Measures in pixels. A cell is as wide as a character of the common monospace
// fonts at this size; where a font differs, textLength makes it so.
const (
	cellWidth  = 9
	cellHeight = 20
	fontSize   = 15
	baseline   = 15 // below the top of the cell
	margin     = 18 // left, right and below
	bar        = 34 // above: the window's bar
	radius     = 10
)

const fonts = `ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace`

// rect is a filled part of the picture, in quarters of a pixel.
type rect struct{ x, y, w, h int }

const quarter = 4

// middle of a cell's height, so that a line of one pixel there fills one row of
// pixels.
const middle = cellHeight*quarter/2 - quarter/2

// layer is everything of one colour that is no text.
type layer struct {
	rects []rect
	arcs  []string
}

type picture struct {
	screen  Screen
	classes []string // of text, in the order of their first use
	grounds map[Color]*layer
	shapes  map[Color]*layer
	text    strings.Builder
}

// Draw is the screen as an SVG document.
func Draw(s Screen) []byte {
	p := &picture{screen: s, grounds: map[Color]*layer{}, shapes: map[Color]*layer{}}
	for y, row := range s.Rows {
		p.row(y, p.cursor(y, row))
	}
	if c := s.Cursor; c.Visible && c.Bar {
		on(p.shapes, s.Theme.Foreground).add(rect{c.X * cellWidth * quarter, c.Y * cellHeight * quarter, 2 * quarter, cellHeight * quarter})
	}
	return p.document()
}

// cursor is the row with the cursor in it, when it is a block.
func (p *picture) cursor(y int, row []Cell) []Cell {
	c := p.screen.Cursor
	if !c.Visible || c.Bar || c.Y != y {
		return row
	}
	x := 0
	for i, cell := range row {
		if x == c.X {
			row = slices.Clone(row)
			row[i].Style.Reverse = !cell.Style.Reverse
			break
		}
		x += cell.Width
	}
	return row
}

// row draws one row of cells.
func (p *picture) row(y int, row []Cell) {
	x := 0
	for i := 0; i < len(row); {
		c := row[i]
		p.ground(x, y, c)
		if drawn := p.shape(x, y, c); drawn || blank(c) || c.Style.Conceal {
			x, i = x+c.Width, i+1
			continue
		}
		run := p.run(row[i:])
		var text strings.Builder
		at, width := x, 0
		for j, c := range run {
			if j > 0 {
				p.ground(x, y, c)
			}
			text.WriteString(cmp.Or(c.Text, " "))
			x, width = x+c.Width, width+c.Width
		}
		p.write(at, y, width, text.String(), c.Style)
		i += len(run)
	}
}

func blank(c Cell) bool { return strings.TrimSpace(c.Text) == "" }

// plain characters are in every monospace font, one cell wide.
func plain(c Cell) bool {
	r, size := utf8.DecodeRuneInString(c.Text)
	return c.Text == "" || size == len(c.Text) && (r >= ' ' && r < 0x7f || r > 0xa0 && r < 0x180) && c.Width == 1
}

// run is how many of the cells are written at once: those of the first's look,
// up to two blanks. A character that a font may lack stands alone, since that
// of another font may have another width.
func (p *picture) run(row []Cell) []Cell {
	if !plain(row[0]) {
		return row[:1]
	}
	end := 1
	for i := 1; i < len(row) && p.look(row[i].Style) == p.look(row[0].Style) && plain(row[i]); i++ {
		switch {
		case !blank(row[i]):
			end = i + 1
		case blank(row[i-1]):
			return row[:end]
		}
	}
	return row[:end]
}

// look is what of a style shows in the letters.
type look struct {
	fill         Color
	bold, italic bool
	conceal      bool
}

func (p *picture) look(s Style) look {
	foreground, _ := p.screen.Theme.colors(s)
	return look{foreground, s.Bold, s.Italic, s.Conceal}
}

// write puts text of the given width in cells at a place.
func (p *picture) write(x, y, width int, text string, s Style) {
	fmt.Fprintf(&p.text, `<text class="%s" x="%d" y="%d" textLength="%d">`,
		p.class(p.look(s)), x*cellWidth, y*cellHeight+baseline, width*cellWidth)
	_ = xml.EscapeText(&p.text, []byte(text)) // a strings.Builder takes everything
	p.text.WriteString("</text>\n")
}

// class is the name of the look's class.
func (p *picture) class(l look) string {
	rule := "fill:" + l.fill.String()
	if l.bold {
		rule += ";font-weight:700"
	}
	if l.italic {
		rule += ";font-style:italic"
	}
	i := slices.Index(p.classes, rule)
	if i < 0 {
		i = len(p.classes)
		p.classes = append(p.classes, rule)
	}
	return fmt.Sprintf("c%d", i)
}

// ground draws a cell's background and the lines under and through it.
func (p *picture) ground(x, y int, c Cell) {
	foreground, background := p.screen.Theme.colors(c.Style)
	left, top, width := x*cellWidth*quarter, y*cellHeight*quarter, c.Width*cellWidth*quarter
	if background != p.screen.Theme.Background {
		on(p.grounds, background).add(rect{left, top, width, cellHeight * quarter})
	}
	if c.Style.Underline {
		on(p.shapes, foreground).add(rect{left, top + (baseline+2)*quarter, width, quarter})
	}
	if c.Style.Strike {
		on(p.shapes, foreground).add(rect{left, top + (baseline-5)*quarter, width, quarter})
	}
}

// shape draws box-drawing and block characters, and tells whether it did.
func (p *picture) shape(x, y int, c Cell) bool {
	r, size := utf8.DecodeRuneInString(c.Text)
	if size != len(c.Text) || c.Width != 1 || c.Style.Conceal || r < 0x2500 || r > 0x259f {
		return false
	}
	foreground, background := p.screen.Theme.colors(c.Style)
	left, top := x*cellWidth*quarter, y*cellHeight*quarter
	const width, height = cellWidth * quarter, cellHeight * quarter
	if a, ok := rounded()[r]; ok {
		on(p.shapes, foreground).arcs = append(on(p.shapes, foreground).arcs, corner(x, y, a))
		return true
	}
	if a, ok := boxes()[r]; ok {
		on(p.shapes, foreground).lines(left, top, a)
		return true
	}
	parts := blocks(r)
	for _, b := range parts {
		x0, y0 := left+b.x*width/8, top+b.y*height/8
		part := rect{x0, y0, left + (b.x+b.w)*width/8 - x0, top + (b.y+b.h)*height/8 - y0}
		on(p.shapes, foreground.mix(background, 100-b.ink)).add(part)
	}
	return len(parts) > 0
}

// lines adds the lines of a box-drawing character.
func (l *layer) lines(left, top int, a arms) {
	const width, height = cellWidth * quarter, cellHeight * quarter
	thick := func(weight uint8) int { return quarter * (2*int(weight) - 1) } // 1 or 3 pixels
	// The lines across meet in the middle, as thick as the thickest that they meet.
	across, along := max(a.left, a.right, light), max(a.up, a.down, light)
	midX, midY := left+width/2, top+middle
	if a.left > 0 {
		l.add(rect{left, midY - thick(a.left)/2, midX + thick(along)/2 - left, thick(a.left)})
	}
	if a.right > 0 {
		from := midX - thick(along)/2
		l.add(rect{from, midY - thick(a.right)/2, left + width - from, thick(a.right)})
	}
	if a.up > 0 {
		l.add(rect{midX - thick(a.up)/2, top, thick(a.up), midY + thick(across)/2 - top})
	}
	if a.down > 0 {
		from := midY - thick(across)/2
		l.add(rect{midX - thick(a.down)/2, from, thick(a.down), top + height - from})
	}
}

// corner is the path of a rounded corner, in pixels, as wide as a light line.
func corner(x, y int, a arms) string {
	const half, round = cellWidth / 2.0, cellWidth / 2.0
	left, top := float64(x*cellWidth), float64(y*cellHeight)
	midX, midY := left+half, top+float64(middle)/quarter
	endX, endY, dirX, dirY := left+cellWidth, top+cellHeight, 1.0, 1.0
	if a.left > 0 {
		endX, dirX = left, -1
	}
	if a.up > 0 {
		endY, dirY = top, -1
	}
	return fmt.Sprintf("M%g %gV%gQ%g %g %g %gH%g", midX, endY, midY+dirY*round, midX, midY, midX+dirX*round, midY, endX)
}

// on is the layer of a colour.
func on(layers map[Color]*layer, c Color) *layer {
	l, ok := layers[c]
	if !ok {
		l = &layer{}
		layers[c] = l
	}
	return l
}

func (l *layer) add(r rect) { l.rects = append(l.rects, r) }

// merged are the layer's rectangles, neighbours and overlapping ones made one.
func (l *layer) merged() []rect {
	rects := slices.Clone(l.rects)
	// Along rows, then along columns.
	slices.SortFunc(rects, func(a, b rect) int {
		return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.h, b.h), cmp.Compare(a.x, b.x), cmp.Compare(a.w, b.w))
	})
	rects = join(rects, func(a, b rect) (rect, bool) {
		return rect{a.x, a.y, max(a.w, b.x+b.w-a.x), a.h}, a.y == b.y && a.h == b.h && b.x <= a.x+a.w
	})
	slices.SortFunc(rects, func(a, b rect) int {
		return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.w, b.w), cmp.Compare(a.y, b.y), cmp.Compare(a.h, b.h))
	})
	rects = join(rects, func(a, b rect) (rect, bool) {
		return rect{a.x, a.y, a.w, max(a.h, b.y+b.h-a.y)}, a.x == b.x && a.w == b.w && b.y <= a.y+a.h
	})
	slices.SortFunc(rects, func(a, b rect) int {
		return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x), cmp.Compare(a.w, b.w), cmp.Compare(a.h, b.h))
	})
	return rects
}

// join makes one of each rectangle and those that follow it, where both say so.
func join(rects []rect, both func(a, b rect) (rect, bool)) []rect {
	var out []rect
	for _, r := range rects {
		if n := len(out); n > 0 {
			if one, ok := both(out[n-1], r); ok {
				out[n-1] = one
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

// paths are the layers as elements, ordered by colour.
func paths(layers map[Color]*layer) string {
	var out strings.Builder
	px := func(v int) string { return fmt.Sprintf("%g", float64(v)/quarter) }
	for _, c := range slices.SortedFunc(maps.Keys(layers), func(a, b Color) int { return cmp.Compare(a.String(), b.String()) }) {
		var d strings.Builder
		for _, r := range layers[c].merged() {
			fmt.Fprintf(&d, "M%s %sh%sv%sh-%sz", px(r.x), px(r.y), px(r.w), px(r.h), px(r.w))
		}
		if d.Len() > 0 {
			fmt.Fprintf(&out, `<path fill="%s" d="%s"/>`+"\n", c, d.String())
		}
		if arcs := layers[c].arcs; len(arcs) > 0 {
			fmt.Fprintf(&out, `<path fill="none" stroke="%s" d="%s"/>`+"\n", c, strings.Join(arcs, ""))
		}
	}
	return out.String()
}

// document puts the parts together.
func (p *picture) document() []byte {
	s := p.screen
	width, height := s.Width*cellWidth+2*margin, s.Height*cellHeight+bar+margin
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n",
		width, height, width, height)
	out.WriteString("<title>")
	_ = xml.EscapeText(&out, []byte(s.Title)) // a strings.Builder takes everything
	out.WriteString("</title>\n<style>\n")
	fmt.Fprintf(&out, "text{font:%dpx %s;white-space:pre;font-variant-ligatures:none}\n", fontSize, fonts)
	for i, rule := range p.classes {
		fmt.Fprintf(&out, ".c%d{%s}\n", i, rule)
	}
	out.WriteString("</style>\n")
	fmt.Fprintf(&out, `<rect x=".5" y=".5" width="%d" height="%d" rx="%d" fill="%s" stroke="%s"/>`+"\n",
		width-1, height-1, radius, s.Theme.Background, s.Theme.Border)
	fmt.Fprintf(&out, `<g fill="%s"><circle cx="20" cy="17" r="5"/><circle cx="38" cy="17" r="5"/><circle cx="56" cy="17" r="5"/></g>`+"\n", s.Theme.Border)
	fmt.Fprintf(&out, `<g transform="translate(%d %d)" xml:space="preserve">`+"\n", margin, bar)
	out.WriteString(`<g shape-rendering="crispEdges">` + "\n" + paths(p.grounds) + "</g>\n")
	out.WriteString(paths(p.shapes) + p.text.String())
	out.WriteString("</g>\n</svg>\n")
	return []byte(out.String())
}
