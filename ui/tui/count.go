package tui

import (
	"slices"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/ui"
)

// toneOf is how a verdict is told.
func toneOf(v check.Verdict) tone {
	switch v {
	case check.Pass:
		return good
	case check.Warn, check.Unknown:
		return warning
	case check.Fail:
		return bad
	}
	return warning
}

// answer is a cell for yes, no and nobody knows.
func (l Look) answer(a check.Answer) string {
	switch a {
	case check.Yes:
		return l.word(good, "yes")
	case check.No:
		return l.word(bad, "no")
	case check.NotKnown:
	}
	return l.word(warning, "not known")
}

// countLines draw a count: the verdict, a row for each instance, and what is
// worth telling.
func (l Look) countLines(c ui.Count, w int) []string {
	out := []string{l.word(toneOf(c.Verdict), c.Summary), ""}
	t := table{
		head:  []string{"Instance", "Address", "Version", "Registered since", "Proxy", "Linked"},
		rigid: map[int]bool{0: true, 4: true, 5: true},
	}
	// Where there is little room the day will do, and the instance's name.
	const roomy = 70
	moment := "2006-01-02 15:04Z"
	if w < roomy {
		t.head, t.rigid = []string{"Instance", "Version", "Since", "Proxy", "Linked"}, map[int]bool{2: true, 3: true, 4: true}
		moment = time.DateOnly
	}
	for _, i := range c.Instances {
		since := l.answer(i.Registered)
		if i.Registered == check.Yes && !i.Since.IsZero() {
			since = i.Since.UTC().Format(moment)
		}
		cells := []string{i.Name, i.Address, or(i.Version, l.Neutral), since, l.answer(i.Proxied), l.answer(i.Linked)}
		if w < roomy {
			cells = slices.Delete(cells, 1, 2)
		}
		t.rows = append(t.rows, cells)
	}
	out = append(out, t.render(l, w)...)
	if len(c.Findings) > 0 {
		out = append(out, "")
	}
	for _, f := range c.Findings {
		out = append(out, l.finding(toneOf(f.Verdict), f.Text, f.Hint, w)...)
	}
	return out
}

// factLines are the rest of the cluster.
func (l Look) factLines(c ui.Count, w int) []string {
	rows := make([]row, len(c.Facts))
	for i, f := range c.Facts {
		rows[i] = row{f.Label, f.Value}
	}
	return l.pairs(w, rows...)
}

// finding is a sentence with its sign, and below it what to do.
func (l Look) finding(t tone, text, hint string, w int) []string {
	var out []string
	for i, line := range prose(text, w-2, l.Text.Render) {
		sign := l.sign(t)
		if i > 0 {
			sign = " "
		}
		out = append(out, sign+" "+line)
	}
	return append(out, indent(2, prose(hint, w-2, l.Muted.Render))...)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// day is when something was, as a person says it.
func day(t, now time.Time) string {
	t = t.In(now.Location())
	switch {
	case t.IsZero():
		return ""
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return "today " + t.Format("15:04")
	case t.Format(time.DateOnly) == now.AddDate(0, 0, -1).Format(time.DateOnly):
		return "yesterday " + t.Format("15:04")
	}
	return t.Format(time.DateOnly)
}
