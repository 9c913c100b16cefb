package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxSessions is how many sessions are open on one host at a time: scripts,
	// and where sshd forbids forwarding also streams. sshd's MaxSessions is 10,
	// and one that has ended may count for a moment longer. A lock that is held
	// has one for the whole run; a database host's containers, followed without
	// forwarding, have seven, and the others need one to go on.
	maxSessions = 9
	// maxFollowed is how many of them logs may have that are followed, each for as
	// long as its container runs: what is asked meanwhile needs some, too.
	maxFollowed = 5
	// maxStdout bounds what Run returns. More belongs to Stream.
	maxStdout = 32 << 20
	// frameSize is the largest frame of a script's input.
	frameSize = 256 << 10
	// cancelWait is how long a cancelled script may take to be gone: the
	// host's own TERM, 2 s, KILL, and the way there and back.
	cancelWait = 5 * time.Second
	// linger is how long output may stay silent after the script's end while
	// something that it started holds the stream open.
	linger = 2 * time.Second
)

// runner runs scripts; it is the same over SSH and on this machine.
type runner struct {
	name, user string
	redact     *Redactor
	slots      chan struct{}
	follows    chan struct{}
	sudo       sudoSetting
	// start starts a command line and gives its streams. Nothing has been sent
	// to the process when it fails.
	start func(ctx context.Context, line string) (*process, error)
}

// sudoSetting can be changed while the host is in use: the password is often
// asked for only when sudo turns out to want one.
type sudoSetting struct {
	mu       sync.Mutex
	mode     SudoMode
	password string
	// refused is what sudo said to this password. It is not tried twice: hosts
	// lock accounts after some wrong ones (pam_faillock), and each costs seconds.
	refused *SudoError
}

// get fails where nothing needs to be sent to know that sudo will refuse.
func (s *sudoSetting) get() (SudoMode, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != nil && s.mode != SudoOff {
		return s.mode, "", s.refused
	}
	return s.mode, s.password, nil
}

func newRunner(name, user string, redact *Redactor, mode SudoMode, password string) *runner {
	if redact == nil {
		redact = NewRedactor()
	}
	redact.Add(password)
	return &runner{
		name: name, user: user, redact: redact,
		slots: make(chan struct{}, maxSessions), follows: make(chan struct{}, maxFollowed),
		sudo: sudoSetting{mode: mode, password: password},
	}
}

// Name is what errors and events call the host.
func (r *runner) Name() string { return r.name }

// refusal is why a script did not become root, or nil; see gate.failure.
func (r *runner) refusal(g *gate, x exit) error {
	err := g.failure(r.name, r.user, x)
	var refused *SudoError
	if errors.As(err, &refused) && refused.Kind == SudoWrongPassword {
		r.sudo.mu.Lock()
		defer r.sudo.mu.Unlock()
		if r.sudo.password == g.e.password {
			r.sudo.refused = refused
		}
	}
	return err
}

// Run implements Host.
func (r *runner) Run(ctx context.Context, c Command) (Result, error) {
	stdout := &limited{max: maxStdout}
	var errs tail
	lines := &splitter{redact: r.redact, emit: errs.add}
	code, err := r.execute(ctx, c, stdout, lines)
	lines.Close()
	res := Result{Code: code, Stdout: stdout.String(), Stderr: errs.String()}
	if err == nil && stdout.over {
		err = fmt.Errorf("host %s: the command wrote more than %d MiB to its standard output", r.name, maxStdout>>20)
	}
	return res, err
}

// Stream implements Host.
func (r *runner) Stream(ctx context.Context, c Command, emit func(Line)) (Result, error) {
	var mu sync.Mutex
	var outs, errs tail
	out := &splitter{redact: r.redact, emit: func(text string) {
		mu.Lock()
		defer mu.Unlock()
		outs.add(text)
		emit(Line{Text: text})
	}}
	err := &splitter{redact: r.redact, emit: func(text string) {
		mu.Lock()
		defer mu.Unlock()
		errs.add(text)
		emit(Line{Stderr: true, Text: text})
	}}
	code, failure := r.execute(ctx, c, out, err)
	out.Close()
	err.Close()
	return Result{Code: code, Stdout: outs.String(), Stderr: errs.String()}, failure
}

