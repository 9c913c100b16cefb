package remote_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// fakeSudo is a directory with a sudo that behaves as the real one does, by
// what MODE says, and an id that tells whether it was used. It checks that its
// caller sends the password only when asked, and nothing else to it.
func fakeSudo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script(t, dir, "id", `case $1 in -u) if [ "${SUDOED:-}" = 1 ]; then echo 0; else echo 1000; fi ;; *) exec /usr/bin/id "$@" ;; esac`)
	script(t, dir, "sudo", `
prompt= stdin= n=
while :; do case $1 in
-n) n=1; shift ;;
-S) stdin=1; shift ;;
-p) prompt=$2; shift 2 ;;
--) shift; break ;;
*) break ;;
esac; done
run() { SUDOED=1; export SUDOED; exec "$@"; }
case $MODE in
free) run "$@" ;;
lecture) echo 'We trust you have received the usual lecture.' >&2 ;;
notallowed) echo 'deploy is not in the sudoers file.' >&2; exit 1 ;;
tty) echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1 ;;
rs) if [ -n "$n" ]; then echo 'sudo: interactive authentication is required' >&2; exit 1; fi ;;
esac
if [ -n "$n" ]; then echo 'sudo: a password is required' >&2; exit 1; fi
for try in 1 2 3; do
	printf %s "$prompt" >&2
	IFS= read -r p || { echo 'sudo: no password was provided' >&2; exit 1; }
	[ "$p" = 'pass word' ] && run "$@"
	echo 'Sorry, try again.' >&2
done
echo 'sudo: 3 incorrect password attempts' >&2
exit 1`)
	return dir
}

func script(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestSudo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, mode, password string
		setting              remote.SudoMode
		want                 remote.SudoKind // "" is success
	}{
		{"free", "free", "", "", ""},
		{"free with a password", "free", "pass word", "", ""},
		{"password", "ask", "pass word", "", ""},
		{"password after a lecture", "lecture", "pass word", remote.SudoPassword, ""},
		{"password needed", "ask", "", "", remote.SudoPasswordNeeded},
		{"password needed by sudo-rs", "rs", "", "", remote.SudoPasswordNeeded},
		{"password not given", "ask", "", remote.SudoPassword, remote.SudoPasswordNeeded},
		{"wrong password", "ask", "pass wort", "", remote.SudoWrongPassword},
		{"not allowed", "notallowed", "", "", remote.SudoNotAllowed},
		{"terminal", "tty", "", "", remote.SudoRequireTTY},
		{"never", "free", "", remote.SudoOff, remote.SudoNever},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := remotetest.NewServer(t, remotetest.Options{Path: fakeSudo(t), Env: []string{"MODE=" + tt.mode}})
			target := s.Target(t)
			target.Sudo, target.SudoPassword = tt.setting, tt.password
			h := connect(t, target)
			data := bytes.Repeat([]byte("data\n"), 40_000)
			res, err := h.Run(t.Context(), remote.Command{
				Script: `echo "as ${SUDOED:-nobody} $1"; sort -u; echo oops >&2; exit 4`, Args: []string{"x"}, Stdin: bytes.NewReader(data), Root: true,
			})
			if tt.want == "" {
				if err != nil || res != (remote.Result{Code: 4, Stdout: "as 1 x\ndata\n", Stderr: "oops\n"}) {
					t.Errorf("%+v, %v", res, err)
				}
				return
			}
			var sudo *remote.SudoError
			if !errors.As(err, &sudo) || sudo.Kind != tt.want || errors.Is(err, remote.ErrOutcomeUnknown) {
				t.Fatalf("%+v, %v", res, err)
			}
			if strings.Contains(err.Error(), "pass wor") || strings.Contains(err.Error(), "rcwz") {
				t.Errorf("%q", err)
			}
		})
	}
}

func TestSudoMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script(t, dir, "id", "echo 1000")
	// The real sudo further down PATH must not be found.
	s := remotetest.NewServer(t, remotetest.Options{Env: []string{"PATH=" + dir + ":" + tools(t)}})
	_, err := s.Connect(t).Run(t.Context(), remote.Command{Script: "true", Root: true})
	var sudo *remote.SudoError
	if !errors.As(err, &sudo) || sudo.Kind != remote.SudoMissing {
		t.Errorf("error %v", err)
	}
}

func TestRootNeedsNoSudo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script(t, dir, "id", "echo 0")
	s := remotetest.NewServer(t, remotetest.Options{Path: dir, Env: []string{"MODE=notallowed"}})
	target := s.Target(t)
	target.Sudo = remote.SudoOff
	res, err := connect(t, target).Run(t.Context(), remote.Command{Script: "echo ok", Root: true})
	if err != nil || res.Stdout != "ok\n" {
		t.Errorf("%+v, %v", res, err)
	}
}
