package fleetd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab/internal/netspace"
)

// self is the lab's own program, also when its file has been replaced since.
const self = "/proc/self/exe"

// program is a process of the fleet beside its hosts.
type program struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// start runs cmd in a network namespace and waits for it in the background.
func start(ns netns.NsHandle, cmd *exec.Cmd) (*program, error) {
	if err := netspace.Do(ns, cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	p := &program{cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // who needs the outcome sees that it ended, and reads its log
	}()
	return p, nil
}

// kill ends the process and returns when it is gone.
func (p *program) kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return
	}
	<-p.done
}

// logTo appends the command's output to a file of the fleet's log directory.
func (s *Supervisor) logTo(cmd *exec.Cmd, name string) (func(), error) {
	log, err := os.OpenFile(filepath.Join(s.fleet.LogDir(), name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	return func() { _ = log.Close() }, nil
}

// holder is an idle process that keeps a place's namespaces: programs enter them by its process id.
type holder struct {
	*program
	pid int // as the machine sees it
}

// place makes a namespace on the wire with a holder inside.
func (s *Supervisor) place(ctx context.Context, name string, address netip.Addr) (netns.NsHandle, *holder, error) {
	ns, err := netspace.New()
	if err != nil {
		return ns, nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := netspace.Attach(s.wire, ns, name, netip.PrefixFrom(address, s.fleet.Bits())); err != nil {
		return ns, nil, fmt.Errorf("%s: %w", name, err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, "__hold", s.fleet.Dir, name)
	cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWUTS, Unshareflags: unix.CLONE_NEWNS}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return ns, nil, fmt.Errorf("%s: %w", name, err)
	}
	// Never written: it closes with the supervisor, and the holder ends.
	if _, err := cmd.StdinPipe(); err != nil {
		return ns, nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := netspace.Do(ns, cmd.Start); err != nil {
		return ns, nil, fmt.Errorf("%s: %w", name, err)
	}
	line, readErr := io.ReadAll(out)
	h := &holder{program: &program{cmd: cmd, done: make(chan struct{})}}
	go func() {
		defer close(h.done)
		_ = cmd.Wait() // it ends when it is killed
	}()
	pid, err := strconv.Atoi(strings.TrimSpace(string(line)))
	if err = errors.Join(readErr, err); err != nil {
		h.kill()
		return ns, nil, fmt.Errorf("the holder of the %s' namespace did not start: %w", name, err)
	}
	h.pid = pid
	return ns, h, nil
}

// Hold is the holder's side. It gives the place a name and, so that programs find the fleet's name server,
// an /etc/resolv.conf and /etc/hosts; then it tells its process id, closes stdout, and waits until stdin closes.
func Hold(dir, name string, files map[string]string, stdin io.Reader, stdout io.WriteCloser) error {
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("name the %s' namespace: %w", name, err)
	}
	for target, content := range files {
		source := filepath.Join(dir, name+"-"+filepath.Base(target))
		if err := os.WriteFile(source, []byte(content), 0o644); err != nil { //nolint:gosec // every program reads it
			return fmt.Errorf("make %s: %w", target, err)
		}
		// resolv.conf is often a link into /run.
		resolved, err := filepath.EvalSymlinks(target)
		if err != nil {
			return fmt.Errorf("replace %s: %w", target, err)
		}
		if err := unix.Mount(source, resolved, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("replace %s: %w", target, err)
		}
	}
	// sysfs shows the network of the namespace in which it was mounted. What lies below it (cgroups) is of no use here.
	if err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	pid, err := os.Readlink("/proc/self")
	if err != nil {
		return fmt.Errorf("learn the process id: %w", err)
	}
	if _, err := io.WriteString(stdout, pid+"\n"); err != nil {
		return fmt.Errorf("tell the process id: %w", err)
	}
	if err := stdout.Close(); err != nil {
		return fmt.Errorf("tell the process id: %w", err)
	}
	_, err = io.Copy(io.Discard, stdin)
	if err != nil {
		return fmt.Errorf("wait for the end: %w", err)
	}
	return nil
}
