package tui

import (
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
)

// Render draws the files at the left and the chosen one at the right, or the
// plan; where there is room, the plan below.
func (p *review) Render(w, h int) drawing {
	look := p.c.look
	lines := []string{look.cut(p.headline(w), w), ""}
	if p.err != nil {
		lines = append(lines, look.finding(bad, p.err.Error(), "r looks again.", w)...)
		lines = append(lines, "")
		if e := p.silent(); e != nil && !p.looking {
			lines = append(lines, prose(e.Consequence(p.c.draft.Change.Instances), w, look.Text.Render)...)
			lines = append(lines, prose("g says so; only the plan is made then.", w, look.Muted.Render)...)
			lines = append(lines, "")
		}
	}
	if p.review == nil {
		return drawing{lines: lines[:min(len(lines), h)]}
	}
	for _, warned := range p.review.Warnings {
		lines = append(lines, look.cut(look.word(warning, warned.Text), w))
	}
	room := h - len(lines)
	const roomy = 30
	switch {
	case p.whole:
		lines = append(lines, p.file(w, room)...)
	case p.part == partPlan:
		if took := about(p.review.Estimate); took != "" {
			lines = append(lines, look.Muted.Render(look.cut("It took "+took+" in "+p.review.EstimateFrom+".", w)), "")
		}
		lines = append(lines, p.plan.show(look, p.steps(w), h-len(lines))...)
	case h >= roomy && len(p.review.Plan) > 0:
		below := room / 3
		lines = append(lines, look.block(p.columns(w, room-below-2), w, room-below-2)...)
		lines = append(lines, "", look.heading("Plan"))
		lines = append(lines, p.plan.show(look, p.steps(w), below)...)
	default:
		lines = append(lines, p.columns(w, room)...)
	}
	return drawing{lines: lines[:min(len(lines), h)]}
}

// headline is what would be done, in one line: as much of it as w cells hold.
func (p *review) headline(w int) string {
	look := p.c.look
	if p.looking {
		return look.spin(p.c.beat) + " " + look.Muted.Render("looking at every step on every server; nothing is changed")
	}
	if p.review == nil || len(p.review.Plan) == 0 {
		return ""
	}
	t := engine.Total(p.review.Plan)
	parts := []string{count(len(p.review.Plan), "step")}
	if p.c.draft.Answers.Workspace.Compose.Official() {
		parts = append(parts, "Rocket.Chat's own files")
	}
	if stuck := t.Blocked + t.Failed; stuck > 0 {
		parts = append(parts, look.word(bad, fmt.Sprintf("%d cannot be carried out", stuck)))
	}
	if t.Done == len(p.review.Plan) {
		return parts[0] + "   " + look.word(good, "everything is as it should be; nothing would change")
	}
	if took := about(p.review.Estimate); took != "" {
		parts = append(parts, took)
	}
	if t.Done > 0 {
		parts = append(parts, look.word(good, fmt.Sprintf("%d done", t.Done)))
	}
	parts = append(parts, fmt.Sprintf("%d to do", t.Needed+t.Later))
	files, images := p.changes()
	if files > 0 {
		parts = append(parts, "write "+count(files, "file"))
	}
	if images > 0 {
		parts = append(parts, "pull "+count(images, "image"))
	}
	for {
		line := strings.Join(parts, look.Muted.Render("  "+look.Between+"  "))
		if width(line) <= w || len(parts) == 1 {
			return line
		}
		parts = parts[:len(parts)-1]
	}
}

// changes counts what the plan would write and pull.
func (p *review) changes() (files, images int) {
	for _, r := range p.review.Plan {
		for _, c := range r.Changes {
			switch {
			case c.Kind == engine.Pull:
				images++
			case (c.Kind == engine.Create || c.Kind == engine.Update) && strings.HasPrefix(c.Path, "/"):
				files++
			}
		}
	}
	return files, images
}

// columns are the list and the chosen file.
func (p *review) columns(w, h int) []string {
	const gap, least = 3, 26
	left := max(least, min(44, w*2/5))
	return p.c.look.beside(gap, column{left, p.list(left, h)}, column{w - left - gap, p.file(w-left-gap, h)})
}

// list is every file by its host, with what would happen to it.
func (p *review) list(w, h int) []string {
	look := p.c.look
	var lines []string
	n, chosen := 0, 0
	for _, host := range p.review.Hosts {
		roles := make([]string, len(host.Roles))
		for i, r := range host.Roles {
			roles[i] = string(r)
		}
		lines = append(lines, look.cut(look.Strong.Render(host.Host)+"  "+look.Muted.Render(strings.Join(roles, ", ")), w))
		for _, f := range host.Files {
			mark, name := "  ", look.cutLeft(f.Name, w-4)
			if n == p.files.at {
				chosen = len(lines)
				mark = look.Accent.Render(look.Pointer) + " "
				if p.part == partFiles {
					name = look.Strong.Render(name)
				}
			}
			lines = append(lines, mark+look.change(f)+" "+name)
			n++
		}
	}
	p.rows = h
	at := list{n: len(lines), at: chosen, top: p.files.top}
	from, to := at.window(h)
	p.files.top = from
	return lines[from:to]
}

// change is the sign of what would happen to a file.
func (l Look) change(f ui.ReviewFile) string {
	switch f.Change {
	case engine.Create:
		return l.Good.Render("+")
	case engine.Update:
		return l.Warning.Render("~")
	case engine.Delete:
		return l.Bad.Render("-")
	case engine.Restart, engine.Pull, engine.Start, engine.Stop, engine.Execute, engine.Wait:
	}
	if f.Left != "" {
		return l.sign(warning)
	}
	return l.Muted.Render("=")
}

