package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// variable is the path of a program that run-bench built.
func variable(b *testing.B, name string) string {
	b.Helper()
	v := os.Getenv(name)
	if v == "" {
		b.Fatalf("%s is not set: run make bench", name)
	}
	return v
}

// timed runs a command to its end and returns how long it took, and the
// largest resident set of it and its children in bytes.
func timed(b *testing.B, cmd *exec.Cmd) (time.Duration, int64) {
	b.Helper()
	var said bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &said
	}
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin)
	if err != nil {
		b.Fatalf("%s: %v\n%s", cmd, err, said.String())
	}
	return took, resident(cmd)
}

// longest is how long one run of a slow program may take.
const longest = 75 * time.Second

// bounded adds a run of at most longest.
func (s *series) bounded(b *testing.B, command func(context.Context) *exec.Cmd) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), longest)
	defer cancel()
	cmd := command(ctx)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &said, &said, time.Second
	begin := time.Now()
	err := cmd.Run()
	if err != nil && ctx.Err() == nil {
		b.Fatalf("%s: %v\n%s", cmd, err, said.String())
	}
	s.cut = s.cut || err != nil
	s.add(time.Since(begin), resident(cmd))
}

func resident(cmd *exec.Cmd) int64 {
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return usage.Maxrss * 1024
}

// firstOutput starts a command and returns how long it took until the first
// byte on stdout or stderr; then it lets it end.
func firstOutput(b *testing.B, cmd *exec.Cmd) time.Duration {
	b.Helper()
	first := &firstByte{heard: make(chan time.Time, 1)}
	cmd.Stdout, cmd.Stderr = first, first
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s: %v", cmd, err)
	}
	select {
	case at := <-first.heard:
		return at.Sub(begin)
	default:
		b.Fatalf("%s said nothing", cmd)
		return 0
	}
}

// firstByte tells when the first byte came. exec writes to it from one
// goroutine, as stdout and stderr are the same.
type firstByte struct {
	heard chan time.Time
	done  bool
}

func (f *firstByte) Write(p []byte) (int, error) {
	if !f.done && len(p) > 0 {
		f.done = true
		f.heard <- time.Now()
	}
	return len(p), nil
}

// calm waits for a load below one process for each processor, for a while:
// what else runs here would be measured too.
func calm(b *testing.B, cpus int) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		now, err := strconv.ParseFloat(strings.Fields(load())[0], 64)
		if err != nil || now < float64(cpus) {
			return
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				b.Logf("the machine is busy: load average %s on %d processors", load(), cpus)
			}
			return
		case <-tick.C:
		}
	}
}
