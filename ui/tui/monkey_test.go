package tui

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// TestAnyKeys presses keys at random, pastes, and makes the terminal other
// sizes, from several places. Whatever comes: nothing panics, nothing is drawn
// beyond its room, and the way back to Start is open, unless the wizard was
// left.
func TestAnyKeys(t *testing.T) {
	keys := []string{
		"enter", "enter", "esc", "tab", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pgup", "pgdown",
		"space", "backspace", "delete", "?", "f1", "/", "ctrl+n", "ctrl+r", "ctrl+o", "a", "d", "e", "f", "i", "l", "n", "p", "r", "s", "w", "x",
		"1", "0", ".", ":", "@", "-", "日",
	}
	pastes := []string{
		"192.0.2.10 192.0.2.11\n192.0.2.12, 192.0.2.13", "chat.example.com", "-----BEGIN-----\nabc\n-----END-----", "\x1b[31m\x00\u202e👩‍👩‍👧", "",
	}
	const steps = 250
	for seed := range uint64(6) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 4))
			drive(t, knowing(), Options{ASCII: seed%2 == 1}, func(d *driver) {
				var did []string
				for range steps {
					what := keys[random.IntN(len(keys))]
					switch random.IntN(20) {
					case 0:
						what = "paste"
						d.paste(pastes[random.IntN(len(pastes))])
					case 1:
						what = "resize"
						d.send(tea.WindowSizeMsg{Width: 40 + random.IntN(160), Height: 10 + random.IntN(50)})
					case 2:
						what = "pass"
						d.pass(time.Duration(random.IntN(2000)) * time.Millisecond)
					default:
						d.press(what)
					}
					did = append(did, what)
					if d.quit {
						return
					}
					if l := d.m.layout; !l.small && !fits(t, d.m, l.area.w, l.area.h) {
						t.Fatalf("on %s, after %v", d.m.front, did)
					}
				}
			})
		})
	}
}
