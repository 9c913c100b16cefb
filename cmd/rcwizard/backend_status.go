package main

import (
	"context"
	"fmt"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/ui"
)

// Status implements ui.Backend. What would be seen from a host that cannot be
// reached is unknown in the count.
func (b *backend) Status(ctx context.Context, d ui.Draft) (ui.Count, error) {
	ans, err := b.usable(d)
	if err != nil {
		return ui.Count{}, err
	}
	hosts, failures := b.connectHosts(ctx, ans, everyHost)
	if err := unreached(ans.workspace, failures); err != nil && len(hosts) == 0 {
		return ui.Count{}, err
	}
	site, err := b.seen(ans, hosts)
	if err != nil {
		return ui.Count{}, err
	}
	report := cluster.Observe(ctx, site.Workspace, site.Secrets, site.View)
	if err := ctx.Err(); err != nil {
		return ui.Count{}, fmt.Errorf("count the instances: %w", context.Cause(ctx))
	}
	count := countOf(report)
	for _, h := range ans.workspace.Hosts {
		if err := failures[h.Name]; err != nil {
			count.Findings = append(count.Findings, ui.CountFinding{Verdict: check.Unknown, Host: h.Name, Text: err.Error()})
		}
	}
	return count, nil
}

// countOf is the report in the words of a face.
func countOf(r cluster.Report) ui.Count {
	c := ui.Count{
		Name: r.Workspace, Release: r.Release, RootURL: r.RootURL, At: r.At,
		Verdict: verdictOf(r.Verdict), Summary: r.Summary, Counted: r.Counted,
		Planned: r.Planned, Registered: r.Registered, Linked: answerOf(r.Linked),
	}
	for _, i := range r.Instances {
		c.Instances = append(c.Instances, ui.CountRow{
			Name: i.Name, Host: i.Host, Address: i.Address, Version: i.Version,
			Registered: answerOf(i.Registered), Since: i.Since,
			Proxied: answerOf(i.Proxied), Linked: answerOf(i.Linked), Why: i.Why,
		})
	}
	for _, f := range r.Findings {
		c.Findings = append(c.Findings, ui.CountFinding{
			Verdict: verdictOf(f.Verdict), Host: f.Host, Instance: f.Instance, Text: f.Text, Hint: f.Hint,
		})
	}
	for _, fact := range r.Surroundings() {
		c.Facts = append(c.Facts, ui.Fact{Label: fact[0], Value: fact[1]})
	}
	return c
}

func verdictOf(v cluster.Verdict) check.Verdict {
	switch v {
	case cluster.VerdictOK:
		return check.Pass
	case cluster.VerdictWarning:
		return check.Warn
	case cluster.VerdictFailed:
		return check.Fail
	case cluster.VerdictUnknown:
	}
	return check.Unknown
}

func answerOf(a cluster.Answer) check.Answer {
	switch a {
	case cluster.Yes:
		return check.Yes
	case cluster.No:
		return check.No
	case cluster.Unknown:
	}
	return check.NotKnown
}
