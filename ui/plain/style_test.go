package plain

import (
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/engine"
)

func TestDetect(t *testing.T) {
	for name, tt := range map[string]struct {
		terminal bool
		env      map[string]string
		want     Style
	}{
		"a modern terminal":        {true, map[string]string{"LANG": "de_DE.UTF-8", "TERM": "xterm-256color"}, Style{Colour: true}},
		"the spelling utf8":        {true, map[string]string{"LANG": "C.utf8", "TERM": "xterm"}, Style{Colour: true}},
		"no colour wanted":         {true, map[string]string{"LANG": "C.UTF-8", "TERM": "xterm", "NO_COLOR": "1"}, Style{}},
		"a dumb terminal":          {true, map[string]string{"LANG": "C.UTF-8", "TERM": "dumb"}, Style{}},
		"a pipe":                   {false, map[string]string{"LANG": "C.UTF-8", "TERM": "xterm"}, Style{}},
		"LC_ALL goes before LANG":  {false, map[string]string{"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, Style{ASCII: true}},
		"an empty LC_ALL does not": {false, map[string]string{"LC_ALL": "", "LC_CTYPE": "en_US.UTF-8", "LANG": "C"}, Style{}},
		"nothing is set":           {false, nil, Style{ASCII: true}},
		"another character set":    {false, map[string]string{"LANG": "de_DE.ISO-8859-1"}, Style{ASCII: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := detect(tt.terminal, func(key string) string { return tt.env[key] }); got != tt.want {
				t.Errorf("style %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{size(0), "0 B"},
		{size(999), "999 B"},
		{size(1000), "1.0 kB"},
		{size(431_000_000), "431 MB"},
		{size(1_234_000_000), "1.2 GB"},
		{size(1 << 62), "4.6 EB"},
		{duration(250 * time.Millisecond), "0.2 s"},
		{duration(59 * time.Second), "59 s"},
		{duration(185 * time.Second), "3 min 5 s"},
		{duration(7321 * time.Second), "2 h 2 min"},
		{far(engine.Progress{Done: 120_000_000, Total: 431_000_000, What: "bytes"}), "120 MB of 431 MB (27 %)"},
		{far(engine.Progress{Done: 3, Total: 12, What: "images"}), "3 of 12 images (25 %)"},
		{far(engine.Progress{Done: 3, What: "attempts"}), "3 attempts"},
		{far(engine.Progress{Done: 3}), "3"},
		{far(engine.Progress{Done: 13, Total: 12}), "13 of 12 (100 %)"},
		{count(1, "step"), "1 step"},
		{count(0, "step"), "0 steps"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}
