package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/tui"
)

// screen is the wizard on the whole terminal. It returns when the person has
// left it and no run is under way any more, with the terminal as it was found:
// one that was closed ends the screen, and not the steps in flight.
func (a *app) screen(ctx context.Context, b *backend) error {
	shown := &shown{app: a, backend: b, told: a.sys.stderr}
	leave, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	shown.cancel = cancel
	beside := &held{} // what would be told beside the screen is told after it
	a.stop.divert(shown.hear, func() { a.sys.stderr = beside })
	reason, err := tui.Run(leave, b, tui.Options{
		Input: a.sys.stdin, Output: a.sys.stdout, ASCII: asciiOnly(a.sys.env),
		Resume: a.resumeWith,
	})
	shown.leave()
	end, err := shown.outlast(context.WithoutCancel(ctx), reason == tui.Interrupted || err != nil, err)
	a.stop.divert(nil, func() { a.sys.stderr = shown.told })
	a.sayf("%s", beside.take())
	return a.left(end, err)
}

// shown is the screen as signals find it.
type shown struct {
	app     *app
	backend *backend
	// told is stderr.
	told   io.Writer
	cancel context.CancelCauseFunc

	mu sync.Mutex
	// heard is how many signals run, nil for none, has had.
	heard int
	run   *ui.Run
	// gone says that the terminal is as it was found.
	gone bool
}

// hear is what a signal does. Where hosts are being changed the first lets the
// steps in flight end and the second cancels them; otherwise the first leaves
// the screen: pages that were finished are kept already. One more leaves whatever
// happens.
func (s *shown) hear(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	why := interruptedError{sig}
	run := s.backend.underWay()
	if run != s.run {
		s.run, s.heard = run, 0
	}
	s.heard++
	switch {
	case run != nil && s.heard == 1:
		run.Stop(engine.Graceful)
		if sig == syscall.SIGHUP {
			s.cancel(why) // nobody sees the screen any more
		}
	case run != nil && s.heard == 2:
		run.Stop(engine.Cancel)
		s.cancel(why)
	case run == nil && s.heard == 1:
		s.cancel(why)
	default:
		if !s.gone {
			_, _ = io.WriteString(s.app.sys.stdout, ordinaryScreen)
		}
		_, _ = fmt.Fprintf(s.told, "rcwizard: %v\n", why)
		s.app.sys.leave(exitInterrupted)
	}
}

// ordinaryScreen has a terminal leave the other screen, show its cursor and hand
// on what is pasted as it is, for a screen that does not end by itself.
const ordinaryScreen = "\x1b[?1049l\x1b[?25h\x1b[?2004l"

func (s *shown) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
}

// outlast waits for a run that goes on without the screen. Leaving it in the
// middle of a run asks the run to stop, as every other way out does.
func (s *shown) outlast(ctx context.Context, stop bool, err error) (*ui.Conclusion, error) {
	run := s.backend.last()
	if run == nil {
		return nil, err
	}
	if s.backend.underWay() != nil {
		if stop {
			run.Stop(engine.Graceful)
		}
		_, _ = fmt.Fprintln(s.told, "waiting for the steps in flight; an interrupt cancels them")
	}
	end, failed := run.Wait(ctx) // signals end the run, and so the wait
	return &end, errors.Join(err, failed)
}

// left says in a line or two what happened and how to go on, and with which code
// the program ends.
func (a *app) left(end *ui.Conclusion, err error) error {
	var why interruptedError
	switch signalled := errors.As(err, &why); {
	case end != nil:
		sum := end.Summary
		if sum.Outcome == engine.Succeeded {
			a.sayf("%s is deployed: %s\n", end.Access.RootURL, or(countLine(end.Count), "its instances were not counted"))
			break
		}
		a.sayf("%s: %d of %d steps are done; go on with: %s\n", sum.Outcome, sum.Already+sum.Applied, sum.Steps, sum.Resume)
	case signalled:
		a.sayf("rcwizard: %v; what was answered is kept: rcwizard goes on from there\n", why)
		return told(exitInterrupted)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if end != nil {
		return concluded(*end)
	}
	return nil
}

func countLine(c *ui.Count) string {
	if c == nil {
		return ""
	}
	return c.Summary
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// asciiOnly reports whether the locale's characters are not those of UTF-8.
func asciiOnly(env func(string) string) bool {
	locale := or(or(env("LC_ALL"), env("LC_CTYPE")), env("LANG"))
	locale = strings.ToLower(strings.ReplaceAll(locale, "-", ""))
	return !strings.Contains(locale, "utf8")
}

// held keeps what is written to it.
type held struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (h *held) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p) //nolint:wrapcheck // it takes everything
}

func (h *held) take() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.text.Reset()
	return h.text.String()
}
