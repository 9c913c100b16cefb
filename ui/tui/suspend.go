package tui

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	tea "charm.land/bubbletea/v2"
)

// suspension has a program stopped and continued by whoever may do that, and not
// by ctrl+z alone: a SIGTSTP from outside gives the terminal back before it
// stops, and after any stop the terminal is taken and drawn anew, for a shell had
// it meanwhile. It lives in the program's filter, where messages pass one by one.
type suspension struct {
	signals chan os.Signal
	// asked says that a stop is under way, after which the program itself takes
	// the terminal again.
	asked bool
}

// continuedMsg says that the process goes on after a stop.
type continuedMsg struct{}

func newSuspension() *suspension {
	s := &suspension{signals: make(chan os.Signal, 2)}
	s.heed()
	return s
}

func (s *suspension) heed() { signal.Notify(s.signals, syscall.SIGTSTP, syscall.SIGCONT) }

// forward hands the signals on as messages, until end is called.
func (s *suspension) forward(p *tea.Program) (end func()) {
	over := make(chan struct{})
	go func() {
		for {
			select {
			case <-over:
				return
			case sig := <-s.signals:
				if sig == syscall.SIGTSTP {
					p.Send(tea.SuspendMsg{})
				} else {
					p.Send(continuedMsg{})
				}
			}
		}
	}()
	return func() {
		signal.Stop(s.signals)
		close(over)
	}
}

// filter sees every message before the model does.
func (s *suspension) filter(_ tea.Model, msg tea.Msg) tea.Msg {
	switch msg.(type) {
	case tea.SuspendMsg:
		s.asked = true
		signal.Reset(syscall.SIGTSTP) // which is to stop the process now
	case tea.ResumeMsg:
		s.asked = false
		s.heed()
	case continuedMsg:
		if s.asked {
			return nil
		}
		return tea.Exec(nothing{}, nil)()
	}
	return msg
}

// nothing is what is run in the terminal's ordinary state, for the way back from
// there.
type nothing struct{}

func (nothing) Run() error          { return nil }
func (nothing) SetStdin(io.Reader)  {}
func (nothing) SetStdout(io.Writer) {}
func (nothing) SetStderr(io.Writer) {}
