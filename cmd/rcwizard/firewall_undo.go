package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/steps"
)

// undo shows what was applied, asks, and takes it back.
func (r *firewallRun) undo(ctx context.Context) error {
	hosts := slices.DeleteFunc(slices.Sorted(maps.Keys(r.record.Hosts)), func(host string) bool {
		return check.Matches(r.skips, "host:"+host+":ssh")
	})
	if len(hosts) == 0 {
		return r.end(nil)
	}
	for _, host := range hosts {
		for _, c := range slices.Backward(r.record.Hosts[host]) {
			if err := r.tellf("%s: applied with %s on %s; to be taken back with\n    %s\n",
				host, c.Firewall, c.At.Format("2006-01-02 15:04:05Z"), strings.Join(c.Undo, "\n    ")); err != nil {
				return err
			}
		}
	}
	if !r.config.GetBool("yes") {
		if yes, err := r.ask("Run these lines as root on " + hostCount(len(hosts)) + "?"); err != nil {
			return err
		} else if !yes {
			return &exitError{code: exitInterrupted, err: errors.New("nothing was changed")}
		}
	}
	release, err := r.take(ctx, hosts, "check --firewall --undo")
	if err != nil {
		return err
	}
	defer release()
	evidence, err := r.evidence(ctx, notForFirewalls()...)
	if err != nil {
		return err
	}
	var told error
	r.stop.during(func() {
		var all sync.WaitGroup
		troubles := make([]error, len(hosts))
		for i, host := range hosts {
			changes := slices.Clone(r.record.Hosts[host])
			all.Go(func() { troubles[i] = r.undoHost(ctx, host, changes, evidence.Hosts[host]) })
		}
		all.Wait()
		told = errors.Join(troubles...)
	})
	if told != nil {
		return told
	}
	return r.end(nil)
}

// undoHost takes a host's changes back, the last first. What cannot be taken back
// stays in the record.
func (r *firewallRun) undoHost(ctx context.Context, host string, changes []check.AppliedChange, seen check.Host) error {
	connected, ok := r.site.Hosts[host]
	if _, in := r.ans.workspace.Host(host); !in {
		return r.note(host, "failed", "", nil, "no longer in the workspace: put it back into workspace.yaml to have its firewall as it was, or run the lines by hand")
	}
	if !ok {
		return r.note(host, "failed", "", nil, "not connected: "+seen.Detail)
	}
	var says []string
	var kind check.FirewallKind
	for len(changes) > 0 {
		c := changes[len(changes)-1]
		kind = c.Firewall
		undone, err := steps.UndoFirewall(ctx, connected, c, seen.Firewall)
		says = append(says, undone.Notes...)
		if err != nil {
			return r.note(host, "failed", kind, c.Undo, append(says, err.Error())...)
		}
		changes = changes[:len(changes)-1]
		r.mu.Lock()
		if r.record.Hosts[host] = changes; len(changes) == 0 {
			delete(r.record.Hosts, host)
		}
		err = r.save()
		r.mu.Unlock()
		if err != nil {
			return err
		}
		if undone.Same {
			says = append(says, fmt.Sprintf("taken back; %s says what it said before", kind))
		} else {
			says = append(says, "taken back; what else was changed since was left")
		}
	}
	return r.note(host, "undone", kind, nil, says...)
}
