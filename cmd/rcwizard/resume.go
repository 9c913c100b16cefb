package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/jsonl"
	"github.com/rcwizard/rcwizard/ui/plain"
	"github.com/rcwizard/rcwizard/workspace"
)

// The types of the JSON lines that say what ui.Resume does, and that another
// release runs.
const (
	foundResume  = "resume"
	foundRelease = "release"
)

// doingResume is what resume is called to other operators.
const doingResume = "resume"

// givenFlags are the flags that change what a run does to the hosts. What only
// says how it is shown, or how the hosts are found, is none of them.
func givenFlags() []string { return []string{"skip", "install-docker", "overwrite-edited"} }

// given is what was said of this run beside the answers, for the journal: the
// next run tells what is not as it was. chosen are the checks that a person chose in
// the wizard to leave out.
func (a *app) given(chosen ...string) []string {
	var out []string
	for _, flag := range givenFlags() {
		value := a.config.GetString(flag)
		if flag == "skip" {
			words := a.config.GetStringSlice(flag)
			for _, id := range chosen {
				if !slices.Contains(words, id) {
					words = append(slices.Clip(words), id)
				}
			}
			value = strings.Join(words, ",")
		}
		if value != "" && value != "false" {
			out = append(out, "--"+flag+"="+value)
		}
	}
	return out
}

// oddities are what a person should know of a journal before going on with its
// workspace. None keeps anybody from it, as the hosts say what is done.
func (a *app) oddities(h engine.History, unread error) []string {
	var out []string
	const looked = "what is done is seen on the hosts"
	switch {
	case errors.Is(unread, engine.ErrNotJournal):
		return append(out, "the journal cannot be read, so nobody knows how far the last run came; "+looked+", and a new journal is begun beside it")
	case h.Damaged > 0:
		out = append(out, fmt.Sprintf("%s of the journal cannot be read; %s", plural(h.Damaged, "line"), looked))
	}
	if h.Torn {
		out = append(out, "the journal was cut off in the middle of a line; "+looked)
	}
	if last, ok := h.Last(); ok && last.Program != "" && last.Program != a.build.Version {
		out = append(out, fmt.Sprintf("the last run was of rcwizard %s, and this is %s; what it would write differently is in the plan", last.Program, a.build.Version))
	}
	return out
}

// tellResume says what was done, what was cut, what is next, and what is not as it
// was, before a run goes on.
func (a *app) tellResume(ans *answers) error {
	r := a.resumption(*ans)
	ans.told = true
	if a.config.GetBool("json") {
		if err := jsonl.Found(a.sys.stdout, engine.Found{Time: time.Now(), What: foundResume, Value: r}); err != nil {
			return fmt.Errorf("write the output: %w", err)
		}
		return nil
	}
	if err := plain.Resume(a.sys.stderr, r, time.Now()); err != nil {
		a.sayf("rcwizard: %v\n", err) // which costs nothing but these lines
	}
	return nil
}

// resumption is what there is to say. A journal that cannot be read is part of it.
func (a *app) resumption(ans answers) ui.Resume {
	history, err := engine.ReadJournal(ans.folder.Journal())
	return a.resumed(ans, history, err)
}

// resumed is resumption by a journal that was read, or could not be.
func (a *app) resumed(ans answers, history engine.History, err error) ui.Resume {
	r := ui.Resume{Workspace: ans.workspace.Name, Answers: ans.changed(), Notes: a.oddities(history, err)}
	if err != nil && !errors.Is(err, engine.ErrNotJournal) {
		r.Notes = append(r.Notes, err.Error())
	}
	_, err = os.Stat(ans.folder.Journal())
	if errors.Is(err, fs.ErrNotExist) {
		r.Notes = append(r.Notes, "there is no journal, so nobody knows how far the last run came, if there was one; what is done is seen on the hosts")
	}
	last, known := history.Last()
	if known {
		r.Doing, r.Started, r.Seen, r.Outcome = last.Plan, last.Started, last.Seen, last.Outcome
		r.Steps, r.Done, r.Flags = last.Steps, len(last.Done), flagDifferences(last.Given, a.given())
	}
	for _, s := range last.Failed {
		if s.Failure != nil {
			r.Failed = append(r.Failed, *s.Failure)
		}
	}
	for _, s := range last.Cut {
		r.Cut = append(r.Cut, ui.CutStep{StepRef: s.StepRef, Command: s.Command, Began: s.Time})
	}
	r.Next, r.Left = a.nextSteps(ans, last)
	return r
}

