package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/plain"
)

// wizardFlags are those of the program without a command.
func wizardFlags(root *cobra.Command) {
	connectFlags(root)
	releaseFlags(root)
	mirrorFlag(root)
	root.Flags().Bool("plain", false, "ask and tell in lines, for screen readers and simple terminals")
}

// wizard asks for everything, in the face that fits who is there.
func (a *app) wizard(ctx context.Context) error {
	if a.config.GetBool("json") {
		return usage(errors.New("the wizard asks a person, for whom JSON is nothing: --json is for the commands"))
	}
	b := a.backend()
	defer b.close()
	face := chooseFace(surroundings{plain: a.config.GetBool("plain"), typed: a.sys.typed, shown: a.sys.shown, env: a.sys.env})
	if face == faceScreen {
		return a.screen(ctx, b)
	}
	return a.plainWizard(ctx, b)
}

// plainWizard is the wizard as lines, on whatever stdin is. Questions go to
// stderr, as all questions do, and what comes of them to stdout.
func (a *app) plainWizard(ctx context.Context, backend ui.Backend) error {
	w := plain.Wizard{
		Backend: stoppable{Backend: backend, stop: a.stop},
		Out:     a.sys.stdout, Style: plain.Detect(a.sys.stdout),
		Asker: plain.Asker{In: a.input, Out: a.sys.stderr, Style: plain.Detect(a.sys.stderr), Echo: !a.sys.typed},
	}
	if a.sys.typed {
		w.Asker.Secret = func(prompt string) (string, error) {
			typed, err := a.sys.password(prompt)
			a.redactor.Add(string(typed))
			return string(typed), err
		}
	}
	end, err := w.Run(ctx)
	if errors.Is(err, plain.ErrInputEnded) {
		return usage(fmt.Errorf("%w; what was answered before, page by page, is kept: rcwizard goes on from there", err))
	}
	if err != nil {
		return err //nolint:wrapcheck // it says what happened and what to do
	}
	return ended(end)
}

// ended is the end of a wizard as an exit code: everything was told.
func ended(end plain.End) error {
	switch {
	case end.Conclusion != nil:
		return concluded(*end.Conclusion)
	case end.Count != nil && end.Count.Verdict.Blocks(), end.Blocked:
		return told(exitCheckFailed)
	}
	return nil
}

// concluded is what a deployment came to as an exit code: as after an
// installation, a count that could not be made is no better than a bad one.
func concluded(c ui.Conclusion) error {
	switch c.Summary.Outcome {
	case engine.Succeeded:
		if c.Count != nil && c.Count.Verdict.Blocks() {
			return told(exitCheckFailed)
		}
		return nil
	case engine.Stopped, engine.Cancelled:
		return told(exitInterrupted)
	case engine.Failed:
	}
	return told(exitFailed)
}

// stoppable is a Backend whose runs are ended by signals: the first lets the
// steps in flight end, the second cancels them.
type stoppable struct {
	ui.Backend

	stop *stopper
}

// Deploy begins a run to which signals belong until it was waited for.
func (s stoppable) Deploy(ctx context.Context, d ui.Draft) (*ui.Run, error) {
	run, err := s.Backend.Deploy(ctx, d)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what happened and what to do
	}
	s.stop.set(true)
	over := make(chan struct{})
	go func() {
		graceful, cancelled := s.stop.graceful, ctx.Done()
		for {
			select {
			case <-graceful:
				run.Stop(engine.Graceful)
				graceful = nil
			case <-cancelled:
				run.Stop(engine.Cancel)
				cancelled = nil
			case <-over:
				return
			}
		}
	}()
	heeded := *run
	heeded.Wait = func(ctx context.Context) (ui.Conclusion, error) {
		defer s.stop.set(false)
		defer close(over)
		return run.Wait(ctx)
	}
	return &heeded, nil
}

var _ ui.Backend = stoppable{}
