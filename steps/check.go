package steps

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace/release"
)

// Looking is what Check is told beside the site.
type Looking struct {
	// Skips are what the person chose not to heed: it is not tried.
	Skips []string
	// Unreachable are the reasons why hosts have no connection. A host that is
	// neither here nor connected was not tried.
	Unreachable map[string]error
	// Addresses are the operator's own, by which is told whether the operator is
	// one of the hosts.
	Addresses []netip.Addr
	// NameServers are the operator's, which are asked for what Lookup cannot give.
	NameServers []netip.AddrPort
	// Lookup gives the addresses of a name, as the operator sees them.
	Lookup func(ctx context.Context, name string) ([]netip.Addr, error)
	// Published gives what is published of the workspace's release; without it
	// the catalogue alone is asked.
	Published func(ctx context.Context, r release.Release) (release.Published, error)
	// Found, where set, is told every finding as soon as it stands, again when it
	// changes, and by the time Check returns all of them, one call at a time.
	Found func(check.Finding)
}

// Check looks at everything that an installation of the site depends on: the
// hosts, the network between them and from here, names, release and images. It
// changes nothing on the hosts; what it starts there to listen for probes ends
// with it. What could not be seen is missing in the evidence, which is judged
// as unknown. When the context ends, the evidence is what was there by then.
func Check(ctx context.Context, s *Site, o Looking) check.Evidence {
	l := &looker{
		s: s, o: o, owned: map[string]*owned{}, logins: map[string][]netip.Addr{}, early: map[string]facts.Facts{}, more: make(chan struct{}, 1), told: map[string]check.Finding{},
		e: check.Evidence{
			At: time.Now().UTC().Truncate(time.Second), Hosts: map[string]check.Host{},
			Listeners: map[check.Place]check.Listener{}, Probes: map[check.Path]check.Probe{},
			Names: map[string]check.Name{}, Images: map[string][]check.Image{},
			Release: check.Release{Running: map[string]check.Running{}},
		},
	}
	for _, h := range s.Workspace.Hosts {
		l.owned[h.Name] = &owned{}
		for _, p := range s.Tree.On(h.Name) {
			l.owned[h.Name].unread = append(l.owned[h.Name].unread, p.Name)
		}
	}
	l.e.Outside = outside(s.Workspace, o.Addresses)
	var before sync.WaitGroup
	before.Go(func() { l.addresses(ctx) })
	l.names(ctx) // where the names lead is where their ports are tried
	before.Wait()
	ports := l.plan()
	told := l.tell()
	var all sync.WaitGroup
	for _, h := range s.Workspace.Hosts {
		all.Go(func() { l.host(ctx, h.Name) })
	}
	for _, name := range check.DomainNames(s.Workspace) {
		all.Go(func() { l.caa(ctx, name) })
	}
	all.Go(func() { l.published(ctx) })
	all.Go(func() { l.external(ctx) })
	all.Go(func() { ports.try(ctx) })
	all.Wait()
	told()
	ports.conclude(ctx)
	l.exists()
	l.found(true)
	return l.e
}

// looker is one run of Check.
type looker struct {
	s *Site
	o Looking

	mu sync.Mutex
	e  check.Evidence
	// owned are the compose projects of this workspace, by host.
	owned map[string]*owned
	// logins are the addresses at which the operator's machine, or the jump host in
	// front, logs in to the hosts, as far as they are known.
	logins map[string][]netip.Addr
	// early is what hosts told of themselves before the ports were tried.
	early map[string]facts.Facts
	// more says that there is evidence which has not been judged yet.
	more chan struct{}
	// told are the findings as Looking.Found was told them, by id.
	told map[string]check.Finding
}

func (l *looker) skips(id string) bool { return check.Matches(l.o.Skips, id) }

// note writes into the evidence.
func (l *looker) note(write func(e *check.Evidence)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	write(&l.e)
	select {
	case l.more <- struct{}{}:
	default: // it is known already
	}
}

// usualRoot is where Docker keeps its data unless it is told otherwise, and where
// facts look.
const usualRoot = "/var/lib/docker"

// host looks at one host.
func (l *looker) host(ctx context.Context, name string) {
	h, ok := l.s.Hosts[name]
	if !ok {
		seen := unconnected(l.o.Unreachable[name])
		l.note(func(e *check.Evidence) { e.Hosts[name] = seen })
		return
	}
	seen := check.Host{Connection: check.Connected}
	f, err := l.gather(ctx, h)
	if err == nil {
		l.s.remember(name, f)
		seen = hostOf(f)
		l.sudo(ctx, h, f, &seen)
		seen.Docker = dockerOf(ctx, h, f, l.s.Workspace.Compose)
		firewallOf(ctx, h, f, &seen)
		if root := seen.Docker.RootDir; root != "" && root != usualRoot {
			seen.DockerDisk = check.Disk{}
			if there, err := facts.Gather(ctx, h, root); err == nil {
				seen.DockerDisk = diskOf(there.Disk)
			}
		}
		l.deployments(ctx, h, &seen)
		l.running(ctx, h)
	} else {
		seen.Detail = err.Error()
	}
	images := l.images(ctx, h, f.Machine)
	seen.ImageBytes, seen.ImageKnown = toStore(images)
	l.note(func(e *check.Evidence) {
		e.Hosts[name] = seen
		if len(images) > 0 {
			e.Images[name] = images
		}
	})
}

// published asks what is published of the release, and when its support ends.
func (l *looker) published(ctx context.Context) {
	r, err := release.Parse(l.s.Workspace.Release)
	if err != nil || l.skips("release") {
		return
	}
	p := release.Published{Release: r}
	if l.o.Published != nil {
		p, err = l.o.Published(ctx, r)
	}
	l.note(func(e *check.Evidence) {
		e.Release.SupportAsked = true
		e.Release.Support, e.Release.SupportUntil = p.Support(e.At)
		e.Release.MongoDB = p.MongoDB
		switch {
		case errors.Is(err, release.ErrNoSuchRelease):
			e.Release.Exists = check.No
		case err != nil:
			e.Release.Detail = err.Error()
		}
	})
}

// exists concludes from the hosts' images whether the registry has the release:
// it is the registry that an installation depends on, whatever is published.
func (l *looker) exists() {
	missing := false
	for _, images := range l.e.Images {
		for _, i := range images {
			if releaseOf(i.Ref) == "" {
				continue
			}
			switch i.State { //nolint:exhaustive // the others say nothing about the registry
			case check.ImagePresent, check.ImagePullable:
				l.e.Release.Exists = check.Yes
				return
			case check.ImageMissing:
				missing = true
			}
		}
	}
	if missing {
		l.e.Release.Exists = check.No
	}
}

// running finds out which release each of the host's instances is on.
func (l *looker) running(ctx context.Context, h remote.Host) {
	for _, rp := range l.s.projects(render.RoleInstance) {
		if rp.Host != h.Name() || l.skips("release:instance:"+rp.Instance) {
			continue
		}
		p := project{Project: rp, site: l.s, host: h}
		newest, where, err := p.release(ctx)
		if unusable, ok := errors.AsType[*remote.DockerError](err); ok && unusable.Kind == remote.DockerAbsent {
			// Without Docker nothing ran here but what left files.
			seen, lookErr := p.look(ctx, []render.File{{Path: envName}})
			if lookErr == nil && seen.receipt == nil && len(seen.entries) == 0 {
				err = nil
			}
		}
		if err != nil {
			continue
		}
		l.note(func(e *check.Evidence) { e.Release.Running[rp.Instance] = check.Running{Release: newest, Where: where} })
	}
}
