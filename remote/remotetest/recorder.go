package remotetest

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/rcwizard/rcwizard/remote"
)

// Call is one use of a host.
type Call struct {
	// Method is Run, Stream, Put, Dial or Docker.
	Method string
	// Command is for Run and Stream, without its Stdin, which is in Input as
	// far as it was read.
	Command remote.Command
	Input   string
	// Dir, Files and Options are for Put.
	Dir     string
	Files   []remote.File
	Options remote.PutOptions
	// Address is for Dial: "tcp 192.0.2.1:27017".
	Address string
	Err     error
}

// Recorder is a host that writes down what is done to it.
type Recorder struct {
	remote.Host

	mu    sync.Mutex
	calls []*Call
}

// Record wraps a host.
func Record(h remote.Host) *Recorder { return &Recorder{Host: h} }

// Calls are what was done so far, in the order of the calls' ends.
func (r *Recorder) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Call, 0, len(r.calls))
	for _, c := range r.calls {
		out = append(out, *c)
	}
	return out
}

// Reset forgets.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = nil
}

// Puts are the paths that were put, with their directory, sorted.
func (r *Recorder) Puts() []string {
	var out []string
	for _, c := range r.Calls() {
		for _, f := range c.Files {
			out = append(out, c.Dir+"/"+f.Path)
		}
	}
	slices.Sort(out)
	return out
}

// Scripts are the scripts that ran and hold text.
func (r *Recorder) Scripts(text string) []string {
	var out []string
	for _, c := range r.Calls() {
		if c.Command.Script != "" && strings.Contains(c.Command.Script, text) {
			out = append(out, c.Command.Script)
		}
	}
	return out
}

func (r *Recorder) add(c *Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
}

func (r *Recorder) command(method string, c remote.Command, run func(remote.Command) (remote.Result, error)) (remote.Result, error) {
	call := &Call{Method: method, Command: c}
	call.Command.Stdin = nil
	call.Command.Args = slices.Clone(c.Args)
	var input lockedBuffer
	if c.Stdin != nil {
		c.Stdin = io.TeeReader(c.Stdin, &input)
	}
	res, err := run(c)
	call.Input, call.Err = input.String(), err
	r.add(call)
	return res, err
}

// Run implements remote.Host.
func (r *Recorder) Run(ctx context.Context, c remote.Command) (remote.Result, error) {
	return r.command("Run", c, func(c remote.Command) (remote.Result, error) { return r.Host.Run(ctx, c) })
}

// Stream implements remote.Host.
func (r *Recorder) Stream(ctx context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error) {
	return r.command("Stream", c, func(c remote.Command) (remote.Result, error) { return r.Host.Stream(ctx, c, emit) })
}

// Put implements remote.Host.
func (r *Recorder) Put(ctx context.Context, dir string, files []remote.File, opt remote.PutOptions) error {
	err := r.Host.Put(ctx, dir, files, opt)
	r.add(&Call{Method: "Put", Dir: dir, Files: slices.Clone(files), Options: opt, Err: err})
	return err //nolint:wrapcheck // a recorder hands on what it gets
}

// Dial implements remote.Host.
func (r *Recorder) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := r.Host.Dial(ctx, network, address)
	r.add(&Call{Method: "Dial", Address: network + " " + address, Err: err})
	return conn, err //nolint:wrapcheck // as above
}

// Docker implements remote.Host.
func (r *Recorder) Docker(ctx context.Context) (*remote.Docker, error) {
	d, err := r.Host.Docker(ctx)
	r.add(&Call{Method: "Docker", Err: err})
	return d, err //nolint:wrapcheck // as above
}

// lockedBuffer is read after a cancelled command while its input may still be
// on the way.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p) //nolint:wrapcheck // never fails
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
