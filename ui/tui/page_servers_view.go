package tui

import (
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/workspace/question"
)

// Render draws the table with what there is to know of the chosen server below
// it, or what lies over them.
func (p *servers) Render(w, h int) drawing {
	switch p.mode {
	case editing:
		return p.renderEditor(w, h)
	case comparing:
		return drawing{lines: p.renderKeys(w, h)}
	case browsing, adding, answering:
	}
	if len(p.hosts()) == 0 {
		return p.renderEmpty(w, h)
	}
	return p.renderTable(w, h)
}

// renderEmpty says how to begin.
func (p *servers) renderEmpty(w, h int) drawing {
	look := p.c.look
	lines := prose("Type the address of a server and press enter, or paste all of them at once.", w, look.Text.Render)
	lines = append(lines, "")
	d := p.entryLine(&lines, w)
	lines = append(lines, "")
	if p.wrong != nil {
		lines = append(lines, look.finding(bad, p.wrong.Text, p.wrong.Hint, w)...)
		lines = append(lines, "")
	} else if s := p.typedSight(); s != "" {
		lines = append(lines, s, "")
	}
	for _, text := range []string{
		"With user and port: admin@192.0.2.10:2222. Otherwise it is root, on port 22. This machine itself: local.",
		"rcwizard connects over SSH as soon as an address is whole, looks, and changes nothing.",
		"Rocket.Chat's guide has one server for the database, one for the proxy, and one for each instance; fewer will do, and one can do it all.",
	} {
		if more := prose(text, w, look.Muted.Render); len(lines)+len(more) <= h {
			lines = append(append(lines, more...), "")
		}
	}
	d.lines = lines[:min(len(lines), h)]
	return d
}

// entryLine adds the line in which an address is typed, and says where its
// cursor is.
func (p *servers) entryLine(lines *[]string, w int) drawing {
	look := p.c.look
	const mark = 2
	text, cursor := p.entry.render(look, w-mark)
	at := &point{mark + cursor, len(*lines)}
	*lines = append(*lines, look.Accent.Render(look.Pointer)+" "+text)
	return drawing{cursor: at}
}

// typedSight is what is known of the address that is being typed.
func (p *servers) typedSight() string {
	typed := p.typed()
	if len(typed) != 1 {
		return ""
	}
	a := question.Answers{}
	if p.base != nil { // how it is logged in to follows from the others
		a = p.answers().Clone()
	}
	added := p.enlist(&a, typed)
	if len(added) == 0 {
		return ""
	}
	s := p.sights[way(a.Workspace.Complete().Hosts[added[0]])]
	if s == nil {
		return ""
	}
	t, word := p.wordOf(s)
	if s.seen() != nil {
		word += p.c.look.Muted.Render("  " + strings.Join(hardware(*s.seen()), ", "))
	}
	return p.signOf(s, t) + " " + word
}

// renderTable draws the table; how high it may be follows from the height alone,
// so that nothing jumps when the detail changes.
func (p *servers) renderTable(w, h int) drawing {
	look := p.c.look
	air := h >= 16
	below := max(5, min(14, h/2-1))
	if air {
		below += 2
	}
	room := max(2, h-below-1)
	if p.mode == adding {
		room--
	}
	if p.known == nil { // judging all answers takes longer than drawing them
		p.known = p.wrongRows()
	}
	wrong := p.known
	view := p.rows(w-2, wrong)
	from, to := p.list.window(room - 1)
	lines := []string{"  " + view[0]}
	for i := from; i < to; i++ {
		mark := "  "
		if i == p.list.at && p.mode != adding {
			mark = look.Accent.Render(look.Pointer) + " "
		}
		lines = append(lines, mark+view[i+1])
	}
	var d drawing
	if p.mode == adding {
		d = p.entryLine(&lines, w)
	}
	if air {
		lines = append(lines, "")
	}
	lines = append(lines, look.cut(p.notice(from, to), w))
	if air {
		lines = append(lines, "")
	}
	switch p.mode {
	case adding:
		lines = append(lines, p.entryDetail(w)...)
	case answering:
		d = p.secretLines(&lines, w)
	case browsing, editing, comparing:
		lines = append(lines, p.detail(p.list.at, w, wrong[p.list.at])...)
	}
	d.lines = lines[:min(len(lines), h)]
	return d
}

func (p *servers) entryDetail(w int) []string {
	look := p.c.look
	switch {
	case p.wrong != nil:
		return look.finding(bad, p.wrong.Text, p.wrong.Hint, w)
	case p.typedSight() != "":
		return []string{p.typedSight()}
	case p.base != nil:
		return prose("The address of a new server, or of several: admin@192.0.2.10:2222. Each gets an instance. What is not said of the login is as for the others.", w, look.Muted.Render)
	}
	return prose("One address, or as many as you like with spaces or commas between them: admin@192.0.2.10:2222, chat1.example.com, local.", w, look.Muted.Render)
}

// notice is the line below the table: what waits for the person, or else what
// the roles are.
func (p *servers) notice(from, to int) string {
	look := p.c.look
	keys := len(p.keysToAccept())
	under, waiting := p.running(), 0
	var locked []int
	for n, s := range p.all() {
		switch {
		case s.wantsSecret():
			locked = append(locked, n)
		case s == nil:
			waiting++
		}
	}
	scrolled := ""
	if hidden := len(p.hosts()) - (to - from); hidden > 0 {
		scrolled = look.Muted.Render(fmt.Sprintf("   %d to %d of %d", from+1, to, len(p.hosts())))
	}
	offer, offered := p.offer()
	switch {
	case keys > 0:
		return look.word(warning, count(keys, "host key")+" to compare and accept") + p.by("f") + scrolled
	case len(locked) == 1:
		return look.word(warning, p.hosts()[locked[0]].Name+" wants the "+string(p.sight(locked[0]).found.Secret.Kind)) + p.by("s") + scrolled
	case len(locked) > 1:
		return look.word(warning, count(len(locked), "server")+" want a password") + p.by("s") + scrolled
	case p.base != nil:
		return p.growNotice() + scrolled
	case offered:
		return look.sign(good) + " " + offer.Words(*p.answers()) + p.by("o") + scrolled
	case under > 0:
		return look.spin(p.c.beat) + " " + look.Muted.Render("connecting to "+count(under, "server")+ifMany(waiting)) + scrolled
	case p.proposed():
		return look.Muted.Render("The roles are proposed: d, i and p give others") + scrolled
	}
	return look.Muted.Render("d database, i instance, p reverse proxy") + scrolled
}

// by is the key that does it, where it does.
func (p *servers) by(k string) string {
	switch p.mode {
	case adding:
		return p.c.look.Muted.Render(": ") + p.c.look.Strong.Render("esc") + p.c.look.Muted.Render(", then ") + p.c.look.Strong.Render(k)
	case editing, answering, comparing:
		return ""
	case browsing:
	}
	return p.c.look.Muted.Render(": ") + p.c.look.Strong.Render(k)
}

func ifMany(waiting int) string {
	if waiting == 0 {
		return ""
	}
	return ", " + itoa(waiting) + " more to come"
}
