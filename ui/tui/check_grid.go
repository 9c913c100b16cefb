package tui

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/workspace"
)

// grid is the port matrix in few columns: one for each service, whichever hosts
// it is on, and a row for each host that connects. The ids of what belongs to a
// cell are known before anything is found.
type grid struct {
	columns []service
	// from are the hosts, and check.World at the end.
	from []string
	// ids are those of the findings of a cell, by row and column; column 0 is the
	// host itself, of which the ids are not known before.
	ids []map[int][]string
	// aside are the hosts that are not looked at themselves.
	aside map[string]bool
}

// service is a column.
type service struct {
	name string
	// ports are those that it has, in order.
	ports []int
}

// newGrid lays out the edges of a complete workspace; with ids, as check.Matches
// has them, those alone, and only the hosts that they are about.
func newGrid(w workspace.Workspace, only []string) *grid {
	g := &grid{columns: []service{{name: "itself"}}}
	g.from = append(w.HostNames(), check.World)
	edges := check.Edges(w)
	if only != nil {
		edges = slices.DeleteFunc(edges, func(e check.Edge) bool { return !check.Matches(only, e.ID()) })
		g.aside = make(map[string]bool)
		for _, host := range w.HostNames() {
			g.aside[host] = !check.Matches(only, "host:"+host+":")
		}
		g.from = slices.DeleteFunc(g.from, func(from string) bool {
			return (g.aside[from] || from == check.World) && !slices.ContainsFunc(edges, func(e check.Edge) bool { return e.From == from })
		})
	}
	g.ids = make([]map[int][]string, len(g.from))
	for i := range g.ids {
		g.ids[i] = map[int][]string{}
	}
	for _, name := range serviceNames() {
		at := -1
		for _, e := range edges {
			if serviceOf(w, e) != name {
				continue
			}
			if at < 0 {
				at = len(g.columns)
				g.columns = append(g.columns, service{name: name})
			}
			c := &g.columns[at]
			if !slices.Contains(c.ports, e.Port) {
				c.ports = append(c.ports, e.Port)
				slices.Sort(c.ports)
			}
			row := slices.Index(g.from, e.From)
			if row >= 0 {
				g.ids[row][at] = append(g.ids[row][at], e.ID())
			}
		}
	}
	return g
}

// serviceNames are the columns in their order.
func serviceNames() []string {
	return []string{"MongoDB", "NATS", "Rocket.Chat", "metrics", "messages", "Grafana", "HTTP", "HTTPS"}
}

// serviceOf is the column of an edge.
func serviceOf(w workspace.Workspace, e check.Edge) string {
	if e.From == check.World {
		if e.Port == w.Proxy.HTTPPort {
			return "HTTP"
		}
		return "HTTPS"
	}
	for _, i := range w.Instances {
		if i.Host != e.To {
			continue
		}
		switch e.Port {
		case i.Port:
			return "Rocket.Chat"
		case i.MetricsPort:
			return "metrics"
		case i.TCPPort:
			return "messages"
		}
	}
	switch e.Port {
	case w.Database.MongoDBPort:
		return "MongoDB"
	case w.Database.NATSPort:
		return "NATS"
	}
	return "Grafana"
}

// label is the ports of a column: one, or from the first to the last.
func (s service) label() string {
	switch len(s.ports) {
	case 0:
		return ""
	case 1:
		return strconv.Itoa(s.ports[0])
	}
	return strconv.Itoa(s.ports[0]) + "-" + strconv.Itoa(s.ports[len(s.ports)-1])
}

// tally is how the findings of one cell stand.
type tally struct {
	pass, warn, unknown, fail, pending int
}

func (t *tally) add(f check.Finding, known bool) {
	switch {
	case !known:
		t.pending++
	case f.Skipped || f.Verdict == check.Warn:
		t.warn++
	case f.Verdict == check.Pass:
		t.pass++
	case f.Verdict == check.Unknown:
		t.unknown++
	default:
		t.fail++
	}
}

// text is a cell: a sign, and how many of how many where there are several. In a
// wide column a word stands beside it.
func (t tally) text(l Look, wide bool) string {
	all := t.pass + t.warn + t.unknown + t.fail + t.pending
	word := func(tone tone, n int, s string) string {
		out := l.sign(tone)
		if all > 1 {
			s = strings.TrimSpace(strconv.Itoa(n) + "/" + strconv.Itoa(all) + " " + s)
		}
		if s == "" || !wide && all == 1 {
			return out
		}
		return out + " " + l.style(tone).Render(s)
	}
	name := func(s string) string {
		if wide {
			return s
		}
		return ""
	}
	switch {
	case all == 0:
		return ""
	case t.fail > 0:
		return word(bad, t.fail, name("closed"))
	case t.unknown > 0:
		return l.Warning.Render("?") + strings.TrimPrefix(word(warning, t.unknown, name("unknown")), l.sign(warning))
	case t.pending > 0:
		return l.Muted.Render(l.Neutral)
	case t.warn > 0:
		return word(warning, t.warn, name("passed by"))
	}
	return word(good, t.pass, name("open"))
}