// file is the chosen file, its remarks between the lines.
func (p *review) file(w, h int) []string {
	look := p.c.look
	f, ok := p.current()
	if !ok {
		return nil
	}
	name := look.Strong.Render(look.cutLeft(f.Path, w-12))
	head := look.ends(name, look.Muted.Render(f.Mode), w)
	var lines []string
	if p.differ {
		lines = look.difference(f, w)
	} else {
		lines = look.content(f, w)
	}
	out := append([]string{head, look.rule(w)}, p.text.show(look, lines, h-2)...)
	if p.part == partText && !p.whole {
		out[0] = look.Accent.Render(look.Pointer) + " " + look.ends(look.Strong.Render(look.cutLeft(f.Path, w-14)), look.Muted.Render(f.Mode), w-2)
	}
	return out
}

// content is a file, highlighted, with why it differs from the guide.
func (l Look) content(f hostFile, w int) []string {
	remarks := map[int][]string{}
	for _, r := range f.Remarks {
		remarks[r.Line] = append(remarks[r.Line], r.Text)
	}
	var out []string
	if f.Left != "" {
		out = append(out, l.finding(warning, "It stays as it is: it "+f.Left+".", "", w)...)
		out = append(out, "")
		if f.Content == "" {
			return out
		}
	}
	beside := func(line, inset int) {
		for _, text := range remarks[line] {
			said := wrap("Differs from the guide because: "+text, w-inset-2)
			for i, part := range said {
				mark := "  "
				if i == 0 {
					mark = l.Accent.Render(l.Up) + " "
				}
				out = append(out, strings.Repeat(" ", inset)+mark+l.Muted.Render(part))
			}
		}
	}
	beside(0, 0)
	for i, line := range strings.Split(strings.TrimSuffix(f.Content, "\n"), "\n") {
		line = engine.CleanLine(line)
		out = append(out, l.cut(l.highlight(line), w))
		inset := len(line) - len(strings.TrimLeft(line, " "))
		beside(i+1, min(inset, w/3))
	}
	return out
}

// highlight is one line of YAML, or of name=value: the name stands out, comments
// step back.
func (l Look) highlight(line string) string {
	trimmed := strings.TrimLeft(line, " -")
	switch {
	case strings.HasPrefix(strings.TrimSpace(line), "#"):
		return l.Muted.Render(line)
	case trimmed == "":
		return line
	}
	at := strings.IndexAny(trimmed, ":=")
	if at <= 0 || strings.ContainsAny(trimmed[:at], " \"'{[$/") {
		return line
	}
	at += len(line) - len(trimmed)
	if line[at] == ':' && at+1 < len(line) && line[at+1] != ' ' {
		return line
	}
	return l.Accent.UnsetBold().Render(line[:at]) + line[at:]
}

// difference is what would change in a file that is there.
func (l Look) difference(f hostFile, w int) []string {
	text := string(diff.Diff("on the server", []byte(f.Before), "new", []byte(f.Content)))
	if f.Left != "" {
		text = string(diff.Diff("on the server", []byte(f.Content), "rcwizard's", []byte(f.Other)))
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	out := make([]string, 0, len(lines))
	for i, line := range lines {
		line = l.cut(engine.CleanLine(line), w)
		switch {
		case i == 0: // repeats the next two
			continue
		case strings.HasPrefix(line, "+"):
			line = l.Good.Render(line)
		case strings.HasPrefix(line, "-"):
			line = l.Bad.Render(line)
		case strings.HasPrefix(line, "@@"):
			line = l.Muted.Render(line)
		}
		out = append(out, line)
	}
	return out
}

// steps is the plan: what stands in the way first, then step by step.
func (p *review) steps(w int) []string {
	look := p.c.look
	var out []string
	for _, r := range p.inTheWay() {
		reason, next := r.Reason, r.Next
		if r.Failure != nil {
			reason, next = r.Failure.Message, r.Failure.Next
		}
		out = append(out, look.finding(bad, r.Host+": "+r.Title+": "+reason, next, w)...)
	}
	if len(out) > 0 {
		out = append(out, "")
	}
	t := table{rigid: map[int]bool{0: true, 3: true}}
	for _, r := range p.review.Plan {
		state := look.Muted.Render("to do")
		switch {
		case r.Failure != nil || r.Verdict == engine.Blocked:
			state = look.word(bad, "blocked")
		case r.Verdict == engine.Done:
			state = look.word(good, "done")
		case r.Verdict == engine.Later:
			state = look.Muted.Render("later")
		}
		t.rows = append(t.rows, []string{r.Host, r.Title, look.Muted.Render(sum(r.Changes)), state})
	}
	return append(out, t.render(look, w)...)
}

// sum is what a step changes, in a few words.
func sum(changes []engine.Change) string {
	if len(changes) == 1 {
		return string(changes[0].Kind) + " " + changes[0].Path
	}
	var kinds []string
	n := map[string]int{}
	for _, c := range changes {
		if n[string(c.Kind)]++; n[string(c.Kind)] == 1 {
			kinds = append(kinds, string(c.Kind))
		}
	}
	for i, kind := range kinds {
		kinds[i] = kind + " " + itoa(n[kind])
	}
	return strings.Join(kinds, ", ")
}
