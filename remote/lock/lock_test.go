package lock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// site is some hosts of one machine, each with its lock file.
type site struct {
	servers []*remotetest.Server
	files   []string
}

func newSite(t *testing.T, hosts int) *site {
	t.Helper()
	s := &site{}
	for i := range hosts {
		s.servers = append(s.servers, remotetest.NewServer(t, remotetest.Options{}))
		s.files = append(s.files, filepath.Join(t.TempDir(), fmt.Sprintf("deep/er %d/.lock", i)))
	}
	return s
}

// places connects one operator to all hosts.
func (s *site) places(t *testing.T) []lock.Place {
	t.Helper()
	places := make([]lock.Place, 0, len(s.servers))
	for i, server := range s.servers {
		target := server.Target(t)
		target.Name = fmt.Sprintf("host%d", i)
		target.Keepalive = time.Second
		h, err := remote.Connect(context.Background(), target)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		places = append(places, lock.Place{Host: h, File: s.files[i], NoRoot: true})
	}
	return places
}

func person(name string) lock.Holder {
	return lock.Holder{User: name, From: `lap"top\n` + name, PID: 4711, Doing: "install"}
}

func take(t *testing.T, name string, places []lock.Place, opt lock.Options) *lock.Held {
	t.Helper()
	h, err := lock.Take(t.Context(), person(name), places, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func eventually(t *testing.T, what string, within time.Duration, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		if time.Since(began) > within {
			t.Fatalf("not within %v: %s", within, what)
		}
		<-ticker.C
	}
	return time.Since(began)
}

func TestOneHasItAndTheOtherIsToldWho(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2)
	alice, bob := s.places(t), s.places(t)
	h := take(t, "alice", alice, lock.Options{})
	if err := h.Hold(t.Context(), "host1"); err != nil {
		t.Error(err)
	}
	_, err := lock.Take(t.Context(), person("bob"), bob, lock.Options{})
	var held *lock.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("the second got %v, want a HeldError", err)
	}
	if h := held.Holder; held.Host != "host0" || h.User != "alice" || h.From != person("alice").From || h.PID != 4711 ||
		h.Doing != "install" || time.Since(h.Since) > time.Minute {
		t.Errorf("the second is told %+v", held)
	}
	if state, who, err := lock.Look(t.Context(), bob[1]); err != nil || state != lock.Taken || who.User != "alice" {
		t.Errorf("to be seen is %q, %+v, %v", state, who, err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	for _, file := range s.files {
		if _, err := os.Stat(filepath.Dir(filepath.Dir(file))); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("of %s something is left: %v", file, err)
		}
	}
	if state, _, err := lock.Look(t.Context(), bob[0]); err != nil || state != lock.Free {
		t.Errorf("afterwards it is %q, %v", state, err)
	}
	take(t, "bob", bob, lock.Options{})
}

// All or none: who is refused at the second host holds nothing of the first.
func TestAllOrNone(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2)
	alice, bob := s.places(t), s.places(t)
	take(t, "alice", alice[1:], lock.Options{})
	var held *lock.HeldError
	if _, err := lock.Take(t.Context(), person("bob"), bob, lock.Options{}); !errors.As(err, &held) || held.Host != "host1" {
		t.Fatalf("got %v", err)
	}
	if state, who, err := lock.Look(t.Context(), alice[0]); err != nil || state != lock.Free {
		t.Errorf("the first host is %q by %v, %v", state, who, err)
	}
}

