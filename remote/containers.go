package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// DockerVersion is what the engine says of itself.
type DockerVersion struct {
	// Engine is as in "20.10.24"; distributions append to it.
	Engine, API, OS, Arch string
}

// Version asks the engine.
func (d *Docker) Version(ctx context.Context) (DockerVersion, error) {
	ctx, cancel := asking(ctx)
	defer cancel()
	v, err := d.api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return DockerVersion{}, d.fail("ask for Docker's version", err)
	}
	return DockerVersion{Engine: v.Version, API: v.APIVersion, OS: v.Os, Arch: v.Arch}, nil
}

// DockerInfo is how the engine is set up.
type DockerInfo struct {
	Version       string
	RootDir       string
	Driver        string
	CgroupVersion string
	// Rootless and UserNS change what network_mode: host and file owners mean.
	Rootless, UserNS bool
	SELinux          bool
	SecurityOptions  []string
	// Mirrors are the mirrors of Docker Hub, Insecure the registries that need
	// no TLS.
	Mirrors, Insecure []string
	// Proxy says that pulls go through an HTTP proxy. Its URL may hold a
	// password and stays on the host.
	Proxy       bool
	LiveRestore bool
	SwarmActive bool
	CPUs        int
	Memory      int64
	Warnings    []string
}

// Info asks the engine.
func (d *Docker) Info(ctx context.Context) (DockerInfo, error) {
	ctx, cancel := asking(ctx)
	defer cancel()
	res, err := d.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return DockerInfo{}, d.fail("ask how Docker is set up", err)
	}
	i := res.Info
	out := DockerInfo{
		Version: i.ServerVersion, RootDir: i.DockerRootDir, Driver: i.Driver, CgroupVersion: i.CgroupVersion,
		SecurityOptions: i.SecurityOptions, Proxy: i.HTTPProxy != "" || i.HTTPSProxy != "",
		LiveRestore: i.LiveRestoreEnabled, SwarmActive: string(i.Swarm.LocalNodeState) == "active",
		CPUs: i.NCPU, Memory: i.MemTotal, Warnings: i.Warnings,
	}
	for _, option := range i.SecurityOptions {
		for field := range strings.SplitSeq(option, ",") {
			switch field {
			case "name=rootless":
				out.Rootless = true
			case "name=userns":
				out.UserNS = true
			case "name=selinux":
				out.SELinux = true
			}
		}
	}
	if c := i.RegistryConfig; c != nil {
		out.Mirrors = c.Mirrors
		for _, cidr := range c.InsecureRegistryCIDRs {
			out.Insecure = append(out.Insecure, cidr.String())
		}
		for name, index := range c.IndexConfigs {
			if !index.Secure {
				out.Insecure = append(out.Insecure, name)
			}
		}
		slices.Sort(out.Insecure)
	}
	return out, nil
}

// Container is one container as the engine sees it now.
type Container struct {
	ID, Name string
	// Project, Service, ConfigHash and Dir are from the labels of docker
	// compose; Dir is the directory it was started in.
	Project, Service, ConfigHash, Dir string
	// State is created, running, paused, restarting, removing, exited or dead.
	State string
	// Health is starting, healthy or unhealthy; empty without a health check.
	Health       string
	ExitCode     int
	OOMKilled    bool
	RestartCount int
	// Restart is the restart policy: "no", "on-failure", "unless-stopped" or
	// "always".
	Restart string
	Created time.Time
	// StartedAt is zero for a container that never ran.
	StartedAt, FinishedAt time.Time
	// Error is why the engine could not start it.
	Error string
	// Image is the reference it was made from, ImageID what that was then.
	Image, ImageID string
}