// limited collects up to max bytes and drops the rest.
type limited struct {
	bytes.Buffer
	max  int
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.max {
		l.over = true
		return len(p), nil
	}
	return l.Buffer.Write(p) //nolint:wrapcheck // a Buffer never fails
}

// acquire takes one of the host's sessions.
func (r *runner) acquire(ctx context.Context) error {
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("host %s: %w while waiting for a free session", r.name, context.Cause(ctx))
	}
}

// launched is a process whose next byte of stdin belongs to the caller, and
// whose streams are read by goroutines of ours.
type launched struct {
	*process
	gate *gate
	// read counts bytes that came, so that a silent stream can be told from a
	// busy one.
	read atomic.Int64
	// valve is shut when the caller stops listening: the streams of a frozen
	// connection end only when the connection does.
	valve valve
	// drained is closed when both streams ended.
	drained chan struct{}
}

// launch starts text on the host, as root if wanted. What the text writes goes
// to stdout and stderr, which must not fail nor block for long.
func (r *runner) launch(ctx context.Context, root bool, text string, stdout, stderr io.Writer) (*launched, error) {
	first, second := text, ""
	var e elevation
	if root {
		mode, password, err := r.sudo.get()
		if err != nil {
			return nil, err
		}
		if mode == SudoPassword && password == "" {
			return nil, &SudoError{Host: r.name, User: r.user, Kind: SudoPasswordNeeded}
		}
		if mode == SudoOff {
			password = ""
		}
		e = newElevation(mode, password)
		first, second = e.text(len(text)), text
	}
	p, err := r.start(ctx, loader(len(first)))
	if err != nil {
		return nil, err
	}
	l := &launched{process: p, drained: make(chan struct{})}
	if root {
		l.gate = newGate(e, p.stdin, stderr)
		stderr = l.gate
	}
	var wg sync.WaitGroup
	wg.Go(func() { l.copy(stdout, p.stdout) })
	wg.Go(func() { l.copy(stderr, p.stderr) })
	go func() { wg.Wait(); close(l.drained) }()
	if _, err = io.WriteString(p.stdin, first); err == nil && root {
		if err = l.gate.wait(ctx, p); err == nil {
			_, err = io.WriteString(p.stdin, second)
		}
	}
	if err == nil {
		return l, nil
	}
	// The script was not sent, or not whole: it did not run.
	_ = p.stdin.Close()
	x := l.settle(ctx, time.Second)
	l.release()
	if l.gate != nil {
		if refused := r.refusal(l.gate, x); refused != nil {
			return nil, refused
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, fmt.Errorf("host %s: %w before the command was sent", r.name, cause)
	}
	return nil, fmt.Errorf("host %s: the command could not be sent: %w (%v)", r.name, err, x)
}

// valve lets writes through until it is shut.
type valve struct {
	mu   sync.Mutex
	shut bool
}

func (v *valve) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shut = true
}

func (v *valve) write(to io.Writer, p []byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.shut {
		_, _ = to.Write(p) // the sinks never fail
	}
	return !v.shut
}

// release lets go of the process; nothing is written to the sinks afterwards.
func (l *launched) release() {
	l.abandon()
	l.valve.close()
}

func (l *launched) copy(to io.Writer, from io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			l.read.Add(int64(n))
			if !l.valve.write(to, buf[:n]) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// settle waits up to d for the exit.
func (l *launched) settle(ctx context.Context, d time.Duration) exit {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-l.ended:
		return *l.exit
	case <-timer.C:
		return exit{err: context.Cause(ctx)}
	}
}

// finish waits until all output is read: to its end, or until it was silent
// for a while after the process ended.
func (l *launched) finish() {
	last := l.read.Load()
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for {
		select {
		case <-l.drained:
			l.release()
			return
		case <-timer.C:
			if now := l.read.Load(); now != last {
				last = now
				timer.Reset(linger)
				continue
			}
			l.release()
			return
		}
	}
}

