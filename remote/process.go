package remote

import (
	"fmt"
	"io"
)

// process is one running loader, over SSH or on this machine.
type process struct {
	// stdin closes with an end of file that reaches the host.
	stdin          io.WriteCloser
	stdout, stderr io.Reader
	// ended is closed when the exit is known or the connection is gone.
	ended <-chan struct{}
	// exit is valid after ended.
	exit *exit
	// abandon lets go of everything at once: readers and writers return. It
	// may be called twice.
	abandon func()
}

// exit is how a process ended.
type exit struct {
	// known is false when the connection was lost before the host said how
	// the process ended.
	known  bool
	code   int
	signal string
	err    error
}

func (e exit) String() string {
	switch {
	case !e.known && e.err != nil:
		return e.err.Error()
	case !e.known:
		return "the connection ended"
	case e.signal != "":
		return "signal " + e.signal
	default:
		return fmt.Sprintf("exit status %d", e.code)
	}
}

// signalCodes are the codes that a shell gives to deaths by signal.
func signalCode(name string) int {
	switch name {
	case "HUP":
		return 129
	case "INT":
		return 130
	case "QUIT":
		return 131
	case "ABRT":
		return 134
	case "KILL":
		return 137
	case "SEGV":
		return 139
	case "PIPE":
		return 141
	case "TERM":
		return 143
	default:
		return 128
	}
}
