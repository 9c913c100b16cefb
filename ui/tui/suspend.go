package tui

import (
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"
)

// suspension has a program continued as it was left: after any stop, by ctrl+z
// or by a signal from outside, the terminal is taken and drawn anew, for a shell
// had it meanwhile. It lives in the program's filter, through which messages pass
// one by one.
type suspension struct {
	// asked says that ctrl+z stopped the program, which takes the terminal again by
	// itself when it is continued.
	asked bool
}

type (
	// continuedMsg says that the process goes on after a stop.
	continuedMsg struct{}
	// alwaysOnMsg says that it was not stopped, since nobody could continue it.
	alwaysOnMsg struct{}
)

// forward hands the signals on as messages, until end is called.
func (s *suspension) forward(p *tea.Program) (end func()) {
	signals, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGCONT)
	go func() {
		for {
			select {
			case <-over:
				return
			case <-signals:
				p.Send(continuedMsg{})
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(over)
	}
}

// filter sees every message before the model does.
func (s *suspension) filter(_ tea.Model, msg tea.Msg) tea.Msg {
	switch msg.(type) {
	case tea.SuspendMsg:
		if !stoppable() {
			return alwaysOnMsg{}
		}
		s.asked = true
	case continuedMsg:
		if s.asked {
			s.asked = false
			return nil
		}
		return tea.Exec(nothing{}, nil)()
	}
	return msg
}

// stoppable reports whether a shell started the program that can continue it.
// The kernel lets no process stop itself that begins its session, as one does
// under ssh -t or alone in a window, and its wait for being continued would never
// end.
func stoppable() bool {
	session, err := unix.Getsid(0)
	return err == nil && session != unix.Getpgrp()
}

// nothing is what is run in the terminal's ordinary state, for the way back from
// there.
type nothing struct{}

// Run waits a moment: the renderer's ticker is stopped by a goroutine of its own,
// and one that is started again before that would stand still for good.
func (nothing) Run() error {
	<-time.NewTimer(200 * time.Millisecond).C
	return nil
}

func (nothing) SetStdin(io.Reader)  {}
func (nothing) SetStdout(io.Writer) {}
func (nothing) SetStderr(io.Writer) {}
