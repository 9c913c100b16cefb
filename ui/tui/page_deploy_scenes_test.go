package tui

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
)

// staged is a run whose events and lines a test tells itself.
type staged struct {
	run   *ui.Run
	steps []engine.StepRef
	// begun is its beginning, six minutes before the driver's clock.
	begun time.Time
	ended chan struct{}
	came  ui.Conclusion
	err   error
	stops []engine.StopKind
	lost  map[string]time.Time
}

// stage makes a run on the hosts, of five steps each and one on this machine.
func stage(hosts ...string) *staged {
	r := &staged{begun: uitest.Begin().Add(20 * time.Minute), ended: make(chan struct{})}
	r.run = &ui.Run{
		Log: engine.NewLog(), Lines: engine.NewLines(nil),
		Lost: func() map[string]time.Time { return r.lost },
		Stop: func(kind engine.StopKind) { r.stops = append(r.stops, kind) },
		Wait: func(ctx context.Context) (ui.Conclusion, error) {
			select {
			case <-r.ended:
				return r.came, r.err
			case <-ctx.Done():
				return ui.Conclusion{}, ctx.Err()
			}
		},
	}
	for _, h := range hosts {
		for _, s := range [][2]string{
			{"ready", "Look at the host"},
			{"files", "Write the files to /opt/rocketchat"},
			{"images", "Pull the images"},
			{"up", "Start Rocket.Chat"},
			{"answers", "Wait for Rocket.Chat to answer"},
		} {
			r.steps = append(r.steps, engine.StepRef{Step: h + "/" + s[0], Title: s[1], Host: h})
		}
	}
	r.steps = append(r.steps, engine.StepRef{Step: "cluster/verify", Title: "Count the instances"})
	r.run.Log.Append(engine.RunStarted{Time: r.begun, Plan: "install", Steps: r.steps})
	return r
}

func (r *staged) at(seconds float64) time.Time {
	return r.begun.Add(time.Duration(seconds * float64(time.Second)))
}

func (r *staged) step(id string) engine.StepRef {
	for _, s := range r.steps {
		if s.Step == id {
			return s
		}
	}
	return engine.StepRef{}
}

func (r *staged) starts(at float64, ids ...string) {
	for _, id := range ids {
		r.run.Log.Append(engine.StepStarted{StepRef: r.step(id), Time: r.at(at), Phase: engine.Applying})
	}
}

func (r *staged) done(at, took float64, how engine.How, ids ...string) {
	for _, id := range ids {
		r.run.Log.Append(engine.StepDone{StepRef: r.step(id), Time: r.at(at), How: how, Duration: time.Duration(took * float64(time.Second))})
	}
}

func (r *staged) fails(at float64, id, message string) {
	f := uitest.Failure()
	f.StepRef, f.Message = r.step(id), message
	r.run.Log.Append(engine.StepFailed{Time: r.at(at), Failure: f, Duration: 72 * time.Second})
}

func (r *staged) says(id, source string, n int, texts ...string) {
	for i := range n {
		r.run.Lines.Append(engine.Line{Time: r.at(300), Step: id, Host: r.step(id).Host, Source: source, Text: texts[i%len(texts)]})
	}
}

func (r *staged) pulls(id string, done, total int64) {
	r.run.Lines.SetProgress(engine.Progress{Step: id, Host: r.step(id).Host, Done: done, Total: total, What: "bytes"})
}

// ends ends the run.
func (r *staged) ends(outcome engine.Outcome) {
	r.came = uitest.Conclusion()
	r.came.Summary.Outcome = outcome
	r.run.Log.Append(engine.RunFinished{Time: r.at(400), Summary: r.came.Summary})
	r.run.Log.Close()
	close(r.ended)
}

// four is a run on the hosts of the draft, as far as the images.
func four() *staged {
	r := stage("db", "rc-frankfurt", "rc-paris", "edge")
	for _, h := range []string{"db", "rc-frankfurt", "rc-paris", "edge"} {
		r.starts(0, h+"/ready")
		r.done(1, 1, engine.AlreadyDone, h+"/ready")
		r.starts(1, h+"/files")
		r.done(3, 2, engine.Applied, h+"/files")
		r.starts(3, h+"/images")
	}
	return r
}

func pulling() *staged {
	r := four()
	r.done(80, 77, engine.Applied, "edge/images")
	r.pulls("db/images", 412e6, 803e6)
	r.pulls("rc-frankfurt/images", 1_210e6, 1_304e6)
	r.pulls("rc-paris/images", 0, 1_304e6)
	r.says("db/images", "pull", 3, "pulling docker.io/mongodb/mongodb-community-server:8.0.12", "pulling docker.io/library/nats:2.11-alpine", "docker.io/library/nats:2.11-alpine is there: sha256:3f1c")
	return r
}

func running() *staged {
	r := four()
	for _, h := range []string{"db", "rc-frankfurt", "rc-paris", "edge"} {
		r.done(80, 77, engine.Applied, h+"/images")
	}
	r.starts(80, "db/up")
	r.done(90, 10, engine.Applied, "db/up")
	r.starts(90, "db/answers")
	r.done(91, 1, engine.Applied, "db/answers")
	r.starts(92, "rc-frankfurt/up")
	r.done(95, 3, engine.Applied, "rc-frankfurt/up")
	r.starts(95, "rc-frankfurt/answers")
	r.says("rc-frankfurt/answers", "rocketchat", 60,
		"Setting default file store to GridFS",
		`{"level":40,"time":"2026-11-23T09:55:00.000Z","name":"Migrations","msg":"Not migrating, control is locked. Attempt 3/30. Trying again in 10 seconds."}`,
		"+--------------------------------------------------+",
		"|                  SERVER RUNNING                  |",
	)
	return r
}

