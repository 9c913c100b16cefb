// Package fleetd is the supervisor of one fleet: the process that holds its namespaces and is the parent of its hosts.
//
// It is the first process of a process namespace and has a mount namespace of its own, so that nothing of a fleet can
// outlive it: if it is killed, the kernel ends every process of the fleet, and with them go all mounts, network
// namespaces and wires. What the kernel does not take back (cgroup directories, the fleet's directory, its lock) the
// supervisor removes itself, or Sweep does for one that was killed.
package fleetd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab/internal/cgroups"
	"github.com/rcwizard/rcwizard/test/lab/internal/netspace"
	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// Descriptors that the starter gives to the supervisor, beside the standard ones.
// Standard input is the owner's hand: when it closes, the fleet goes down. Standard output gets Ready or an error.
const (
	// LockFD is the locked file that says that the fleet lives.
	LockFD = 3
)

// Ready is what the supervisor writes when the fleet is up.
const Ready = "ready\n"

// Supervisor is a fleet that runs.
type Supervisor struct {
	fleet *spec.Fleet
	log   *slog.Logger
	wire  netns.NsHandle

	operator, services *holder
	servicesNS         netns.NsHandle
	programs           []*program

	mu    sync.Mutex
	hosts map[string]*host
	ports int

	down context.CancelFunc
}

// Main brings the fleet up, answers on its control socket until it is told to stop or its owner is gone, and removes it.
// What is up by then is removed when the start fails, too.
func Main(f *spec.Fleet, detached bool, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	unix.CloseOnExec(LockFD)
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &Supervisor{
		fleet: f, down: cancel, hosts: map[string]*host{},
		log: slog.New(slog.NewTextHandler(stderr, nil)),
	}
	if !detached {
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			s.log.Info("the owner is gone")
			cancel()
		}()
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	begun := time.Now()
	if err := s.up(ctx); err != nil {
		_, _ = io.WriteString(stdout, err.Error()+"\n")
		return err
	}
	server, err := s.listen(ctx)
	if err != nil {
		_, _ = io.WriteString(stdout, err.Error()+"\n")
		return err
	}
	defer func() { _ = server.Close() }()
	s.log.Info("the fleet is up", "hosts", len(f.Hosts), "took", time.Since(begun))
	if _, err := io.WriteString(stdout, Ready); err != nil {
		return fmt.Errorf("tell that fleet %s is up: %w", f.Name, err)
	}
	<-ctx.Done()
	ctx, cancel = context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// Whoever asked for the end still gets the answer.
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		s.log.Warn("close the control socket", "error", err)
	}
	return nil
}

// up makes the namespaces and starts everything.
func (s *Supervisor) up(ctx context.Context) error {
	for _, d := range []string{s.fleet.LogDir(), s.fleet.Dir + "/hosts"} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("make the fleet's directory: %w", err)
		}
	}
	var err error
	if s.wire, err = netspace.NewWire(); err != nil {
		return fmt.Errorf("fleet %s: %w", s.fleet.Name, err)
	}
	if s.servicesNS, s.services, err = s.place(ctx, "services", s.fleet.ServicesAddress()); err != nil {
		return err
	}
	if _, s.operator, err = s.place(ctx, "operator", s.fleet.OperatorAddress()); err != nil {
		return err
	}
	// A host that waits for the registry at its start would wait for nothing: only pulls need it.
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.startServices(ctx) })
	for i := range s.fleet.Hosts {
		h, err := s.newHost(ctx, &s.fleet.Hosts[i])
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		s.hosts[h.spec.Name] = h
		group.Go(func() error { return h.boot(ctx) })
	}
	return group.Wait() //nolint:wrapcheck // the steps' own errors
}

// remove ends all processes of the fleet and takes back what the kernel would leave.
func (s *Supervisor) remove() error {
	begun := time.Now()
	var all error
	var group sync.WaitGroup
	for _, h := range s.hosts {
		group.Go(func() { h.kill() })
	}
	group.Wait()
	for _, p := range s.programs {
		p.kill()
	}
	for _, h := range []*holder{s.operator, s.services} {
		if h != nil {
			h.kill()
		}
	}
	all = errors.Join(all, s.unmount(), cgroups.Remove(s.fleet.Cgroup, 5*time.Second))
	s.log.Info("the fleet is down", "took", time.Since(begun), "error", all)
	return errors.Join(all, removeFiles(s.fleet.Dir, s.fleet.Lock))
}

// removeFiles removes the fleet's directory and, last, the name of its lock, which is held all the while.
func removeFiles(dir, lock string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the fleet's directory: %w", err)
	}
	if err := os.Remove(lock); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the fleet's lock: %w", err)
	}
	// Refused while another fleet has its lock there.
	_ = os.Remove(LockDir)
	return nil
}
