package tui

import (
	"strings"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/rcwizard/rcwizard/engine"
)

const (
	// tailLines is how many lines are taken while the log is followed: more than
	// a screen has rows.
	tailLines = 200
	// keptLines is more than the engine keeps of a step.
	keptLines = 1 << 16
)

// logView shows the live output of one step. It follows the last line until the
// person scrolls up; then it stands still, on a copy of what is kept, until
// they come back to the end.
type logView struct {
	step  string
	lines []engine.Line
	// seen is how many lines there were of all steps when lines was taken.
	seen uint64
	// frozen says that lines stands still; bottom is then the last one shown,
	// and since how many have come after the copy was made.
	frozen bool
	bottom int
	since  int
	// full says that it has the whole page; long lines are then wrapped.
	full bool
	// h and start are how many rows were shown last, and whether the first line
	// was among them.
	h     int
	start bool

	search search
}

// sample takes what there is to show of a step. It does nothing if no line came
// since.
func (v *logView) sample(lines *engine.Lines, step string) {
	total := lines.Total()
	if step != v.step {
		*v = logView{step: step, full: v.full, h: v.h}
	} else if total == v.seen {
		return
	}
	v.seen = total
	switch {
	case step == "":
	case !v.frozen:
		v.lines = lines.Tail(step, tailLines)
	default:
		v.since = v.after(lines)
	}
}

// after counts the lines that came after the copy, as far as they are kept.
func (v *logView) after(lines *engine.Lines) int {
	last := uint64(0)
	if n := len(v.lines); n > 0 {
		last = v.lines[n-1].Seq
	}
	n := 0
	for _, l := range lines.Tail(v.step, keptLines) {
		if l.Seq > last {
			n++
		}
	}
	return n
}

// freeze lets the view stand still on a copy of all that is kept.
func (v *logView) freeze(lines *engine.Lines) {
	if v.frozen {
		return
	}
	v.frozen, v.since = true, 0
	v.lines = lines.Tail(v.step, keptLines)
	v.bottom = len(v.lines) - 1
}

// follow lets it go with the last line again.
func (v *logView) follow(lines *engine.Lines) {
	v.frozen, v.search = false, search{}
	if v.step != "" {
		v.lines = lines.Tail(v.step, tailLines)
	}
}

// scrolls moves by a key of lists, and says whether it was one.
func (v *logView) scrolls(k tea.KeyPressMsg, keys listKeys, lines *engine.Lines) bool {
	page := max(1, v.h-1)
	switch {
	case key.Matches(k, keys.up):
		v.up(1, lines)
	case key.Matches(k, keys.pageUp):
		v.up(page, lines)
	case key.Matches(k, keys.down):
		v.down(1, lines)
	case key.Matches(k, keys.pageDown):
		v.down(page, lines)
	case key.Matches(k, keys.first):
		v.up(keptLines, lines)
	case key.Matches(k, keys.last):
		v.follow(lines)
	default:
		return false
	}
	return true
}

func (v *logView) up(by int, lines *engine.Lines) {
	if v.start {
		return
	}
	v.freeze(lines)
	v.bottom = max(0, v.bottom-by)
}

func (v *logView) down(by int, lines *engine.Lines) {
	if !v.frozen {
		return
	}
	v.bottom += by
	if v.bottom >= len(v.lines)-1 && len(v.search.hits) == 0 {
		v.follow(lines)
	}
	v.bottom = min(v.bottom, len(v.lines)-1)
}

// render returns at most h rows of w cells, the last of them the last line or the
// one that is scrolled to.
func (v *logView) render(l Look, w, h int) []string {
	v.h, v.start = h, true
	if h <= 0 || len(v.lines) == 0 {
		return nil
	}
	bottom := len(v.lines) - 1
	if v.frozen {
		bottom = min(max(v.bottom, 0), bottom)
	}
	var rows []string
	at := bottom
	for ; at >= 0 && len(rows) < h; at-- {
		rows = append(v.rows(l, at, w, h), rows...)
	}
	v.start = at < 0 && len(rows) <= h
	// Near the first line there is room below.
	for len(rows) < h && bottom+1 < len(v.lines) {
		bottom++
		rows = append(rows, v.rows(l, bottom, w, h)...)
		rows = rows[:min(len(rows), h)]
	}
	if v.frozen {
		v.bottom = bottom
	}
	return rows[max(0, len(rows)-h):]
}

// timeFrom and sourceFrom are the widths from which lines have their time and
// say who said them.
const timeFrom, sourceFrom = 60, 50

// rows are those of one line: one, cut; several, in a full view.
func (v *logView) rows(l Look, i, w, h int) []string {
	line := v.lines[i]
	mark := "  "
	if v.search.at >= 0 && v.search.at < len(v.search.hits) && v.search.hits[v.search.at] == i {
		mark = l.Accent.Render(l.Pointer) + " "
	}
	if w >= timeFrom {
		mark += l.Muted.Render(line.Time.Local().Format("15:04:05")) + " "
	}
	source := ""
	if line.Source != "" && w >= sourceFrom {
		source = line.Source + " " + l.Vertical + " "
	}
	room := max(1, w-width(mark))
	text := source + line.Text
	if !v.full {
		text = l.cut(beginning(text, room+1), room)
		return []string{mark + v.styled(l, text, len(source))}
	}
	var rows []string
	for piece := range pieces(text, room) {
		rows = append(rows, mark+v.styled(l, piece, len(source)))
		mark, source = strings.Repeat(" ", width(mark)), ""
		if len(rows) > h {
			break
		}
	}
	return rows
}

// pieces are parts of a text of at most w cells each.
func pieces(text string, w int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			piece := ansi.Truncate(beginning(text, w+1), w, "")
			if piece == "" || len(piece) >= len(text) {
				yield(text)
				return
			}
			if !yield(piece) {
				return
			}
			text = text[len(piece):]
		}
	}
}

// beginning is enough of a text to fill w cells, and not much more: to measure
// the 8 KiB that a line may have, in every frame, takes time.
func beginning(text string, w int) string {
	const most = 16 // bytes in a cell, with all that may be combined
	if len(text) <= most*w {
		return text
	}
	end := most * w
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// styled writes the source of a line muted, and what is looked for in bold.
func (v *logView) styled(l Look, text string, source int) string {
	source = min(source, len(text))
	head, rest := text[:source], text[source:]
	if head != "" {
		head = l.Muted.Render(head)
	}
	if v.search.of == nil {
		return head + rest
	}
	var b strings.Builder
	b.WriteString(head)
	for {
		at := v.search.of.FindStringIndex(rest)
		if at == nil || at[0] == at[1] {
			b.WriteString(rest)
			return b.String()
		}
		b.WriteString(rest[:at[0]])
		b.WriteString(l.Accent.Render(rest[at[0]:at[1]]))
		rest = rest[at[1]:]
	}
}

// status says how the view stands, for the right end of its title.
func (v *logView) status(l Look) string {
	switch {
	case v.search.typing && v.search.text != "" && len(v.search.hits) == 0:
		return l.Warning.Render("found nowhere")
	case len(v.search.hits) > 0:
		return l.Muted.Render(itoa(v.search.at+1) + " of " + count(len(v.search.hits), "line"))
	case v.search.of != nil:
		return l.Warning.Render("found nowhere")
	case v.frozen && v.since > 0:
		return l.Accent.Render(l.Down + " " + count(v.since, "new line") + " below")
	case v.frozen:
		return l.Muted.Render("standing still")
	}
	return ""
}
