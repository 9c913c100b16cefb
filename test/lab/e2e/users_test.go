package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// Every kind of user that may deploy does, each on a host of its own that
// carries all roles, with a login shell of its own; who may not is told what
// to do.
func TestUsers(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{
		{Name: lab.Root, Shell: lab.Busybox},
		{Name: lab.Admin, Shell: lab.Fish},
		{Name: lab.Asker, Shell: lab.Tcsh, NoForwarding: true},
		{Name: lab.Deploy, Shell: lab.Zsh},
	}})
	// A group, so that the hosts that are empty still are looked at first.
	t.Run("told", func(t *testing.T) {
		t.Run("guest", func(t *testing.T) { guestIsTold(t, f) })
		t.Run("asker without the password", func(t *testing.T) { passwordIsMissed(t, f) })
		t.Run("asker with a wrong password", func(t *testing.T) { passwordIsWrong(t, f) })
		t.Run("deploy", func(t *testing.T) { deployIsTold(t, f) })
	})
	t.Run("root", func(t *testing.T) {
		t.Parallel()
		deploysAs(t, f, lab.Root, "", nil)
	})
	t.Run("sudo without a password", func(t *testing.T) {
		t.Parallel()
		deploysAs(t, f, lab.Admin, "", nil)
	})
	t.Run("sudo with a password, no forwarding", func(t *testing.T) {
		t.Parallel()
		deploysAs(t, f, lab.Asker, lab.Password(lab.Asker), askSudo)
	})
	t.Run("group docker without sudo", func(t *testing.T) {
		t.Parallel()
		r := deploysAs(t, f, lab.Deploy, "", func(w *workspace.Workspace) { w.Directory = "/home/deploy/rocketchat" })
		if owners := r.shell(lab.Deploy, "find /home/deploy/rocketchat -printf '%u:%g\\n' | sort -u"); owners != "deploy:deploy\n" {
			t.Errorf("the files belong to %q", owners)
		}
	})
}

// deploysAs installs as a user on the host that has its name, and again.
func deploysAs(t *testing.T, f *lab.Fleet, user, sudo string, edit func(*workspace.Workspace)) *rig {
	t.Helper()
	secrets := workspace.Secrets{License: "lab:scalability"}
	if sudo != "" {
		secrets = secrets.Override(hostSecrets(user, workspace.HostSecrets{SudoPassword: sudo}))
	}
	r := allInOne(t, f, user, user, secrets, edit)
	o := r.install()
	r.counts(cluster.VerdictOK, "1 of 1 instance registered")
	t.Logf("lab: installed as %s in %.1f s", user, o.took.Seconds())
	again := o
	r.unchangedBy(t, func() { again = r.install() })
	if sudo != "" && strings.Contains(o.text()+again.text(), sudo) {
		t.Error("the password for sudo was printed")
	}
	return r
}

// unchangedBy fails the test if something that is done touches containers or files.
func (r *rig) unchangedBy(t *testing.T, do func()) {
	t.Helper()
	containers, files := r.containers(), r.files()
	if len(containers) == 0 || len(files) == 0 {
		t.Errorf("%d containers and %d files are there", len(containers), len(files))
	}
	do()
	if diff := cmp.Diff(containers, r.containers()); diff != "" {
		t.Errorf("containers were touched (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(files, r.files()); diff != "" {
		t.Errorf("files were touched (-before +after):\n%s", diff)
	}
}

// guestIsTold: neither sudo nor Docker.
func guestIsTold(t *testing.T, f *lab.Fleet) {
	t.Helper()
	r := allInOne(t, f, lab.Root, lab.Guest, workspace.Secrets{}, nil)
	o := r.run("install", "-f", r.file, "--yes")
	r.told(t, o, 3, "guest may not use Docker", "usermod -aG docker guest", "sudo")
	r.told(t, r.run("plan", "-f", r.file), 3, "the user guest may not use Docker", "usermod -aG docker guest")
}

// askSudo is the setting for users whom sudo asks for a password.
func askSudo(w *workspace.Workspace) { w.Hosts[0].Sudo = workspace.SudoPassword }

func passwordIsMissed(t *testing.T, f *lab.Fleet) {
	t.Helper()
	r := allInOne(t, f, lab.Asker, lab.Asker, workspace.Secrets{}, askSudo)
	r.told(t, r.run("install", "-f", r.file, "--yes"), 3, "sudo on asker asks for a password", "sudo_password")
	// At a terminal a person is asked instead.
	r.typed(t, "Password of asker for sudo on asker: ", lab.Password(lab.Asker))
}

func passwordIsWrong(t *testing.T, f *lab.Fleet) {
	t.Helper()
	const typo = "canary-sudo-Pa55"
	r := allInOne(t, f, lab.Asker, lab.Asker, hostSecrets(lab.Asker, workspace.HostSecrets{SudoPassword: typo}), askSudo)
	for said, args := range map[string][]string{"sudo on asker does not accept the password": {"install", "--yes"}, "sudo does not take the password of asker": {"plan"}} {
		o := r.run(append(args, "-f", r.file)...)
		r.told(t, o, 3, said, "orrect hosts.asker.sudo_password in secrets.yaml")
		if strings.Contains(o.text(), typo) {
			t.Error("the wrong password was printed")
		}
	}
}

// deployIsTold: without sudo the usual directory cannot be made.
func deployIsTold(t *testing.T, f *lab.Fleet) {
	t.Helper()
	r := allInOne(t, f, lab.Deploy, lab.Deploy, workspace.Secrets{}, nil)
	r.told(t, r.run("install", "-f", r.file, "--yes"), 3, "sudo on deploy asks for a password", "the directory on deploy needs root")
}

// told fails the test unless the program ended with the code and said the texts.
func (r *rig) told(t *testing.T, o outcome, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("code %d, want %d:\n%s", o.code, code, o.text())
	}
	for _, text := range texts {
		if !strings.Contains(o.text(), text) {
			t.Errorf("%q is not said:\n%s", text, o.text())
		}
	}
}

// allInOne is a rig of a workspace with one instance, and with every role on
// one host.
func allInOne(t *testing.T, f *lab.Fleet, host, user string, s workspace.Secrets, edit func(*workspace.Workspace)) *rig {
	t.Helper()
	return newRig(t, f, s, func(w *workspace.Workspace) {
		h, err := f.Host(host).Workspace(user)
		if err != nil {
			t.Fatal(err)
		}
		w.Domain = host + "." + f.Name() + ".test"
		w.Hosts = []workspace.Host{h}
		w.Instances = []workspace.Instance{{Host: host}}
		w.Database.Host, w.Proxy.Host = host, host
		if edit != nil {
			edit(w)
		}
	})
}
