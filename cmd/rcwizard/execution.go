package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rcwizard/rcwizard/engine"
)

// execution is one run of a plan, whatever face shows it: what it tells, and
// what is written down of it.
type execution struct {
	log        *engine.Log
	lines      *engine.Lines
	journal    *engine.Journal
	transcript *os.File
	// retries is how a person has steps begun again that failed; nil: nobody can.
	retries *engine.Retries
	// skips are the checks that a person chose in the wizard to leave out.
	skips []string
}

// execution opens what a run of the answers writes to. It is closed after the
// run.
func (a *app) execution(ans answers) (*execution, error) {
	log := engine.NewLog()
	journal, err := engine.OpenJournal(ans.folder.Journal())
	if errors.Is(err, engine.ErrNotJournal) {
		// Resuming is looking again: no journal is needed for it. This one is kept,
		// for whoever can read it.
		var aside string
		if aside, err = ans.folder.SetJournalAside(time.Now()); err == nil {
			log.Append(engine.Noted{Time: time.Now(), Text: "the journal could not be read and is now " + aside + "; what is done is seen on the hosts, and a new one is begun"})
			journal, err = engine.OpenJournal(ans.folder.Journal())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	transcript, err := ans.folder.CreateTranscript(time.Now())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the transcript: %w", err), journal.Close())
	}
	return &execution{log: log, lines: engine.NewLines(transcript), journal: journal, transcript: transcript}, nil
}

// run carries the plan out, to the end of its log. The end of ctx cancels the
// steps in flight; closing stop begins no other. consent, where it is not nil, is
// asked before the first change.
func (x *execution) run(ctx context.Context, a *app, ans answers, plan engine.Plan, stop <-chan struct{}, consent func(context.Context) error) (engine.Summary, error) {
	defer x.log.Close()
	return x.carry(ctx, a, ans, plan, stop, consent)
}

// carry is run for a plan that others may follow: the log stays open.
func (x *execution) carry(ctx context.Context, a *app, ans answers, plan engine.Plan, stop <-chan struct{}, consent func(context.Context) error) (sum engine.Summary, err error) {
	a.links.during(x.log, a.redactor.Redact, func() {
		sum, err = engine.Run(ctx, plan, engine.Options{
			Log: x.log, Lines: x.lines, Journal: x.journal, Locker: a.locker,
			Stop: stop, Consent: consent, Retry: x.retries,
			Program: a.build.Version, Given: a.given(x.skips...),
			Resume: cmp.Or(ans.again, a.resumeWith(ans.workspace.Name)),
			Redact: a.redactor.Redact,
		})
	})
	return sum, err //nolint:wrapcheck // it is every step that failed, each with its name
}

func (x *execution) close() error { return errors.Join(x.journal.Close(), x.transcript.Close()) }
