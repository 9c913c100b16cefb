// Package plaintext lays out sentences for terminals, pipes and files. It draws
// nothing and knows no colours; the wizard's screen has means of its own.
package plaintext

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Width is where reports break their sentences, whatever the terminal: they are
// kept, sent to others and compared.
const Width = 80

// Wrap breaks text between words, so that no line is longer than room, and puts
// indent spaces before each line but the first. White space of the text becomes
// single spaces; a word that is longer than room, such as a path, stays whole.
func Wrap(text string, room, indent int) string {
	var b strings.Builder
	used := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case used == 0:
		case used+1+n > room:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

// Paragraph writes text after a label, wrapped at Width, with the lines that
// follow under the first.
func Paragraph(b *bytes.Buffer, label, text string) {
	column := utf8.RuneCountInString(label)
	b.WriteString(label + Wrap(text, Width-column, column) + "\n")
}

// Printable keeps what hosts sent from steering the terminal: all that is no
// character to see becomes a question mark, except for line ends.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return '?'
		}
		return r
	}, s)
}
