package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// Scope is the part of a workspace that instances are: a plan with a scope
// writes their projects, their entries in the lists of the proxy and of
// Prometheus, and what rcwizard keeps of the workspace. Everything else that
// stands on the hosts stays as it is, whatever would be rendered today; Rest
// shows it. The site's Workspace and Tree have the instances.
type Scope struct {
	// Instances are the names of those that are added or removed.
	Instances []string
	// Without is the workspace without them.
	Without workspace.Workspace
	// Drain is how long an instance goes on for those who are still with it,
	// after the proxy sends nobody there any more.
	Drain time.Duration
	// Lost says that those of the instances' hosts that are not connected are gone
	// for good: the instances are removed without them.
	Lost bool
	// Kept are the answers as they are kept on the operator's machine, and Keep
	// keeps others.
	Kept func() (workspace.Workspace, error)
	Keep func(workspace.Workspace) error
}

// writes reports whether the plan may write the project's files and start it.
func (s *Site) writes(p render.Project) bool {
	return s.Scope == nil || p.Role == render.RoleInstance && slices.Contains(s.Scope.Instances, p.Instance)
}

// scoped are the projects of the scope's instances.
func (s *Site) scoped() []render.Project {
	return slices.DeleteFunc(s.projects(render.RoleInstance), func(p render.Project) bool { return !s.writes(p) })
}

// gone reports whether a project's host is gone for good: nothing can be removed
// from it.
func (s *Site) gone(p render.Project) bool { return s.Scope.Lost && !s.connected(p.Host) }

// present are the scope's projects but for those that are gone.
func (s *Site) present() []render.Project { return slices.DeleteFunc(s.scoped(), s.gone) }

// touched are the hosts on which a plan with a scope changes something: those of
// the instances, of the proxy, and of the database. A host that an instance is
// removed without is none of them.
func (s *Site) touched() []string {
	var names []string
	for _, p := range s.Tree.Projects {
		if p.Role == render.RoleInstance && (!s.writes(p) || s.gone(p)) {
			continue
		}
		if !slices.Contains(names, p.Host) {
			names = append(names, p.Host)
		}
	}
	return names
}

// keep writes down which instances the workspace has: from then on every run
// brings that about.
func (s *Site) keep(w workspace.Workspace, needs ...string) engine.Step {
	return engine.Step{
		ID:    keepID,
		Title: fmt.Sprintf("Keep that the workspace has %d instances", len(w.Instances)),
		Needs: needs,
		Check: func(context.Context, engine.Output) (engine.Report, error) {
			kept, err := s.Scope.Kept()
			if err != nil {
				return engine.Report{}, fmt.Errorf("read what is kept: %w", err)
			}
			before, err := kept.Marshal()
			if err != nil {
				return engine.Report{}, fmt.Errorf("read what is kept: %w", err)
			}
			after, err := w.Marshal()
			if err != nil {
				return engine.Report{}, fmt.Errorf("keep the workspace: %w", err)
			}
			if bytes.Equal(before, after) {
				return done("it is kept"), nil
			}
			return needed("it is not kept yet", engine.Change{Kind: engine.Update, Path: workspaceName, Before: string(before), After: string(after)}), nil
		},
		Apply: func(context.Context, engine.Output) error { return s.Scope.Keep(w) },
	}
}

// workspaceName is the file of the answers, on the operator's machine and on the
// database host.
const workspaceName = "workspace.yaml"

// note writes the answers down on the database host, where they outlive a
// laptop. Somebody's own edit of them stays.
func (s *Site) note(rp render.Project, w workspace.Workspace, needs ...string) engine.Step {
	look := func(ctx context.Context) (p project, report engine.Report, answers []byte, err error) {
		if p, err = s.project(rp); err != nil {
			return p, report, nil, err
		}
		if answers, err = w.Marshal(); err != nil {
			return p, report, nil, fmt.Errorf("write %s: %w", workspaceName, err)
		}
		seen, err := p.look(ctx, []render.File{{Path: workspaceName}})
		if err != nil {
			return p, report, nil, err
		}
		have, there := seen.entries[workspaceName]
		ours := seen.receipt.wrote(workspaceName, have.sum)
		switch {
		case seen.foreign != "":
			report = blocked(seen.foreign)
		case seen.receipt == nil:
			report = done("rcwizard did not write the files there, and leaves no note")
		case there && have.sum == sum(answers):
			report = done("it is there")
		case there && !ours:
			report = done("it was edited there by hand, and stays as it is")
		default:
			report = needed("another one is there", engine.Change{Kind: engine.Update, Path: p.path(workspaceName)})
		}
		return p, report, answers, nil
	}
	return engine.Step{
		ID: noteID(rp), Title: "Keep the answers beside the database", Host: rp.Host, Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			_, report, _, err := look(ctx)
			return report, err
		},
		Apply: func(ctx context.Context, _ engine.Output) error {
			p, report, answers, err := look(ctx)
			if err != nil {
				return err
			}
			if report.Verdict != engine.Needed {
				return errors.New(report.Reason)
			}
			return p.replace(ctx, render.File{Path: workspaceName, Mode: 0o600, Content: answers}, true)
		},
	}
}

// Noted are the answers beside the database, by which operators on several
// machines know of each other; false where there are none as rcwizard wrote them.
func (s *Site) Noted(ctx context.Context) (w workspace.Workspace, there bool, err error) {
	for _, rp := range s.projects(render.RoleDatabase) {
		p, err := s.project(rp)
		if err != nil {
			return w, false, err
		}
		seen, err := p.look(ctx, []render.File{{Path: workspaceName}})
		if err != nil {
			return w, false, err
		}
		if !seen.receipt.wrote(workspaceName, seen.entries[workspaceName].sum) {
			continue
		}
		text, err := p.contents(ctx, []string{workspaceName})
		if err != nil {
			return w, false, err
		}
		w, problems := workspace.Load(p.path(workspaceName), []byte(text[p.path(workspaceName)]))
		if err := problems.Err(); err != nil {
			return w, false, fmt.Errorf("read the answers on %s: %w", p.Host, err)
		}
		return w.Complete(), true, nil
	}
	return w, false, nil
}
