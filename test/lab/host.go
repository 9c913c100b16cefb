package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/rcwizard/rcwizard/test/lab/internal/netspace"
	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// Host is a machine of a fleet.
type Host struct {
	fleet *Fleet
	spec  *spec.Host
}

// Host returns the host of that name. It panics when there is none, as an index out of range does.
func (f *Fleet) Host(name string) *Host {
	h, err := f.spec.Host(name)
	if err != nil {
		panic(err)
	}
	return &Host{fleet: f, spec: h}
}

// Hosts are all hosts, in the order of the options.
func (f *Fleet) Hosts() []*Host {
	out := make([]*Host, len(f.spec.Hosts))
	for i := range f.spec.Hosts {
		out[i] = &Host{fleet: f, spec: &f.spec.Hosts[i]}
	}
	return out
}

// Name is the host's name.
func (h *Host) Name() string { return h.spec.Name }

// Address is where the host is reached, by the operator and by the other hosts.
func (h *Host) Address() netip.Addr { return h.spec.Address }

// HostKey is the fingerprint (SHA256:…) of the host's present ed25519 key.
func (h *Host) HostKey() (string, error) {
	b, err := os.ReadFile(filepath.Join(h.fleet.spec.HostDir(h.spec.Name), "ssh_host_ed25519_key.pub"))
	if err != nil {
		return "", fmt.Errorf("%s: read its host key: %w", h.spec.Name, err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(b)
	if err != nil {
		return "", fmt.Errorf("%s: read its host key: %w", h.spec.Name, err)
	}
	return ssh.FingerprintSHA256(key), nil
}

// ExitError is a command's end with another code than 0, with what it wrote to its standard error.
type ExitError struct {
	Host   string
	Argv   []string
	Code   int
	Stderr string
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("%s: %s: exit code %d: %s", e.Host, strings.Join(e.Argv, " "), e.Code, strings.TrimSpace(e.Stderr))
}

// Exec runs a command on the host as root, without ssh, and returns its standard output.
// A command that ends with another code than 0 is an *ExitError.
func (h *Host) Exec(ctx context.Context, argv ...string) (string, error) {
	return h.exec(ctx, nil, argv...)
}

// Shell runs a script with the host's sh.
func (h *Host) Shell(ctx context.Context, script string) (string, error) {
	return h.exec(ctx, strings.NewReader(script), "sh", "-e")
}

func (h *Host) exec(ctx context.Context, stdin io.Reader, argv ...string) (string, error) {
	cmd := h.Command(ctx, argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return stdout.String(), fmt.Errorf("%s: %s: %w", h.spec.Name, strings.Join(argv, " "), ctx.Err())
	case errors.As(err, &exit):
		return stdout.String(), &ExitError{Host: h.spec.Name, Argv: argv, Code: exit.ExitCode(), Stderr: stderr.String()}
	case err != nil:
		return stdout.String(), fmt.Errorf("%s: %s: %w", h.spec.Name, strings.Join(argv, " "), err)
	}
	return stdout.String(), nil
}

// Command is a command that will run on the host as root, in /. It fails to start while the host is powered off.
// The process that starts is a parent of the command; the command ends when that is killed.
func (h *Host) Command(ctx context.Context, argv ...string) *exec.Cmd {
	args := append([]string{
		"--target", strconv.Itoa(h.PID()),
		"--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--",
		"setpriv", "--pdeathsig", "KILL", "--",
	}, argv...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8",
	}
	return cmd
}

// Dial opens a connection from the host to an address; names are not resolved.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	ns, err := netspace.Of(h.PID())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.spec.Name, err)
	}
	defer func() { _ = ns.Close() }()
	return netspace.Dial(ctx, ns, network, address) //nolint:wrapcheck // net.OpError says what was dialled
}

// do asks the supervisor to do something to the host.
func (h *Host) do(ctx context.Context, action string, query url.Values) error {
	_, err := h.fleet.ask(ctx, http.MethodPost, "/hosts/"+h.spec.Name+"/"+action, query)
	return errors.Join(err, h.fleet.refresh(ctx))
}

