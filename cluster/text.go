package cluster

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rcwizard/rcwizard/internal/plaintext"
)

// WriteText writes the report for a person: one table, what stands around the
// instances, the verdict, and the findings with what to do. It uses no colour
// and no character outside ASCII of its own.
func WriteText(w io.Writer, r Report) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s  %s  release %s\n\n", r.Workspace, r.RootURL, r.Release)
	rows := make([][]string, 0, 1+len(r.Instances))
	rows = append(rows, []string{"INSTANCE", "ADDRESS", "VERSION", "REGISTERED SINCE", "PROXY", "LINKED"})
	for _, row := range r.Instances {
		rows = append(rows, []string{row.Name, row.Address, or(row.Version, "-"), since(row), string(row.Proxied), string(row.Linked)})
	}
	align(&b, rows)
	b.WriteByte('\n')
	for _, line := range r.Surroundings() {
		plaintext.Paragraph(&b, fmt.Sprintf("%-13s", line[0]), line[1])
	}
	b.WriteByte('\n')
	plaintext.Paragraph(&b, string(r.Verdict)+": ", r.Summary)
	for _, f := range r.Findings {
		b.WriteByte('\n')
		label := string(f.Verdict)
		if f.Verdict == VerdictOK {
			label = "note"
		}
		plaintext.Paragraph(&b, fmt.Sprintf("%-9s", label), f.Text)
		if f.Hint != "" {
			plaintext.Paragraph(&b, strings.Repeat(" ", 9)+"> ", f.Hint)
		}
	}
	if _, err := io.WriteString(w, plaintext.Printable(b.String())); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// align writes rows in columns that are as wide as they must be.
func align(b *bytes.Buffer, rows [][]string) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = io.WriteString(t, strings.Join(row, "\t")+"\n") // into memory
	}
	_ = t.Flush()
}

// Surroundings are the lines about what is not an instance.
func (r Report) Surroundings() [][2]string {
	f := r.Facts
	lines := [][2]string{{"MongoDB", f.ReplicaSet.text()}, {"Proxy", f.Proxy.text()}}
	if c := f.Proxy.Certificate; c != nil {
		lines = append(lines, [2]string{"Certificate", c.text()})
	}
	return append(lines,
		[2]string{"Prometheus", f.Prometheus.text()},
		[2]string{"Grafana", f.Grafana.text()},
		[2]string{"NATS", f.NATS.text()},
	)
}

// state says a failure in one word; the findings say the rest.
func (e *Failure) state() string {
	if e.Unseen {
		return "unknown"
	}
	return "no answer"
}

const notDeployed = "not deployed"

func (s ReplicaSet) text() string {
	switch {
	case s.Error != nil:
		return s.Error.state()
	case s.Name == "":
		return "no replica set"
	}
	role := "not primary"
	if s.Primary {
		role = "primary"
	}
	version := s.Version
	if s.Imitation != "" {
		version = s.Imitation + " as " + version
	}
	return strings.TrimLeft(fmt.Sprintf("%s, replica set %s, %s %s", version, s.Name, role, s.Me), ", ")
}

func (p ProxyReport) text() string {
	if p.Error != nil {
		return p.Error.state()
	}
	return fmt.Sprintf("%d of %s answered, %s seen", p.Answers, plural(p.Requests, "request"), plural(len(p.Seen), "instance"))
}

func (c Certificate) text() string {
	if c.Error != nil {
		return c.Error.state()
	}
	text := "until " + c.NotAfter.Format(time.DateOnly) + ", by " + c.Issuer
	if c.Problem != "" {
		text = strings.ReplaceAll(string(c.Problem), "-", " ") + "; " + text
	}
	return text
}

func (p PrometheusReport) text() string {
	switch {
	case !p.Deployed:
		return notDeployed
	case p.Error != nil:
		return p.Error.state()
	}
	up := 0
	for _, t := range p.Targets {
		if t.Health == "up" {
			up++
		}
	}
	return fmt.Sprintf("%d of %s up", up, plural(len(p.Targets), "target"))
}

func (g GrafanaReport) text() string {
	switch {
	case !g.Deployed:
		return notDeployed
	case g.Error != nil:
		return g.Error.state()
	case g.ProxyError != nil:
		return "answers, but not at " + g.URL
	}
	return g.URL
}

func (n NATSReport) text() string {
	switch {
	case !n.Deployed:
		return notDeployed
	case n.Error != nil:
		return n.Error.state()
	}
	return plural(len(n.Clients), "connection")
}

// since is the time of registration in UTC.
func since(row Row) string {
	switch {
	case row.Registered == Yes && !row.Since.IsZero():
		return row.Since.UTC().Format("2006-01-02 15:04Z")
	case row.Registered == No:
		return "not registered"
	}
	return string(row.Registered)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
