package steps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// enter has the proxy send people to the scope's instances: guide 3.3, by the
// file that Traefik takes over by itself. Nobody comes in who would not be
// answered: each is asked from the proxy's own host before.
func (s *Site) enter(rp render.Project, needs ...string) engine.Step {
	step := s.listed(render.Routes, rp, true, needs)
	step.ID, step.Title, step.Guide = routesID(rp), "Let the proxy send people to "+s.names(), "3.3"
	put := step.Apply
	step.Apply = func(ctx context.Context, out engine.Output) error {
		for _, i := range s.scopeInstances() {
			if r := cluster.AskInstance(ctx, s.Workspace, i, s.View.Instance(rp.Host)); r.Error != nil {
				return &engine.Problem{
					Cause: fmt.Sprintf("a firewall between %s and %s, most often", rp.Host, i.Host),
					Next:  fmt.Sprintf("let %s in on port %d of %s (rcwizard check --firewall has the lines), then run again", rp.Host, i.Port, i.Host),
					Err:   fmt.Errorf("the proxy's host cannot reach %s: %s", i.Name, r.Error.Text),
				}
			}
		}
		return put(ctx, out)
	}
	return step
}

// leave has the proxy send nobody to the scope's instances any more, and waits
// until it does so.
func (s *Site) leave(rp render.Project, needs ...string) engine.Step {
	step := s.listed(render.Routes, rp, false, needs)
	step.ID, step.Title, step.Guide = routesID(rp), "Have the proxy send nobody to "+s.names(), "3.3"
	look, put := step.Check, step.Apply
	// asked says that the proxy may still act by the list that it had.
	var asked atomic.Bool
	step.Check = func(ctx context.Context, out engine.Output) (engine.Report, error) {
		if asked.Load() {
			return later("the proxy has not been seen to take its list over"), nil
		}
		return look(ctx, out)
	}
	step.Apply = func(ctx context.Context, out engine.Output) error {
		ids := s.ids(ctx) // asked before they are out of reach
		if err := put(ctx, out); err != nil {
			return err
		}
		asked.Store(true)
		if err := s.awaitSilence(ctx, out, ids); err != nil {
			return err
		}
		asked.Store(false)
		return nil
	}
	return step
}

// ids are what the scope's instances call themselves in their answers, as far as
// that can be learnt: from those whose hosts are connected, and for the others
// from the registry.
func (s *Site) ids(ctx context.Context) []string {
	var out []string
	for _, i := range s.scopeInstances() {
		if r := cluster.AskInstance(ctx, s.Workspace, i, s.View.Instance(i.Host)); r.ID != "" {
			out = append(out, r.ID)
		}
		if s.connected(i.Host) {
			continue
		}
		records, err := cluster.Records(ctx, s.View.Database, cluster.MongoURL(s.Workspace, s.Secrets), i.Address(s.Workspace))
		if err != nil {
			return nil // then the wait is as long as the proxy may take
		}
		for _, r := range records {
			out = append(out, r.ID)
		}
	}
	return out
}

// tellPrometheus has the scope's instances watched: guide 1.3.
func (s *Site) tellPrometheus(rp render.Project, watched bool, needs ...string) engine.Step {
	step := s.listed(render.Targets, rp, watched, needs)
	step.ID, step.Title, step.Guide = targetsID(rp), "Let Prometheus watch "+s.names(), "1.3"
	if !watched {
		step.Title = "Have Prometheus watch " + s.names() + " no more"
	}
	return step
}

// names are the scope's instances, for a title.
func (s *Site) names() string { return strings.Join(s.Scope.Instances, ", ") }

// scopeInstances are the scope's instances as the workspace has them.
func (s *Site) scopeInstances() []workspace.Instance {
	var out []workspace.Instance
	for _, i := range s.Workspace.Instances {
		if slices.Contains(s.Scope.Instances, i.Name) {
			out = append(out, i)
		}
	}
	return out
}

// listed brings the scope's instances into a list, or out of it, and changes
// nothing else of the file: an edit by hand stays, and so does what another
// rcwizard rendered.
func (s *Site) listed(l render.List, rp render.Project, in bool, needs []string) engine.Step {
	return engine.Step{
		Host: rp.Host, Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			e, err := s.edition(ctx, l, rp, in)
			if err != nil || e.report.Verdict == engine.Blocked {
				return e.report, err
			}
			if string(e.before) == string(e.after) {
				return done("the list is as it should be"), nil
			}
			reason := "the list is to change; nothing else of the file does"
			if !e.ours {
				reason = "the list is to change; somebody edited the file by hand, and the edit stays"
			}
			return needed(reason, engine.Change{Kind: engine.Update, Path: e.at, Before: string(e.before), After: string(e.after)}), nil
		},
		Apply: func(ctx context.Context, _ engine.Output) error {
			e, err := s.edition(ctx, l, rp, in)
			if err != nil {
				return err
			}
			if e.report.Verdict == engine.Blocked {
				return errors.New(e.report.Reason)
			}
			return e.replace(ctx, render.File{Path: l.Path(), Mode: 0o644, Content: e.after}, e.ours)
		},
	}
}

