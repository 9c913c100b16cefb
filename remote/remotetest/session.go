package remotetest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

func (s *Server) handle(c *conn) {
	if s.opt.Stall {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	if s.opt.Banner != "" {
		_, _ = io.WriteString(c, s.opt.Banner+"\r\n")
		return
	}
	sc, chans, reqs, err := ssh.NewServerConn(c, s.config())
	if err != nil {
		return
	}
	s.logins.Add(1)
	go func() {
		for req := range reqs {
			if req.WantReply {
				_ = req.Reply(false, nil) // as sshd answers a keepalive
			}
		}
	}()
	var wg sync.WaitGroup
	for nc := range chans {
		switch nc.ChannelType() {
		case "session":
			wg.Go(func() { s.session(nc) })
		case "direct-tcpip", "direct-streamlocal@openssh.com":
			wg.Go(func() { s.forward(nc) })
		default:
			_ = nc.Reject(ssh.UnknownChannelType, "unknown channel type")
		}
	}
	_ = sc.Close()
	wg.Wait()
}

func (s *Server) session(nc ssh.NewChannel) {
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer func() { _ = ch.Close() }()
	for req := range reqs {
		if req.Type != "exec" {
			if req.WantReply {
				_ = req.Reply(false, nil)
			}
			continue
		}
		var msg struct{ Command string }
		if err := ssh.Unmarshal(req.Payload, &msg); err != nil {
			_ = req.Reply(false, nil)
			return
		}
		_ = req.Reply(true, nil)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			ssh.DiscardRequests(reqs)
		}()
		if s.opt.Handler != nil {
			ctx, cancel := context.WithCancel(context.Background())
			go func() { <-gone; cancel() }()
			code := s.opt.Handler(ctx, msg.Command, ch)
			cancel()
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{code}))
			return
		}
		s.shell(ch, msg.Command, gone)
		return
	}
}

// shell runs a command line as sshd does without a terminal.
func (s *Server) shell(ch ssh.Channel, line string, gone <-chan struct{}) {
	shell := s.opt.Shell
	if len(shell) == 0 {
		shell = []string{"sh", "-c"}
	}
	args := append(shell[1:len(shell):len(shell)], line)
	cmd := exec.CommandContext(context.Background(), shell[0], args...)
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if s.opt.Path != "" {
		path = s.opt.Path + ":" + path
	}
	cmd.Env = append([]string{"HOME=" + s.dir, "PATH=" + path, "USER=deploy", "SHELL=" + shell[0]}, s.opt.Env...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var pipes [3][2]*os.File
	for i := range pipes {
		r, w, err := os.Pipe()
		if err != nil {
			return
		}
		pipes[i] = [2]*os.File{r, w}
		defer closeBoth(r, w)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pipes[0][0], pipes[1][1], pipes[2][1]
	if err := cmd.Start(); err != nil {
		_, _ = io.WriteString(ch.Stderr(), err.Error())
		_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{127}))
		return
	}
	for _, end := range []*os.File{pipes[0][0], pipes[1][1], pipes[2][1]} {
		_ = end.Close()
	}
	go func() {
		_, _ = io.Copy(pipes[0][1], ch)
		_ = pipes[0][1].Close()
	}()
	var out sync.WaitGroup
	out.Go(func() { _, _ = io.Copy(ch, pipes[1][0]) })
	out.Go(func() { _, _ = io.Copy(ch.Stderr(), pipes[2][0]) })
	done := make(chan struct{})
	var waited error
	go func() {
		defer close(done)
		waited = cmd.Wait()
	}()
	select {
	case <-done:
		sendExit(ch, waited)
		drained := make(chan struct{})
		go func() { out.Wait(); close(drained) }()
		select {
		case <-drained:
		case <-gone:
		}
	case <-gone:
		// The process lives on without its streams.
		for _, p := range pipes {
			closeBoth(p[0], p[1])
		}
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-done
		}
	}
}

func closeBoth(r, w *os.File) {
	_ = r.Close()
	_ = w.Close()
}

func sendExit(ch ssh.Channel, err error) {
	code := 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			name := map[syscall.Signal]string{syscall.SIGKILL: "KILL", syscall.SIGTERM: "TERM"}[status.Signal()]
			_, _ = ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
				Signal string
				Core   bool
				Msg    string
				Lang   string
			}{Signal: name}))
			return
		}
		code = failed.ExitCode()
	}
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(code)}))
}

func (s *Server) forward(nc ssh.NewChannel) {
	var network, address string
	if nc.ChannelType() == "direct-tcpip" {
		var msg struct {
			Host     string
			Port     uint32
			FromHost string
			FromPort uint32
		}
		_ = ssh.Unmarshal(nc.ExtraData(), &msg)
		network, address = "tcp", net.JoinHostPort(msg.Host, strconv.Itoa(int(msg.Port)))
	} else {
		var msg struct {
			Path     string
			Reserved string
			Zero     uint32
		}
		_ = ssh.Unmarshal(nc.ExtraData(), &msg)
		network, address = "unix", msg.Path
	}
	if s.opt.NoForward {
		reason := ssh.Prohibited
		if network == "unix" {
			reason = ssh.ConnectionFailed // as OpenSSH does [measured on 9.2]
		}
		_ = nc.Reject(reason, "open failed")
		return
	}
	dial := s.opt.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(context.Background(), network, address)
	if err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, strerror(err, network))
		return
	}
	defer func() { _ = conn.Close() }()
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(conn, ch)
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	})
	_, _ = io.Copy(ch, conn)
	_ = ch.Close()
	wg.Wait()
}

// strerror is what sshd passes on: connect(2)'s words for TCP, nothing for
// sockets.
func strerror(err error, network string) string {
	var errno syscall.Errno
	if network == "tcp" && errors.As(err, &errno) {
		text := errno.Error()
		return strings.ToUpper(text[:1]) + text[1:]
	}
	return "open failed"
}
