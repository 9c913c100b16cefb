package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
)

// keyMap is every key that means the same everywhere. What is one page's own is
// with that page.
type keyMap struct {
	next, back key.Binding
	help       key.Binding
	// helpTyping is help where a question mark is text.
	helpTyping key.Binding
	quit       key.Binding
	suspend    key.Binding
	list       listKeys
	form       formKeys
}

// listKeys move in a list.
type listKeys struct{ up, down, pageUp, pageDown, first, last key.Binding }

// formKeys move between fields.
type formKeys struct{ next, previous, left, right, reveal, submit key.Binding }

// keyGroup is keys that belong together, for the help.
type keyGroup struct {
	title string
	keys  []key.Binding
}

func newKeyMap(g Glyphs) keyMap {
	bind := func(help, what string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(help, what))
	}
	return keyMap{
		next:       bind("enter", "next", "enter"),
		back:       bind("esc", "back", "esc", "ctrl+b"),
		help:       bind("?", "help", "?", "f1"),
		helpTyping: bind("f1", "help", "f1"),
		quit:       bind("ctrl+c", "quit", "ctrl+c"),
		suspend:    bind("ctrl+z", "suspend", "ctrl+z"),
		list: listKeys{
			up:       bind(g.KeyUp, "up", "up", "k"),
			down:     bind(g.KeyDown, "down", "down", "j"),
			pageUp:   bind("pgup", "page up", "pgup"),
			pageDown: bind("pgdn", "page down", "pgdown"),
			first:    bind("home", "first", "home", "g"),
			last:     bind("end", "last", "end", "G"),
		},
		form: formKeys{
			next:     bind("tab", "next field", "tab", "down"),
			previous: bind("shift+tab", "field before", "shift+tab", "up"),
			left:     bind(g.KeyLeft, "choice before", "left"),
			right:    bind(g.KeyRight, "next choice", "right"),
			reveal:   bind("ctrl+r", "show what is typed", "ctrl+r"),
			submit:   bind("ctrl+n", "next page", "ctrl+n"),
		},
	}
}

// keyLine is the last row: the keys of the page from the left, as many as there
// is room for, and those that are always there at the right end.
func (l Look) keyLine(own, always []key.Binding, w int) string {
	const gap = 3
	text := func(keys []key.Binding, room int) (string, int) {
		var b strings.Builder
		used := 0
		for _, k := range keys {
			h := k.Help()
			if !k.Enabled() || h.Key == "" {
				continue
			}
			need := width(h.Key) + 1 + width(h.Desc)
			if used > 0 {
				need += gap
			}
			if used+need > room {
				break
			}
			if used > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			b.WriteString(l.Strong.Render(h.Key) + " " + l.Muted.Render(h.Desc))
			used += need
		}
		return b.String(), used
	}
	right, used := text(always, w)
	left, _ := text(own, w-used-gap)
	return l.ends(left, right, w)
}
