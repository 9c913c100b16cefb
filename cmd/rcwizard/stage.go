package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui/jsonl"
)

// The keys under which the journal notes what a run's check came to.
const (
	noteCheck    = "check"
	noteSkipped  = "check-skipped"
	noteWarnings = "check-warnings"
)

const acceptedByPerson = "accepted by a person"

// stage is the check as the first stage of a run that may change hosts. It is
// made before the plan is shown, unless there is reason to think that nothing is
// to be changed; then before the first change, if one turns out to be needed.
// Nothing is ever changed without it (docs/adr/0011).
type stage struct {
	a     *app
	ans   answers
	site  *steps.Site
	skips []string
	// only are the ids of the checks that are made; nil: all.
	only []string
	// instances are those that the run adds, which the journal then names.
	instances []string
	// ask says that a person is there to be asked.
	ask bool
	// wizard says that the check has a page of its own, on which it was shown, and
	// what to leave out was chosen.
	wizard bool
	// say tells that the check begins.
	say func(format string, args ...any)
	// accepted says how warnings come to be passed, for the record.
	accepted string
	// docker is where Docker comes from on hosts that have none; empty: from
	// nowhere, unless a person says so. installed says that it was.
	docker    steps.DockerSource
	installed bool
	// report is what the check found, nil while it was not made.
	report *check.Report
	// refused says that a check forbade to go on, or a person did.
	refused bool
}

func (a *app) firstStage(ans answers, site *steps.Site, skips []string) *stage {
	if site.Overwrite {
		// The person knows of the files that are there, and wants them written over.
		for _, h := range site.Workspace.Hosts {
			skips = append(skips, "host:"+h.Name+":deployment")
		}
	}
	s := &stage{
		a: a, ans: ans, site: site, skips: skips, ask: a.sys.interactive && !a.config.GetBool("yes"), say: a.sayf,
		accepted: "accepted with --yes", docker: steps.DockerSource(a.config.GetString("install-docker")),
	}
	if s.ask {
		s.accepted = acceptedByPerson
	}
	return s
}

// settled reports whether the last installation brought about all of what is to
// be deployed now. It decides no more than when the check is made.
func settled(ans answers, tree render.Tree) bool {
	history, err := engine.ReadJournal(ans.folder.Journal())
	if err != nil {
		return false
	}
	last, ok := history.Last()
	if !ok || last.Outcome != engine.Succeeded || last.Plan != steps.PlanInstall {
		return false
	}
	deployed, err := ans.folder.LoadManifest()
	return err == nil && reflect.DeepEqual(deployed.Hosts, manifest(tree).Hosts)
}

// make makes the check, tells it, and decides whether to go on.
func (s *stage) make(ctx context.Context) error {
	report, err := s.look(ctx)
	if err != nil {
		return err
	}
	if err := s.offerDocker(ctx, report); err != nil {
		return err
	}
	if s.installed {
		if report, err = s.look(ctx); err != nil {
			return err
		}
	}
	if err := s.tell(found(report)); err != nil {
		return err
	}
	if err := s.decide(report); err != nil {
		return err
	}
	warnings := report.Counts.Warn
	if !s.ask || warnings == 0 {
		return nil
	}
	yes, err := s.a.ask(fmt.Sprintf("Go on in spite of %s?", plural(warnings, "warning")))
	if err != nil {
		return err
	}
	if !yes {
		s.refused = true
		return &exitError{code: exitInterrupted, err: errors.New(strings.ToLower(s.changed()[:1]) + s.changed()[1:])}
	}
	return nil
}

// look makes the check, and keeps what it found.
func (s *stage) look(ctx context.Context) (check.Report, error) {
	w, what := s.site.Workspace, "hosts, ports, domain and images"
	if s.only != nil {
		what = "what is new: hosts, ports and images"
	}
	s.say("checking %s; a closed port takes five seconds\n", what)
	evidence, err := s.a.evidence(ctx, s.site, nil, slices.Concat(s.skips, check.Beside(w, s.only)))
	if err != nil {
		return check.Report{}, err
	}
	report := check.Judge(w, evidence, s.skips)
	if s.only != nil {
		report = check.Again(w, evidence, s.skips, s.only, nil)
		report.UnknownSkips = nil // a word may be about what is not new
	}
	s.report = &report
	return report, nil
}

// decide gives the error that ends the run, if the check ends it.
func (s *stage) decide(report check.Report) error {
	// A word that was chosen may be about a host that is gone.
	if err := report.UnknownSkip(); err != nil && !s.wizard {
		s.refused = true
		return usage(err)
	}
	if !report.Verdict.Blocks() {
		return nil
	}
	s.refused = true
	next := "Do what it says and run again; to go on without a check, name its id with --skip, which is recorded"
	if s.wizard {
		next = "The Check page shows why, and what to do"
	}
	return &exitError{code: exitCheckFailed, err: fmt.Errorf("the check forbids to go on: %s. %s. %s", report.Summary(), s.changed(), next)}
}

// changed says what was changed on the hosts before the run.
func (s *stage) changed() string {
	if s.installed {
		return "Nothing but Docker was installed or changed"
	}
	return "Nothing was changed"
}

