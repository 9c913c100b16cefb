package remote

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// LostError is a connection that was lost and did not come back within
// Target.ReconnectFor.
type LostError struct {
	Host string
	// For is how long ago it was lost.
	For time.Duration
	// Err is why the last attempt to make it again failed.
	Err error
}

func (e *LostError) Error() string {
	return fmt.Sprintf("host %s: the connection was lost %s ago and did not come back: %v", e.Host, e.For.Round(time.Second), e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }

// attempt is one way back to a host, for all who wait for it. link and err are
// set before done is closed; one of them is nil.
type attempt struct {
	done chan struct{}
	link *link
	err  error
}

// connection is the live one, or a new one: after a loss it is tried again,
// with growing pauses, until it is back, the reason is one that time does not
// heal, or ReconnectFor is over since the loss.
//
// One attempt serves all who wait, also with its failure, and none of them
// ends it by giving up: else each would begin the whole wait anew when the one
// before has failed, and ten commands would be told after twenty minutes that
// the host is gone. Who comes when ReconnectFor is over has one try made for
// it, and learns at once that the host is still away, or that it is back.
func (s *SSH) connection(ctx context.Context) (*link, error) {
	s.mu.Lock()
	if s.ctx.Err() != nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("host %s: %w", s.name, ErrClosed)
	}
	if l := s.live; l != nil {
		s.mu.Unlock()
		return l, nil
	}
	a := s.trying
	if a == nil {
		a = &attempt{done: make(chan struct{})}
		s.trying = a
		go s.reconnect(a, s.lost) //nolint:contextcheck // the attempt is not the asker's alone
	}
	s.mu.Unlock()
	select {
	case <-a.done:
		return a.link, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("host %s: %w while the connection is made again", s.name, context.Cause(ctx))
	}
}

// reconnect makes the attempt. It ends with Close at the latest.
func (s *SSH) reconnect(a *attempt, lost time.Time) {
	a.link, a.err = s.wayBack(lost)
	s.mu.Lock()
	s.trying = nil
	s.mu.Unlock()
	if a.err == nil {
		s.state(true, nil)
	}
	close(a.done)
}

func (s *SSH) wayBack(lost time.Time) (*link, error) {
	ctx, cancel := context.WithDeadline(s.ctx, lost.Add(s.target.ReconnectFor))
	defer cancel()
	for delay := 500 * time.Millisecond; ; delay = min(2*delay, 15*time.Second) {
		// The time to wait bounds the pauses; a try has its own bound.
		c, err := dialChain(s.ctx, s.hops)
		if s.ctx.Err() != nil {
			if err == nil {
				c.close()
			}
			return nil, fmt.Errorf("host %s: %w", s.name, ErrClosed)
		}
		if err == nil {
			return s.adopt(c), nil
		}
		if _, ok := errors.AsType[*ConnectError](err); !ok {
			return nil, err
		}
		if pause(ctx, delay) != nil {
			if s.ctx.Err() != nil {
				return nil, fmt.Errorf("host %s: %w", s.name, ErrClosed)
			}
			return nil, &LostError{Host: s.name, For: time.Since(lost), Err: err}
		}
	}
}

func (s *SSH) state(connected bool, err error) {
	if s.target.OnState != nil {
		s.target.OnState(connected, err)
	}
}
