package remote_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// everyHost runs a test over each kind of host.
func everyHost(t *testing.T, f func(t *testing.T, h remote.Host)) {
	t.Helper()
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		h := remote.Local("here", remote.LocalOptions{})
		t.Cleanup(func() { _ = h.Close() })
		f(t, h)
	})
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		f(t, remotetest.NewServer(t, remotetest.Options{}).Connect(t))
	})
	t.Run("openssh", func(t *testing.T) {
		t.Parallel()
		s := startSSHD(t)
		f(t, connect(t, s.target(t)))
	})
}

// sleeper is a sleep that can be told from all others by its argument.
var sleepers atomic.Int64

func sleeper() string {
	return "9" + strconv.Itoa(os.Getpid()) + "." + strconv.Itoa(int(sleepers.Add(1)))
}

// running says whether a process has the argument.
func running(t *testing.T, arg string) bool {
	t.Helper()
	_, ok := process(t, arg)
	return ok
}

func process(t *testing.T, arg string) (pid int, ok bool) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, _ := os.ReadFile(file)
		for a := range bytes.SplitSeq(b, []byte{0}) {
			if string(a) == arg {
				pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(file)))
				return pid, true
			}
		}
	}
	return 0, false
}

// eventually waits for a condition.
func eventually(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789abcde\n", 1<<16)
	sum := sha256.Sum256([]byte(big))
	nasty := "a'b\"c\\d $HOME `id` !x\n\ttab\r é \x7f *"
	tests := []struct {
		name string
		c    remote.Command
		want remote.Result
	}{
		{"nothing", remote.Command{}, remote.Result{}},
		{"args", remote.Command{Script: `printf '%s|' "$#" "$@"`, Args: []string{"one", "", nasty}}, remote.Result{Stdout: "3|one||" + nasty + "|"}},
		{"env", remote.Command{Script: `printf %s "$A"; sh -c 'printf %s "$B"'`, Env: map[string]string{"A": nasty, "B": "2"}}, remote.Result{Stdout: nasty + "2"}},
		{"stdin", remote.Command{Script: "cat", Stdin: strings.NewReader("in\x00put")}, remote.Result{Stdout: "in\x00put"}},
		{"no stdin", remote.Command{Script: "cat; echo end"}, remote.Result{Stdout: "end\n"}},
		{"much stdin", remote.Command{Script: "sha256sum", Stdin: strings.NewReader(big)}, remote.Result{Stdout: hex.EncodeToString(sum[:]) + "  -\n"}},
		{"slow stdin", remote.Command{Script: "cat", Stdin: io.MultiReader(strings.NewReader("a"), strings.NewReader("b"))}, remote.Result{Stdout: "ab"}},
		{"stdin not read", remote.Command{Script: "echo done", Stdin: strings.NewReader(big)}, remote.Result{Stdout: "done\n"}},
		{"stderr", remote.Command{Script: "echo out; echo err >&2"}, remote.Result{Stdout: "out\n", Stderr: "err\n"}},
		{"code", remote.Command{Script: "exit 42"}, remote.Result{Code: 42}},
		{"errexit", remote.Command{Script: "false; echo no"}, remote.Result{Code: 1}},
		{"not found", remote.Command{Script: "rcwz-no-such-command 2>/dev/null"}, remote.Result{Code: 127}},
		{"killed", remote.Command{Script: "sh -c 'kill -9 $$'; exit $?", Env: nil}, remote.Result{Code: 137, Stderr: "Killed\n"}},
		{"locale", remote.Command{Script: "printf %s $LC_ALL"}, remote.Result{Stdout: "C"}},
		{"own group killed", remote.Command{Script: "kill 0; sleep 5"}, remote.Result{Code: 143}},
		{"here document", remote.Command{Script: "cat <<X\n$1\nX\n", Args: []string{"v"}}, remote.Result{Stdout: "v\n"}},
		{"functions and traps", remote.Command{Script: "f() { echo f; }; trap 'echo bye' EXIT; f; exit 3"}, remote.Result{Code: 3, Stdout: "f\nbye\n"}},
	}
	everyHost(t, func(t *testing.T, h remote.Host) {
		t.Helper()
		for _, tt := range tests {
			if r, ok := tt.c.Stdin.(io.Seeker); ok {
				if _, err := r.Seek(0, io.SeekStart); err != nil {
					t.Fatal(err)
				}
			}
			c := tt.c
			switch {
			case strings.HasPrefix(tt.name, "much"), tt.name == "stdin not read":
				c.Stdin = strings.NewReader(big)
			case tt.name == "stdin":
				c.Stdin = strings.NewReader("in\x00put")
			case tt.name == "slow stdin":
				c.Stdin = io.MultiReader(strings.NewReader("a"), strings.NewReader("b"))
			}
			got, err := h.Run(t.Context(), c)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if tt.name == "killed" {
				got.Stderr, tt.want.Stderr = "", "" // the shell may say it
			}
			if got != tt.want {
				t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
			}
		}
	})
}

