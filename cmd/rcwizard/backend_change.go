package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// removeDrain is how long an instance that is removed goes on for those who are
// with it, unless a command says otherwise.
const removeDrain = 30 * time.Second

// alteration is the change of a draft, as the commands make it. The workspace
// must be the one that the draft was opened of.
func (b *backend) alteration(d ui.Draft, ans answers) (*alteration, error) {
	folder, err := b.folder(d.Key)
	if err != nil {
		return nil, err
	}
	before, err := folder.LoadWorkspace()
	if err != nil {
		return nil, fmt.Errorf("read the answers in %s: %w", folder.Dir(), err)
	}
	before = before.Complete()
	wanted := ans.workspace
	ans.folder, ans.lastTime, ans.workspace = folder.Folder, &before, before
	// With these logins the hosts are reached; all else is as it is kept now.
	ans.given = workspace.Secrets{Hosts: ans.secrets.Hosts}
	if err := ans.refresh(); err != nil {
		return nil, err
	}
	b.a.redactor.Add(ans.secrets.Values()...)
	cut, err := underWay(ans)
	if err != nil {
		return nil, err
	}
	// What was cut a moment ago may be tried again at once.
	again := cut != nil && slices.Equal(cut.Instances, d.Change.Instances)
	var c *alteration
	switch {
	case cut == nil && d.Change.Begun, cut != nil && !d.Change.Begun && !again:
		return nil, errors.New(changedMeanwhile)
	case again && cut.Verb == verbOf(d.Change.Kind):
		// As it was begun: its drain, and whether its host is gone, are settled.
		if c, err = b.a.cutAlteration(ans, *cut); err != nil {
			return nil, err
		}
	case d.Change.Kind == ui.RemoveInstances && (cut == nil || cut.Verb == steps.PlanAdd):
		if c, err = b.a.departure(ans, d.Change.Instances[0], d.Change.Drain); err != nil {
			return nil, err
		}
		var flags []string
		if d.Change.WithoutHost {
			c.withoutHost, flags = true, []string{"--without-host"}
		}
		c.ans.again = c.commandFor(c.verb, d.Change.Instances[0], flags...)
	case cut != nil:
		return nil, errors.New(changedMeanwhile)
	default:
		ans.workspace = wanted
		c = &alteration{
			app: b.a, verb: steps.PlanAdd, adds: true, drain: takeBackDrain, ans: ans,
			names: d.Change.Instances, without: wanted.Without(d.Change.Instances...),
		}
		c.ans.again = c.command()
		if !sameWorkspace(c.without, before) {
			return nil, errors.New(changedMeanwhile)
		}
	}
	if !sameWorkspace(c.ans.workspace, wanted) {
		return nil, errors.New(changedMeanwhile)
	}
	return c, nil
}

// verbOf is the name of the plan of a change.
func verbOf(kind ui.ChangeKind) string {
	if kind == ui.RemoveInstances {
		return steps.PlanRemove
	}
	return steps.PlanAdd
}

const changedMeanwhile = "the workspace was changed by another run meanwhile, and nothing by this one: begin again from the Start page"

// command is the one that adds the same, for a shell.
func (c *alteration) command() string {
	words := []string{"rcwizard", c.verb}
	names, ips := make([]string, 0, len(c.names)), make([]string, 0, len(c.names))
	for _, name := range c.names {
		i, _ := c.ans.workspace.Instance(name)
		h, _ := c.ans.workspace.Host(i.Host)
		host, ip := h.Name, ""
		if _, there := c.ans.lastTime.Host(i.Host); !there {
			host, ip = question.Address{Host: h.Address, User: h.SSH.User, Port: h.SSH.Port}.String(), h.PrivateIP
		}
		words, names, ips = append(words, word(host)), append(names, name), append(ips, ip)
	}
	words = append(words, "--workspace", word(c.ans.workspace.Name), "--name", word(strings.Join(names, ",")))
	if strings.Trim(strings.Join(ips, ""), " ") != "" {
		words = append(words, "--private-ip", word(strings.Join(ips, ",")))
	}
	return strings.Join(append(words, c.whence()...), " ")
}

