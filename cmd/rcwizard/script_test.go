package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rcwizard": main, "wizard": imaginedMain})
}

// TestScript runs the program as a person does, without a host: each script of
// testdata/script shows one thing.
func TestScript(t *testing.T) {
	t.Parallel()
	closed, official := closedPort(t), mirror(t)
	tree, err := filepath.Abs(officialTree)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			// What is published of a release is asked of nobody here.
			env.Setenv("RCWIZARD_RELEASES_URL", noReleases)
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("CLOSED_PORT", strconv.Itoa(closed))
			env.Setenv("MIRROR", official)
			env.Setenv("OFFICIAL", tree)
			for _, v := range []string{"XDG_STATE_HOME", "SSH_AUTH_SOCK", "RCWIZARD_RELEASE"} {
				env.Setenv(v, "")
			}
			if err := os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o700); err != nil {
				return fmt.Errorf("make the home: %w", err)
			}
			// The workspace that most scripts begin with.
			data, err := os.ReadFile("testdata/workspace.yaml")
			if err != nil {
				return fmt.Errorf("read the workspace: %w", err)
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "workspace.yaml"), data, 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": exitsWith, "mode": hasMode, "narrow": isNarrow,
		},
	})
}

// closedPort is a port of 127.0.0.1 where nobody listens.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("a TCP listener has the address %v", l.Addr())
	}
	return address.Port
}

// exitsWith runs the program and wants one exit code: code 2 install --bogus.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: code N [ARGUMENT...]")
	}
	err := ts.Exec("rcwizard", args[1:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("rcwizard %s: exit code %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// hasMode wants the permissions of a file: mode 0600 path.
func hasMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode NNNN PATH")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// isNarrow wants every line of a file, or of stdout, within 80 columns.
func isNarrow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: narrow FILE")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if text := strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(text) > 80 {
			ts.Fatalf("wider than 80 columns: %q", text)
		}
	}
}
