package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
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
	site, err := b.site(ans, hosts)
	if err != nil {
		return check.Report{}, err
	}
	own, err := ownAddresses()
	if err != nil {
		return check.Report{}, err
	}
	looking := steps.Looking{
		Skips: slices.Concat(o.Skips, leftAlone(o)), Unreachable: failures, Addresses: own,
		Lookup: lookup, Published: b.a.published(),
	}
	if each != nil {
		looking.Found = func(f check.Finding) {
			if len(o.Only) == 0 || check.Matches(o.Only, f.ID) {
				each(f)
			}
		}
	}
	evidence := steps.Check(ctx, site, looking)
	if err := ctx.Err(); err != nil {
		return check.Report{}, fmt.Errorf("look at the hosts: %w", context.Cause(ctx))
	}
	if len(o.Only) == 0 {
		return check.Judge(ans.workspace, evidence, o.Skips), nil
	}
	return check.Again(ans.workspace, evidence, o.Skips, o.Only, o.Before), nil
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
