package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A process is killed before each system call that changes the disk while it
// writes every file of the folder anew. Whoever comes next finds each file as it
// was or as it was to be, in the order in which they were written, closed to
// others, and nothing beside them.
func TestKillAtEverySystemCall(t *testing.T) {
	calls := 0
	for at := 1; calls == 0; at++ {
		f := open(t)
		if err := writeAll(f, "old"); err != nil {
			t.Fatal(err)
		}
		killed, err := killBefore(t, at, f.Dir())
		if errors.Is(err, unix.EPERM) {
			t.Skipf("nothing can be traced here: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !killed {
			calls = at - 1
		}
		lock, err := f.Lock(Holder{PID: os.Getpid()})
		if err != nil {
			t.Fatalf("killed at %d: %v", at, err)
		}
		found := whatIsThere(t, f)
		first := slices.Index(found, "old")
		if slices.ContainsFunc(found, func(s string) bool { return s != "old" && s != "new" }) || first >= 0 && slices.Contains(found[first:], "new") || !killed && first >= 0 {
			t.Errorf("killed before change %d: the files are %v", at, found)
		}
		want := []string{"alteration.json", "firewall.json", "lock", "log", "manifest.json", "rendered", "report.md", "secrets.yaml", "workspace.yaml"}
		entries, err := os.ReadDir(f.Dir())
		if err != nil {
			t.Fatal(err)
		}
		names := make([]string, 0, len(entries))
		for _, e := range entries {
			names = append(names, e.Name())
			info, err := e.Info()
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("killed before change %d: %s has mode %s, %v", at, e.Name(), info.Mode(), err)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("killed before change %d: there are %v, want %v", at, names, want)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
	if calls < 40 {
		t.Errorf("only %d changes were seen", calls)
	}
	t.Logf("killed before each of %d system calls that change the disk", calls)
}

// whatIsThere is the generation of each file, in the order of writeAll.
func whatIsThere(t *testing.T, f *Folder) []string {
	t.Helper()
	s, err := f.LoadSecrets()
	if err != nil {
		t.Error(err)
	}
	w, err := f.LoadWorkspace()
	if err != nil {
		t.Error(err)
	}
	a, there, err := f.LoadAlteration()
	if err != nil || !there {
		t.Error(err)
	}
	firewalls, err := f.LoadFirewalls()
	if err != nil {
		t.Error(err)
	}
	m, err := f.LoadManifest()
	if err != nil {
		t.Error(err)
	}
	out := []string{s.AdminPassword, strings.TrimSuffix(w.Domain, ".example.com"), a.Verb, string(firewalls)}
	for _, name := range []string{filepath.Join(f.Rendered(), "a"), filepath.Join(f.Rendered(), "b")} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		out = append(out, string(data))
	}
	for host := range m.Hosts {
		out = append(out, host)
	}
	report, err := os.ReadFile(f.Report())
	if err != nil {
		t.Error(err)
	}
	return append(out, string(report))
}

// killBefore runs the process that writes and kills it when it is about to make
// its n-th system call that changes the disk; false if it makes fewer.
func killBefore(t *testing.T, n int, dir string) (killed bool, err error) {
	t.Helper()
	// Whoever traces is one thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return false, fmt.Errorf("find the program: %w", err)
	}
	p, err := os.StartProcess(self, []string{os.Args[0]}, &os.ProcAttr{
		Env: append(os.Environ(), writingEnv+"=1"), Dir: dir, Files: []*os.File{nil, os.Stdout, os.Stderr},
		Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return false, fmt.Errorf("start: %w", err)
	}
	defer func() { _ = p.Release() }()
	var status unix.WaitStatus
	if _, err := unix.Wait4(p.Pid, &status, unix.WALL, nil); err != nil {
		return false, fmt.Errorf("wait: %w", err)
	}
	if err := unix.PtraceSetOptions(p.Pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL); err != nil {
		return false, fmt.Errorf("trace: %w", err)
	}
	if err := unix.PtraceSyscall(p.Pid, 0); err != nil {
		return false, fmt.Errorf("go on: %w", err)
	}
	for {
		tid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		if err != nil {
			return killed, fmt.Errorf("wait: %w", err)
		}
		if status.Exited() || status.Signaled() {
			if tid != p.Pid {
				continue
			}
			if status.Exited() && status.ExitStatus() != 0 {
				return killed, fmt.Errorf("it ended with code %d", status.ExitStatus())
			}
			return killed, nil
		}
		deliver := 0
		switch sig := status.StopSignal(); sig {
		case unix.SIGTRAP | 0x80:
			if !killed && changes(tid) {
				if n--; n == 0 {
					killed = true
					_ = unix.Kill(p.Pid, unix.SIGKILL)
					continue
				}
			}
		case unix.SIGTRAP, unix.SIGSTOP: // a new thread
		default:
			deliver = int(sig)
		}
		_ = unix.PtraceSyscall(tid, deliver) // it may be gone by now
	}
}

// changes reports whether a thread is about to change the disk.
func changes(tid int) bool {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return false
	}
	if entering := regs.Rax == ^uint64(unix.ENOSYS)+1; !entering {
		return false
	}
	switch regs.Orig_rax {
	case unix.SYS_OPENAT:
		return regs.Rdx&(unix.O_CREAT|unix.O_TRUNC) != 0
	case unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_FSYNC, unix.SYS_FTRUNCATE, unix.SYS_FCHMOD, unix.SYS_FCHMODAT,
		unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_RENAME, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT:
		return true
	}
	return false
}
