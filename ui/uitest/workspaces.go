package uitest

import (
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// Draft is the guide's example, every page of it answered: four hosts, two
// instances.
func Draft() ui.Draft {
	return ui.Draft{Key: "chat-example-com", Page: "review", Answers: question.Answers{Workspace: workspace.Workspace{
		Version: workspace.Version,
		Domain:  "chat.example.com", Email: "ops@example.com", Release: "8.9.1",
		Hosts: []workspace.Host{
			{Name: "db", Address: "192.0.2.10", PrivateIP: "10.0.0.10"},
			{Name: "rc-frankfurt", Address: "192.0.2.11", PrivateIP: "10.0.0.11"},
			{Name: "rc-paris", Address: "192.0.2.12", PrivateIP: "10.0.0.12"},
			{Name: "edge", Address: "192.0.2.13", PrivateIP: "10.0.0.13"},
		},
		Database:  workspace.Database{Host: "db"},
		Proxy:     workspace.Proxy{Host: "edge"},
		Instances: []workspace.Instance{{Host: "rc-frankfurt"}, {Host: "rc-paris"}},
	}}}
}

// Known is a list of workspaces in every state.
func Known() []ui.Known {
	return []ui.Known{
		{
			Key: "chat-example-com", Name: "chat-example-com", Domain: "chat.example.com", Release: "8.9.1",
			Hosts: 4, Instances: 2, State: ui.Unfinished, Last: &ui.LastRun{
				Doing: "install", Started: at(0), Ended: at(754), Seen: at(754), Outcome: engine.Failed, Steps: 61, Done: 24,
				Failures: []engine.Failure{Failure()},
			},
			Resume: Resume(),
		},
		{Key: "draft-1", Hosts: 3, State: ui.Drafted, Page: "workspace"},
		{
			Key: "intranet", Name: "intranet", Domain: "chat.intranet.example.org", Release: "8.8.3", Hosts: 1, Instances: 3,
			State: ui.Deployed, Last: &ui.LastRun{
				Doing: "install", Started: at(0).AddDate(0, 0, -12), Ended: at(600).AddDate(0, 0, -12), Seen: at(600).AddDate(0, 0, -12),
				Outcome: engine.Succeeded, Steps: 40, Done: 40,
			},
		},
		{
			Key: "team", Name: "team", Domain: "team.example.net", Release: "8.9.1", Hosts: 6, Instances: 4, State: ui.Busy,
			Why: "ada works on it since 09:12: resume (process 4711).",
		},
		{
			Key: "lab", Name: "lab", State: ui.Unreadable,
			Why: "workspace.yaml of lab cannot be read: line 7: unknown key hots, did you mean hosts? Correct it in /home/ada/.local/state/rcwizard/lab, or delete that folder.",
		},
	}
}

// Resume is what is said of a deployment that failed, and of which the release was
// corrected since.
func Resume() *ui.Resume {
	_, _, pull, _, _ := steps()
	return &ui.Resume{
		Workspace: "chat-example-com", Doing: "install", Started: at(0), Seen: at(754), Outcome: engine.Failed,
		Steps: 61, Done: 24, Failed: []engine.Failure{Failure()}, Next: &pull, Left: 37,
		Answers: []workspace.Difference{{Field: "release", Before: "8.9.99", After: "8.9.1"}},
	}
}

// Count is what a cluster of two instances says that are not linked.
func Count() ui.Count {
	return ui.Count{
		Name: "chat-example-com", Release: "8.9.1", RootURL: "https://chat.example.com", At: at(760),
		Verdict: check.Warn, Summary: "2 of 2 instances registered, not linked: no licence",
		Counted: true, Planned: 2, Registered: 2, Linked: check.No,
		Instances: []ui.CountRow{
			{
				Name: "rc-frankfurt", Host: "rc-frankfurt", Address: "10.0.0.11:3000", Version: "8.9.1",
				Registered: check.Yes, Since: at(700), Proxied: check.Yes, Linked: check.No, Why: "no licence",
			},
			{
				Name: "rc-paris", Host: "rc-paris", Address: "10.0.0.12:3000", Version: "8.9.1",
				Registered: check.Yes, Since: at(705), Proxied: check.Yes, Linked: check.No, Why: "no licence",
			},
		},
		Findings: []ui.CountFinding{{
			Verdict: check.Warn, Text: "The instances do not pass live events to each other.",
			Hint: "Get a licence with the module scalability, or register the workspace, and restart the instances.",
		}},
		Facts: []ui.Fact{
			{Label: "MongoDB", Value: "8.0.21, replica set rs0, primary 10.0.0.10:27017"},
			{Label: "Proxy", Value: "2 of 2 requests answered, 2 instances seen"},
			{Label: "Certificate", Value: "until 2027-02-21, by Let's Encrypt R11"},
			{Label: "Prometheus", Value: "6 of 6 targets up"},
			{Label: "Grafana", Value: "https://chat.example.com/grafana/"},
			{Label: "NATS", Value: "2 connections"},
		},
	}
}

// LeftByRemoval is the Aftermath of a removal without its host.
const LeftByRemoval = `Left on rc-paris, which could not be reached: the container of rc-paris and its files in
/opt/rocketchat/instances/rc-paris, with its licence and the way to the database in them.
Keep it off the network until this was run on it, as root:
  cd /opt/rocketchat/instances/rc-paris && docker compose down && cd / && rm -r /opt/rocketchat/instances/rc-paris

rc-paris is no host of the workspace any more. The firewalls let it in as before, from
10.0.0.12 to MongoDB on db (port 27017), NATS on db (port 4222).
Take those rules out before the host or its address gets another use.`

// HalfRemoved is the Aftermath of a removal that did not come to its end.
const HalfRemoved = `What is done of the removal stays done. To go on:
  rcwizard remove-instance rc-paris --workspace chat-example-com
To have rc-paris back instead:
  rcwizard install -f /home/ada/.local/state/rcwizard/chat-example-com/workspace.yaml`

// Conclusion is the end of a run that carried out everything.
func Conclusion() ui.Conclusion {
	counted := Count()
	return ui.Conclusion{
		Summary: engine.Summary{
			Plan: "install", Outcome: engine.Succeeded, Started: at(0), Duration: 754 * time.Second,
			Steps: 61, Already: 4, Applied: 57,
		},
		Count: &counted,
		Access: ui.Access{ //nolint:gosec // the path of a file, not what is in it
			RootURL: "https://chat.example.com", Grafana: "https://chat.example.com/grafana/", Admin: "admin",
			Secrets:    "/home/ada/.local/state/rcwizard/chat-example-com/secrets.yaml",
			Report:     "/home/ada/.local/state/rcwizard/chat-example-com/report.md",
			Transcript: "/home/ada/.local/state/rcwizard/chat-example-com/log/20261123T093000Z.log",
		},
	}
}