// nextSteps is what the journal does not tell to be done, of what resume goes on
// with: the addition or removal that is under way, else the installation. Of a run
// of another plan it tells nothing about this one.
func (a *app) nextSteps(ans answers, last engine.RunHistory) (next *engine.StepRef, left int) {
	cut, err := underWay(ans)
	if err != nil || ans.workspace.Validate().Err() != nil {
		return nil, 0 // the run will say why
	}
	var c *alteration
	switch {
	case cut != nil:
		if c, err = a.cutAlteration(ans, *cut); err != nil {
			return nil, 0 // the run will say why
		}
		ans = c.ans
	case last.Plan != "" && last.Plan != steps.PlanInstall:
		return nil, 0 // which was brought to its end, or taken back
	}
	// The steps are the same for both kinds of compose files, so that nobody has to
	// be asked for Rocket.Chat's own.
	ans.workspace.Compose = workspace.ComposeBundled
	in, err := localInputs(ans)
	if err != nil {
		return nil, 0 // the run will say why
	}
	tree, err := render.Render(in)
	if err != nil {
		return nil, 0 // the run will say why
	}
	site := &steps.Site{Workspace: ans.workspace, Secrets: ans.all(), Tree: tree, Version: a.build.Version}
	plan := steps.Install(site)
	if c != nil {
		c.at(site)
		plan = c.plan()
	}
	// A removal has steps by the names of those of an addition. A journal that is
	// damaged may have no name.
	ofThis := last.Plan == plan.Name || last.Plan == "" && cut == nil
	for _, s := range plan.Steps {
		if ofThis && slices.ContainsFunc(last.Done, func(d engine.StepHistory) bool { return d.Step == s.ID }) {
			continue
		}
		if left++; next == nil {
			ref := s.Ref()
			next = &ref
		}
	}
	return next, left
}

// tellRelease says if the cluster runs another release than the answers have: the
// guide has people raise it by hand. A cluster that does not run yet, or of which
// nobody can tell, has none; the steps look for themselves.
func (a *app) tellRelease(ctx context.Context, site *steps.Site) error {
	// With an empty scope every instance is looked at as one that is there.
	seen := &steps.Site{
		Workspace: site.Workspace, Secrets: site.Secrets, Tree: site.Tree, Hosts: site.Hosts,
		Scope: new(steps.Scope), Version: site.Version,
	}
	runs, err := seen.Running(ctx)
	if err != nil || runs == site.Workspace.Release {
		return nil //nolint:nilerr // what cannot be seen is told by the step that needs it
	}
	text := fmt.Sprintf("the cluster runs release %s, and the answers say %s", runs, site.Workspace.Release)
	a.sayf("%s; to stay with the one that runs, give --release %s\n", text, runs)
	if !a.config.GetBool("json") {
		return nil
	}
	found := engine.Found{Time: time.Now(), What: foundRelease, Value: releases{Runs: runs, Answers: site.Workspace.Release}}
	if err := jsonl.Found(a.sys.stdout, found); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// releases are the one that runs and the one that the answers have.
type releases struct {
	Runs    string `json:"runs"`
	Answers string `json:"answers"`
}

// flagDifferences are the flags that were not given as to the last run.
func flagDifferences(before, now []string) []workspace.Difference {
	value := func(given []string, flag string) string {
		for _, g := range given {
			if name, v, _ := strings.Cut(g, "="); name == "--"+flag {
				return v
			}
		}
		return ""
	}
	var out []workspace.Difference
	for _, flag := range givenFlags() {
		if was, is := value(before, flag), value(now, flag); was != is {
			out = append(out, workspace.Difference{Field: "--" + flag, Before: was, After: is})
		}
	}
	return out
}
