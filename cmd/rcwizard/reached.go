package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// connectNeeded connects to the hosts. Those that have nothing to do with the
// instances need not answer: what is then not known is said.
func (c *alteration) connectNeeded(ctx context.Context) (disconnect func(), err error) {
	tree, err := c.renderTree(ctx, c.ans)
	if err != nil {
		return nil, err
	}
	roots, err := trust(c.ans.workspace)
	if err != nil {
		return nil, err
	}
	c.redactor.Add(c.ans.all().Values()...)
	hosts, failures, err := c.reach(ctx, &c.ans, nil)
	if err != nil {
		return nil, err
	}
	if err := c.missed(failures); err != nil {
		closeAll(hosts)
		return nil, err
	}
	c.unreached = failures
	c.tellUnreached()
	c.at(&steps.Site{
		Workspace: c.ans.workspace, Secrets: c.ans.all(), Tree: tree,
		Hosts: hosts, Version: c.build.Version,
		View: c.view(c.ans.workspace, hosts, roots),
	})
	return func() { closeAll(hosts) }, nil
}

// hostsOf are the hosts of the instances that come or go.
func (c *alteration) hostsOf() []string {
	var out []string
	for _, name := range c.names {
		if i, there := c.ans.workspace.Instance(name); there && !slices.Contains(out, i.Host) {
			out = append(out, i.Host)
		}
	}
	return out
}

// shared reports whether a host carries what the whole cluster needs.
func shared(w workspace.Workspace, host string) bool {
	return host == w.Database.Host || host == w.Proxy.Host
}

// missed is the error of the hosts that cannot be done without, with the command
// that removes an instance whose host is gone.
func (c *alteration) missed(failures map[string]error) error {
	err := c.silent(failures)
	if _, is := errors.AsType[*ui.SilentError](err); is {
		return fmt.Errorf("%w\nif it is gone for good, remove %s without it: %s", err,
			strings.Join(c.names, ", "), c.commandFor(c.verb, c.names[0], "--without-host"))
	}
	return err
}

// silent is the error of the hosts that cannot be done without; a ui.SilentError,
// where a person can decide otherwise.
func (c *alteration) silent(failures map[string]error) error {
	missing := make(map[string]error)
	for host, err := range failures {
		own := slices.Contains(c.hostsOf(), host)
		if shared(c.ans.workspace, host) || own && !c.withoutHost {
			missing[host] = err
		}
	}
	err := unreached(c.ans.workspace, missing)
	if err == nil {
		return nil
	}
	for host := range missing {
		if c.adds || c.withoutHost || shared(c.ans.workspace, host) {
			return err
		}
	}
	return &ui.SilentError{Hosts: slices.Sorted(maps.Keys(missing)), Err: err}
}

// tellUnreached says which hosts do not answer, and what is not known for that.
func (c *alteration) tellUnreached() {
	for _, h := range c.ans.workspace.Hosts {
		err := c.unreached[h.Name]
		if err == nil {
			continue
		}
		if slices.Contains(c.hostsOf(), h.Name) {
			c.sayf("going on without %s, which cannot be reached: %v\n", h.Name, err)
			continue
		}
		on := c.ans.workspace.InstancesOn(h.Name)
		runs := make([]string, 0, len(on))
		for _, i := range on {
			runs = append(runs, i.Name)
		}
		c.sayf("going on without %s, which cannot be reached and is not needed for this: %v\n"+
			"not known is which release %s runs, whether the new connections to it work, and what was changed there by hand\n",
			h.Name, err, strings.Join(runs, ", "))
	}
}

// notTried are the checks of connections to and from hosts that cannot be reached.
func (c *alteration) notTried() []string {
	var ids []string
	for _, e := range check.Edges(c.ans.workspace) {
		if c.unreached[e.From] != nil || c.unreached[e.To] != nil {
			ids = append(ids, e.ID())
		}
	}
	return ids
}

// tellRoom says how many instances the processors of a host are good for, where
// one more comes to it.
func (c *alteration) tellRoom() {
	for _, host := range c.hostsOf() {
		there, cores := len(c.ans.workspace.InstancesOn(host)), c.site.Cores(host)
		if there < 2 || cores == 0 {
			continue
		}
		advised := max(1, cores-1)
		fits := "there is room for that"
		if there > advised {
			fits = "that is more, and they will wait for each other"
		}
		c.sayf("%s has %s, for which the guide advises %s at most; it will have %d: %s\n",
			host, plural(cores, "core"), plural(advised, "instance"), there, fits)
	}
}

// left is what a removal leaves to the person: what stayed on hosts that an
// instance was removed without, and which hosts the firewalls still let in. It is
// paragraphs parted by empty lines, as ui.Conclusion has them; empty where nothing
// is left.
func (c *alteration) left() string {
	var paragraphs []string
	for _, name := range c.names {
		i, _ := c.ans.workspace.Instance(name)
		if c.unreached[i.Host] == nil {
			continue
		}
		dir := instanceDir(name, c.ans.workspace)
		paragraphs = append(paragraphs, fmt.Sprintf(`Left on %[1]s, which could not be reached: the container of %[2]s and its files in
%[3]s, with its licence and the way to the database in them.
If %[1]s ever starts again, Rocket.Chat starts there by itself and works on the
database: nothing sends people to it, and it may be of an older release by then.
Keep it off the network until this was run on it, as root:
  cd %[3]s && docker compose down && cd / && rm -r %[3]s`, i.Host, name, word(dir)))
	}
	return strings.Join(append(paragraphs, c.letIn()...), "\n\n")
}

// letIn says of hosts that are none of the workspace's any more that the
// firewalls do not know that, since nobody but the administrator changes them.
func (c *alteration) letIn() []string {
	var paragraphs []string
	for _, name := range c.hostsOf() {
		h, _ := c.ans.workspace.Host(name)
		if _, stays := c.without.Host(name); stays {
			continue
		}
		var open []string
		for _, e := range check.Edges(c.ans.workspace) {
			if e.From == name && e.To != name {
				open = append(open, fmt.Sprintf("%s on %s (port %d)", e.Service, e.To, e.Port))
			}
		}
		if len(open) == 0 {
			continue
		}
		paragraphs = append(paragraphs, fmt.Sprintf("%s is no host of the workspace any more. The firewalls let it in as before, from\n%s to %s.\nTake those rules out before the host or its address gets another use.",
			name, h.PrivateIP, strings.Join(open, ", ")))
	}
	return paragraphs
}
