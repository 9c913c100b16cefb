package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab/images"
	"github.com/rcwizard/rcwizard/test/lab/internal/rootfs"
	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// mirrorVariable names another mirror of Debian for the hosts' packages.
const mirrorVariable = "RCWIZARD_LAB_DEBIAN"

// Prepare makes what fleets are started from: it installs with apt what the machine lacks, makes the hosts' root file
// systems, and builds the images and programs. What is there already is left as it is, so that a second call takes
// a moment. It needs root. No service is installed on the machine.
func Prepare(ctx context.Context, log io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("prepare the lab: root is needed")
	}
	dir, err := Dir()
	if err != nil {
		return err
	}
	cache := CacheDir(dir)
	if err := os.MkdirAll(cache, 0o755); err != nil { //nolint:gosec // images and programs, nothing private
		return fmt.Errorf("prepare the lab: %w", err)
	}
	unlock, err := lockPrepare(cache)
	if err != nil {
		return err
	}
	defer unlock()
	if err := rootfs.InstallMachine(ctx, log); err != nil {
		return fmt.Errorf("prepare the lab: %w", err)
	}
	var p prepared
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		var err error
		p.Root, err = rootfs.Build(ctx, cache, os.Getenv(mirrorVariable), log)
		return err //nolint:wrapcheck // wrapped below
	})
	group.Go(func() error {
		var err error
		p.Rented, err = rootfs.BuildRented(ctx, cache, os.Getenv(mirrorVariable), log)
		return err //nolint:wrapcheck // wrapped below
	})
	group.Go(func() error {
		made, err := images.Build(ctx, cache, log)
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		p.Services = spec.Services{
			Registry: made.Registry, RegistryStorage: made.RegistryStorage,
			Pebble: made.Pebble, DNS: made.ChallTestSrv, Compose: made.Compose,
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return fmt.Errorf("prepare the lab: %w", err)
	}
	return writePrepared(dir, p)
}

// lockPrepare keeps two preparations from doing the same work.
func lockPrepare(cache string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(cache, "prepare.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("prepare the lab: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the lab: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}