// altering is a change with connections to all hosts, and the release that runs.
func (b *backend) altering(ctx context.Context, d ui.Draft) (c *alteration, hosts map[string]remote.Host, news string, err error) {
	ans, err := b.usable(d)
	if err != nil {
		return nil, nil, "", err
	}
	if c, err = b.alteration(d, ans); err != nil {
		return nil, nil, "", err
	}
	hosts, failures := b.connectHosts(ctx, c.ans, everyHost)
	if err := c.silent(failures); err != nil {
		return nil, nil, "", err
	}
	c.unreached = failures
	site, err := b.site(ctx, c.ans, maps.Clone(hosts)) // its own are guarded by the lock
	if err != nil {
		return nil, nil, "", err
	}
	c.at(site)
	if !c.adds { // what runs is of no account to what leaves
		if err := site.Meet(ctx); err != nil {
			return nil, nil, "", fmt.Errorf("look at the hosts: %w", err)
		}
		return c, hosts, "", c.current(ctx)
	}
	news, err = c.observe(ctx)
	return c, hosts, news, err
}

// reviewChange is Review for a change.
func (b *backend) reviewChange(ctx context.Context, d ui.Draft) (ui.Review, error) {
	c, _, news, err := b.altering(ctx, d)
	if err != nil {
		return ui.Review{}, err
	}
	rest, err := c.site.Rest(ctx)
	if err != nil {
		return ui.Review{}, fmt.Errorf("look at the hosts: %w", err)
	}
	var review ui.Review
	warn := func(text string) {
		review.Warnings = append(review.Warnings, workspace.Problem{Severity: workspace.Warning, Text: text})
	}
	if news != "" {
		warn(news)
	}
	for _, h := range c.ans.workspace.Hosts {
		if c.unreached[h.Name] != nil {
			warn(h.Name + " cannot be reached, and is not needed for this: what runs there and was changed there is not known")
		}
	}
	c.site.Overwrite = c.adds && b.a.config.GetBool("overwrite-edited")
	if review.Plan, err = engine.Preview(ctx, c.plan(), engine.Options{Redact: b.a.redactor.Redact}); err != nil {
		return review, fmt.Errorf("look at the hosts: %w", err)
	}
	review.Hosts = c.files(review.Plan, rest)
	return review, nil
}

// files are those that the plan is about, and those that it leaves as they are.
func (c *alteration) files(plan []engine.StepReport, rest []steps.Left) []ui.HostFiles {
	changes := map[string]engine.Change{}
	for _, step := range plan {
		for _, change := range step.Changes {
			changes[step.Host+":"+change.Path] = change
		}
	}
	var out []ui.HostFiles
	for _, all := range hostFiles(c.ans.workspace, c.site.Tree, plan) {
		shown := ui.HostFiles{Host: all.Host, Roles: all.Roles}
		for _, f := range all.Files {
			change, touched := changes[all.Host+":"+f.Path]
			left := slices.IndexFunc(rest, func(l steps.Left) bool { return l.Host == all.Host && l.Path == f.Path })
			switch {
			case touched && change.Kind == engine.Update && change.After != "":
				// Of a list an entry is edited, whatever would be rendered.
				f.Content, f.Remarks = string(render.Masked(path.Base(f.Path), []byte(change.After))), nil
			case touched:
			case left >= 0:
				f = leftFile(f, rest[left])
			case !c.own(all.Host, f.Path):
				continue
			}
			shown.Files = append(shown.Files, f)
		}
		if len(shown.Files) > 0 {
			out = append(out, shown)
		}
	}
	return out
}

// own reports whether a file is one of the instances'.
func (c *alteration) own(host, file string) bool {
	return slices.ContainsFunc(c.site.Tree.On(host), func(p render.Project) bool {
		return p.Role == render.RoleInstance && slices.Contains(c.names, p.Instance) && strings.HasPrefix(file, p.Dir+"/")
	})
}

// leftFile is a file as it is and stays, with why it is not as rcwizard would
// write it.
func leftFile(f ui.ReviewFile, l steps.Left) ui.ReviewFile {
	f.Change, f.Before, f.Remarks = "", "", nil
	f.Content, f.Other = l.Have, l.Want
	switch {
	case l.Missing:
		f.Left = "is not there, and rcwizard would write it today"
	case l.Edited:
		f.Left = "was edited by hand"
	default:
		f.Left = "is not what rcwizard would write today"
	}
	return f
}

// deployChange is Deploy for a change.
func (b *backend) deployChange(ctx context.Context, d ui.Draft) (*ui.Run, error) {
	folder, err := b.folder(d.Key)
	if err != nil {
		return nil, err
	}
	unlock, err := b.a.lock(answers{folder: folder.Folder}, verbOf(d.Change.Kind))
	if err != nil {
		return nil, err
	}
	run, err := b.beginChange(ctx, d, unlock)
	if err != nil {
		unlock()
		return nil, err
	}
	return run, nil
}

