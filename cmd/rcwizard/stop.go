package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// stopper turns signals into ends. Of a run that changes hosts the first lets
// the steps in flight end, the second cancels them, the third leaves the
// program. A run that takes back what was begun goes on at the first to its end. Where no such run is under way, at a question above all, the first
// leaves the program: nothing is half done that the next run would not look at
// again, and a read from a terminal knows no context. A terminal that is closed
// (SIGHUP) counts as one, so that what is in flight ends well.
type stopper struct {
	signals chan os.Signal
	done    chan struct{}
	once    sync.Once
	// graceful is closed at the first signal of a run.
	graceful chan struct{}
	say      func(format string, args ...any)
	// leave ends the program at once and says why.
	leave func(why interruptedError)

	mu      sync.Mutex
	running bool
	// toItsEnd is of a run that takes back what was begun.
	toItsEnd bool
	// heard is how many signals the run under way has had.
	heard int
	// tidy, where set, gives back what would stay behind on hosts when the program
	// is left at a question.
	tidy func()
	// to, where set, has the signals instead: a screen is there.
	to func(os.Signal)
}

// interruptedError is the cause with which a signal ends a run or the program.
type interruptedError struct{ signal os.Signal }

func (e interruptedError) Error() string { return "interrupted (" + e.signal.String() + ")" }

// Is makes it a cancellation for whoever asks.
func (e interruptedError) Is(target error) bool { return target == context.Canceled }

func listen(parent context.Context, say func(format string, args ...any), leave func(why interruptedError)) (context.Context, *stopper) {
	ctx, cancel := context.WithCancelCause(parent)
	s := &stopper{
		signals: make(chan os.Signal, 4), done: make(chan struct{}), graceful: make(chan struct{}),
		say: say, leave: leave,
	}
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer cancel(nil)
		for {
			select {
			case <-s.done:
				return
			case sig := <-s.signals:
				s.hear(sig, cancel)
			}
		}
	}()
	return ctx, s
}

func (s *stopper) hear(sig os.Signal, cancel context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to != nil {
		s.to(sig)
		return
	}
	if !s.running {
		if s.tidy != nil {
			s.tidy()
		}
		s.leave(interruptedError{sig})
		return
	}
	s.heard++
	switch s.heard {
	case 1:
		close(s.graceful)
		if s.toItsEnd {
			s.say("what was begun is still taken back, to the end; once more cancels that\n")
			return
		}
		s.say("stopping after the steps in flight; once more cancels them\n")
	case 2:
		cancel(interruptedError{sig})
		s.say("cancelling; once more leaves at once\n")
	default:
		s.leave(interruptedError{sig})
	}
}

// during says that a plan is being run, in which the first signal is gentle.
// The program runs one.
func (s *stopper) during(run func()) {
	s.set(true)
	defer s.set(false)
	run()
}

// duringTakeBack is during for a run that the first signal does not stop.
func (s *stopper) duringTakeBack(run func()) {
	s.takesBack(true)
	defer s.takesBack(false)
	s.during(run)
}

func (s *stopper) takesBack(does bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.toItsEnd = does
}

// divert gives the signals to somebody else; nil takes them back. change is done
// in between two signals.
func (s *stopper) divert(to func(os.Signal), change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.to = to
}

func (s *stopper) set(running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = running
}

// tidying says what is to be done before the program is left at a question; nil:
// nothing any more.
func (s *stopper) tidying(tidy func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy = tidy
}

func (s *stopper) end() {
	s.once.Do(func() {
		signal.Stop(s.signals)
		close(s.done)
	})
}
