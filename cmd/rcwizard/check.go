package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

func (a *app) checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [NAME]",
		Short: "Prove hosts, ports, domain and images before anything runs",
		Long: `Prove what an installation depends on, before anything runs: the hosts, every
connection between them on the ports that the services will use, what outsiders
reach, the domain, the release and the images. It listens on those ports for a
few seconds and changes nothing on the hosts. Exit code 3 when a check failed or
something cannot be known.

With --firewall it prints instead, for each host and the firewall that is active
there, what has to be let in, as lines for a root shell that may be typed twice,
and those that take them back. --apply runs the ones that are missing (ufw,
firewalld and nftables): it shows them and asks, and each host takes them back
by itself within 45 seconds unless a new SSH connection comes through. No
firewall is turned on, and nobody is shut out. --undo takes back what --apply
did, and nothing else.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.check(cmd.Context(), args)
		},
	}
	workspaceFlags(cmd)
	connectFlags(cmd)
	releaseFlags(cmd)
	skipFlag(cmd)
	firewallFlags(cmd)
	return cmd
}

func skipFlag(cmd *cobra.Command) {
	cmd.Flags().StringSlice("skip", nil, "leave out the check with this `ID`, or all whose ids begin so; it stays in the report")
}

func (a *app) check(ctx context.Context, args []string) error {
	if err := a.firewallUse(); err != nil {
		return err
	}
	ans, err := a.answersOrDraft(args)
	if err != nil {
		return err
	}
	skips, err := a.skips(ans)
	if err != nil {
		return err
	}
	a.warn(ans)
	if err := a.askSudo(&ans); err != nil {
		return err
	}
	// What is only made by an installation need not be there to be rendered.
	ans.secrets, _ = ans.secrets.Generate(ans.workspace)
	if a.config.GetBool("apply") || a.config.GetBool("undo") {
		return a.changeFirewalls(ctx, ans, skips)
	}
	if a.config.GetBool("firewall") {
		return a.firewall(ctx, ans, skips)
	}
	evidence, err := a.look(ctx, ans, skips)
	if err != nil {
		return err
	}
	report := check.Judge(ans.workspace, evidence, skips)
	if a.config.GetBool("json") {
		if err := a.printJSON(report); err != nil {
			return err
		}
	} else if err := check.WriteText(a.sys.stdout, report); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	if err := report.UnknownSkip(); err != nil {
		return usage(err)
	}
	if report.Verdict.Blocks() {
		return told(exitCheckFailed)
	}
	return nil
}

// notForFirewalls are the checks of which firewall lines need nothing.
func notForFirewalls() []string {
	return []string{"port", "listen", "loopback", "exposure", "domain", "release", "image"}
}

// firewall prints what every host has to let in, for the firewall that is
// active there. For a host that cannot be reached it prints the lines of all.
func (a *app) firewall(ctx context.Context, ans answers, skips []string) error {
	evidence, err := a.look(ctx, ans, append(notForFirewalls(), skips...))
	if err != nil {
		return err
	}
	w := ans.workspace
	edges := check.Edges(w)
	lines := []check.Lines{}
	unseen := false
	for _, h := range withoutSkipped(w.Hosts, skips) {
		seen := evidence.Hosts[h.Name]
		if seen.Connection != check.Connected {
			unseen = true
			a.sayf("warning: which firewall is active on %s is not known: %s\n", h.Name, seen.Detail)
		}
		lines = append(lines, check.FirewallLines(w, h.Name, edges, seen.Firewall)...)
	}
	if a.config.GetBool("json") {
		if err := a.printJSON(lines); err != nil {
			return err
		}
	} else if err := check.WriteFirewall(a.sys.stdout, lines); err != nil {
		return fmt.Errorf("print the firewall lines: %w", err)
	}
	if unseen {
		return told(exitCheckFailed)
	}
	return nil
}

// look collects the evidence. Hosts that cannot be connected to are part of it.
func (a *app) look(ctx context.Context, ans answers, skips []string) (check.Evidence, error) {
	tree, err := a.renderTree(ctx, ans)
	if err != nil {
		return check.Evidence{}, err
	}
	roots, err := trust(ans.workspace)
	if err != nil {
		return check.Evidence{}, err
	}
	a.redactor.Add(ans.all().Values()...)
	hosts, failures, err := a.reach(ctx, &ans, skips)
	if err != nil {
		return check.Evidence{}, err
	}
	defer closeAll(hosts)
	s := &steps.Site{
		Workspace: ans.workspace, Secrets: ans.all(), Tree: tree,
		Hosts: hosts, Version: a.build.Version,
		View: a.view(ans.workspace, hosts, roots),
	}
	return a.evidence(ctx, s, failures, skips)
}

// evidence collects what can be seen from a site's hosts; failures are those of
// hosts that cannot be connected to.
func (a *app) evidence(ctx context.Context, s *steps.Site, failures map[string]error, skips []string) (check.Evidence, error) {
	own, err := ownAddresses()
	if err != nil {
		return check.Evidence{}, err
	}
	evidence := steps.Check(ctx, s, steps.Looking{
		Skips: skips, Unreachable: failures, Addresses: own, NameServers: nameServers(), Lookup: lookup, Published: a.published(),
	})
	if err := ctx.Err(); err != nil {
		return check.Evidence{}, fmt.Errorf("look at the hosts: %w", err)
	}
	return evidence, nil
}

// reach connects to the hosts that are not skipped. Why one cannot be connected
// to is a finding like others, unless a person can settle it.
func (a *app) reach(ctx context.Context, ans *answers, skips []string) (connected map[string]remote.Host, failures map[string]error, err error) {
	connected, failures = map[string]remote.Host{}, map[string]error{}
	waiting := withoutSkipped(ans.workspace.Hosts, skips)
	a.sayf("connecting to %s\n", hostCount(len(waiting)))
	for len(waiting) > 0 {
		failed := a.connectAll(ctx, *ans, waiting, connected)
		waiting = nil
		var keys []unreachable
		for _, f := range failed {
			if _, unknown := errors.AsType[*remote.UnknownHostKeyError](f.err); unknown {
				keys = append(keys, f)
				continue
			}
			again, err := a.settleOrNote(ctx, ans, []unreachable{f}, failures)
			if err != nil {
				closeAll(connected)
				return nil, nil, err
			}
			waiting = append(waiting, again...)
		}
		again, err := a.settleOrNote(ctx, ans, keys, failures) // all new keys with one question
		if err != nil {
			closeAll(connected)
			return nil, nil, err
		}
		waiting = append(waiting, again...)
	}
	if err := ctx.Err(); err != nil {
		closeAll(connected)
		return nil, nil, fmt.Errorf("connect to the hosts: %w", err)
	}
	return connected, failures, nil
}

// withoutSkipped are the hosts that are to be connected to.
func withoutSkipped(hosts []workspace.Host, skips []string) []workspace.Host {
	return slices.DeleteFunc(slices.Clone(hosts), func(h workspace.Host) bool { return check.Matches(skips, "host:"+h.Name+":ssh") })
}

// settleOrNote is settle, with what nobody can settle noted by host.
func (a *app) settleOrNote(ctx context.Context, ans *answers, failed []unreachable, note map[string]error) ([]workspace.Host, error) {
	if len(failed) == 0 {
		return nil, nil
	}
	again, err := a.settle(ctx, ans, failed)
	if _, ok := errors.AsType[*unreachableError](err); ok {
		for _, f := range failed {
			note[f.host.Name] = withAnswer(f)
		}
		return nil, nil
	}
	return again, err
}

// published asks what is published of a release, or is nil where nothing is to
// be looked up.
func (a *app) published() func(context.Context, release.Release) (release.Published, error) {
	url := a.config.GetString(releasesName)
	if url == noReleases {
		return nil
	}
	return func(ctx context.Context, r release.Release) (release.Published, error) {
		ctx, cancel := context.WithTimeout(ctx, releasesWithin)
		defer cancel()
		return release.Refresh(ctx, http.DefaultClient, url, r)
	}
}

func lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name) //nolint:wrapcheck // it names what was asked for
}

// nameServers are those of this machine. A system without the file has them
// elsewhere; then the hosts' are asked.
func nameServers() []netip.AddrPort {
	conf, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil
	}
	return steps.NameServers(string(conf))
}

// ownAddresses are those of this machine that others could know it by.
func ownAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this machine's addresses: %w", err)
	}
	var own []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLoopback() {
			own = append(own, p.Addr().Unmap())
		}
	}
	return own, nil
}
