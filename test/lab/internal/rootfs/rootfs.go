// Package rootfs makes the root file system that the hosts of all fleets share: a small Debian with sshd, Docker,
// firewalls, shells and the accounts that the tests need.
//
// It is a tree of its own, made by mmdebstrap. So nothing that a host needs is installed on the machine, no service
// is started or enabled there, and a host sees nothing of the machine's files.
package rootfs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// suite is the release of Debian on the hosts.
const suite = "bookworm"

// DefaultMirror is where the packages come from.
const DefaultMirror = "http://deb.debian.org/debian"

// packages are what the hosts have beyond Debian's essential and required packages.
func packages() []string {
	return []string{
		"busybox-static", "ca-certificates", "curl", "docker.io", "e2fsprogs", "firewalld", "fish", "iproute2",
		"iptables", "iputils-ping", "libfaketime", "nftables", "openssh-server", "procps", "sudo", "tcsh", "ufw", "zsh",
	}
}

// Machine lists the programs that the lab needs on the machine itself, each with the Debian package that has it.
// None of these packages has a service.
func Machine() map[string]string {
	return map[string]string{
		"mmdebstrap": "mmdebstrap",
		"mkfs.ext4":  "e2fsprogs",
		"mount":      "mount",
		"nsenter":    "util-linux",
		"setpriv":    "util-linux",
		"ssh":        "openssh-client",
		"curl":       "curl",
		"tmux":       "tmux",
	}
}

// setup is run in the new root. Passwords are "pw-" and the name; they are known to all and guard nothing, since
// nothing outside of a fleet can reach its hosts.
const setup = `set -e
for u in deploy admin asker guest; do
  useradd --create-home --shell /bin/bash "$u"
  echo "$u:pw-$u" | chpasswd
done
usermod -aG docker deploy
echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin
echo 'asker ALL=(ALL) ALL' >/etc/sudoers.d/asker
chmod 0440 /etc/sudoers.d/admin /etc/sudoers.d/asker
mkdir -p /opt/busybox
ln -s /bin/busybox /opt/busybox/sh
echo /opt/busybox/sh >>/etc/shells
rm -f /etc/ssh/ssh_host_*
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/*
`

// Build returns the root's directory below cacheDir, which it makes when it is missing or was made by another recipe.
func Build(ctx context.Context, cacheDir, mirror string, log io.Writer) (string, error) {
	if mirror == "" {
		mirror = DefaultMirror
	}
	recipe := sha256.Sum256([]byte(strings.Join(append(packages(), suite, setup), "\n")))
	dir := filepath.Join(cacheDir, fmt.Sprintf("rootfs-%x", recipe[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for the hosts' root: %w", err)
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", fmt.Errorf("remove an unfinished root: %w", err)
	}
	_, _ = fmt.Fprintf(log, "making the hosts' root file system (Debian %s), about two minutes\n", suite)
	script := filepath.Join(cacheDir, "rootfs-setup.sh")
	if err := os.WriteFile(script, []byte(setup), 0o600); err != nil {
		return "", fmt.Errorf("make the hosts' root: %w", err)
	}
	cmd := exec.CommandContext(ctx, "mmdebstrap", "--mode=root", "--variant=minbase",
		"--include="+strings.Join(packages(), ","),
		`--customize-hook=chroot "$1" sh <`+quote(script),
		suite, partial, mirror)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("make the hosts' root with mmdebstrap from %s: %w", mirror, err)
	}
	if err := os.Rename(partial, dir); err != nil {
		return "", fmt.Errorf("make the hosts' root: %w", err)
	}
	return dir, nil
}

// quote makes a word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// InstallMachine installs with apt what the machine lacks; when it lacks nothing, it runs nothing.
func InstallMachine(ctx context.Context, log io.Writer) error {
	missing := map[string]bool{}
	for program, pkg := range Machine() {
		if _, err := exec.LookPath(program); err != nil {
			missing[pkg] = true
		}
	}
	// Ubuntu has mmdebstrap without the keys of Debian.
	if _, err := os.Stat("/usr/share/keyrings/debian-archive-keyring.gpg"); err != nil {
		missing["debian-archive-keyring"] = true
	}
	if len(missing) == 0 {
		return nil
	}
	argv := []string{"install", "-y", "--no-install-recommends"}
	for pkg := range missing {
		argv = append(argv, pkg)
	}
	for _, args := range [][]string{{"update", "-q"}, argv} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", strings.Join(args, " "), err)
		}
	}
	return nil
}