// PowerCut ends the host as a pulled mains plug does: no process is told, and no packet leaves that says so.
// Disks stay. What was in memory is gone: firewall rules, /run, /tmp.
func (h *Host) PowerCut(ctx context.Context) error { return h.do(ctx, "powercut", nil) }

// Boot turns the host on and returns when sshd, and Docker where it is, answer. The boot_id is new.
func (h *Host) Boot(ctx context.Context) error { return h.do(ctx, "boot", nil) }

// On says whether the host is powered on.
func (h *Host) On() bool { return h.PID() != 0 }

// PID is the host's first process as the machine sees it; 0 while the host is off.
func (h *Host) PID() int { return h.fleet.current().Hosts[h.spec.Name].PID }

// BootID is that of the host's present run, as /proc/sys/kernel/random/boot_id shows it.
func (h *Host) BootID() string { return h.fleet.current().Hosts[h.spec.Name].BootID }

// StartDocker starts the Docker engine after it was stopped or killed, and returns when it answers.
func (h *Host) StartDocker(ctx context.Context) error {
	return h.do(ctx, "start", url.Values{"service": {"docker"}})
}

// StartSSH starts sshd after it was stopped or killed, and returns when it answers.
func (h *Host) StartSSH(ctx context.Context) error {
	return h.do(ctx, "start", url.Values{"service": {"sshd"}})
}

// InstallDocker gives Docker to a host that was made without it, and starts it.
func (h *Host) InstallDocker(ctx context.Context) error {
	root := fmt.Sprintf("/proc/%d/root", h.PID())
	programs := append([]string{}, spec.DockerPrograms()...)
	for _, p := range programs {
		if err := copyProgram(h.fleet.spec.Root+p, root+p); err != nil {
			return fmt.Errorf("%s: install Docker: %w", h.spec.Name, err)
		}
	}
	if compose := h.fleet.spec.Services.Compose; compose != "" && !h.spec.NoCompose {
		plugin := root + spec.ComposePlugin
		if err := os.MkdirAll(filepath.Dir(plugin), 0o755); err != nil { //nolint:gosec // as Docker's packages make it
			return fmt.Errorf("%s: install compose: %w", h.spec.Name, err)
		}
		if err := copyProgram(compose, plugin); err != nil {
			return fmt.Errorf("%s: install compose: %w", h.spec.Name, err)
		}
	}
	return h.StartDocker(ctx)
}

// copyProgram copies an executable; a program that the source does not have is none that is missing.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err //nolint:wrapcheck // names the path
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755) //nolint:gosec // a program on a host
	if err != nil {
		return err //nolint:wrapcheck // names the path
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// ChangeHostKey gives the host new ssh keys, as a reinstalled server has. The fleet's known_hosts keeps the old ones.
func (h *Host) ChangeHostKey(ctx context.Context) error {
	if _, err := makeHostKeys(h.fleet.spec, h.spec); err != nil {
		return err
	}
	for _, kind := range []string{"ed25519", "ecdsa"} {
		name := "ssh_host_" + kind + "_key"
		key, err := os.Open(filepath.Join(h.fleet.spec.HostDir(h.spec.Name), name))
		if err != nil {
			return fmt.Errorf("%s: change its host key: %w", h.spec.Name, err)
		}
		_, err = h.exec(ctx, key, "sh", "-c", "cat >/etc/ssh/"+name)
		if err := errors.Join(err, key.Close()); err != nil {
			return err
		}
	}
	// sshd reads its keys when it starts. The sessions stay. It removes the file with its number before it ends, so the
	// file is read once.
	if _, err := h.Exec(ctx, "sh", "-c", `pid=$(cat /run/sshd.pid) && kill "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.01; done`); err != nil {
		return err
	}
	return h.StartSSH(ctx)
}
