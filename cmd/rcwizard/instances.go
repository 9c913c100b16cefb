package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui/plain"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// noteInstances is the key under which the journal notes which instances a run
// adds, with commas between them.
const noteInstances = "instances"

// instanceFlags are those of the commands that add and remove instances.
func instanceFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringP("workspace", "w", "", "the workspace's `NAME`, where several are known on this machine")
	f.BoolP("yes", "y", false, "ask nothing; what cannot be known is an error")
	f.Bool("logs", true, "show the hosts' live output and progress")
	connectFlags(cmd)
	lockFlags(cmd)
	mirrorFlag(cmd)
}

// ofState are the answers as they are kept: what flags and environment would say
// instead of them is out of the scope of an instance.
func (a *app) ofState() (answers, error) {
	if !a.config.GetBool("yes") && !a.sys.interactive {
		return answers{}, usage(errors.New("nobody can be asked here: give --yes"))
	}
	ans, err := a.fromState(a.config.GetString("workspace"))
	if err != nil {
		return answers{}, err
	}
	ans.workspace, ans.bundled = *ans.lastTime, bundledFirst(ans.lastTime.Name)
	return ans, nil
}

// alteration adds instances to a running cluster, or removes some. The answers
// have the instances in either case.
type alteration struct {
	*app
	verb string
	ans  answers
	// names are the instances.
	names []string
	// without is the workspace without them.
	without workspace.Workspace
	adds    bool
	drain   time.Duration
	skips   []string
	// withoutHost says that a host of an instance that is removed may be gone for
	// good.
	withoutHost bool
	// underWay is what was under way when this was asked for; nil if nothing was.
	// goesOn says that this is its continuation.
	underWay *state.Alteration
	goesOn   bool

	site *steps.Site
	// unreached are the hosts that cannot be connected to, and why.
	unreached map[string]error
}

// carry does it, from the locks to the report.
func (c *alteration) carry(ctx context.Context) error {
	if err := c.askSudo(&c.ans); err != nil {
		return err
	}
	doing := c.verb + " " + strings.Join(c.names, " ")
	unlock, err := c.lockWaiting(ctx, c.ans, doing)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.unchanged(); err != nil {
		return err
	}
	if err := c.ans.keepSecrets(); err != nil {
		return err
	}
	disconnect, err := c.connectNeeded(ctx)
	if err != nil {
		return err
	}
	defer disconnect()
	release, err := c.lockHosts(ctx, c.ans, c.site, doing)
	if err != nil {
		return err
	}
	defer release()
	if c.adds {
		return c.add(ctx)
	}
	return c.remove(ctx)
}

// at is where the alteration is carried out.
func (c *alteration) at(site *steps.Site) {
	c.site = site
	c.site.Scope = &steps.Scope{
		Instances: c.names, Without: c.without, Drain: c.drain, Lost: c.withoutHost,
		Kept: c.ans.folder.LoadWorkspace, Keep: c.ans.folder.SaveWorkspace,
	}
}

// plan is what it carries out.
func (c *alteration) plan() engine.Plan {
	if c.adds {
		return steps.Add(c.site)
	}
	return steps.Remove(c.site)
}

// observe takes over the release that runs, and says so where it is another than
// the workspace's.
func (c *alteration) observe(ctx context.Context) (news string, err error) {
	runs, err := c.site.Running(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("look at the hosts: %w", ctx.Err())
		}
		return "", &exitError{code: exitCheckFailed, err: fmt.Errorf("nothing was changed: %w", err)}
	}
	if err := c.current(ctx); err != nil {
		return "", err
	}
	if runs == c.ans.workspace.Release {
		return "", nil
	}
	news = fmt.Sprintf("the cluster runs release %s, and workspace.yaml says %s: the one that runs is taken", runs, c.ans.workspace.Release)
	c.ans.workspace.Release = runs
	tree, err := c.renderTree(ctx, c.ans)
	if err != nil {
		return "", err
	}
	c.site.Workspace, c.site.Tree = c.ans.workspace, tree
	return news, nil
}

func (c *alteration) add(ctx context.Context) error {
	news, err := c.observe(ctx)
	if err != nil {
		return err
	}
	if news != "" {
		c.sayf("%s\n", news)
	}
	c.site.Overwrite = c.config.GetBool("overwrite-edited")
	first := c.firstStage(c.ans, c.site, c.skips)
	first.only, first.instances = check.New(c.without, c.ans.workspace), c.names
	first.skips = append(first.skips, c.notTried()...)
	c.tellRoom()
	if err := c.showForeign(ctx); err != nil {
		return err
	}
	if err := first.make(ctx); err != nil {
		return err
	}
	if err := c.showRest(ctx); err != nil {
		return err
	}
	plan := c.plan()
	if first.ask {
		if err := c.confirm(ctx, plan, first); err != nil {
			return err
		}
	}
	if err := c.begin(); err != nil {
		return err
	}
	sum, runErr := c.carryOutUntil(ctx, c.stop.graceful, plan, c.ans, &c.site.Result, first)
	switch {
	case runErr != nil && c.idle(sum):
		return c.unbegun(runErr)
	case runErr != nil:
		return c.takeBack(ctx, runErr, first)
	}
	if err := c.done(); err != nil {
		return err
	}
	return c.end(ctx, c.after())
}

