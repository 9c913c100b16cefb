package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

const (
	// pause is how long nothing is typed before an address counts as whole.
	pause = 700 * time.Millisecond
	// atOnce is how many machines are connected to at a time: an SSH server that
	// stands before all of them drops more than ten (MaxStartups).
	atOnce = 8
)

// sight is one look at a machine: under way, or what came of it.
type sight struct {
	attempt int
	// cancel ends it; nil once it has ended.
	cancel context.CancelFunc
	// secrets are those that it was tried with.
	secrets workspace.HostSecrets
	found   ui.Inspection
}

// messages of the page.
type (
	inspectedMsg struct {
		way     string
		attempt int
		found   ui.Inspection
	}
	acceptedMsg struct{ err error }
	pauseMsg    struct{ changes int }
)

// What a sight says; a nil one is of a machine that waits for its turn.
func (s *sight) underWay() bool    { return s != nil && s.cancel != nil }
func (s *sight) over() bool        { return s != nil && s.cancel == nil }
func (s *sight) showsKey() bool    { return s.over() && s.found.Key != nil }
func (s *sight) wantsSecret() bool { return s.over() && s.found.Secret != nil }
func (s *sight) seen() *ui.Seen {
	if !s.over() {
		return nil
	}
	return s.found.Seen
}

// stale reports whether there is more to try than there was.
func (s *sight) stale(secrets workspace.HostSecrets) bool {
	return s.secrets != secrets && s.seen() == nil
}

// way is how a machine is reached: with another way it is looked at anew, with
// another name it is not.
func way(complete workspace.Host) string {
	return fmt.Sprintf("%s %+v %s", strings.ToLower(complete.Address), complete.SSH, complete.Sudo)
}

// target is a machine to connect to.
type target struct {
	draft ui.Draft
	name  string
	way   string
}

func (t target) secrets() workspace.HostSecrets { return t.draft.All().Hosts[t.name] }

// targets are the machines of which it is said, and right, how they are reached;
// the one that is being typed is among them.
func (p *servers) targets() []target {
	draft := p.c.draft.Clone()
	if typed := p.typed(); len(typed) == 1 && p.mode == adding {
		p.enlist(&draft.Answers, typed)
	}
	unfit := make(map[int]bool)
	for _, found := range question.Errors(question.Servers, draft.Answers) {
		n := rowOf(found.Field, draft.Answers.Workspace)
		if _, field, _ := strings.Cut(found.Field, "]."); field == "address" || field == "name" || strings.HasPrefix(field, "ssh.") {
			unfit[n] = true
		}
	}
	var out []target
	for n, h := range draft.Answers.Workspace.Complete().Hosts {
		if !unfit[n] {
			out = append(out, target{draft, h.Name, way(h)})
		}
	}
	return out
}

// connect begins to look at whatever was not looked at yet, as many at once as
// there may be, and ends what nobody wants to know any more.
func (p *servers) connect() tea.Cmd {
	targets := p.targets()
	for w, s := range p.sights {
		i := slices.IndexFunc(targets, func(t target) bool { return t.way == w })
		if s.underWay() && (i < 0 || s.stale(targets[i].secrets())) {
			s.cancel()
			delete(p.sights, w)
		}
	}
	cmds := make([]tea.Cmd, 0, len(targets))
	for _, t := range targets {
		if s := p.sights[t.way]; s != nil && !s.stale(t.secrets()) || p.running() >= atOnce {
			continue
		}
		cmds = append(cmds, p.inspect(t))
	}
	return tea.Batch(cmds...)
}

func (p *servers) inspect(t target) tea.Cmd {
	p.attempts++
	attempt := p.attempts
	ctx, cancel := context.WithCancel(p.c.ctx)
	p.sights[t.way] = &sight{attempt: attempt, cancel: cancel, secrets: t.secrets()}
	return p.c.do(func(context.Context) tea.Msg {
		defer cancel()
		return inspectedMsg{t.way, attempt, p.c.backend.Inspect(ctx, t.draft, t.name)}
	})
}

