package tui

import (
	"fmt"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/engine"
)

// hostList is the hosts of a run, each in one row with the step that it is at,
// or with all its steps below. Where there is room for all of them, all are
// shown; nothing else opens or closes a host but the person.
type hostList struct {
	list

	// toggled are the hosts that are not as the room has it.
	toggled map[string]bool
	// all says that there was room for every step when it was drawn last.
	all bool
	h   int
}

// place is one row of the list: a host, or one of its steps.
type place struct {
	host *hostRecord
	step *stepRecord
}

func (p *hostList) open(h *hostRecord) bool { return p.all != p.toggled[h.name] }

// places are the rows there are.
func (p *hostList) places(r *record) []place {
	var out []place
	for _, h := range r.hosts {
		out = append(out, place{host: h})
		if p.open(h) {
			for _, s := range h.steps {
				out = append(out, place{h, s})
			}
		}
	}
	return out
}

// rowsNeeded is how many rows there are when every host is open.
func rowsNeeded(r *record) int {
	n := len(r.hosts)
	for _, h := range r.hosts {
		n += len(h.steps)
	}
	return n
}

// chosen is the step whose log is shown; nil before there is any.
func (p *hostList) chosen(r *record) *stepRecord {
	at, ok := p.row(r)
	switch {
	case !ok:
		return nil
	case at.step != nil:
		return at.step
	}
	return at.host.current()
}

func (p *hostList) row(r *record) (place, bool) {
	all := p.places(r)
	p.resize(len(all))
	if len(all) == 0 {
		return place{}, false
	}
	return all[p.at], true
}

// choose moves to a step, or to its host where that is closed.
func (p *hostList) choose(r *record, s *stepRecord) {
	for i, at := range p.places(r) {
		if at.step == s || at.step == nil && at.host.name == s.Host && !p.open(at.host) {
			p.at = i
			return
		}
	}
}

// toggle opens or closes the host of the row.
func (p *hostList) toggle(r *record, open bool) {
	at, ok := p.row(r)
	if !ok || p.open(at.host) == open {
		return
	}
	if p.toggled == nil {
		p.toggled = make(map[string]bool)
	}
	p.toggled[at.host.name] = !p.toggled[at.host.name]
	for i, other := range p.places(r) {
		if other.host == at.host {
			p.at = i
			return
		}
	}
}

// press moves by a key, or opens and closes.
func (p *hostList) press(k tea.KeyPressMsg, keys deployKeys, lists listKeys, r *record) bool {
	switch {
	case key.Matches(k, keys.open):
		p.toggle(r, true)
	case key.Matches(k, keys.close):
		p.toggle(r, false)
	case key.Matches(k, lists.up, lists.down):
		p.resize(len(p.places(r)))
		return p.list.press(k, lists, p.h)
	default:
		return false
	}
	return true
}

// fit decides whether there is room for every step, and keeps the chosen row.
func (p *hostList) fit(r *record, h int) {
	all := rowsNeeded(r) <= h
	if all == p.all {
		return
	}
	s := p.chosen(r)
	p.all, p.toggled = all, nil
	if s != nil {
		p.choose(r, s)
	}
}

// listing is what the list is drawn with.
type listing struct {
	look    Look
	beat    int
	now     time.Time
	focus   bool
	lines   *engine.Lines
	lost    map[string]time.Time
	hostCol int
	// over says that nothing will follow.
	over bool
}

// render draws the list on h rows of w cells.
func (p *hostList) render(r *record, d listing, w, h int) []string {
	p.h = h
	places := p.places(r)
	p.resize(len(places))
	room := h
	if len(places) > h && h > 2 {
		room = h - 1
	}
	for _, host := range r.hosts {
		d.hostCol = max(d.hostCol, width(hostName(host.name)))
	}
	if w >= longBarFrom {
		d.hostCol = min(d.hostCol, w/5+1)
	} else {
		d.hostCol = min(d.hostCol, max(12, w/4))
	}
	from, to := p.window(room)
	out := make([]string, 0, h)
	for i := from; i < to; i++ {
		mark := "  "
		switch {
		case i == p.at && d.focus:
			mark = d.look.Accent.Render(d.look.Pointer) + " "
		case i == p.at:
			mark = d.look.Muted.Render(d.look.Pointer) + " "
		}
		if s := places[i].step; s != nil {
			out = append(out, d.step(mark, s, w))
		} else {
			out = append(out, d.host(mark, places[i].host, w, i == p.at, p.open(places[i].host)))
		}
	}
	if room < len(places) && room < h {
		out = append(out, "  "+d.look.moreRows(from, len(places)-to))
	}
	return out
}

