package plain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// whatWith asks what is to be done with a workspace that stands: empty for the
// count. While a change is under way it is brought to its end, or taken back, before
// anything else.
func (s *session) whatWith(k ui.Known) (ui.ChangeKind, error) {
	kinds := []ui.ChangeKind{"", ui.AddInstances, ui.RemoveInstances}
	options := []string{"count its instances", "add an instance", "remove an instance"}
	switch {
	case k.Changing(ui.AddInstances):
		names := strings.Join(k.UnderWay.Instances, ", ")
		kinds, options = kinds[1:], []string{"go on adding " + names, "take " + names + " back"}
	case k.Changing(ui.RemoveInstances):
		kinds, options = kinds[2:], []string{"go on removing " + strings.Join(k.UnderWay.Instances, ", ")}
	}
	n, err := s.Asker.choose("What with "+k.Name, options, -1)
	if err != nil {
		return "", err
	}
	return kinds[n], nil
}

// words are the title of a run, and what is done, for a question.
func (s *session) words() (title, do string) {
	c := s.draft.Change
	switch {
	case c == nil:
		return "Deploy", "deploy"
	case c.Kind == ui.AddInstances:
		return "Carry out", "add " + strings.Join(c.Instances, ", ")
	}
	return "Carry out", "remove " + strings.Join(c.Instances, ", ")
}

// change adds instances to a workspace that stands, or removes one: who it is,
// the check of what is new, what would be done, and the run.
func (s *session) change(ctx context.Context, k ui.Known, kind ui.ChangeKind) error {
	var err error
	if s.draft, err = s.Backend.Alter(ctx, k.Key, kind); err != nil {
		return err //nolint:wrapcheck // it says what happened and what to do
	}
	for {
		if kind == ui.RemoveInstances {
			err = s.leaving()
		} else {
			err = s.coming(ctx)
		}
		if err == nil {
			err = s.carryOut(ctx)
		}
		if !errors.Is(err, errBack) {
			return err
		}
	}
}

// carryOut checks what is new, shows what would be done, and does it.
func (s *session) carryOut(ctx context.Context) error {
	if err := s.save(ctx, pageCheck); err != nil {
		return err
	}
	if s.draft.Change.Kind == ui.AddInstances { // by a removal nothing new comes to any server
		if _, err := s.check(ctx, pageReview); err != nil {
			return s.stoppedOn(pageCheck, err)
		}
		if err := s.save(ctx, pageReview); err != nil {
			return err
		}
	}
	if _, err := s.review(ctx, pageDeploy); err != nil {
		return s.stoppedOn(pageReview, err)
	}
	return s.deploy(ctx)
}

// stoppedOn says where the person stopped, if that is what the error is.
func (s *session) stoppedOn(page string, err error) error {
	if errors.Is(err, errStop) {
		s.end.Page = page
	}
	return err
}

// leaving asks which instance goes.
func (s *session) leaving() error {
	c := s.draft.Change
	s.heading("Remove an instance", c.Leaving())
	if c.Begun {
		s.Asker.sayf("The run that changed %s was cut; this takes it out.", strings.Join(c.Instances, ", "))
		return nil
	}
	all := s.draft.Answers.Workspace.Complete().Instances
	if len(all) == 1 {
		s.Asker.sayf("%s is the last instance: without it nobody is answered. Add another one first.", all[0].Name)
		return errStop
	}
	lines := make([]string, 0, len(all))
	for _, i := range all {
		lines = append(lines, i.Name+" on "+i.Host)
	}
	n, err := s.Asker.choose("Which one", lines, -1)
	if err != nil {
		return stopped(err)
	}
	s.draft.Change.Instances = []string{all[n].Name}
	return nil
}

// withoutHost asks whether the host that does not answer is gone for good; the
// error, if it is not.
func (s *session) withoutHost(silent *ui.SilentError) error {
	c := s.draft.Change
	s.Asker.sayf("%v\n%s", silent, silent.Consequence(c.Instances))
	yes, err := s.Asker.yes("Is "+strings.Join(silent.Hosts, ", ")+" gone for good?", "no")
	switch {
	case err != nil:
		return stopped(err)
	case !yes:
		return silent
	}
	c.WithoutHost = true
	return nil
}

// stopped makes going back from the first question the end.
func stopped(err error) error {
	if errors.Is(err, errBack) {
		return errStop
	}
	return err
}

