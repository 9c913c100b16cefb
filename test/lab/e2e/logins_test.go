package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// Every way to log in that people have leads to a plan, which looks at the
// host and asks its Docker; and each way that lacks something says what.
//
//nolint:tparallel // the parts are short, and the last one keeps the host busy
func TestLogins(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{
		{Name: "door"},
		{Name: "inner", Behind: "door", Shell: lab.Dash},
		{Name: "asks", SSHD: []string{"PasswordAuthentication no", "KbdInteractiveAuthentication yes"}},
	}})
	keyless := func(w *workspace.Workspace) { w.Hosts[0].SSH.IdentityFile = "" }
	locked := func(w *workspace.Workspace) { w.Hosts[0].SSH.IdentityFile = f.LockedKeyFile() }

	t.Run("jump host", func(t *testing.T) { throughJumpHost(t, f) })
	t.Run("agent", func(t *testing.T) {
		r := allInOne(t, f, "door", lab.Admin, workspace.Secrets{}, keyless)
		r.told(t, r.run("plan", "-f", r.file), 1, "does not let admin in", "give the password", "ssh-copy-id", "hosts.door.ssh_password")
		r.plans(t, "SSH_AUTH_SOCK="+r.agent(t))
	})
	t.Run("passphrase", func(t *testing.T) {
		r := allInOne(t, f, "door", lab.Admin, workspace.Secrets{}, locked)
		r.told(t, r.run("plan", "-f", r.file), 1, "has a passphrase", "hosts.door.key_passphrase in secrets.yaml", "ssh-add")
		r.typed(t, "Passphrase of "+f.LockedKeyFile()+": ", lab.Passphrase)
		r.writeSecrets(hostSecrets("door", workspace.HostSecrets{KeyPassphrase: lab.Passphrase}))
		r.plans(t)
	})
	t.Run("wrong passphrase", func(t *testing.T) {
		r := allInOne(t, f, "door", lab.Admin, hostSecrets("door", workspace.HostSecrets{KeyPassphrase: "canary-Pa55"}), locked)
		r.told(t, r.run("plan", "-f", r.file), 1, "the passphrase does not open the key "+f.LockedKeyFile(), "correct hosts.door.key_passphrase")
	})
	for _, host := range []string{"door", "asks"} {
		t.Run("password on "+host, func(t *testing.T) {
			r := allInOne(t, f, host, lab.Admin, workspace.Secrets{}, keyless)
			r.typed(t, "Password of admin on "+host+": ", lab.Password(lab.Admin))
			r.writeSecrets(hostSecrets(host, workspace.HostSecrets{SSHPassword: lab.Password(lab.Admin)}))
			r.plans(t)
		})
		t.Run("wrong password on "+host, func(t *testing.T) {
			r := allInOne(t, f, host, lab.Admin, hostSecrets(host, workspace.HostSecrets{SSHPassword: "canary-Pa55"}), keyless)
			o := r.run("plan", "-f", r.file)
			r.told(t, o, 1, "does not let admin in", "check user and password")
			if strings.Contains(o.text(), "canary-Pa55") {
				t.Error("the wrong password was printed")
			}
		})
	}
	t.Run("this machine", func(t *testing.T) { onThisMachine(t, f) })
}

func hostSecrets(host string, s workspace.HostSecrets) workspace.Secrets {
	return workspace.Secrets{Hosts: map[string]workspace.HostSecrets{host: s}}
}

// throughJumpHost reaches a host that only its neighbour reaches. The
// neighbour's key is nobody's secret, and is to be confirmed as any other.
func throughJumpHost(t *testing.T, f *lab.Fleet) {
	t.Helper()
	r := allInOne(t, f, "inner", lab.Root, workspace.Secrets{}, nil)
	door := fingerprint(t, f.Host("door"))
	r.told(t, r.run("plan", "-f", r.file), 1, door, "it is the jump host of inner", "--accept-new-host-keys")
	known, err := os.ReadFile(f.KnownHostsFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.knownHosts(), known, 0o600); err != nil {
		t.Fatal(err)
	}
	r.plans(t)
	// Without the jump host there is no way.
	r.writeWorkspace(func(w *workspace.Workspace) { w.Hosts[0].SSH.ProxyJump = "" })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if o := finish(t, r.command(ctx, "plan", "-f", r.file)); o.code == 0 {
		t.Errorf("inner is reached without its jump host:\n%s", o.text())
	}
}

