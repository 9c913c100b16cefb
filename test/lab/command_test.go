package lab_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// TestCommand is the way of a newcomer: up, look, run, down.
func TestCommand(t *testing.T) {
	t.Parallel()
	lab.NeedRoot(t)
	program, err := lab.Program()
	if err != nil {
		t.Fatal(err)
	}
	// A lab of its own beside the one that a person may have up, from the same cache.
	mine := t.TempDir()
	shared, err := lab.Dir()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(lab.CacheDir(shared), lab.CacheDir(mine)); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, int) {
		t.Helper()
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...) // also in the cleanup
		cmd.Env = append(os.Environ(), "RCWIZARD_LAB_DIR="+mine)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	expect := func(code int, text string, args ...string) string {
		t.Helper()
		out, got := run(args...)
		if got != code || !strings.Contains(out, text) {
			t.Errorf("lab %s: exit code %d, want %d with %q in:\n%s", strings.Join(args, " "), got, code, text, out)
		}
		return out
	}
	expect(0, "usage: lab COMMAND")
	expect(1, "no such command: lab frob", "frob")
	expect(1, "the lab is not up", "status")
	expect(1, "the lab is not up", "exec", "op", "--", "true")
	expect(0, "the lab was not up", "down")

	t.Cleanup(func() { run("down") })
	expect(0, "6 hosts are up", "up")
	expect(0, "outsider ", "status")
	expect(0, "outsider ", "up") // once more: it is up
	expect(0, "rc3\n", "exec", "rc3", "--", "hostname")
	expect(7, "", "exec", "rc1", "--", "sh", "-c", "exit 7")
	expect(8, "", "exec", "op", "--", "sh", "-c", "exit 8")
	expect(1, `no host "rc9"`, "exec", "rc9", "--", "true")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	expect(0, here+"\n", "exec", "op", "--", "pwd")

	demo := filepath.Join(mine, "demo")
	file := filepath.Join(demo, "workspace.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w, problems := workspace.Load(file, content)
	if len(problems) != 0 {
		t.Fatalf("the demo's workspace is not valid: %v", problems)
	}
	names := make([]string, 0, len(w.Hosts))
	for _, h := range w.Hosts {
		names = append(names, h.Name)
		expect(0, h.Name, "exec", "op", "--", "ssh", "-F", "none", "-i", h.SSH.IdentityFile,
			"-o", "UserKnownHostsFile="+filepath.Join(demo, "known_hosts"), h.SSH.User+"@"+h.Address, "hostname")
	}
	if got := strings.Join(names, " "); got != "db rc1 rc2 edge" {
		t.Errorf("the demo's workspace has the hosts %s", got)
	}
	expect(0, "nothing of it is left", "down")
	if _, err := os.Stat(demo); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", demo, err)
	}
}
