// Package uitest has runs to show: fixtures for the goldens of the faces,
// with every kind of event, the same at every call. It starts nothing.
package uitest

import (
	"time"

	"github.com/rcwizard/rcwizard/engine"
)

// Begin is the time at which the stories begin.
func Begin() time.Time { return time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC) }

func at(seconds float64) time.Time {
	return Begin().Add(time.Duration(seconds * float64(time.Second)))
}

// Steps are those of the stories, by name.
func steps() (files, up, pull, proxy, report engine.StepRef) {
	return engine.StepRef{Step: "db/files", Title: "Write the files", Host: "db", Guide: "1.2"},
		engine.StepRef{Step: "db/compose-up", Title: "Start MongoDB, NATS and monitoring", Host: "db", Guide: "1.4"},
		engine.StepRef{Step: "rc-frankfurt/pull", Title: "Pull images", Host: "rc-frankfurt", Guide: "2.2"},
		engine.StepRef{Step: "edge/compose-up", Title: "Start Traefik", Host: "edge", Guide: "3.4"},
		engine.StepRef{Step: "report", Title: "Write the report"}
}

// Failure is a failure in which every field is filled.
func Failure() engine.Failure {
	_, _, pull, _, _ := steps()
	return engine.Failure{
		StepRef: pull, Phase: engine.Applying,
		Message: "docker pull rocketchat/rocket.chat:8.9.99 ended with exit code 1: manifest unknown",
		Command: "docker pull rocketchat/rocket.chat:8.9.99", ExitCode: 1,
		LastLines: []string{"8.9.99: Pulling from rocketchat/rocket.chat", "manifest unknown"},
		Cause:     "release 8.9.99 does not exist", Next: "correct release in workspace.yaml, then resume",
		Resume: "rcwizard resume chat-example-com",
	}
}

// Story fills a log and lines with a run that has every kind of event: a step
// that was done already, one that is applied, one that fails, one that is
// skipped because of it, one that is cut, notes, progress, live lines and both
// kinds of stop. The log is closed.
func Story() (*engine.Log, *engine.Lines) {
	files, up, pull, proxy, report := steps()
	failure := Failure()
	log, lines := engine.NewLog(), engine.NewLines(nil)
	started := engine.RunStarted{Time: at(0), Plan: "install", Steps: []engine.StepRef{files, up, pull, proxy, report}}
	summary := engine.Summary{
		Plan: "install", Outcome: engine.Cancelled, Started: at(0), Duration: 754 * time.Second, Steps: 5,
		Already: 1, Applied: 1, Failures: []engine.Failure{failure}, Skipped: []engine.StepRef{proxy},
		Cut: []engine.StepRef{report}, Resume: failure.Resume,
	}
	for _, e := range []engine.Event{
		started,
		engine.StepStarted{StepRef: files, Time: at(0), Phase: engine.Checking},
		engine.StepDone{StepRef: files, Time: at(0.2), How: engine.AlreadyDone, Duration: 210 * time.Millisecond},
		engine.StepStarted{StepRef: up, Time: at(0.2), Phase: engine.Checking},
		engine.StepStarted{StepRef: up, Time: at(0.4), Phase: engine.Applying, Changes: []engine.Change{
			{Kind: engine.Create, Path: "database/mongodb"}, {Kind: engine.Restart, Path: "database/nats"},
		}},
		engine.Noted{StepRef: up, Time: at(8), Text: "the connection to db broke and is made again"},
		engine.StepStarted{StepRef: up, Time: at(64), Phase: engine.Verifying},
		engine.StepDone{StepRef: up, Time: at(64.5), How: engine.Applied, Duration: 64300 * time.Millisecond},
		engine.StepStarted{StepRef: pull, Time: at(65), Phase: engine.Checking},
		engine.StepStarted{StepRef: pull, Time: at(65.1), Phase: engine.Applying, Changes: []engine.Change{
			{Kind: engine.Pull, Path: "rocketchat/rocket.chat:8.9.99"},
		}},
		engine.StepFailed{Time: at(77), Failure: failure, Duration: 12 * time.Second},
		engine.StepSkipped{StepRef: proxy, Time: at(77), Reason: engine.NeedFailed, Because: pull.Step},
		engine.StepStarted{StepRef: report, Time: at(78), Phase: engine.Checking},
		engine.StepStarted{StepRef: report, Time: at(78), Phase: engine.Applying},
		engine.Stopping{Time: at(79), Kind: engine.Graceful, Reason: "asked to stop"},
		engine.Stopping{Time: at(80), Kind: engine.Cancel, Reason: "interrupted twice"},
		engine.StepCut{StepRef: report, Time: at(80), Phase: engine.Applying, Message: "context canceled", Duration: 2 * time.Second},
		engine.Noted{Time: at(80), Text: "write the transcript: no space left on device; the run goes on without it"},
		engine.RunFinished{Time: at(754), Summary: summary},
	} {
		log.Append(e)
	}
	for _, l := range []engine.Line{
		{Time: at(1), Host: "db", Step: up.Step, Source: "stderr", Text: "Container mongodb Starting"},
		{Time: at(2), Host: "db", Step: up.Step, Source: "mongodb", Text: `{"msg":"Waiting for connections","port":27017}`},
		{Time: at(66), Host: "rc-frankfurt", Step: pull.Step, Source: "stderr", Text: "8.9.99: Pulling from rocketchat/rocket.chat"},
		{Time: at(76), Host: "rc-frankfurt", Step: pull.Step, Source: "stderr", Text: "manifest unknown"},
		{Time: at(79), Step: report.Step, Text: "größe ✓ 日本"},
	} {
		lines.Append(l)
	}
	log.Close()
	return log, lines
}

