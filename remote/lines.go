package remote

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxLine is how much of one line is kept, in bytes.
	maxLine = 64 << 10
	// lineSlack is kept beyond maxLine until the line is redacted, so that the
	// cut cannot go through a secret of up to this length and show half of it.
	lineSlack = 8 << 10
)

// splitter makes lines of output that arrives in any pieces. A line that a
// program draws again and again after "\r" counts as one, and its last drawing
// is what is told. Terminal sequences and control characters are taken out,
// what is not UTF-8 is replaced, secrets are redacted. Memory is bounded: of a
// line longer than maxLine the beginning is told, with a mark that says how
// much is missing.
type splitter struct {
	emit   func(string)
	redact *Redactor

	buf []byte
	// lost counts the bytes of this line that buf had no room for.
	lost int
	// returned says that "\r" came: the next byte begins a new drawing, unless
	// it ends the line.
	returned bool
	// begun says that the line has at least one byte, a "\r" included.
	begun bool
}

// Write never fails.
func (s *splitter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexAny(p, "\r\n\x00")
		if i < 0 {
			s.add(p)
			break
		}
		if i > 0 {
			s.add(p[:i])
		}
		switch p[i] {
		case '\n':
			s.flush()
		case '\r':
			s.returned, s.begun = true, true
		}
		p = p[i+1:]
	}
	return n, nil
}

// Close tells what is left without an end of line.
func (s *splitter) Close() {
	if s.begun {
		s.flush()
	}
}

func (s *splitter) add(p []byte) {
	s.begun = true
	if s.returned {
		s.buf, s.lost, s.returned = s.buf[:0], 0, false
	}
	room := max(maxLine+lineSlack-len(s.buf), 0)
	if room < len(p) {
		s.lost += len(p) - room
		p = p[:room]
	}
	s.buf = append(s.buf, p...)
}

func (s *splitter) flush() {
	text := s.redact.Redact(clean(s.buf))
	lost := s.lost
	if len(text) > maxLine {
		cut := maxLine
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		lost += len(text) - cut
		text = text[:cut]
	}
	if lost > 0 {
		text += fmt.Sprintf(" … [%d bytes more]", lost)
	}
	s.buf, s.lost, s.returned, s.begun = s.buf[:0], 0, false, false
	if cap(s.buf) > 4<<10 {
		s.buf = nil // one long line must not hold its memory for the rest of a stream
	}
	s.emit(text)
}

// clean is the text of a line as a person may see it in any terminal: valid
// UTF-8 without escape sequences and without control characters but the tab.
func clean(b []byte) string {
	plain := true
	for _, c := range b {
		if c < ' ' && c != '\t' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return string(b)
	}
	var out strings.Builder
	out.Grow(len(b))
	for len(b) > 0 {
		if b[0] == 0x1b {
			b = b[escape(b):]
			continue
		}
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		switch {
		case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0:
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			// Bidirectional overrides could make a line read as another.
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// escape is the length of the terminal sequence that b begins with, by
// ECMA-48; a sequence that does not end takes the rest.
func escape(b []byte) int {
	if len(b) < 2 {
		return len(b)
	}
	switch c := b[1]; {
	case c == '[': // CSI: parameters, then one final byte
		for i := 2; i < len(b); i++ {
			if b[i] >= 0x40 && b[i] <= 0x7e {
				return i + 1
			}
			if b[i] < 0x20 || b[i] > 0x7e {
				return i
			}
		}
		return len(b)
	case c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_': // strings up to BEL or ESC \
		for i := 2; i < len(b); i++ {
			if b[i] == 0x07 {
				return i + 1
			}
			if b[i] == 0x1b {
				if i+1 < len(b) && b[i+1] == '\\' {
					return i + 2
				}
				return i
			}
		}
		return len(b)
	case c >= 0x20 && c <= 0x2f: // intermediate bytes, then one final byte
		for i := 2; i < len(b); i++ {
			if b[i] >= 0x30 && b[i] <= 0x7e {
				return i + 1
			}
			if b[i] < 0x20 || b[i] > 0x7e {
				return i
			}
		}
		return len(b)
	case c >= 0x30 && c <= 0x7e:
		return 2
	default:
		return 1
	}
}

// tail keeps the last lines of a stream.
type tail struct {
	lines []string
	size  int
}

const (
	tailLines = 200
	tailBytes = 64 << 10
)

func (t *tail) add(line string) {
	t.lines = append(t.lines, line)
	t.size += len(line) + 1
	for len(t.lines) > tailLines || t.size > tailBytes && len(t.lines) > 1 {
		t.size -= len(t.lines[0]) + 1
		t.lines = t.lines[1:]
	}
}

func (t *tail) String() string {
	if len(t.lines) == 0 {
		return ""
	}
	return strings.Join(t.lines, "\n") + "\n"
}
