package images

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// packages are the Debian packages whose files go into images. They are
// unpacked, never installed, so no daemon starts on the machine and apt's
// dependencies do not matter: the binaries are
// static, or need libc6 alone.
func packages() []string {
	return []string{"busybox-static", "dash", "libc6", "prometheus", "prometheus-node-exporter"}
}

// fetchPackages downloads and unpacks the packages of the machine's own
// release, whichever version that has.
func fetchPackages(ctx context.Context, c *cache) error {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return fmt.Errorf("images: which Debian or Ubuntu this is: %w", err)
	}
	for _, name := range packages() {
		err := c.once("debian/"+name, hash(string(release), name), exist(c.debian(name)), func() error {
			return fetchPackage(ctx, name, c.debian(name))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func fetchPackage(ctx context.Context, name, dest string) error {
	if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil { //nolint:gosec // public packages
		return fmt.Errorf("folder for packages: %w", err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dest), ".download-*")
	if err != nil {
		return fmt.Errorf("folder for the download: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()

	if err := run(ctx, temp, "apt-get", "download", "-q", name); err != nil {
		// Fresh machines have no lists yet, old ones name versions that are gone.
		if updateErr := run(ctx, temp, "apt-get", "update", "-q"); updateErr != nil {
			return fmt.Errorf("%w (apt-get update too: %w)", err, updateErr)
		}
		if err := run(ctx, temp, "apt-get", "download", "-q", name); err != nil {
			return err
		}
	}
	debs, err := filepath.Glob(filepath.Join(temp, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("apt-get download left %d packages, not one: %w", len(debs), err)
	}
	root := filepath.Join(temp, "root")
	if err := run(ctx, temp, "dpkg-deb", "-x", debs[0], root); err != nil {
		return err
	}
	if err := os.RemoveAll(dest); err != nil {
		return fmt.Errorf("remove the old package: %w", err)
	}
	if err := os.Rename(root, dest); err != nil {
		return fmt.Errorf("put the package in place: %w", err)
	}
	return nil
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, tail(string(out)))
	}
	return nil
}