func (b *backend) beginChange(ctx context.Context, d ui.Draft, unlock func()) (*ui.Run, error) {
	c, hosts, news, err := b.altering(ctx, d)
	if err != nil {
		return nil, err
	}
	if err := c.unchanged(); err != nil {
		return nil, err
	}
	c.site.Overwrite = c.adds && b.a.config.GetBool("overwrite-edited")
	var first *stage
	if c.adds {
		if first, err = b.firstStage(d, c.ans, c.site); err != nil {
			return nil, err
		}
		first.only, first.instances = check.New(c.without, c.ans.workspace), c.names
		first.skips = append(first.skips, c.notTried()...)
	}
	release, err := b.a.lockHosts(ctx, c.ans, c.site, c.verb+" "+strings.Join(c.names, " "))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.ans.keepSecrets(), c.begin()); err != nil {
		release()
		return nil, err
	}
	x, err := b.a.execution(c.ans)
	if err != nil {
		release()
		if !c.goesOn {
			err = errors.Join(err, c.done())
		}
		return nil, err
	}
	say := func(format string, args ...any) {
		x.log.Append(engine.Noted{Time: time.Now(), Text: strings.TrimSpace(fmt.Sprintf(format, args...))})
	}
	if first != nil {
		first.say = say
	}
	x.retries, x.skips = new(engine.Retries), d.Skips
	b.pool.take(hosts)
	return b.carryOut(ctx, x, func(ctx context.Context, stop <-chan struct{}) (ui.Conclusion, error) {
		defer func() {
			release()
			closeAll(hosts)
			unlock()
		}()
		if news != "" {
			say("%s", news)
		}
		return c.conclusion(ctx, stop, x, first, say)
	}), nil
}

// conclusion carries the change out and says what it came to. An addition that
// fails or is stopped is taken back.
func (c *alteration) conclusion(ctx context.Context, stop <-chan struct{}, x *execution, first *stage, say func(string, ...any)) (ui.Conclusion, error) {
	var consent func(context.Context) error
	if first != nil {
		consent = first.consent(x.log, x.journal)
	}
	sum, err := x.carry(ctx, c.app, c.ans, c.plan(), stop, consent)
	out := ui.Conclusion{Summary: sum}
	// The count of an addition that failed is of instances that are taken back.
	countable := err == nil || !c.adds
	var errs []error
	switch {
	case err == nil:
		errs = append(errs, c.done(), c.written(ctx, c.after()))
		if !c.adds {
			out.Aftermath = c.left()
		}
	case sum.Outcome == "", errors.Is(err, engine.ErrRefused):
		errs = append(errs, err) // nothing of the plan was begun
		if !c.goesOn {
			errs = append(errs, c.done())
		}
	case c.idle(sum):
		errs = append(errs, c.done())
		out.Aftermath = "Nothing was changed, and there is nothing to go on with. When the cause is mended, begin again."
	case c.adds:
		out.Aftermath = c.takenBack(ctx, x, err, say)
	default:
		out.Aftermath = c.halfRemoved()
	}
	x.log.Close()
	errs = append(errs, x.close())
	if countable {
		report, counted, err := keepConclusion(c.site, c.after(), false)
		errs = append(errs, err)
		if counted {
			count := countOf(report)
			out.Count = &count
		}
	}
	out.Access = accessOf(c.ans, x)
	return out, errors.Join(errs...)
}

// takenBack leaves the cluster as it was before an addition that failed, where
// the hosts may still be changed and nobody wants to leave at once, and says what
// became of it.
func (c *alteration) takenBack(ctx context.Context, x *execution, why error, say func(string, ...any)) string {
	switch {
	case errors.Is(why, engine.ErrLockLost):
		return c.takenAway(c.ans).Error()
	case ctx.Err() != nil:
		return "What was begun is left as it is, and nobody is sent to " + strings.Join(c.names, ", ") + " unless it answers. To go on: " + c.ans.again
	}
	plan := steps.TakeBack(c.site)
	reports, err := engine.Preview(ctx, plan, engine.Options{Redact: c.redactor.Redact})
	if err != nil || engine.Total(reports).Done < len(reports) {
		say("taking back what was begun, so that the cluster is as it was")
		x.retries = nil // of what is taken back there is nothing to try again
		_, err = x.carry(ctx, c.app, c.ans, plan, nil, nil)
	}
	if err == nil {
		err = c.done()
	}
	if err != nil {
		return "Not everything could be taken back. To go on: " + c.ans.again
	}
	return "The cluster is as it was. When the cause is mended, add again."
}
