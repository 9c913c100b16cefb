package uitest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// Play is how a made-up deployment goes.
type Play struct {
	// Beat is the time that everything is a multiple of; an installation takes
	// about a hundred.
	Beat time.Duration
	// Fails is the host on which Rocket.Chat does not come up; empty: none.
	Fails string
	// Conclusion is what it comes to, but for the Summary, which is the run's.
	Conclusion ui.Conclusion
}

// Deploy begins an installation of the workspace that is made up, and run by
// the engine, whatever becomes of ctx: it pulls, starts and waits in its own time, says what such steps
// say, and stops when it is told to.
func Deploy(ctx context.Context, w workspace.Workspace, p Play) *ui.Run {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop, ended := make(chan struct{}), make(chan struct{})
	run := &ui.Run{Log: engine.NewLog(), Lines: engine.NewLines(nil)}
	gently := sync.OnceFunc(func() { close(stop) })
	run.Stop = func(kind engine.StopKind) {
		gently()
		if kind == engine.Cancel {
			cancel(context.Canceled)
		}
	}
	conclusion := p.Conclusion
	run.Wait = func(ctx context.Context) (ui.Conclusion, error) {
		select {
		case <-ended:
			return conclusion, nil
		case <-ctx.Done():
			return ui.Conclusion{}, fmt.Errorf("wait for the run to end: %w", context.Cause(ctx))
		}
	}
	go func() {
		defer close(ended)
		defer cancel(nil)
		// What failed is in the summary.
		conclusion.Summary, _ = engine.Run(ctx, p.plan(w.Complete()), engine.Options{
			Log: run.Log, Lines: run.Lines, Stop: stop, Resume: "rcwizard resume " + w.Complete().Name,
		})
		run.Log.Close()
	}()
	return run
}

// plan is that of an installation, in the order of the real one.
func (p Play) plan(w workspace.Workspace) engine.Plan {
	plan := engine.Plan{Name: "install"}
	add := func(host, id, title, guide string, beats int, act act, needs ...string) string {
		s := engine.Step{ID: id, Title: title, Host: host, Guide: guide, Needs: needs}
		if host != "" {
			s.ID = host + "/" + id
		}
		done := beats == 0
		s.Check = func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			if err := pause(ctx, p.Beat); err != nil {
				return engine.Report{}, err
			}
			if done {
				return engine.Report{Verdict: engine.Done}, nil
			}
			return engine.Report{Verdict: engine.Needed}, nil
		}
		s.Apply = func(ctx context.Context, out engine.Output) error {
			for n := range beats {
				if err := pause(ctx, p.Beat); err != nil {
					return err
				}
				if err := act(out, n, beats); err != nil {
					return err
				}
			}
			done = true
			return nil
		}
		plan.Steps = append(plan.Steps, s)
		return s.ID
	}
	ready, pulled := make([]string, 0, len(w.Hosts)), make([]string, 0, len(w.Hosts))
	for _, h := range w.Hosts {
		ready = append(ready, add(h.Name, "ready", "Look at the host", "", 0, quietly))
	}
	for _, h := range w.Hosts {
		add(h.Name, "files", "Write the files to /opt/rocketchat", "1.2", 1, quietly, ready...)
	}
	for i, h := range w.Hosts {
		pulled = append(pulled, add(h.Name, "images", "Pull the images", "1.6", 24+7*i, pulls(int64(300+160*i)), ready...))
	}
	database := add(w.Database.Host, "compose-up", "Start MongoDB, NATS and monitoring", "1.7", 9, says("compose", "Container mongodb Starting", "Container nats Started", "Container prometheus Started"), pulled...)
	primary := add(w.Database.Host, "primary", "Wait for the database to be primary", "1.7", 6, says("mongodb", `{"msg":"Waiting for connections","port":27017}`, `{"msg":"Transition to primary complete"}`), database)
	last := primary
	answered := make([]string, 0, len(w.Instances))
	for n, i := range w.Instances {
		act := says("rocketchat", "Starting compensation for old version", "Setting default file store to GridFS", "LocalStore: store created at", "Updating process.env.MAIL_URL", "ufs: temp directory created")
		if i.Host == p.Fails {
			act = crashes
		}
		up := add(i.Host, "compose-up-"+i.Name, "Start Rocket.Chat", "2.5", 5, says("compose", "Container rocketchat Starting", "Container rocketchat Started"), last)
		answered = append(answered, add(i.Host, "answers-"+i.Name, "Wait for Rocket.Chat to answer", "2.5", 22, act, up))
		if n == 0 {
			last = answered[0]
		}
	}
	proxy := add(w.Proxy.Host, "proxy-up", "Start Traefik", "3.4", 4, says("compose", "Container traefik Starting", "Container traefik Started"), answered...)
	opened := add(w.Proxy.Host, "open", "Wait for "+w.RootURL+" to answer", "3.5", 5, says("waiting", "for the certificate"), proxy)
	add("", "cluster/verify", "Count the instances", "", 3, quietly, opened)
	return plan
}

// act is what a step does in one of its beats.
type act func(out engine.Output, n, of int) error

func quietly(engine.Output, int, int) error { return nil }

func says(source string, lines ...string) act {
	return func(out engine.Output, n, _ int) error {
		out.Line(source, lines[n%len(lines)])
		return nil
	}
}

// pulls pulls so many million bytes.
func pulls(megabytes int64) act {
	return func(out engine.Output, n, of int) error {
		if n == 0 {
			out.Line("pull", "pulling docker.io/rocketchat/rocket.chat:8.9.1")
		}
		if n == of-1 {
			out.Line("pull", "docker.io/rocketchat/rocket.chat:8.9.1 is there: sha256:3f1c9a")
		}
		out.Progress(megabytes*1e6*int64(n+1)/int64(of), megabytes*1e6, "bytes")
		return nil
	}
}

func crashes(out engine.Output, n, _ int) error {
	out.Line("rocketchat", "MongoServerSelectionError: connect ECONNREFUSED 10.0.0.10:27017")
	if n < 4 {
		return nil
	}
	return &engine.Problem{
		Command: "docker compose up -d", ExitCode: 1, Cause: "a firewall on db drops what comes from this host to port 27017",
		Next: "open port 27017 on db, then resume", Err: fmt.Errorf("the container restarted %d times within 60 s", n),
	}
}
