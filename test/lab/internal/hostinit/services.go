package hostinit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// readyWithin is how long a service may take until it answers.
const readyWithin = 30 * time.Second

// service is a program that a host runs.
type service struct {
	argv []string
	// network and address are where it answers when it is ready: to ask, with what begins as answer. That the socket
	// is there is not enough: dockerd opens it long before it serves.
	network, address string
	ask, answer      string
	log              *os.File
	pid              int // 0: not running
}

// services are the programs of a host, and the reaping of all its processes.
type services struct {
	fleet *spec.Fleet
	host  *spec.Host

	mu   sync.Mutex
	byID map[string]*service
}

func newServices(f *spec.Fleet, host *spec.Host) *services {
	return &services{fleet: f, host: host, byID: map[string]*service{
		"sshd":   {argv: []string{"/usr/sbin/sshd", "-D", "-e"}, network: "tcp", address: "localhost:22", answer: "SSH-"},
		"docker": {argv: []string{"/usr/sbin/dockerd"}, network: "unix", address: "/run/docker.sock", ask: "GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n", answer: "HTTP/1.0 200"},
	}}
}

// openLogs opens the logs, which lie on the machine, while it can be reached.
func (s *services) openLogs() error {
	for id, svc := range s.byID {
		name := filepath.Join(s.fleet.LogDir(), s.host.Name+"-"+id+".log")
		log, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("open the log of %s: %w", id, err)
		}
		svc.log = log
	}
	return nil
}

// startAll starts what the host has and waits until it answers.
func (s *services) startAll() error {
	wanted := []string{"sshd"}
	if _, err := os.Stat(s.byID["docker"].argv[0]); err == nil {
		wanted = append(wanted, "docker")
	}
	errs := make(chan error, len(wanted))
	for _, id := range wanted {
		go func() { errs <- s.start(id) }()
	}
	var all error
	for range wanted {
		all = errors.Join(all, <-errs)
	}
	return all
}

// start starts one service, unless it runs, and waits until it answers. One that was told to end a moment ago, and is
// still there, is started when it has ended.
func (s *services) start(id string) error {
	s.mu.Lock()
	svc, ok := s.byID[id]
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("%s: no service %q", s.host.Name, id)
	}
	started, err := s.spawn(id, svc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := svc.greet(ctx)
		if err == nil {
			return nil
		}
		s.mu.Lock()
		alive := svc.pid != 0
		s.mu.Unlock()
		switch {
		case !alive && started:
			return fmt.Errorf("%s: %s ended at its start: see %s", s.host.Name, id, svc.log.Name())
		case !alive:
			var failed error
			if started, failed = s.spawn(id, svc); failed != nil {
				return failed
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %s does not answer: %w", s.host.Name, id, err)
		case <-tick.C:
		}
	}
}

// greet learns whether the service answers.
func (svc *service) greet(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, svc.network, svc.address)
	if err != nil {
		return err //nolint:wrapcheck // names the address
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err //nolint:wrapcheck // names the address
		}
	}
	if _, err := io.WriteString(conn, svc.ask); err != nil {
		return err //nolint:wrapcheck // names the address
	}
	got := make([]byte, len(svc.answer))
	if _, err := io.ReadFull(conn, got); err != nil {
		return fmt.Errorf("read from %s: %w", svc.address, err)
	}
	if string(got) != svc.answer {
		return fmt.Errorf("%s says %q", svc.address, got)
	}
	return nil
}

// spawn starts a service unless its process is there, and says whether it did.
func (s *services) spawn(id string, svc *service) (started bool, err error) {
	// Held over the start, so that the reaper does not miss a process that ends at once.
	s.mu.Lock()
	defer s.mu.Unlock()
	if svc.pid != 0 {
		return false, nil
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return false, fmt.Errorf("start %s: %w", id, err)
	}
	defer func() { _ = null.Close() }()
	// What a killed engine leaves would keep the next one from starting; on a real host an init removes it at boot.
	if id == "docker" {
		_ = os.Remove("/run/docker.pid")
	}
	p, err := os.StartProcess(svc.argv[0], svc.argv, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"PATH=" + path, "LANG=C.UTF-8", "HOME=/root"},
		Files: []*os.File{null, svc.log, svc.log},
		Sys:   &unix.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return false, fmt.Errorf("start %s: %w", id, err)
	}
	svc.pid = p.Pid
	if err := p.Release(); err != nil {
		return false, fmt.Errorf("start %s: %w", id, err)
	}
	return true, nil
}

// reap waits for all children, the host's orphans too, for as long as the host lives.
func (s *services) reap() {
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	// A signal may stand for many children, and children may have died before it was asked for.
	tick := time.NewTicker(time.Second)
	for {
		s.mu.Lock()
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if err != nil && !errors.Is(err, unix.EINTR) || pid == 0 {
				break
			}
			for _, svc := range s.byID {
				if svc.pid == pid {
					svc.pid = 0
				}
			}
		}
		s.mu.Unlock()
		select {
		case <-died:
		case <-tick.C:
		}
	}
}
