package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"strings"
	"sync"
)

// SudoMode says how a script that needs root becomes it when the login is not
// root.
type SudoMode string

// The modes. The zero value is SudoAuto.
const (
	// SudoAuto uses sudo, with the password if there is one.
	SudoAuto SudoMode = "auto"
	// SudoOff never uses sudo.
	SudoOff SudoMode = "never"
	// SudoPassword is SudoAuto, but without a password it fails before
	// anything is sent.
	SudoPassword SudoMode = "password"
)

// elevation is one use of sudo. The text on the host says ready on stderr
// once the script's shell runs as root, and sudo asks with a prompt that holds
// a nonce. So the password is sent only when it is asked for, and sudo never
// reads what is meant for the script, nor the script the password.
type elevation struct {
	mode     SudoMode
	password string
	nonce    string
}

func newElevation(mode SudoMode, password string) elevation {
	return elevation{mode: mode, password: password, nonce: strings.ToLower(rand.Text())}
}

func (e elevation) ready() string   { return "rcwz-ready-" + e.nonce + "\n" }
func (e elevation) prompt() string  { return "[rcwz-" + e.nonce + "]" }
func (e elevation) notRoot() string { return "rcwz-not-root-" + e.nonce }

// text is the shell text that becomes root and then runs the next n bytes of
// stdin.
func (e elevation) text(n int) string {
	inner := "echo rcwz-ready-" + e.nonce + " >&2; " + readEval(n)
	flags := "-n"
	if e.password != "" {
		flags = "-S -p '" + e.prompt() + "'"
	}
	become := "exec sudo " + flags + " -- sh -c '" + inner + "'"
	if e.mode == SudoOff {
		become = "echo " + e.notRoot() + " >&2; exit 1"
	}
	return `LC_ALL=C; export LC_ALL
if [ "$(id -u)" = 0 ]; then ` + inner + "\nelse " + become + "\nfi\n"
}

// gate reads stderr up to the ready mark.
type gate struct {
	e     elevation
	stdin io.Writer
	next  io.Writer

	mu      sync.Mutex
	held    []byte
	asked   int
	isReady bool
	opened  chan struct{}
	wrong   chan struct{}
}

func newGate(e elevation, stdin io.Writer, next io.Writer) *gate {
	return &gate{e: e, stdin: stdin, next: next, opened: make(chan struct{}), wrong: make(chan struct{})}
}

// Write takes what comes on stderr.
func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isReady {
		return g.next.Write(p) //nolint:wrapcheck // the sinks never fail
	}
	g.held = append(g.held, p...)
	if i := bytes.Index(g.held, []byte(g.e.ready())); i >= 0 {
		g.isReady = true
		rest := g.held[i+len(g.e.ready()):]
		g.held = g.held[:i]
		close(g.opened)
		if len(rest) > 0 {
			if _, err := g.next.Write(rest); err != nil {
				return 0, err //nolint:wrapcheck // the sinks never fail
			}
		}
		return len(p), nil
	}
	if n := bytes.Count(g.held, []byte(g.e.prompt())); n > g.asked {
		g.asked = n
		switch n {
		case 1:
			// An error shows as the end of the process.
			_, _ = io.WriteString(g.stdin, g.e.password+"\n")
		case 2:
			close(g.wrong)
		}
	}
	if len(g.held) > 64<<10 {
		g.held = g.held[len(g.held)-32<<10:]
	}
	return len(p), nil
}

// wait returns when the script may be sent.
func (g *gate) wait(ctx context.Context, p *process) error {
	if g.e.password == "" {
		return nil // sudo -n reads nothing: the script may follow at once
	}
	select {
	case <-g.opened:
		return nil
	case <-g.wrong:
		return io.ErrUnexpectedEOF
	case <-p.ended:
		return io.ErrUnexpectedEOF
	case <-ctx.Done():
		return context.Cause(ctx) //nolint:wrapcheck // the caller says for what
	}
}

// failure says why the ready mark never came; nil if it came, or if sudo said
// nothing that explains it.
func (g *gate) failure(host, user string, x exit) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isReady {
		return nil
	}
	text := strings.ReplaceAll(string(g.held), g.e.prompt(), "")
	kind := sudoKind(text, g)
	if kind == SudoOther && !x.known {
		return nil
	}
	if kind == SudoNever {
		text = ""
	}
	return &SudoError{Host: host, User: user, Kind: kind, Text: lastLine(text)}
}

// sudoKind reads sudo's English; sudo-rs, which Ubuntu has from 25.10 on, has
// words of its own.
func sudoKind(text string, g *gate) SudoKind {
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	switch {
	case has(g.e.notRoot()):
		return SudoNever
	case g.asked > 1, has("incorrect password", "Authentication failed", "no password was provided"):
		return SudoWrongPassword
	case has("must have a tty"):
		return SudoRequireTTY
	case has("not in the sudoers", "is not allowed to", "may not run sudo", "I'm afraid I can't do that"):
		return SudoNotAllowed
	case has("a password is required", "interactive authentication is required", "a terminal is required"):
		return SudoPasswordNeeded
	case has("sudo: not found", "sudo: command not found", "sudo: No such file"):
		return SudoMissing
	default:
		return SudoOther
	}
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		s = strings.TrimSpace(s[i+1:])
	}
	return clean([]byte(s))
}
