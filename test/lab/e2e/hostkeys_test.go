package e2e

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// A host that shows another key than the one that is expected gets nothing: no
// user name, no signature, no password. Keys that are new are for a person to
// confirm, all at once.
//
//nolint:tparallel // the parts look at the same hosts, in their order
func TestHostKeys(t *testing.T) {
	t.Parallel()
	hosts := lab.Hosts("db", "rc1", "edge")
	for n := range hosts {
		hosts[n].SSHD = []string{"LogLevel DEBUG1"} // which tells of each step of a login
	}
	f := lab.Up(t, lab.Options{Hosts: hosts})
	t.Run("another than workspace.yaml says", func(t *testing.T) {
		wrong := "SHA256:" + strings.Repeat("A", 43)
		r := newRig(t, f, passwords(), func(w *workspace.Workspace) { w.Hosts[0].SSH.HostKey = wrong })
		r.refused(t, []string{"install", "--yes"}, "host db: ", wrong, fingerprint(t, f.Host("db")), "nothing was sent", "as ssh.host_key of the host db")
	})
	t.Run("new, with nobody to ask", func(t *testing.T) { newKeysRefused(t, f) })
	t.Run("new, accepted in advance", func(t *testing.T) {
		r := newRig(t, f, workspace.Secrets{}, forgetKeys)
		keysAccepted(t, r, func() outcome { return r.run("plan", "-f", r.file, "--accept-new-host-keys") })
	})
	t.Run("new, accepted by a person", func(t *testing.T) {
		r := newRig(t, f, workspace.Secrets{}, forgetKeys)
		keysAccepted(t, r, func() outcome {
			o := r.converse(t, "Are these their keys? [y/n] ", "y\r", "plan", "-f", r.file)
			for _, h := range f.Hosts() {
				if n := strings.Count(o.stdout, fingerprint(t, h)); n != 1 {
					t.Errorf("%s's fingerprint is shown %d times:\n%s", h.Name(), n, o.stdout)
				}
			}
			if n := strings.Count(o.stdout, "Are these their keys?"); n != 1 {
				t.Errorf("asked %d times, want once for all hosts:\n%s", n, o.stdout)
			}
			return o
		})
	})
	t.Run("new, refused by a person", func(t *testing.T) {
		r := newRig(t, f, passwords(), forgetKeys)
		before := r.sshdLog(f.Host("db"))
		o := r.converse(t, "Are these their keys? [y/n] ", "n\r", "plan", "-f", r.file)
		if o.code != 2 || !strings.Contains(o.stdout, "host keys not accepted: nothing was sent to the hosts") {
			t.Errorf("code %d, want 2:\n%s", o.code, o.stdout)
		}
		r.nothingSent(t, f.Host("db"), before)
	})
	// The last, for the host is another from here on.
	t.Run("changed since it was known", func(t *testing.T) { changedKey(t, f) })
}

func newKeysRefused(t *testing.T, f *lab.Fleet) {
	t.Helper()
	r := newRig(t, f, passwords(), forgetKeys)
	said := r.refused(t, []string{"install", "--yes"}, "--accept-new-host-keys")
	for _, h := range f.Hosts() {
		want := "set ssh.host_key of the host " + h.Name() + " to " + fingerprint(t, h)
		if n := strings.Count(said, want); n != 1 {
			t.Errorf("%q is said %d times, want once:\n%s", want, n, said)
		}
	}
	if _, err := os.Stat(r.knownHosts()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key that nobody accepted was recorded: %v", err)
	}
}

// keysAccepted shows that plan works with accepted keys, that they are
// recorded for the user alone, and that nobody is asked the next time.
func keysAccepted(t *testing.T, r *rig, plan func() outcome) {
	t.Helper()
	before := r.sshdLog(r.Host("db"))
	if o := plan(); o.code != 0 || !strings.Contains(o.stdout, "to do") {
		t.Errorf("plan ended with code %d:\n%s", o.code, o.text())
	}
	// The log that the other tests find nothing in does tell of a login.
	if log := r.sshdLog(r.Host("db"))[len(before):]; !strings.Contains(log, "userauth-request") || !strings.Contains(log, "Accepted publickey") {
		t.Errorf("sshd tells of no login:\n%s", log)
	}
	info, err := os.Stat(r.knownHosts())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("known_hosts has the mode %s", info.Mode())
	}
	content, err := os.ReadFile(r.knownHosts())
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(content), "\n"); n != 3 {
		t.Errorf("known_hosts has %d lines, want one for each of 3 hosts:\n%s", n, content)
	}
	if o := r.run("plan", "-f", r.file); o.code != 0 {
		t.Errorf("with recorded keys plan ended with code %d:\n%s", o.code, o.text())
	}
}

