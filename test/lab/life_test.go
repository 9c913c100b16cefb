package lab_test

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab"
)

// remains lists what is left on the machine of the fleet that lived in dir: processes, mounts, cgroups and files.
func remains(t *testing.T, dir, cgroup string) []string {
	t.Helper()
	var out []string
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		// A zombie has no command line: its parent is to reap it, which for a killed supervisor is the test.
		if b, err := os.ReadFile(c); err == nil && strings.Contains(string(b), dir+"\x00") {
			out = append(out, c+": "+strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir) {
			out = append(out, "mount: "+line)
		}
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*/" + cgroup)
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, groups...)
	for _, path := range []string{dir, "/sys/fs/cgroup/" + cgroup} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			out = append(out, path)
		}
	}
	return out
}

// trace is what the fleet is found by when it is gone. It shows that there is something to be found.
func trace(t *testing.T, f *lab.Fleet) (dir, cgroup string) {
	t.Helper()
	groups, err := filepath.Glob("/sys/fs/cgroup/*/" + f.Cgroup())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/sys/fs/cgroup/" + f.Cgroup()); err != nil && len(groups) == 0 {
		t.Errorf("the fleet has no cgroups: %v", err)
	}
	left := remains(t, f.Dir(), f.Cgroup())
	if text := strings.Join(left, "\n"); !strings.Contains(text, "cmdline") || strings.Contains(text, "mount: ") {
		t.Errorf("of a fleet that is up, the machine sees:\n%s", text)
	}
	return f.Dir(), f.Cgroup()
}

//nolint:tparallel // the part is over before the rest
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	var dir, cgroup string
	t.Run("fleet", func(t *testing.T) {
		f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "one", DockerDisk: 256 << 20}, {Name: "two"}}})
		for _, h := range f.Hosts() {
			run(t, h, "sh", "-c", "tar -C / -c bin/busybox | docker import - busybox:lab")
			run(t, h, "docker", "run", "-d", "--restart", "always", "busybox:lab", "/bin/busybox", "sleep", "1000")
		}
		if err := f.Host("two").PowerCut(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := f.Host("two").Boot(t.Context()); err != nil {
			t.Fatal(err)
		}
		// A program in the operator's place is no child of the fleet.
		op := f.Op(t.Context(), "sleep", "1000")
		if err := op.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = op.Wait() }() // it ends when the fleet goes down
		dir, cgroup = trace(t, f)
	})
	if left := remains(t, dir, cgroup); len(left) != 0 {
		t.Errorf("left after the fleet went down:\n%s", strings.Join(left, "\n"))
	}
}

// TestOwner is not a test of its own: TestKilled runs it in another process, which it kills.
func TestOwner(t *testing.T) {
	if os.Getenv("LAB_TEST_OWNER") == "" {
		return // nothing to be shown: see above
	}
	f := lab.Up(t, lab.Options{Name: "owned", Hosts: lab.Hosts("one"), Bare: true})
	dir, cgroup := trace(t, f)
	if _, err := os.Stdout.WriteString("\nowner: " + dir + " " + cgroup + "\n"); err != nil {
		t.Fatal(err)
	}
	<-t.Context().Done()
}

// TestKilled shows that a fleet goes with its owner, and what is left of one whose supervisor is killed.
//
//nolint:tparallel // one after the other, for the machine is small
func TestKilled(t *testing.T) {
	t.Parallel()
	lab.NeedRoot(t)
	for _, victim := range []string{"owner", "supervisor"} {
		t.Run(victim, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOwner$", "-test.v")
			cmd.Env = append(os.Environ(), "LAB_TEST_OWNER=1")
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var dir, cgroup string
			for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
				if rest, ok := strings.CutPrefix(lines.Text(), "owner: "); ok {
					dir, cgroup, _ = strings.Cut(rest, " ")
				}
			}
			if dir == "" {
				t.Fatalf("the owner brought no fleet up: %v", cmd.Wait())
			}
			f, err := lab.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if victim == "supervisor" {
				if err := unix.Kill(f.SupervisorPID(), unix.SIGKILL); err != nil {
					t.Fatal(err)
				}
				// Its lock is free when the kernel has ended all of its processes.
				eventually(t, "the hosts are gone", func() bool { return !alive(f.Host("one").PID()) })
				if err := lab.Sweep(); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed
			if victim == "supervisor" {
				if left := remains(t, dir, cgroup); len(left) != 0 {
					t.Errorf("left after the sweep:\n%s", strings.Join(left, "\n"))
				}
				return
			}
			eventually(t, "nothing is left", func() bool { return len(remains(t, dir, cgroup)) == 0 })
		})
	}
}

func alive(pid int) bool { return unix.Kill(pid, 0) == nil }

// eventually waits for something that takes the kernel or a process a moment.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		if holds() {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatalf("not within a minute: %s", what)
}

