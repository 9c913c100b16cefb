package steps

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
)

// stop lets an instance go on for its users' last requests, and stops it then,
// with the time that Rocket.Chat has to end. A browser that is with it by
// WebSocket comes back to another by itself.
func (s *Site) stop(rp render.Project, needs ...string) engine.Step {
	alive := func(ctx context.Context) (project, []engine.Change, error) {
		p, err := s.project(rp)
		if err != nil {
			return p, nil, err
		}
		containers, err := p.containers(ctx)
		if err != nil {
			return p, nil, err
		}
		var changes []engine.Change
		for name, c := range containers {
			if c.State != "exited" && c.State != "created" && c.State != "dead" {
				changes = append(changes, engine.Change{Kind: engine.Stop, Path: p.Name + "/" + name})
			}
		}
		return p, changes, nil
	}
	return engine.Step{
		ID: stopID(rp), Title: "Stop Rocket.Chat", Host: rp.Host, Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			_, changes, err := alive(ctx)
			switch {
			case err != nil:
				return engine.Report{}, err
			case len(changes) == 0:
				return done("it does not run"), nil
			}
			return needed(fmt.Sprintf("it runs; it is stopped after %s for those who are still with it", s.Scope.Drain), changes...), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			p, _, err := alive(ctx)
			if err != nil {
				return err
			}
			if err := s.pass(ctx, out, s.Scope.Drain); err != nil {
				return err
			}
			return p.end(ctx, out, "stop")
		},
	}
}

// pass waits for a time, and tells how much of it is over.
func (s *Site) pass(ctx context.Context, out engine.Output, whole time.Duration) error {
	total := int64(whole / time.Second)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	over := time.NewTimer(whole)
	defer over.Stop()
	for gone := int64(0); ; gone++ {
		out.Progress(gone, total, "seconds")
		select {
		case <-over.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx) //nolint:wrapcheck // the runner knows which step was cut
		case <-tick.C:
		}
	}
}

// forget takes an instance's record out of the registry. Rocket.Chat leaves it
// behind when it is stopped; it would go by itself after one to two minutes.
func (s *Site) forget(rp render.Project, needs ...string) engine.Step {
	return engine.Step{
		ID: forgetID(rp), Title: "Take its record out of the registry", Host: s.Workspace.Database.Host, Guide: "4.3", Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			i, err := s.instance(rp)
			if err != nil {
				return engine.Report{}, err
			}
			records, err := cluster.Records(ctx, s.View.Database, cluster.MongoURL(s.Workspace, s.Secrets), i.Address(s.Workspace))
			if err != nil {
				return engine.Report{}, fmt.Errorf("look for the record of %s: %w", i.Name, err)
			}
			if len(records) == 0 {
				return done("it has none"), nil
			}
			changes := make([]engine.Change, 0, len(records))
			for _, r := range records {
				changes = append(changes, engine.Change{Kind: engine.Delete, Path: "record " + r.ID + " of " + i.Address(s.Workspace)})
			}
			return needed("it is registered", changes...), nil
		},
		Apply: func(ctx context.Context, _ engine.Output) error {
			i, err := s.instance(rp)
			if err != nil {
				return err
			}
			if _, err := cluster.Forget(ctx, s.View.Database, cluster.MongoURL(s.Workspace, s.Secrets), i.Address(s.Workspace)); err != nil {
				return fmt.Errorf("take the record of %s out: %w", i.Name, err)
			}
			return nil
		},
	}
}

// disown takes the record of an instance out of the registry whose host is gone
// for good, and sees that it stays out: an instance that is merely out of reach
// from here still works on the database, and registers again at its next
// heartbeat.
func (s *Site) disown(rp render.Project, needs ...string) engine.Step {
	step := s.forget(rp, needs...)
	look, take := step.Check, step.Apply
	// silent says that nobody wrote the record again.
	var silent atomic.Bool
	step.Check = func(ctx context.Context, out engine.Output) (engine.Report, error) {
		r, err := look(ctx, out)
		if err == nil && r.Verdict == engine.Done && !silent.Load() {
			return later("it has none; whether it stays so is not known yet", engine.Change{Kind: engine.Wait, Path: "two heartbeats"}), nil
		}
		return r, err
	}
	step.Apply = func(ctx context.Context, out engine.Output) error {
		if err := take(ctx, out); err != nil {
			return err
		}
		total := s.timing().Beats
		if err := s.pass(ctx, out, total); err != nil {
			return err
		}
		r, err := look(ctx, out)
		if err != nil {
			return err
		}
		if r.Verdict != engine.Done {
			return &engine.Problem{
				Cause: rp.Host + " is out of reach from here, and not gone: Rocket.Chat runs there on",
				Next:  "turn " + rp.Host + " off, or make it reachable again, then run again",
				Err:   fmt.Errorf("%s registered again within %s: %s", rp.Instance, total, r.Reason),
			}
		}
		silent.Store(true)
		return nil
	}
	return step
}

