package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// paneWithin bounds the wait for what should be on the screen in a moment. A
// wait for hosts names its own bound: see pane.within.
const paneWithin = 3 * time.Minute

// paneConfig is all that the tmux servers of the tests read: the pane is the
// whole terminal, an Escape is an Escape at once, and what a program wrote last
// stays to be read when the program has ended.
const paneConfig = `set -g status off
set -g remain-on-exit on
set -gq remain-on-exit-format ""
set -g history-limit 100000
set -g default-terminal tmux-256color
set -s escape-time 0
set -s exit-empty off
`

// pane is rcwizard in a terminal of the operator's: a tmux server of its own
// with one pane, which the test types into and reads like a person.
type pane struct {
	r     *rig
	t     *testing.T
	dir   string // has the server's configuration and socket
	limit time.Duration
}

// pane starts rcwizard with args and the rig's state folder in a terminal of
// width by height cells. Its environment is Op's (LANG=C.UTF-8, nothing of the
// machine's) with TERM and 24-bit colour; env adds to it, as "NAME=value". The
// server and what runs in it are ended when the test ends.
func (r *rig) pane(width, height int, env []string, args ...string) *pane {
	r.t.Helper()
	bin, err := program()
	if err != nil {
		r.t.Fatal(err)
	}
	return r.terminal(width, height, env, slices.Concat([]string{bin}, args, []string{"--dir", r.state})...)
}

// shellPane is a terminal with a shell in it, in which rcwizard() is the program
// with the rig's state folder.
func (r *rig) shellPane(width, height int) *pane {
	r.t.Helper()
	bin, err := program()
	if err != nil {
		r.t.Fatal(err)
	}
	script := fmt.Sprintf("PS1='ready> '\nrcwizard() { %s \"$@\" --dir %s; }\n", bin, r.state)
	rc := filepath.Join(filepath.Dir(r.file), "bashrc")
	if err := os.WriteFile(rc, []byte(script), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return r.terminal(width, height, nil, "bash", "--noprofile", "--rcfile", rc, "-i")
}

// terminal is a command in a terminal.
func (r *rig) terminal(width, height int, env []string, argv ...string) *pane {
	r.t.Helper()
	// Not t.TempDir: with the test's name in it, a socket's path gets too long.
	dir, err := os.MkdirTemp("", "rcw-tmux-")
	if err != nil {
		r.t.Fatal(err)
	}
	p := &pane{r: r, t: r.t, dir: dir, limit: paneWithin}
	if err := os.WriteFile(p.config(), []byte(paneConfig), 0o600); err != nil {
		r.t.Fatal(err)
	}
	env = slices.Concat([]string{"COLORTERM=truecolor"}, r.settings(), env)
	settings := make([]string, 0, 2*len(env))
	for _, e := range env {
		settings = append(settings, "-e", e)
	}
	p.watch()
	p.tmux(slices.Concat([]string{"new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height)},
		settings, []string{"--"}, argv)...)
	return p
}

func (p *pane) config() string { return filepath.Join(p.dir, "tmux.conf") }

// command is tmux in the operator's place, for this pane's server and no other.
func (p *pane) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := p.r.Op(ctx, append([]string{"tmux", "-L", "rcwizard", "-f", p.config()}, args...)...)
	cmd.Env = append(cmd.Env, "TMUX_TMPDIR="+p.dir, "TERM=xterm-256color")
	return cmd
}

// tmux runs one of tmux's commands and returns what it printed.
func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), paneWithin)
	defer cancel()
	cmd := p.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		p.t.Fatalf("tmux %s: %v: %s", args[0], err, stderr.String())
	}
	return stdout.String()
}

// tell is the value of one of tmux's formats, as "#{pane_pid}".
func (p *pane) tell(format string) string {
	p.t.Helper()
	return strings.TrimSuffix(p.tmux("display-message", "-p", format), "\n")
}

// watch sees to it that the server ends, and its directory goes, with the test,
// even one that is killed: a server is nobody's child.
func (p *pane) watch() {
	p.t.Helper()
	const script = `read -r _; tmux -L rcwizard -f "$0/tmux.conf" kill-server 2>/dev/null; rm -r "$0"`
	cmd := p.r.Op(context.Background(), "sh", "-c", script, p.dir)
	cmd.Env = append(cmd.Env, "TMUX_TMPDIR="+p.dir)
	hand, err := cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = hand.Close() // the end of the input is the sign
		if err := cmd.Wait(); err != nil {
			p.t.Errorf("end the tmux server: %v", err)
		}
	})
}

// within is the same pane, on which every wait lasts at most limit.
func (p *pane) within(limit time.Duration) *pane {
	slow := *p
	slow.limit = limit
	return &slow
}

// screen is what the person sees: a line of text for each of the terminal's,
// without spaces at its end.
func (p *pane) screen() string {
	p.t.Helper()
	return p.tmux("capture-pane", "-p")
}

