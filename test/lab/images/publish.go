package images

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// image is one image under one tag.
type image struct {
	// repository is the path in the registry, without a host.
	repository string
	tag        string
	layers     []layer
	config     v1.Config
}

func (i image) ref() string { return i.repository + ":" + i.tag }

// key is the hash of everything that the image is made of.
func (i image) key(c *cache) string {
	inputs := make([]string, 0, len(i.layers)+2)
	inputs = append(inputs, fmt.Sprintf("%#v", i.config), runtime.GOARCH)
	for _, l := range i.layers {
		inputs = append(inputs, l.key(c))
	}
	return hash(inputs...)
}

// publish puts every image whose parts changed into the registry's storage.
func publish(ctx context.Context, c *cache, storage string, table []image) error {
	var r *registry
	defer func() { r.stop() }()
	built := map[string]v1.Layer{}
	for _, i := range table {
		tagLink := filepath.Join(storage, "docker/registry/v2/repositories", i.repository, "_manifests/tags", i.tag, "current/link")
		err := c.once("image "+i.ref(), i.key(c), exist(tagLink), func() (err error) {
			if r == nil {
				if r, err = startRegistry(ctx, c, storage); err != nil {
					return err
				}
			}
			return i.push(ctx, c, r.address, built)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// push assembles the image, sharing layers with those built before.
func (i image) push(ctx context.Context, c *cache, registry string, built map[string]v1.Layer) error {
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		Architecture: runtime.GOARCH, OS: "linux", Created: v1.Time{Time: epoch()}, Config: i.config,
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	for _, l := range i.layers {
		key := l.key(c)
		if built[key] == nil {
			if built[key], err = l.build(); err != nil {
				return err
			}
		}
		addendum := mutate.Addendum{Layer: built[key], History: v1.History{Created: v1.Time{Time: epoch()}, CreatedBy: "rcwizard lab"}}
		if img, err = mutate.Append(img, addendum); err != nil {
			return fmt.Errorf("append a layer: %w", err)
		}
	}
	ref, err := name.NewTag(registry+"/"+i.ref(), name.Insecure)
	if err != nil {
		return fmt.Errorf("name: %w", err)
	}
	if err := remote.Write(ref, img, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("push: %w", err)
	}
	return nil
}

// registry is distribution's, run on the loopback only while images are pushed.
type registry struct {
	address string
	cmd     *exec.Cmd
	exited  chan struct{} // closed when it ended
	err     error         // of its end
}

func startRegistry(ctx context.Context, c *cache, storage string) (*registry, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a free port for the registry: %w", err)
	}
	address := l.Addr().String()
	_ = l.Close() // only its port is wanted

	config := filepath.Join(c.dir, "registry.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", storage, address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil { //nolint:gosec // a path of the cache
		return nil, fmt.Errorf("the registry's configuration: %w", err)
	}
	output, err := os.Create(filepath.Join(c.dir, "registry.log"))
	if err != nil {
		return nil, fmt.Errorf("the registry's log: %w", err)
	}
	defer func() { _ = output.Close() }()
	cmd := exec.Command(c.bin("registry"), "serve", config) //nolint:noctx // our own binary, ended by stop, which also kills it
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the registry: %w", err)
	}
	r := &registry{address: address, cmd: cmd, exited: make(chan struct{})}
	go func() {
		r.err = cmd.Wait()
		close(r.exited)
	}()
	if err := r.wait(ctx); err != nil {
		r.stop()
		log, _ := os.ReadFile(output.Name()) // the reason, as far as there is one
		return nil, fmt.Errorf("%w\n%s", err, tail(string(log)))
	}
	return r, nil
}

// wait returns when the registry answers, at the latest after ten seconds.
func (r *registry) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.address+"/v2/", http.NoBody)
		if err != nil {
			return fmt.Errorf("ask the registry: %w", err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			return nil
		}
		select {
		case <-r.exited:
			return fmt.Errorf("the registry ended at once: %w", errors.Join(r.err, err))
		case <-ctx.Done():
			return fmt.Errorf("the registry does not answer at %s: %w", r.address, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// stop ends the registry and waits for it, so that the storage is at rest.
func (r *registry) stop() {
	if r == nil {
		return
	}
	_ = r.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-r.exited:
	case <-time.After(5 * time.Second):
		_ = r.cmd.Process.Kill() // the same
		<-r.exited
	}
}

// repository is an image's path without the registry's host, as a mirror of
// Docker Hub and a registry of one's own are asked for it.
func repository(reference string) string {
	_, path, _ := strings.Cut(reference, "/")
	return path
}