func TestTwoNamesForOneHost(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	s.servers, s.files = append(s.servers, s.servers[0]), append(s.files, s.files[0])
	h := take(t, "alice", s.places(t), lock.Options{})
	if err := h.Hold(t.Context(), "host1"); err != nil {
		t.Error(err)
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	h := take(t, "alice", s.places(t), lock.Options{})
	var told []string
	take(t, "bob", s.places(t), lock.Options{Wait: 20 * time.Second, Waiting: func(e *lock.HeldError, atMost time.Duration) {
		told = append(told, e.Holder.User)
		if atMost != 20*time.Second {
			t.Errorf("it is told to wait up to %v", atMost)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}})
	if diff := cmp.Diff([]string{"alice"}, told); diff != "" {
		t.Errorf("it is told of others (-want +got):\n%s", diff)
	}
	_, err := lock.Take(t.Context(), person("carol"), s.places(t), lock.Options{Wait: time.Second})
	var held *lock.HeldError
	if !errors.As(err, &held) || held.Holder.User != "bob" {
		t.Errorf("who waited in vain got %v", err)
	}
}

// A holder that is known to have ended is waited for although nobody asked to
// wait, and only that one.
func TestWaitingForWhoEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	h := take(t, "alice", s.places(t), lock.Options{})
	var told []string
	take(t, "alice", s.places(t), lock.Options{
		Ended: func(who lock.Holder) bool { return who.User == "alice" },
		Waiting: func(e *lock.HeldError, atMost time.Duration) {
			told = append(told, e.Holder.User)
			if atMost < lock.DefaultTTL || atMost > 2*lock.DefaultTTL {
				t.Errorf("it would wait for %v", atMost)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		},
	})
	if diff := cmp.Diff([]string{"alice"}, told); diff != "" {
		t.Errorf("it is told of others (-want +got):\n%s", diff)
	}
	_, err := lock.Take(t.Context(), person("bob"), s.places(t), lock.Options{Ended: func(who lock.Holder) bool { return who.User != "alice" }})
	if held, ok := errors.AsType[*lock.HeldError](err); !ok || held.Holder.User != "alice" {
		t.Errorf("with a holder that is alive it gives %v", err)
	}
}

// Two hundred times two operators ask at once for two hosts: one has both, the
// other learns who that is.
func TestRace(t *testing.T) {
	t.Parallel()
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	s := newSite(t, 2)
	operators := [][]lock.Place{s.places(t), s.places(t)}
	names := []string{"alice", "bob"}
	var atWork atomic.Int32
	wins := make([]int, 2)
	for round := range rounds {
		held := make([]*lock.Held, 2)
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range operators {
			both.Go(func() {
				held[i], errs[i] = lock.Take(t.Context(), person(names[i]), operators[i], lock.Options{})
				if errs[i] == nil && atWork.Add(1) > 1 {
					t.Errorf("round %d: both are at work", round)
				}
			})
		}
		both.Wait()
		winner := -1
		for i := range operators {
			var refused *lock.HeldError
			switch {
			case errs[i] == nil:
				winner = i
				wins[i]++
				if err := held[i].Hold(t.Context(), ""); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
				atWork.Add(-1)
				if err := held[i].Close(); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			case !errors.As(errs[i], &refused):
				t.Errorf("round %d: %v", round, errs[i])
			case refused.Holder.User != names[1-i] || refused.Holder.Doing != "install":
				t.Errorf("round %d: %s is told %v", round, names[i], refused)
			}
		}
		if winner < 0 {
			t.Errorf("round %d: nobody got it: %v", round, errs)
		}
	}
	t.Logf("%d rounds, won %v", rounds, wins)
}

// A connection that is cut frees the lock when the host has ended what ran over
// it; the holder takes it up again when nobody had it meanwhile.
func TestTakenUpAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	h := take(t, "alice", s.places(t), lock.Options{})
	for range 2 {
		s.servers[0].Cut()
		began := time.Now()
		if err := h.Hold(t.Context(), "host0"); err != nil {
			t.Fatal(err)
		}
		t.Logf("taken up again after %v", time.Since(began).Round(10*time.Millisecond))
	}
	if _, err := lock.Take(t.Context(), person("bob"), s.places(t), lock.Options{}); err == nil {
		t.Error("another has it too")
	}
}

// A holder whose line is frozen loses the lock after its time; what another
// changed meanwhile it learns before it changes anything itself.
func TestFrozenHolder(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	alice := s.places(t)
	h := take(t, "alice", alice, lock.Options{TTL: 3 * time.Second, Beat: 200 * time.Millisecond})
	guarded := h.Guard(alice[0].Host.(remote.Host)) //nolint:forcetypeassert // made above
	if _, err := guarded.Run(t.Context(), remote.Command{Script: ":"}); err != nil {
		t.Fatal(err)
	}
	// Another server for the same machine: the first is out of reach.
	other := &site{servers: []*remotetest.Server{remotetest.NewServer(t, remotetest.Options{})}, files: s.files}
	bob := other.places(t)
	s.servers[0].Freeze()
	began := time.Now()
	var got *lock.Held
	eventually(t, "another takes it", 20*time.Second, func() bool {
		var err error
		got, err = lock.Take(t.Context(), person("bob"), bob, lock.Options{})
		return err == nil
	})
	took := time.Since(began)
	if took < 3*time.Second {
		t.Errorf("it was free after %v, before its time", took)
	}
	t.Logf("free after %v", took.Round(100*time.Millisecond))
	s.servers[0].Thaw()
	marker := filepath.Join(t.TempDir(), "changed")
	if _, err := guarded.Run(t.Context(), remote.Command{Script: `: >"$1"`, Args: []string{marker}}); err == nil {
		t.Error("the holder of before went on")
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the holder of before changed something")
	}
	<-h.Lost()
	if err := h.Err(); !strings.Contains(err.Error(), "another operator has taken over: install by bob@") {
		t.Errorf("the holder of before is told: %v", err)
	}
	if err := got.Hold(t.Context(), ""); err != nil {
		t.Errorf("the holder of now lost it: %v", err)
	}
	_ = got.Close()
	_ = h.Close()
}

// Who had it and gave it back is not there to be asked any more: the holder of
// before does not go on all the same.
func TestSomebodyHadItMeanwhile(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	alice := s.places(t)
	h := take(t, "alice", alice, lock.Options{TTL: 3 * time.Second, Beat: 200 * time.Millisecond})
	other := &site{servers: []*remotetest.Server{remotetest.NewServer(t, remotetest.Options{})}, files: s.files}
	s.servers[0].Freeze()
	if err := take(t, "bob", other.places(t), lock.Options{Wait: 20 * time.Second}).Close(); err != nil {
		t.Error(err)
	}
	s.servers[0].Thaw()
	if err := h.Hold(t.Context(), "host0"); err == nil {
		t.Error("the holder of before goes on")
	}
}

// A lock that is freed by hand is lost for its holder at once.
func TestBreak(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	h := take(t, "alice", s.places(t), lock.Options{})
	bob := s.places(t)
	state, who, err := lock.Look(t.Context(), bob[0])
	if err != nil || state != lock.Taken {
		t.Fatal(state, err)
	}
	if err := lock.Break(t.Context(), bob[0], "another"); !errors.Is(err, lock.ErrChanged) {
		t.Errorf("to free another's lock gives %v", err)
	}
	began := time.Now()
	if err := lock.Break(t.Context(), bob[0], who.ID); err != nil {
		t.Error(err)
	}
	t.Logf("freed in %v", time.Since(began).Round(10*time.Millisecond))
	if err := h.Hold(t.Context(), "host0"); err == nil {
		t.Error("its holder does not know")
	}
	take(t, "bob", bob, lock.Options{})
}

// A host that lost its power has the file, and nobody who holds it.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	for name, content := range map[string]string{
		"whole": "someid\n1700000000\n{\"user\":\"dead\"}\n", "empty": "", "torn": "some", "binary": "\x00\xff\n\n",
	} {
		if err := os.MkdirAll(filepath.Dir(s.files[0]), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.files[0], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		places := s.places(t)
		if state, who, err := lock.Look(t.Context(), places[0]); err != nil || state != lock.Left {
			t.Errorf("%s: to be seen is %q, %v, %v", name, state, who, err)
		}
		h := take(t, "alice", places, lock.Options{})
		if state, who, err := lock.Look(t.Context(), places[0]); err != nil || state != lock.Taken || who.User != "alice" {
			t.Errorf("%s: to be seen is %q, %v, %v", name, state, who, err)
		}
		if err := h.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(s.files[0]); err == nil {
			t.Errorf("%s: the file is left", name)
		}
	}
}

// Where the login may not write nothing is kept away and nothing changed; what
// looks goes on.
func TestUnmade(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2)
	s.files[1] = "/proc/nowhere/.lock"
	places := s.places(t)
	h := take(t, "alice", places, lock.Options{})
	var unmade *lock.UnmadeError
	for _, host := range []string{"host0", "host1", ""} {
		if err := h.Hold(t.Context(), host); !errors.As(err, &unmade) || unmade.Host != "host1" || !strings.Contains(unmade.Text, "/proc/nowhere") {
			t.Errorf("Hold(%q) = %v", host, err)
		}
	}
	guarded := h.Guard(places[0].Host.(remote.Host)) //nolint:forcetypeassert // made by places
	if _, err := guarded.Run(t.Context(), remote.Command{Script: ":"}); err != nil {
		t.Error(err)
	}
	if err := guarded.Put(t.Context(), t.TempDir(), []remote.File{{Path: "a", Mode: 0o600}}, remote.PutOptions{}); !errors.As(err, &unmade) {
		t.Errorf("a file is put: %v", err)
	}
}
