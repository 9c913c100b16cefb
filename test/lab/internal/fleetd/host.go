package fleetd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab/internal/hostinit"
	"github.com/rcwizard/rcwizard/test/lab/internal/netspace"
	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// rootDisk is the size of a host's root file system in bytes. It is a tmpfs: what is not used costs nothing.
const rootDisk = 20 << 30

// host is a machine of the fleet, on or off. Its disks outlive a power cut; its network namespace does not,
// so that firewall rules nobody made permanent are gone after it, as on a real host.
type host struct {
	s    *Supervisor
	spec *spec.Host
	port string

	mu     sync.Mutex
	init   *program // nil: powered off
	pid    int      // of init, as the machine sees it
	ns     netns.NsHandle
	stdin  io.WriteCloser
	status chan hostinit.Status
}

// newHost makes the host's disks.
func (s *Supervisor) newHost(ctx context.Context, h *spec.Host) (*host, error) {
	s.ports++
	dir := s.fleet.HostDir(h.Name)
	disk := filepath.Join(dir, "disk")
	for _, d := range []string{disk, filepath.Join(dir, "docker")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("%s: make its disks: %w", h.Name, err)
		}
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", int64(rootDisk))); err != nil {
		return nil, fmt.Errorf("%s: mount its disk: %w", h.Name, err)
	}
	for _, d := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(disk, d), 0o755); err != nil { //nolint:gosec // upper is the host's /
			return nil, fmt.Errorf("%s: make its disks: %w", h.Name, err)
		}
	}
	if h.DockerDisk > 0 {
		if err := mountImage(ctx, filepath.Join(dir, "docker.img"), filepath.Join(dir, "docker"), h.DockerDisk); err != nil {
			return nil, fmt.Errorf("%s: make the disk of Docker: %w", h.Name, err)
		}
	}
	return &host{s: s, spec: h, port: fmt.Sprintf("port%d", s.ports)}, nil
}

// mountImage makes an ext4 file system of that size in a sparse file and mounts it.
func mountImage(ctx context.Context, image, target string, size int64) error {
	f, err := os.OpenFile(image, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("make %s: %w", image, err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return fmt.Errorf("make %s: %w", image, err)
	}
	for _, argv := range [][]string{
		{"mkfs.ext4", "-q", "-m", "0", image},
		{"mount", "-o", "loop", image, target},
	} {
		out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", argv[0], err, out)
		}
	}
	return noReserve(target)
}

// noReserve lets files have the blocks that ext4 keeps back for itself beside those for root, so that a disk is full
// when it says so.
func noReserve(mounted string) error {
	var st unix.Stat_t
	if err := unix.Stat(mounted, &st); err != nil {
		return fmt.Errorf("find the device of %s: %w", mounted, err)
	}
	device, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)))
	if err != nil {
		return fmt.Errorf("find the device of %s: %w", mounted, err)
	}
	knob := filepath.Join("/sys/fs/ext4", filepath.Base(device), "reserved_clusters")
	if err := os.WriteFile(knob, []byte("0"), 0o600); err != nil {
		return fmt.Errorf("free the reserve of %s: %w", mounted, err)
	}
	return nil
}

// boot turns the host on and returns when its services answer.
func (h *host) boot(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.init != nil {
		return fmt.Errorf("%s is on already", h.spec.Name)
	}
	if err := h.powerOn(ctx); err != nil {
		h.off()
		return fmt.Errorf("boot %s: %w", h.spec.Name, err)
	}
	if err := h.await(ctx, "boot"); err != nil {
		h.off()
		return fmt.Errorf("boot %s: %w", h.spec.Name, err)
	}
	return nil
}

// powerOn connects the host and starts its init.
func (h *host) powerOn(ctx context.Context) (err error) {
	h.ns, err = netspace.New()
	if err != nil {
		return fmt.Errorf("plug it in: %w", err)
	}
	defer func() {
		if err != nil && h.init == nil {
			_ = h.ns.Close()
		}
	}()
	if err := netspace.Attach(h.s.wire, h.ns, h.port, netip.PrefixFrom(h.spec.Address, h.s.fleet.Bits())); err != nil {
		return fmt.Errorf("plug it in: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make the status pipe: %w", err)
	}
	defer func() { _ = write.Close() }()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, "__init", h.s.fleet.Dir, h.spec.Name)
	cmd.SysProcAttr = &unix.SysProcAttr{
		Cloneflags:   unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID,
		Unshareflags: unix.CLONE_NEWNS,
	}
	cmd.ExtraFiles = []*os.File{write} // hostinit.StatusFD
	closeLog, err := h.s.logTo(cmd, h.spec.Name+"-console")
	if err != nil {
		return err
	}
	defer closeLog()
	if h.stdin, err = cmd.StdinPipe(); err != nil {
		return fmt.Errorf("make the command pipe: %w", err)
	}
	p, err := start(h.ns, cmd)
	if err != nil {
		return err
	}
	h.init, h.status = p, make(chan hostinit.Status, 1)
	go func(out chan<- hostinit.Status) {
		defer func() { _ = read.Close() }()
		defer close(out)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			var st hostinit.Status
			if json.Unmarshal(lines.Bytes(), &st) == nil {
				out <- st
			}
		}
	}(h.status)
	return nil
}

