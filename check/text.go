package check

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rcwizard/rcwizard/internal/plaintext"
)

// WriteText writes the report for a person: what was found of each host, the
// table of ports, the verdict, and what is not well, opened up. It uses no colour
// and no character outside ASCII of its own.
func WriteText(w io.Writer, r Report) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s  %s  release %s\n\n", r.Workspace, r.Domain, r.Release)
	table(&b, r.hostTable())
	table(&b, r.portTable())
	r.open(&b)
	if _, err := io.WriteString(w, plaintext.Printable(b.String())); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// WriteOpen writes what of the report needs somebody's eyes, or ears: the verdict
// in a line, and what did not pass, without the tables.
func WriteOpen(w io.Writer, r Report) error {
	var b bytes.Buffer
	r.open(&b)
	if _, err := io.WriteString(w, plaintext.Printable(b.String())); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (r Report) open(b *bytes.Buffer) {
	plaintext.Paragraph(b, "", r.Summary())
	for _, word := range r.UnknownSkips {
		plaintext.Paragraph(b, "", "--skip "+word+" names no check")
	}
	for _, g := range opened(r.Findings) {
		b.WriteByte('\n')
		g.write(b)
	}
	for _, f := range r.Findings {
		if f.Skipped && f.Because == "" && f.Verdict != Pass {
			b.WriteByte('\n')
			plaintext.Paragraph(b, label("skipped"), f.Title+" (found: "+string(f.Verdict)+")")
			plaintext.Paragraph(b, indent, f.ID)
		}
	}
}

// WriteBrief writes the report for a person who is on the way to something else:
// one line if nothing needs his eyes, else all of it.
func WriteBrief(w io.Writer, r Report) error {
	if r.Verdict != Pass || len(r.UnknownSkips) > 0 {
		return WriteText(w, r)
	}
	text := fmt.Sprintf("check: %s, all pass\n", plural(r.Counts.Pass, "finding"))
	if r.Counts.Skipped > 0 {
		text = fmt.Sprintf("check: %s pass, %d skipped\n", plural(r.Counts.Pass, "finding"), r.Counts.Skipped)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// WriteFirewall writes a host's firewall lines for a person, to be copied.
func WriteFirewall(w io.Writer, all []Lines) error {
	var b bytes.Buffer
	for i, l := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		switch {
		case l.Firewall == Cloud:
			plaintext.Paragraph(&b, "", l.Host+": as a cloud's security group; nothing else is let in")
		case l.Active:
			plaintext.Paragraph(&b, "", l.Host+": "+string(l.Firewall)+", which is active")
		default:
			plaintext.Paragraph(&b, "", l.Host+": "+string(l.Firewall)+", if you turn it on")
		}
		for _, line := range l.Apply {
			b.WriteString("    " + line + "\n")
		}
		if len(l.Undo) > 0 {
			b.WriteString("  undo\n")
		}
		for _, line := range l.Undo {
			b.WriteString("    " + line + "\n")
		}
	}
	if _, err := io.WriteString(w, plaintext.Printable(b.String())); err != nil {
		return fmt.Errorf("write the firewall lines: %w", err)
	}
	return nil
}

// Summary is the verdict and the counts, in a few words.
func (r Report) Summary() string {
	c := r.Counts
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{c.Fail, "failed"}, {c.Unknown, "unknown"}, {c.Warn, "warned"}, {c.Pass, "passed"}, {c.Skipped, "skipped"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return string(r.Verdict) + ": " + or(strings.Join(parts, ", "), "nothing was checked")
}

// hostTable has a row for each check of hosts, and a column for each host.
func (r Report) hostTable() [][]string {
	head := append([]string{"HOST"}, r.Hosts...)
	var rows [][]string
	index := map[string]int{}
	for _, f := range r.Findings {
		parts := strings.SplitN(f.ID, ":", 3)
		column := slices.Index(head, f.Host)
		if len(parts) != 3 || parts[0] != "host" || column < 1 {
			continue
		}
		i, ok := index[parts[2]]
		if !ok {
			i = len(rows)
			index[parts[2]] = i
			rows = append(rows, append([]string{parts[2]}, slices.Repeat([]string{"-"}, len(r.Hosts))...))
		}
		rows[i][column] = word(f.Verdict, string(f.Verdict), f.Skipped)
	}
	return append([][]string{head}, rows...)
}

// portTable has a row for each host that connects, and a column for each port.
func (r Report) portTable() [][]string {
	columns := 1 + len(r.Matrix.Columns)
	hosts, ports := append(make([]string, 0, columns), "FROM"), append(make([]string, 0, columns), "")
	last := ""
	for _, c := range r.Matrix.Columns {
		name := c.Host
		if name == last {
			name = "" // its name stands above its first port
		}
		last = c.Host
		hosts, ports = append(hosts, name), append(ports, strconv.Itoa(c.Port))
	}
	rows := append(make([][]string, 0, 2+len(r.Matrix.Rows)), hosts, ports)
	for _, row := range r.Matrix.Rows {
		line := append(make([]string, 0, columns), or(row.From, "(world)"))
		for _, c := range row.Cells {
			if c.ID == "" {
				line = append(line, "-")
				continue
			}
			line = append(line, word(c.Verdict, c.State, c.Skipped))
		}
		rows = append(rows, line)
	}
	return rows
}

// word is a cell: bad ones in capitals, so that they are seen without colour.
func word(v Verdict, state string, skipped bool) string {
	switch {
	case skipped:
		return "skipped"
	case v == Fail:
		return strings.ToUpper(state)
	case v == Unknown:
		return "unknown"
	}
	return state
}

// table writes rows, the first of them the head. What is wider than the page
// goes on in another table below, with the first column again; rows that are all
// empty there are left out.
func table(b *bytes.Buffer, rows [][]string) {
	const gap = 2
	if len(rows) < 2 || len(rows[0]) < 2 {
		return
	}
	width := func(column int) int {
		most := 0
		for _, row := range rows {
			most = max(most, utf8.RuneCountInString(row[column]))
		}
		return most
	}
	first := width(0)
	owner := "" // whose the columns at the break are
	for at := 1; at < len(rows[0]); {
		end, total := at, first
		for end < len(rows[0]) && (end == at || total+gap+width(end) <= plaintext.Width) {
			total += gap + width(end)
			end++
		}
		for n, row := range rows {
			cells := slices.Clone(row[at:end])
			if n == 0 && cells[0] == "" {
				cells[0] = owner
			}
			if n > 0 && row[0] != "" && !slices.ContainsFunc(cells, func(c string) bool { return c != "-" }) {
				continue
			}
			var line strings.Builder
			line.WriteString(pad(row[0], first))
			for i, c := range cells {
				line.WriteString(strings.Repeat(" ", gap) + pad(c, width(at+i)))
			}
			b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
		}
		b.WriteByte('\n')
		for _, name := range rows[0][at:end] {
			owner = or(name, owner)
		}
		at = end
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// group is findings of one kind on one host, told once.
type group struct {
	first    Finding
	others   []string
	commands []string
}

// opened are the findings that need somebody's eyes, the worst first, without
// those that follow from another.
func opened(findings []Finding) []group {
	type key struct {
		kind Kind
		host string
	}
	var out []*group
	index := map[key]*group{}
	cause := map[string]bool{}
	for _, f := range findings {
		cause[f.ID] = f.Verdict != Pass && !f.Skipped
	}
	for _, f := range findings {
		if f.Verdict == Pass || f.Skipped || cause[f.Because] {
			continue
		}
		k := key{f.Kind, f.Host}
		g, ok := index[k]
		if !ok {
			// One finding's lines are as they are: the same one may be in it twice.
			g = &group{first: f, commands: slices.Clone(f.Commands)}
			index[k] = g
			out = append(out, g)
			continue
		}
		g.others = append(g.others, f.ID)
		for _, c := range f.Commands {
			if !slices.Contains(g.commands, c) {
				g.commands = append(g.commands, c)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *group) int {
		return cmp.Compare(b.first.Verdict.rank(), a.first.Verdict.rank())
	})
	groups := make([]group, len(out))
	for i, g := range out {
		groups[i] = *g
	}
	return groups
}

const indent = "         "

func label(word string) string { return fmt.Sprintf("%-9s", word) }

func (g group) write(b *bytes.Buffer) {
	f := g.first
	plaintext.Paragraph(b, label(string(f.Verdict)), f.Title)
	for _, line := range [][2]string{{"tried", f.Tried}, {"got", f.Got}, {"means", f.Means}, {"do", f.Do}} {
		if line[1] != "" {
			plaintext.Paragraph(b, indent+fmt.Sprintf("%-7s", line[0]), line[1])
		}
	}
	if len(g.commands) > 0 {
		plaintext.Paragraph(b, indent, "type on "+f.Host+", as root:")
		for _, c := range g.commands {
			b.WriteString("  " + c + "\n")
		}
	}
	ids := append([]string{f.ID}, g.others...)
	plaintext.Paragraph(b, indent+fmt.Sprintf("%-7s", "id"), strings.Join(ids, ", "))
}