func TestRunRefusesWhatNoShellTakes(t *testing.T) {
	t.Parallel()
	h := remote.Local("here", remote.LocalOptions{})
	for _, c := range []remote.Command{
		{Script: "echo \x00"},
		{Args: []string{"\x00"}},
		{Env: map[string]string{"A B": ""}},
		{Env: map[string]string{"A;id": ""}},
		{Script: strings.Repeat("#", 2<<20)},
	} {
		if _, err := h.Run(t.Context(), c); err == nil || errors.Is(err, remote.ErrOutcomeUnknown) {
			t.Errorf("%.20q: error %v", c.Script, err)
		}
	}
}

// TestNothingOnCommandLines looks for the secret in all processes while the
// script runs.
func TestNothingOnCommandLines(t *testing.T) {
	t.Parallel()
	everyHost(t, func(t *testing.T, h remote.Host) {
		t.Helper()
		const canary = "canary-7f3a"
		res, err := h.Run(t.Context(), remote.Command{
			Script: "S=$1-script-canary-7f3a; for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>/dev/null || :",
			Args:   []string{canary}, Env: map[string]string{"X": canary}, Stdin: strings.NewReader(canary),
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(res.Stdout, canary) || !strings.Contains(res.Stdout, "eval") {
			t.Errorf("the secret is on a command line:\n%s", res.Stdout)
		}
	})
}

func TestCancelEndsTheProcessGroup(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		script string
		stdin  int
		within time.Duration
	}{
		{"plain", "sleep $1", 0, 2 * time.Second},
		{"children", "sleep $1 & sh -c \"sleep $1 & wait\" & wait", 0, 2 * time.Second},
		{"deaf", "trap '' TERM; sleep $1", 0, 4 * time.Second},
		{"deaf child", "(trap '' TERM; sleep $1) & wait", 0, 4 * time.Second},
		{"input not read", "sleep $1", 3 << 20, 5 * time.Second},
		{"input half read", "dd bs=1 count=100 >/dev/null 2>&1; sleep $1", 3 << 20, 5 * time.Second},
	}
	everyHost(t, func(t *testing.T, h remote.Host) {
		t.Helper()
		for i, tt := range tests {
			if _, local := h.(*remote.Machine); local && i%2 == 0 {
				continue // half of them say it for this machine: each takes its two seconds
			}
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				mark := sleeper()
				cause := errors.New("the operator said stop")
				ctx, cancel := context.WithCancelCause(t.Context())
				go func() {
					for !running(t, mark) {
						time.Sleep(5 * time.Millisecond)
					}
					cancel(cause)
				}()
				c := remote.Command{Script: tt.script, Args: []string{mark}}
				if tt.stdin > 0 {
					c.Stdin = bytes.NewReader(make([]byte, tt.stdin))
				}
				_, err := h.Run(ctx, c)
				if !errors.Is(err, remote.ErrOutcomeUnknown) || !errors.Is(err, cause) {
					t.Errorf("error %v", err)
				}
				eventually(t, tt.within, "the process group ends", func() bool { return !running(t, mark) })
			})
		}
	})
}

// TestNoFalseEndOfInput: a lost connection must not look like the end of the
// input to a script that then acts on half of it.
func TestNoFalseEndOfInput(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	h := s.Connect(t)
	file := filepath.Join(t.TempDir(), "acted")
	r, w := io.Pipe()
	defer func() { _ = w.Close() }()
	go func() {
		_, _ = w.Write([]byte("half"))
		time.Sleep(200 * time.Millisecond)
		s.Cut()
	}()
	_, err := h.Run(t.Context(), remote.Command{Script: `cat >/dev/null; : >"$1"`, Args: []string{file}, Stdin: r})
	if !errors.Is(err, remote.ErrOutcomeUnknown) {
		t.Errorf("error %v", err)
	}
	time.Sleep(500 * time.Millisecond)
	if _, err := os.Stat(file); err == nil {
		t.Error("the script took the loss for the end of its input")
	}
}

