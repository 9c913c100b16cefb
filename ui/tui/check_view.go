package tui

import (
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/check"
)

// Render draws the matrix and the list, or the finding that was opened.
func (p *checks) Render(w, h int) drawing {
	found := p.standing()
	if f, ok := p.current(); ok && p.opened {
		return drawing{lines: p.scroll.show(p.c.look, p.c.look.about(f, w), h)}
	}
	look := p.c.look
	lines := []string{look.cut(p.headline(found), w), ""}
	if p.err != nil {
		lines = append(lines, look.finding(bad, "it could not be checked: "+p.err.Error(), "", w)...)
		lines = append(lines, "")
	}
	if p.grid != nil {
		// The list below wants five lines at least, and the matrix as many as it
		// has rows, up to two thirds.
		most := max(3, min(h-len(lines)-5, 2*h/3))
		lines = append(lines, p.grid.render(look, found, w, most)...)
		lines = append(lines, "")
	}
	lines = append(lines, p.below(found, w, h-len(lines))...)
	return drawing{lines: lines[:min(len(lines), h)]}
}

// below is the list of what is not as it should be; without any, what else was
// looked at.
func (p *checks) below(found []check.Finding, w, h int) []string {
	look := p.c.look
	all := remarks(found)
	p.list.resize(len(all))
	if len(all) == 0 {
		return p.rest(found, w)
	}
	p.rows = max(1, h)
	from, to := p.list.window(p.rows)
	if to < len(all) || from > 0 {
		p.rows = max(1, h-1)
		from, to = p.list.window(p.rows)
	}
	var out []string
	for i := from; i < to; i++ {
		mark, title := "  ", look.cut(all[i].Title, w-4)
		if i == p.list.at {
			mark, title = look.Accent.Render(look.Pointer)+" ", look.Strong.Render(title)
		}
		out = append(out, mark+look.verdict(all[i])+" "+title)
	}
	if rest := len(all) - (to - from); rest > 0 {
		out = append(out, look.Muted.Render(fmt.Sprintf("  %d of %d", p.list.at+1, len(all))))
	}
	return out
}

// rest is what was looked at beside ports and hosts, once nothing is wrong.
func (p *checks) rest(found []check.Finding, w int) []string {
	look := p.c.look
	var out []string
	if p.passed() {
		out = append(out, look.cut(look.word(good, "Nothing stands in the way."), w), "")
	}
	for _, f := range found {
		if f.Host == "" && !strings.HasPrefix(f.ID, "port:") {
			out = append(out, look.cut(look.verdict(f)+" "+look.Muted.Render(f.Title), w))
		}
	}
	return out
}

// verdict is a finding's sign.
func (l Look) verdict(f check.Finding) string {
	switch {
	case f.Skipped:
		return l.sign(neutral)
	case f.Verdict == check.Pass:
		return l.sign(good)
	case f.Verdict == check.Warn:
		return l.sign(warning)
	case f.Verdict == check.Unknown:
		return l.Warning.Render("?")
	}
	return l.sign(bad)
}

// about is one finding, whole: what was tried, what came back, what it means,
// and the lines to type.
func (l Look) about(f check.Finding, w int) []string {
	var out []string
	for i, line := range wrap(f.Title, w-2) {
		mark := "  "
		if i == 0 {
			mark = l.verdict(f) + " "
		}
		out = append(out, mark+l.Strong.Render(line))
	}
	out = append(out, "")
	out = append(out, l.pairs(w,
		row{"Tried", f.Tried}, row{"Came back", f.Got}, row{"Means", f.Means}, row{"To do", f.Do})...)
	if f.Skipped {
		out = append(out, "", l.Muted.Render("You chose not to heed it."))
	}
	if len(f.Commands) > 0 {
		out = append(out, "", l.Muted.Render("On "+f.Host+", as root:"))
		for _, c := range f.Commands {
			if comment, is := strings.CutPrefix(c, "# "); is {
				for _, line := range wrap(comment, w-2) {
					out = append(out, "# "+line)
				}
				continue
			}
			for _, line := range shellLines(c, w) {
				out = append(out, l.cut(line, w))
			}
		}
	}
	return out
}

func joined(commands []string) string { return strings.Join(commands, "\n") + "\n" }

// shellLines breaks a command into lines of at most w cells that a shell reads as
// the same command: after a space outside quotes, with a backslash, or else after
// one inside them, with the quotes closed and opened again. Where there is no
// space at all the line is longer.
func shellLines(command string, w int) []string {
	var out []string
	for width(command) > w {
		at, quote := breakAt(command, w-1)
		if at <= 0 {
			break
		}
		out = append(out, command[:at]+quote+`\`)
		command = quote + command[at:]
	}
	return append(out, command)
}

// breakAt is the place behind the last space outside quotes within w cells, or
// else the last one inside them, with the quotes, or else behind the first one
// of all; 0 if there is none.
func breakAt(command string, w int) (int, string) {
	at, inside, around := 0, 0, ""
	var quote rune
	escaped := false
	for i, r := range command {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case r == quote:
			quote = 0
		case quote != 0:
			// The first cell may be a quote opened again, which is no progress.
			if r == ' ' && i > 1 && width(command[:i+1])+1 <= w {
				inside, around = i+1, string(quote)
			}
		case r == '\'' || r == '"':
			quote = r
		case r == ' ' && strings.TrimSpace(command[i:]) != "":
			if width(command[:i+1]) > w {
				if at > 0 {
					return at, ""
				}
				if inside > 0 {
					return inside, around
				}
			}
			at = i + 1
		}
	}
	if inside > 0 && (at == 0 || width(command[:at]) > w) {
		return inside, around
	}
	return at, ""
}
