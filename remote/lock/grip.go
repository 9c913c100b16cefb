package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// grip holds the lock of one host: a session, and after its end another.
type grip struct {
	held *Held
	host Host
	// root says that the shell runs as root; it is settled by the first taking.
	root      bool
	beat, ttl time.Duration
	args      []string

	mu sync.Mutex
	// now is nil while the lock is being taken up again; changed is closed when
	// that ends or begins.
	now     *session
	changed chan struct{}
}

func (g *grip) current() *session {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *grip) set(s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = s
	close(g.changed)
	g.changed = make(chan struct{})
}

// trusted is how long after its last proof a session is relied on.
func (g *grip) trusted() time.Duration { return g.ttl - min(reserve, g.ttl/3) }

// keep shows signs of life, and takes the lock up again when its session ended,
// until the lock is lost or given back.
func (g *grip) keep(ctx context.Context) {
	ticker := time.NewTicker(g.beat)
	defer ticker.Stop()
	s := g.current()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, _, age, _ := s.state(); age > g.trusted() {
				s.cancel() // silent for too long: the host may have freed it
			} else {
				s.ask()
			}
		case <-s.done:
			s.cancel()
			g.set(nil)
			next, err := g.again(ctx, s)
			if ctx.Err() != nil {
				if next != nil {
					g.set(next)
				}
				return
			}
			if err != nil {
				g.held.lose(err)
				return
			}
			s = next
			g.set(s)
		}
	}
}

// again takes the lock up after the end of a session. The host's connection is
// made again meanwhile.
func (g *grip) again(ctx context.Context, ended *session) (*session, error) {
	name := g.host.Name()
	if _, _, _, gone := ended.state(); gone {
		return nil, &LostError{Host: name}
	}
	s, err := g.take(ctx, "again")
	var held *HeldError
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, errOther):
		return nil, &LostError{Host: name}
	case errors.As(err, &held):
		return nil, &LostError{Host: name, Holder: held.Holder}
	}
	return nil, &LostError{Host: name, Err: err}
}

// hold returns nil once the host has said, to a question asked from now on, that
// the lock is held.
func (g *grip) hold(ctx context.Context) error {
	for {
		if err := g.held.Err(); err != nil {
			return err
		}
		g.mu.Lock()
		s, changed := g.now, g.changed
		g.mu.Unlock()
		if s != nil {
			if _, _, age, _ := s.state(); age > g.trusted() {
				s.cancel()
			} else if g.answers(ctx, s) {
				return g.held.Err()
			}
		}
		select {
		case <-changed:
		case <-g.held.lost:
		case <-g.held.ctx.Done():
			return fmt.Errorf("host %s: the lock was given back", g.host.Name())
		case <-ctx.Done():
			return fmt.Errorf("host %s: %w while the lock is taken up again", g.host.Name(), context.Cause(ctx))
		}
	}
}

// answers asks a session and reports whether it answered before it ended.
func (g *grip) answers(ctx context.Context, s *session) bool {
	n := s.ask()
	for {
		answered, more, _, _ := s.state()
		if answered >= n {
			return true
		}
		select {
		case <-more:
		case <-s.done:
			return false
		case <-g.held.lost:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// sure returns nil when the lock is known to be held, without asking the host
// where its last answer is fresh enough.
func (g *grip) sure(ctx context.Context) error {
	if g.held.unmade != nil {
		return nil //nolint:nilerr // what looks may; what would change something asks Hold
	}
	if s := g.current(); s != nil && g.held.Err() == nil {
		select {
		case <-s.done:
		default:
			if _, _, age, gone := s.state(); !gone && age < g.ttl/2 {
				return nil
			}
		}
	}
	return g.hold(ctx)
}
