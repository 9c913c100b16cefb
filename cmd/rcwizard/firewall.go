package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/steps"
)

func firewallFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Bool("firewall", false, "print what each host's firewall has to let in, and check nothing else")
	f.Bool("apply", false, "with --firewall: run those of the lines that are missing, after showing them")
	f.Bool("undo", false, "with --firewall: take back what --apply did, and nothing else")
	f.BoolP("yes", "y", false, "with --apply or --undo: do not ask")
	lockFlags(cmd)
}

// firewallUse refuses flags that make no sense together.
func (a *app) firewallUse() error {
	apply, undo := a.config.GetBool("apply"), a.config.GetBool("undo")
	switch {
	case !apply && !undo:
		return nil
	case !a.config.GetBool("firewall"):
		return usage(errors.New("--apply and --undo are for firewalls: rcwizard check --firewall --apply"))
	case apply && undo:
		return usage(errors.New("give --apply or --undo, not both"))
	case !a.config.GetBool("yes") && !a.sys.interactive:
		return usage(errors.New("nobody can be asked here: give --yes, or look first with rcwizard check --firewall"))
	case a.config.GetBool("json") && !a.config.GetBool("yes"):
		return usage(errors.New("with --json nobody is asked: give --yes too"))
	}
	return nil
}

// firewallWithin is how long a host waits for a new connection after its firewall
// was changed, before it takes the change back.
const firewallWithin = 45 * time.Second

// firewallRun is one --apply or --undo.
type firewallRun struct {
	*app
	ans  answers
	site *steps.Site
	look steps.Looking
	// skips are the checks that the person leaves out: nothing is done for them.
	skips  []string
	record check.FirewallRecord

	mu sync.Mutex // guards record and out
	// out is what became of each host, for --json.
	out map[string]*firewallOutcome
}

// firewallOutcome is what became of one host. The JSON names are stable.
type firewallOutcome struct {
	Host     string             `json:"host"`
	Firewall check.FirewallKind `json:"firewall,omitempty"`
	// Result is applied, there (nothing was missing), none (no firewall is active),
	// refused, undone, or failed.
	Result string   `json:"result"`
	Lines  []string `json:"lines,omitempty"`
	Says   []string `json:"says,omitempty"`
}

// changeFirewalls applies or takes back, with the state folder locked.
func (a *app) changeFirewalls(ctx context.Context, ans answers, skips []string) error {
	unlock, err := a.lock(ans, "firewall")
	if err != nil {
		return err
	}
	defer unlock()
	data, err := ans.folder.LoadFirewalls()
	if err != nil {
		return fmt.Errorf("in the state folder: %w", err)
	}
	record, err := check.ParseFirewallRecord(data)
	if err != nil {
		return fmt.Errorf("in %s: %w", ans.folder.Dir(), err)
	}
	r := &firewallRun{app: a, ans: ans, skips: skips, record: record, out: map[string]*firewallOutcome{}}
	if a.config.GetBool("undo") && len(record.Hosts) == 0 {
		if err := r.tellf("nothing that rcwizard applied is left to be taken back\n"); err != nil {
			return err
		}
		return r.end(nil)
	}
	disconnect, err := r.connectAll(ctx)
	if err != nil {
		return err
	}
	defer disconnect()
	if a.config.GetBool("undo") {
		return r.undo(ctx)
	}
	return r.apply(ctx)
}

// connectAll makes the connections, those that can be made.
func (r *firewallRun) connectAll(ctx context.Context) (disconnect func(), err error) {
	tree, err := r.renderTree(ctx, r.ans)
	if err != nil {
		return nil, err
	}
	roots, err := trust(r.ans.workspace)
	if err != nil {
		return nil, err
	}
	r.redactor.Add(r.ans.all().Values()...)
	hosts, failures, err := r.reach(ctx, &r.ans, r.skips)
	if err != nil {
		return nil, err
	}
	own, err := ownAddresses()
	if err != nil {
		closeAll(hosts)
		return nil, err
	}
	r.site = &steps.Site{
		Workspace: r.ans.workspace, Secrets: r.ans.all(), Tree: tree,
		Hosts: hosts, Version: r.build.Version,
		View: r.view(r.ans.workspace, hosts, roots),
	}
	r.look = steps.Looking{Unreachable: failures, Addresses: own, Lookup: lookup}
	return func() { closeAll(hosts) }, nil
}

