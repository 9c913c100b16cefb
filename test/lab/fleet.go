package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab/internal/fleetd"
	"github.com/rcwizard/rcwizard/test/lab/internal/netspace"
	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// Fleet is a set of hosts that runs. Its methods may be called from several goroutines at once.
type Fleet struct {
	spec    *spec.Fleet
	control *http.Client

	// cmd and hand are set for a fleet that this process started and owns: when hand closes, the fleet goes down.
	cmd  *exec.Cmd
	hand io.Closer

	mu    sync.Mutex
	state spec.State // as last asked for
}

// start brings a fleet up in dir. With own it goes down with this process, however that ends; otherwise it stays until
// Down. The program is the lab's own.
func start(ctx context.Context, labDir, dir, program string, own bool, o Options) (_ *Fleet, err error) {
	f, err := o.fleet()
	if err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("start fleet %s: root is needed", o.Name)
	}
	if err := checkDir(dir); err != nil {
		return nil, fmt.Errorf("start fleet %s: %w", o.Name, err)
	}
	p, err := readPrepared(labDir)
	if err != nil {
		return nil, err
	}
	f.Root, f.Rented = p.Root, p.Rented
	f.Services.Compose = p.Services.Compose
	if !o.Bare {
		f.Services = p.Services
	}
	index, cgroup, lock, err := fleetd.Acquire(o.Name, dir)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what was claimed
	}
	defer func() { _ = lock.Close() }()
	f.Index, f.Cgroup, f.Lock, f.Dir = index, cgroup, lock.Name(), dir
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("make the directory of fleet %s: %w", f.Name, err), os.Remove(f.Lock))
	}
	if err := describe(f); err != nil {
		return nil, errors.Join(err, os.RemoveAll(f.Dir), os.Remove(f.Lock))
	}
	fleet := &Fleet{spec: f, control: controlClient(f)}
	if err := fleet.launch(ctx, program, own, lock); err != nil {
		return nil, err
	}
	if err := fleet.refresh(ctx); err != nil {
		return nil, errors.Join(err, fleet.Down(ctx))
	}
	return fleet, nil
}

