package state

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain is also the process that holds a lock until it is killed.
func TestMain(m *testing.M) {
	if os.Getenv("RCWIZARD_TEST_LOCK") != "" {
		hold(".")
		return
	}
	if os.Getenv(writingEnv) != "" {
		if err := writeAndBeKilled("."); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func hold(dir string) {
	f, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	lock, err := f.Lock(Holder{PID: os.Getpid(), User: "other", Doing: "install", Since: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("locked")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until it is killed
	_ = lock.Close()
}

func TestLock(t *testing.T) {
	f := open(t)
	since := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	lock, err := f.Lock(Holder{PID: 42, User: "me", Doing: "install", Since: since})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Lock(Holder{PID: 43})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != 42 || !locked.Holder.Since.Equal(since) {
		t.Fatalf("a second lock: %v", err)
	}
	for _, part := range []string{f.Dir(), "install by me", "2026-11-23T12:00:00Z", "process 42"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := f.Lock(Holder{PID: 44})
	if err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// What an ended process left in the file is not believed, and what cannot be
// read does no harm.
func TestLockStaleHolder(t *testing.T) {
	f := open(t)
	if err := os.WriteFile(f.path(lockFile), []byte(`{"pid":1,"user":"root"}`+strings.Repeat("x", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := f.Lock(Holder{PID: 42, Doing: "status"})
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := f.Lock(Holder{}); !errors.As(err, &locked) || locked.Holder.PID != 42 {
		t.Errorf("the old holder is still named: %v", err)
	}
	if err := lock.file.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Lock(Holder{}); !errors.As(err, &locked) || !strings.Contains(err.Error(), "another rcwizard is working") {
		t.Errorf("a holder that has not written yet: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}

// The lock of a process that is killed is free at once.
func TestLockOfKilledProcess(t *testing.T) {
	f := open(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Dir = f.Dir()
	child.Env = append(os.Environ(), "RCWIZARD_TEST_LOCK=1")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("the other process: %q %v", line, err)
	}
	var locked *LockedError
	if _, err := f.Lock(Holder{}); !errors.As(err, &locked) || locked.Holder.PID != child.Process.Pid {
		t.Errorf("while the other process holds it: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed
	_ = stdin.Close()
	lock, err := f.Lock(Holder{PID: os.Getpid()})
	if err != nil {
		t.Fatalf("after it was killed: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}
