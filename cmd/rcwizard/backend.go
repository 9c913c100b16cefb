package main

import (
	"context"
	"sync"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// backend is the world as a wizard sees it: the state folder, and connections to
// the hosts that stay open from page to page. It asks nobody anything and writes
// nothing to the terminal.
type backend struct {
	*keeper

	a    *app
	pool pool

	mu sync.Mutex
	// keys are the host keys that Inspect has shown.
	keys map[ui.HostKey]*remote.UnknownHostKeyError
	// accepted are those of them that were taken, whichever host showed them.
	accepted map[ui.HostKey]bool
	// checked is the last check that was made; nil before the first.
	checked *checked
	// run is the deployment that was begun last; nil before the first.
	run *ui.Run
	// ended is closed when it has ended.
	ended <-chan struct{}
}

var _ ui.Backend = (*backend)(nil)

func (a *app) backend() *backend {
	return &backend{keeper: &keeper{app: a}, a: a, keys: map[ui.HostKey]*remote.UnknownHostKeyError{}, accepted: map[ui.HostKey]bool{}}
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
	ans := answers{workspace: w, secrets: said.Secrets, typed: d.Typed, warnings: w.Validate().Warnings(), bundled: bundledByKey(), drawn: true}
	if d.Change != nil { // it leaves the kind as it is
		ans.bundled = bundledFirst(w.Name)
	}
	if d.Key != "" {
		folder, err := b.folder(d.Key)
		if err != nil {
			return answers{}, err
		}
		ans.upstream = folder.Upstream()
	}
	return ans, nil
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
	if d.Key != "" {
		if ans.secrets, err = b.made(d.Key, ans.secrets); err != nil {
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
func (b *backend) kept(ctx context.Context, d ui.Draft) (answers, error) {
	ans, err := b.usable(d)
	if err != nil || d.Key == "" {
		return ans, err
	}
	d.Answers.Secrets = ans.secrets
	if _, err := b.Save(ctx, d); err != nil {
		return answers{}, err
	}
	return ans, nil
}

// made is withMade for a draft by its key.
func (b *backend) made(key string, s workspace.Secrets) (workspace.Secrets, error) {
	b.keeper.mu.Lock()
	defer b.keeper.mu.Unlock()
	folder, err := b.folder(key)
	if err != nil {
		return workspace.Secrets{}, err
	}
	return b.withMade(folder, s)
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
func (b *backend) site(ctx context.Context, ans answers, hosts map[string]remote.Host) (*steps.Site, error) {
	tree, err := b.a.renderTree(ctx, ans)
	if err != nil {
		return nil, err
	}
	site, err := b.seen(ans, hosts)
	if err != nil {
		return nil, err
	}
	site.Tree = tree
	return site, nil
}

// seen is site for who only looks at what runs: nothing is rendered for it.
func (b *backend) seen(ans answers, hosts map[string]remote.Host) (*steps.Site, error) {
	roots, err := trust(ans.workspace)
	if err != nil {
		return nil, err
	}
	return &steps.Site{
		Workspace: ans.workspace, Secrets: ans.all(), Hosts: hosts, Version: b.a.build.Version,
		View: b.a.view(ans.workspace, hosts, roots),
	}, nil
}