func TestBrokenStdinCancels(t *testing.T) {
	t.Parallel()
	everyHost(t, func(t *testing.T, h remote.Host) {
		t.Helper()
		mark := sleeper()
		broken := errors.New("disk on fire")
		_, err := h.Run(t.Context(), remote.Command{
			Script: "sleep $1", Args: []string{mark},
			Stdin: io.MultiReader(strings.NewReader("x"), &failing{broken}),
		})
		if !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
		eventually(t, 3*time.Second, "the script ends", func() bool { return !running(t, mark) })
	})
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestStream(t *testing.T) {
	t.Parallel()
	everyHost(t, func(t *testing.T, h remote.Host) {
		t.Helper()
		var out, errs []string
		res, err := h.Stream(t.Context(), remote.Command{
			Script: `i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; printf '10%%\r50%%\r100%%\n' >&2; printf '\033[31mred\033[0m end' ; exit 5`,
		}, func(l remote.Line) {
			if l.Stderr {
				errs = append(errs, l.Text)
			} else {
				out = append(out, l.Text)
			}
		})
		if err != nil || res.Code != 5 {
			t.Fatalf("%+v, %v", res, err)
		}
		if len(out) != 3001 || out[2999] != "line 2999" || out[3000] != "red end" {
			t.Errorf("%d lines, last %q", len(out), out[len(out)-1])
		}
		if len(errs) != 1 || errs[0] != "100%" {
			t.Errorf("stderr %q", errs)
		}
		if !strings.HasSuffix(res.Stdout, "line 2999\nred end\n") || strings.Contains(res.Stdout, "line 10\n") {
			t.Errorf("tail %q", res.Stdout)
		}
	})
}

// TestBackgroundChildDoesNotHoldRun: a daemon that keeps the script's streams
// open must not keep Run from returning.
func TestBackgroundChildDoesNotHoldRun(t *testing.T) {
	t.Parallel()
	everyHost(t, func(t *testing.T, h remote.Host) {
		t.Helper()
		mark := sleeper()
		begin := time.Now()
		res, err := h.Run(t.Context(), remote.Command{Script: "setsid sleep $1 & echo started", Args: []string{mark}})
		if err != nil || res.Stdout != "started\n" {
			t.Fatalf("%+v, %v", res, err)
		}
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("it took %v", d)
		}
		pid, ok := process(t, mark)
		if !ok {
			t.Fatal("the daemon is gone")
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	})
}

func TestManyAtATime(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	h := connect(t, s.target(t))
	errs := make(chan error, 40)
	for i := range cap(errs) {
		go func() {
			want := strconv.Itoa(i)
			res, err := h.Run(t.Context(), remote.Command{Script: "sleep 0.05; printf %s $1", Args: []string{want}})
			if err == nil && res.Stdout != want {
				err = errors.New("got " + res.Stdout)
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// shells gives a directory in which sh is the given shell.
func shells(t *testing.T, shell ...string) string {
	t.Helper()
	bin, err := exec.LookPath(shell[0])
	if err != nil {
		t.Skipf("no %s on this machine", shell[0])
	}
	dir := t.TempDir()
	if err := os.Symlink(bin, filepath.Join(dir, "sh")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// checkHost is what every shell and set of tools must manage.
func checkHost(t *testing.T, h remote.Host) {
	t.Helper()
	res, err := h.Run(t.Context(), remote.Command{
		Script: `printf '%s;' "$@"; cat; exit 9`, Args: []string{"a'b", "c\\d\n!e"}, Stdin: bytes.NewReader(bytes.Repeat([]byte("x"), 300<<10)),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "a'b;c\\d\n!e;" + strings.Repeat("x", 300<<10)
	if res.Code != 9 || res.Stdout != want || res.Stderr != "" {
		t.Errorf("code %d, %d bytes, stderr %q", res.Code, len(res.Stdout), res.Stderr)
	}
	mark := sleeper()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for !running(t, mark) {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	if _, err := h.Run(ctx, remote.Command{Script: "sleep $1 & sleep $1", Args: []string{mark}}); !errors.Is(err, remote.ErrOutcomeUnknown) {
		t.Errorf("cancelled: %v", err)
	}
	eventually(t, 4*time.Second, "the processes end", func() bool { return !running(t, mark) })
}

func TestLoginShells(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "dash", "fish", "tcsh", "zsh", "mksh"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("no %s on this machine", shell)
			}
			checkHost(t, remotetest.NewServer(t, remotetest.Options{Shell: []string{shell, "-c"}}).Connect(t))
		})
	}
}

func TestSystemShells(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "dash", "busybox"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			checkHost(t, remotetest.NewServer(t, remotetest.Options{Path: shells(t, shell)}).Connect(t))
		})
	}
}

// busybox is a PATH with nothing but busybox's tools, less those left out.
func busybox(t *testing.T, without ...string) string {
	t.Helper()
	bin, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("no busybox on this machine")
	}
	dir := t.TempDir()
	if out, err := exec.Command(bin, "--install", "-s", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range without {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// onlyPath makes a server whose commands find nothing but dir: the supervisor
// appends the usual directories, so they are masked by a shell function no
// script can have; instead the tools are looked for in dir first.
func TestBusyboxAlone(t *testing.T) {
	t.Parallel()
	checkHost(t, remotetest.NewServer(t, remotetest.Options{Path: busybox(t)}).Connect(t))
}

// TestCutScript: of a script that arrived in part, not one line runs. A dd that
// knows no iflag hands on what it has got when it is killed.
func TestCutScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script(t, dir, "dd", `case "$*" in *iflag*) exit 1 ;; esac
exec /bin/dd "$@"`)
	s := remotetest.NewServer(t, remotetest.Options{Path: dir})
	h := s.Connect(t)
	file := filepath.Join(t.TempDir(), "ran")
	go func() {
		time.Sleep(600 * time.Millisecond)
		s.Cut()
	}()
	_, err := h.Run(t.Context(), remote.Command{
		Script: ": >$1\n" + strings.Repeat("# a comment that takes its time\n", 30_000), Args: []string{file},
	})
	if !errors.Is(err, remote.ErrOutcomeUnknown) {
		t.Errorf("error %v", err)
	}
	time.Sleep(time.Second)
	if _, err := os.Stat(file); err == nil {
		t.Error("the part that had arrived was run")
	}
}

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}