// coming asks where instances are added, connects to the servers, and tells how
// much room they have.
func (s *session) coming(ctx context.Context) error {
	s.heading("Add instances", "On servers that have room, which by the guide's rule is one instance fewer than cores, or on new ones. What is deployed stays as it is.")
	base := s.draft.Without()
	for {
		if err := s.look(ctx); err != nil {
			return err
		}
		s.learnAddresses()
		if err := s.table(); err != nil {
			return err
		}
		if s.draft.Change.Begun {
			s.Asker.sayf("%s was being added when the run was cut; this goes on with it.", strings.Join(s.draft.Change.Instances, ", "))
			return nil
		}
		s.draft.Change.Instances = s.draft.Beyond(base)
		found := question.Errors(question.Servers, s.answers())
		s.Asker.wrong(found)
		ready := len(s.draft.Change.Instances) > 0 && len(found) == 0
		if ready {
			s.Asker.sayf("Added: %s.", strings.Join(s.draft.Change.Instances, ", "))
		}
		options := s.places(base)
		first := -1
		if ready {
			options = slices.Insert(options, 0, place{title: "go on"})
			first = 0
		}
		n, err := s.Asker.choose("What now", titles(options), first)
		if err != nil {
			return stopped(err)
		}
		if options[n].do == nil {
			return nil
		}
		if err := options[n].do(); err != nil && !errors.Is(err, errBack) {
			return err
		}
		s.draft.Change.Instances = s.draft.Beyond(base)
	}
}

// place is one thing to do with the servers.
type place struct {
	title string
	do    func() error
}

func titles(places []place) []string {
	out := make([]string, 0, len(places))
	for _, p := range places {
		out = append(out, p.title)
	}
	return out
}

// places are where one more can come, and what else there is to do.
func (s *session) places(base workspace.Workspace) []place {
	hosts := s.draft.Answers.Workspace.Hosts
	out := make([]place, 0, len(hosts)+4)
	for n, h := range hosts {
		carries := len(s.draft.Answers.Workspace.InstancesOn(h.Name))
		title := "one more on " + h.Name + " (" + count(carries, "instance")
		if seen := s.seen[key(h)].Seen; seen != nil && seen.Cores > 0 {
			title += fmt.Sprintf(", %s: room for %d more", count(seen.Cores, "core"), question.Room(seen.Cores, carries))
		}
		title += ")"
		out = append(out, place{title, func() error { return s.edit(func(a *question.Answers) { question.Grow(a, n) }) }})
	}
	out = append(out, place{"a new server", s.newServers})
	for n, h := range hosts {
		if _, there := base.Host(h.Name); there {
			continue
		}
		out = append(out,
			place{"change something of " + h.Name, func() error { return s.changeNew(n) }},
			place{"take " + h.Name + " out again", func() error { return s.edit(func(a *question.Answers) { question.Part(a, n) }) }})
	}
	if all := s.draft.Answers.Workspace.Instances; len(all) > len(base.Instances) {
		last := len(all) - 1
		if _, there := base.Host(all[last].Host); there {
			out = append(out, place{"take the last one back, on " + all[last].Host, func() error { return s.edit(func(a *question.Answers) { question.Shrink(a, last) }) }})
		}
	}
	return append(out, place{"look at all of them again", func() error { clear(s.seen); return nil }})
}

func (s *session) edit(f func(*question.Answers)) error {
	a := s.answers()
	f(&a)
	s.take(a)
	return nil
}

// newServers asks for addresses.
func (s *session) newServers() error {
	text, err := s.Asker.line("Its address, such as admin@192.0.2.14:2222 (what is not said of the login is as for the others): ")
	if err != nil || text == "<" {
		return errors.Join(err, errBack)
	}
	a := s.answers()
	for _, address := range question.ParseAddresses(text) {
		if n, there := question.Meant(a.Workspace, address); there {
			question.Grow(&a, n)
		} else {
			question.Join(&a, []question.Address{address})
		}
	}
	s.take(a)
	return nil
}

// changeNew asks everything about a new server, but for what it does.
func (s *session) changeNew(n int) error {
	return s.changeHost(n, func(q question.Question) bool { return !strings.HasSuffix(q.Key, ".roles") })
}

// learnAddresses takes the private addresses that servers say of themselves.
func (s *session) learnAddresses() {
	seen := map[string]question.Seen{}
	for _, h := range s.draft.Answers.Workspace.Hosts {
		if found := s.seen[key(h)].Seen; found != nil {
			seen[h.Name] = question.Seen{Private: found.Private}
		}
	}
	a := s.answers()
	question.Learn(&a, seen)
	s.take(a)
}
