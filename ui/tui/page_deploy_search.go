package tui

import (
	"regexp"

	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/engine"
)

// search is what is looked for in a log.
type search struct {
	// typing says that the text is being typed.
	typing bool
	text   string
	of     *regexp.Regexp
	// hits are the lines that have it, and at is the one the person is on.
	hits []int
	at   int
}

// seek looks for a text in all that is kept, without regard to capitals, and
// goes to the last line that has it.
func (v *logView) seek(text string, lines *engine.Lines) {
	v.freeze(lines)
	s := search{typing: v.search.typing, text: text, at: -1}
	if text != "" {
		s.of = regexp.MustCompile("(?i)" + regexp.QuoteMeta(text))
		for i, l := range v.lines {
			if s.of.MatchString(l.Text) {
				s.hits = append(s.hits, i)
			}
		}
		s.at = len(s.hits) - 1
	}
	v.search = s
	v.show()
}

// another goes to the hit before or after, and round at both ends.
func (v *logView) another(by int) {
	if n := len(v.search.hits); n > 0 {
		v.search.at = (v.search.at + by + n) % n
		v.show()
	}
}

// show scrolls to the hit, about the middle of the view.
func (v *logView) show() {
	if v.search.at < 0 || v.search.at >= len(v.search.hits) {
		return
	}
	v.bottom = min(v.search.hits[v.search.at]+v.h/2, len(v.lines)-1)
}

// searchKey types what to look for. It is looked for with every letter.
func (p *deploy) searchKey(k tea.KeyPressMsg) bool {
	text := p.log.search.text
	switch {
	case k.String() == "enter":
		p.log.search.typing = false
		if text == "" {
			p.log.follow(p.of.Lines)
		}
	case k.String() == "esc":
		p.log.follow(p.of.Lines)
	case k.String() == "backspace":
		if runes := []rune(text); len(runes) > 0 {
			p.seek(string(runes[:len(runes)-1]))
		}
	case k.String() == "ctrl+u":
		p.seek("")
	case k.Text != "":
		p.seek(text + k.Text)
	default:
		return false
	}
	return true
}

func (p *deploy) seek(text string) { p.log.seek(text, p.of.Lines) }
