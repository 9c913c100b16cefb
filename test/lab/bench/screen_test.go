package bench

import (
	"bytes"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/creack/pty"
)

// BenchmarkScreenStart starts the program on a terminal of 80 by 24, as a person
// does who knows no workspace yet, until its last row is there.
func BenchmarkScreenStart(b *testing.B) {
	bin := variable(b, "RCWIZARD_BENCH_BIN")
	calm(b, runtime.NumCPU())
	s := &series{name: "rcwizard, to the first whole frame"}
	for range 21 {
		cmd := exec.CommandContext(b.Context(), bin)
		cmd.Dir = b.TempDir()
		cmd.Env = []string{"TERM=xterm-256color", "LANG=C.UTF-8", "HOME=" + cmd.Dir, "PATH=/usr/bin:/bin"}
		s.add(firstFrame(b, cmd), 0)
	}
	report("Start on a terminal (aim: under 30 ms)", s)
}

// firstFrame starts a program on a terminal and returns how long it took until
// the row of keys, which is the last, was written; then it leaves it.
func firstFrame(b *testing.B, cmd *exec.Cmd) time.Duration {
	b.Helper()
	begin := time.Now()
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		b.Fatal(err)
	}
	var took time.Duration
	var said []byte
	buffer := make([]byte, 64<<10)
	for took == 0 {
		n, err := terminal.Read(buffer)
		said = append(said, buffer[:n]...)
		switch {
		case bytes.Contains(said, []byte("quit")):
			took = time.Since(begin)
		case err != nil:
			b.Fatalf("%s: no frame but %q: %v", cmd, said, err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		b.Error(err)
	}
	_ = cmd.Wait() // it was killed
	if err := terminal.Close(); err != nil {
		b.Error(err)
	}
	return took
}
