package plain

import (
	"unicode/utf8"

	"github.com/rcwizard/rcwizard/internal/plaintext"
)

// narrowest is the least room that is worth breaking a text for.
const narrowest = 20

// wrap breaks a text between words so that no line is longer than the
// terminal, and indents what follows the first. indent is also how much stands
// before the text already. Without a known width nothing is broken: what reads
// a pipe wants one line for one event. A word that is longer than the room,
// such as a path, stays whole.
func (s Style) wrap(text string, indent int) string {
	room := s.Columns - indent
	if s.Columns == 0 || room < narrowest || utf8.RuneCountInString(text) <= room {
		return text
	}
	return plaintext.Wrap(text, room, indent)
}
