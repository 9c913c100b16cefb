package tui

import (
	"reflect"
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// undoable is what was so before something was done.
type undoable struct {
	what  string
	draft ui.Draft
	at    int
}

// remember keeps what is so now, to come back to.
func (p *servers) remember(what string) {
	const most = 50
	p.done = append(p.done, undoable{what, p.c.draft.Clone(), p.list.at})
	if len(p.done) > most {
		p.done = p.done[1:]
	}
}

// takeBack undoes what was done last. What hosts said of themselves since is
// learned again.
func (p *servers) takeBack() tea.Cmd {
	last := p.done[len(p.done)-1]
	p.done = p.done[:len(p.done)-1]
	p.c.draft.Answers, p.c.draft.Typed = last.draft.Answers, last.draft.Typed
	p.learn()
	p.browse()
	p.list.move(last.at - p.list.at)
	p.c.say(neutral, "undone: "+last.what)
	return p.connect()
}

// proposed reports whether the roles are still those that rcwizard proposes:
// then they follow when servers come and go. In a workspace that was deployed
// they are what runs.
func (p *servers) proposed() bool {
	if p.c.known.Last != nil || p.base != nil {
		return false
	}
	w := p.answers().Workspace
	for n, r := range question.Layout(len(w.Hosts), nil) {
		if question.RolesOf(w, n) != r {
			return false
		}
	}
	return true
}

// insert adds servers and returns how many of them were new. The cursor goes to
// the first of those, or to the one that was there already.
func (p *servers) insert(addresses []question.Address) int {
	if len(addresses) == 0 {
		return 0
	}
	if p.base != nil {
		return p.join(addresses)
	}
	follow := p.proposed()
	p.remember(count(len(addresses), "address") + " added")
	before := p.c.draft.Clone()
	added := question.Add(p.answers(), addresses)
	if len(added) == 0 {
		p.done = p.done[:len(p.done)-1]
		there := slices.IndexFunc(p.hosts(), func(h workspace.Host) bool { return h.Address == addresses[0].Host })
		p.list.resize(len(p.hosts()))
		p.list.move(there - p.list.at)
		return 0
	}
	if follow {
		question.Propose(p.answers(), nil)
	}
	p.carry(before)
	p.learn()
	p.list.resize(len(p.hosts()))
	p.list.move(added[0] - p.list.at)
	return len(added)
}

// remove takes the chosen server away.
func (p *servers) remove() tea.Cmd {
	if p.base != nil {
		return p.part()
	}
	h := p.hosts()[p.list.at]
	follow := p.proposed()
	what := or(h.Name, h.Address) + " removed"
	p.remember(what)
	before := p.c.draft.Clone()
	question.Remove(p.answers(), p.list.at)
	if follow {
		question.Propose(p.answers(), nil)
	}
	p.carry(before)
	p.browse()
	if p.mode == browsing {
		p.c.say(neutral, what+"; u brings it back")
	}
	return p.connect()
}

// carry moves the secrets that were typed for this run along when servers are
// called otherwise. Those of a server that is gone go.
func (p *servers) carry(before ui.Draft) {
	if len(before.Typed.Hosts) == 0 {
		return
	}
	old := before.Answers.Workspace.Complete().Hosts
	kept := make(map[string]workspace.HostSecrets)
	for _, h := range p.answers().Workspace.Complete().Hosts {
		i := slices.IndexFunc(old, func(o workspace.Host) bool { return way(o) == way(h) })
		if i < 0 {
			i = slices.IndexFunc(old, func(o workspace.Host) bool { return o.Name == h.Name })
		}
		if i < 0 {
			continue
		}
		if s, ok := before.Typed.Hosts[old[i].Name]; ok {
			kept[h.Name] = s
		}
	}
	p.c.draft.Typed.Hosts = kept
}

// giveRole gives the chosen server a role, or takes it away.
func (p *servers) giveRole(k tea.KeyPressMsg, keys serversKeys) {
	r := question.RolesOf(p.answers().Workspace, p.list.at)
	switch {
	case key.Matches(k, keys.database):
		r.Database = !r.Database
	case key.Matches(k, keys.proxy):
		r.Proxy = !r.Proxy
	case key.Matches(k, keys.instance) && r.Instances > 0:
		r.Instances = 0
	case key.Matches(k, keys.fewer):
		r.Instances = max(0, r.Instances-1)
	default:
		r.Instances++
	}
	p.setRoles(r)
}

// setRoles gives the chosen server its roles.
func (p *servers) setRoles(r question.Roles) {
	before := p.c.draft.Answers.Clone()
	p.remember("the roles of " + p.hosts()[p.list.at].Name)
	question.SetRoles(p.answers(), p.list.at, r)
	if reflect.DeepEqual(before, *p.answers()) {
		p.done = p.done[:len(p.done)-1]
	}
}

// offer is a number of instances that suits a machine better than the one that
// was proposed before anything was known of it, if there is one. In a workspace
// that was deployed none is offered: what it has is what runs.
func (p *servers) offer() (question.Offered, bool) {
	if p.c.known.Last != nil || p.base != nil {
		return question.Offered{}, false
	}
	seen := make(map[string]question.Seen)
	for n, s := range p.all() {
		if found := s.seen(); found != nil {
			seen[p.hosts()[n].Name] = question.Seen{Cores: found.Cores}
		}
	}
	return question.Offer(*p.answers(), seen)
}

func (p *servers) takeOffer() {
	o, ok := p.offer()
	if !ok {
		return
	}
	p.list.move(o.At - p.list.at)
	p.setRoles(o.Roles)
}
