package hostinit

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// accounts are the users of each host, beside root. Their passwords are "pw-" and the name.
// They are made with the fleet's root; here only what differs between fleets and hosts is added.
func accounts() []string { return []string{"deploy", "admin", "asker", "guest"} }

// configure writes the host's files. What a person may change on a host, and expects to find again after it was
// booted, is written at the first boot alone.
func (r root) configure() error {
	marker := filepath.Join(r.fleet.HostDir(r.host.Name), "configured")
	if _, err := os.Stat(marker); err == nil {
		return nil
	}
	for _, step := range []func() error{r.names, r.keys, r.sshd, r.shells, r.docker, r.withoutDocker, r.packages, r.clock} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		return fmt.Errorf("remember that the host is configured: %w", err)
	}
	return nil
}

// write makes a file of the host that everybody may read.
func (r root) write(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(r.dir+name), 0o755); err != nil { //nolint:gosec // as on any Linux host
		return fmt.Errorf("make %s: %w", name, err)
	}
	// The file may be a link to elsewhere, and elsewhere is the machine's as long as the root is not changed.
	if err := os.Remove(r.dir + name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("make %s: %w", name, err)
	}
	if err := os.WriteFile(r.dir+name, []byte(content), 0o644); err != nil { //nolint:gosec // as on any Linux host
		return fmt.Errorf("make %s: %w", name, err)
	}
	return nil
}

func (r root) names() error {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	hosts := fmt.Sprintf("127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost ip6-localhost ip6-loopback\n", r.host.Name)
	return errors.Join(
		r.write("/etc/machine-id", hex.EncodeToString(id)+"\n"),
		r.write("/etc/hostname", r.host.Name+"\n"),
		r.write("/etc/hosts", hosts),
		r.write("/etc/resolv.conf", "nameserver "+r.fleet.ServicesAddress().String()+"\noptions timeout:2 attempts:2\n"),
	)
}

// keys lets the fleet's keys in to each account and gives the host the keys by which it is known.
func (r root) keys() error {
	authorized, err := os.ReadFile(filepath.Join(r.fleet.Dir, "authorized_keys"))
	if err != nil {
		return fmt.Errorf("read the fleet's keys: %w", err)
	}
	passwd, err := os.ReadFile(r.dir + "/etc/passwd")
	if err != nil {
		return fmt.Errorf("read the accounts: %w", err)
	}
	for _, name := range append(accounts(), "root") {
		uid, gid, home, err := account(string(passwd), name)
		if err != nil {
			return err
		}
		dir := r.dir + home + "/.ssh"
		file := dir + "/authorized_keys"
		if err := errors.Join(
			os.MkdirAll(dir, 0o700),
			os.WriteFile(file, authorized, 0o600), //nolint:gosec // below the host's root, which the lab made
			os.Chown(dir, uid, gid),
			os.Chown(file, uid, gid),
		); err != nil {
			return fmt.Errorf("let the fleet's keys in to %s: %w", name, err)
		}
	}
	keys, err := filepath.Glob(filepath.Join(r.fleet.HostDir(r.host.Name), "ssh_host_*_key"))
	if err != nil || len(keys) == 0 {
		return fmt.Errorf("no host keys in %s: %w", r.fleet.HostDir(r.host.Name), errors.Join(err, os.ErrNotExist))
	}
	for _, k := range keys {
		content, err := os.ReadFile(k)
		if err != nil {
			return fmt.Errorf("read the host's keys: %w", err)
		}
		if err := os.WriteFile(filepath.Join(r.dir, "etc/ssh", filepath.Base(k)), content, 0o600); err != nil { //nolint:gosec // below the host's root, which the lab made
			return fmt.Errorf("install the host's keys: %w", err)
		}
	}
	return nil
}

// account finds a user in the text of /etc/passwd.
func account(passwd, name string) (uid, gid int, home string, err error) {
	for line := range strings.Lines(passwd) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 7 || f[0] != name {
			continue
		}
		uid, uidErr := strconv.Atoi(f[2])
		gid, gidErr := strconv.Atoi(f[3])
		return uid, gid, f[5], errors.Join(uidErr, gidErr)
	}
	return 0, 0, "", fmt.Errorf("the fleet's root has no account %s", name)
}

