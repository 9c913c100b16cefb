package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
)

const (
	// besideFrom is the width of the page from which the log stands beside the
	// hosts; below, it stands below them, where its lines have the whole width.
	besideFrom = 84
	// leastLog is how many rows of log there are at least, with its title.
	leastLog = 4
	// roomyFrom is the height from which there is room for an empty row.
	roomyFrom = 14
)

// Render draws how the run stands, the hosts, and the log of the step that is
// chosen.
func (p *deploy) Render(w, h int) drawing {
	look := p.c.look
	if p.c.run == nil {
		return drawing{lines: p.before(w, h)}
	}
	if p.log.full {
		return p.pane(nil, w, h, 0)
	}
	lines := append([]string{p.headline(w)}, p.notice(w)...)
	if h >= roomyFrom && len(lines) > 2 {
		lines = append(lines, "")
	}
	room := h - len(lines)
	if w >= besideFrom {
		left := min(max(44, w*46/100), 64)
		const gap = 3
		p.list.fit(&p.record, room)
		hosts := p.list.render(&p.record, p.listing(), left, room)
		d := p.pane(nil, w-left-gap, room, left+gap)
		if d.cursor != nil {
			d.cursor.y += len(lines)
		}
		d.lines = append(lines, look.beside(gap, column{left, hosts}, column{w - left - gap, d.lines})...)
		return d
	}
	p.list.fit(&p.record, room/2)
	rows := min(len(p.list.places(&p.record)), max(room/2, 1), room-leastLog)
	lines = append(lines, p.list.render(&p.record, p.listing(), w, rows)...)
	if room-rows > leastLog+4 {
		lines = append(lines, "")
	}
	return p.pane(lines, w, h-len(lines), 0)
}

func (p *deploy) listing() listing {
	d := listing{
		look: p.c.look, beat: p.c.beat, now: p.now(), focus: !p.inLog, lines: p.c.run.Lines, over: p.over,
	}
	if p.c.run.Lost != nil && !p.over {
		d.lost = p.lost
	}
	return d
}

// pane is the log with its title, behind what is drawn already; x is where it
// begins.
func (p *deploy) pane(before []string, w, h, x int) drawing {
	if h <= 0 {
		return drawing{lines: before}
	}
	title, at := p.logTitle(w)
	d := drawing{lines: append(before, title)}
	if at >= 0 {
		d.cursor = &point{x + at, len(d.lines) - 1}
	}
	if s := p.shown(); s != nil && w < longBarFrom {
		// The list has no room for the bytes.
		if part, ok := p.listing().progress(s); ok && h > leastLog {
			far := ofBytes(part.Done, part.Total)
			bar := p.c.look.bar(float64(part.Done)/float64(part.Total), max(0, w-4-bytesWidth))
			d.lines = append(d.lines, "  "+bar+"  "+p.c.look.cut(far, bytesWidth))
			h--
		}
	}
	rows := p.log.render(p.c.look, w, h-1)
	if len(rows) == 0 && h > 1 {
		rows = []string{"  " + p.c.look.Muted.Render(p.c.look.cut(p.silence(), w-2))}
	}
	d.lines = append(d.lines, rows...)
	return d
}

// silence says why there is no line.
func (p *deploy) silence() string {
	s := p.shown()
	switch {
	case s == nil:
		return "The log of each step is shown here."
	case s.state == stepWaiting:
		return "This step has not begun."
	case s.state == stepRunning:
		return "Nothing was said yet."
	case s.state == stepSkipped:
		return "This step was not begun: " + s.why + "."
	case s.why != "":
		return s.why
	}
	return "This step said nothing."
}

// logTitle is the row above the log: whose it is, or what is looked for, and how
// it stands. cursor is the cell of the cursor, below 0 where there is none.
func (p *deploy) logTitle(w int) (title string, cursor int) {
	look := p.c.look
	mark := "  "
	if p.inLog || p.log.full {
		mark = look.Accent.Render(look.Pointer) + " "
	}
	status := p.log.status(look)
	if status == "" && p.following && !p.over {
		status = look.Muted.Render("following")
	}
	room := w - width(mark) - width(status) - 4
	cursor = -1
	name := ""
	if s := p.shown(); s != nil {
		name = s.title() + " on " + hostName(s.Host)
	}
	switch search := p.log.search; {
	case search.typing:
		text := look.cutLeft("/"+search.text, max(1, room-1))
		cursor = width(mark) + width(text)
		name = look.Accent.Render(text)
	case search.of != nil:
		name = look.Strong.Render(look.cut("/"+search.text, room))
	default:
		name = look.Strong.Render(look.cut(name, room))
	}
	left := mark + name
	rule := w - width(left) - width(status) - 2
	if status != "" {
		rule--
	}
	if cursor >= 0 {
		rule--
		left += " "
	}
	title = left + " " + look.rule(max(0, rule))
	if status != "" {
		title += " " + status
	}
	return look.cut(title, w), cursor
}