// evidence looks at the hosts, and at the ports unless they are skipped.
func (r *firewallRun) evidence(ctx context.Context, skips ...string) (check.Evidence, error) {
	looking := r.look
	looking.Skips = slices.Concat([]string{"exposure", "release", "image"}, r.skips, skips)
	e := steps.Check(ctx, r.site, looking)
	if err := ctx.Err(); err != nil {
		return e, fmt.Errorf("look at the hosts: %w", err)
	}
	return e, nil
}

// edges are the connections that are needed, without those that are skipped;
// closed are those of them that the evidence does not prove open.
func (r *firewallRun) edges() []check.Edge {
	return slices.DeleteFunc(check.Edges(r.ans.workspace), func(e check.Edge) bool { return check.Matches(r.skips, e.ID()) })
}

func (r *firewallRun) closed(e check.Evidence) []check.Edge {
	return check.Unproven(r.edges(), check.Ports(r.ans.workspace, e))
}

// tellf says something to a person; a program is told all at once at the end.
func (r *firewallRun) tellf(format string, args ...any) error {
	if r.config.GetBool("json") {
		return nil
	}
	return r.print(fmt.Sprintf(format, args...))
}

// note keeps what became of a host, and says it.
func (r *firewallRun) note(host, result string, kind check.FirewallKind, lines []string, says ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out[host] = &firewallOutcome{Host: host, Firewall: kind, Result: result, Lines: lines, Says: says}
	for _, text := range says {
		if err := r.tellf("%s: %s\n", host, strings.TrimPrefix(text, "host "+host+": ")); err != nil {
			return err
		}
	}
	return nil
}

// end tells a program, and gives the exit code by the worst of the outcomes.
func (r *firewallRun) end(unproven []string) error {
	failed, refused := false, len(unproven) > 0
	all := make([]*firewallOutcome, 0, len(r.out))
	for _, host := range slices.Sorted(maps.Keys(r.out)) {
		o := r.out[host]
		failed = failed || o.Result == "failed"
		refused = refused || o.Result == "refused"
		all = append(all, o)
	}
	if r.config.GetBool("json") {
		if unproven == nil {
			unproven = []string{}
		}
		if err := r.printJSON(struct {
			Hosts    []*firewallOutcome `json:"hosts"`
			Unproven []string           `json:"unproven"`
		}{all, unproven}); err != nil {
			return err
		}
	}
	switch {
	case failed:
		return told(exitFailed)
	case refused:
		return told(exitCheckFailed)
	}
	return nil
}

// save writes the record as a whole.
func (r *firewallRun) save() error {
	data, err := r.record.Marshal()
	if err != nil {
		return err //nolint:wrapcheck // it says what of
	}
	if err := r.ans.folder.SaveFirewalls(data); err != nil {
		return fmt.Errorf("in the state folder: %w", err)
	}
	return nil
}