// all is everything that was written, also what scrolled away. A line that the
// terminal had to wrap is one line with joined, and several without.
func (p *pane) all(joined bool) string {
	p.t.Helper()
	args := []string{"capture-pane", "-p", "-S", "-"}
	if joined {
		args = append(args, "-J")
	}
	var out strings.Builder
	for line := range strings.Lines(p.tmux(args...)) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n") // -J keeps spaces at the end
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// wrapped are the lines that were wider than the terminal.
func (p *pane) wrapped() []string {
	p.t.Helper()
	shown := strings.Split(p.all(false), "\n")
	return slices.DeleteFunc(strings.Split(p.all(true), "\n"), func(line string) bool {
		return slices.Contains(shown, line)
	})
}

// typeText types text as it is, key by key; what names a key is text as well.
func (p *pane) typeText(text string) {
	p.t.Helper()
	p.tmux("send-keys", "-l", "--", text)
}

// keys presses keys by tmux' names: Enter, Escape, Tab, BTab, Space, Up, C-c, PageUp, F1.
func (p *pane) keys(names ...string) {
	p.t.Helper()
	p.tmux(append([]string{"send-keys", "--"}, names...)...)
}

// paste pastes text as a terminal does: bracketed, where the program asked for that.
func (p *pane) paste(text string) {
	p.t.Helper()
	p.tmux("set-buffer", "--", text)
	p.tmux("paste-buffer", "-p", "-r", "-d")
}

// resize gives the terminal another size.
func (p *pane) resize(width, height int) {
	p.t.Helper()
	p.tmux("resize-window", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
}

// pid is the process id of rcwizard, for signals.
func (p *pane) pid() int {
	p.t.Helper()
	pid, err := strconv.Atoi(p.tell("#{pane_pid}"))
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

// await waits until all texts are on the screen at once, and returns the screen.
func (p *pane) await(texts ...string) string {
	p.t.Helper()
	return p.until(fmt.Sprintf("%q", texts), func(screen string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(screen, text) })
	})
}

// until waits until the screen is as it should be, and returns it.
func (p *pane) until(what string, holds func(screen string) bool) string {
	p.t.Helper()
	deadline := time.NewTimer(p.limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		screen := p.screen()
		if holds(screen) {
			return screen
		}
		// What ended says nothing more, once what it said last is on the screen.
		if end, over := p.end(); over {
			if screen = p.screen(); holds(screen) {
				return screen
			}
			p.t.Fatalf("rcwizard ended (%s) and did not show %s:\n%s", end, what, p.all(false))
		}
		select {
		case <-deadline.C:
			p.t.Fatalf("after %s the screen does not show %s:\n%s", p.limit, what, framed(screen))
		case <-p.t.Context().Done():
			p.t.Fatalf("the test ends before the screen shows %s:\n%s", what, framed(screen))
		case <-tick.C:
		}
	}
}

// end is how rcwizard ended, as "code 3" or "signal 9", if it has.
func (p *pane) end() (string, bool) {
	p.t.Helper()
	// The terminal may be known for closed before the program's end is known, and
	// the other way round: then what it said last is not on the screen yet.
	closed, ended, _ := strings.Cut(p.tell("#{pane_dead} #{pane_dead_status} #{pane_dead_signal}"), " ")
	status, signal, _ := strings.Cut(ended, " ")
	switch {
	case closed != "1":
	case status != "":
		return "code " + status, true
	case signal != "":
		return "signal " + signal, true
	}
	return "", false
}

// ended waits until rcwizard has ended and returns its exit code. One that a
// signal ended fails the test.
func (p *pane) ended() int {
	p.t.Helper()
	deadline := time.NewTimer(p.limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	nudged := false
	for {
		if end, over := p.end(); over {
			number, exited := strings.CutPrefix(end, "code ")
			code, err := strconv.Atoi(number)
			if !exited || err != nil {
				p.t.Fatalf("rcwizard ended by %s:\n%s", end, p.all(false))
			}
			return code
		}
		select {
		case <-deadline.C:
			p.t.Fatalf("rcwizard still runs after %s (process %d, %s):\n%s", p.limit, p.pid(), state(p.pid()), framed(p.screen()))
		case <-p.t.Context().Done():
			p.t.Fatalf("the test ends before rcwizard does:\n%s", framed(p.screen()))
		case <-tick.C:
			// It has ended, and tmux has not noticed: on a busy machine the ends of two
			// processes reach it as one signal. Another has it look again.
			if nudged || !strings.HasPrefix(state(p.pid()), "Z") {
				continue
			}
			if server, err := strconv.Atoi(p.tell("#{pid}")); err == nil {
				nudged = unix.Kill(server, unix.SIGCHLD) == nil
			}
		}
	}
}

// state is a process' state as the kernel tells it: "S (sleeping)", or that there is none.
func state(pid int) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "gone"
	}
	_, after, _ := strings.Cut(string(status), "State:")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

// framed marks where the screen begins and ends, since empty lines count.
func framed(screen string) string {
	rule := strings.Repeat("-", 80) + "\n"
	return rule + screen + rule
}
