package script

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sequence is what a terminal (xterm, without extended keys) sends when the key
// is pressed. Names are those of the package's comment.
func Sequence(key string) (string, error) {
	name, shift, alt, ctrl := key, false, false, false
	for {
		switch {
		case strings.HasPrefix(name, "shift+") && !shift:
			name, shift = name[len("shift+"):], true
			continue
		case strings.HasPrefix(name, "alt+") && !alt:
			name, alt = name[len("alt+"):], true
			continue
		case strings.HasPrefix(name, "ctrl+") && !ctrl:
			name, ctrl = name[len("ctrl+"):], true
			continue
		}
		break
	}
	if final, ok := csiKeys()[name]; ok {
		return csi(final, shift, alt, ctrl), nil
	}
	sequence, err := plainKey(name, shift, ctrl)
	if err != nil {
		return "", fmt.Errorf("no such key: %q", key)
	}
	if alt {
		sequence = "\x1b" + sequence
	}
	return sequence, nil
}

// csiKeys are the keys that send a control sequence, each with its parameter and final byte.
func csiKeys() map[string]string {
	return map[string]string{
		"up": "1A", "down": "1B", "right": "1C", "left": "1D", "home": "1H", "end": "1F",
		"delete": "3~", "pgup": "5~", "pgdown": "6~",
		"f1": "1P", "f2": "1Q", "f3": "1R", "f4": "1S", "f5": "15~", "f6": "17~", "f7": "18~", "f8": "19~",
		"f9": "20~", "f10": "21~", "f11": "23~", "f12": "24~",
	}
}

func csi(key string, shift, alt, ctrl bool) string {
	parameter, final := key[:len(key)-1], key[len(key)-1:]
	modifier := 1
	for i, held := range []bool{shift, alt, ctrl} {
		if held {
			modifier += 1 << i
		}
	}
	switch {
	case modifier > 1:
		return fmt.Sprintf("\x1b[%s;%d%s", parameter, modifier, final)
	case strings.Contains("PQRS", final): // F1 to F4
		return "\x1bO" + final
	case parameter == "1":
		return "\x1b[" + final
	}
	return "\x1b[" + key
}

// plainKey is a key that sends one character, or none where there is no such.
func plainKey(name string, shift, ctrl bool) (string, error) {
	named := map[string]string{"enter": "\r", "tab": "\t", "esc": "\x1b", "space": " ", "backspace": "\x7f"}
	sequence, isNamed := named[name]
	switch {
	case name == "tab" && shift && !ctrl:
		return "\x1b[Z", nil
	case name == "space" && ctrl && !shift:
		return "\x00", nil
	case isNamed && !shift && !ctrl:
		return sequence, nil
	case isNamed || utf8.RuneCountInString(name) != 1 || shift:
		return "", fmt.Errorf("no such key: %q", name)
	}
	r, _ := utf8.DecodeRuneInString(name)
	switch {
	case ctrl && r >= 'a' && r <= 'z':
		return string(r - 'a' + 1), nil
	case ctrl && r >= '[' && r <= '_':
		return string(r - '@'), nil
	case ctrl || r == utf8.RuneError || !unicode.IsPrint(r):
		return "", fmt.Errorf("no such key: %q", name)
	}
	return name, nil
}
