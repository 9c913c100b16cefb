package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// underWay is what was being done to the instances when a run was cut; nil if
// nothing was.
func underWay(ans answers) (*state.Alteration, error) {
	cut, there, err := ans.folder.LoadAlteration()
	if err != nil {
		file := ans.folder.AlterationPath()
		return nil, fmt.Errorf("%w\nwhat was being done to the instances is not known for that. Move the file out of the way: mv %s %s\n"+
			"and then give the same command again, or have the instances that are kept brought about: %s",
			err, word(file), word(file+".unreadable"), installKept(ans.folder, "--dir", word(ans.folder.Dir())))
	}
	if !there {
		return nil, nil //nolint:nilnil // nothing is under way, and that is no error
	}
	return &cut, nil
}

// installKept is the command that brings about the answers that a folder keeps, for
// a shell.
func installKept(f *state.Folder, flags ...string) string {
	return strings.Join(append([]string{"rcwizard", "install", "-f", word(f.WorkspacePath())}, flags...), " ")
}

// unchanged sees, with the lock, that the folder keeps what it kept when the
// answers were read, and that what was under way then is so still: answers that
// another run has overtaken would take back what it did. cut is nil if nothing
// was under way.
func (a *answers) unchanged(cut *state.Alteration) error {
	quicker := errors.New("the workspace was changed by another run meanwhile, and nothing by this one: run again")
	if a.drawn {
		quicker = errors.New(changedMeanwhile)
	}
	kept, err := a.folder.LoadWorkspace()
	switch {
	case errors.Is(err, fs.ErrNotExist) && a.lastTime == nil:
	case err != nil:
		return errors.Join(quicker, err)
	case a.lastTime == nil || !reflect.DeepEqual(kept.Complete(), a.lastTime.Complete()):
		return quicker
	}
	now, err := underWay(*a)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(now, cut) {
		return quicker
	}
	return nil
}

// doing is what is under way, in words.
func doing(cut state.Alteration) string {
	verb := "the removal of "
	if cut.Verb == steps.PlanAdd {
		verb = "the addition of "
	}
	return verb + strings.Join(cut.Instances, ", ")
}

// cutAlteration is what was under way as it is gone on with, whoever asks for it:
// resume, the same command again, or the wizard.
func (a *app) cutAlteration(ans answers, cut state.Alteration) (*alteration, error) {
	c := &alteration{
		app: a, verb: cut.Verb, adds: cut.Verb == steps.PlanAdd, drain: cut.Drain, withoutHost: cut.WithoutHost,
		names: cut.Instances, underWay: &cut, goesOn: true, ans: ans,
	}
	w, err := a.joined(ans, cut)
	if err != nil {
		return nil, err
	}
	c.without, c.ans.workspace, c.ans.again = w.Without(cut.Instances...), w, cut.Command
	return c, nil
}

// goOn carries on with what was under way.
func (a *app) goOn(ctx context.Context, ans answers, cut state.Alteration) error {
	if !a.config.GetBool("yes") && !a.sys.interactive {
		return usage(errors.New("nobody can be asked here: give --yes"))
	}
	if !reflect.DeepEqual(ans.workspace, *ans.lastTime) {
		return usage(fmt.Errorf("%s was cut; go on with it first, without other answers: %s", doing(cut), a.resumeWith(ans.workspace.Name)))
	}
	c, err := a.cutAlteration(ans, cut)
	if err != nil {
		return err
	}
	if c.skips, err = a.skips(c.ans); err != nil {
		return err
	}
	a.sayf("going on with %s\n", doing(cut))
	return c.carry(ctx)
}

// warnUnderWay tells what was cut, where a command does something else.
func (a *app) warnUnderWay(ans answers) {
	cut, err := underWay(ans)
	if err != nil {
		a.sayf("warning: %v\n", err)
		return
	}
	if cut != nil {
		a.sayf("warning: %s was cut; go on with it: %s\n", doing(*cut), a.resumeWith(ans.workspace.Name))
	}
}

// unchanged sees, with the lock, that what was read before is so still: somebody
// may have been quicker. Of what is under way there is one at a time.
func (c *alteration) unchanged() error {
	if err := c.ans.unchanged(c.underWay); err != nil {
		return err
	}
	cut := c.underWay
	if cut == nil || c.goesOn {
		return nil
	}
	back := ""
	if cut.Verb == steps.PlanAdd {
		back = ", or take it back: " + c.commandFor("remove-instance", cut.Instances[0])
	} else if install := c.putBack(*cut); install != "" {
		back = ", or put it back: " + install
	}
	return usage(fmt.Errorf("%s was cut; go on with it first: %s%s", doing(*cut), c.resumeWith(c.ans.workspace.Name), back))
}

