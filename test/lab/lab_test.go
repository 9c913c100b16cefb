package lab_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/rcwizard/rcwizard/test/lab"
)

// run is the output of a command that must succeed.
func run(t *testing.T, h *lab.Host, argv ...string) string {
	t.Helper()
	out, err := h.Exec(t.Context(), argv...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// sshTo runs ssh in the operator's place, with the fleet's key and known_hosts, and returns both outputs.
func sshTo(t *testing.T, f *lab.Fleet, h *lab.Host, user, command string, options ...string) (string, error) {
	t.Helper()
	argv := append([]string{
		"ssh", "-F", "none", "-i", f.KeyFile(), "-o", "UserKnownHostsFile=" + f.KnownHostsFile(),
		"-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR",
	}, options...)
	out, err := f.Op(t.Context(), append(argv, user+"@"+h.Address().String(), command)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// opens says whether a TCP connection from one host to another opens, for which a busy machine may need some seconds.
func opens(t *testing.T, from, to *lab.Host, port string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := from.Exec(ctx, "bash", "-c", "exec 3<>/dev/tcp/"+to.Address().String()+"/"+port)
	return err == nil
}

//nolint:tparallel // the parts look at one fleet, in order
func TestHosts(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1", "rc2", "edge")})
	t.Logf("4 hosts with their services, up after %.2f s", time.Since(begun).Seconds())

	t.Run("each is a machine of its own", func(t *testing.T) {
		seen := map[string]string{}
		for _, h := range f.Hosts() {
			for what, argv := range map[string][]string{
				"hostname":   {"hostname"},
				"docker":     {"docker", "info", "--format", "{{.Name}} {{.ID}}"},
				"machine-id": {"cat", "/etc/machine-id"},
				"boot_id":    {"cat", "/proc/sys/kernel/random/boot_id"},
				"host key":   {"ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key"},
				"address":    {"ip", "-o", "addr", "show", "eth0"},
			} {
				value := run(t, h, argv...)
				if other, ok := seen[what+value]; ok {
					t.Errorf("%s and %s have the same %s: %s", h.Name(), other, what, value)
				}
				seen[what+value] = h.Name()
			}
			if got := run(t, h, "hostname"); got != h.Name() {
				t.Errorf("hostname of %s: %s", h.Name(), got)
			}
			if got := run(t, h, "cat", "/proc/sys/kernel/random/boot_id"); got != h.BootID() {
				t.Errorf("boot_id of %s: the host says %s, the lab %s", h.Name(), got, h.BootID())
			}
			if got := run(t, h, "docker", "compose", "version", "--short"); !strings.HasPrefix(got, "2.") {
				t.Errorf("compose on %s: %q", h.Name(), got)
			}
		}
	})

	t.Run("a host sees nothing of the machine", func(t *testing.T) {
		repo, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		if out, err := f.Host("db").Exec(t.Context(), "ls", repo); err == nil {
			t.Errorf("the host lists %s: %s", repo, out)
		}
		if got := run(t, f.Host("db"), "cat", "/proc/1/comm"); got != "init" {
			t.Errorf("the host's first process is %q", got)
		}
		if out, err := f.Host("db").Exec(t.Context(), "sh", "-c", "ls /dev/[vs]d* /dev/nvme*"); err == nil {
			t.Errorf("the host has the machine's disks: %s", out)
		}
	})

	t.Run("exec tells code and errors", func(t *testing.T) {
		_, err := f.Host("db").Exec(t.Context(), "sh", "-c", "echo no >&2; exit 3")
		var exit *lab.ExitError
		if !errors.As(err, &exit) || exit.Code != 3 || exit.Stderr != "no\n" || exit.Host != "db" {
			t.Errorf("got %#v", err)
		}
	})

	t.Run("names", func(t *testing.T) {
		for _, h := range f.Hosts() {
			for name, want := range map[string]*lab.Host{
				f.Domain():                  f.Host("edge"),
				"grafana." + f.Domain():     f.Host("edge"),
				"rc1." + f.Name() + ".test": f.Host("rc1"),
			} {
				if got := run(t, h, "getent", "hosts", name); !strings.HasPrefix(got, want.Address().String()+" ") {
					t.Errorf("%s on %s: %q, want %s", name, h.Name(), got, want.Address())
				}
			}
			// A container of the guide's reaches MongoDB under this name; a host must not.
			if out, err := h.Exec(t.Context(), "getent", "hosts", "mongodb"); err == nil {
				t.Errorf("mongodb resolves on %s: %s", h.Name(), out)
			}
		}
		out, err := f.Op(t.Context(), "getent", "hosts", f.Domain()).Output()
		if err != nil || !strings.HasPrefix(string(out), f.Host("edge").Address().String()) {
			t.Errorf("the operator resolves %s to %q: %v", f.Domain(), out, err)
		}
	})

	t.Run("pulls", func(t *testing.T) {
		h := f.Host("rc1")
		for _, image := range []string{"alpine:3.22", "registry.rocket.chat/rocketchat/rocket.chat:" + lab.Release} {
			run(t, h, "docker", "pull", "-q", image)
			if got := run(t, h, "docker", "image", "inspect", "--format", "{{index .RepoDigests 0}}", image); !strings.Contains(got, "@sha256:") {
				t.Errorf("%s has the digest %q", image, got)
			}
		}
		if got := run(t, h, "docker", "run", "--rm", "--network", "host", "alpine:3.22", "hostname"); got != "rc1" {
			t.Errorf("a container on the host's network says it is %q", got)
		}
	})

	t.Run("certificate authority", func(t *testing.T) {
		roots, err := os.ReadFile(f.ACMERootsFile())
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(roots)
		client := &http.Client{Transport: &http.Transport{
			DialContext: f.Dial, TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true,
		}}
		resp, err := client.Get(f.ACMEDirectory())
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil || !strings.Contains(string(body), "newOrder") {
			t.Errorf("the directory: %s: %s, %v", resp.Status, body, err)
		}
	})

	t.Run("workspace", func(t *testing.T) {
		w, err := f.Workspace()
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Hosts) != 4 || len(w.Instances) != 2 {
			t.Errorf("the workspace has %d hosts and %d instances, want 4 and 2", len(w.Hosts), len(w.Instances))
		}
		w.Domain = "other.example.com"
		path, err := f.StoreWorkspace("other", w)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(content), "domain: other.example.com") {
			t.Errorf("stored:\n%s\n%v", content, err)
		}
	})
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("one"), Bare: true})
	h := f.Host("one")
	const askSudo = "sudo -n true 2>/dev/null && echo sudo || echo no sudo; docker info >/dev/null 2>&1 && echo docker || echo no docker"
	for user, want := range map[string]string{
		lab.Root:   "sudo\ndocker",
		lab.Deploy: "no sudo\ndocker",
		lab.Admin:  "sudo\nno docker",
		lab.Asker:  "no sudo\nno docker",
		lab.Guest:  "no sudo\nno docker",
	} {
		if got, err := sshTo(t, f, h, user, askSudo); got != want || err != nil {
			t.Errorf("%s has %q, want %q (%v)", user, got, want, err)
		}
	}
	withPassword := func(user string) string {
		return "echo " + lab.Password(user) + " | sudo -S -p '' id -un 2>&1"
	}
	if got, err := sshTo(t, f, h, lab.Asker, withPassword(lab.Asker)); got != "root" || err != nil {
		t.Errorf("asker with a password is %q, want root (%v)", got, err)
	}
	if got, err := sshTo(t, f, h, lab.Guest, withPassword(lab.Guest)); err == nil || !strings.Contains(got, "not in the sudoers file") {
		t.Errorf("guest with a password: %q, want a refusal (%v)", got, err)
	}

	key, err := os.ReadFile(f.LockedKeyFile())
	if err != nil {
		t.Fatal(err)
	}
	var missing *ssh.PassphraseMissingError
	if _, err := ssh.ParsePrivateKey(key); !errors.As(err, &missing) {
		t.Errorf("the second key parses without its passphrase: %v", err)
	}
	signer, err := ssh.ParsePrivateKeyWithPassphrase(key, []byte(lab.Passphrase))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		auth ssh.AuthMethod
		ok   bool
	}{
		"second key":     {ssh.PublicKeys(signer), true},
		"password":       {ssh.Password(lab.Password(lab.Deploy)), true},
		"wrong password": {ssh.Password("x"), false},
	} {
		err := login(t, f, h, lab.Deploy, c.auth)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// login connects with x/crypto's client over Dial, checking the host by the fleet's known_hosts.
func login(t *testing.T, f *lab.Fleet, h *lab.Host, user string, auth ssh.AuthMethod) error {
	t.Helper()
	known, err := knownhosts.New(f.KnownHostsFile())
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort(h.Address().String(), "22")
	conn, err := f.Dial(t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	c, _, _, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{auth}, HostKeyCallback: known})
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	return c.Close()
}

