package lock

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/remote"
)

// Held is the lock of several hosts.
type Held struct {
	ctx  context.Context //nolint:containedctx // the life of the lock, ended by Close
	stop context.CancelFunc
	// grips are in the order of the places; names leads to them by host.
	grips []*grip
	names map[string]*grip
	keep  sync.WaitGroup
	// unmade is why the lock of a host could not be made, if there is one.
	unmade error

	once sync.Once
	lost chan struct{}
	err  error
}

// Take takes the lock of every place, in the order given: all of them, or none.
// Operators who name the hosts in the same order are served in the order in
// which they came to the first. Where somebody else has one the error wraps a
// *HeldError, after Options.Wait at the latest, or a little more than
// Options.TTL where Options.Ended says that the holder is no more; nothing is
// held meanwhile.
//
// Where a lock cannot be made, because the login may not write there or sudo
// refuses, nobody is kept away and nothing may be changed: Hold gives the error
// for every host, and commands that look go on, which may tell more.
//
// who is shown to others; its ID, Place and Since are filled in. The caller
// closes what it gets.
func Take(ctx context.Context, who Holder, places []Place, opt Options) (*Held, error) {
	opt = opt.filled()
	began, told := time.Now(), false
	for {
		h, err := take(ctx, who, places, opt)
		if err == nil {
			return h, nil
		}
		var held *HeldError
		if !errors.As(err, &held) {
			return nil, err
		}
		wait := opt.patience(held.Holder)
		if time.Since(began) >= wait {
			return nil, err
		}
		if !told && opt.Waiting != nil {
			told = true
			opt.Waiting(held, wait)
		}
		timer := time.NewTimer(min(time.Second, wait-time.Since(began)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("%w while waiting: %w", context.Cause(ctx), err)
		}
	}
}

func take(ctx context.Context, who Holder, places []Place, opt Options) (*Held, error) {
	who.ID = strings.ToLower(rand.Text())
	h := &Held{names: make(map[string]*grip), lost: make(chan struct{})}
	h.ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	for _, p := range places {
		if err := h.add(ctx, who, p, opt); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	for _, g := range h.grips {
		if g.now == nil {
			continue
		}
		h.keep.Go(func() { g.keep(h.ctx) })
	}
	return h, nil
}

// add takes one more host.
func (h *Held) add(ctx context.Context, who Holder, p Place, opt Options) error {
	who.Place = p.Host.Name()
	word, err := json.Marshal(who)
	if err != nil {
		return fmt.Errorf("the holder of the lock: %w", err)
	}
	g := &grip{
		held: h, host: p.Host, root: !p.NoRoot, beat: opt.Beat, ttl: opt.TTL,
		args:    []string{p.File, who.ID, string(word), strconv.Itoa(int(opt.TTL / time.Second))},
		changed: make(chan struct{}),
	}
	s, err := g.take(ctx, "")
	var held *HeldError
	if errors.As(err, &held) && held.Holder.ID == who.ID {
		// Two names for one host: it is ours already.
		h.names[p.Host.Name()] = h.names[held.Holder.Place]
		return nil
	}
	_, refused := errors.AsType[*remote.SudoError](err)
	_, unmade := errors.AsType[*UnmadeError](err)
	switch {
	case refused || unmade:
		h.unmade = cmp.Or(h.unmade, err)
	case err != nil:
		return err
	}
	g.now = s
	h.grips = append(h.grips, g)
	h.names[p.Host.Name()] = g
	return nil
}

// Lost is closed when the lock of one of the hosts is lost for good.
func (h *Held) Lost() <-chan struct{} { return h.lost }

// Err says why, once Lost is closed.
func (h *Held) Err() error {
	select {
	case <-h.lost:
		return h.err
	default:
		return nil
	}
}

func (h *Held) lose(err error) {
	h.once.Do(func() {
		h.err = err
		close(h.lost)
	})
}

// Hold asks the host whether its lock is still held, and returns nil if it is:
// nobody else has it for the next TTL less a few seconds. With an empty name it
// asks all hosts. While a connection is made again it waits. An error is the
// loss, of this host's lock or another's, or the end of the context, or that a
// lock was never made.
func (h *Held) Hold(ctx context.Context, host string) error {
	if h.unmade != nil {
		return h.unmade
	}
	if host != "" {
		if g, ok := h.names[host]; ok {
			return g.hold(ctx)
		}
	}
	failed := make(chan error, len(h.grips))
	for _, g := range h.grips {
		go func() { failed <- g.hold(ctx) }()
	}
	var err error
	for range h.grips {
		if e := <-failed; e != nil && err == nil {
			err = e
		}
	}
	return err
}

// Close gives all locks back. An error names the hosts that did not confirm it;
// they free theirs by themselves.
func (h *Held) Close() error {
	h.stop()
	h.keep.Wait()
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	for _, g := range h.grips {
		all.Go(func() {
			s := g.current()
			if s == nil {
				return // the connection is gone, and with it the lock
			}
			if err := s.release(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("host %s: give the lock back: %w", g.host.Name(), err))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// take begins a session and waits for its first word. again is not empty to
// take up what was held before.
func (g *grip) take(ctx context.Context, again string) (*session, error) {
	for {
		s := begin(ctx, g.host, g.root, append(slices.Clip(g.args), again)...)
		select {
		case <-s.word:
		case <-ctx.Done():
			s.cancel()
			<-s.done
			return nil, fmt.Errorf("host %s: take the lock: %w", g.host.Name(), context.Cause(ctx))
		}
		if s.err == nil {
			return s, nil
		}
		s.cancel()
		<-s.done
		refused, ok := errors.AsType[*remote.SudoError](s.err)
		if !ok || !g.root || refused.Kind == remote.SudoWrongPassword {
			return nil, s.err
		}
		g.root = false
	}
}