// await waits for init's answer.
func (h *host) await(ctx context.Context, what string) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case st, open := <-h.status:
			switch {
			case !open:
				return fmt.Errorf("init ended: see %s-console.log in %s", h.spec.Name, h.s.fleet.LogDir())
			case st.PID != 0:
				h.pid = st.PID
			case st.Error != "":
				return errors.New(st.Error)
			case st.Done == what:
				return nil
			}
		}
	}
}

// startService asks init for a service and waits until it answers.
func (h *host) startService(ctx context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.init == nil {
		return fmt.Errorf("%s is powered off", h.spec.Name)
	}
	if _, err := io.WriteString(h.stdin, "start "+id+"\n"); err != nil {
		return fmt.Errorf("%s: start %s: %w", h.spec.Name, id, err)
	}
	return h.await(ctx, "start "+id)
}

// powerCut ends the host without a word on the wire: its cable is pulled first, so that no FIN or RST leaves it.
func (h *host) powerCut() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.init == nil {
		return fmt.Errorf("%s is powered off already", h.spec.Name)
	}
	if err := netspace.Plug(h.s.wire, h.port, false); err != nil {
		return fmt.Errorf("cut the power of %s: %w", h.spec.Name, err)
	}
	h.off()
	return nil
}

// plug pulls the host's cable out or puts it back.
func (h *host) plug(in bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.init == nil {
		return fmt.Errorf("%s is powered off", h.spec.Name)
	}
	if err := netspace.Plug(h.s.wire, h.port, in); err != nil {
		return fmt.Errorf("the cable of %s: %w", h.spec.Name, err)
	}
	return nil
}

// kill ends the host at the fleet's end.
func (h *host) kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.init != nil {
		h.off()
	}
}

// off kills what runs and lets the namespace go. The caller holds the lock.
func (h *host) off() {
	if h.init != nil {
		h.init.kill()
		_ = h.stdin.Close()
		h.init, h.pid = nil, 0
		// Init may have been in the middle of an answer: without a reader the pipe's goroutine would stay.
		go func(status <-chan hostinit.Status) {
			for range status {
			}
		}(h.status)
		_ = h.ns.Close()
	}
	// The kernel removes the cable with the namespace, a little later; the port's name is needed again at once.
	_ = netspace.Detach(h.s.wire, h.port)
}

// state is what the host is now.
func (h *host) state() spec.HostState {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := spec.HostState{PID: h.pid}
	if h.pid != 0 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/run/boot_id", h.pid))
		if err == nil {
			st.BootID = strings.TrimSpace(string(b))
		}
	}
	return st
}

// resizeRoot sets how many bytes are free on the host's root file system, without using memory for what fills it.
// A negative number gives the disk its full size again.
func (h *host) resizeRoot(free int64) error {
	disk := filepath.Join(h.s.fleet.HostDir(h.spec.Name), "disk")
	size := int64(rootDisk)
	if free >= 0 {
		var st unix.Statfs_t
		if err := unix.Statfs(disk, &st); err != nil {
			return fmt.Errorf("%s: measure its disk: %w", h.spec.Name, err)
		}
		used := int64(st.Blocks-st.Bfree) * st.Bsize //nolint:gosec // far below the limit
		size = used + free
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d,mode=755", size)); err != nil {
		return fmt.Errorf("%s: resize its disk to %d bytes: %w", h.spec.Name, size, err)
	}
	return nil
}

// unmount lets the hosts' disks go, so that their directories can be removed.
func (s *Supervisor) unmount() error {
	var all error
	for name, h := range s.hosts {
		dir := s.fleet.HostDir(name)
		targets := []string{filepath.Join(dir, "disk")}
		if h.spec.DockerDisk > 0 {
			targets = append(targets, filepath.Join(dir, "docker"))
		}
		for _, t := range targets {
			if err := unmountSoon(t); err != nil {
				all = errors.Join(all, fmt.Errorf("unmount %s: %w", t, err))
			}
		}
	}
	return all
}

// unmountSoon unmounts a directory that processes which are just ending may still use for a moment.
func unmountSoon(dir string) error {
	for deadline := time.Now().Add(2 * time.Second); ; {
		err := unix.Unmount(dir, 0)
		if err == nil || errors.Is(err, unix.EINVAL) { // EINVAL: it is no mount (any more)
			return nil
		}
		if time.Now().After(deadline) {
			return err //nolint:wrapcheck // the caller names the directory
		}
		<-time.After(10 * time.Millisecond)
	}
}
