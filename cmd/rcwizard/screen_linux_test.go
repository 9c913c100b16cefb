package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A signal leaves the screen with the terminal as it was found, the exit code
// that signals have, and a line that says how to go on.
func TestScreenSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			at := openTerminal(t)
			if err := unix.IoctlSetWinsize(int(at.screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
				t.Fatal(err)
			}
			before := at.modes(t)
			exe, err := exec.LookPath("rcwizard")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Env = []string{"HOME=" + t.TempDir(), "TERM=xterm-256color", "LANG=C.UTF-8"}
			cmd.Stdin, cmd.Stdout, cmd.Stderr = at.screen, at.screen, at.screen
			at.lead(cmd)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			at.await(t, "New workspace")
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			at.await(t, "rcwizard goes on from there")
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
				t.Errorf("it ended with %v", err)
			}
			if diff := cmp.Diff(before, at.modes(t)); diff != "" {
				t.Errorf("the terminal is not as it was:\n%s", diff)
			}
			text := at.text.String()
			if left, said := strings.LastIndex(text, "\x1b[?1049l"), strings.LastIndex(text, "rcwizard: interrupted"); left < 0 || said < left {
				t.Errorf("the other screen was left at %d, and the last line said at %d", left, said)
			}
		})
	}
}

// Ctrl+Z gives the terminal back as it was found, really stops, and leaves the
// shell its turn; when the shell continues it, everything is drawn anew, keys are
// understood, and the end leaves the terminal as ever.
func TestScreenSuspended(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no shell with job control here")
	}
	exe, err := exec.LookPath("rcwizard")
	if err != nil {
		t.Fatal(err)
	}
	at := openTerminal(t)
	if err := unix.IoctlSetWinsize(int(at.screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	before := at.modes(t)
	typed := func(text string) {
		t.Helper()
		at.text.Reset()
		if _, err := at.keyboard.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), shell, "--norc", "-c", `set -m; "$0"; echo "stopped: $?"; read -r _; fg >/dev/null; echo "ended: $?"`, exe)
	cmd.Env = []string{"HOME=" + t.TempDir(), "TERM=xterm-256color", "LANG=C.UTF-8"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = at.screen, at.screen, at.screen
	at.lead(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	at.await(t, "New workspace")
	typed("\x1a")
	at.await(t, "stopped: 148") // 128 and SIGTSTP
	if !strings.Contains(at.text.String(), "\x1b[?1049l") {
		t.Errorf("the other screen was not left: %q", at.text.String())
	}
	if diff := cmp.Diff(before, at.modes(t)); diff != "" {
		t.Errorf("stopped, the terminal is not as it was:\n%s", diff)
	}
	typed("\n")
	at.await(t, "\x1b[?1049h")
	at.await(t, "New workspace")
	typed("?")
	at.await(t, "suspend")
	typed("\x03")
	at.await(t, "Leave rcwizard?")
	typed("\r")
	at.await(t, "ended: 0")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, at.modes(t)); diff != "" {
		t.Errorf("the terminal is not as it was:\n%s", diff)
	}
}
