package steps

import (
	"fmt"
	"path"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// Site is what plans are made of: what is wanted, and the hosts to bring it
// about on. Its exported fields are set once, before a plan is made.
type Site struct {
	Workspace workspace.Workspace
	Secrets   workspace.Secrets
	// Tree is what Workspace renders to.
	Tree render.Tree
	// Hosts are connected, by the workspace's name of the host.
	Hosts map[string]remote.Host
	// View is how the cluster is looked at.
	View cluster.View
	// Version is rcwizard's own, for the receipts.
	Version string
	// Overwrite lets files that were edited by hand be written over.
	Overwrite bool
	// Scope, where set, is the part of the workspace that a plan is for.
	Scope *Scope
	// Timing is how long steps wait; the zero value means Patience().
	Timing Timing

	// Result receives what the last look at the cluster found.
	Result Result

	mu   sync.Mutex
	seen map[string]facts.Facts
}

// Timing is how long steps wait for what they started.
type Timing struct {
	// Start bounds the wait for one service to answer: a first boot creates a
	// database, an upgrade migrates one. Peers that gave up after a minute and
	// put the old release back broke workspaces (Rocket.Chat#23358).
	Start time.Duration
	// Verify bounds the wait for the cluster to be seen whole: an instance
	// that was recreated leaves a record that expires after one to two minutes.
	Verify time.Duration
	// Youth bounds the wait for what only time brings to a cluster that is whole
	// otherwise: two rounds of Prometheus.
	Youth time.Duration
	// Beats is for how long is looked whether an instance whose host cannot be
	// reached registers again: longer than two of Rocket.Chat's heartbeats.
	Beats time.Duration
	// Certificate is for how long Traefik's stopgap may be seen at the domain
	// before the authority is asked again: longer than an order takes.
	Certificate time.Duration
	// Packages bounds the wait for another package manager on a host: the updates
	// that a machine makes by itself once it has come up take minutes.
	Packages time.Duration
	// Poll is the pause between two looks.
	Poll time.Duration
	// Reassure is how often a wait that sees nothing new says that it goes on.
	Reassure time.Duration
	// Probe bounds one look.
	Probe time.Duration
	// Docker bounds one question to an engine; a busy one takes its time.
	Docker time.Duration
	// Blind bounds how long a wait goes on while the containers cannot be looked
	// at: a lost connection is made again meanwhile, or given up.
	Blind time.Duration
	// CrashWindow and CrashCount: so many restarts in so long a time are a
	// crash loop, which no patience will mend.
	CrashWindow time.Duration
	CrashCount  int
}

// Patience is the timing for real hosts.
func Patience() Timing {
	return Timing{
		Start:       15 * time.Minute,
		Verify:      4 * time.Minute,
		Youth:       45 * time.Second,
		Beats:       25 * time.Second,
		Certificate: 30 * time.Second,
		Packages:    5 * time.Minute,
		Poll:        time.Second,
		Reassure:    30 * time.Second,
		Probe:       10 * time.Second,
		Docker:      3 * time.Minute,
		Blind:       3 * time.Minute,
		CrashWindow: time.Minute,
		CrashCount:  3,
	}
}

func (s *Site) timing() Timing {
	if s.Timing == (Timing{}) {
		return Patience()
	}
	return s.Timing
}

// host returns the connection to a host that the workspace names.
func (s *Site) host(name string) (remote.Host, error) {
	h, ok := s.Hosts[name]
	if !ok {
		return nil, fmt.Errorf("%s is not connected", name)
	}
	return h, nil
}

// connected reports whether there is a connection to a host. A plan with a scope
// does without those that it does not touch.
func (s *Site) connected(name string) bool {
	_, ok := s.Hosts[name]
	return ok
}

// facts returns what the host said of itself when its ready step looked last.
func (s *Site) facts(host string) (facts.Facts, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.seen[host]
	return f, ok
}

func (s *Site) remember(host string, f facts.Facts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[string]facts.Facts)
	}
	s.seen[host] = f
}

// sudoPassword reports whether becoming root on the host takes a password: the
// workspace says so, or one was given and sudo asks for it.
func (s *Site) sudoPassword(host string) bool {
	h, _ := s.Workspace.Host(host)
	f, _ := s.facts(host)
	return h.Sudo == workspace.SudoPassword && f.Sudo != facts.SudoRoot ||
		h.Sudo == workspace.SudoAuto && f.Sudo == facts.SudoPassword && s.Secrets.Hosts[host].SudoPassword != ""
}

// asRoot reports whether commands on the host run as root: always, unless the
// workspace says never, or the user can neither be root nor become it and
// works with Docker through its group.
func (s *Site) asRoot(host string) bool {
	h, _ := s.Workspace.Host(host)
	switch h.Sudo {
	case workspace.SudoNever:
		return false
	case workspace.SudoPassword:
		return true
	case workspace.SudoAuto:
	}
	f, ok := s.facts(host)
	return !ok || f.Sudo == facts.SudoRoot || f.Sudo == facts.SudoFree || s.sudoPassword(host)
}

// project is one compose project together with the host that it lives on.
type project struct {
	render.Project
	site *Site
	host remote.Host
}

func (s *Site) project(p render.Project) (project, error) {
	h, err := s.host(p.Host)
	if err != nil {
		return project{}, err
	}
	return project{Project: p, site: s, host: h}, nil
}

// slug is the project's part of step ids: "db", "rc1", "edge". Ids of an
// instance carry the instance's name, all others their host's.
func slug(p render.Project) string {
	if p.Role == render.RoleInstance {
		return p.Instance
	}
	return p.Host
}

func (p project) path(name string) string { return path.Join(p.Dir, name) }

// projects returns the tree's projects of one role.
func (s *Site) projects(role render.Role) []render.Project {
	var out []render.Project
	for _, p := range s.Tree.Projects {
		if p.Role == role {
			out = append(out, p)
		}
	}
	return out
}

// hostNames returns the hosts that carry a project, in the tree's order.
func (s *Site) hostNames() []string {
	var names []string
	known := make(map[string]bool)
	for _, p := range s.Tree.Projects {
		if !known[p.Host] {
			known[p.Host] = true
			names = append(names, p.Host)
		}
	}
	return names
}

// done and needed say the two most common things that a Check says.
func done(reason string) engine.Report {
	return engine.Report{Verdict: engine.Done, Reason: reason}
}

func needed(reason string, changes ...engine.Change) engine.Report {
	return engine.Report{Verdict: engine.Needed, Reason: reason, Changes: changes}
}

func blocked(reason string) engine.Report {
	return engine.Report{Verdict: engine.Blocked, Reason: reason}
}

func later(reason string, changes ...engine.Change) engine.Report {
	return engine.Report{Verdict: engine.Later, Reason: reason, Changes: changes}
}