// apply shows what is missing, asks, runs it, and proves the connections.
func (r *firewallRun) apply(ctx context.Context) error {
	evidence, err := r.evidence(ctx)
	if err != nil {
		return err
	}
	missing := r.closed(evidence)
	changes, err := r.plan(ctx, evidence, missing)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return r.prove(evidence) // of a moment ago
	}
	if !r.config.GetBool("yes") {
		r.sayf("Each host takes its lines back by itself unless a new SSH connection comes through afterwards.\n")
		if yes, err := r.ask("Run these lines as root on " + hostCount(len(changes)) + "?"); err != nil {
			return err
		} else if !yes {
			return &exitError{code: exitInterrupted, err: errors.New("nothing was changed")}
		}
	}
	release, err := r.take(ctx, changedHosts(changes), "check --firewall --apply")
	if err != nil {
		return err
	}
	defer release()
	if err := r.stillMissing(ctx, evidence, missing, changes); err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		c.At = time.Now().UTC().Truncate(time.Second)
		r.record.Hosts[c.Host] = append(r.record.Hosts[c.Host], *c)
	}
	if err := r.save(); err != nil {
		return err
	}
	var told error
	r.stop.during(func() { told = r.applyAll(ctx, changes) })
	if told != nil {
		return told
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("apply the firewall lines: %w", err)
	}
	if evidence, err = r.evidence(ctx); err != nil {
		return err
	}
	return r.prove(evidence)
}

// take keeps other operators away from those hosts that are connected, and from no
// other: one that cannot be locked is none that is changed.
func (r *firewallRun) take(ctx context.Context, hosts []string, doing string) (release func(), err error) {
	part := &steps.Site{Workspace: r.ans.workspace, Hosts: map[string]remote.Host{}}
	for _, name := range hosts {
		if h, ok := r.site.Hosts[name]; ok {
			part.Hosts[name] = h
		}
	}
	if len(part.Hosts) == 0 {
		return func() {}, nil
	}
	release, err = r.lockHosts(ctx, r.ans, part, doing)
	if err != nil {
		return nil, err
	}
	// Without a lock hosts may be looked at all the same; these are to be changed.
	if err := r.locker.Hold(ctx, ""); err != nil {
		release()
		return nil, fmt.Errorf("lock the hosts: %w", err)
	}
	maps.Copy(r.site.Hosts, part.Hosts) // guarded now
	return release, nil
}

func changedHosts(changes []check.AppliedChange) []string {
	out := make([]string, len(changes))
	for i, c := range changes {
		out[i] = c.Host
	}
	return out
}

// stillMissing looks once more, now that no other operator changes the hosts: what
// was shown and agreed to must be what is run. What is kept for undo is what is there
// now: somebody may have added a rule of his own while this was shown.
func (r *firewallRun) stillMissing(ctx context.Context, evidence check.Evidence, missing []check.Edge, shown []check.AppliedChange) error {
	var all sync.WaitGroup
	troubles := make([]error, len(shown))
	for i, c := range shown {
		all.Go(func() {
			now, err := steps.PlanFirewall(ctx, r.site.Hosts[c.Host], r.ans.workspace, missing, evidence.Hosts[c.Host].Firewall)
			switch {
			case err != nil:
				troubles[i] = fmt.Errorf("look at the firewall of %s once more: %w", c.Host, err)
			case !slices.Equal(now.Apply, c.Apply):
				troubles[i] = fmt.Errorf("host %s: its firewall was changed since the lines were shown: run again", c.Host)
			default:
				shown[i] = now
			}
		})
	}
	all.Wait()
	return errors.Join(troubles...)
}

// plan finds out what every host lacks, and shows it.
func (r *firewallRun) plan(ctx context.Context, evidence check.Evidence, missing []check.Edge) ([]check.AppliedChange, error) {
	w := r.ans.workspace
	wanted := withoutSkipped(w.Hosts, r.skips)
	planned := make([]check.AppliedChange, len(wanted))
	failures := make([]error, len(wanted))
	var all sync.WaitGroup
	for i, h := range wanted {
		if connected, ok := r.site.Hosts[h.Name]; ok {
			all.Go(func() {
				planned[i], failures[i] = steps.PlanFirewall(ctx, connected, w, missing, evidence.Hosts[h.Name].Firewall)
			})
		} else {
			failures[i] = &steps.FirewallRefusedError{Host: h.Name, Reason: "not connected: " + evidence.Hosts[h.Name].Detail}
		}
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("look at the firewalls: %w", err)
	}
	var changes []check.AppliedChange
	for i, h := range wanted {
		err := r.show(h.Name, planned[i], failures[i], evidence.Hosts[h.Name].Firewall)
		if err != nil {
			return nil, err
		}
		if failures[i] == nil && len(planned[i].Apply) > 0 {
			changes = append(changes, planned[i])
		}
	}
	return changes, nil
}

