// Package hostinit is the first process of a lab host.
//
// It gives the host a root file system, devices, names, accounts and clocks of its own, starts sshd and the Docker
// engine, and reaps what dies. It lives as long as its standard input is open, which the fleet's supervisor holds:
// when the supervisor is gone, however it went, the host is powered off. It is no service manager: a program that
// ends stays ended until it is asked for again.
package hostinit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab/internal/cgroups"
	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// StatusFD is the descriptor on which init reports to the supervisor, one JSON object a line.
const StatusFD = 3

// Status is what init reports.
type Status struct {
	// PID is init's process id as the machine sees it; reported once, at the start.
	PID int `json:"pid,omitempty"`
	// Done answers a command, or "boot".
	Done  string `json:"done,omitempty"`
	Error string `json:"error,omitempty"`
}

// Enter is the first stage: it joins the host's cgroups and makes them the root of a cgroup namespace. The namespace
// belongs to one thread, so the process replaces itself from this thread by exec(2) with the second stage, nextArgs.
func Enter(f *spec.Fleet, host string, nextArgs []string) error {
	runtime.LockOSThread()
	if err := cgroups.Join(f.Cgroup + "/" + host); err != nil {
		return fmt.Errorf("%s: %w", host, err)
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("make a cgroup namespace: %w", err)
	}
	if err := unix.Exec("/proc/self/exe", nextArgs, []string{"PATH=" + path}); err != nil {
		return fmt.Errorf("start the second stage: %w", err)
	}
	return nil
}

// path is the search path of the host's programs.
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Main is the second stage. It returns when the host is to go down; the kernel ends the other processes with it.
func Main(f *spec.Fleet, name string) error {
	unix.CloseOnExec(StatusFD)
	status := json.NewEncoder(os.NewFile(StatusFD, "status"))
	report := func(s Status) {
		// A supervisor that no longer reads is about to close our standard input.
		_ = status.Encode(s)
	}
	// /proc is still the machine's, so the link is the process id by which the machine knows us.
	self, err := os.Readlink("/proc/self")
	if err != nil {
		return fmt.Errorf("learn the process id: %w", err)
	}
	pid, err := strconv.Atoi(self)
	if err != nil {
		return fmt.Errorf("learn the process id: %w", err)
	}
	report(Status{PID: pid})

	host, err := f.Host(name)
	if err != nil {
		return fmt.Errorf("start a host: %w", err)
	}
	s := newServices(f, host)
	if err := boot(f, host, s); err != nil {
		report(Status{Done: "boot", Error: err.Error()})
		return err
	}
	go s.reap()
	report(outcome("boot", s.startAll()))

	// The host's root ignores what a service manager would take for a request to reload or to stop.
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGPIPE)
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		verb, service, _ := strings.Cut(commands.Text(), " ")
		if verb != "start" {
			report(Status{Done: commands.Text(), Error: "unknown command"})
			continue
		}
		report(outcome(commands.Text(), s.start(service)))
	}
	return nil
}

func outcome(what string, err error) Status {
	if err != nil {
		return Status{Done: what, Error: err.Error()}
	}
	return Status{Done: what}
}

// boot makes the host out of the fleet's root and the host's own disk. Its order matters: what is taken from the
// machine must be open or bound before the machine's root is let go.
func boot(f *spec.Fleet, host *spec.Host, s *services) error {
	hierarchies, err := cgroups.Mounted()
	if err != nil {
		return fmt.Errorf("%s: %w", host.Name, err)
	}
	if host.CgroupV2 {
		hierarchies = slices.DeleteFunc(hierarchies, func(h cgroups.Hierarchy) bool { return !h.V2 })
		if len(hierarchies) != 1 {
			return fmt.Errorf("%s: the machine has no cgroups of version 2", host.Name)
		}
		hierarchies[0].Mount = cgroups.Root
	}
	if err := s.openLogs(); err != nil {
		return err
	}
	r := root{fleet: f, host: host, dir: f.HostDir(host.Name) + "/disk/root"}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"mount the root", r.mount},
		{"mount the cgroups", func() error { return cgroups.Mount(r.dir, hierarchies) }},
		{"make the devices", r.devices},
		{"mount the disk of Docker", r.dockerDisk},
		{"install compose", r.compose},
		{"set the host's identity", r.identity},
		{"configure the host", r.configure},
		{"change the root", r.pivot},
		{"delegate the cgroups", cgroups.Delegate},
		{"close the way around the jump host", r.behind},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %s: %w", host.Name, step.what, err)
		}
	}
	return nil
}
