package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// Check implements ui.Backend. A host that cannot be connected to is a finding.
func (b *backend) Check(ctx context.Context, d ui.Draft, o ui.CheckOptions, each func(check.Finding)) (check.Report, error) {
	ans, err := b.usable(d)
	if err != nil {
		return check.Report{}, err
	}
	hosts, failures := b.connectHosts(ctx, ans, func(host string) bool {
		return check.Matches(o.Skips, "host:"+host+":ssh")
	})
	site, err := b.site(ctx, ans, hosts)
	if errors.Is(err, ui.ErrNoOfficialFiles) && d.Change == nil {
		// The hosts are checked all the same: the Review page, which comes next,
		// says so, and there one can choose.
		bundled := ans
		bundled.workspace.Compose = workspace.ComposeBundled
		if site, err = b.site(ctx, bundled, hosts); err == nil {
			site.Workspace = ans.workspace
		}
	}
	if err != nil {
		return check.Report{}, err
	}
	var news []string // the ids of what a change brings; nil for everything
	if d.Change != nil {
		c, err := b.alteration(d, ans)
		if err != nil {
			return check.Report{}, err
		}
		c.at(site)
		news = check.New(c.without, ans.workspace)
		if len(hosts) == len(ans.workspace.Hosts) { // else nobody knows what runs on all of them
			if _, err := c.observe(ctx); err != nil {
				return check.Report{}, err
			}
			ans = c.ans
		}
	}
	wanted := func(id string) bool {
		return (len(o.Only) == 0 || check.Matches(o.Only, id)) && (news == nil || check.Matches(news, id))
	}
	own, err := ownAddresses()
	if err != nil {
		return check.Report{}, err
	}
	looking := steps.Looking{
		Skips: slices.Concat(o.Skips, leftAlone(o), check.Beside(ans.workspace, news)), Unreachable: failures, Addresses: own,
		NameServers: nameServers(), Lookup: lookup, Published: b.a.published(),
	}
	if each != nil {
		looking.Found = func(f check.Finding) {
			if wanted(f.ID) {
				each(f)
			}
		}
	}
	evidence := steps.Check(ctx, site, looking)
	if err := ctx.Err(); err != nil {
		return check.Report{}, fmt.Errorf("look at the hosts: %w", context.Cause(ctx))
	}
	report := check.Judge(ans.workspace, evidence, o.Skips)
	switch {
	case len(o.Only) > 0:
		report = check.Again(ans.workspace, evidence, o.Skips, o.Only, o.Before)
	case news != nil:
		report = check.Again(ans.workspace, evidence, o.Skips, news, nil)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.checked = &checked{workspace: ans.workspace, report: report}
	return report, nil
}

// checked is a check, and what it was made of.
type checked struct {
	workspace workspace.Workspace
	report    check.Report
}

// firstStage is the check as the first stage of a deployment. The one that the
// person has seen and passed counts, if it was of these very answers; else one is
// made before the first change, and what fails then ends the run. It is to be
// told where it says what it does.
func (b *backend) firstStage(d ui.Draft, ans answers, site *steps.Site) (*stage, error) {
	s := b.a.firstStage(ans, site, d.Skips)
	s.wizard, s.ask = true, false // a run asks nothing
	s.accepted = "found as the deployment began"
	b.mu.Lock()
	last := b.checked
	b.mu.Unlock()
	if last == nil || !sameWorkspace(last.workspace, ans.workspace) {
		return s, nil
	}
	report := last.report.Skipping(s.skips)
	s.report, s.accepted = &report, acceptedByPerson
	return s, s.decide(report)
}

func sameWorkspace(x, y workspace.Workspace) bool {
	a, err := x.Marshal()
	if err != nil {
		return false
	}
	b, err := y.Marshal()
	return err == nil && bytes.Equal(a, b)
}

// leftAlone are the checks that are not looked at again. Hosts are, since what
// else is found depends on them, and so is listening: without a listener nothing
// can be said of the way to it.
func leftAlone(o ui.CheckOptions) []string {
	if len(o.Only) == 0 {
		return nil
	}
	var ids []string
	for _, f := range o.Before {
		kind, _, _ := strings.Cut(f.ID, ":")
		if !check.Matches(o.Only, f.ID) && !slices.Contains([]string{"host", "listen", "loopback"}, kind) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}
