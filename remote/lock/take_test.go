package lock_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/lock"
)

// awaiting is a host that is asked only when others have been asked too.
type awaiting struct {
	lock.Host

	before func(ctx context.Context) error
}

func (a awaiting) Stream(ctx context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error) {
	if err := a.before(ctx); err != nil {
		return remote.Result{}, err
	}
	return a.Host.Stream(ctx, c, emit)
}

// The first host settles between operators; the others need not wait for each
// other, however many they are.
func TestOthersSideBySide(t *testing.T) {
	t.Parallel()
	places := newSite(t, 4).places(t)
	others := make(chan struct{})
	var first, begun atomic.Int32
	for i, p := range places {
		places[i].Host = awaiting{Host: p.Host, before: func(context.Context) error {
			if i == 0 {
				first.Add(1)
				return nil
			}
			if first.Load() == 0 {
				t.Errorf("%s is asked before the first host", p.Host.Name())
			}
			if begun.Add(1) == int32(len(places)-1) {
				close(others)
			}
			select {
			case <-others:
				return nil
			case <-t.Context().Done():
				return errors.New("the others were not asked")
			}
		}}
	}
	h := take(t, "alice", places, lock.Options{})
	if err := h.Hold(t.Context(), ""); err != nil {
		t.Error(err)
	}
}

// Operators who do not begin with the same host, as where one of them does without
// a lost one, do not refuse each other: one gets all, and never both do.
func TestRaceOfSome(t *testing.T) {
	t.Parallel()
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	s := newSite(t, 4)
	operators := [][]lock.Place{s.places(t), s.places(t)[1:]}
	var wins [2]int
	for round := range rounds {
		var held [2]*lock.Held
		var errs [2]error
		var atWork atomic.Int32
		var both sync.WaitGroup
		for i, places := range operators {
			both.Go(func() {
				held[i], errs[i] = lock.Take(t.Context(), person([]string{"alice", "bob"}[i]), places, lock.Options{})
				if errs[i] == nil && atWork.Add(1) > 1 {
					t.Errorf("round %d: both are at work", round)
				}
			})
		}
		both.Wait()
		if errs[0] != nil && errs[1] != nil {
			t.Errorf("round %d: nobody got it: %v", round, errs)
		}
		for i, h := range held {
			if h == nil {
				if _, refused := errors.AsType[*lock.HeldError](errs[i]); !refused {
					t.Errorf("round %d: %v", round, errs[i])
				}
				continue
			}
			wins[i]++
			if err := h.Close(); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
	}
	t.Logf("%d rounds, won %v", rounds, wins)
}

// Two names for one host are one lock, also where neither is the first and both
// are asked at once.
func TestTwoNamesSideBySide(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2)
	s.servers, s.files = append(s.servers, s.servers[1]), append(s.files, s.files[1])
	h := take(t, "alice", s.places(t), lock.Options{})
	for _, name := range []string{"host1", "host2"} {
		if err := h.Hold(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
