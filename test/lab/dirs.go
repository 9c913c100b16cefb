package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// Dir is where the lab keeps what it downloads, builds and runs: RCWIZARD_LAB_DIR, or .lab in the repository in which
// the program was started.
func Dir() (string, error) {
	if dir := os.Getenv("RCWIZARD_LAB_DIR"); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("find the lab's directory: %w", err)
		}
		return abs, nil
	}
	repo, err := repository()
	if err != nil {
		return "", fmt.Errorf("find the lab's directory (or set RCWIZARD_LAB_DIR): %w", err)
	}
	return filepath.Join(repo, ".lab"), nil
}

// repository is the nearest directory upwards that has the lab's module in it.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "test", "lab", "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the repository: the working directory is in no checkout of rcwizard")
		}
		dir = parent
	}
}

// CacheDir is what outlives the fleets: downloads and builds.
func CacheDir(dir string) string { return filepath.Join(dir, "cache") }

// prepared is what Prepare left for those who start fleets.
type prepared struct {
	Root     string        `json:"root"`
	Rented   string        `json:"rented"`
	Services spec.Services `json:"services"`
}

func preparedFile(dir string) string { return filepath.Join(CacheDir(dir), "prepared.json") }

// errUnprepared says what to do when there is nothing to start a fleet from.
var errUnprepared = errors.New("the lab is not prepared: run `make lab`, or `go run ./cmd/lab prepare` in test/lab, as root")

func readPrepared(dir string) (prepared, error) {
	var p prepared
	b, err := os.ReadFile(preparedFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return p, errUnprepared
	}
	if err := errors.Join(err, json.Unmarshal(b, &p)); err != nil {
		return p, fmt.Errorf("read what the lab prepared: %w", err)
	}
	for _, root := range []string{p.Root, p.Rented} {
		if _, err := os.Stat(root); err != nil {
			return p, errUnprepared
		}
	}
	return p, nil
}

func writePrepared(dir string, p prepared) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("store what the lab prepared: %w", err)
	}
	return store(CacheDir(dir), filepath.Base(preparedFile(dir)), append(b, '\n'), 0o644)
}

// buildProgram compiles the lab's program, which is what supervises fleets and starts hosts, from the sources beside
// this package, so that a test never meets one of another version.
func buildProgram(ctx context.Context, dir string, log io.Writer) (string, error) {
	repo, err := repository()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(CacheDir(dir), "bin"), 0o755); err != nil { //nolint:gosec // programs, nothing private
		return "", fmt.Errorf("build the lab's program: %w", err)
	}
	program := filepath.Join(CacheDir(dir), "bin", "lab")
	// Renamed into place: another test may be running the one that is there, or building it too.
	scratch, err := os.MkdirTemp(filepath.Dir(program), "build-")
	if err != nil {
		return "", fmt.Errorf("build the lab's program: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	partial := filepath.Join(scratch, "lab")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", partial, "./cmd/lab")
	cmd.Dir = filepath.Join(repo, "test", "lab")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build the lab's program: %w", err)
	}
	if err := os.Rename(partial, program); err != nil {
		return "", fmt.Errorf("build the lab's program: %w", err)
	}
	return program, nil
}
