package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// backend is the world as a wizard sees it: the state folder, and connections to
// the hosts that stay open from page to page. It asks nobody anything and writes
// nothing to the terminal. The key of a draft is the folder that keeps it.
type backend struct {
	a    *app
	pool pool

	// disk is for what reads and writes drafts.
	disk sync.Mutex

	mu sync.Mutex
	// keys are the host keys that Inspect has shown.
	keys map[ui.HostKey]*remote.UnknownHostKeyError
	// accepted are those of them that were taken, whichever host showed them.
	accepted map[ui.HostKey]bool
	// moved are the folders of workspaces by those of the drafts that they were.
	moved map[string]string
	// run is the deployment that was begun last; nil before the first.
	run *ui.Run
	// ended is closed when it has ended.
	ended <-chan struct{}
}

var _ ui.Backend = (*backend)(nil)

func (a *app) backend() *backend {
	return &backend{a: a, keys: map[ui.HostKey]*remote.UnknownHostKeyError{}, accepted: map[ui.HostKey]bool{}, moved: map[string]string{}}
}

// close ends the connections that no run has.
func (b *backend) close() { b.pool.close() }

// given are the answers of a draft, complete, and whether or not they can be
// used. Files that they name are those of the current directory.
func (b *backend) given(d ui.Draft) (answers, error) {
	said := d.Answers.Clone()
	b.a.redactor.Add(d.All().Values()...)
	if err := absolutePaths(&said.Workspace, ".", b.a.home); err != nil {
		return answers{}, err
	}
	w := said.Workspace.Complete()
	return answers{workspace: w, secrets: said.Secrets, typed: d.Typed, warnings: w.Validate().Warnings()}, nil
}

// usable are the answers of a draft that can be deployed, with the passwords
// that rcwizard makes: those that are kept, or new ones that nobody keeps.
func (b *backend) usable(d ui.Draft) (answers, error) {
	ans, err := b.given(d)
	if err != nil {
		return answers{}, err
	}
	if err := ans.workspace.Validate().Err(); err != nil {
		return answers{}, usage(err)
	}
	if folder, err := b.draftFolder(d.Key); err == nil {
		if ans.secrets, err = b.withMade(folder, ans.secrets); err != nil {
			return answers{}, err
		}
	}
	ans.secrets, _ = ans.secrets.Generate(ans.workspace)
	if err := ans.all().Validate(ans.workspace).Err(); err != nil {
		return answers{}, usage(err)
	}
	b.a.redactor.Add(ans.secrets.Values()...)
	return ans, nil
}

// kept are usable answers whose made passwords are written down, before anything
// is rendered from them.
func (b *backend) kept(d ui.Draft) (answers, error) {
	ans, err := b.usable(d)
	if err != nil || d.Key == "" {
		return ans, err
	}
	d.Answers.Secrets = ans.secrets
	if _, err := b.save(d); err != nil {
		return answers{}, err
	}
	return ans, nil
}

// withMade fills in the passwords that rcwizard made earlier for the draft, where
// nobody gave others: a face does not know them.
func (b *backend) withMade(folder *state.DraftFolder, s workspace.Secrets) (workspace.Secrets, error) {
	b.disk.Lock()
	defer b.disk.Unlock()
	return madeBefore(folder, s)
}

// madeBefore is withMade for whoever holds the disk.
func madeBefore(folder *state.DraftFolder, s workspace.Secrets) (workspace.Secrets, error) {
	var old workspace.Secrets
	d, err := folder.Load()
	switch {
	case err == nil:
		old = d.Secrets
	case !errors.Is(err, fs.ErrNotExist):
		return workspace.Secrets{}, fmt.Errorf("read the secrets kept in %s: %w", folder.Dir(), err)
	default:
		if old, err = folder.LoadSecrets(); err != nil {
			return workspace.Secrets{}, fmt.Errorf("read the secrets kept in %s: %w", folder.Dir(), err)
		}
	}
	if s.GrafanaAdminPassword == "" {
		s.GrafanaAdminPassword = old.GrafanaAdminPassword
	}
	if s.AdminPassword == "" {
		s.AdminPassword = old.AdminPassword
	}
	return s, nil
}

// draftFolder opens the folder of a draft, or of a workspace, that is there.
func (b *backend) draftFolder(key string) (*state.DraftFolder, error) {
	dir := b.dir(key)
	if info, err := os.Stat(dir); key == "" || err != nil || !info.IsDir() {
		return nil, fmt.Errorf("nothing is kept in %s any more: begin anew, or choose another workspace: %w", dir, fs.ErrNotExist)
	}
	folder, err := state.OpenDraft(dir)
	if err != nil {
		return nil, fmt.Errorf("open the state folder: %w", err)
	}
	return folder, nil
}

// dir is the folder of a key: a draft's may have become a workspace's.
func (b *backend) dir(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if to, ok := b.moved[key]; ok {
		return to
	}
	return key
}

// base is the folder of all workspaces, empty where one was named by --dir.
func (b *backend) base() (string, error) {
	if b.a.config.GetString("dir") != "" {
		return "", nil
	}
	base, err := state.Base(b.a.sys.env, b.a.home)
	if err != nil {
		return "", fmt.Errorf("find the state folder: %w", err)
	}
	return base, nil
}

// named is the folder that --dir names.
func (b *backend) named() (string, error) {
	dir, err := filepath.Abs(b.a.config.GetString("dir"))
	if err != nil {
		return "", fmt.Errorf("find the state folder: %w", err)
	}
	return dir, nil
}

// connectHosts opens what is not open yet. Why a host cannot be connected to is
// in failures; skip leaves a host out.
func (b *backend) connectHosts(ctx context.Context, ans answers, skip func(host string) bool) (connected map[string]remote.Host, failures map[string]error) {
	connected, failures = map[string]remote.Host{}, map[string]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, h := range ans.workspace.Hosts {
		if skip(h.Name) {
			continue
		}
		all.Go(func() {
			c, err := b.connect(ctx, h, ans.all().Hosts[h.Name])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures[h.Name] = err
				return
			}
			connected[h.Name] = c
		})
	}
	all.Wait()
	return connected, failures
}

func everyHost(string) bool { return false }

// connect gives the connection to a host that is there, or makes one.
func (b *backend) connect(ctx context.Context, h workspace.Host, s workspace.HostSecrets) (remote.Host, error) {
	return b.pool.get(ctx, h, s, func(ctx context.Context) (remote.Host, error) {
		if h.Local() {
			return b.a.local(h, s), nil
		}
		t := b.a.target(h, s)
		t.ConnectTimeout = answersWithin
		c, err := remote.Connect(ctx, t)
		if err != nil {
			return nil, err //nolint:wrapcheck // it names the host, what happened and what to do
		}
		return c, nil
	})
}

// unreached is the error for hosts without which nothing can be done.
func unreached(w workspace.Workspace, failures map[string]error) error {
	var all []error
	for _, h := range w.Hosts {
		if err := failures[h.Name]; err != nil {
			all = append(all, err)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &unreachableError{all}
}

// site is what plans and checks work with.
func (b *backend) site(ans answers, hosts map[string]remote.Host) (*steps.Site, error) {
	tree, err := renderTree(ans)
	if err != nil {
		return nil, err
	}
	roots, err := trust(ans.workspace)
	if err != nil {
		return nil, err
	}
	return &steps.Site{
		Workspace: ans.workspace, Secrets: ans.all(), Tree: tree,
		Hosts: hosts, Version: b.a.build.Version,
		View: steps.ViewFrom(ans.workspace, hosts, (&net.Dialer{}).DialContext, roots),
	}, nil
}
