package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// serverColumn is a column of what a server says of itself.
type serverColumn struct {
	head string
	// rank is the order in which columns come in when there is room.
	rank int
	// least is what is there as a rule: nothing moves when it arrives.
	least int
	right bool
	// several says that it means nothing where there is one server alone.
	several bool
	cell    func(h workspace.Host, s ui.Seen) string
}

// systemLeast is the same for the column of what came of looking.
const systemLeast = 16

// serverColumns are those to the right of it, in their order.
func serverColumns() []serverColumn {
	return []serverColumn{
		{head: "Private", rank: 0, least: 11, several: true, cell: func(h workspace.Host, _ ui.Seen) string { return h.PrivateIP }},
		{head: "Cores", rank: 1, least: 5, right: true, cell: func(_ workspace.Host, s ui.Seen) string { return number(s.Cores) }},
		{head: "Memory", rank: 3, least: 6, right: true, cell: func(_ workspace.Host, s ui.Seen) string { return bytesOf(s.Memory) }},
		{head: "Free", rank: 4, least: 6, right: true, cell: func(_ workspace.Host, s ui.Seen) string { return bytesOf(s.DiskFree) }},
		{head: "Docker", rank: 2, least: 6, cell: func(_ workspace.Host, s ui.Seen) string { return release(s.Docker) }},
		{head: "Compose", rank: 5, least: 7, cell: func(_ workspace.Host, s ui.Seen) string { return release(s.Compose) }},
	}
}

// release is a version without what a distribution made of it.
func release(version string) string {
	if at := strings.IndexAny(version, "+~-"); at > 0 {
		return version[:at]
	}
	return version
}

// columnsFor are those for which there is room beside names and addresses. It
// depends on what was typed alone, so that none comes or goes with an answer. Where
// there has to be room for more, cores come first.
func columnsFor(hosts []workspace.Host, roles []string, w int, more bool) []serverColumn {
	const nameMost, addressMost = 16, 22
	name, address, role := 4, 7, 4
	for n, h := range hosts {
		name = max(name, min(width(h.Name), nameMost))
		address = max(address, min(width(h.Address), addressMost))
		role = max(role, width(roles[n]))
	}
	room := w - name - address - role - systemLeast - 3*columnGap
	columns := serverColumns()
	if more {
		columns[0].rank, columns[1].rank = columns[1].rank, columns[0].rank
	}
	shown := make([]bool, len(columns))
	for rank := range columns {
		i := slices.IndexFunc(columns, func(c serverColumn) bool { return c.rank == rank })
		if need := columns[i].least + columnGap; need <= room && (len(hosts) > 1 || !columns[i].several) {
			shown[i], room = true, room-need
		}
	}
	var out []serverColumn
	for i, c := range columns {
		if shown[i] {
			out = append(out, c)
		}
	}
	return out
}

// rows are the head and the servers in columns.
func (p *servers) rows(w int, wrong map[int]rowProblems) []string {
	look := p.c.look
	complete := p.answers().Workspace.Complete()
	roles := roleCells(complete, w)
	if p.base != nil {
		for n := range roles {
			roles[n] = p.roleCell(n, roles[n])
		}
	}
	t := table{head: []string{"Name", "Address", "Role", "System"}, rigid: map[int]bool{2: true}, right: map[int]bool{}, least: map[int]int{3: systemLeast}}
	shown := columnsFor(complete.Hosts, roles, w, p.base != nil)
	for _, c := range shown {
		at := len(t.head)
		t.rigid[at], t.right[at], t.least[at] = true, c.right, c.least
		t.head = append(t.head, c.head)
	}
	for n, s := range p.all() {
		host, seen := complete.Hosts[n], ui.Seen{}
		if found := s.seen(); found != nil {
			seen = *found
		} else {
			host.PrivateIP = p.hosts()[n].PrivateIP // not the address, which may turn out to be another
		}
		name, role := host.Name, roles[n]
		if n == p.list.at && p.mode != adding {
			name = look.Strong.Render(name)
		}
		if role == "" {
			role = look.Warning.Render("none")
		}
		cells := append(make([]string, 0, len(t.head)), name, host.Address, role, p.state(s, wrong[n]))
		for _, c := range shown {
			cells = append(cells, c.cell(host, seen))
		}
		t.rows = append(t.rows, cells)
	}
	return t.render(look, w)
}

// roleCells are the roles of every server: in words, or as the letters of the
// keys where a server has several and there is no room for it.
func roleCells(w workspace.Workspace, room int) []string {
	const words = 84
	letters := false
	out := make([]string, len(w.Hosts))
	for n := range w.Hosts {
		r := question.RolesOf(w, n)
		if (r != question.Roles{}) {
			out[n] = r.Words()
		}
		letters = letters || room < words && strings.Contains(out[n], ",")
	}
	for n := range out {
		if letters {
			out[n] = question.RolesOf(w, n).String()
		}
	}
	return out
}

// state is a server in a few words: what came of looking at it, or what is wrong
// with what is said of it.
func (p *servers) state(s *sight, wrong rowProblems) string {
	look := p.c.look
	switch {
	case wrong.twice:
		return look.word(bad, "twice")
	case wrong.typed, wrong.worst == bad && s.seen() != nil:
		return look.word(bad, "not right")
	}
	t, word := p.wordOf(s)
	if t == good && wrong.worst == warning {
		t = warning
	}
	return p.signOf(s, t) + " " + word
}

func (p *servers) signOf(s *sight, t tone) string {
	if s.underWay() {
		return p.c.look.spin(p.c.beat)
	}
	return p.c.look.sign(t)
}

// wordOf is what came of looking.
func (p *servers) wordOf(s *sight) (tone, string) {
	look := p.c.look
	switch {
	case s == nil:
		return neutral, look.Muted.Render("waiting")
	case s.underWay():
		return neutral, look.Muted.Render("connecting")
	case s.found.Key != nil:
		return warning, look.Warning.Render("key to accept")
	case s.found.Secret != nil:
		return warning, look.Warning.Render("wants " + wordFor(s.found.Secret.Kind))
	case s.found.Problem != nil:
		return bad, look.Bad.Render("not reached")
	case s.found.Seen == nil:
		return bad, look.Bad.Render("no answer")
	case len(s.found.Seen.Lacks) > 0:
		return warning, system(*s.found.Seen)
	}
	return good, system(*s.found.Seen)
}

// system is a distribution without the name of its release, which the detail has.
func system(s ui.Seen) string {
	name, _, _ := strings.Cut(s.System, " (")
	return or(name, "reached")
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return itoa(n)
}

// bytesOf is a number of bytes as it is written on machines: a server of 8 GiB
// has 8 GB of memory left for programs.
func bytesOf(n uint64) string {
	const giga, tera = 1e9, 1e12
	switch gb := float64(n) / giga; {
	case n == 0:
		return ""
	case gb < 1:
		return itoa(int(gb*1000)) + " MB"
	case gb < 1.95:
		return fmt.Sprintf("%.1f GB", gb)
	case gb < 1000:
		return itoa(int(math.Round(gb))) + " GB"
	default:
		return fmt.Sprintf("%.1f TB", float64(n)/tera)
	}
}