func changedKey(t *testing.T, f *lab.Fleet) {
	t.Helper()
	r := newRig(t, f, passwords(), forgetKeys)
	known, err := os.ReadFile(f.KnownHostsFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.knownHosts(), known, 0o600); err != nil {
		t.Fatal(err)
	}
	was := fingerprint(t, f.Host("db"))
	if o := r.run("plan", "-f", r.file); o.code != 0 {
		t.Fatalf("with the known keys plan ended with code %d:\n%s", o.code, o.text())
	}
	if err := f.Host("db").ChangeHostKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	is := fingerprint(t, f.Host("db"))
	for _, args := range [][]string{{"install", "--yes"}, {"install", "--yes", "--accept-new-host-keys"}} {
		said := r.refused(t, args, "host db: ", was, is, "at "+r.knownHosts()+":", "ssh-keygen -R", "nothing was sent")
		for _, other := range []string{"rc1", "edge"} {
			if strings.Contains(said, "host "+other) {
				t.Errorf("%s is complained of, whose key is known:\n%s", other, said)
			}
		}
	}
	after, err := os.ReadFile(r.knownHosts())
	if err != nil {
		t.Fatal(err)
	}
	if string(after) != string(known) {
		t.Errorf("known_hosts was changed:\n%s", after)
	}
}

func fingerprint(t *testing.T, h *lab.Host) string {
	t.Helper()
	key, err := h.HostKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// passwords are there so that a host which should get nothing could get some.
func passwords() workspace.Secrets {
	return workspace.Secrets{Hosts: map[string]workspace.HostSecrets{"db": {SSHPassword: "canary-ssh-Pa55", SudoPassword: "canary-sudo-Pa55"}}}
}

// forgetKeys leaves the keys to known_hosts, and to the person.
func forgetKeys(w *workspace.Workspace) {
	for n := range w.Hosts {
		w.Hosts[n].SSH.HostKey = ""
	}
}

// refused runs the program, which must end with code 1 over db's key, say all
// the texts, and send db nothing. It returns what was said.
func (r *rig) refused(t *testing.T, args []string, texts ...string) string {
	t.Helper()
	before := r.sshdLog(r.Host("db"))
	o := r.run(append(args, "-f", r.file)...)
	if o.code != 1 {
		t.Errorf("%v ended with code %d, want 1:\n%s", args, o.code, o.text())
	}
	for _, text := range texts {
		if !strings.Contains(o.stderr, text) {
			t.Errorf("%v does not say %q:\n%s", args, text, o.text())
		}
	}
	r.nothingSent(t, r.Host("db"), before)
	return o.text()
}

// sshdLog is what a host's sshd wrote so far.
func (r *rig) sshdLog(h *lab.Host) string {
	r.t.Helper()
	log, err := os.ReadFile(filepath.Join(r.Dir(), "log", h.Name()+"-sshd.log"))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(log)
}

// nothingSent shows in sshd's log that since before a connection came and went
// without so much as a user's name.
func (r *rig) nothingSent(t *testing.T, h *lab.Host, before string) {
	t.Helper()
	log := ""
	eventually(t, "sshd to tell of the end of the connection", time.Minute, func() (bool, string) {
		log = r.sshdLog(h)[len(before):]
		return strings.Contains(log, "Connection from") && strings.Contains(log, "[preauth]"), log
	})
	for _, sent := range []string{"userauth-request", "SSH2_MSG_SERVICE_REQUEST", "Accepted", "Failed", "authenticating user"} {
		if strings.Contains(log, sent) {
			t.Errorf("%s got something, for sshd says %q:\n%s", h.Name(), sent, log)
		}
	}
}

// converse runs the program at a terminal, and answers the question that ends
// with prompt. What the terminal showed is the outcome's stdout.
func (r *rig) converse(t *testing.T, prompt, answer string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := r.command(ctx, args...)
	started := time.Now()
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }() // the program is at its end
	var shown strings.Builder
	answered := false
	chunk := make([]byte, 4096)
	for {
		n, err := terminal.Read(chunk)
		shown.Write(chunk[:n])
		if !answered && strings.Contains(shown.String(), prompt) {
			answered = true
			if _, err := io.WriteString(terminal, answer); err != nil {
				t.Fatal(err)
			}
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
	if !answered {
		t.Errorf("%v never asked %q:\n%s", args, prompt, shown.String())
	}
	return outcome{code: cmd.ProcessState.ExitCode(), stdout: shown.String(), took: time.Since(started)}
}