// host is the row of a host: closed, it tells of the step that it is at.
func (d listing) host(mark string, h *hostRecord, w int, chosen, open bool) string {
	look := d.look
	s := h.current()
	name := look.fit(hostName(h.name), d.hostCol)
	if open {
		name = look.cut(hostName(h.name), w/2)
	}
	if chosen {
		name = look.Strong.Render(name)
	}
	head := mark + d.sign(s) + " " + name + "  "
	if since, ok := d.lost[h.name]; ok && !h.finished() {
		head = mark + look.sign(warning) + " " + name + "  "
		text := "connection lost, trying again"
		return look.ends(head+look.Warning.Render(look.cut(text, w-width(head)-spentWidth)), d.spent(d.now.Sub(since)), w)
	}
	if open {
		return look.ends(head+look.Muted.Render(fmt.Sprintf("%d of %s done", h.done(), count(len(h.steps), "step"))), d.spent(h.spent(d.now)), w)
	}
	text := s.title()
	switch {
	case h.finished() && h.done() == len(h.steps):
		return look.ends(head+look.Muted.Render("all "+count(len(h.steps), "step")+" done"), d.spent(h.spent(d.now)), w)
	case s.state == stepWaiting && d.over:
		return look.cut(head+look.Muted.Render("not begun"), w)
	case s.state == stepWaiting:
		return look.cut(head+look.Muted.Render("next: "+text), w)
	}
	return d.at(head, s, w)
}

// finished reports whether every step has ended.
func (h *hostRecord) finished() bool {
	for _, s := range h.steps {
		if !s.over() {
			return false
		}
	}
	return true
}

// step is the row of a step below its host.
func (d listing) step(mark string, s *stepRecord, w int) string {
	head := mark + "  " + d.sign(s) + " "
	if s.state == stepWaiting {
		return head + d.look.Muted.Render(d.look.cut(s.title(), w-width(head)))
	}
	return d.at(head, s, w)
}

const (
	// spentWidth is the room for a time at the right end of a row, with a gap.
	spentWidth = 7
	// shortBar and longBar are the cells of a bar, and bytesWidth those of the
	// bytes behind a long one.
	shortBar, longBar, bytesWidth = 8, 12, 15
	longBarFrom, shortBarFrom     = 70, 40
)

// at is a row that tells of a step: its title, what it failed with or how far it
// is, and its time. Each has its place, whatever the others say.
func (d listing) at(head string, s *stepRecord, w int) string {
	look := d.look
	room := w - width(head) - spentWidth
	text := s.title()
	switch s.state {
	case stepFailed:
		return look.ends(head+look.Bad.Render(look.cut(text+": "+s.why, room)), d.spent(s.took), w)
	case stepCut:
		return look.ends(head+look.Warning.Render(look.cut(text+": "+s.why, room)), d.spent(s.took), w)
	case stepSkipped:
		return look.cut(head+look.Muted.Render(text+", not begun"), w)
	case stepWaiting, stepRunning, stepFound, stepDone:
	}
	far := ""
	if p, ok := d.progress(s); ok && w >= shortBarFrom {
		part := float64(p.Done) / float64(p.Total)
		far = "  " + look.bar(part, shortBar)
		if w >= longBarFrom {
			far = "  " + look.bar(part, longBar) + "  " + look.fit(ofBytes(p.Done, p.Total), bytesWidth)
		}
	}
	title := look.fit(text, room-width(far))
	if s.state == stepFound && w >= longBarFrom {
		title = look.fit(text+look.Muted.Render(", nothing to do"), room-width(far))
	}
	return look.ends(head+title+far, d.spent(s.spent(d.now)), w)
}

// progress is how far a step in flight is, if it tells and a whole is known.
func (d listing) progress(s *stepRecord) (engine.Progress, bool) {
	if s.state != stepRunning || d.lines == nil {
		return engine.Progress{}, false
	}
	p, ok := d.lines.Progress(s.Step)
	return p, ok && p.Total > 0
}

// sign is a step's sign, one cell wide.
func (d listing) sign(s *stepRecord) string {
	look := d.look
	switch s.state {
	case stepRunning:
		return look.spin(d.beat)
	case stepFound, stepDone:
		return look.sign(good)
	case stepFailed:
		return look.sign(bad)
	case stepCut:
		return look.sign(warning)
	case stepWaiting, stepSkipped:
	}
	return look.sign(neutral)
}

func (d listing) spent(t time.Duration) string { return d.look.Muted.Render(clock(t)) }
