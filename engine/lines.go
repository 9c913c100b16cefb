package engine

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// ringLines is how many lines are kept of each step.
	ringLines = 2000
	// linesBudget bounds the memory of all rings together, in bytes. It holds
	// about 20,000 lines of ordinary length: beyond it the step that has most
	// loses its oldest.
	linesBudget = 4 << 20
	// lineCost is what a line takes beside its text.
	lineCost = 128
	// maxLine is the longest text of a line, in bytes; the rest is cut off.
	maxLine = 8 << 10
)

// Line is one line of live output.
type Line struct {
	// Seq counts the lines of a run from 1, over all steps.
	Seq  uint64
	Time time.Time
	Step string
	// Host is empty for a step on the operator's own machine.
	Host string
	// Source names where it came from: "stderr", a container's name.
	Source string
	// Text has no line break, no control character, and is valid UTF-8 of at
	// most 8 KiB.
	Text string
}

// Progress is how far a step is.
type Progress struct {
	Time time.Time
	Step string
	Host string
	// Done and Total are in the unit that What names. Total is 0 where it is
	// not known.
	Done, Total int64
	What        string
}

// Lines is the live output of a run, as state that faces sample and not as
// events: the last lines of each step, in rings of bounded size, how far each
// step is, and a transcript that has every line. All methods may be called
// from many goroutines; Append waits for no reader.
type Lines struct {
	mu    sync.Mutex
	rings map[string]*ring
	total uint64
	bytes int

	progressMu sync.Mutex
	progress   map[string]Progress
	updates    uint64

	transcript transcript
}

// NewLines returns an empty Lines that writes every line to transcript as
// well, buffered; nil: there is no transcript.
func NewLines(transcript io.Writer) *Lines {
	l := &Lines{rings: make(map[string]*ring), progress: make(map[string]Progress)}
	l.transcript.open(transcript)
	return l
}

// Append adds one line; its Seq is set by Append. A text with line breaks
// becomes several lines, control characters and escape sequences are taken
// out, and what is longer than 8 KiB is cut.
func (l *Lines) Append(line Line) {
	whole := line.Text
	for text := range strings.SplitSeq(whole, "\n") {
		line.Text = CleanLine(text)
		if len(text) < len(whole) {
			// A ring that keeps one line must not keep the others in memory.
			line.Text = strings.Clone(line.Text)
		}
		l.append(line)
	}
}

func (l *Lines) append(line Line) {
	l.mu.Lock()
	l.total++
	line.Seq = l.total
	r := l.rings[line.Step]
	if r == nil {
		r = &ring{}
		l.rings[line.Step] = r
	}
	if r.n == ringLines {
		l.bytes -= r.drop()
	}
	l.bytes += r.push(line)
	for l.bytes > linesBudget {
		// An eighth at a time, so that a flood does not look for the largest
		// at every line.
		most := l.largest()
		for range max(1, most.n/8) {
			l.bytes -= most.drop()
		}
	}
	l.mu.Unlock()
	l.transcript.line(line)
}

// largest returns the ring that takes most memory. It is called with mu held.
func (l *Lines) largest() *ring {
	var most *ring
	for _, r := range l.rings {
		if most == nil || r.bytes > most.bytes {
			most = r
		}
	}
	return most
}

// Total returns how many lines there have been. A face that finds it unchanged
// has nothing to draw.
func (l *Lines) Total() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// Tail returns the last n lines of a step that are still kept, the oldest
// first; of all steps together where step is empty.
func (l *Lines) Tail(step string, n int) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if step != "" {
		r := l.rings[step]
		if r == nil {
			return nil
		}
		return r.last(n)
	}
	var all []Line
	for _, r := range l.rings {
		all = append(all, r.last(n)...)
	}
	slices.SortFunc(all, bySeq)
	return all[max(0, len(all)-n):]
}

// Since returns the lines of all steps that came after the line with the given
// Seq, in order, and how many of them are no longer kept. The Seq to ask with
// the next time is seq + dropped + the number of lines returned.
func (l *Lines) Since(seq uint64) (news []Line, dropped uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq >= l.total {
		return nil, 0
	}
	for _, r := range l.rings {
		news = append(news, r.after(seq)...)
	}
	slices.SortFunc(news, bySeq)
	return news, l.total - seq - uint64(len(news))
}

