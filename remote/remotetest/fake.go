package remotetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/rcwizard/rcwizard/remote"
)

// Fake is a host that is a map of files and a function: for tests of what is
// asked of a host. The zero value with a Label works; commands then succeed
// without output.
type Fake struct {
	Label string
	// OnRun answers Run and Stream; the input is read and given as text.
	OnRun func(ctx context.Context, c remote.Command, stdin string) (remote.Result, error)
	// OnPut, if set, can refuse a Put before anything is stored.
	OnPut func(dir string, files []remote.File, opt remote.PutOptions) error
	// OnDial and OnDocker answer Dial and Docker; without them both fail.
	OnDial   func(ctx context.Context, network, address string) (net.Conn, error)
	OnDocker func(ctx context.Context) (*remote.Docker, error)

	mu     sync.Mutex
	files  map[string]remote.File
	closed bool
}

var _ remote.Host = (*Fake)(nil)

// Name implements remote.Host.
func (f *Fake) Name() string { return f.Label }

// Run implements remote.Host.
func (f *Fake) Run(ctx context.Context, c remote.Command) (remote.Result, error) {
	f.mu.Lock()
	closed := f.closed
	f.mu.Unlock()
	if closed {
		return remote.Result{}, fmt.Errorf("host %s: %w", f.Label, remote.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return remote.Result{}, fmt.Errorf("host %s: %w", f.Label, err)
	}
	var stdin []byte
	if c.Stdin != nil {
		var err error
		if stdin, err = io.ReadAll(c.Stdin); err != nil {
			return remote.Result{}, fmt.Errorf("host %s: %w", f.Label, err)
		}
	}
	if f.OnRun == nil {
		return remote.Result{}, nil
	}
	return f.OnRun(ctx, c, string(stdin))
}

// Stream implements remote.Host: the lines of Run's result, stdout first.
func (f *Fake) Stream(ctx context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error) {
	res, err := f.Run(ctx, c)
	EmitLines(res, emit)
	return res, err
}

// EmitLines gives the lines of what a command said, stdout first.
func EmitLines(res remote.Result, emit func(remote.Line)) {
	for line := range strings.Lines(res.Stdout) {
		emit(remote.Line{Text: strings.TrimRight(line, "\n")})
	}
	for line := range strings.Lines(res.Stderr) {
		emit(remote.Line{Stderr: true, Text: strings.TrimRight(line, "\n")})
	}
}

// Put implements remote.Host.
func (f *Fake) Put(_ context.Context, dir string, files []remote.File, opt remote.PutOptions) error {
	if f.OnPut != nil {
		if err := f.OnPut(dir, files, opt); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files == nil {
		f.files = map[string]remote.File{}
	}
	for _, gone := range opt.Remove {
		at := path.Join(dir, gone)
		maps.DeleteFunc(f.files, func(p string, _ remote.File) bool { return p == at || strings.HasPrefix(p, at+"/") })
	}
	for _, file := range files {
		at := path.Join(dir, file.Path)
		f.files[at] = remote.File{Path: at, Mode: file.Mode, Content: bytes.Clone(file.Content)}
	}
	return nil
}

// File is what was put at an absolute path.
func (f *Fake) File(at string) (remote.File, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, ok := f.files[at]
	return file, ok
}

// Paths are the absolute paths of all files, sorted.
func (f *Fake) Paths() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.files))
}

// Dial implements remote.Host.
func (f *Fake) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if f.OnDial == nil {
		return nil, &remote.DialError{Host: f.Label, Network: network, Address: address, Kind: remote.DialRefused}
	}
	return f.OnDial(ctx, network, address)
}

// Docker implements remote.Host.
func (f *Fake) Docker(ctx context.Context) (*remote.Docker, error) {
	if f.OnDocker == nil {
		return nil, &remote.DockerError{Host: f.Label, Kind: remote.DockerAbsent}
	}
	return f.OnDocker(ctx)
}

// Close implements remote.Host.
func (f *Fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}
