package plain

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		name          string
		columns       int
		indent        int
		text, wrapped string
	}{
		{"no terminal", 0, 4, strings.Repeat("word ", 40), strings.Repeat("word ", 40)},
		{"it fits", 40, 4, "it fits just so", "it fits just so"},
		{"two lines", 40, 10, "the quick brown fox jumps over the dog", "the quick brown fox jumps over\n          the dog"},
		{"a long word", 40, 10, "look into /opt/rocketchat/instances/rc1/compose.yml now", "look into\n          /opt/rocketchat/instances/rc1/compose.yml\n          now"},
		{"no room", 40, 30, strings.Repeat("word ", 40), strings.Repeat("word ", 40)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (Style{Columns: test.columns}).wrap(test.text, test.indent); got != test.wrapped {
				t.Errorf("got\n%q, want\n%q", got, test.wrapped)
			}
		})
	}
}

// No line that can be broken is wider than the terminal.
func TestWrapKeepsWithinTheTerminal(t *testing.T) {
	text := "prüfe 進度 ✓ the containers of the project: they run; one more look at each of them"
	for columns := 45; columns <= 120; columns++ {
		for n, line := range strings.Split(Style{Columns: columns}.wrap(text, 20), "\n") {
			width := utf8.RuneCountInString(line)
			if n == 0 {
				width += 20
			}
			if width > columns {
				t.Errorf("%d columns: %q is %d wide", columns, line, width)
			}
		}
	}
}
