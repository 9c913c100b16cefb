package steps

import (
	"context"
	"fmt"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// answers waits until an instance answers with the right version. Rocket.Chat
// opens its port only after startup is complete, so an answer means that the
// database was reached, migrated and registered in; a running container means
// nothing.
func (s *Site) answers(rp render.Project, needs ...string) engine.Step {
	return engine.Step{
		ID:    answersID(rp),
		Title: "Wait for Rocket.Chat to answer",
		Host:  rp.Host,
		Guide: "2.4",
		Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			ok, seen, err := s.askInstance(ctx, rp)
			if err != nil {
				return engine.Report{}, err
			}
			if ok {
				return done(seen), nil
			}
			return later(seen, engine.Change{Kind: engine.Wait, Path: "Rocket.Chat's answer"}), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			p, err := s.project(rp)
			if err != nil {
				return err
			}
			return p.await(ctx, out, patience{
				what:     "Rocket.Chat " + s.Workspace.Release + " to answer",
				deadline: s.timing().Start,
				probe: func(ctx context.Context) (bool, string, error) {
					return s.askInstance(ctx, rp)
				},
				cause: "Rocket.Chat did not come up: its log says why",
				next:  "Read the lines above. Most often the database or NATS cannot be reached from " + rp.Host + "; run again when that is mended.",
			})
		},
	}
}

// instance is the workspace's entry of a project.
func (s *Site) instance(rp render.Project) (workspace.Instance, error) {
	for _, i := range s.Workspace.Instances {
		if i.Name == rp.Instance {
			return i, nil
		}
	}
	return workspace.Instance{}, fmt.Errorf("the workspace has no instance %s", rp.Instance)
}

// askInstance looks at one instance from its own host. Another version than
// the wanted one is an error: no time will change it.
func (s *Site) askInstance(ctx context.Context, rp render.Project) (ok bool, seen string, err error) {
	i, err := s.instance(rp)
	if err != nil {
		return false, "", err
	}
	r := cluster.ProbeInstance(ctx, s.Workspace, i, s.View.Instance(rp.Host))
	switch {
	case r.Error != nil:
		return false, r.Error.Text, nil
	case r.Metrics.Error != nil:
		return false, "it answers, but not on its metrics port: " + r.Metrics.Error.Text, nil
	case r.Metrics.Version != s.Workspace.Release:
		return false, "", fmt.Errorf("%s answers as release %s, not %s, although its image is the wanted one: look at RELEASE in its .env and at docker ps on %s", r.Address, r.Metrics.Version, s.Workspace.Release, rp.Host)
	}
	return true, fmt.Sprintf("answers on %s as release %s", r.Address, r.Metrics.Version), nil
}
