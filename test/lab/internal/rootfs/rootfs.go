// Package rootfs makes the root file systems that the hosts of all fleets share: a small Debian with sshd, Docker,
// firewalls, shells and the accounts that the tests need, and one of a server as it is rented, without Docker and
// with a mirror from which apt installs it.
//
// Each is a tree of its own, made by mmdebstrap. So nothing that a host needs is installed on the machine, no service
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
	"slices"
	"strings"
)

// DefaultMirror is where the packages come from.
const DefaultMirror = "http://deb.debian.org/debian"

// recipe is how a root is made.
type recipe struct {
	// suite is the release of Debian.
	suite string
	// packages are what there is beyond Debian's essential and required packages.
	packages []string
	// setup is run in the new root.
	setup string
	// mirrored are packages that are not installed: with what they depend on they lie in a mirror at Mirror, in the
	// new root, which then is apt's only source.
	mirrored []string
}

// hosts have all that tests need.
func hosts() recipe {
	return recipe{
		suite: "bookworm",
		packages: []string{
			"busybox-static", "ca-certificates", "curl", "docker.io", "e2fsprogs", "firewalld", "fish", "iproute2",
			"iptables", "iputils-ping", "libfaketime", "nftables", "openssh-server", "procps", "sudo", "tcsh", "ufw", "zsh",
		},
		setup: setup,
	}
}

// rented is the next release of Debian, whose Compose is new enough, as a hoster hands it out.
func rented() recipe {
	return recipe{
		suite:    "trixie",
		packages: []string{"ca-certificates", "curl", "iproute2", "nftables", "openssh-server", "procps", "sudo"},
		setup:    strings.Replace(setup, "usermod -aG docker deploy\n", "", 1),
		mirrored: []string{"docker.io", "docker-cli", "docker-compose"},
	}
}

// Mirror is where a rented host has its mirror of Debian.
const Mirror = "/srv/debian"

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

// mirror is run beside the new root, $1, while apt still has the lists from $2, in which $3 is the suite. Debian's
// signed list and its index come into the mirror as they are, so that a host's apt verifies and reads what every
// host's does; what follows are the packages that apt would download for the others. They come from the same lists,
// so that they fit.
const mirror = `set -e
root=$1 from=$2 suite=$3; shift 3
cd "$root` + Mirror + `"
index=main/binary-$(chroot "$root" dpkg --print-architecture)
mkdir -p "dists/$suite/$index"
cp "$root"/var/lib/apt/lists/*_dists_"$suite"_InRelease "dists/$suite/InRelease"
chroot "$root" sh -c '/usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_Packages*' >"dists/$suite/$index/Packages"
chroot "$root" apt-get install -qq -y --print-uris "$@" | while read -r uri rest; do
  uri=${uri#?}; uri=${uri%?}
  file=$(printf '%s\n' "${uri#"$from"/}" | sed 's/%2b/+/g; s/%7e/~/g; s/%3a/:/g')
  curl -fsS --retry 3 --create-dirs -o "$file" "$uri" </dev/null
done
[ -d pool ]
echo "deb file:` + Mirror + ` $suite main" >"$root/etc/apt/sources.list"
printf "%s\n" 'Acquire::Languages "none";' 'APT::Install-Recommends "false";' >"$root/etc/apt/apt.conf.d/80mirror"
`

// Build returns the directory below cacheDir of the root that hosts have, which it makes when it is missing or was
// made by another recipe.
func Build(ctx context.Context, cacheDir, from string, log io.Writer) (string, error) {
	return hosts().build(ctx, cacheDir, from, log)
}

// BuildRented is Build for the root of rented servers.
func BuildRented(ctx context.Context, cacheDir, from string, log io.Writer) (string, error) {
	return rented().build(ctx, cacheDir, from, log)
}

func (r recipe) build(ctx context.Context, cacheDir, from string, log io.Writer) (string, error) {
	if from == "" {
		from = DefaultMirror
	}
	text := strings.Join(append(slices.Clone(r.packages), r.suite, r.setup), "\n")
	if len(r.mirrored) > 0 {
		text += strings.Join(append(r.mirrored, mirror), "\n")
	}
	sum := sha256.Sum256([]byte(text))
	dir := filepath.Join(cacheDir, fmt.Sprintf("rootfs-%x", sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for the hosts' root: %w", err)
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", fmt.Errorf("remove an unfinished root: %w", err)
	}
	_, _ = fmt.Fprintf(log, "making a root file system for hosts (Debian %s), about two minutes\n", r.suite)
	script := func(name, text string) (string, error) {
		file := filepath.Join(cacheDir, "rootfs-"+r.suite+"-"+name+".sh")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("make the hosts' root: %w", err)
		}
		return file, nil
	}
	inside, err := script("setup", r.setup)
	if err != nil {
		return "", err
	}
	args := []string{"--mode=root", "--variant=minbase", "--include=" + strings.Join(r.packages, ",")}
	if len(r.mirrored) > 0 {
		beside, err := script("mirror", mirror)
		if err != nil {
			return "", err
		}
		args = append(args,
			`--customize-hook=mkdir -p "$1`+Mirror+`"`,
			"--customize-hook=sh "+quote(beside)+` "$1" `+strings.Join([]string{quote(from), r.suite, strings.Join(r.mirrored, " ")}, " "))
	}
	// Last, for it takes apt's lists away.
	args = append(args, `--customize-hook=chroot "$1" sh <`+quote(inside), r.suite, partial, from)
	cmd := exec.CommandContext(ctx, "mmdebstrap", args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("make the hosts' root with mmdebstrap from %s: %w", from, err)
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
