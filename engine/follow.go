package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// followEvery is how often Follow looks for new lines. At 2,000 kept lines for
// each step none is lost below 20,000 lines per second from one step, provided
// that the printer keeps up.
const followEvery = 100 * time.Millisecond

// Printer writes what Follow hands it. Its methods are called one at a time.
// What fails in them is told by Flush, which ends every batch.
type Printer interface {
	Event(e Event)
	Line(line Line)
	// Dropped tells how many lines came and went before they could be read,
	// and the time of the first that was kept.
	Dropped(n uint64, kept time.Time)
	Progress(p Progress)
	Flush() error
}

// Follow prints a run: its events, its lines, and the progress of each step
// where it changed, at most once in the given time. Lines and events are in
// the order of their times. It returns after RunFinished or at the end of the
// log, with the context's cause when that ends first, and with the first error
// of the printer. However slow the printer is, the run does not wait for it.
func Follow(ctx context.Context, log *Log, lines *Lines, progressEvery time.Duration, p Printer) error {
	f := follower{
		cursor: log.Cursor(), lines: lines, printer: p, every: progressEvery, running: make(map[string]sample),
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("follow the run: %w", context.Cause(ctx))
		case <-f.cursor.More():
		case <-tick.C:
		}
		over, err := f.batch()
		if err != nil || over {
			return err
		}
	}
}

type follower struct {
	cursor  *Cursor
	lines   *Lines
	printer Printer
	every   time.Duration
	// seen is the Seq of the last line that was printed or dropped.
	seen uint64
	// running are the steps in flight, with the progress printed last.
	running map[string]sample
}

type sample struct {
	at time.Time
	p  Progress
}

// batch prints what is new and says whether that was the end.
func (f *follower) batch() (over bool, err error) {
	// Events first: then the lines hold all that a step said before its end.
	events, err := f.cursor.Read()
	if errors.Is(err, io.EOF) {
		over = true
	}
	news, dropped := f.lines.Since(f.seen)
	f.seen += dropped + uint64(len(news))
	if dropped > 0 {
		kept := time.Now()
		if len(news) > 0 {
			kept = news[0].Time
		}
		f.printer.Dropped(dropped, kept)
	}
	for _, e := range events {
		_, last := e.(RunFinished)
		n := 0
		for n < len(news) && (last || !news[n].Time.After(e.When())) {
			f.printer.Line(news[n])
			n++
		}
		news = news[n:]
		f.note(e)
		f.printer.Event(e)
		if last {
			over = true
			break
		}
	}
	for _, line := range news {
		f.printer.Line(line)
	}
	f.progress()
	if err := f.printer.Flush(); err != nil {
		return true, fmt.Errorf("print the run: %w", err)
	}
	return over, nil
}

// note keeps track of the steps in flight.
func (f *follower) note(e Event) {
	switch e := e.(type) {
	case StepStarted:
		if _, ok := f.running[e.Step]; !ok {
			f.running[e.Step] = sample{at: e.Time}
		}
	case StepDone:
		delete(f.running, e.Step)
	case StepFailed:
		delete(f.running, e.Failure.Step)
	case StepSkipped:
		delete(f.running, e.Step)
	case StepCut:
		delete(f.running, e.Step)
	default:
	}
}

// progress prints the progress of each step in flight that has changed since it
// was printed last, if that was long enough ago.
func (f *follower) progress() {
	for _, id := range slices.Sorted(maps.Keys(f.running)) {
		last := f.running[id]
		if time.Since(last.at) < f.every {
			continue
		}
		p, ok := f.lines.Progress(id)
		if !ok || p.Done == last.p.Done && p.Total == last.p.Total && p.What == last.p.What {
			continue
		}
		f.printer.Progress(p)
		f.running[id] = sample{at: time.Now(), p: p}
	}
}
