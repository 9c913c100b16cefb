package tui

import (
	"context"
	"errors"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/ui"
)

// Options say where and how the wizard is shown.
type Options struct {
	// Input and Output are the terminal.
	Input  io.Reader
	Output io.Writer
	// Environment is the terminal's, as os.Environ has it: TERM, NO_COLOR and
	// COLORTERM decide on the colours. Nil: the program's own.
	Environment []string
	// ASCII draws with no sign beyond ASCII, for a locale that is not UTF-8.
	ASCII bool
	// Resume is the command that goes on with the workspace of a name, for a shell.
	// Nil: rcwizard resume with the name.
	Resume func(name string) string
}

// Run shows the wizard until the person leaves, and leaves the terminal as it
// was found. Signals are the caller's, but for SIGCONT, after which the
// screen is drawn anew: the end of ctx ends the wizard, with the context's cause as the error. A deployment that is under way goes on; it is
// the Backend's.
func Run(ctx context.Context, backend ui.Backend, o Options) (Reason, error) {
	var stops suspension
	options := []tea.ProgramOption{
		tea.WithFilter(stops.filter),
		tea.WithFPS(120), tea.WithContext(ctx), tea.WithoutSignalHandler(), tea.WithInput(o.Input), tea.WithOutput(o.Output),
	}
	if o.Environment != nil {
		options = append(options, tea.WithEnvironment(o.Environment))
	}
	m := newModel(ctx, backend, o)
	defer m.end()
	program := tea.NewProgram(m, options...)
	defer stops.forward(program)()
	_, err := program.Run()
	switch {
	case err == nil:
		return m.left, nil
	case ctx.Err() != nil:
		return m.left, context.Cause(ctx) //nolint:wrapcheck // the caller's own
	case errors.Is(err, tea.ErrInterrupted):
		return Interrupted, nil
	}
	return m.left, fmt.Errorf("show the wizard: %w", err)
}

// end ends whatever commands still wait.
func (m *Model) end() {
	if m.cancel != nil {
		m.cancel()
	}
}