// commandFor is a command about an instance of the workspace, for a shell.
func (c *alteration) commandFor(verb, instance string, flags ...string) string {
	words := append([]string{"rcwizard", verb, instance, "--workspace", c.ans.workspace.Name}, flags...)
	return strings.Join(append(words, c.whence()...), " ")
}

// putBack is the command that has the instances of a removal again that was cut, for
// a shell: an installation of the answers that are kept brings all of them about.
// It is empty where those have them no more, or where their host is gone.
func (c *alteration) putBack(cut state.Alteration) string {
	kept, err := c.ans.folder.LoadWorkspace()
	if err != nil || cut.WithoutHost {
		return ""
	}
	kept = kept.Complete()
	for _, name := range cut.Instances {
		if _, there := kept.Instance(name); !there {
			return ""
		}
	}
	return installKept(c.ans.folder, c.whence()...)
}

// idle reports whether nothing of this was brought about, by the run that came to
// the summary or by one before it.
func (c *alteration) idle(sum engine.Summary) bool { return sum.Begun == 0 && !c.goesOn }

// unbegun forgets what changed nothing, so that it keeps nobody from anything else.
func (c *alteration) unbegun(why error) error {
	exit, ok := errors.AsType[*exitError](why)
	if ok && exit.err == nil { // which says no more than the run did
		c.sayf("rcwizard: nothing was changed; when the cause is mended, run again: %s\n", c.ans.again)
	}
	return errors.Join(why, c.done())
}

// halfRemoved says what becomes of a removal that was begun and did not come to its
// end.
func (c *alteration) halfRemoved() string {
	text := "What is done of the removal stays done. To go on:\n  " + c.ans.again
	if back := c.putBack(c.asked()); back != "" {
		text += "\nTo have " + strings.Join(c.names, ", ") + " back instead:\n  " + back
	}
	return text
}

// current sees that this machine knows of all instances: one that somebody added
// from another machine would be forgotten by what is kept beside the database.
func (c *alteration) current(ctx context.Context) error {
	noted, there, err := c.site.Noted(ctx)
	if err != nil {
		return fmt.Errorf("look at the answers beside the database: %w", err)
	}
	if !there || sameInstances(noted, c.ans.workspace) || sameInstances(noted, c.without) {
		return nil
	}
	return &exitError{code: exitCheckFailed, err: fmt.Errorf(
		"nothing was changed: the answers beside the database have the instances %s, and those of this machine %s: somebody added or removed one from another machine. "+
			"Go on from there, or take the answers over: copy %s/database/workspace.yaml from %s to %s, and correct the paths of keys in it",
		strings.Join(instanceNames(noted), ", "), strings.Join(instanceNames(*c.ans.lastTime), ", "),
		c.ans.workspace.Directory, c.ans.workspace.Database.Host, c.ans.folder.WorkspacePath())}
}

// sameInstances reports whether two workspaces have the same instances, in
// whatever order.
func sameInstances(a, b workspace.Workspace) bool {
	return len(a.Instances) == len(b.Instances) &&
		!slices.ContainsFunc(a.Instances, func(i workspace.Instance) bool { return !slices.Contains(b.Instances, i) })
}

// begin keeps that this is under way, before the first change.
func (c *alteration) begin() error {
	return c.ans.folder.SaveAlteration(c.asked()) //nolint:wrapcheck // it says what it did
}

// asked is the alteration as it is kept.
func (c *alteration) asked() state.Alteration {
	return state.Alteration{
		Verb: c.verb, Instances: c.names, Workspace: c.ans.workspace, Drain: c.drain,
		WithoutHost: c.withoutHost, Command: c.ans.again,
	}
}

// done says that nothing is under way any more: all of it was brought about, or
// taken back.
func (c *alteration) done() error {
	return c.ans.folder.DropAlteration() //nolint:wrapcheck // it says what it did
}

// same reports whether the addresses are those of an addition's hosts: then it is
// what is asked for again.
func same(cut state.Alteration, addresses []question.Address) bool {
	if cut.Verb != steps.PlanAdd {
		return false
	}
	asked, cutOn := make([]string, 0, len(addresses)), make([]string, 0, len(cut.Instances))
	for _, address := range addresses {
		n, known := question.Meant(cut.Workspace, address)
		if !known {
			return false
		}
		asked = append(asked, cut.Workspace.Hosts[n].Name)
	}
	for _, name := range cut.Instances {
		i, _ := cut.Workspace.Instance(name)
		cutOn = append(cutOn, i.Host)
	}
	slices.Sort(asked)
	slices.Sort(cutOn)
	return slices.Equal(asked, cutOn)
}

// instanceNames are those of the workspace.
func instanceNames(w workspace.Workspace) []string {
	names := make([]string, 0, len(w.Instances))
	for _, i := range w.Instances {
		names = append(names, i.Name)
	}
	return names
}