func TestPowerCut(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("one", "two"), Bare: true})
	h := f.Host("one")
	run(t, h, "sh", "-c", "echo stays >/root/file; echo goes >/run/file; nft add table inet mine")
	run(t, h, "sh", "-c", "tar -C / -c bin/busybox | docker import - busybox:lab")
	run(t, h, "docker", "run", "-d", "--name", "web", "--network", "host", "--restart", "unless-stopped",
		"busybox:lab", "/bin/busybox", "httpd", "-f", "-p", "3000")
	if !opens(t, f.Host("two"), h, "3000") {
		t.Fatal("the container does not answer on the host's network")
	}
	before, machine := h.BootID(), run(t, h, "cat", "/etc/machine-id")

	begun := time.Now()
	if err := h.PowerCut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.On() || opens(t, f.Host("two"), h, "22") {
		t.Error("the host answers after its power was cut")
	}
	if _, err := h.Exec(t.Context(), "true"); err == nil {
		t.Error("a command ran on a host without power")
	}
	if err := h.PowerCut(t.Context()); err == nil {
		t.Error("the power was cut twice")
	}
	booted := time.Now()
	if err := h.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("power cut %.2f s, boot %.2f s", booted.Sub(begun).Seconds(), time.Since(booted).Seconds())
	if h.BootID() == before || h.BootID() == "" {
		t.Errorf("boot_id is still %q", before)
	}
	if got := run(t, h, "cat", "/etc/machine-id"); got != machine {
		t.Errorf("machine-id was %s, is %s", machine, got)
	}
	if got := run(t, h, "cat", "/root/file"); got != "stays" {
		t.Errorf("the file on the disk: %q", got)
	}
	for _, gone := range [][]string{{"cat", "/run/file"}, {"nft", "list", "table", "inet", "mine"}} {
		if out, err := h.Exec(t.Context(), gone...); err == nil {
			t.Errorf("%v is still there: %s", gone, out)
		}
	}
	if got, err := sshTo(t, f, h, lab.Deploy, "docker ps --format '{{.Names}}'"); got != "web" || err != nil {
		t.Errorf("containers after the boot: %q, %v; want web", got, err)
	}
	for range 50 {
		if opens(t, f.Host("two"), h, "3000") {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Error("the container does not answer after the boot")
}

//nolint:tparallel // the parts change one fleet, in order
func TestHostOptions(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{
		{Name: "plain"},
		{Name: "nodocker", NoDocker: true},
		{Name: "noforward", NoForwarding: true},
		{Name: "inner", Behind: "plain"},
		{Name: "late", Faketime: "+2h"},
		{Name: "nocompose", NoCompose: true},
		{Name: "two", CgroupV2: true},
	}, Bare: true})

	t.Run("without docker", func(t *testing.T) {
		h := f.Host("nodocker")
		if got, err := sshTo(t, f, h, lab.Root, "command -v docker dockerd containerd"); err == nil {
			t.Errorf("Docker is there: %q", got)
		}
		if err := h.InstallDocker(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := sshTo(t, f, h, lab.Deploy, "docker info --format {{.Name}} && docker compose version --short"); err != nil || !strings.HasPrefix(got, "nodocker\n") {
			t.Errorf("Docker after it was installed: %q, %v", got, err)
		}
	})
	t.Run("without compose", func(t *testing.T) {
		if got, err := sshTo(t, f, f.Host("nocompose"), lab.Root, "docker info >/dev/null && docker compose version"); err == nil {
			t.Errorf("compose is there: %q", got)
		}
	})
	t.Run("without forwarding", func(t *testing.T) {
		through := "ProxyCommand=ssh -F none -i " + f.KeyFile() + " -o UserKnownHostsFile=" + f.KnownHostsFile() + " -W %h:%p root@"
		for jump, ok := range map[string]bool{"plain": true, "noforward": false} {
			_, err := sshTo(t, f, f.Host("inner"), lab.Root, "true", "-o", through+f.Host(jump).Address().String())
			if (err == nil) != ok {
				t.Errorf("through %s: %v", jump, err)
			}
		}
	})
	t.Run("behind a jump host", func(t *testing.T) {
		if got, err := sshTo(t, f, f.Host("inner"), lab.Root, "true"); err == nil {
			t.Errorf("reached without the jump host: %q", got)
		}
		if opens(t, f.Host("nodocker"), f.Host("inner"), "22") || !opens(t, f.Host("plain"), f.Host("inner"), "22") {
			t.Error("inner must be reached from plain alone")
		}
	})
	t.Run("cgroups of version 2", func(t *testing.T) {
		h := f.Host("two")
		if got := run(t, h, "docker", "info", "--format", "{{.CgroupVersion}}"); got != "2" {
			t.Errorf("Docker sees cgroups of version %s", got)
		}
		run(t, h, "sh", "-c", "tar -C / -c bin/busybox | docker import - busybox:lab")
		if got := run(t, h, "docker", "run", "--rm", "busybox:lab", "/bin/busybox", "echo", "ran"); got != "ran" {
			t.Errorf("a container says %q", got)
		}
	})
	t.Run("another clock", func(t *testing.T) {
		got, err := sshTo(t, f, f.Host("late"), lab.Root, "date +%s")
		if err != nil {
			t.Fatal(err)
		}
		then, err := time.Parse("2006", "1970")
		if err != nil {
			t.Fatal(err)
		}
		seconds, err := time.ParseDuration(got + "s")
		if ahead := time.Until(then.Add(seconds)); err != nil || ahead < 119*time.Minute || ahead > 121*time.Minute {
			t.Errorf("the clock is %s ahead (%v), want two hours", ahead, err)
		}
	})
	t.Run("killed and started at once", func(t *testing.T) {
		h := f.Host("late")
		for range 20 {
			run(t, h, "sh", "-c", `kill -9 "$(cat /run/sshd.pid)"`)
			if err := h.StartSSH(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := sshTo(t, f, h, lab.Root, "true"); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("changed host key", func(t *testing.T) {
		h := f.Host("plain")
		// Many times, for sshd that is on its way out must not be taken for the one that is to come.
		for range 20 {
			before, err := h.HostKey()
			if err != nil {
				t.Fatal(err)
			}
			if err := h.ChangeHostKey(t.Context()); err != nil {
				t.Fatal(err)
			}
			if after, err := h.HostKey(); after == before || err != nil {
				t.Errorf("the fingerprint is still %s (%v)", after, err)
			}
		}
		if got, err := sshTo(t, f, h, lab.Root, "true"); err == nil || !strings.Contains(got, "verification failed") {
			t.Errorf("ssh takes the new key for the old: %q", got)
		}
	})
}

func TestShells(t *testing.T) {
	t.Parallel()
	shells := map[string]string{"dash": lab.Dash, "fish": lab.Fish, "tcsh": lab.Tcsh, "zsh": lab.Zsh, "busybox": lab.Busybox}
	hosts := make([]lab.HostOptions, 0, len(shells))
	for name, shell := range shells {
		hosts = append(hosts, lab.HostOptions{Name: name, Shell: shell, NoDocker: true})
	}
	f := lab.Up(t, lab.Options{Hosts: hosts, Bare: true})
	for name, shell := range shells {
		for _, user := range []string{lab.Root, lab.Deploy} {
			if got, err := sshTo(t, f, f.Host(name), user, "echo $SHELL"); got != shell || err != nil {
				t.Errorf("%s on %s has the shell %q, want %s (%v)", user, name, got, shell, err)
			}
		}
	}
	if got, err := sshTo(t, f, f.Host("busybox"), lab.Root, "readlink /proc/$$/exe"); !strings.HasSuffix(got, "/busybox") || err != nil {
		t.Errorf("busybox's shell is %q (%v)", got, err)
	}
}
