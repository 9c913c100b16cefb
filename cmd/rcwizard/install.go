package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace/state"
)

func (a *app) installCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "install -f workspace.yaml",
		Short: "Deploy a workspace, or bring it to what the file says",
		Long: `Deploy a workspace, or bring it to what the file says. Running it again changes
only what is not as it should be. The answers are kept in the state folder, from
which rcwizard resume goes on. Exit code 3 when everything was carried out and
the count at the end could not tell whether the cluster is as it should be.`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.config.GetString("file") == "" {
				return usage(errors.New("install needs a workspace: rcwizard install -f workspace.yaml (README.md shows one)"))
			}
			ans, err := a.answers(nil)
			if err != nil {
				return err
			}
			cut, err := underWay(ans)
			if err != nil {
				return err
			}
			return a.deploy(cmd.Context(), "install", ans, cut)
		},
	}
	workspaceFlags(cmd)
	connectFlags(cmd)
	deployFlags(cmd)
	return cmd
}

func (a *app) resumeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume [NAME]",
		Short: "Go on with a workspace where the last run stopped",
		Long: `Go on with a workspace where the last run stopped: with the installation, or
with the instance that was being added or removed. Every step looks at its host
again; what is as it should be stays untouched.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ans, err := a.answers(args)
			if err != nil {
				return err
			}
			if err := a.tellResume(&ans); err != nil {
				return err
			}
			if cut, err := underWay(ans); err != nil {
				return err
			} else if cut != nil {
				return a.goOn(cmd.Context(), ans, *cut)
			}
			return a.deploy(cmd.Context(), doingResume, ans, nil)
		},
	}
	f := cmd.Flags()
	f.String("domain", "", "the workspace's `DOMAIN`, instead of the one kept")
	f.String("email", "", "e-mail `ADDRESS` for certificates, instead of the one kept")
	f.String("release", "", "Rocket.Chat's release `X.Y.Z`, instead of the one kept")
	f.String("compose", "", "whose compose files: bundled, official or official@COMMIT, instead of the `KIND` kept")
	mirrorFlag(cmd)
	connectFlags(cmd)
	deployFlags(cmd)
	return cmd
}

func deployFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolP("yes", "y", false, "ask nothing; what cannot be known is an error")
	releaseFlags(cmd)
	lockFlags(cmd)
	skipFlag(cmd)
	f.String("install-docker", "", "install Docker on hosts that have none, from `SOURCE`: distribution, or docker for Docker's own\nrepository; the commands are shown before")
	f.Bool("overwrite-edited", false, "write over files that were edited by hand")
	f.Bool("logs", true, "show the hosts' live output and progress")
}

// knownDockerSource refuses a word after --install-docker that names no source.
func knownDockerSource(word string) error {
	switch source := steps.DockerSource(word); source {
	case "", steps.DockerDistribution, steps.DockerDocker:
		return nil
	default:
		return usage(fmt.Errorf("--install-docker is distribution or docker, not %q", source))
	}
}

// deploy brings the hosts to what the answers say and tells how they are. cut is
// what was under way when the answers were read.
func (a *app) deploy(ctx context.Context, doing string, ans answers, cut *state.Alteration) error {
	if !a.config.GetBool("yes") && !a.sys.interactive {
		return usage(errors.New("nobody can be asked here: give --yes, and every answer in the workspace file"))
	}
	skips, err := a.skips(ans)
	if err != nil {
		return err
	}
	if err := knownDockerSource(a.config.GetString("install-docker")); err != nil {
		return err
	}
	a.warn(ans)
	a.warnUnderWay(ans)
	if err := a.askSudo(&ans); err != nil {
		return err
	}
	unlock, err := a.lockWaiting(ctx, ans, doing)
	if err != nil {
		return err
	}
	defer unlock()
	if err := ans.unchanged(cut); err != nil {
		return err
	}
	if err := ans.keepSecrets(); err != nil {
		return err
	}
	site, disconnect, err := a.site(ctx, ans)
	if err != nil {
		return err
	}
	defer disconnect()
	release, err := a.lockHosts(ctx, ans, site, doing)
	if err != nil {
		return err
	}
	defer release()
	if doing == doingResume {
		if err := a.tellRelease(ctx, site); err != nil {
			return err
		}
	}
	site.Overwrite = a.config.GetBool("overwrite-edited")
	plan, first := steps.Install(site), a.firstStage(ans, site, skips)
	if !settled(ans, site.Tree) {
		if err := first.make(ctx); err != nil {
			return err
		}
	}
	if first.ask {
		if err := a.confirm(ctx, plan, first); err != nil {
			return err
		}
	}
	if err := ans.keep(); err != nil {
		return err
	}
	runErr := a.carryOutAndRetry(ctx, func() engine.Plan { return steps.Install(site) }, ans, &site.Result, first)
	if err := a.conclude(site, ans, runErr == nil); err != nil {
		if runErr == nil {
			return err
		}
		a.sayf("rcwizard: %v\n", err)
	}
	if runErr == nil {
		left, err := a.overtaken(ans)
		if err != nil {
			return err
		}
		if left != "" {
			a.sayf("\n%s\n", left)
		}
	}
	if report, counted := site.Result.Report(); runErr == nil && counted {
		return standing(report.Verdict)
	}
	return runErr
}

// conclude writes down what was deployed, if all of it was, and tells the count.
func (a *app) conclude(site *steps.Site, ans answers, succeeded bool) error {
	report, counted, err := keepConclusion(site, ans, succeeded)
	if err != nil || !counted || a.config.GetBool("json") { // the events had it
		return err
	}
	return a.print("\n" + text(report) + "\n" + next(ans))
}

// keepConclusion writes down what was deployed, if all of it was, and the count
// if there was one.
func keepConclusion(site *steps.Site, ans answers, succeeded bool) (report cluster.Report, counted bool, err error) {
	if succeeded {
		if err := keepRendered(ans.folder, site.Tree); err != nil {
			return cluster.Report{}, false, fmt.Errorf("keep the rendered files: %w", err)
		}
	}
	if report, counted = site.Result.Report(); counted {
		if err := ans.folder.SaveReport(markdown(ans, report, lastCheck(ans))); err != nil {
			return report, counted, fmt.Errorf("keep the report: %w", err)
		}
	}
	return report, counted, nil
}
