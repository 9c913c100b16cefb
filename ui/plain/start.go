package plain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rcwizard/rcwizard/ui"
)

// start asks which workspace it is about, if any is known, and returns the page
// to begin with; empty if nothing is left to be done.
func (s *session) start(ctx context.Context) (page string, err error) {
	s.heading("rcwizard", "Deploys Rocket.Chat with several instances. ? after a question tells more; < goes back; the answers are kept after every page.")
	known, err := s.Backend.Workspaces(ctx)
	if err != nil {
		return "", err //nolint:wrapcheck // it says what happened and what to do
	}
	first := way()[0]
	if len(known) == 0 {
		return first, nil
	}
	lines := make([]string, 0, len(known)+1)
	for _, k := range known {
		lines = append(lines, knownLine(k))
	}
	for {
		n, err := s.Asker.choose("Which workspace", append(lines, "a new workspace"), -1)
		if err != nil {
			return "", err
		}
		if n == len(known) {
			return first, nil
		}
		k := known[n]
		if err := s.tell(k); err != nil {
			return "", err
		}
		if k.State == ui.Busy || k.State == ui.Unreadable {
			s.Asker.sayf("  not now: %s", k.Why)
			continue
		}
		if k.Stale {
			if err := s.forget(ctx, k); errors.Is(err, errBack) {
				continue
			} else if err != nil {
				return "", err
			}
		}
		if k.Alterable() {
			what, err := s.whatWith(k)
			if errors.Is(err, errBack) {
				continue
			}
			if err != nil {
				return "", err
			}
			if what != "" {
				return "", s.change(ctx, k, what)
			}
		}
		if s.draft, err = s.Backend.Open(ctx, k.Key); err != nil {
			return "", err //nolint:wrapcheck // it says what happened and what to do
		}
		switch k.State {
		case ui.Deployed:
			return "", s.status(ctx)
		case ui.Unfinished:
			return pageReview, nil
		default:
			if s.draft.Page == pageDeploy {
				return pageReview, nil
			}
			return s.draft.Page, nil
		}
	}
}

// forget asks whether answers that another run has overtaken are gone on with.
func (s *session) forget(ctx context.Context, k ui.Known) error {
	n, err := s.Asker.choose("Begin with", []string{"what is kept of it now, and drop those answers", "those answers, as they are"}, -1)
	if err != nil || n == 1 {
		return err
	}
	return s.Backend.Forget(ctx, k.Key) //nolint:wrapcheck // it says what happened and what to do
}

// tell says what is odd about a workspace, and what was done of one whose last run
// did not come to its end.
func (s *session) tell(k ui.Known) error {
	if k.Resume != nil {
		return s.Asker.Style.Resume(s.Asker.Out, *k.Resume, time.Now())
	}
	for _, text := range k.Notes {
		s.Asker.sayf("  note: %s", text)
	}
	return nil
}

// knownLine is a workspace with what choosing it does.
func knownLine(k ui.Known) string {
	line := k.Name
	if line == "" {
		line = "a workspace without a name yet"
	}
	if k.Hosts > 0 {
		line += ", " + count(k.Hosts, "server")
	}
	switch k.State {
	case ui.Drafted:
		line += ": go on answering"
	case ui.Unfinished:
		line += ": the last run did not end well; look at it and resume"
	case ui.Deployed:
		line += ": deployed; count its instances, add or remove one"
	case ui.Busy, ui.Unreadable:
		line += ": " + string(k.State)
	}
	if k.Why != "" {
		line += " (" + k.Why + ")"
	}
	return line
}

// status counts a workspace that was deployed.
func (s *session) status(ctx context.Context) error {
	found, err := s.Backend.Status(ctx, s.draft)
	if err != nil {
		return err //nolint:wrapcheck // it says what happened and what to do
	}
	s.end.Count = &found
	return s.print(countText(found))
}

// deploy carries the plan out, line by line, and tells what it came to.
func (s *session) deploy(ctx context.Context) error {
	title, _ := s.words()
	s.heading(title, "The first Ctrl+C stops after the steps in flight; resuming goes on from there. What the servers print goes into a log file, which is named at the end.")
	run, err := s.Backend.Deploy(ctx, s.draft)
	if err != nil {
		return err //nolint:wrapcheck // it says what happened and what to do
	}
	// Not bound to ctx: it has the end of a cancelled run to tell.
	shown := s.Style.Brief(context.WithoutCancel(ctx), run.Log, run.Lines, s.Out)
	conclusion, err := run.Wait(context.WithoutCancel(ctx))
	s.end.Conclusion = &conclusion
	if shown != nil {
		s.Asker.sayf("the output could not be written: %v", shown)
	}
	if err != nil {
		return fmt.Errorf("end the deployment: %w", err)
	}
	return s.print(conclusionText(conclusion))
}
