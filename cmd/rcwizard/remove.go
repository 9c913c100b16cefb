package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
)

func (a *app) removeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove-instance NAME",
		Short: "Take an instance out of a cluster that people are using",
		Long: `Take an instance out of a cluster that people are using: the proxy sends nobody
there any more, it goes on for a while for those who are with it, and it stops;
then Prometheus watches it no more, its record leaves the registry, and its
container and the files that rcwizard wrote leave the host. Files that somebody
edited stay, and so do the images. The last instance is not removed. Where its
host is gone for good, --without-host removes it everywhere else, and tells what
is left there.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("remove-instance needs the name of an instance: rcwizard status lists them"))
			}
			return atMost(1)(cmd, args)
		},
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ans, err := a.ofState()
		if err != nil {
			return err
		}
		drain := a.config.GetDuration("drain")
		if drain < 0 {
			return usage(fmt.Errorf("--drain %s is no time to wait", drain))
		}
		ans.again = a.sameCommand(cmd, args)
		c, err := a.departure(ans, args[0], drain)
		if err != nil {
			return err
		}
		return c.carry(cmd.Context())
	}
	instanceFlags(cmd)
	cmd.Flags().Duration("drain", removeDrain, "how long the instance goes on for those who are with it, before it is stopped")
	cmd.Flags().Bool("without-host", false, "remove it although its host cannot be reached, because it is gone for good")
	return cmd
}

// departure is the removal of an instance: of the workspace, or of one that was
// being added, or removed, when a run was cut.
func (a *app) departure(ans answers, name string, drain time.Duration) (*alteration, error) {
	cut, err := underWay(ans)
	if err != nil {
		return nil, err
	}
	c := &alteration{
		app: a, verb: steps.PlanRemove, ans: ans, names: []string{name}, drain: drain,
		withoutHost: a.config.GetBool("without-host"), underWay: cut,
	}
	if cut != nil && slices.Contains(cut.Instances, name) {
		on, err := a.cutAlteration(ans, *cut)
		if err != nil {
			return nil, err
		}
		if len(cut.Instances) > 1 {
			a.sayf("%s were being added together, and leave together\n", strings.Join(cut.Instances, ", "))
		}
		c.names, c.ans.workspace, c.goesOn = cut.Instances, on.ans.workspace, true
	}
	w := c.ans.workspace
	if _, there := w.Instance(name); !there {
		names := instanceNames(w)
		hint := ""
		if near := workspace.Nearest(name, names); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", near)
		}
		return nil, usage(fmt.Errorf("the workspace %s has no instance %q; it has %s%s", w.Name, name, strings.Join(names, ", "), hint))
	}
	if c.without = w.Without(c.names...); len(c.without.Instances) == 0 {
		return nil, usage(fmt.Errorf("%s is the last instance of %s: without it nobody is answered; add another one first", name, w.Name))
	}
	return c, nil
}
