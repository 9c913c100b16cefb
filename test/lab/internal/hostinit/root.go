package hostinit

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// root is the host's file system while it is still below dir.
type root struct {
	fleet *spec.Fleet
	host  *spec.Host
	dir   string
}

// mount puts the host's writable layer over the fleet's read-only root, with the kernel's file systems.
func (r root) mount() error {
	disk := filepath.Dir(r.dir)
	lower := r.fleet.Root
	if r.host.Rented {
		lower = r.fleet.Rented
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, disk, disk)
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"overlay", "/", "overlay", 0, options},
		{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"sysfs", "/sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=755"},
		{"tmpfs", "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
		{"tmpfs", "/dev", "tmpfs", unix.MS_NOSUID, "mode=755"},
	} {
		if err := unix.Mount(m.source, r.dir+m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("%s: %w", m.target, err)
		}
	}
	for _, d := range []string{"/run/sshd", "/run/lock", "/dev/pts", "/dev/shm"} {
		if err := os.Mkdir(r.dir+d, 0o755); err != nil { //nolint:gosec // as on any Linux host
			return fmt.Errorf("make %s: %w", d, err)
		}
	}
	return nil
}

// devices fills /dev with what a virtual server's programs need and with nothing of the machine's disks.
func (r root) devices() error {
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := r.bind("/dev/"+name, "/dev/"+name); err != nil {
			return err
		}
	}
	if err := unix.Mount("devpts", r.dir+"/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5"); err != nil {
		return fmt.Errorf("/dev/pts: %w", err)
	}
	if err := unix.Mount("tmpfs", r.dir+"/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return fmt.Errorf("/dev/shm: %w", err)
	}
	for link, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, r.dir+"/dev/"+link); err != nil {
			return fmt.Errorf("make /dev/%s: %w", link, err)
		}
	}
	return nil
}

// dockerDisk binds the directory that outlives a power cut.
func (r root) dockerDisk() error {
	if err := os.MkdirAll(r.dir+"/var/lib/docker", 0o710); err != nil {
		return fmt.Errorf("make /var/lib/docker: %w", err)
	}
	source := filepath.Join(r.fleet.HostDir(r.host.Name), "docker")
	if err := unix.Mount(source, r.dir+"/var/lib/docker", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("/var/lib/docker: %w", err)
	}
	return nil
}

// compose lends the host the plugin, which is too large to be copied for each.
func (r root) compose() error {
	if r.host.NoCompose || r.host.NoDocker || r.fleet.Services.Compose == "" {
		return nil
	}
	const plugin = spec.ComposePlugin
	if err := os.MkdirAll(r.dir+filepath.Dir(plugin), 0o755); err != nil { //nolint:gosec // where Docker's packages put it
		return fmt.Errorf("install %s: %w", plugin, err)
	}
	return r.bind(r.fleet.Services.Compose, plugin)
}

// identity gives the host its name, its machine-id, and a boot_id that is new at each boot.
func (r root) identity() error {
	if err := unix.Sethostname([]byte(r.host.Name)); err != nil {
		return fmt.Errorf("set the hostname: %w", err)
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	boot := hex.EncodeToString(id)
	boot = strings.Join([]string{boot[:8], boot[8:12], boot[12:16], boot[16:20], boot[20:]}, "-")
	if err := os.WriteFile(r.dir+"/run/boot_id", []byte(boot+"\n"), 0o444); err != nil { //nolint:gosec // the kernel's is readable too
		return fmt.Errorf("make a boot_id: %w", err)
	}
	return r.bind(r.dir+"/run/boot_id", "/proc/sys/kernel/random/boot_id")
}

// bind shows a file at target in the host; the target is made when it is missing.
func (r root) bind(source, target string) error {
	if _, err := os.Stat(r.dir + target); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(r.dir+target, nil, 0o755); err != nil { //nolint:gosec // a place to mount upon
			return fmt.Errorf("make %s: %w", target, err)
		}
	}
	if err := unix.Mount(source, r.dir+target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	return nil
}

// pivot makes dir the root and lets the machine's root go.
func (r root) pivot() error {
	if err := os.Chdir(r.dir); err != nil {
		return fmt.Errorf("enter the root: %w", err)
	}
	// Both arguments the same: the old root is stacked under the new one, and no directory is needed for it.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let the machine's root go: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("enter the root: %w", err)
	}
	// As systemd leaves it: node-exporter's image is given the root as a slave
	// mount, which Docker refuses where the root is private.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share the root's mounts: %w", err)
	}
	return nil
}

// behind shuts port 22 to all but the jump host, in a table that the host's own firewalls do not know.
func (r root) behind() error {
	if r.host.Behind == "" {
		return nil
	}
	jump, err := r.fleet.Host(r.host.Behind)
	if err != nil {
		return fmt.Errorf("find the jump host: %w", err)
	}
	family := "ip"
	if jump.Address.Is6() {
		family = "ip6"
	}
	rules := fmt.Sprintf("table inet lab_behind {\n chain input {\n  type filter hook input priority -300;\n  iifname lo accept\n  tcp dport 22 %s saddr != %s drop\n }\n}\n", family, jump.Address)
	cmd := exec.CommandContext(context.Background(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, out)
	}
	return nil
}
