package tui

import (
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// rowProblems is what is wrong or doubtful in what is said of one server.
type rowProblems struct {
	found []question.Problem
	worst tone
	// twice says that another row has the same address.
	twice bool
	// typed says that it lies in what was typed; a private address that is missing
	// may be for want of a look at the server.
	typed bool
}

// wrongRows are the problems by row. What a look at the server may still settle
// is none as long as it was not looked at.
func (p *servers) wrongRows() map[int]rowProblems {
	out := make(map[int]rowProblems)
	sights := p.all()
	for _, found := range question.Problems(*p.answers()) {
		row := rowOf(found.Field, p.answers().Workspace)
		if found.Page != question.Servers || row < 0 {
			continue
		}
		if p.undecided(found, row, sights[row]) {
			continue
		}
		r := out[row]
		r.found = append(r.found, found)
		r.twice = r.twice || strings.HasSuffix(found.Field, ".address") && p.same(row)
		r.worst = max(r.worst, warning)
		if found.Severity == workspace.Error {
			r.worst = bad
			r.typed = r.typed || !strings.HasSuffix(found.Field, ".private_ip") || p.hosts()[row].PrivateIP != ""
		}
		out[row] = r
	}
	return out
}

// undecided reports whether a look at the server may still settle a problem: its
// private address is found out, unless somebody says it. What is only doubtful
// about an address that nobody could look at is not told either.
func (p *servers) undecided(found question.Problem, row int, s *sight) bool {
	switch {
	case !strings.HasSuffix(found.Field, ".private_ip"), p.hosts()[row].PrivateIP != "", s.seen() != nil:
		return false
	case !s.over(), s.showsKey(), s.wantsSecret():
		return true
	}
	return found.Severity != workspace.Error
}

// same reports whether a server before this one has its address.
func (p *servers) same(row int) bool {
	hosts := p.reached()
	return slices.ContainsFunc(hosts[:row], func(h workspace.Host) bool {
		return strings.EqualFold(h.Address, hosts[row].Address)
	})
}

// detail is what there is to know of the server of a row, what is wrong first.
func (p *servers) detail(row, w int, wrong rowProblems) []string {
	look := p.c.look
	complete := p.answers().Workspace.Complete()
	host, s := complete.Hosts[row], p.sight(row)
	out := []string{look.ends(
		look.Strong.Render(or(host.Name, "no name"))+"   "+login(host),
		look.Muted.Render(question.RolesOf(complete, row).Words()), w,
	)}
	if p.base != nil {
		out = append(out, p.roomText(row, w)...)
	}
	if s.over() && s.found.Problem != nil {
		out = append(out, look.finding(bad, s.found.Problem.Text, s.found.Problem.Next, w)...)
	}
	for _, found := range wrong.found {
		t := warning
		if found.Severity == workspace.Error {
			t = bad
		}
		out = append(out, look.finding(t, found.Text, found.Hint, w)...)
	}
	switch {
	case s == nil && wrong.worst == bad:
		return out
	case s == nil:
		return append(out, look.Muted.Render("It waits for its turn."))
	case s.underWay():
		return append(out, look.Muted.Render("connecting over SSH, to look at it; nothing is changed"))
	case s.found.Problem != nil:
		return append(out, look.Muted.Render("r connects again"))
	case s.found.Key != nil:
		return append(out, p.aboutKey(*s.found.Key, w)...)
	case s.found.Secret != nil:
		text, hint := "It wants the "+string(s.found.Secret.Kind)+" of "+s.found.Secret.Of+".", "Enter asks for it. What you type is used in this run alone, and not written down."
		if s.found.Secret.Wrong {
			text = "The " + string(s.found.Secret.Kind) + " of " + s.found.Secret.Of + " was refused."
		}
		return append(out, look.finding(warning, text, hint, w)...)
	case s.found.Seen != nil:
		return append(out, p.facts(*s.found.Seen, host, w)...)
	}
	return out
}

// login is how a machine is logged in to.
func login(h workspace.Host) string {
	if h.Local() {
		return "this machine"
	}
	a := question.Address{Host: h.Address, User: h.SSH.User}
	if h.SSH.Port != 22 {
		a.Port = h.SSH.Port
	}
	text := a.String()
	if h.SSH.ProxyJump != "" {
		text += " through " + h.SSH.ProxyJump
	}
	return text
}

// aboutKey says what an unknown key is about.
func (p *servers) aboutKey(k ui.HostKey, w int) []string {
	look := p.c.look
	out := look.finding(warning, "The host key of "+k.Address+" is seen for the first time. Nothing was sent there.", "", w)
	out = append(out, "  "+look.Muted.Render(k.Type), "  "+look.cut(k.Fingerprint, w-2))
	return append(out, "  "+look.Muted.Render("f compares and accepts"))
}

// hardware is a machine in a few words.
func hardware(s ui.Seen) []string {
	var out []string
	add := func(text string, is bool) {
		if is {
			out = append(out, text)
		}
	}
	add(count(s.Cores, "core"), s.Cores > 0)
	add(bytesOf(s.Memory)+" of memory", s.Memory > 0)
	add(bytesOf(s.DiskFree)+" free for Docker", s.DiskFree > 0)
	add(s.Arch, s.Arch != "")
	return out
}

// facts are what a machine says of itself.
func (p *servers) facts(s ui.Seen, h workspace.Host, w int) []string {
	look := p.c.look
	var out []string
	for _, l := range s.Lacks {
		out = append(out, look.finding(warning, l.Text, l.Next, w)...)
	}
	for _, text := range s.Notes {
		out = append(out, look.finding(warning, text, "", w)...)
	}
	system := s.System
	if s.Hostname != "" && s.Hostname != h.Name {
		system = strings.TrimPrefix(system+", calls itself "+s.Hostname, ", ")
	}
	var programs []string
	for _, program := range []struct{ name, version string }{{"Docker", s.Docker}, {"Compose", s.Compose}, {"Git", s.Git}} {
		if program.version == "" {
			programs = append(programs, "no "+program.name)
		} else {
			programs = append(programs, program.name+" "+program.version)
		}
	}
	private := ""
	if len(p.hosts()) > 1 {
		private = h.PrivateIP
		if others := slices.DeleteFunc(slices.Clone(s.Private), func(ip string) bool { return ip == h.PrivateIP }); len(others) > 0 {
			private = strings.TrimPrefix(private+"; also found: "+strings.Join(others, ", "), "; ")
		}
	}
	runs := ""
	if s.Role != "" {
		runs = s.Role + ", deployed by rcwizard"
	}
	return append(out, look.pairs(w,
		row{"System", system}, row{"Hardware", strings.Join(hardware(s), ", ")},
		row{"Programs", strings.Join(programs, ", ")}, row{"Private address", private}, row{"Runs already", runs},
	)...)
}

// secretLines ask for a secret, and say where the cursor is.
func (p *servers) secretLines(lines *[]string, w int) drawing {
	look, ask := p.c.look, p.ask
	title := strings.ToUpper(string(ask.wanted.Kind)[:1]) + string(ask.wanted.Kind)[1:] + " of " + ask.wanted.Of
	*lines = append(*lines, look.Strong.Render(look.cut(title, w)))
	const mark = 2
	text, cursor := ask.input.render(look, w-mark)
	at := &point{mark + cursor, len(*lines)}
	*lines = append(*lines, look.Accent.Render(look.Pointer)+" "+text)
	if ask.wanted.Wrong {
		*lines = append(*lines, look.word(bad, "the one before was refused"))
	}
	if len(ask.alike) > 0 {
		sign, text := look.Off, "use it for the "+count(len(ask.alike), "other")+" too that want one"
		if len(ask.alike) == 1 {
			text = "use it for " + p.hosts()[ask.alike[0]].Name + " too, which wants one"
		}
		if ask.all {
			sign = look.Accent.Render(look.On)
		}
		*lines = append(*lines, sign+" "+text)
	}
	*lines = append(*lines, prose("It is used in this run alone and not written down; the editor of a server can keep one.", w, look.Muted.Render)...)
	return drawing{cursor: at}
}

// renderEditor draws the questions about one server.
func (p *servers) renderEditor(w, h int) drawing {
	look := p.c.look
	s := p.sight(p.list.at)
	t, word := p.wordOf(s)
	head := look.ends(
		look.Strong.Render(or(p.hosts()[p.list.at].Name, "no name"))+look.Muted.Render("   server "+itoa(p.list.at+1)+" of "+itoa(len(p.hosts()))),
		p.signOf(s, t)+" "+word, w,
	)
	d := p.form.render(w, h-2)
	d.lines = append([]string{head, ""}, d.lines...)
	if d.cursor != nil {
		d.cursor = &point{d.cursor.x, d.cursor.y + 2}
	}
	return d
}

// keyFile is where a server keeps its key of a type.
func keyFile(keyType string) string {
	kind := "ed25519"
	switch {
	case strings.Contains(keyType, "ecdsa"):
		kind = "ecdsa"
	case strings.Contains(keyType, "rsa"):
		kind = "rsa"
	}
	return "/etc/ssh/ssh_host_" + kind + "_key.pub"
}

// renderKeys shows the host keys that wait, each to its last letter.
func (p *servers) renderKeys(w, h int) []string {
	look := p.c.look
	keys := p.keysToAccept()
	first := ""
	if len(keys) > 0 {
		first = keys[0].Type
	}
	head := prose("Seen for the first time. Compare before you accept: on the server itself, ssh-keygen -lf "+keyFile(first)+" shows its own.", w, look.Text.Render)
	head = append(head, "")
	switch {
	case p.accepting:
		return append(head, look.spin(p.c.beat)+" "+look.Muted.Render("accepting"))
	case len(keys) == 0:
		return append(head, look.Muted.Render("No key waits any more."))
	}
	var lines []string
	if const4 := 14 + 22 + 11 + 50; w >= const4 {
		t := table{head: []string{"Server", "Address", "Type", "Fingerprint"}, rigid: map[int]bool{2: true, 3: true}}
		for _, k := range keys {
			t.rows = append(t.rows, []string{strings.Join(k.hosts, ", "), k.Address, k.Type, k.Fingerprint})
		}
		lines = t.render(look, w)
	} else {
		longest := 0
		for _, k := range keys {
			longest = max(longest, min(width(strings.Join(k.hosts, ", ")), w/3))
		}
		for _, k := range keys {
			names := look.fit(look.Strong.Render(strings.Join(k.hosts, ", ")), longest) + look.Muted.Render("   "+k.Address)
			lines = append(lines, look.ends(names, look.Muted.Render(k.Type), w), "  "+look.cut(k.Fingerprint, w-2))
		}
	}
	return append(head, p.keyScroll.show(look, lines, max(1, h-len(head)))...)
}
