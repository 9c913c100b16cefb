package steps

import (
	"context"
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
)

// firstAdministrator has the first instance make the first administrator
// before the proxy lets anybody in, where the guide (4.2) leaves it to whoever
// opens the browser first. The instance is started once with ADMIN_* from an
// extra compose file; as soon as the administrator is in the database and the
// instance answers, the file is removed, and the step behind this one makes
// the container anew without it, so that the password stays neither in a file
// nor in docker inspect.
//
// With admin.create false there is no such step: the list is empty.
func (s *Site) firstAdministrator(rp render.Project, needs ...string) []engine.Step {
	if !s.Workspace.Admin.Creates() {
		return nil
	}
	return []engine.Step{{
		ID:    adminID(rp),
		Title: "Make the first administrator",
		Host:  rp.Host,
		Guide: "4.2",
		Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			p, err := s.project(rp)
			if err != nil {
				return engine.Report{}, err
			}
			left, err := p.adminFileLeft(ctx)
			if err != nil {
				return engine.Report{}, err
			}
			exists, err := cluster.HasAdmin(ctx, s.View.Database, cluster.MongoURL(s.Workspace, s.Secrets))
			create := engine.Change{Kind: engine.Create, Path: "the administrator " + s.Workspace.Admin.Username}
			switch {
			case err != nil:
				return later("the database does not answer yet", create), nil //nolint:nilerr // it is what this step waits behind
			case !exists:
				return needed("the workspace has no administrator", create), nil
			case left:
				return needed("the administrator is there, its password still in a file",
					engine.Change{Kind: engine.Delete, Path: p.path(render.FirstAdminFile)}), nil
			}
			return done("the workspace has an administrator"), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			p, err := s.project(rp)
			if err != nil {
				return err
			}
			return p.makeAdministrator(ctx, out)
		},
	}}
}

func (p project) makeAdministrator(ctx context.Context, out engine.Output) error {
	s := p.site
	url := cluster.MongoURL(s.Workspace, s.Secrets)
	exists, err := cluster.HasAdmin(ctx, s.View.Database, url)
	if err != nil {
		return fmt.Errorf("ask the database for an administrator: %w", err)
	}
	if !exists {
		if err := p.startWithAdministrator(ctx, out); err != nil {
			return err
		}
	}
	return p.removeAdminFile(ctx)
}

func (p project) startWithAdministrator(ctx context.Context, out engine.Output) error {
	s := p.site
	file, err := render.FirstAdmin(s.Workspace, s.Secrets)
	if err != nil {
		return fmt.Errorf("write the first administrator's file: %w", err)
	}
	put := remote.File{Path: file.Path, Mode: file.Mode, Content: file.Content}
	if err := p.host.Put(ctx, p.Dir, []remote.File{put}, remote.PutOptions{Root: s.asRoot(p.Host)}); err != nil {
		return fmt.Errorf("write %s: %w", p.path(file.Path), err)
	}
	if err := p.compose(ctx, out, p.ComposeWith(file.Path), "up", "--detach"); err != nil {
		return err
	}
	return p.await(ctx, out, patience{
		what:     "Rocket.Chat to start and make the administrator",
		deadline: s.timing().Start,
		probe: func(ctx context.Context) (bool, string, error) {
			ok, seen, err := s.askInstance(ctx, p.Project)
			if err != nil || !ok {
				return false, seen, err
			}
			exists, err := cluster.HasAdmin(ctx, s.View.Database, cluster.MongoURL(s.Workspace, s.Secrets))
			if err != nil {
				return false, err.Error(), nil //nolint:nilerr // the next look may succeed
			}
			return exists, "it answers, the administrator is not there yet", nil
		},
		cause: "Rocket.Chat did not come up, or would not have the administrator: its log says why",
		next:  "Read the lines above; a user name or e-mail address that Rocket.Chat refuses is named there. Change it in workspace.yaml and run again.",
	})
}

// adminFileLeft reports whether the file with the password still lies there.
func (p project) adminFileLeft(ctx context.Context) (bool, error) {
	res, err := p.host.Run(ctx, remote.Command{
		Script: `[ ! -e "$1" ] || echo left`, Args: []string{p.path(render.FirstAdminFile)}, Root: p.site.asRoot(p.Host),
	})
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", p.path(render.FirstAdminFile), err)
	}
	return strings.TrimSpace(res.Stdout) == "left", nil
}

func (p project) removeAdminFile(ctx context.Context) error {
	res, err := p.host.Run(ctx, remote.Command{
		Script: `rm -f -- "$1"`, Args: []string{p.path(render.FirstAdminFile)}, Root: p.site.asRoot(p.Host),
	})
	if err == nil && res.Code != 0 {
		err = fmt.Errorf("rm ended with code %d: %s", res.Code, strings.TrimSpace(res.Stderr))
	}
	if err != nil {
		return fmt.Errorf("remove %s, which holds the administrator's password: %w", p.path(render.FirstAdminFile), err)
	}
	return nil
}