// checkDir refuses a directory whose path the kernel would not take where the fleet needs it.
func checkDir(dir string) error {
	const hint = "set RCWIZARD_LAB_DIR to another directory"
	socket := (&spec.Fleet{Dir: dir}).Socket()
	if limit := len(unix.RawSockaddrUnix{}.Path) - 1; len(socket) > limit {
		return fmt.Errorf("%s is %d bytes longer than the path of a socket may be: %s", dir, len(socket)-limit, hint)
	}
	if strings.ContainsAny(dir, `:,\`) {
		return fmt.Errorf("%s has a character in it that an overlay's options cannot hold: %s", dir, hint)
	}
	return nil
}

// describe fills the fleet's directory with what its supervisor reads.
func describe(f *spec.Fleet) error {
	for i := range f.Hosts {
		f.Hosts[i].Address = f.HostAddress(i)
	}
	// First, so that the directory is known for a fleet's if this process ends here.
	if err := f.Write(); err != nil {
		return err //nolint:wrapcheck // names the fleet
	}
	return makeKeys(f)
}

// launch starts the supervisor and waits until it says that the fleet is up.
func (f *Fleet) launch(ctx context.Context, program string, own bool, lock *os.File) error {
	mode := "owned"
	if !own {
		mode = "detached"
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "__fleet", f.spec.Dir, mode)
	cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWPID, Unshareflags: unix.CLONE_NEWNS, Setsid: true}
	cmd.ExtraFiles = []*os.File{lock} // fleetd.LockFD
	logName := filepath.Join(f.spec.Dir, "supervisor.log")
	log, err := os.OpenFile(logName, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start fleet %s: %w", f.spec.Name, err)
	}
	defer func() { _ = log.Close() }()
	cmd.Stderr = log
	if own {
		if f.hand, err = cmd.StdinPipe(); err != nil {
			return fmt.Errorf("start fleet %s: %w", f.spec.Name, err)
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start fleet %s: %w", f.spec.Name, err)
	}
	defer func() { _ = read.Close() }()
	cmd.Stdout = write
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		return fmt.Errorf("start fleet %s: %w", f.spec.Name, err)
	}
	f.cmd = cmd
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(unix.SIGTERM) })
	defer stop()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err == nil && line == fleetd.Ready {
		return nil
	}
	tail := f.logTail()
	_ = cmd.Wait() // its message is what counts
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(fmt.Errorf("start fleet %s: %s%s", f.spec.Name, line, tail), err)
}

// logTail is the end of each log, for the message about a fleet that did not start and whose directory goes.
func (f *Fleet) logTail() string {
	var out strings.Builder
	files, _ := filepath.Glob(filepath.Join(f.spec.LogDir(), "*.log")) // the pattern is a good one
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil || len(bytes.TrimSpace(b)) == 0 {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		fmt.Fprintf(&out, "--- %s\n%s\n", filepath.Base(file), strings.Join(lines[max(0, len(lines)-5):], "\n"))
	}
	return out.String()
}

// Open finds the fleet that runs in dir.
func Open(ctx context.Context, dir string) (*Fleet, error) {
	s, err := spec.Read(dir)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the directory
	}
	f := &Fleet{spec: s, control: controlClient(s)}
	if err := f.refresh(ctx); err != nil {
		return nil, fmt.Errorf("fleet %s does not answer (`lab down` removes what is left of it): %w", s.Name, err)
	}
	return f, nil
}

// controlClient speaks HTTP to the supervisor's socket.
func controlClient(s *spec.Fleet) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", s.Socket())
		},
	}}
}

// ask sends a request to the supervisor.
func (f *Fleet) ask(ctx context.Context, method, path string, query url.Values) ([]byte, error) {
	u := url.URL{Scheme: "http", Host: "fleet", Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask fleet %s: %w", f.spec.Name, err)
	}
	resp, err := f.control.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask fleet %s: %w", f.spec.Name, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("ask fleet %s: %w", f.spec.Name, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("fleet %s: %s", f.spec.Name, strings.TrimSpace(string(body)))
	}
	return body, nil
}

// refresh learns the process ids by which the namespaces are entered.
func (f *Fleet) refresh(ctx context.Context) error {
	b, err := f.ask(ctx, http.MethodGet, "/state", nil)
	if err != nil {
		return err
	}
	var st spec.State
	if err := json.Unmarshal(b, &st); err != nil {
		return fmt.Errorf("ask fleet %s for its state: %w", f.spec.Name, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = st
	return nil
}

func (f *Fleet) current() spec.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Down ends the fleet and returns when nothing is left of it. Programs that Op started and that still run are ended too.
func (f *Fleet) Down(ctx context.Context) error {
	f.killOperators()
	_, err := f.ask(ctx, http.MethodPost, "/down", nil)
	if f.cmd != nil {
		if f.hand != nil {
			_ = f.hand.Close()
		}
		wait := f.cmd.Wait()
		if wait != nil {
			return fmt.Errorf("take fleet %s down: %w", f.spec.Name, errors.Join(err, wait))
		}
		return nil
	}
	if err != nil {
		return err
	}
	// The supervisor removes the lock's name last.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(f.spec.Lock); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("take fleet %s down: %w", f.spec.Name, ctx.Err())
		case <-tick.C:
		}
	}
}

// killOperators ends what still runs in the operator's place: such programs are no children of the supervisor.
func (f *Fleet) killOperators() {
	holder := f.current().OperatorPID
	place, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", holder))
	if err != nil {
		return
	}
	links, _ := filepath.Glob("/proc/[0-9]*/ns/net") // the pattern is a good one
	for _, link := range links {
		if ns, err := os.Readlink(link); err != nil || ns != place {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(link, "/")[2])
		if err == nil && pid != holder && pid != os.Getpid() {
			_ = unix.Kill(pid, unix.SIGKILL) // it may be gone by now
		}
	}
}

// Name is the fleet's name.
func (f *Fleet) Name() string { return f.spec.Name }

// Dir is the fleet's directory on the machine. It goes with the fleet.
func (f *Fleet) Dir() string { return f.spec.Dir }

// Domain is the name that leads to the edge host (or to the first, where none is called edge).
// "grafana." before it leads there too, and <host>.<fleet>.test to each host.
func (f *Fleet) Domain() string { return domain(f.spec.Name) }

// KeyFile is the private key that is let in to every account of every host.
func (f *Fleet) KeyFile() string { return filepath.Join(f.spec.Dir, keyFile) }

// LockedKeyFile is a second such key, which wants Passphrase.
func (f *Fleet) LockedKeyFile() string { return filepath.Join(f.spec.Dir, lockedKeyFile) }

// KnownHostsFile has the keys of all hosts as they were when the fleet came up.
func (f *Fleet) KnownHostsFile() string { return filepath.Join(f.spec.Dir, knownHostsFile) }

// ACMEDirectory is the URL of the certificate authority.
func (f *Fleet) ACMEDirectory() string {
	return "https://" + net.JoinHostPort(fleetd.ACMEName, fleetd.ACMEPort) + "/dir"
}

// ACMERootsFile has the roots to trust: of the directory's own certificate and of those that it issues.
func (f *Fleet) ACMERootsFile() string { return filepath.Join(f.spec.Dir, acmeRootsFile) }

// Mirror is the registry's address as a mirror of docker.io, from the fleet's hosts.
func (f *Fleet) Mirror() string {
	return "http://" + net.JoinHostPort(f.spec.ServicesAddress().String(), "5000")
}

// DNS is the address of the fleet's name server.
func (f *Fleet) DNS() netip.AddrPort { return netip.AddrPortFrom(f.spec.ServicesAddress(), 53) }

// SetName makes a name in the fleet's DNS lead to an address.
func (f *Fleet) SetName(ctx context.Context, name string, address netip.Addr) error {
	_, err := f.ask(ctx, http.MethodPost, "/names/"+name, url.Values{"address": {address.String()}})
	return err
}

// Op is a command that runs where the operator sits: on the machine's files, with the fleet's network and names.
// Its environment is empty but for PATH, HOME (the fleet's directory) and LANG; its working directory is the fleet's.
// The process that starts is the command itself, so that it may be sent signals.
func (f *Fleet) Op(ctx context.Context, argv ...string) *exec.Cmd {
	args := append([]string{
		"--target", strconv.Itoa(f.current().OperatorPID), "--mount", "--net", "--uts",
		"--wdns=" + f.spec.Dir, "--",
	}, argv...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + f.spec.Dir, "LANG=C.UTF-8",
	}
	return cmd
}

// Dial opens a connection from where the operator sits. Names are resolved by the fleet's name server.
func (f *Fleet) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	ns, err := netspace.Of(f.current().OperatorPID)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	defer func() { _ = ns.Close() }()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return netspace.Dial(ctx, ns, network, address) //nolint:wrapcheck // net.OpError says what was dialled
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return netspace.Dial(ctx, ns, network, f.DNS().String())
	}}
	addrs, err := resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	return netspace.Dial(ctx, ns, network, net.JoinHostPort(addrs[0].Unmap().String(), port)) //nolint:wrapcheck // net.OpError says what was dialled
}

// Listen listens where the operator sits, for a server that only the operator is to reach: with 127.0.0.1, his own.
func (f *Fleet) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	ns, err := netspace.Of(f.current().OperatorPID)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	defer func() { _ = ns.Close() }()
	return netspace.Listen(ctx, ns, network, address) //nolint:wrapcheck // net.OpError says what was listened on
}

// SupervisorPID is the process on which all others of the fleet depend.
func (f *Fleet) SupervisorPID() int { return f.current().PID }

// Cgroup is the name of the fleet's directory at the root of each cgroup hierarchy.
func (f *Fleet) Cgroup() string { return f.spec.Cgroup }