// execute runs one script under the supervisor.
func (r *runner) execute(ctx context.Context, c Command, stdout, stderr io.Writer) (int, error) {
	src, err := c.source()
	if err != nil {
		return 0, fmt.Errorf("host %s: %w", r.name, err)
	}
	if err = r.acquire(ctx); err != nil {
		return 0, err
	}
	defer func() { <-r.slots }()
	l, err := r.launch(ctx, c.Root, supervisor(len(src)), stdout, stderr)
	if err != nil {
		return 0, err
	}
	fed := make(chan error, 1)
	go func() { fed <- feed(l.stdin, src, c.Stdin) }()
	var broken error // what ended the input before its end
	feeding := true
	for {
		select {
		case <-l.ended:
			l.finish()
			return r.conclude(l, broken)
		case err = <-fed:
			feeding, fed = false, nil
			if err == nil {
				continue
			}
			if _, ok := errors.AsType[*stdinError](err); !ok {
				continue // the process is ending, or the connection is: wait for it
			}
			broken = err
		case <-ctx.Done():
			broken = context.Cause(ctx)
		}
		if broken != nil {
			return 0, r.cancel(ctx, l, broken, feeding)
		}
	}
}

// cancel makes the host end the script, and waits for the word that it did.
func (r *runner) cancel(ctx context.Context, l *launched, cause error, feeding bool) error {
	_ = l.stdin.Close() // a broken connection says the same to the host
	wait := cancelWait
	if feeding {
		// The end of stdin stands behind input that nobody reads. Closing the
		// channel is seen by the ticker.
		wait = 500 * time.Millisecond
	}
	x := l.settle(ctx, wait)
	l.release()
	if l.gate != nil {
		if refused := r.refusal(l.gate, x); refused != nil && x.known {
			return refused
		}
	}
	return &OutcomeUnknownError{Host: r.name, Cause: cause, Ended: x.known}
}

func (r *runner) conclude(l *launched, broken error) (int, error) {
	x := *l.exit
	if l.gate != nil {
		if refused := r.refusal(l.gate, x); refused != nil {
			return 0, refused
		}
	}
	switch {
	case broken != nil:
		return 0, &OutcomeUnknownError{Host: r.name, Cause: broken, Ended: x.known}
	case !x.known:
		cause := x.err
		if cause == nil {
			cause = errors.New("the connection was lost")
		}
		return 0, &OutcomeUnknownError{Host: r.name, Cause: cause}
	default:
		return x.code, nil
	}
}

// stdinError is a Command.Stdin that failed.
type stdinError struct{ err error }

func (e *stdinError) Error() string { return fmt.Sprintf("read the input for the command: %v", e.err) }
func (e *stdinError) Unwrap() error { return e.err }

// feed sends the script, then its input in frames, then the end of the input.
// stdin stays open: its end is the sign to stop.
func feed(to io.Writer, script string, input io.Reader) error {
	if input == nil {
		_, err := io.WriteString(to, script+"0\n")
		return err //nolint:wrapcheck // only compared with nil
	}
	if _, err := io.WriteString(to, script); err != nil {
		return err //nolint:wrapcheck // only compared with nil
	}
	// A frame is one write: header in front of the data, in one buffer.
	const room = 16
	buf := make([]byte, room+frameSize)
	for {
		n, err := input.Read(buf[room:])
		if n > 0 {
			head := strconv.Itoa(n) + "\n"
			from := room - len(head)
			copy(buf[from:], head)
			if _, werr := to.Write(buf[from : room+n]); werr != nil {
				return werr //nolint:wrapcheck // only compared with nil
			}
		}
		if errors.Is(err, io.EOF) {
			_, err = io.WriteString(to, "0\n")
			return err //nolint:wrapcheck // only compared with nil
		}
		if err != nil {
			return &stdinError{err}
		}
	}
}
