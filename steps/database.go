package steps

import (
	"context"
	"fmt"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
)

// primary waits until MongoDB says of itself that it is the primary of its
// replica set: guide 1.6, "so the rest of the cluster can connect to them".
// The compose file initiates the replica set, so that deployment by hand
// works; here it is only observed, by asking the database, not by an exit
// code (the official init container ends with 0 even when it failed).
func (s *Site) primary(rp render.Project, needs ...string) engine.Step {
	return engine.Step{
		ID:    primaryID,
		Title: "Wait for the database to be primary",
		Host:  rp.Host,
		Guide: "1.6",
		Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			ok, seen := s.askPrimary(ctx)
			if ok {
				return done(seen), nil
			}
			return later(seen, engine.Change{Kind: engine.Wait, Path: "the replica set's primary"}), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			p, err := s.project(rp)
			if err != nil {
				return err
			}
			return p.await(ctx, out, patience{
				what:     "the database to be primary",
				deadline: s.timing().Start,
				probe: func(ctx context.Context) (bool, string, error) {
					ok, seen := s.askPrimary(ctx)
					return ok, seen, nil
				},
				cause: "MongoDB did not start, or its replica set was not initiated",
				next:  "Read the logs of mongodb and of the container that initiates the replica set on " + rp.Host + ", then run again.",
			})
		},
	}
}

func (s *Site) askPrimary(ctx context.Context) (ok bool, seen string) {
	rs, err := cluster.Hello(ctx, s.View.Database, cluster.MongoURL(s.Workspace, s.Secrets))
	switch {
	case err != nil:
		return false, err.Error()
	case rs.Name == "":
		return false, "the replica set is not initiated yet"
	case !rs.Primary:
		return false, "the replica set " + rs.Name + " has no primary yet"
	}
	return true, fmt.Sprintf("primary of %s, MongoDB %s", rs.Name, rs.Version)
}