// Reports is a preview with every verdict, a difference, a secret file and a
// check that failed.
func Reports() []engine.StepReport {
	files, up, pull, proxy, report := steps()
	env := engine.StepRef{Step: "db/env", Title: "Write .env", Host: "db", Guide: "1.3"}
	failed := Failure()
	failed.Phase, failed.Message, failed.LastLines = engine.Checking, "no route to host", nil
	failed.Command, failed.ExitCode, failed.Cause, failed.Next = "", 0, "the host is down", "start it"
	before := "services:\n  mongodb:\n    image: mongodb/mongodb-community-server:8.0.4\n    restart: always\n"
	after := "services:\n  mongodb:\n    image: mongodb/mongodb-community-server:8.0.12\n    restart: always\n"
	return []engine.StepReport{
		{StepRef: report, Report: engine.Report{Verdict: engine.Done}},
		{StepRef: files, Report: engine.Report{Verdict: engine.Needed, Changes: []engine.Change{
			{Kind: engine.Update, Path: "/opt/rocketchat/database/compose.database.yml", Before: before, After: after},
			{Kind: engine.Create, Path: "/opt/rocketchat/database/files/prometheus/prometheus.yml", After: "global:\n  scrape_interval: 15s\n"},
			{Kind: engine.Delete, Path: "/opt/rocketchat/database/old.yml", Before: "a: 1\n"},
		}}},
		{StepRef: env, Report: engine.Report{Verdict: engine.Needed, Changes: []engine.Change{
			{Kind: engine.Update, Path: "/opt/rocketchat/database/.env", Secret: true},
		}}},
		{StepRef: up, Report: engine.Report{
			Verdict: engine.Later, Reason: "known after db/files", Changes: []engine.Change{{Kind: engine.Start, Path: "database/mongodb"}},
		}},
		{StepRef: proxy, Report: engine.Report{
			Verdict: engine.Blocked, Reason: "port 443 is taken by nginx", Next: "stop nginx on edge, or give another https_port",
		}},
		{StepRef: pull, Failure: &failed},
	}
}