// show says what of a host's firewall will be changed, or why nothing is.
func (r *firewallRun) show(host string, c check.AppliedChange, err error, fw check.Firewall) error {
	if refused, ok := errors.AsType[*steps.FirewallRefusedError](err); ok && refused.None {
		if err := r.note(host, "none", "", nil, refused.Reason); err != nil {
			return err
		}
		for _, l := range check.FirewallLines(r.ans.workspace, host, check.Edges(r.ans.workspace), fw) {
			if l.Firewall == check.Cloud {
				return r.tellf("  A cloud's security group in front of it, if there is one, has to let in:\n    %s\n", strings.Join(l.Apply, "\n    "))
			}
		}
		return nil
	} else if ok {
		return r.note(host, "refused", "", nil, refused.Reason)
	}
	switch {
	case err != nil:
		return r.note(host, "failed", "", nil, err.Error())
	case len(c.Apply) == 0 && c.There == 0:
		return r.note(host, "there", c.Firewall, nil, fmt.Sprintf("%s already lets in what has to come in", c.Firewall))
	case len(c.Apply) == 0:
		return r.note(host, "there", c.Firewall, nil, fmt.Sprintf("%s has every rule already; what does not come through all the same is stopped by a rule before them, or elsewhere", c.Firewall))
	}
	return r.tellf("%s: %s lacks\n    %s\n", host, c.Firewall, strings.Join(c.Apply, "\n    "))
}

// applyAll changes all hosts at once, and writes down how it went.
func (r *firewallRun) applyAll(ctx context.Context, changes []check.AppliedChange) error {
	var all sync.WaitGroup
	troubles := make([]error, len(changes))
	for i, c := range changes {
		all.Go(func() {
			troubles[i] = r.applyOne(ctx, c)
		})
	}
	all.Wait()
	return errors.Join(troubles...)
}

func (r *firewallRun) applyOne(ctx context.Context, c check.AppliedChange) error {
	host, _ := r.ans.workspace.Host(c.Host)
	done, err := steps.ApplyFirewall(ctx, r.site.Hosts[c.Host], c, steps.FirewallProof{
		Within:    firewallWithin,
		Reconnect: func(ctx context.Context) (remote.Host, error) { return r.open(ctx, r.ans, host) },
	})
	r.mu.Lock()
	mine := r.record.Hosts[c.Host]
	mine[len(mine)-1] = done
	if errors.Is(err, steps.ErrFirewallAsBefore) {
		mine = mine[:len(mine)-1]
	}
	if r.record.Hosts[c.Host] = mine; len(mine) == 0 {
		delete(r.record.Hosts, c.Host)
	}
	saveErr := r.save()
	r.mu.Unlock()
	if saveErr != nil {
		return saveErr
	}
	if err != nil {
		return r.note(c.Host, "failed", c.Firewall, c.Apply, err.Error())
	}
	return r.note(c.Host, "applied", c.Firewall, c.Apply, fmt.Sprintf("applied with %s; a new SSH connection came through", c.Firewall))
}

// prove says which connections were tried and found open: that a rule is there
// proves nothing.
func (r *firewallRun) prove(evidence check.Evidence) error {
	edges, closed := r.edges(), r.closed(evidence)
	if err := r.tellf("%d of %d connections are proven open\n", len(edges)-len(closed), len(edges)); err != nil {
		return err
	}
	ids := make([]string, len(closed))
	for i, e := range closed {
		ids[i] = e.ID()
		if err := r.tellf("  not proven: %s (rcwizard check says why)\n", e.ID()); err != nil {
			return err
		}
	}
	return r.end(ids)
}