// tell shows the check before a run: to a person who will be asked, where the
// questions are; else with the other results.
func (s *stage) tell(f engine.Found) error {
	if s.a.config.GetBool("json") {
		if err := jsonl.Found(s.a.sys.stdout, f); err != nil {
			return fmt.Errorf("write the output: %w", err)
		}
		if !s.ask {
			return nil
		}
	}
	if s.ask {
		s.a.sayf("%s", f.Text)
		return nil
	}
	return s.a.print(f.Text)
}

func found(report check.Report) engine.Found {
	var text strings.Builder
	_ = check.WriteBrief(&text, report) // a Builder takes everything
	return engine.Found{Time: time.Now(), What: noteCheck, Value: report, Text: text.String()}
}

// consent is asked by a run before its first change. What the check came to is
// in the journal when it answers.
func (s *stage) consent(log *engine.Log, journal *engine.Journal) func(context.Context) error {
	return func(ctx context.Context) error {
		if s.report == nil {
			report, err := s.look(ctx)
			if err != nil {
				s.refused = true
				return err
			}
			log.Append(found(report))
			if err := s.decide(report); err != nil {
				return err
			}
			if s.wizard {
				s.say("the check before the first change: %s", report.Summary())
			}
			if s.ask && report.Counts.Warn > 0 {
				// The person agreed to a plan that had nothing to do.
				s.refused = true
				return &exitError{code: exitCheckFailed, err: errors.New("the check warns, and the hosts changed since you were asked: run again")}
			}
		}
		return s.record(log, journal)
	}
}

// record notes in the journal and in the run's log what the check came to.
func (s *stage) record(log *engine.Log, journal *engine.Journal) error {
	r := *s.report
	notes := [][2]string{{noteCheck, r.At.Format("2006-01-02 15:04 MST") + ", " + r.Summary()}, {noteSkipped, ""}, {noteWarnings, ""}}
	if skipped := ids(r, func(f check.Finding) bool { return f.Skipped }); len(skipped) > 0 {
		notes[1][1] = "left out on demand: " + briefly(skipped)
	}
	if warned := ids(r, func(f check.Finding) bool { return !f.Skipped && f.Verdict == check.Warn }); len(warned) > 0 {
		notes[2][1] = "warnings, " + s.accepted + ": " + briefly(warned)
	}
	if len(s.instances) > 0 {
		if err := journal.Note("", noteInstances, strings.Join(s.instances, ",")); err != nil {
			s.refused = true
			return err //nolint:wrapcheck // it names the journal
		}
	}
	for _, n := range notes {
		if err := journal.Note("", n[0], n[1]); err != nil {
			s.refused = true
			return err //nolint:wrapcheck // it names the journal
		}
		if n[0] != noteCheck && n[1] != "" {
			log.Append(engine.Noted{Time: time.Now(), Text: "the check: " + n[1]})
		}
	}
	return nil
}

func ids(r check.Report, wanted func(check.Finding) bool) []string {
	var out []string
	for _, f := range r.Findings {
		if wanted(f) {
			out = append(out, f.ID)
		}
	}
	return out
}

// fewIDs is how many ids a line may list.
const fewIDs = 8

// briefly is a list of ids for a line. Of more than a few it counts those of each
// group, by the word with which their ids begin.
func briefly(ids []string) string {
	if len(ids) <= fewIDs {
		return strings.Join(ids, ", ")
	}
	var groups []string
	of := map[string][]string{}
	for _, id := range ids {
		group, _, _ := strings.Cut(id, ":")
		if len(of[group]) == 0 {
			groups = append(groups, group)
		}
		of[group] = append(of[group], id)
	}
	for n, group := range groups {
		if all := of[group]; len(all) > 1 {
			groups[n] = fmt.Sprintf("%d of %s", len(all), group)
		} else {
			groups[n] = all[0]
		}
	}
	return fmt.Sprintf("%d checks: %s", len(ids), strings.Join(groups, ", "))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// lastCheck is what the journal tells of the check before the last change, a
// line each; nothing if there was none.
func lastCheck(ans answers) []string {
	history, err := engine.ReadJournal(ans.folder.Journal())
	if err != nil {
		return nil
	}
	return checkLines(history)
}

func checkLines(history engine.History) []string {
	var lines []string
	for _, key := range []string{noteCheck, noteSkipped, noteWarnings} {
		if text, ok := history.Note("", key); ok && text != "" {
			lines = append(lines, text)
		}
	}
	return lines
}

// skips are the words given to --skip, of which each must name a check.
func (a *app) skips(ans answers) ([]string, error) {
	var words []string
	// In RCWIZARD_SKIP the words are not yet parted.
	for _, given := range a.config.GetStringSlice("skip") {
		for word := range strings.SplitSeq(given, ",") {
			if word = strings.TrimSpace(word); word != "" {
				words = append(words, word)
			}
		}
	}
	if err := check.KnownSkips(ans.workspace, words); err != nil {
		return nil, usage(err)
	}
	return words, nil
}