// takesBack reports whether the run takes back what was begun, which the first stop
// lets come to its end.
func (p *deploy) takesBack() bool { return p.record.plan == ui.DoingTakeBack }

// headline is how the whole run stands.
func (p *deploy) headline(w int) string {
	look := p.c.look
	all, done, failed, _ := p.record.numbers()
	_, doing, carriedOut := p.c.what()
	if p.takesBack() {
		doing = "Taking back"
	}
	left := look.spin(p.c.beat) + " " + look.Strong.Render(doing)
	switch {
	case p.over && p.c.end.conclusion.Summary.Outcome == engine.Succeeded:
		left = look.word(good, carriedOut)
	case p.over && failed > 0:
		left = look.word(bad, "failed")
	case p.over:
		left = look.word(warning, "stopped")
	case all == 0:
		left = look.spin(p.c.beat) + " " + look.Strong.Render("Beginning")
	case p.takesBack() && p.record.stop != engine.Cancel && p.stops < 2: // it goes on
	case p.record.stop != "" || p.stops > 0:
		left = look.spin(p.c.beat) + " " + look.Warning.Render("Stopping")
	}
	right := fmt.Sprintf("%d of %s", done, count(all, "step"))
	if failed > 0 {
		right = look.Bad.Render(itoa(failed)+" failed") + "   " + right
	}
	right += "   " + look.fitRight(clock(p.elapsed()), len("00:00"))
	const leadWidth, gap = 14, 2
	bar := w - leadWidth - width(right) - gap
	if bar < shortBar {
		return look.ends(left, right, w)
	}
	return look.fit(left, leadWidth) + look.bar(float64(done)/float64(max(1, all)), bar) + strings.Repeat(" ", gap) + right
}

// notice is what stands below the headline: how the run is being stopped and how
// it goes on another day; else the last note; else nothing, on a row of its own.
func (p *deploy) notice(w int) []string {
	look := p.c.look
	if text := p.stopText(); text != "" {
		lines := wrap(text, w-2)
		for i, line := range lines {
			mark := "  "
			if i == 0 {
				mark = look.sign(warning) + " "
			}
			lines[i] = mark + look.Warning.Render(line)
		}
		return lines
	}
	if p.over {
		return []string{look.Muted.Render(look.cut(p.overText(), w))}
	}
	if p.record.note != "" {
		return []string{look.cut(look.sign(p.record.noteTone)+" "+look.style(p.record.noteTone).Render(p.record.note), w)}
	}
	return []string{""}
}

// overText says what to do once the run is over, to whoever is reading.
func (p *deploy) overText() string {
	if p.c.end.conclusion.Summary.Outcome == engine.Succeeded {
		return "Everything is carried out. Enter shows the count."
	}
	return "The run is over. Enter shows why, and how to go on."
}

// before is the page before there is a run: connecting, or why there is none.
func (p *deploy) before(w, h int) []string {
	look := p.c.look
	if p.err != nil {
		lines := look.finding(bad, "The deployment did not begin: "+p.err.Error(), "Nothing was changed on any host by it.", w)
		return p.scroll.show(look, lines, h)
	}
	lines := []string{look.spin(p.c.beat) + " " + look.Strong.Render("Beginning") + look.Muted.Render("   connecting to the hosts and taking their locks"), ""}
	if text := p.stopText(); text != "" {
		lines = append(lines, prose(text, w, look.Warning.Render)...)
	}
	for i := range lines {
		lines[i] = look.cut(lines[i], w)
	}
	return lines[:min(len(lines), h)]
}

// clock is a time as a stop-watch shows it: 0:07, 12:34, 1:02:03.
func clock(t time.Duration) string {
	s := int(t / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// ofBytes is how many bytes there are of how many, in the unit of the whole, as
// registries count them.
func ofBytes(done, total int64) string {
	const mega, giga = 1e6, 1e9
	if total >= giga {
		return fmt.Sprintf("%.2f of %.2f GB", float64(done)/giga, float64(total)/giga)
	}
	return fmt.Sprintf("%.0f of %.0f MB", float64(done)/mega, float64(total)/mega)
}
