package e2e

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
	kept "github.com/rcwizard/rcwizard/workspace/state"
)

// newPerson is a rig for somebody who has nothing yet but servers, and a key in
// the SSH configuration that lets them in: the wizard is to ask for the rest.
func newPerson(t *testing.T, f *lab.Fleet, edit func(*workspace.Workspace)) *rig {
	t.Helper()
	r := newRig(t, f, workspace.Secrets{}, edit)
	r.sshConfig = filepath.Join(filepath.Dir(r.file), "ssh_config")
	if err := os.WriteFile(r.sshConfig, []byte("IdentityFile "+f.KeyFile()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// addresses are what the person knows of the servers, a line each.
func (r *rig) addresses() []string {
	out := make([]string, len(r.w.Hosts))
	for i, h := range r.w.Hosts {
		out[i] = h.SSH.User + "@" + h.Address
	}
	return out
}

// reply is what a person types after a prompt of the wizard in lines.
type reply struct{ prompt, line string }

// conversation is the way to the review, with as few answers as there can be.
func (r *rig) conversation() []reply {
	return []reply{
		{"Servers: ", strings.Join(r.addresses(), " ")},
		{"Are these their keys? (yes/no): ", "yes"},
		{"What now [1]: ", ""},
		{"Domain: ", r.w.Domain},
		{"E-mail: ", r.w.Email},
		{"Number, or another [1]: ", ""},
		{"First administrator (yes/no) [yes]: ", ""},
		{"Administrator's name [admin]: ", ""},
		{"Administrator's e-mail [" + r.w.Email + "]: ", ""},
		{"Administrator's password (made for you): ", ""},
		{"Registration token (not registered): ", ""},
		{"Licence (none): ", ""},
		{"Number: ", "3"}, // nobody is led to an authority that issues nothing for this name
		{"Authority's address: ", r.ACMEDirectory()},
		{"Authority's root (a public authority): ", r.ACMERootsFile()},
		{"Number [1]: ", ""},
		{"Grafana's path [/grafana]: ", ""},
		{"Grafana's password (made for you): ", ""},
		{"Number [1]: ", ""},
		{"Change any of the advanced settings? (yes/no) [no]: ", ""},
	}
}

// The wizard in lines, from four addresses to a running workspace: at a
// terminal, where the person stops before anything is changed, and through a
// pipe, all the way.
//
//nolint:tparallel // the second changes the hosts that the first looks at
func TestWizardInLines(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: four()})
	t.Run("terminal", func(t *testing.T) {
		r := newPerson(t, f, nil)
		o := r.talk(t, append(r.conversation(), reply{"What now: ", "6"}), "--plain")
		if o.code != 0 || strings.Contains(o.stdout, "not right") {
			t.Errorf("it ended with code %d:\n%s", o.code, o.stdout)
		}
		if _, err := os.Stat(filepath.Join(r.state, "workspace.yaml")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("nothing was deployed, and there is a workspace: %v", err)
		}
		if found := r.shell("db", "ls -A /opt/rocketchat 2>/dev/null || :"); found != "" {
			t.Errorf("db has files: %s", found)
		}
	})
	t.Run("pipe", func(t *testing.T) { wizardThroughAPipe(t, newPerson(t, f, nil)) })
}

func wizardThroughAPipe(t *testing.T, r *rig) {
	t.Helper()
	var lines strings.Builder
	for _, a := range append(r.conversation(), reply{"What now: ", "1"}, reply{"now? (yes/no): ", "yes"}) {
		lines.WriteString(a.line + "\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := r.command(ctx, "--plain")
	cmd.Stdin = strings.NewReader(lines.String())
	o := finish(t, cmd)
	if o.code != 0 {
		t.Fatalf("it ended with code %d:\n%s\n%s", o.code, o.stderr, tail(o.stdout, 60))
	}
	t.Logf("lab: from addresses to a counted workspace through a pipe in %.1f s", o.took.Seconds())
	for _, h := range r.w.Hosts {
		if n := strings.Count(o.stderr, fingerprint(t, r.Host(h.Name))); n != 1 {
			t.Errorf("the fingerprint of %s is shown %d times:\n%s", h.Name, n, o.stderr)
		}
	}
	const summary = "2 of 2 instances registered, not linked: no licence"
	if !strings.Contains(o.stdout, summary) || strings.Contains(o.text(), "SERVER RUNNING") {
		t.Errorf("it does not say %q, or it says what containers print:\n%s", summary, o.stdout)
	}
	r.counts(cluster.VerdictWarning, summary)
	r.recorded()
	r.keepsSecrets(o.text())
	r.wroteWorkspace()
}

// recorded shows that report.md says what the check before the deployment came
// to.
func (r *rig) recorded() {
	r.t.Helper()
	report, err := os.ReadFile(filepath.Join(r.state, "report.md"))
	if err != nil {
		r.t.Fatal(err)
	}
	_, checked, found := strings.Cut(string(report), "## Check before the last change")
	if !found || !strings.Contains(checked, " passed") {
		r.t.Errorf("report.md says nothing of the check:\n%s", report)
	}
}

// keepsSecrets shows that a text has none of the secrets that are kept.
func (r *rig) keepsSecrets(text string) {
	r.t.Helper()
	secrets, err := kept.ReadSecrets(filepath.Join(r.state, "secrets.yaml"))
	if err != nil {
		r.t.Fatal(err)
	}
	if len(secrets.Values()) < 2 {
		r.t.Error("no passwords were made")
	}
	for _, s := range secrets.Values() {
		if strings.Contains(text, s) {
			r.t.Error("a secret is shown")
		}
	}
}

// talk runs the program in a terminal and types each reply when its prompt is
// there.
func (r *rig) talk(t *testing.T, replies []reply, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := r.command(ctx, args...)
	started := time.Now()
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }() // the program is at its end
	var shown strings.Builder
	answered := 0 // how much of shown came before the last reply
	chunk := make([]byte, 4096)
	for {
		n, err := terminal.Read(chunk)
		shown.Write(chunk[:n])
		if len(replies) > 0 && strings.HasSuffix(strings.TrimRight(shown.String()[answered:], "\r\n"), replies[0].prompt) {
			answered = shown.Len()
			if _, err := io.WriteString(terminal, replies[0].line+"\r"); err != nil {
				t.Fatal(err)
			}
			replies = replies[1:]
		}
		if err == nil {
			continue
		}
		// Linux says EIO at the end of a terminal.
		if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		break
	}
	_ = cmd.Wait() // its code is in the outcome
	if len(replies) > 0 {
		t.Errorf("it never asked %q:\n%s", replies[0].prompt, shown.String())
	}
	return outcome{code: cmd.ProcessState.ExitCode(), stdout: shown.String(), took: time.Since(started)}
}
