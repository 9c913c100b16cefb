// Package images makes what the lab's hosts run but no Debian archive holds:
// the container images that rcwizard deploys, in the storage of a registry,
// and the lab's own tools as static binaries.
//
// It promises that everything is made from Go modules, from Debian packages and
// from the stand-ins beside it, without a container engine and without a
// registry of the outside world; that image names and tags are the real ones,
// taken from rcwizard's own table; that the same inputs give the same image
// digests; and that what was built once is not built again. Where an image is a
// stand-in, its package comment says what it imitates and where it stops.
//
// It starts nothing that outlives Build and publishes nothing.
package images

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Artifacts says where Build left its work.
type Artifacts struct {
	// RegistryStorage is the root directory of distribution's filesystem
	// driver. It holds every image under the name that a mirror of Docker Hub
	// is asked for (library/nats, prom/prometheus), and Rocket.Chat's as
	// rocketchat/rocket.chat.
	RegistryStorage string
	// Registry, Pebble, ChallTestSrv and Compose are static binaries:
	// distribution's registry, the ACME test server, its DNS server, and
	// Docker's compose plugin.
	Registry, Pebble, ChallTestSrv, Compose string
}

// Build makes everything the lab cannot get from Debian, once, and caches it
// under cacheDir. It writes one line for each artifact to log, with the time it
// took. A second Build with the same sources only compares hashes. Two Builds
// with the same cacheDir wait for each other.
//
// It needs the go command, the Go module proxy, and apt-get with dpkg-deb.
func Build(ctx context.Context, cacheDir string, log io.Writer) (*Artifacts, error) {
	began := time.Now()
	cacheDir, err := filepath.Abs(cacheDir)
	if err != nil {
		return nil, fmt.Errorf("images: cache directory: %w", err)
	}
	src, err := sourceDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil { //nolint:gosec // images and binaries, nothing private
		return nil, fmt.Errorf("images: cache directory: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(cacheDir, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()

	c := &cache{dir: cacheDir, log: log}
	if err := buildPrograms(ctx, c, src, programs()); err != nil {
		return nil, err
	}
	if err := fetchPackages(ctx, c); err != nil {
		return nil, err
	}
	table, err := table(c)
	if err != nil {
		return nil, err
	}
	storage := filepath.Join(cacheDir, "registry")
	if err := publish(ctx, c, storage, table); err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(log, "images: ready, %s\n", time.Since(began).Round(time.Millisecond)) // a log that fails must not fail the build
	return &Artifacts{
		RegistryStorage: storage,
		Registry:        c.bin("registry"),
		Pebble:          c.bin("pebble"),
		ChallTestSrv:    c.bin("pebble-challtestsrv"),
		Compose:         c.bin("docker-compose"),
	}, nil
}

// Program makes one of the programs alone, for tests that need no host, and
// returns its path. It needs the go command and the Go module proxy.
func Program(ctx context.Context, cacheDir, name string, log io.Writer) (string, error) {
	cacheDir, err := filepath.Abs(cacheDir)
	if err != nil {
		return "", fmt.Errorf("images: cache directory: %w", err)
	}
	wanted := slices.DeleteFunc(programs(), func(p program) bool { return p.name != name })
	if len(wanted) == 0 {
		return "", fmt.Errorf("images: the lab has no program %q", name)
	}
	src, err := sourceDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil { //nolint:gosec // images and binaries, nothing private
		return "", fmt.Errorf("images: cache directory: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(cacheDir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	c := &cache{dir: cacheDir, log: log}
	return c.bin(name), buildPrograms(ctx, c, src, wanted)
}
