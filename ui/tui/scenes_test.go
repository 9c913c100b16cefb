package tui

import (
	"errors"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
)

func knowing() *uitest.Backend {
	return &uitest.Backend{
		Known: uitest.Known(), Drafts: map[string]ui.Draft{"chat-example-com": uitest.Draft()},
		Counted: uitest.Count(), Written: ui.Exported{Path: "/home/ada/chat-example-com", Files: 23},
	}
}

func startScenes() []scene {
	overtaken := func() *uitest.Backend {
		b := knowing()
		b.Known[0].Stale = true
		b.Known[0].Notes = []string{"these answers are older than what another run has changed since, and have no rc3: carried out as they are, they take that back"}
		b.Known[0].Resume.Notes = b.Known[0].Notes
		return b
	}
	return append(resumeScenes(), []scene{
		{file: "start", name: "nothing is known", play: func(*driver) {}},
		{file: "start", name: "unfinished", backend: knowing, play: func(*driver) {}},
		{file: "start", name: "draft", backend: knowing, play: func(d *driver) { d.press("down") }},
		{file: "start", name: "unreadable", backend: knowing, play: func(d *driver) { d.press("down", "down", "down", "down") }},
		{file: "start", name: "exported", backend: knowing, play: func(d *driver) { d.press("e") }},
		{file: "start", name: "older answers", backend: overtaken, play: func(d *driver) { d.press("o") }},
		{file: "start", name: "loading", backend: func() *uitest.Backend {
			return &uitest.Backend{Delays: map[string]time.Duration{"Workspaces": time.Hour}}
		}, play: func(*driver) {}},
		{file: "start", name: "cannot be read", backend: func() *uitest.Backend {
			return &uitest.Backend{Errors: map[string]error{
				"Workspaces": errors.New("list the workspaces in /home/ada/.local/state/rcwizard: permission denied; it must belong to you"),
			}}
		}, play: func(*driver) {}},
		{file: "start", name: "many with long names", beyond: true, backend: func() *uitest.Backend {
			b := knowing()
			for range 5 {
				b.Known = append(b.Known, uitest.Known()...)
			}
			b.Known[0].Domain = "chat.a-very-long-name-of-a-department.of-a-very-long-name-of-a-company.example.com"
			b.Known[2].Domain = "チャット.例え.テスト"
			return b
		}, play: func(d *driver) { d.press("down", "down") }},
	}...)
}

func overlayScenes() []scene {
	return []scene{
		{file: "overlays", name: "help", backend: knowing, play: func(d *driver) { d.press("?") }},
		{file: "overlays", name: "quit with nothing", play: func(d *driver) { d.press("ctrl+c") }},
		{file: "overlays", name: "quit with answers", backend: knowing, play: func(d *driver) {
			d.open(uitest.Known()[0], uitest.Draft(), pageFailure)
			d.press("ctrl+c")
		}},
	}
}

func doneScenes() []scene {
	at := func(c ui.Conclusion, err error) func(d *driver) {
		return func(d *driver) {
			d.open(ui.Known{}, uitest.Draft(), pageDone)
			d.m.c.end = ending{c, err}
		}
	}
	uncounted := uitest.Conclusion()
	uncounted.Count = nil
	return []scene{
		{file: "done", name: "counted", play: at(uitest.Conclusion(), nil)},
		{file: "done", name: "scrolled", play: func(d *driver) {
			at(uitest.Conclusion(), nil)(d)
			d.m.View()
			d.press("end")
		}},
		{file: "done", name: "not counted", play: at(uncounted, errors.New("count the instances: db: the connection was lost; rcwizard status counts again"))},
	}
}

func failureScenes() []scene {
	ended := func(s engine.Summary) func(d *driver) {
		return func(d *driver) {
			d.open(ui.Known{}, uitest.Draft(), pageFailure)
			d.m.c.run = &ui.Run{Log: engine.NewLog(), Lines: engine.NewLines(nil)}
			d.m.c.end = ending{conclusion: ui.Conclusion{Summary: s}}
		}
	}
	one := uitest.Failure()
	other := uitest.Failure()
	other.Host, other.Title, other.Guide = "rc-paris", "Start Rocket.Chat", ""
	other.Message = "the container restarted three times within 60 s"
	other.Command, other.ExitCode, other.Cause, other.Next = "", 0, "", ""
	for range 12 {
		other.LastLines = append(other.LastLines, "MongoServerSelectionError: connect ECONNREFUSED 10.0.0.10:27017 at Timeout._onTimeout (/app/bundle/programs/server/npm/node_modules/mongodb/lib/sdam/topology.js:278:38)")
	}
	return []scene{
		{file: "failure", name: "of the last run", backend: knowing, play: func(d *driver) {
			d.press("enter")
		}},
		{file: "failure", name: "two of them", play: func(d *driver) {
			ended(engine.Summary{Outcome: engine.Failed, Steps: 61, Already: 4, Applied: 20, Failures: []engine.Failure{one, other}})(d)
			d.press("tab")
		}},
		{file: "failure", name: "stopped", play: ended(engine.Summary{Outcome: engine.Stopped, Steps: 61, Already: 4, Applied: 20})},
		{file: "failure", name: "cut", play: func(d *driver) {
			k := uitest.Known()[0]
			k.Last.Outcome, k.Last.Failures, k.Last.Ended = "", nil, time.Time{}
			k.Last.Cut = []engine.StepRef{{Step: "db/compose-up", Title: "Start MongoDB, NATS and monitoring", Host: "db", Guide: "1.4"}}
			d.open(k, uitest.Draft(), pageFailure)
		}},
	}
}

func statusScenes() []scene {
	return []scene{
		{file: "status", name: "counted", backend: knowing, play: func(d *driver) {
			d.open(uitest.Known()[2], uitest.Draft(), pageStatus)
		}},
		{file: "status", name: "counting", backend: func() *uitest.Backend {
			return &uitest.Backend{Delays: map[string]time.Duration{"Status": time.Hour}}
		}, play: func(d *driver) {
			d.open(uitest.Known()[2], uitest.Draft(), pageStatus)
			d.pass(300 * time.Millisecond)
		}},
		{file: "status", name: "cannot be counted", backend: func() *uitest.Backend {
			return &uitest.Backend{Errors: map[string]error{"Status": errors.New("db: no answer from 192.0.2.10 on port 22; check that the server is up")}}
		}, play: func(d *driver) { d.open(uitest.Known()[2], uitest.Draft(), pageStatus) }},
	}
}

func formScenes() []scene {
	at := func(id pageID, play func(d *driver)) func(d *driver) {
		return func(d *driver) {
			d.open(ui.Known{}, uitest.Draft(), id)
			play(d)
		}
	}
	nothing := func(*driver) {}
	return []scene{
		{file: "form", name: "workspace", play: at(pageWorkspace, nothing)},
		{file: "form", name: "files", play: at(pageFiles, nothing)},
		{file: "form", name: "advanced", play: at(pageAdvanced, nothing)},
		{file: "form", name: "advanced, instances", play: at(pageAdvanced, func(d *driver) { d.press("shift+tab") })},
		{file: "form", name: "wrong", beyond: true, play: at(pageWorkspace, func(d *driver) {
			d.typed("/日本")
			d.press("enter")
		})},
		{file: "form", name: "doubtful", play: at(pageFiles, func(d *driver) {
			d.press("tab")
			d.typed("x")
			d.press("tab")
		})},
	}
}