// erase removes what rcwizard put onto the host for an instance: its containers
// and the files that its receipt names, secrets among them. A file that somebody
// edited since stays, and so do the images, which may be another's too.
func (s *Site) erase(rp render.Project, needs ...string) engine.Step {
	return engine.Step{
		ID: eraseID(rp), Title: "Remove its container and its files", Host: rp.Host, Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			p, err := s.project(rp)
			if err != nil {
				return engine.Report{}, err
			}
			left, err := p.leftOf(ctx)
			if err != nil {
				return engine.Report{}, err
			}
			there := map[string]*remote.Container{}
			if left.foreign == "" && len(left.remove) == 0 {
				// Somebody may have deleted the directory, and left the container.
				if there, err = p.containers(ctx); err != nil {
					return engine.Report{}, err
				}
			}
			switch {
			case left.foreign != "":
				return blocked(left.foreign), nil
			case len(there) > 0:
				changes := make([]engine.Change, 0, len(there))
				for _, name := range slices.Sorted(maps.Keys(there)) {
					changes = append(changes, engine.Change{Kind: engine.Delete, Path: p.Name + "/" + name})
				}
				return needed("its container is there, and no receipt of rcwizard's in "+p.Dir, changes...), nil
			case len(left.remove) > 0:
				changes := make([]engine.Change, 0, len(left.remove))
				for _, name := range left.remove {
					changes = append(changes, engine.Change{Kind: engine.Delete, Path: p.path(name)})
				}
				return needed("rcwizard's own are there", changes...), nil
			case len(left.edited) > 0:
				return done(strings.Join(left.edited, ", ") + " were edited by hand, and stay in " + p.Dir), nil
			}
			return done("nothing of it is there"), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			p, err := s.project(rp)
			if err != nil {
				return err
			}
			// Once its containers are gone, the files that Compose needs may be half
			// removed: by a removal that was cut.
			there, err := p.containers(ctx)
			if err != nil {
				return err
			}
			if len(there) > 0 {
				if err := p.end(ctx, out, "down"); err != nil {
					return err
				}
			}
			left, err := p.leftOf(ctx)
			if err != nil {
				return err
			}
			if len(left.edited) > 0 {
				out.Note(fmt.Sprintf("%s in %s on %s stay: they were edited by hand", strings.Join(left.edited, ", "), p.Dir, p.Host))
			}
			root := s.asRoot(p.Host)
			if err := p.host.Put(ctx, p.Dir, nil, remote.PutOptions{Root: root, Remove: left.remove}); err != nil {
				return fmt.Errorf("remove the files in %s: %w", p.Dir, err)
			}
			if _, err := p.host.Run(ctx, remote.Command{Script: rmdirScript, Args: []string{p.Dir, path.Dir(p.Dir)}, Root: root}); err != nil {
				return fmt.Errorf("remove %s: %w", p.Dir, err)
			}
			return nil
		},
	}
}

// end stops the project's containers, or stops and removes them, as verb says.
// Where files that Compose reads are gone, deleted by hand or by a removal that was
// cut, it goes by the labels that Compose gave to the containers: those say which
// project they are of, how long each has to end, and where its files were, which
// tells this instance's from somebody's of the same name.
func (p project) end(ctx context.Context, out engine.Output, verb string) error {
	seen, err := p.look(ctx, p.Files)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(p.Files, func(f render.File) bool { _, there := seen.entries[f.Path]; return !there }) {
		return p.compose(ctx, out, p.Compose, verb)
	}
	containers, err := p.containers(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(containers)) {
		if c := containers[name]; c.Dir != p.Dir {
			return &engine.Problem{
				Cause: fmt.Sprintf("files of %s are gone from %s, and %s was not made from there", p.Name, p.Dir, c.Name),
				Next: fmt.Sprintf("look at it on %s with: docker inspect %s; if nobody needs it, type: docker compose --project-name %s down; then run again",
					p.Host, c.Name, p.Name),
				Err: fmt.Errorf("the container %s on %s was made in %s", c.Name, p.Host, or(c.Dir, "no directory that Compose noted")),
			}
		}
	}
	out.Note(fmt.Sprintf("files of %s are gone from %s on %s: its containers are known by their labels", p.Name, p.Dir, p.Host))
	command := remote.Command{Script: composeScript, Args: []string{"/", "--project-name", p.Name, verb}, Root: p.site.asRoot(p.Host)}
	return p.runCompose(ctx, out, command, "--project-name", p.Name, verb)
}

// rmdirScript removes directories that are empty.
const rmdirScript = `rmdir -- "$1" 2>/dev/null && rmdir -- "$2" 2>/dev/null || :`

// remains are what is in a project's directory.
type remains struct {
	remove, edited []string
	foreign        string
}

// leftOf says what of a project's directory is rcwizard's, by its receipt. The
// receipt itself goes last, and with it what tells ours from somebody's.
func (p project) leftOf(ctx context.Context) (remains, error) {
	first, err := p.look(ctx, nil)
	if err != nil || first.receipt == nil || first.foreign != "" {
		return remains{foreign: first.foreign}, err
	}
	var files []render.File
	for name := range first.receipt.Files {
		files = append(files, render.File{Path: name})
	}
	seen, err := p.look(ctx, files)
	if err != nil {
		return remains{}, err
	}
	var left remains
	for name, e := range seen.entries {
		ours := e.kind == kindFile && first.receipt.wrote(name, e.sum)
		if !ours && e.kind == kindFile {
			// As the guide has people raise the release.
			if ours, err = p.onlyReleaseEdited(ctx, name); err != nil {
				return remains{}, err
			}
		}
		if ours {
			left.remove = append(left.remove, name)
		} else {
			left.edited = append(left.edited, name)
		}
	}
	slices.Sort(left.remove)
	slices.Sort(left.edited)
	left.remove = append(left.remove, receiptName)
	return left, nil
}

// onlyReleaseEdited reports whether a file of the project differs from the
// rendered one in nothing but RELEASE.
func (p project) onlyReleaseEdited(ctx context.Context, name string) (bool, error) {
	for _, f := range p.Files {
		if f.Path == name {
			return p.onlyReleaseDiffers(ctx, f)
		}
	}
	return false, nil
}
