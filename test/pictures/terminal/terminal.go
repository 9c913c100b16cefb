package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"github.com/rcwizard/rcwizard/test/pictures/svg"
)

const (
	// quiet is how long nothing may be written before the screen counts as whole.
	quiet = 200 * time.Millisecond
	// restless is how long to wait for that: what moves all the time is never quiet.
	restless = 2 * time.Second
)

// Terminal is a screen on which one program after the other runs.
type Terminal struct {
	emulator *vt.SafeEmulator
	theme    svg.Theme
	replies  sync.WaitGroup

	// look is held while the emulator is written to or looked at as a whole; mu
	// may be taken with it, and never the other way round.
	look sync.Mutex

	mu      sync.Mutex
	written chan struct{} // closed and made anew whenever something is written
	cursor  svg.Cursor    // without its place
	pty     *os.File      // of the program that runs
	ended   chan struct{} // closed when it has ended and all that it wrote is on the screen
	cmd     *exec.Cmd
}

// New is a terminal of width by height cells. To programs that ask for its
// background it tells the theme's.
func New(width, height int, theme svg.Theme) *Terminal {
	t := &Terminal{
		emulator: vt.NewSafeEmulator(width, height), theme: theme,
		written: make(chan struct{}), cursor: svg.Cursor{Visible: true},
	}
	t.emulator.SetDefaultForegroundColor(rgba(theme.Foreground))
	t.emulator.SetDefaultBackgroundColor(rgba(theme.Background))
	// These are called while the emulator is written to.
	t.emulator.SetCallbacks(vt.Callbacks{
		CursorVisibility: func(visible bool) { t.change(func() { t.cursor.Visible = visible }) },
		CursorStyle:      func(style vt.CursorStyle, _ bool) { t.change(func() { t.cursor.Bar = style == vt.CursorBar }) },
	})
	t.replies.Go(t.reply)
	return t
}

// change is made and told to those who wait.
func (t *Terminal) change(how func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	how()
	close(t.written)
	t.written = make(chan struct{})
}

// reply passes on what the emulator answers, and what is pasted.
func (t *Terminal) reply() {
	buf := make([]byte, 4096)
	for {
		n, err := t.emulator.Read(buf)
		if err != nil {
			return
		}
		// Nobody to be told is no error: a program may end before it is answered.
		_ = t.send(string(buf[:n]))
	}
}

