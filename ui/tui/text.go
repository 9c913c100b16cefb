package tui

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Text is measured in cells, as the terminal shows it: a wide character takes
// two, a style none. Nothing here counts bytes or runes.

func width(s string) int { return ansi.StringWidth(s) }

// cut shortens one line to at most w cells, and says with the ellipsis that it
// did.
func (l Look) cut(s string, w int) string {
	switch {
	case w <= 0:
		return ""
	case width(s) <= w:
		return s
	}
	return ansi.Truncate(s, w, l.Ellipsis)
}

// cutLeft shortens one line at its beginning, for a path of which the end says
// most.
func (l Look) cutLeft(s string, w int) string {
	over := width(s) - w
	switch {
	case w <= 0:
		return ""
	case over <= 0:
		return s
	}
	return ansi.TruncateLeft(s, over+width(l.Ellipsis), l.Ellipsis)
}

// fit makes one line exactly w cells wide: cut, or filled with spaces.
func (l Look) fit(s string, w int) string {
	s = l.cut(s, w)
	return s + strings.Repeat(" ", max(0, w-width(s)))
}

// fitRight is fit with the text at the right end.
func (l Look) fitRight(s string, w int) string {
	s = l.cut(s, w)
	return strings.Repeat(" ", max(0, w-width(s))) + s
}

// ends puts two texts at both ends of a line of w cells; the left one gives way.
func (l Look) ends(left, right string, w int) string {
	right = l.cut(right, w)
	room := w - width(right)
	if right != "" {
		room -= 2
	}
	return l.fit(left, max(0, room)) + strings.Repeat(" ", max(0, w-max(0, room)-width(right))) + right
}

// wrap breaks a text without styles between words into lines of at most w
// cells. A word that is longer is broken after a slash, where it has one: it is
// a path or an address as a rule. The text's own line breaks stay.
func wrap(s string, w int) []string {
	if w <= 0 || s == "" {
		return nil
	}
	var out []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			for {
				room := w - width(line)
				if line != "" {
					room--
				}
				if len(word) <= enough(room) && width(word) <= room {
					break
				}
				if line != "" {
					out, line = append(out, line), ""
					continue
				}
				piece := broken(word, w)
				out, word = append(out, piece), word[len(piece):]
			}
			if line != "" && word != "" {
				line += " "
			}
			line += word
		}
		if line != "" || strings.TrimSpace(paragraph) == "" {
			out = append(out, line)
		}
	}
	return out
}

// broken is the beginning of a word that fits into w cells; at least one
// character, so that there is an end to it.
func broken(word string, w int) string {
	head := word[:min(len(word), enough(w))]
	for len(head) < len(word) && !utf8.RuneStart(word[len(head)]) {
		head = word[:len(head)-1]
	}
	piece := ansi.Truncate(head, w, "")
	if slash := strings.LastIndexByte(piece, '/'); slash > 0 && len(piece) < len(word) {
		piece = piece[:slash+1]
	}
	if piece == "" {
		_, n := utf8.DecodeRuneInString(word)
		piece = word[:n]
	}
	return piece
}

// enough is more bytes than w cells of anything that people write take: beyond
// them nobody has to measure.
func enough(w int) int { return 32*w + 256 }

// prose wraps a text to a width that is comfortable to read, in a style.
func prose(s string, w int, render func(...string) string) []string {
	const comfortable = 88
	lines := wrap(s, min(w, comfortable))
	for i := range lines {
		lines[i] = render(lines[i])
	}
	return lines
}

// block makes lines exactly w by h: each line fitted, what is missing filled,
// what is too much left out.
func (l Look) block(lines []string, w, h int) []string {
	out := make([]string, max(0, h))
	for i := range out {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		out[i] = l.fit(line, w)
	}
	return out
}

// beside puts blocks side by side, each fitted to its width.
func (l Look) beside(gap int, columns ...column) []string {
	h := 0
	for _, c := range columns {
		h = max(h, len(c.lines))
	}
	out := make([]string, h)
	for i := range out {
		parts := make([]string, len(columns))
		for n, c := range columns {
			line := ""
			if i < len(c.lines) {
				line = c.lines[i]
			}
			parts[n] = l.fit(line, c.w)
		}
		out[i] = strings.Join(parts, strings.Repeat(" ", gap))
	}
	return out
}

// column is a block of lines of one width.
type column struct {
	w     int
	lines []string
}

// indent puts n spaces before every line.
func indent(n int, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.Repeat(" ", n) + line
	}
	return out
}

// count is a number with its noun.
func count(n int, noun string) string {
	s := itoa(n) + " " + noun
	if n != 1 {
		s += "s"
	}
	return s
}