// plans runs plan, which must find a fresh host with Docker on it, and print no secret.
func (r *rig) plans(t *testing.T, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := r.command(ctx, "plan", "-f", r.file)
	cmd.Env = append(cmd.Env, env...)
	o := finish(t, cmd)
	if o.code != 0 || !strings.Contains(o.stdout, "13 steps: 1 done") {
		t.Errorf("plan ended with code %d:\n%s", o.code, o.text())
	}
	for _, secret := range []string{lab.Passphrase, lab.Password(lab.Admin)} {
		if strings.Contains(o.text(), secret) {
			t.Errorf("a secret was printed:\n%s", o.text())
		}
	}
}

// typed runs plan at a terminal, where a person types the secret that is
// asked for; it is not shown, and not kept.
func (r *rig) typed(t *testing.T, prompt, secret string) {
	t.Helper()
	o := r.converse(t, prompt, secret+"\r", "plan", "-f", r.file)
	if o.code != 0 || !strings.Contains(o.stdout, "13 steps: 1 done") {
		t.Errorf("plan ended with code %d:\n%s", o.code, o.stdout)
	}
	if strings.Contains(o.stdout, secret) {
		t.Errorf("what was typed is shown:\n%s", o.stdout)
	}
	kept, err := os.ReadFile(filepath.Join(r.state, "secrets.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(kept), secret) {
		t.Error("what was typed for this run was kept")
	}
}

// agent runs an ssh-agent with the fleet's key for the test and returns its socket.
func (r *rig) agent(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(r.Dir(), "agent")
	// Its own context ends it with the test.
	agent := r.Op(t.Context(), "ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Wait() })
	eventually(t, "the agent to take the key", time.Minute, func() (bool, string) {
		add := r.Op(t.Context(), "ssh-add", r.KeyFile())
		add.Env = append(add.Env, "SSH_AUTH_SOCK="+socket)
		out, err := add.CombinedOutput()
		return err == nil, string(out)
	})
	return socket
}

// onThisMachine installs where rcwizard itself runs: without SSH, as root.
func onThisMachine(t *testing.T, f *lab.Fleet) {
	t.Helper()
	h := f.Host("door")
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	r := allInOne(t, f, "door", lab.Root, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) {
		w.Hosts[0].Address, w.Hosts[0].SSH = workspace.AddressLocal, workspace.SSH{}
		w.TLS.CACertFile = "roots.pem"
	})
	for from, to := range map[string]string{
		bin: "/usr/local/bin/rcwizard", f.ACMERootsFile(): "/root/cluster/roots.pem", r.file: "/root/cluster/workspace.yaml",
		filepath.Join(filepath.Dir(r.file), "secrets.yaml"): "/root/cluster/secrets.yaml",
	} {
		content, err := os.Open(from)
		if err != nil {
			t.Fatal(err)
		}
		put := h.Command(t.Context(), "sh", "-c", `umask 077; mkdir -p /root/cluster; cat >"$1"; chmod 700 "$1"`, "sh", to)
		put.Stdin = content
		out, err := put.CombinedOutput()
		_ = content.Close()
		if err != nil {
			t.Fatalf("%s: %v: %s", to, err, out)
		}
	}
	here := func(args ...string) outcome {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		return finish(t, h.Command(ctx, append([]string{"env", "HOME=/root", "rcwizard"}, args...)...))
	}
	// Nothing may go over SSH.
	if err := h.FreezeSSH(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := here("install", "-f", "/root/cluster/workspace.yaml", "--yes")
	if o.code != 0 {
		t.Fatalf("install ended with code %d:\n%s", o.code, tail(o.text(), 60))
	}
	t.Logf("lab: installed on this machine in %.1f s", o.took.Seconds())
	status := here("status")
	if status.code != 0 || !strings.Contains(status.stdout, "1 of 1 instance") {
		t.Errorf("status ended with code %d:\n%s", status.code, status.text())
	}
	r.unchangedBy(t, func() {
		if o := here("resume", "--yes"); o.code != 0 {
			t.Errorf("resume ended with code %d:\n%s", o.code, tail(o.text(), 60))
		}
	})
}