func TestTwoFleets(t *testing.T) {
	t.Parallel()
	four := lab.Up(t, lab.Options{Name: "four", Hosts: lab.Hosts("one", "two")})
	six := lab.Up(t, lab.Options{Name: "six", Hosts: lab.Hosts("one", "two"), IPv6: true})
	for _, f := range []*lab.Fleet{four, six} {
		one, two := f.Host("one"), f.Host("two")
		if one.Address().Is6() != (f == six) {
			t.Errorf("fleet %s has the address %s", f.Name(), one.Address())
		}
		if !opens(t, one, two, "22") {
			t.Errorf("fleet %s: one does not reach two", f.Name())
		}
		if got, err := sshTo(t, f, two, lab.Deploy, "hostname && docker info --format {{.Name}} && getent hosts "+f.Domain()); err != nil ||
			!strings.HasPrefix(got, "two\ntwo\n"+one.Address().String()+" ") {
			t.Errorf("fleet %s: %q, %v", f.Name(), got, err)
		}
		if err := one.Partition(t.Context(), two); err != nil {
			t.Fatal(err)
		}
		if opens(t, one, two, "22") {
			t.Errorf("fleet %s: one reaches two although they are parted", f.Name())
		}
		if err := one.Heal(t.Context(), two); err != nil {
			t.Fatal(err)
		}
		if err := two.Firewall(t.Context(), lab.Rule{Port: 22, From: []*lab.Host{one}}); err != nil {
			t.Fatal(err)
		}
		if _, err := sshTo(t, f, two, lab.Root, "true"); err == nil || !opens(t, one, two, "22") {
			t.Errorf("fleet %s: the firewall must let one in alone (operator: %v)", f.Name(), err)
		}
	}
	if opens(t, four.Host("one"), six.Host("one"), "22") || opens(t, six.Host("one"), four.Host("one"), "22") {
		t.Error("a fleet reaches another")
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && (network.Contains(four.Host("one").Address().AsSlice()) || network.Contains(six.Host("one").Address().AsSlice())) {
			t.Errorf("the machine is on a fleet's network with %s", a)
		}
	}
	if out, err := four.Host("one").Exec(t.Context(), "ip", "route", "get", "192.0.2.1"); err == nil {
		t.Errorf("a host has a way out: %s", out)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]lab.Options{
		"0 hosts":                   {Name: "x"},
		`fleet name "X_"`:           {Name: "X_", Hosts: lab.Hosts("a")},
		`host name "-a"`:            {Name: "x", Hosts: lab.Hosts("-a")},
		`two hosts "a"`:             {Name: "x", Hosts: lab.Hosts("a", "a")},
		"behind a host that is not": {Name: "x", Hosts: []lab.HostOptions{{Name: "a", Behind: "b"}}},
		`name n.test: fleet x has no host "b"`: {
			Name: "x", Hosts: lab.Hosts("a"), Names: map[string]string{"n.test": "b"},
		},
	} {
		dir := filepath.Join(t.TempDir(), "fleet")
		if _, err := lab.Start(t.Context(), "", dir, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestFailedStart shows that a fleet which does not start says why, and leaves nothing.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	lab.NeedRoot(t)
	program, err := lab.Program()
	if err != nil {
		t.Fatal(err)
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	for want, c := range map[string]struct{ dir, shell string }{
		"login shell":                     {filepath.Join(t.TempDir(), "a"), "/bin/none"},
		"bytes longer than the path of a": {long, ""},
		"an overlay's options":            {filepath.Join(t.TempDir(), "a,b"), ""},
		"no directory of a fleet":         {foreign, ""},
	} {
		f, err := lab.Start(t.Context(), program, c.dir, lab.Options{
			Name: "failed", Hosts: []lab.HostOptions{{Name: "a", Shell: c.shell}}, Bare: true,
		})
		if err == nil {
			err = f.Down(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, err := os.Stat(c.dir); c.dir != foreign && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the directory is there: %v", want, err)
		}
	}
	if _, err := os.Stat(filepath.Join(foreign, "mine")); err != nil {
		t.Errorf("the lab removed what is not its own: %v", err)
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*/rcwizard-lab-*-failed")
	if err != nil || len(groups) != 0 {
		t.Errorf("cgroups are left: %q, %v", groups, err)
	}
}

// TestWithoutRoot runs another test as nobody: it is skipped in one line, or fails where the lab is required.
func TestWithoutRoot(t *testing.T) {
	t.Parallel()
	lab.NeedRoot(t)
	for setting, want := range map[string]string{
		"":         "--- SKIP: TestTwoFleets",
		"required": "--- FAIL: TestTwoFleets",
	} {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestTwoFleets$", "-test.v")
		cmd.Dir = "/"
		cmd.Env = []string{"RCWIZARD_LAB=" + setting}
		cmd.SysProcAttr = &unix.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if (err == nil) != (setting == "") || !strings.Contains(string(out), want) || strings.Count(string(out), "the lab needs root") != 1 {
			t.Errorf("RCWIZARD_LAB=%q: %v, want %q and one line that says why:\n%s", setting, err, want, out)
		}
	}
}