func bySeq(a, b Line) int { return cmp.Compare(a.Seq, b.Seq) }

// SetProgress replaces what is known of the progress of p.Step.
func (l *Lines) SetProgress(p Progress) {
	p.What = CleanLine(p.What)
	l.progressMu.Lock()
	defer l.progressMu.Unlock()
	l.progress[p.Step] = p
	l.updates++
}

// Progress returns the last progress of a step, and whether it told any.
func (l *Lines) Progress(step string) (Progress, bool) {
	l.progressMu.Lock()
	defer l.progressMu.Unlock()
	p, ok := l.progress[step]
	return p, ok
}

// Updates returns how many times any progress was set.
func (l *Lines) Updates() uint64 {
	l.progressMu.Lock()
	defer l.progressMu.Unlock()
	return l.updates
}

// Flush hands the transcript's buffer to its writer. It returns the first
// error that the writer ever gave, after which the transcript has ended: the
// rings go on.
func (l *Lines) Flush() error { return l.transcript.flush() }

// ring keeps the last lines of one step.
type ring struct {
	// buf grows as it fills, up to ringLines; then it is used in a circle.
	buf   []Line
	start int
	n     int
	bytes int
}

func (r *ring) push(line Line) (bytes int) {
	if r.n == len(r.buf) {
		grown := make([]Line, min(max(16, 2*r.n), ringLines))
		copy(grown, r.last(r.n))
		r.buf, r.start = grown, 0
	}
	r.buf[(r.start+r.n)%len(r.buf)] = line
	r.n++
	bytes = lineCost + len(line.Text)
	r.bytes += bytes
	return bytes
}

// drop forgets the oldest line and returns what that frees.
func (r *ring) drop() (bytes int) {
	oldest := &r.buf[r.start]
	bytes = lineCost + len(oldest.Text)
	*oldest = Line{}
	r.start = (r.start + 1) % len(r.buf)
	r.n--
	r.bytes -= bytes
	return bytes
}

func (r *ring) at(i int) Line { return r.buf[(r.start+i)%len(r.buf)] }

func (r *ring) last(n int) []Line {
	n = min(n, r.n)
	lines := make([]Line, 0, max(0, n))
	for i := r.n - n; i < r.n; i++ {
		lines = append(lines, r.at(i))
	}
	return lines
}

func (r *ring) after(seq uint64) []Line {
	i := r.n
	for i > 0 && r.at(i-1).Seq > seq {
		i--
	}
	return r.last(r.n - i)
}

// CleanLine makes text fit for a terminal, a file and a JSON string: a remote
// program must not move the operator's cursor. Escape sequences go whole,
// other control characters become nothing, tabs become a space.
func CleanLine(text string) string {
	if len(text) > maxLine {
		cut := maxLine
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		// The clone lets go of the rest, which may be very long.
		text = strings.Clone(text[:cut])
	}
	plain := true
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return text
	}
	return stripControls(strings.ToValidUTF8(text, "\uFFFD"))
}

func stripControls(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	const (
		outside    = iota
		escape     // after ESC
		sequence   // in ESC [ …, ended by a byte from @ to ~
		oscommand  // in ESC ] …, ended by BEL or ESC \
		oscommand2 // after an ESC in it
	)
	state := outside
	for _, r := range text {
		switch state {
		case escape:
			switch r {
			case '[':
				state = sequence
			case ']', 'P', '_', '^', 'X':
				state = oscommand
			case '(', ')', '#', '%', ' ':
				// One more character belongs to it.
				state = oscommand2
			default:
				state = outside
			}
		case sequence:
			if r >= '@' && r <= '~' {
				state = outside
			}
		case oscommand:
			switch r {
			case '\a':
				state = outside
			case '\x1b':
				state = oscommand2
			}
		case oscommand2:
			state = outside
		default:
			switch {
			case r == '\x1b':
				state = escape
			case r == '\u009b':
				state = sequence
			case r == '\t':
				b.WriteByte(' ')
			case r < ' ' || r >= 0x7f && r < 0xa0:
			case r == '\u202a' || r == '\u202b' || r == '\u202d' || r == '\u202e' || r >= '\u2066' && r <= '\u2069':
				// Overrides of the writing direction can make a line read as
				// another.
			default:
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}
