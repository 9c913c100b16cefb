package plain

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
)

// conclusionText is what a deployment came to, after its last event.
func conclusionText(c ui.Conclusion) string {
	var b strings.Builder
	b.WriteString("\n")
	if c.Aftermath != "" {
		b.WriteString(c.Aftermath + "\n\n")
	}
	if c.Count != nil {
		b.WriteString(countText(*c.Count) + "\n")
	}
	for _, f := range []ui.Fact{
		{Label: "Workspace", Value: c.Access.RootURL},
		{Label: "Administrator", Value: c.Access.Admin},
		{Label: "Grafana", Value: c.Access.Grafana},
		{Label: "Passwords", Value: c.Access.Secrets},
		{Label: "Report", Value: c.Access.Report},
		{Label: "Log", Value: c.Access.Transcript},
	} {
		if f.Value != "" {
			fmt.Fprintf(&b, "%-14s %s\n", f.Label, f.Value)
		}
	}
	return b.String()
}

// countText is what a cluster says of itself: the count, a line for each
// instance, and what is worth telling.
func countText(c ui.Count) string {
	var b strings.Builder
	b.WriteString(c.Summary + "\n")
	rows := make([][]string, 0, len(c.Instances))
	for _, i := range c.Instances {
		linked := "linked: " + string(i.Linked)
		if i.Why != "" {
			linked += ", " + i.Why
		}
		rows = append(rows, []string{
			i.Name, i.Address, i.Version, "registered: " + string(i.Registered), "through the proxy: " + string(i.Proxied), linked,
		})
	}
	b.WriteString(columns(rows))
	for _, f := range c.Findings {
		fmt.Fprintf(&b, "%s: %s\n", verdictWord(f.Verdict), f.Text)
		if f.Hint != "" {
			fmt.Fprintf(&b, "    %s\n", f.Hint)
		}
	}
	for _, f := range c.Facts {
		fmt.Fprintf(&b, "%-14s %s\n", f.Label, f.Value)
	}
	return b.String()
}

func verdictWord(v check.Verdict) string {
	switch v {
	case check.Pass:
		return "ok"
	case check.Warn:
		return "warning"
	case check.Fail:
		return "failed"
	default:
		return "not known"
	}
}

// columns are rows with their parts below each other, indented. What hosts said
// must not move the cursor.
func columns(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for n, part := range row {
			part = engine.CleanLine(part)
			row[n] = part
			if n == len(widths) {
				widths = append(widths, 0)
			}
			widths[n] = max(widths[n], utf8.RuneCountInString(part))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		padded := make([]string, len(row))
		for n, part := range row {
			padded[n] = part + strings.Repeat(" ", widths[n]-utf8.RuneCountInString(part))
		}
		b.WriteString(strings.TrimRight("  "+strings.Join(padded, "  "), " ") + "\n")
	}
	return b.String()
}