// Show writes text onto the screen, as if a program had.
func (t *Terminal) Show(text string) error {
	if err := t.write([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		return fmt.Errorf("show %q: %w", text, err)
	}
	return nil
}

// write puts what a program wrote onto the screen.
func (t *Terminal) write(data []byte) error {
	t.look.Lock()
	_, err := t.emulator.Write(data)
	t.look.Unlock()
	t.change(func() {})
	return err //nolint:wrapcheck // wrapped by the caller
}

// Start runs a program. The one before must have ended.
func (t *Terminal) Start(cmd *exec.Cmd) error {
	// Not with the lock, which what is written to the emulator may want.
	size := &pty.Winsize{Cols: uint16(t.emulator.Width()), Rows: uint16(t.emulator.Height())} //nolint:gosec // a few hundred
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pty != nil {
		return fmt.Errorf("start %s: %s still runs", cmd, t.cmd)
	}
	file, err := pty.StartWithSize(cmd, size)
	if err != nil {
		return fmt.Errorf("start %s: %w", cmd, err)
	}
	t.pty, t.cmd, t.ended = file, cmd, make(chan struct{})
	go t.read(file, t.ended)
	return nil
}

// read writes what the program writes onto the screen, to its end.
func (t *Terminal) read(file io.Reader, ended chan<- struct{}) {
	buf := make([]byte, 64<<10)
	for {
		n, err := file.Read(buf)
		if n > 0 {
			_ = t.write(buf[:n]) // fails when the emulator is closed, which it never is
		}
		if err != nil { // EIO, when nobody has the other side open
			close(ended)
			return
		}
	}
}

// send types.
func (t *Terminal) send(text string) error {
	t.mu.Lock()
	file := t.pty
	t.mu.Unlock()
	if file == nil {
		return errors.New("no program runs that could be typed into")
	}
	if _, err := io.WriteString(file, text); err != nil {
		return fmt.Errorf("type: %w", err)
	}
	return nil
}

// Type types text, or the sequences of keys.
func (t *Terminal) Type(text string) error { return t.send(text) }

// Paste pastes text, bracketed where the program asked for that.
func (t *Terminal) Paste(text string) error {
	t.mu.Lock()
	runs := t.pty != nil
	t.mu.Unlock()
	if !runs {
		return errors.New("no program runs that could be pasted into")
	}
	t.emulator.Paste(text)
	return nil
}

// Resize gives the terminal another size, and tells the program.
func (t *Terminal) Resize(width, height int) error {
	t.look.Lock()
	t.emulator.Resize(width, height)
	t.look.Unlock()
	t.change(func() {})
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pty == nil {
		return nil
	}
	size := &pty.Winsize{Cols: uint16(width), Rows: uint16(height)} //nolint:gosec // a few hundred
	if err := pty.Setsize(t.pty, size); err != nil {
		return fmt.Errorf("resize the terminal: %w", err)
	}
	return nil
}

// Wait waits until holds is true of the screen's text. The error has the screen.
func (t *Terminal) Wait(ctx context.Context, what string, holds func(text string) bool) error {
	for {
		t.mu.Lock()
		written, ended := t.written, t.ended
		t.mu.Unlock()
		if holds(t.Screen().Text()) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until the screen shows %s: %w; it shows:\n%s", what, ctx.Err(), t.Screen().Text())
		case <-written:
		case <-ended:
			if holds(t.Screen().Text()) {
				return nil
			}
			return fmt.Errorf("the program ended and the screen does not show %s; it shows:\n%s", what, t.Screen().Text())
		}
	}
}

// Quiet waits until nothing is written any more for a moment, or for two
// seconds where that never is.
func (t *Terminal) Quiet(ctx context.Context) error {
	limit := time.NewTimer(restless)
	defer limit.Stop()
	still := time.NewTimer(quiet)
	defer still.Stop()
	for {
		t.mu.Lock()
		written := t.written
		t.mu.Unlock()
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until the screen is quiet: %w", ctx.Err())
		case <-still.C:
			return nil
		case <-limit.C:
			return nil
		case <-written:
			still.Reset(quiet)
		}
	}
}

// Exit waits until the program has ended, and returns its exit code.
func (t *Terminal) Exit(ctx context.Context) (int, error) {
	t.mu.Lock()
	file, cmd, ended := t.pty, t.cmd, t.ended
	t.mu.Unlock()
	if file == nil {
		return 0, errors.New("no program runs whose end could be waited for")
	}
	select {
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for the end of %s: %w; the screen shows:\n%s", cmd, ctx.Err(), t.Screen().Text())
	case <-ended:
	}
	err := cmd.Wait()
	t.mu.Lock()
	t.pty = nil
	t.mu.Unlock()
	if closeErr := file.Close(); closeErr != nil {
		return 0, fmt.Errorf("close the terminal of %s: %w", cmd, closeErr)
	}
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 0) {
		return 0, fmt.Errorf("%s ended: %w; the screen shows:\n%s", cmd, err, t.Screen().Text())
	}
	return cmd.ProcessState.ExitCode(), nil
}

// Close ends the program, if one runs, and the terminal.
func (t *Terminal) Close() error {
	var errs []error
	t.mu.Lock()
	file, cmd, ended := t.pty, t.cmd, t.ended
	t.pty = nil
	t.mu.Unlock()
	if file != nil {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
		_ = cmd.Wait() // it was killed
		errs = append(errs, file.Close())
		<-ended
	}
	// Not Emulator.Close, which does not bear a Read at the same time.
	if pipe, ok := t.emulator.InputPipe().(io.Closer); ok {
		errs = append(errs, pipe.Close())
	}
	t.replies.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the terminal: %w", err)
	}
	return nil
}
