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

// Take takes the lock of every place, the first one first: all of them, or none.
// Operators who name the same first host are served in the order in which they
// came to it. Where somebody else has one the error wraps a
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

// take tries once. All operators come to the first host first, so that it settles
// most; the others are taken side by side. Two who name hosts in different orders,
// or not the same ones, may so refuse each other: who is refused by another than
// the first tries again, one host after the other, of which one of them gets all.
func take(ctx context.Context, who Holder, places []Place, opt Options) (*Held, error) {
	h, err := takeAll(ctx, who, places, opt, len(places))
	held, ok := errors.AsType[*HeldError](err)
	if !ok || len(places) < 3 || held.Host == places[0].Host.Name() {
		return h, err
	}
	return takeAll(ctx, who, places, opt, 1)
}

// takeAll takes the first lock, and of the others so many at a time.
func takeAll(ctx context.Context, who Holder, places []Place, opt Options, atOnce int) (*Held, error) {
	who.ID = strings.ToLower(rand.Text())
	h := &Held{names: make(map[string]*grip), lost: make(chan struct{})}
	h.ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	var err error
	for next, n := 0, 1; next < len(places) && err == nil; next, n = next+n, min(atOnce, len(places)-next-n) {
		err = h.add(ctx, who, places[next:next+n], opt)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	for _, g := range h.grips {
		if g.now == nil {
			continue
		}
		h.keep.Go(func() { g.keep(h.ctx) })
	}
	return h, nil
}

// add takes more hosts, side by side. The error is that of the first in their
// order; what was taken is given back by Close all the same.
func (h *Held) add(ctx context.Context, who Holder, places []Place, opt Options) error {
	tried := make([]*grip, len(places))
	errs := make([]error, len(places))
	var all sync.WaitGroup
	for i, p := range places {
		all.Go(func() { tried[i], errs[i] = h.try(ctx, who, p, opt) })
	}
	all.Wait()
	var failed error
	also := make(map[string]string) // the names of hosts that have another
	for i, g := range tried {
		name := places[i].Host.Name()
		held, busy := errors.AsType[*HeldError](errs[i])
		_, refused := errors.AsType[*remote.SudoError](errs[i])
		_, unmade := errors.AsType[*UnmadeError](errs[i])
		switch {
		case busy && held.Holder.ID == who.ID:
			also[name] = held.Holder.Place // two names for one host: it is ours already
			continue
		case refused || unmade:
			h.unmade = cmp.Or(h.unmade, errs[i])
		case errs[i] != nil:
			if failed == nil {
				failed = errs[i]
			}
			continue
		}
		h.grips = append(h.grips, g)
		h.names[name] = g
	}
	for name, other := range also {
		h.names[name] = h.names[other]
	}
	return failed
}

// try takes one host. A grip without a session is of a host whose lock was not
// taken.
func (h *Held) try(ctx context.Context, who Holder, p Place, opt Options) (*grip, error) {
	who.Place = p.Host.Name()
	word, err := json.Marshal(who)
	if err != nil {
		return nil, fmt.Errorf("the holder of the lock: %w", err)
	}
	g := &grip{
		held: h, host: p.Host, root: !p.NoRoot, beat: opt.Beat, ttl: opt.TTL,
		args:    []string{p.File, who.ID, string(word), strconv.Itoa(int(opt.TTL / time.Second))},
		changed: make(chan struct{}),
	}
	g.now, err = g.take(ctx, "")
	return g, err
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
