package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"sync"
	"syscall"
)

// LocalOptions say how this machine is used as a host.
type LocalOptions struct {
	Sudo         SudoMode
	SudoPassword string
	Redactor     *Redactor
}

// Machine is this machine as a host: no SSH, otherwise the same.
type Machine struct {
	*runner
	docker dockerOnce
	closed chan struct{}
	once   sync.Once
}

var _ Host = (*Machine)(nil)

// Local is this machine. Scripts run with an environment of their own: HOME,
// USER, LOGNAME, SHELL, TERM=dumb and PATH, as sshd would give them.
func Local(name string, opt LocalOptions) *Machine {
	login := "root"
	if u, err := user.Current(); err == nil {
		login = u.Username
	}
	m := &Machine{
		runner: newRunner(name, login, opt.Redactor, opt.Sudo, opt.SudoPassword),
		closed: make(chan struct{}),
	}
	m.start = m.spawn
	return m
}

// Close cancels what runs.
func (m *Machine) Close() error {
	m.once.Do(func() { close(m.closed) })
	m.docker.close()
	return nil
}

// Dial implements Host.
func (m *Machine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, dialErrorLocal(ctx, m.name, network, address, err)
	}
	return conn, nil
}

// Docker implements Host.
func (m *Machine) Docker(ctx context.Context) (*Docker, error) {
	return m.docker.get(ctx, m.runner, m.Dial)
}

func (m *Machine) spawn(ctx context.Context, line string) (*process, error) {
	select {
	case <-m.closed:
		return nil, fmt.Errorf("host %s: %w", m.name, ErrClosed)
	default:
	}
	// The context does not end the process: the end of its stdin does, as over
	// SSH, so that children end with it.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", line)
	cmd.Env = localEnv()
	cmd.Dir = homeDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var ends [3][2]*os.File
	closeAll := func() {
		for _, pair := range ends {
			for _, f := range pair {
				if f != nil {
					_ = f.Close()
				}
			}
		}
	}
	for i := range ends {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("host %s: %w", m.name, err)
		}
		ends[i] = [2]*os.File{r, w}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = ends[0][0], ends[1][1], ends[2][1]
	if err := cmd.Start(); err != nil {
		closeAll()
		return nil, fmt.Errorf("host %s: start a shell: %w", m.name, err)
	}
	_, _, _ = ends[0][0].Close(), ends[1][1].Close(), ends[2][1].Close()
	ended := make(chan struct{})
	x := &exit{}
	go func() {
		defer close(ended)
		*x = waitLocal(cmd)
	}()
	p := &process{
		stdin: ends[0][1], stdout: ends[1][0], stderr: ends[2][0],
		ended: ended, exit: x,
		abandon: func() { _, _, _ = ends[0][1].Close(), ends[1][0].Close(), ends[2][0].Close() },
	}
	go func() {
		select {
		case <-m.closed:
			_ = ends[0][1].Close()
		case <-ended:
		}
	}()
	return p, nil
}

func waitLocal(cmd *exec.Cmd) exit {
	err := cmd.Wait()
	if err == nil {
		return exit{known: true}
	}
	var failed *exec.ExitError
	if !errors.As(err, &failed) {
		return exit{err: err}
	}
	if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exit{known: true, code: 128 + int(status.Signal()), signal: status.Signal().String()}
	}
	return exit{known: true, code: failed.ExitCode()}
}

func localEnv() []string {
	env := []string{"TERM=dumb", "SHELL=/bin/sh", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	env = append(env, "HOME="+homeDir())
	if u, err := user.Current(); err == nil {
		env = append(env, "USER="+u.Username, "LOGNAME="+u.Username)
	}
	return env
}

func homeDir() string {
	if home, err := os.UserHomeDir(); err == nil {
		return home
	}
	return "/"
}

var _ io.Writer = (*splitter)(nil)
