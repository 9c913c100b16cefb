package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab/internal/fleetd"
)

// required is the environment variable with which tests fail where they would be skipped without root.
const required = "RCWIZARD_LAB"

// upWithin and downWithin bound what takes seconds.
const (
	upWithin   = 2 * time.Minute
	downWithin = time.Minute
)

// Up gives a test a fleet of its own, which goes down with the test. Without root the test is skipped, or fails when
// RCWIZARD_LAB=required. The logs of a fleet whose test failed are kept as the test's artifacts.
func Up(tb testing.TB, o Options) *Fleet {
	tb.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv(required) == "required" {
			tb.Fatalf("the lab needs root, and %s=required", required)
		}
		tb.Skip("skipped: the lab needs root")
	}
	if o.Name == "" {
		o.Name = testName(tb.Name())
	}
	dir, err := Dir()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), upWithin)
	defer cancel()
	program, err := buildProgram(ctx, dir, tb.Output())
	if err != nil {
		tb.Fatal(err)
	}
	f, err := start(ctx, dir, "", program, true, o)
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

// testName makes a fleet's name of a test's.
func testName(name string) string {
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	name = strings.Trim(strings.TrimPrefix(name, "test"), "-")
	return strings.Trim(name[:min(len(name), 30)], "-")
}

// Start brings a fleet up in the directory dir, which must not exist, to stay until Down is called by this or another
// process. The calling program must be the lab's own (cmd/lab): the fleet's processes are further runs of it.
func Start(ctx context.Context, dir string, o Options) (*Fleet, error) {
	labDir, err := Dir()
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, errors.Join(errors.New("find the fleet's directory"), err)
	}
	ctx, cancel := context.WithTimeout(ctx, upWithin)
	defer cancel()
	return start(ctx, labDir, dir, "/proc/self/exe", false, o)
}

// Sweep removes what is left of fleets that were killed; those that live are not touched.
func Sweep() error {
	return fleetd.Sweep() //nolint:wrapcheck // says what it was about
}
