package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// cache is the folder that survives between builds: binaries in bin, unpacked
// Debian packages in debian, the registry's storage in registry, and in keys
// the hash of the inputs that each artifact was made of.
type cache struct {
	dir string
	log io.Writer
}

// bin is the path of a program of ours.
func (c *cache) bin(name string) string { return filepath.Join(c.dir, "bin", name) }

// debian is the root of an unpacked Debian package.
func (c *cache) debian(name string) string { return filepath.Join(c.dir, "debian", name) }

func (c *cache) keyFile(artifact string) string {
	return filepath.Join(c.dir, "keys", strings.NewReplacer("/", "_", ":", "_").Replace(artifact))
}

// key is the hash that the artifact was last made with, or "".
func (c *cache) key(artifact string) string {
	b, err := os.ReadFile(c.keyFile(artifact))
	if err != nil {
		return ""
	}
	return string(b)
}

// once calls make unless the artifact exists and was made with this key. The
// key is kept only after make succeeded, so a build that was cut off is done
// again.
func (c *cache) once(artifact, key string, exists func() bool, build func() error) error {
	if c.key(artifact) == key && exists() {
		return nil
	}
	began := time.Now()
	if err := os.Remove(c.keyFile(artifact)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("images: %s: %w", artifact, err)
	}
	if err := build(); err != nil {
		return fmt.Errorf("images: %s: %w", artifact, err)
	}
	if err := os.MkdirAll(filepath.Dir(c.keyFile(artifact)), 0o750); err != nil {
		return fmt.Errorf("images: %s: %w", artifact, err)
	}
	if err := os.WriteFile(c.keyFile(artifact), []byte(key), 0o600); err != nil {
		return fmt.Errorf("images: %s: %w", artifact, err)
	}
	_, _ = fmt.Fprintf(c.log, "images: %s, %s\n", artifact, time.Since(began).Round(time.Millisecond)) // a log that fails must not fail the build
	return nil
}

// exist is true when every path is there.
func exist(paths ...string) func() bool {
	return func() bool {
		for _, p := range paths {
			if _, err := os.Stat(p); err != nil { //nolint:gosec // paths of the cache
				return false
			}
		}
		return true
	}
}

// hash is the key of a list of inputs. Each is length-prefixed, so that no two
// different lists agree.
func hash(inputs ...string) string {
	h := sha256.New()
	for _, in := range inputs {
		_, _ = fmt.Fprintf(h, "%d:%s", len(in), in) // a hash never fails to write
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hashTree is the key of all files below dir that a build can see: names and
// contents, tests and their data left out.
func hashTree(dir string) (string, error) {
	var inputs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir(), strings.HasSuffix(path, "_test.go"):
			return nil
		}
		content, err := os.ReadFile(path) //nolint:gosec // the project's own sources
		if err != nil {
			return fmt.Errorf("read a source: %w", err)
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return fmt.Errorf("name a source: %w", err)
		}
		inputs = append(inputs, name, string(content))
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("images: sources in %s: %w", dir, err)
	}
	return hash(inputs...), nil
}

// sourceDir finds this package's own folder, whose programs are built. A binary
// built with -trimpath does not know it.
func sourceDir() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	dir := filepath.Dir(file)
	if !ok || !exist(filepath.Join(dir, "standin", "go.mod"))() {
		return "", fmt.Errorf("images: the sources of the lab's programs are not at %s: run from a checkout, built without -trimpath", dir)
	}
	return dir, nil
}

// lock takes the cache for this process, waiting for another Build to end.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the caller's own cache
	if err != nil {
		return nil, fmt.Errorf("images: lock the cache: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // closing gives the lock back
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("images: lock the cache: %w", err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("images: waiting for another build in the same cache: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