// twenty is a run on twenty hosts.
func twenty() *staged {
	hosts := make([]string, 0, 20)
	for n := range 19 {
		hosts = append(hosts, fmt.Sprintf("rc%d", n))
	}
	hosts = append(hosts, "rocketchat-instance-in-the-second-rack")
	r := stage(hosts...)
	for n, h := range hosts {
		r.starts(0, h+"/ready")
		r.done(1, 1, engine.AlreadyDone, h+"/ready")
		switch {
		case n%5 == 0:
			r.starts(1, h+"/files")
			r.fails(2, h+"/files", "no space left on device")
		case n%3 == 0:
			for _, s := range []string{"files", "images", "up", "answers"} {
				r.done(9, 2, engine.Applied, h+"/"+s)
			}
		default:
			r.starts(2, h+"/images")
			r.pulls(h+"/images", int64(n)*37e6, 803e6)
		}
	}
	return r
}

// deploying is a Backend that hands out the run.
func deploying(run func() *staged) func() *uitest.Backend {
	return func() *uitest.Backend { return &uitest.Backend{Begin: func() *ui.Run { return run().run }} }
}

func deployScenes() []scene {
	at := func(keys ...string) func(d *driver) {
		return func(d *driver) {
			d.open(ui.Known{}, uitest.Draft(), pageDeploy)
			d.pass(200 * time.Millisecond)
			d.m.View()
			for _, k := range keys {
				d.press(k)
				d.m.View()
			}
			d.pass(200 * time.Millisecond)
		}
	}
	failing := func() *staged {
		r := running()
		r.fails(170, "rc-frankfurt/answers", "the container restarted 3 times within 60 s")
		r.run.Log.Append(engine.StepSkipped{StepRef: r.step("rc-paris/up"), Time: r.at(170), Reason: engine.NeedFailed, Because: "rc-frankfurt/answers"})
		r.starts(171, "edge/up")
		return r
	}
	return []scene{
		{file: "deploy", name: "beginning", backend: func() *uitest.Backend {
			return &uitest.Backend{Delays: map[string]time.Duration{"Deploy": time.Hour}}
		}, play: at()},
		{file: "deploy", name: "did not begin", backend: func() *uitest.Backend {
			return &uitest.Backend{Errors: map[string]error{"Deploy": errors.New("ada works on chat-example-com since 09:12: resume (process 4711); wait for its end, or ask ada")}}
		}, play: at()},
		{file: "deploy", name: "starting", backend: deploying(func() *staged { return stage("db", "edge") }), play: at()},
		{file: "deploy", name: "pulling", backend: deploying(pulling), play: at()},
		{file: "deploy", name: "running with logs", backend: deploying(running), play: at()},
		{file: "deploy", name: "twenty hosts", backend: deploying(twenty), play: at("down", "down", "down")},
		{file: "deploy", name: "an open host", backend: deploying(twenty), play: at("down", "down", "right", "down")},
		{file: "deploy", name: "stopping", backend: deploying(running), play: at("ctrl+c")},
		{file: "deploy", name: "cancelling", backend: deploying(running), play: at("ctrl+c", "ctrl+c")},
		{file: "deploy", name: "lost connection", backend: deploying(func() *staged {
			r := running()
			r.lost = map[string]time.Time{"rc-frankfurt": r.at(348)}
			r.run.Log.Append(engine.Noted{Time: r.at(348), Text: "the connection to rc-frankfurt was lost (no answer for 45s); its steps pause until it is made again"})
			return r
		}), play: at()},
		{file: "deploy", name: "failed", backend: deploying(failing), play: at()},
		{file: "deploy", name: "whole log", backend: deploying(running), play: at("l")},
		{file: "deploy", name: "scrolled up", backend: deploying(running), play: at("tab", "up", "pgup")},
		{file: "deploy", name: "searching", backend: deploying(running), play: at("/", "m", "i", "g", "r", "a")},
		{file: "deploy", name: "found", backend: deploying(running), play: at("/", "r", "u", "n", "enter", "n")},
		{file: "deploy", name: "wide and wild", beyond: true, backend: deploying(func() *staged {
			r := running()
			r.says("rc-frankfurt/answers", "", 9, "進捗 ✓ größe 日本語のとても長い行です、画面の幅よりも長いので切られます。進捗 進捗 進捗 進捗 進捗 進捗 進捗 進捗",
				"\x1b[31mred\x1b[0m \x1b[2J\x1b[H back \tto\r the \x07beginning \x1b]0;title\x07", "👩‍👩‍👧‍👦 family 🇩🇪 flags e\u0301\u0301\u0301\u0301 zalgo")
			return r
		}), play: at()},
		{file: "deploy", name: "over while reading", backend: deploying(running), play: func(d *driver) {
			d.open(ui.Known{}, uitest.Draft(), pageDeploy)
			d.pass(200 * time.Millisecond)
			d.m.View()
			d.press("tab", "up")
			log, _ := d.m.page().(*deploy)
			for id := range log.record.steps {
				log.of.Log.Append(engine.StepDone{StepRef: log.record.steps[id].StepRef, Time: d.m.c.now(), How: engine.Applied, Duration: time.Minute})
			}
			d.send(endedMsg{d.m.c.run, ending{conclusion: uitest.Conclusion()}})
		}},
	}
}

// opened is a driver's wizard on the page, with the run.
func opened(d *driver, r *staged) {
	d.backend.Runs = append(d.backend.Runs, r.run)
	d.open(ui.Known{}, uitest.Draft(), pageDeploy)
	d.pass(200 * time.Millisecond)
	d.m.View()
}
