package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui/plain"
)

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Count the instances, and tell how the cluster is",
		Long: `Count the instances, and tell how the cluster is: registered, fresh, of the
right version, on one database, linked to each other, seen through the proxy,
and monitored. Exit code 3 when something is not as it should be or cannot be
known.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.status(cmd.Context(), args)
		},
	}
	workspaceFlags(cmd)
	connectFlags(cmd)
	return cmd
}

func (a *app) status(ctx context.Context, args []string) error {
	ans, err := a.answers(args)
	if err != nil {
		return err
	}
	a.warnUnderWay(ans)
	if err := a.askSudo(&ans); err != nil {
		return err
	}
	site, disconnect, err := a.seen(ctx, ans)
	if err != nil {
		return err
	}
	defer disconnect()
	report := cluster.Observe(ctx, site.Workspace, site.Secrets, site.View)
	if a.config.GetBool("json") {
		if err := a.printJSON(report); err != nil {
			return err
		}
	} else if err := cluster.WriteText(a.sys.stdout, report); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return standing(report.Verdict)
}

func (a *app) planCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [NAME]",
		Short: "Show what install would change, with each file's difference",
		Long: `Show what install would change, step by step, with the difference of every file.
It looks at the hosts and changes nothing on them. Exit code 3 when a step could
not be carried out, or could not be looked at.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.plan(cmd.Context(), args)
		},
	}
	workspaceFlags(cmd)
	connectFlags(cmd)
	releaseFlags(cmd)
	cmd.Flags().Bool("overwrite-edited", false, "write over files that were edited by hand, as install")
	return cmd
}

func (a *app) plan(ctx context.Context, args []string) error {
	ans, err := a.answers(args)
	if err != nil {
		return err
	}
	a.warn(ans)
	a.adviseRelease(ctx, ans.workspace)
	if err := a.askSudo(&ans); err != nil {
		return err
	}
	// The secrets that are still to be made are made now: a plan that shows
	// other files than install will write is no plan.
	if err := a.keepLocked(&ans, "plan"); err != nil {
		return err
	}
	site, disconnect, err := a.site(ctx, ans)
	if err != nil {
		return err
	}
	defer disconnect()
	site.Overwrite = a.config.GetBool("overwrite-edited")
	reports, err := engine.Preview(ctx, steps.Install(site), engine.Options{Redact: a.redactor.Redact})
	if err != nil {
		return fmt.Errorf("look at the hosts: %w", err)
	}
	if a.config.GetBool("json") {
		if err := a.printJSON(reports); err != nil {
			return err
		}
	} else if err := plain.Plan(a.sys.stdout, reports); err != nil {
		return fmt.Errorf("print the plan: %w", err)
	}
	if t := engine.Total(reports); t.Failed+t.Blocked > 0 {
		return told(exitCheckFailed)
	}
	return nil
}
