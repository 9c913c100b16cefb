package tui

import (
	"context"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
)

// deploy is the page of a run: it begins one when it is shown, tells of its hosts
// and steps, shows the live log of one of them, and goes on to the count or the
// failure at its end. It asks nothing of the person.
//
// What hosts say reaches it in no message: on a tick it takes the events since
// the last one, and of the log as many lines as can be shown.
type deploy struct {
	c *common
	// beginning is the attempt to begin a run; stop gives it up.
	beginning *int
	stop      context.CancelFunc
	err       error
	scroll    scroll

	// of is the run that everything below is about.
	of     *ui.Run
	cursor *engine.Cursor
	record record
	lost   map[string]time.Time
	// stops counts how often the person asked it to stop.
	stops int
	// over says that c.end stands.
	over bool

	list hostList
	log  logView
	// inLog says that the arrows are the log's.
	inLog bool
	// following says that the choice goes with what is in flight.
	following bool
}

// frameEvery is how often the page looks at a run, and turns the spinner: nothing
// else has it drawn, so that a flood of lines costs the run as little as silence.
const frameEvery = beatEvery

type (
	begunMsg struct {
		of  *int
		run *ui.Run
		err error
	}
	frameMsg struct{ of *ui.Run }
	endedMsg struct {
		of  *ui.Run
		end ending
	}
)

func newDeploy(c *common) *deploy { return &deploy{c: c} }

// Enter begins a run, unless there is one: then it shows that. One that has
// ended is shown to whoever asked for its log; on the way back the page is left
// behind, so that it begins anew when it is reached again.
func (p *deploy) Enter() tea.Cmd {
	switch {
	case p.beginning != nil:
		return nil
	case p.c.run == nil:
		return p.begin()
	case p.of != p.c.run:
		return p.show(p.c.run)
	case p.over && !p.c.reading:
		p.c.run, p.c.end = nil, ending{}
		p.c.back()
		return nil
	}
	p.c.reading = false
	return nil
}

// begin asks the Backend for a run.
func (p *deploy) begin() tea.Cmd {
	id := new(int)
	var ctx context.Context
	ctx, p.stop = context.WithCancel(p.c.ctx)
	p.beginning, p.err, p.stops, p.of, p.over = id, nil, 0, nil, false
	p.c.starting = true
	d := p.c.draft.Clone()
	return p.c.do(func(context.Context) tea.Msg {
		run, err := p.c.backend.Deploy(ctx, d)
		return begunMsg{id, run, err}
	})
}

// show begins to show a run, and to wait for its end.
func (p *deploy) show(run *ui.Run) tea.Cmd {
	p.of, p.cursor, p.record, p.lost, p.over = run, run.Log.Cursor(), record{}, nil, false
	p.list, p.log, p.inLog, p.following = hostList{}, logView{}, false, true
	if p.c.end.conclusion.Summary.Outcome != "" {
		p.over = true
		p.frame()
		return nil
	}
	p.frame()
	return tea.Batch(
		p.c.wait(frameEvery, frameMsg{run}),
		p.c.do(func(ctx context.Context) tea.Msg {
			conclusion, err := run.Wait(ctx)
			return endedMsg{run, ending{conclusion, err}}
		}),
	)
}

// Update takes the run, its frames and its end.
func (p *deploy) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case begunMsg:
		if msg.of == p.beginning {
			return p.begun(msg)
		}
	case frameMsg:
		if msg.of == p.of && !p.over {
			p.c.beat++
			p.frame()
			return p.c.wait(frameEvery, msg)
		}
	case endedMsg:
		if msg.of == p.of {
			p.ended(msg.end)
		}
	case tea.PasteMsg:
		if p.log.search.typing {
			p.seek(p.log.search.text + engine.CleanLine(msg.Content))
		}
	}
	return nil
}

func (p *deploy) begun(msg begunMsg) tea.Cmd {
	p.beginning, p.c.starting = nil, false
	p.stop()
	if msg.err != nil {
		p.err = msg.err
		if p.stops > 0 {
			p.err = nil
			p.c.say(neutral, "The deployment did not begin; nothing was changed.")
			p.c.back()
		}
		return nil
	}
	p.c.run, p.c.end = msg.run, ending{}
	switch {
	case p.stops > 1:
		msg.run.Stop(engine.Cancel)
	case p.stops > 0:
		msg.run.Stop(engine.Graceful)
	}
	return p.show(msg.run)
}

// frame takes what came since the last one.
func (p *deploy) frame() {
	news, err := p.cursor.Read()
	for _, e := range news {
		p.record.take(e)
	}
	if err != nil && err != io.EOF { //nolint:errorlint // Cursor.Read gives io.EOF itself, and nothing else
		p.record.note = err.Error()
	}
	if p.of.Lost != nil {
		p.lost = p.of.Lost()
	}
	if p.following && !p.log.frozen {
		if s := p.record.busy(p.list.chosen(&p.record)); s != nil {
			p.list.choose(&p.record, s)
		}
	}
	p.sample()
}

// sample takes the lines of the step that is shown.
func (p *deploy) sample() {
	id := ""
	if s := p.shown(); s != nil {
		id = s.Step
	}
	p.log.sample(p.of.Lines, id)
}

// shown is the step whose log is shown: the chosen one, unless the person stands
// still in another, which has ended meanwhile.
func (p *deploy) shown() *stepRecord {
	if p.log.frozen {
		return p.record.steps[p.log.step]
	}
	return p.list.chosen(&p.record)
}

// ended goes on to what comes after the run; whoever is reading is not taken
// away from it.
func (p *deploy) ended(end ending) {
	p.frame()
	p.c.end, p.over = end, true
	outcome := end.conclusion.Summary.Outcome
	switch {
	case outcome == "":
		// The plan never began, or nobody waits any more.
		p.c.run, p.of, p.err = nil, nil, end.err
	case p.log.frozen || p.log.full || p.log.search.typing:
	default:
		p.leave()
	}
}

// leave goes to the count, or to what failed.
func (p *deploy) leave() {
	p.log.full, p.log.frozen, p.log.search = false, false, search{}
	if p.c.end.conclusion.Summary.Outcome == engine.Succeeded {
		p.c.next()
		return
	}
	p.c.visit(pageFailure)
}

// now is the time of the run: it stands still at its end.
func (p *deploy) now() time.Time {
	if !p.record.ended.IsZero() {
		return p.record.ended
	}
	return p.c.now()
}

func (p *deploy) elapsed() time.Duration {
	if p.record.began.IsZero() {
		return 0
	}
	return max(0, p.now().Sub(p.record.began))
}

// Typing says that a text to look for is being typed.
func (p *deploy) Typing() bool { return p.log.search.typing }

// Paced says that a run is looked at, and frame after frame drawn.
func (p *deploy) Paced() bool { return p.of != nil && !p.over }

// Activity is how many steps are done.
func (p *deploy) Activity() activity {
	all, done, _, _ := p.record.numbers()
	switch {
	case p.err != nil:
		return activity{failed, 0}
	case p.over && p.c.end.conclusion.Summary.Outcome == engine.Succeeded:
		return activity{finished, 100}
	case p.over:
		return activity{failed, percentOf(done, all)}
	case p.of == nil || all == 0:
		return activity{working, -1}
	}
	return activity{working, percentOf(done, all)}
}