// Containers lists the containers of a compose project, running or not, by
// service and name; all of the host's if project is empty.
func (d *Docker) Containers(ctx context.Context, project string) ([]Container, error) {
	ctx, cancel := asking(ctx)
	defer cancel()
	opt := client.ContainerListOptions{All: true}
	if project != "" {
		opt.Filters = make(client.Filters).Add("label", "com.docker.compose.project="+project)
	}
	list, err := d.api.ContainerList(ctx, opt)
	if err != nil {
		return nil, d.fail("list the containers", err)
	}
	out := make([]Container, 0, len(list.Items))
	for _, item := range list.Items {
		c, err := d.Container(ctx, item.ID)
		if errdefs.IsNotFound(err) {
			continue // gone since it was listed
		}
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Container) int {
		if c := strings.Compare(a.Service, b.Service); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// Container asks for one container by id or name.
func (d *Docker) Container(ctx context.Context, id string) (Container, error) {
	ctx, cancel := asking(ctx)
	defer cancel()
	res, err := d.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return Container{}, d.fail("look at container "+id, err)
	}
	i := res.Container
	c := Container{ID: i.ID, Name: strings.TrimPrefix(i.Name, "/"), RestartCount: i.RestartCount, ImageID: i.Image, Created: engineTime(i.Created)}
	if i.HostConfig != nil {
		c.Restart = string(i.HostConfig.RestartPolicy.Name)
	}
	if i.Config != nil {
		c.Image = i.Config.Image
		c.Project = i.Config.Labels["com.docker.compose.project"]
		c.Service = i.Config.Labels["com.docker.compose.service"]
		c.ConfigHash = i.Config.Labels["com.docker.compose.config-hash"]
		c.Dir = i.Config.Labels["com.docker.compose.project.working_dir"]
	}
	if s := i.State; s != nil {
		c.State, c.ExitCode, c.OOMKilled = string(s.Status), s.ExitCode, s.OOMKilled
		c.Error = d.redact.Redact(clean([]byte(s.Error)))
		c.StartedAt, c.FinishedAt = engineTime(s.StartedAt), engineTime(s.FinishedAt)
		if s.Health != nil && s.Health.Status != "none" {
			c.Health = string(s.Health.Status)
		}
	}
	return c, nil
}

// Rename gives a container, running or not, another name. One that another
// container has is an error.
func (d *Docker) Rename(ctx context.Context, id, name string) error {
	ctx, cancel := asking(ctx)
	defer cancel()
	if _, err := d.api.ContainerRename(ctx, id, client.ContainerRenameOptions{NewName: name}); err != nil {
		return d.fail("rename the container "+id+" to "+name, err)
	}
	return nil
}

// engineTime reads the engine's time; its year 1 is the zero time.
func engineTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

// LogOptions says which part of a log is wanted.
type LogOptions struct {
	// Since leaves out what is older; zero is everything.
	Since time.Time
	// Tail is how many of the last lines; 0 is all.
	Tail int
	// Follow goes on until the container ends or the context does.
	Follow bool
}

// Logs gives a container's log line by line, redacted, as Stream does. emit
// is never called concurrently.
func (d *Docker) Logs(ctx context.Context, id string, opt LogOptions, emit func(Line)) error {
	what := "read the log of container " + id
	if opt.Follow && d.follows != nil {
		select {
		case d.follows <- struct{}{}:
			defer func() { <-d.follows }()
		case <-ctx.Done():
			return fmt.Errorf("host %s: %s: %w while others are followed", d.host, what, context.Cause(ctx))
		}
	}
	res, err := d.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return d.fail(what, err)
	}
	o := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: opt.Follow}
	if opt.Tail > 0 {
		o.Tail = strconv.Itoa(opt.Tail)
	}
	if !opt.Since.IsZero() {
		o.Since = fmt.Sprintf("%d.%09d", opt.Since.Unix(), opt.Since.Nanosecond())
	}
	logs, err := d.api.ContainerLogs(ctx, id, o)
	if err != nil {
		return d.fail(what, err)
	}
	defer func() { _ = logs.Close() }()
	var mu sync.Mutex
	sink := func(stderr bool) *splitter {
		return &splitter{redact: d.redact, emit: func(text string) {
			mu.Lock()
			defer mu.Unlock()
			emit(Line{Stderr: stderr, Text: text})
		}}
	}
	out, errs := sink(false), sink(true)
	if c := res.Container.Config; c != nil && c.Tty {
		_, err = io.Copy(out, logs)
	} else {
		_, err = stdcopy.StdCopy(out, errs, logs)
	}
	out.Close()
	errs.Close()
	if err != nil {
		return d.fail(what, err)
	}
	return nil
}

// fail says on which host, and takes out secrets.
func (d *Docker) fail(what string, err error) error {
	if lost := d.lost(); lost != nil {
		// The client would tell of a Docker engine that does not answer.
		return fmt.Errorf("%s: %w", what, lost)
	}
	e := &dockerCallError{text: fmt.Sprintf("host %s: %s: %s", d.host, what, d.redact.Redact(err.Error())), err: err}
	if streamBroke(err) {
		return &engineCutError{e}
	}
	return e
}

// streamBroke tells whether an error is that the stream to the engine broke, and not
// what the engine said.
func streamBroke(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET)
}

// engineCutError is a call to the engine whose answer did not come whole, since
// the connection to the host broke or the engine was restarted.
type engineCutError struct{ err error }

func (e *engineCutError) Error() string { return e.err.Error() }

// Unwrap gives both the sentinel and the cause.
func (e *engineCutError) Unwrap() []error { return []error{ErrOutcomeUnknown, e.err} }

// dockerCallError keeps the cause for errors.Is, but not its text.
type dockerCallError struct {
	text string
	err  error
}

func (e *dockerCallError) Error() string { return e.text }
func (e *dockerCallError) Unwrap() error { return e.err }
