// Package remote reaches one Linux host: it connects (or uses this machine),
// runs scripts, streams their output, puts files, opens connections from the
// host, and reads its Docker engine. It knows no product.
//
// It promises that nothing is sent to a host whose key is not known; that no
// script, argument or password appears on a command line; that what was
// started ends when the operator stops it or the connection is lost; that a
// file is as it was or whole; and that a lost connection is never told as a
// success or a failure of what was running, but as ErrOutcomeUnknown. Lines of
// output, standard error and errors are redacted; Result.Stdout of Run is data
// for parsing and is not.
//
// It will not keep a terminal, run as a daemon on the host, repeat a script
// that may have run, or edit anybody's SSH configuration.
package remote

import (
	"context"
	"io"
	"io/fs"
	"net"
)

// Host is one Linux host that commands run on and files go to. There are
// two: over SSH (Connect) and this machine (Local). All methods may be called
// from many goroutines. Everything that rcwizard changes on a host goes
// through this interface, so that one recorder can serve every test.
type Host interface {
	// Name is what errors and events call the host.
	Name() string
	// Run runs a script to its end. A non-zero exit is not an error: it is in
	// Result.Code. An error means that the outcome is unknown or the script
	// never ran; see ErrOutcomeUnknown.
	Run(ctx context.Context, c Command) (Result, error)
	// Stream is Run with the output given line by line as it appears, without
	// a limit on a line's length or on the volume. emit is never called
	// concurrently. Result.Stdout and Stderr hold the last lines only.
	Stream(ctx context.Context, c Command, emit func(Line)) (Result, error)
	// Put writes files below dir, all in one verified stream: each file is
	// either as it was or whole, and no temporary file stays behind.
	Put(ctx context.Context, dir string, files []File, opt PutOptions) error
	// Dial opens a connection from the host: "tcp" to an address as the host
	// sees it, "unix" to a socket on it.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Docker gives the host's Docker engine, for reading and pulling.
	Docker(ctx context.Context) (*Docker, error)
	// Close ends the connection. Commands in flight are cancelled.
	Close() error
}

// Command is a POSIX sh script and what it needs. Script and Args travel on
// stdin, never on a command line, so that no secret in them is seen by ps and
// no login shell can misread them.
type Command struct {
	// Script is run by sh -eu, with Args as $1, $2, …
	Script string
	Args   []string
	// Env is exported before the script runs; nothing of the operator's own
	// environment goes over.
	Env map[string]string
	// Stdin is given to the script; nil is an empty stdin.
	Stdin io.Reader
	// Root runs the script as root: as it is for root, else by sudo.
	Root bool
}

// Result is how a script ended.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Line is one line of output without its end.
type Line struct {
	// Stderr says which stream the line is from.
	Stderr bool
	Text   string
}

// File is one file to put. Path is relative and slash-separated, without
// "..".
type File struct {
	Path    string
	Mode    fs.FileMode
	Content []byte
}

// PutOptions says how files are put.
type PutOptions struct {
	// Root writes as root.
	Root bool
	// Owner is user:group for what is created; empty leaves the writer's own.
	Owner string
	// DirMode is for directories that are missing; 0 means 0755, so that
	// programs in containers can reach files that they may read. What a file
	// holds is guarded by the file's own mode.
	DirMode fs.FileMode
	// Remove lists relative paths that must not exist afterwards: wrongly made
	// directories, files of an earlier release of rcwizard.
	Remove []string
}
