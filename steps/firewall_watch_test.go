package steps

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The process that takes a change back is a service of systemd's where systemd is,
// since a login's end may kill what the login left; what cannot be watched over is
// not begun.
func TestFirewallWatch(t *testing.T) {
	t.Parallel()
	// As systemd-run does it, with nothing of the caller's but the arguments.
	const runs = `#!/bin/sh
printf '%s\n' "$@" >"$0.args"
while case $1 in --*) true ;; *) false ;; esac; do shift; done
exec env -i PATH="$PATH" setsid "$@" >/dev/null 2>&1 &`
	for _, test := range []struct {
		name            string
		booted, setsid  bool
		systemdRun      string
		code            int
		byService, says string
	}{
		{"systemd", true, true, runs, 0, "--quiet --unit=rcwizard-firewall-nonce /bin/sh", ""},
		{"systemd does not", true, true, "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n", 69, "", "systemd-run starts no service, without which the host could not take the change back by itself: Failed to connect to bus"},
		{"installed, not booted", false, true, "#!/bin/sh\nexit 1\n", 0, "", ""},
		{"no systemd", false, true, "", 0, "", ""},
		{"nothing", false, false, "", 69, "", "setsid is missing, without which"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			bin := filepath.Join(root, "bin")
			write := func(at, text string, mode os.FileMode) {
				t.Helper()
				if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(at, []byte(text), mode); err != nil {
					t.Fatal(err)
				}
			}
			write(filepath.Join(bin, "none"), "", 0o600)
			tools := []string{"sh", "mkdir", "cp", "mv", "cat", "rm", "sleep", "env"}
			if test.setsid {
				tools = append(tools, "setsid")
			}
			for _, tool := range tools {
				at, err := exec.LookPath(tool)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(at, filepath.Join(bin, tool)); err != nil {
					t.Fatal(err)
				}
			}
			service := filepath.Join(bin, "systemd-run")
			if test.systemdRun != "" {
				write(service, test.systemdRun, 0o700)
			}
			write(filepath.Join(root, "run/none"), "", 0o600)
			if test.booted {
				write(filepath.Join(root, "run/systemd/system/none"), "", 0o600)
			}
			rules, d := filepath.Join(root, "rules"), filepath.Join(root, "run/rcwizard-firewall-nonce")
			write(rules, "old\n", 0o600)

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "sh", "-euc", strings.ReplaceAll(applyScript, "/run/", root+"/run/"), "sh",
				"nonce", "1", "echo new >"+rules, "mv "+d+"/1 "+rules, watchScript, rules)
			cmd.Env = []string{"PATH=" + bin}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			_ = cmd.Run() // its exit code says it
			if got := cmd.ProcessState.ExitCode(); got != test.code || !strings.Contains(stderr.String(), test.says) {
				t.Fatalf("exit code %d: %s", got, stderr.String())
			}
			now, err := os.ReadFile(rules)
			if want := map[bool]string{true: "new\n", false: "old\n"}[test.code == 0]; err != nil || string(now) != want {
				t.Errorf("the rules are %q, %v", now, err)
			}
			args, _ := os.ReadFile(service + ".args") // none where none was started
			if asked := strings.Join(strings.Fields(string(args)), " "); !strings.HasPrefix(asked, test.byService) || (asked == "") != (test.byService == "") || strings.Contains(asked, "$") {
				t.Errorf("asked systemd for %q", asked)
			}
			again := time.NewTicker(50 * time.Millisecond)
			defer again.Stop()
			for {
				_, gone := os.Stat(d)
				now, err := os.ReadFile(rules)
				if err == nil && string(now) == "old\n" && os.IsNotExist(gone) {
					return
				}
				select {
				case <-again.C:
				case <-ctx.Done():
					t.Fatalf("not taken back: %q, %v, %v", now, err, gone)
				}
			}
		})
	}
}