// inspected takes what a machine says of itself, and turns to the next.
func (p *servers) inspected(msg inspectedMsg) tea.Cmd {
	s := p.sights[msg.way]
	if s == nil || s.attempt != msg.attempt {
		return nil // nobody wants to know any more
	}
	s.cancel, s.found = nil, msg.found
	p.learn()
	if p.form != nil {
		p.form.sync()
	}
	return p.connect()
}

// learn writes down the private addresses that were found, where nobody said
// one. How many instances there are is offered, and not taken: see offer.
func (p *servers) learn() {
	seen := make(map[string]question.Seen)
	for _, h := range p.answers().Workspace.Complete().Hosts {
		if found := p.sights[way(h)].seen(); found != nil {
			seen[h.Name] = question.Seen{Private: found.Private}
		}
	}
	question.Learn(p.answers(), seen)
}

// again forgets what came of looking at the machine that is chosen, or at every
// one that did not answer, and looks once more.
func (p *servers) again() tea.Cmd {
	for n, h := range p.answers().Workspace.Complete().Hosts {
		if s := p.sights[way(h)]; s.over() && (n == p.list.at || s.found.Problem != nil) {
			delete(p.sights, way(h))
		}
	}
	return p.connect()
}

// soon connects when nothing more is typed.
func (p *servers) soon() tea.Cmd {
	p.changes++
	return p.c.wait(pause, pauseMsg{p.changes})
}

// reached are the servers with the defaults of how they are reached. The rest of
// the workspace has no say in that, and takes longer to complete.
func (p *servers) reached() []workspace.Host {
	return workspace.Workspace{Hosts: p.hosts()}.Complete().Hosts
}

// sight is what came of looking at the server of a row; nil as long as it waits.
func (p *servers) sight(row int) *sight {
	if row < 0 || row >= len(p.hosts()) {
		return nil
	}
	one := workspace.Workspace{Hosts: p.hosts()[row : row+1]}.Complete()
	return p.sights[way(one.Hosts[0])]
}

// all are the sights of the servers in the table, row by row.
func (p *servers) all() []*sight {
	hosts := p.reached()
	out := make([]*sight, len(hosts))
	for n, h := range hosts {
		out[n] = p.sights[way(h)]
	}
	return out
}

func (p *servers) running() int {
	n := 0
	for _, s := range p.sights {
		if s.underWay() {
			n++
		}
	}
	return n
}

// hostKey is a key to accept, with the servers that are behind it: a jump host
// stands before several.
type hostKey struct {
	ui.HostKey

	hosts []string
}

// keysToAccept are the host keys that wait for the person, each once.
func (p *servers) keysToAccept() []hostKey {
	var out []hostKey
	for n, s := range p.all() {
		if !s.showsKey() {
			continue
		}
		name := p.hosts()[n].Name
		i := slices.IndexFunc(out, func(k hostKey) bool {
			return k.Address == s.found.Key.Address && k.Fingerprint == s.found.Key.Fingerprint
		})
		if i >= 0 {
			out[i].hosts = append(out[i].hosts, name)
		} else {
			out = append(out, hostKey{*s.found.Key, []string{name}})
		}
	}
	return out
}

// accept takes all of them into known_hosts.
func (p *servers) accept() tea.Cmd {
	keys := p.keysToAccept()
	p.accepting = true
	return p.c.do(func(ctx context.Context) tea.Msg {
		for _, k := range keys {
			if err := p.c.backend.AcceptKey(ctx, k.HostKey); err != nil {
				return acceptedMsg{err}
			}
		}
		return acceptedMsg{}
	})
}

// accepted looks again at the machines behind the keys.
func (p *servers) accepted(msg acceptedMsg) tea.Cmd {
	p.accepting = false
	if p.mode == comparing {
		p.browse()
	}
	if msg.err != nil {
		p.c.say(bad, msg.err.Error())
	}
	for w, s := range p.sights {
		if s.showsKey() {
			delete(p.sights, w)
		}
	}
	return p.connect()
}