// edition is a list as it is on its host, and as it is to be.
type edition struct {
	project
	at            string
	before, after []byte
	// ours says that the file is as rcwizard wrote it.
	ours   bool
	report engine.Report
}

func (s *Site) edition(ctx context.Context, l render.List, rp render.Project, in bool) (edition, error) {
	p, err := s.project(rp)
	if err != nil {
		return edition{}, err
	}
	e := edition{project: p, at: p.path(l.Path())}
	seen, err := p.look(ctx, []render.File{{Path: l.Path()}})
	if err != nil {
		return edition{}, err
	}
	have, there := seen.entries[l.Path()]
	switch {
	case seen.foreign != "":
		e.report = blocked(seen.foreign)
		return e, nil
	case !there:
		e.report = blocked(e.at + " is not on " + p.Host + ": the workspace is not deployed there")
		e.report.Next = "bring it back with: rcwizard resume"
		return e, nil
	}
	e.ours = seen.receipt.wrote(l.Path(), have.sum)
	text, err := p.contents(ctx, []string{l.Path()})
	if err != nil {
		return edition{}, err
	}
	e.before = []byte(text[e.at])
	e.after = e.before
	for _, i := range s.scopeInstances() {
		address := i.Address(s.Workspace)
		if l == render.Targets {
			address = i.MetricsAddress(s.Workspace)
		}
		if in {
			e.after, err = l.With(e.after, rendered(rp, l), address)
		} else {
			e.after, err = l.Without(e.after, address)
		}
		if err != nil {
			e.report = blocked(fmt.Sprintf("%s on %s was changed so that %s cannot be found in it: %v", e.at, p.Host, address, err))
			e.report.Next = "bring the list into rcwizard's form (rcwizard plan shows it), then run again"
			return e, nil
		}
	}
	return e, nil
}

// rendered is the list as the project would have it.
func rendered(rp render.Project, l render.List) []byte {
	for _, f := range rp.Files {
		if f.Path == l.Path() {
			return f.Content
		}
	}
	return nil
}

// replace writes one file that is there, and into the receipt that it is ours;
// a file that was somebody's stays somebody's.
func (p project) replace(ctx context.Context, f render.File, ours bool) error {
	files := []remote.File{{Path: f.Path, Mode: f.Mode, Content: f.Content}}
	seen, err := p.look(ctx, []render.File{f})
	if err != nil {
		return err
	}
	if seen.receipt != nil && ours {
		receipt := *seen.receipt
		receipt.Files, receipt.Was = maps.Clone(receipt.Files), maps.Clone(receipt.Was)
		receipt.writing(seen.receipt, f.Path, seen.entries[f.Path].sum, sum(f.Content))
		data, err := receipt.marshal()
		if err != nil {
			return err
		}
		files = slices.Insert(files, 0, remote.File{Path: receiptName, Mode: 0o644, Content: data})
	}
	if err := p.host.Put(ctx, p.Dir, files, remote.PutOptions{Root: p.site.asRoot(p.Host)}); err != nil {
		return fmt.Errorf("write %s: %w", p.path(f.Path), err)
	}
	return nil
}

// takesOver is the longest that Traefik takes to see and take over a change of
// its file: it collects changes for two seconds.
const takesOver = 10 * time.Second

// awaitSilence waits until none of the instances with these ids has answered
// through the proxy at two looks. Where the proxy cannot be asked from here, it
// waits as long as the proxy may take.
func (s *Site) awaitSilence(ctx context.Context, out engine.Output, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*takesOver)
	defer cancel()
	tick := time.NewTicker(s.timing().Poll)
	defer tick.Stop()
	began := time.Now()
	for quiet := 0; quiet < 2; {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the proxy to take its list over: %w; look at Traefik's log", context.Cause(ctx))
		case <-tick.C:
		}
		r := cluster.ProbeProxy(ctx, s.Workspace, s.View)
		switch {
		case r.Error != nil || r.Answers == 0 || len(ids) == 0 || r.Anonymous > 0:
			if time.Since(began) > takesOver {
				return nil
			}
		case slices.ContainsFunc(r.Seen, func(seen cluster.Seen) bool { return slices.Contains(ids, seen.ID) }):
			quiet = 0
			out.Line("proxy", "people still come to "+s.names())
		default:
			quiet++
		}
	}
	return nil
}
