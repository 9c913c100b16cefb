package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// Running observes the release of the cluster, on the containers that run: it
// may have been raised by hand, as the guide says, and a workspace.yaml knows
// nothing of that. Instances of different releases, or one whose release was
// raised and that was not started since, are an error: somebody is in the middle
// of an upgrade. Hosts that are not connected are left out.
func (s *Site) Running(ctx context.Context) (string, error) {
	if err := s.Meet(ctx); err != nil {
		return "", err
	}
	others := slices.DeleteFunc(s.projects(render.RoleInstance), func(rp render.Project) bool { return s.writes(rp) || !s.connected(rp.Host) })
	runs, who := "", ""
	for _, rp := range others {
		p, err := s.project(rp)
		if err != nil {
			return "", err
		}
		release, err := p.runs(ctx)
		if err != nil {
			return "", err
		}
		switch {
		case release == "":
			continue
		case runs != "" && release != runs:
			return "", fmt.Errorf("%s runs release %s and %s runs %s: finish that upgrade first; instances of two releases must not share a database", who, runs, rp.Instance, release)
		}
		runs, who = release, rp.Instance
	}
	if runs == "" {
		return "", errors.New("no instance of the workspace is seen to run, so nobody can tell which release it is on: bring it up with rcwizard resume first")
	}
	for _, rp := range others {
		p, err := s.project(rp)
		if err != nil {
			return "", err
		}
		newest, where, err := p.release(ctx)
		if err != nil {
			return "", err
		}
		if check.Older(runs, newest) {
			return "", fmt.Errorf("%s is to be on release %s (%s), while %s runs %s: finish that upgrade first, or take it back", rp.Instance, newest, where, who, runs)
		}
	}
	return runs, nil
}

// registered waits until an instance is in the registry, under its own address
// and with a heartbeat: it has reached the database and NATS then.
func (s *Site) registered(rp render.Project, needs ...string) engine.Step {
	return engine.Step{
		ID: registeredID(rp), Title: "Wait for Rocket.Chat to register", Host: rp.Host, Guide: "4.3", Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			ok, seen, err := s.askRegistry(ctx, rp)
			switch {
			case err != nil:
				return engine.Report{}, err
			case ok:
				return done(seen), nil
			}
			return later(seen, engine.Change{Kind: engine.Wait, Path: "its record in the registry"}), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			p, err := s.project(rp)
			if err != nil {
				return err
			}
			return p.await(ctx, out, patience{
				what:     rp.Instance + " to register",
				deadline: s.timing().Verify,
				probe:    func(ctx context.Context) (bool, string, error) { return s.askRegistry(ctx, rp) },
				cause:    "an instance registers once it has reached NATS",
				next:     "See that " + rp.Host + " reaches the database's host on all ports of rcwizard check, then run again.",
			})
		},
	}
}

func (s *Site) askRegistry(ctx context.Context, rp render.Project) (ok bool, seen string, err error) {
	i, err := s.instance(rp)
	if err != nil {
		return false, "", err
	}
	address := i.Address(s.Workspace)
	own := cluster.AskInstance(ctx, s.Workspace, i, s.View.Instance(i.Host))
	records, err := cluster.Records(ctx, s.View.Database, cluster.MongoURL(s.Workspace, s.Secrets), address)
	if err != nil {
		return false, err.Error(), nil //nolint:nilerr // what only needs time is no error
	}
	for _, r := range records {
		// A proxy in between may strip the id; nobody is in between here, but an
		// instance that tells none is not to be waited for in vain.
		if r.State == cluster.Fresh && (own.ID == "" && own.Error == nil || own.ID == r.ID && own.ID != "") {
			return true, "registered as " + address, nil
		}
	}
	return false, address + " is not in the registry yet", nil
}

// count asks the whole cluster at the end, and keeps what it found for the
// report. It waits for the scope's instances alone: what else may be wrong with
// the cluster was so before, and is told.
func (s *Site) count(w workspace.Workspace, needs ...string) engine.Step {
	look := func(ctx context.Context) (ok bool, seen string) {
		r := cluster.Observe(ctx, w, s.Secrets, s.View)
		s.Result.set(r)
		if !r.Counted {
			return false, "the registry cannot be read"
		}
		var wanting []string
		for _, row := range r.Instances {
			if slices.Contains(s.Scope.Instances, row.Name) && (row.Registered != cluster.Yes || row.Answers != cluster.Yes || row.Proxied == cluster.No) {
				wanting = append(wanting, row.Name)
			}
		}
		for _, f := range r.Findings {
			if slices.ContainsFunc(s.scopeInstances(), func(i workspace.Instance) bool {
				return f.ID == "instance-unexpected" && strings.HasSuffix(f.Text, " "+i.Address(s.Workspace))
			}) {
				wanting = append(wanting, f.Text)
			}
		}
		if len(wanting) > 0 {
			return false, r.Summary + "; not yet as it should be: " + strings.Join(wanting, ", ")
		}
		return true, r.Summary
	}
	// Prometheus asks its targets one after the other, and NATS and the licence are
	// asked for after the record is written: a first look may be too early for an
	// instance that is new.
	began, settled := time.Time{}, false
	return engine.Step{
		ID: countID, Title: "Count the instances", Guide: "4.3", Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			ok, seen := look(ctx)
			if r, _ := s.Result.Report(); ok && (settled || !young(r) && !s.linking(r)) {
				return done(seen), nil
			}
			return later(seen, engine.Change{Kind: engine.Wait, Path: fmt.Sprintf("the count to say %d", len(w.Instances))}), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			p, err := s.project(s.projects(render.RoleProxy)[0])
			if err != nil {
				return err
			}
			began = time.Now()
			return p.await(ctx, out, patience{
				what:     fmt.Sprintf("the count to say %d", len(w.Instances)),
				deadline: s.timing().Verify,
				probe: func(ctx context.Context) (bool, string, error) {
					ok, seen := look(ctx)
					r, _ := s.Result.Report()
					settled = time.Since(began) > s.timing().Youth
					return ok && (settled || !young(r) && !s.linking(r)), seen, nil
				},
				cause: "what the count names",
				next:  "rcwizard status shows the count again, with what to do for each finding.",
			})
		},
	}
}

// linking reports whether an instance of the scope is still to be seen linked as
// the others are: its connection to NATS and its licence come moments after its
// record. What holds for all, such as that there is no licence, no time mends.
func (s *Site) linking(r cluster.Report) bool {
	return slices.ContainsFunc(r.Instances, func(own cluster.Row) bool {
		return slices.Contains(s.Scope.Instances, own.Name) && own.Linked != cluster.Yes &&
			!slices.ContainsFunc(r.Instances, func(other cluster.Row) bool {
				return !slices.Contains(s.Scope.Instances, other.Name) && other.Linked == own.Linked && other.Why == own.Why
			})
	})
}
