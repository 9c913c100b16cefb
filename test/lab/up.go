package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab/internal/fleetd"
)

// required is the environment variable with which tests fail where they would be skipped without root.
const required = "RCWIZARD_LAB"

// upWithin and downWithin bound what takes seconds.
const (
	upWithin   = 5 * time.Minute
	downWithin = 3 * time.Minute
)

// Up gives a test a fleet of its own, which goes down with the test. Without root the test is skipped, or fails when
// RCWIZARD_LAB=required. The logs of a fleet whose test failed are kept as the test's artifacts.
func Up(tb testing.TB, o Options) *Fleet {
	tb.Helper()
	NeedRoot(tb)
	if o.Name == "" {
		o.Name = testName(tb.Name())
	}
	dir, err := Dir()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), upWithin)
	defer cancel()
	program, err := Program()
	if err != nil {
		tb.Fatal(err)
	}
	// Of no other fleet: tests of one name run in several processes at once.
	own := filepath.Join(fleetsDir(dir), fmt.Sprintf("%s-%d", o.Name, os.Getpid()))
	f, err := start(ctx, dir, own, program, true, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			to := filepath.Join(tb.ArtifactDir(), "lab-"+f.Name())
			if err := os.CopyFS(to, os.DirFS(f.spec.LogDir())); err != nil {
				tb.Logf("keep the fleet's logs: %v", err)
			} else {
				tb.Logf("the fleet's logs are in %s (with go test -artifacts they stay)", to)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), downWithin)
		defer cancel()
		if err := f.Down(ctx); err != nil {
			tb.Error(err)
		}
	})
	return f
}

// NeedRoot skips a test that needs the lab where there is no root, or fails it when RCWIZARD_LAB=required.
func NeedRoot(tb testing.TB) {
	tb.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv(required) == "required":
		tb.Fatalf("the lab needs root, and %s=required", required)
	default:
		tb.Skip("skipped: the lab needs root")
	}
}

// testName makes a fleet's name of a test's.
func testName(name string) string {
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	name = strings.Trim(strings.TrimPrefix(name, "test"), "-")
	return strings.Trim(name[:min(len(name), 30)], "-")
}

// Start brings a fleet up in the directory dir, to stay until Down is called by this or another process.
// The program is the lab's own (cmd/lab), of which the fleet's processes are further runs; see Program.
func Start(ctx context.Context, program, dir string, o Options) (*Fleet, error) {
	labDir, err := Dir()
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("find the fleet's directory: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, upWithin)
	defer cancel()
	return start(ctx, labDir, dir, program, false, o)
}

// Program builds the lab's program from the sources beside this package, once in a process, and returns its path.
func Program() (string, error) { return program() }

//nolint:gochecknoglobals // the sources do not change while a test runs, and many tests ask
var program = sync.OnceValues(func() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	return buildProgram(context.Background(), dir, os.Stderr)
})

// fleetsDir is where the tests' fleets live.
func fleetsDir(labDir string) string { return filepath.Join(labDir, "fleets") }

// Sweep removes what is left of fleets that were killed; those that live are not touched.
func Sweep() error {
	dir, err := Dir()
	if err != nil {
		return err
	}
	return fleetd.Sweep(fleetsDir(dir)) //nolint:wrapcheck // says what it was about
}
