package images

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// program is a static binary made of a Go package.
type program struct {
	// name is that of the binary in the cache.
	name string
	// module is the folder, below this package's, of the module whose go.mod
	// and go.sum fix every version.
	module string
	// pkg is the main package's import path.
	pkg string
	// ldflags are linker flags beyond -s -w.
	ldflags string
}

// programs are built in this order: first what the lab needs before any image,
// then the slow ones.
func programs() []program {
	const standin = "github.com/rcwizard/rcwizard/test/lab/images/standin/"
	return []program{
		{name: "registry", module: "programs/registry", pkg: "github.com/distribution/distribution/v3/cmd/registry"},
		{name: "docker-compose", module: "programs/compose", pkg: "github.com/docker/compose/v2/cmd", ldflags: "-X github.com/docker/compose/v2/internal.Version=v2.40.3"},
		{name: "pebble", module: "programs/pebble", pkg: "github.com/letsencrypt/pebble/v2/cmd/pebble"},
		{name: "pebble-challtestsrv", module: "programs/pebble", pkg: "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv"},
		{name: "nats-server", module: "programs/nats", pkg: "github.com/nats-io/nats-server/v2"},
		{name: "traefik", module: "programs/traefik", pkg: "github.com/traefik/traefik/v3/cmd/traefik", ldflags: "-X github.com/traefik/traefik/v3/pkg/version.Version=3.6.12"},
		{name: "mongod", module: "standin", pkg: standin + "mongod"},
		{name: "mongosh", module: "standin", pkg: standin + "mongosh"},
		{name: "rocketchat", module: "standin", pkg: standin + "rocketchat"},
		{name: "grafana", module: "standin", pkg: standin + "grafana"},
		{name: "mongodb-exporter", module: "standin", pkg: standin + "mongodbexporter"},
		{name: "nats-exporter", module: "standin", pkg: standin + "natsexporter"},
		{name: "dropflags", module: "standin", pkg: standin + "dropflags"},
		{name: "nc", module: "standin", pkg: standin + "nc"},
	}
}

// buildPrograms builds each of the programs whose module or compiler changed.
func buildPrograms(ctx context.Context, c *cache, src string, wanted []program) error {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return fmt.Errorf("images: the go command is needed to build the lab's programs: %w", err)
	}
	goVersion := strings.TrimSpace(string(out))
	trees := map[string]string{}
	for _, p := range wanted {
		if trees[p.module] == "" {
			if trees[p.module], err = hashTree(filepath.Join(src, p.module)); err != nil {
				return err
			}
		}
		key := hash(goVersion, runtime.GOARCH, trees[p.module], p.pkg, p.ldflags)
		err := c.once(p.name, key, exist(c.bin(p.name)), func() error {
			return goBuild(ctx, filepath.Join(src, p.module), p, c.bin(p.name))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// goBuild replaces the binary in one step: a lab may be running the old one.
func goBuild(ctx context.Context, dir string, p program, dest string) error {
	if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil { //nolint:gosec // hosts run these as other users
		return fmt.Errorf("folder for binaries: %w", err)
	}
	temp := dest + ".new"
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", strings.TrimSpace("-s -w "+p.ldflags), "-o", temp, p.pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %s in %s: %w\n%s", p.pkg, dir, err, tail(output.String()))
	}
	if err := os.Rename(temp, dest); err != nil {
		return fmt.Errorf("put the binary in place: %w", err)
	}
	return nil
}

// tail is the end of a program's output, enough to see why it failed.
func tail(s string) string {
	const limit = 2000
	if len(s) > limit {
		return "…" + s[len(s)-limit:]
	}
	return strings.TrimSpace(s)
}
