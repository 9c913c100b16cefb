package main

import "testing"

func TestChooseFace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		plain        bool
		typed, shown bool
		env          map[string]string
		want         face
	}{
		{"a terminal", false, true, true, map[string]string{"TERM": "xterm-256color"}, faceScreen},
		{"one with no colours", false, true, true, map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, faceScreen},
		{"--plain", true, true, true, map[string]string{"TERM": "xterm"}, facePlain},
		{"a screen reader", false, true, true, map[string]string{"TERM": "xterm", "ACCESSIBLE": "1"}, facePlain},
		{"none", false, true, true, map[string]string{"TERM": "xterm", "ACCESSIBLE": "0"}, faceScreen},
		{"a dumb terminal", false, true, true, map[string]string{"TERM": "dumb"}, facePlain},
		{"one that nobody knows", false, true, true, nil, facePlain},
		{"answers from a pipe", false, false, true, map[string]string{"TERM": "xterm"}, facePlain},
		{"into a file", false, true, false, map[string]string{"TERM": "xterm"}, facePlain},
		{"neither", false, false, false, map[string]string{"TERM": "xterm"}, facePlain},
	} {
		got := chooseFace(surroundings{plain: tt.plain, typed: tt.typed, shown: tt.shown, env: func(key string) string { return tt.env[key] }})
		if got != tt.want {
			t.Errorf("%s: face %d, want %d", tt.name, got, tt.want)
		}
	}
}
