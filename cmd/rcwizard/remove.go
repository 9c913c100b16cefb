package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/steps"
)

func (a *app) removeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove-instance NAME",
		Short: "Take an instance out of a cluster that people are using",
		Long: `Take an instance out of a cluster that people are using: the proxy sends nobody
there any more, it goes on for a while for those who are with it, and it stops;
then Prometheus watches it no more, its record leaves the registry, and its
container and the files that rcwizard wrote leave the host. Files that somebody
edited stay, and so do the images. The last instance is not removed.`,
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
		w := ans.workspace
		if _, there := w.Instance(args[0]); !there {
			names := make([]string, 0, len(w.Instances))
			for _, i := range w.Instances {
				names = append(names, i.Name)
			}
			return usage(fmt.Errorf("the workspace %s has no instance %q; it has %s", w.Name, args[0], strings.Join(names, ", ")))
		}
		if len(w.Instances) == 1 {
			return usage(fmt.Errorf("%s is the last instance of %s: without it nobody is answered; add another one first", args[0], w.Name))
		}
		ans.again = a.sameCommand(cmd, args)
		c := &alteration{app: a, verb: steps.PlanRemove, ans: ans, names: args, without: w.Without(args...), drain: drain}
		return c.carry(cmd.Context())
	}
	instanceFlags(cmd)
	cmd.Flags().Duration("drain", 30*time.Second, "how long the instance goes on for those who are with it, before it is stopped")
	return cmd
}