func (c *alteration) remove(ctx context.Context) error {
	if err := c.site.Meet(ctx); err != nil {
		return fmt.Errorf("look at the hosts: %w", err)
	}
	if err := c.current(ctx); err != nil {
		return err
	}
	if err := c.showRest(ctx); err != nil {
		return err
	}
	plan := c.plan()
	if c.sys.interactive && !c.config.GetBool("yes") {
		// There is no check to be made: nothing new comes to any host.
		if err := c.confirm(ctx, plan, &stage{report: new(check.Report)}); err != nil {
			return err
		}
	}
	if err := c.begin(); err != nil {
		return err
	}
	sum, runErr := c.carryOutUntil(ctx, c.stop.graceful, plan, c.ans, &c.site.Result, nil)
	switch {
	case runErr != nil && c.idle(sum):
		return c.unbegun(runErr)
	case runErr != nil:
		c.sayf("\n%s\n", c.halfRemoved())
		return runErr
	}
	if err := c.done(); err != nil {
		return err
	}
	err := c.end(ctx, c.after())
	if left := c.left(); left != "" {
		c.sayf("\n%s\n", left)
	}
	return err
}

// showRest tells what differs from what this rcwizard would write, and is left
// as it is.
func (c *alteration) showRest(ctx context.Context) error {
	rest, err := c.site.Rest(ctx)
	if err != nil {
		return fmt.Errorf("look at the hosts: %w", err)
	}
	for _, left := range rest {
		what := "differs from what this rcwizard would write"
		switch {
		case left.Missing:
			what = "is not there, and this rcwizard would write it"
		case left.Edited:
			what = "was edited by hand"
		}
		c.sayf("left as it is: %s on %s %s\n", left.Path, left.Host, what)
		c.showDifference(left)
	}
	return nil
}

func (c *alteration) showDifference(left steps.Left) {
	if left.Have != "" || left.Want != "" {
		_ = plain.Difference(c.sys.stderr, "on "+left.Host, []byte(left.Have), "rcwizard's", []byte(left.Want))
	}
}

// showForeign tells what lies where the new instances' files go.
func (c *alteration) showForeign(ctx context.Context) error {
	foreign, err := c.site.Foreign(ctx)
	if err != nil {
		return fmt.Errorf("look at the hosts: %w", err)
	}
	for _, left := range foreign {
		becomes := "it is not written over without --overwrite-edited"
		if c.site.Overwrite {
			becomes = "it is written over"
		}
		c.sayf("in the way: %s on %s is not as rcwizard wrote it; %s\n", left.Path, left.Host, becomes)
		c.showDifference(left)
	}
	return nil
}

// takeBack leaves the cluster as it was before an addition that failed, unless
// the hosts may not be changed any more or somebody wants to leave at once.
func (c *alteration) takeBack(ctx context.Context, why error, first *stage) error {
	exit, ok := errors.AsType[*exitError](why)
	_, lost := errors.AsType[*lock.LostError](why)
	switch {
	case first.refused, lost, ok && exit.code == exitLocked:
		return why
	case ctx.Err() != nil:
		c.sayf("rcwizard: what was begun is left as it is, and nobody is sent to %s unless it answers; go on with: %s\n", c.names[0], c.ans.again)
		return why
	}
	plan := steps.TakeBack(c.site)
	reports, err := engine.Preview(ctx, plan, engine.Options{Redact: c.redactor.Redact})
	if err != nil || engine.Total(reports).Done < len(reports) {
		c.sayf("\ntaking back what was begun, so that the cluster is as it was\n")
		if _, err := c.carryOutUntil(ctx, nil, plan, c.ans, new(steps.Result), nil); err != nil {
			c.sayf("rcwizard: not everything could be taken back; go on with: %s\n", c.ans.again)
			return why
		}
	}
	if err := c.done(); err != nil {
		return errors.Join(why, err)
	}
	c.sayf("rcwizard: the cluster is as it was; when the cause is mended, run again: %s\n", c.ans.again)
	return why
}

// after are the answers once it is carried out.
func (c *alteration) after() answers {
	after := c.ans
	if !c.adds {
		after.workspace = c.without
	}
	return after
}

// end writes down what stands on the hosts now, and tells the count.
func (c *alteration) end(ctx context.Context, ans answers) error {
	if err := c.written(ctx, ans); err != nil {
		return err
	}
	if err := c.conclude(c.site, ans, false); err != nil {
		return err
	}
	if report, counted := c.site.Result.Report(); counted {
		return standing(report.Verdict)
	}
	return nil
}

// written writes down what stands on the hosts now, unless that is not what
// would be rendered, or not known. Answers that somebody is changing beside it
// change with it.
func (c *alteration) written(ctx context.Context, ans answers) error {
	tree, err := c.renderTree(ctx, ans)
	if err != nil {
		return err
	}
	now := &steps.Site{
		Workspace: ans.workspace, Secrets: c.site.Secrets, Tree: tree, Hosts: c.site.Hosts,
		Scope: &steps.Scope{}, Version: c.site.Version,
	}
	if err := now.Meet(ctx); err != nil {
		return fmt.Errorf("look at the hosts: %w", err)
	}
	rest, err := now.Rest(ctx)
	if err != nil {
		return fmt.Errorf("look at the hosts: %w", err)
	}
	if len(rest) == 0 && len(c.unreached) == 0 {
		if err := keepRendered(ans.folder, tree); err != nil {
			return fmt.Errorf("keep the rendered files: %w", err)
		}
	}
	return c.carryOver()
}
