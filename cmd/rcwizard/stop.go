package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// stopper turns signals into ends of a run: the first lets the steps in flight
// end, the second cancels them, the third leaves the program. A terminal that
// is closed (SIGHUP) counts as one, so that what is in flight ends well.
type stopper struct {
	signals chan os.Signal
	done    chan struct{}
	once    sync.Once
	// graceful is closed at the first signal.
	graceful chan struct{}

	mu      sync.Mutex
	running bool
}

// errInterrupted is the cause with which the second signal ends a run.
type interruptedError struct{ signal os.Signal }

func (e interruptedError) Error() string { return "interrupted (" + e.signal.String() + ")" }

// Is makes it a cancellation for whoever asks.
func (e interruptedError) Is(target error) bool { return target == context.Canceled }

func listen(parent context.Context, say func(format string, args ...any)) (context.Context, *stopper) {
	ctx, cancel := context.WithCancelCause(parent)
	s := &stopper{signals: make(chan os.Signal, 4), done: make(chan struct{}), graceful: make(chan struct{})}
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer cancel(nil)
		count := 0
		for {
			select {
			case <-s.done:
				return
			case sig := <-s.signals:
				count++
				s.heard(count, sig, say, cancel)
			}
		}
	}()
	return ctx, s
}

func (s *stopper) heard(count int, sig os.Signal, say func(format string, args ...any), cancel context.CancelCauseFunc) {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	switch {
	case count == 1 && running:
		close(s.graceful)
		say("stopping after the steps in flight; once more cancels them\n")
	case count <= 2:
		cancel(interruptedError{sig})
		if running {
			say("cancelling; once more leaves at once\n")
		}
	default:
		os.Exit(exitInterrupted)
	}
}

// during says that a plan is being run, in which the first signal is gentle.
func (s *stopper) during(run func()) {
	s.set(true)
	defer s.set(false)
	run()
}

func (s *stopper) set(running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = running
}

func (s *stopper) end() {
	s.once.Do(func() {
		signal.Stop(s.signals)
		close(s.done)
	})
}