// sshd puts the host's own lines before the distribution's, since sshd takes the first value that it meets.
func (r root) sshd() error {
	lines := append([]string{"PermitRootLogin prohibit-password"}, r.host.SSHD...)
	return r.write("/etc/ssh/sshd_config.d/00-lab.conf", strings.Join(lines, "\n")+"\n")
}

// shells sets the login shell of all accounts.
func (r root) shells() error {
	if r.host.Shell == "" {
		return nil
	}
	if _, err := os.Stat(r.dir + r.host.Shell); err != nil {
		return fmt.Errorf("login shell: %w", err)
	}
	passwd, err := os.ReadFile(r.dir + "/etc/passwd")
	if err != nil {
		return fmt.Errorf("read the accounts: %w", err)
	}
	users := append(accounts(), "root")
	var out strings.Builder
	for line := range strings.Lines(string(passwd)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		for _, u := range users {
			if f[0] == u && len(f) == 7 {
				f[6] = r.host.Shell
			}
		}
		out.WriteString(strings.Join(f, ":") + "\n")
	}
	return r.write("/etc/passwd", out.String())
}

// docker points the engine to the fleet's registry.
func (r root) docker() error {
	mirror := net.JoinHostPort(r.fleet.ServicesAddress().String(), "5000")
	config, err := json.Marshal(map[string]any{
		"registry-mirrors":    []string{"http://" + mirror},
		"insecure-registries": []string{mirror},
		"storage-driver":      "overlay2",
	})
	if err != nil {
		return fmt.Errorf("configure Docker: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(r.fleet.Dir, "ca.pem"))
	if err != nil {
		return fmt.Errorf("read the fleet's authority: %w", err)
	}
	return errors.Join(
		r.write("/etc/docker/daemon.json", string(config)+"\n"),
		r.write("/etc/docker/certs.d/registry.rocket.chat/ca.crt", string(ca)),
	)
}

func (r root) withoutDocker() error {
	if !r.host.NoDocker {
		return nil
	}
	for _, p := range spec.DockerPrograms() {
		if err := os.Remove(r.dir + p); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove Docker: %w", err)
		}
	}
	return nil
}

// starting stands in for the service manager that a host does not have. A Debian package that would start its service
// asks policy-rc.d whether it may; here that starts Docker's engine, returns when it answers, as systemd does for a
// service that says when it is ready, and then says that there is nothing left to do (101).
const starting = `#!/bin/sh
case "$1 $2" in
"docker start" | "docker (start)") # in brackets where no runlevel is known
  setsid /usr/sbin/dockerd >>/var/log/docker.log 2>&1 </dev/null &
  until curl -fs -o /dev/null --unix-socket /run/docker.sock http://docker/_ping; do
    kill -0 $! || exit 1
    sleep 0.1
  done
  ;;
esac
exit 101
`

// packages lets what is installed on the host later start its services.
func (r root) packages() error {
	if !r.host.Rented {
		return nil
	}
	const policy = "/usr/sbin/policy-rc.d"
	if err := r.write(policy, starting); err != nil {
		return err
	}
	if err := os.Chmod(r.dir+policy, 0o755); err != nil { //nolint:gosec // a program
		return fmt.Errorf("make %s a program: %w", policy, err)
	}
	return nil
}

// clock makes the sessions of sshd see another time. pam_env reads the file for each session.
func (r root) clock() error {
	if r.host.Faketime == "" {
		return nil
	}
	libraries, err := filepath.Glob(r.dir + "/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(libraries) == 0 {
		return fmt.Errorf("no libfaketime in the fleet's root: %w", errors.Join(err, os.ErrNotExist))
	}
	return r.write("/etc/environment", fmt.Sprintf("LD_PRELOAD=%s\nFAKETIME=%s\n", strings.TrimPrefix(libraries[0], r.dir), r.host.Faketime))
}
