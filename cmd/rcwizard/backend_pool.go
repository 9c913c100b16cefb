package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/workspace"
)

// pool keeps one connection for each host, for as long as the host is logged in
// to in the same way. The zero value is ready.
type pool struct {
	mu    sync.Mutex
	slots map[string]*slot
}

// slot is the connection to one host. Whoever looks at it or changes it has the
// token out of turn.
type slot struct {
	turn  chan struct{}
	login login
	host  remote.Host
}

// login is everything that decides which host is reached, and as whom.
type login struct {
	host    workspace.Host
	secrets workspace.HostSecrets
}

func loginOf(h workspace.Host, s workspace.HostSecrets) login {
	h.PrivateIP = "" // where others reach it
	return login{h, s}
}

func (p *pool) slot(name string) *slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.slots == nil {
		p.slots = map[string]*slot{}
	}
	s := p.slots[name]
	if s == nil {
		s = &slot{turn: make(chan struct{}, 1)}
		s.turn <- struct{}{}
		p.slots[name] = s
	}
	return s
}

// get gives the connection to a host. One that was made for another address or
// login is closed; dial makes a new one, once for all who wait.
func (p *pool) get(ctx context.Context, h workspace.Host, secrets workspace.HostSecrets, dial func(context.Context) (remote.Host, error)) (remote.Host, error) {
	s := p.slot(h.Name)
	select {
	case <-s.turn:
	case <-ctx.Done():
		return nil, fmt.Errorf("host %s: connect: %w", h.Name, context.Cause(ctx))
	}
	defer func() { s.turn <- struct{}{} }()
	want := loginOf(h, secrets)
	if s.host != nil && s.login == want {
		return s.host, nil
	}
	s.drop()
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	s.host, s.login = c, want
	return c, nil
}

func (s *slot) drop() {
	if s.host != nil {
		_ = s.host.Close()
		s.host = nil
	}
}

// forget closes a connection that does not answer, if it is still the one that
// is kept.
func (p *pool) forget(c remote.Host) {
	s := p.slot(c.Name())
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	if s.host == c {
		s.drop()
	}
}

// take gives connections away: the pool makes new ones for whoever comes next.
func (p *pool) take(hosts map[string]remote.Host) {
	for name, c := range hosts {
		s := p.slot(name)
		<-s.turn
		if s.host == c {
			s.host = nil
		}
		s.turn <- struct{}{}
	}
}

// close closes every connection.
func (p *pool) close() {
	p.mu.Lock()
	slots := make([]*slot, 0, len(p.slots))
	for _, s := range p.slots {
		slots = append(slots, s)
	}
	p.mu.Unlock()
	var all sync.WaitGroup
	for _, s := range slots {
		all.Go(func() {
			<-s.turn
			defer func() { s.turn <- struct{}{} }()
			s.drop()
		})
	}
	all.Wait()
}