// itself is what is known of a host that is no connection from it.
func itself(host string, findings []check.Finding) tally {
	var t tally
	for _, f := range findings {
		if f.Host == host && !strings.HasPrefix(f.ID, "port:") {
			t.add(f, true)
		}
	}
	return t
}

// selfText is the cell of the host itself: the worst of it, and how often.
func (t tally) selfText(l Look) string {
	switch {
	case t.fail > 0:
		return l.sign(bad) + " " + l.Bad.Render(strconv.Itoa(t.fail))
	case t.unknown > 0:
		return l.Warning.Render("? " + strconv.Itoa(t.unknown))
	case t.warn > 0:
		return l.sign(warning) + " " + l.Warning.Render(strconv.Itoa(t.warn))
	case t.pass > 0:
		return l.sign(good)
	}
	return l.Muted.Render(l.Neutral)
}

// render draws the grid on at most h lines. Where there is no room for every
// row, those with something to say come first in their order, and the last line
// says how many are left out.
func (g *grid) render(l Look, findings []check.Finding, w, h int) []string {
	byID := make(map[string]check.Finding, len(findings))
	for _, f := range findings {
		byID[f.ID] = f
	}
	const roomy = 88
	wide := w >= roomy
	named := wide || g.namedWidth() <= w
	t := table{rigid: map[int]bool{}}
	first, second := []string{"from"}, []string{""}
	for i, c := range g.columns {
		t.rigid[i+1] = true
		if named || c.label() == "" {
			first, second = append(first, c.name), append(second, c.label())
		} else {
			first = append(first, c.label())
		}
	}
	t.head = first
	if named {
		t.rows = append(t.rows, second)
	}
	type line struct {
		cells []string
		calm  bool
	}
	var lines []line
	for row, from := range g.from {
		host := from
		if from == check.World {
			host = "outside"
		}
		self := tally{}
		cells := []string{host, ""}
		if from != check.World && !g.aside[from] {
			self = itself(from, findings)
			cells[1] = self.selfText(l)
		}
		calm := self.fail+self.unknown+self.warn == 0
		for at := 1; at < len(g.columns); at++ {
			var sum tally
			for _, id := range g.ids[row][at] {
				f, ok := byID[id]
				sum.add(f, ok)
			}
			calm = calm && sum.fail+sum.unknown+sum.warn == 0
			cells = append(cells, sum.text(l, wide))
		}
		lines = append(lines, line{cells, calm})
	}
	room := h - 1 - len(t.rows)
	legend := ""
	if !named && room > len(lines) {
		legend = l.Muted.Render(l.cut(g.legend(l), w))
	}
	hidden := 0
	if len(lines) > room {
		room--
		for i := len(lines) - 1; i >= 0 && len(lines) > room; i-- {
			if lines[i].calm {
				lines = slices.Delete(lines, i, i+1)
				hidden++
			}
		}
		if over := len(lines) - max(0, room); over > 0 {
			lines, hidden = lines[:len(lines)-over], hidden+over
		}
	}
	for _, line := range lines {
		t.rows = append(t.rows, line.cells)
	}
	out := t.render(l, w)
	if named && len(out) > 1 {
		out[1] = l.Muted.Render(strings.TrimRight(out[1], " "))
	}
	if hidden > 0 {
		out = append(out, l.Muted.Render(l.Down+" "+count(hidden, "more row")))
	}
	if legend != "" {
		out = append(out, legend)
	}
	return out
}

// namedWidth is how wide the grid is at least with the names of the services.
func (g *grid) namedWidth() int {
	most := 0
	for _, from := range g.from {
		most = max(most, width(from), width("outside"))
	}
	for _, c := range g.columns {
		most += columnGap + max(width(c.name), width(c.label()))
	}
	return most
}

// legend says what listens on the ports, where there is no room for it above
// them.
func (g *grid) legend(l Look) string {
	parts := make([]string, 0, len(g.columns))
	for _, c := range g.columns {
		if c.label() != "" && c.name != "HTTP" && c.name != "HTTPS" { // whose ports everybody knows
			parts = append(parts, c.label()+" "+c.name)
		}
	}
	return strings.Join(parts, " "+l.Between+" ")
}
