package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
)

// errCancelled is the cause of a run that a person ended at once.
var errCancelled = fmt.Errorf("asked to end at once: %w", context.Canceled)

// Deploy implements ui.Backend. Before anything changes on a host the answers
// are kept as the workspace's, from which resume goes on.
func (b *backend) Deploy(ctx context.Context, d ui.Draft) (*ui.Run, error) {
	if d.Change != nil {
		return b.deployChange(ctx, d)
	}
	ans, err := b.usable(d)
	if err != nil {
		return nil, err
	}
	d.Answers.Workspace, d.Answers.Secrets = ans.workspace, ans.secrets // which are found from any directory
	if d.Key == "" {
		if d, err = b.Save(ctx, d); err != nil {
			return nil, err
		}
	}
	folder, err := b.folder(d.Key)
	if err != nil {
		return nil, err
	}
	before, err := b.openedOn(d.Key)
	if err != nil {
		return nil, err
	}
	unlock, err := b.a.lock(answers{folder: folder.Folder}, "install")
	if err != nil {
		return nil, err
	}
	if err := before.unchanged(folder.Folder); err != nil {
		unlock()
		return nil, err
	}
	// From here on every way out gives the lock back.
	run, err := b.begin(ctx, d, ans, unlock)
	if err != nil {
		unlock()
		return nil, err
	}
	return run, nil
}

func (b *backend) begin(ctx context.Context, d ui.Draft, ans answers, unlock func()) (*ui.Run, error) {
	hosts, failures := b.connectHosts(ctx, ans, everyHost)
	if err := unreached(ans.workspace, failures); err != nil {
		return nil, err
	}
	site, err := b.site(ctx, ans, maps.Clone(hosts)) // its own are guarded by the lock
	if err != nil {
		return nil, err
	}
	site.Overwrite = b.a.config.GetBool("overwrite-edited")
	first, err := b.firstStage(d, ans, site)
	if err != nil {
		return nil, err
	}
	release, err := b.a.lockHosts(ctx, ans, site, "install")
	if err != nil {
		return nil, err
	}
	if ans.folder, err = b.adopt(d); err != nil {
		release()
		return nil, err
	}
	x, err := b.a.execution(ans)
	if err != nil {
		release()
		return nil, err
	}
	first.say = func(format string, args ...any) {
		x.log.Append(engine.Noted{Time: time.Now(), Text: strings.TrimSpace(fmt.Sprintf(format, args...))})
	}
	x.retries, x.skips = new(engine.Retries), d.Skips
	b.pool.take(hosts)
	whole := deployment{
		b: b, key: d.Key, ans: ans, site: site, execution: x, first: first,
		end: func() {
			release()
			closeAll(hosts)
			unlock()
		},
	}
	return b.carryOut(ctx, x, whole.run), nil
}

// deployment is what one run has to itself until it has ended.
type deployment struct {
	b         *backend
	key       string
	ans       answers
	site      *steps.Site
	execution *execution
	first     *stage
	// end gives back the locks and the connections.
	end func()
}

// carryOut begins a run and returns. The end of the context that it gets cancels
// it, and closing stop begins no other step.
func (b *backend) carryOut(ctx context.Context, x *execution, do func(ctx context.Context, stop <-chan struct{}) (ui.Conclusion, error)) *ui.Run {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := make(chan struct{})
	gently := sync.OnceFunc(func() { close(stop) })
	ended := make(chan struct{})
	var conclusion ui.Conclusion
	var failed error
	retry := x.retries.Step // before the run, which may put an end to retries
	go func() {
		defer close(ended)
		defer cancel(nil)
		conclusion, failed = do(ctx, stop)
	}()
	run := &ui.Run{
		Log: x.log, Lines: x.lines, Lost: b.a.links.now,
		Stop: func(kind engine.StopKind) {
			gently()
			if kind == engine.Cancel {
				cancel(errCancelled)
			}
		},
		Retry: retry,
		Wait: func(ctx context.Context) (ui.Conclusion, error) {
			select {
			case <-ended:
			case <-ctx.Done():
				select {
				case <-ended: // whatever became of ctx
				default:
					return ui.Conclusion{}, fmt.Errorf("wait for the run to end: %w", context.Cause(ctx))
				}
			}
			return conclusion, failed
		},
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.run, b.ended = run, ended
	return run
}

// run carries the plan out and writes down what it came to. What a step failed
// with is in the summary; the error is about anything else.
func (d deployment) run(ctx context.Context, stop <-chan struct{}) (ui.Conclusion, error) {
	defer d.end()
	sum, err := d.execution.run(ctx, d.b.a, d.ans, steps.Install(d.site), stop, d.first.consent(d.execution.log, d.execution.journal))
	var errs []error
	if sum.Outcome == "" || errors.Is(err, engine.ErrRefused) {
		errs = append(errs, err) // nothing of the plan was begun
	}
	errs = append(errs, d.execution.close())
	report, counted, err := keepConclusion(d.site, d.ans, sum.Outcome == engine.Succeeded)
	errs = append(errs, err)
	c := ui.Conclusion{Summary: sum, Access: accessOf(d.ans, d.execution)}
	if sum.Outcome == engine.Succeeded {
		c.Aftermath, err = d.b.a.overtaken(d.ans)
		errs = append(errs, err)
	}
	d.b.opens(d.key, d.ans.folder) // which this run has changed itself
	if counted {
		count := countOf(report)
		c.Count = &count
	}
	return c, errors.Join(errs...)
}

// accessOf is where everything is afterwards.
func accessOf(ans answers, x *execution) ui.Access {
	w, folder := ans.workspace, ans.folder
	out := ui.Access{RootURL: w.RootURL, Secrets: folder.SecretsPath(), Transcript: x.transcript.Name()}
	if w.RunsMonitoring() {
		out.Grafana = w.GrafanaURL()
	}
	if w.Admin.Creates() {
		out.Admin = w.Admin.Username
	}
	if _, err := os.Stat(folder.Report()); err == nil {
		out.Report = folder.Report()
	}
	return out
}

// underWay is the run that has not ended yet; nil where there is none.
func (b *backend) underWay() *ui.Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.run == nil {
		return nil
	}
	select {
	case <-b.ended:
		return nil
	default:
		return b.run
	}
}

// last is the run that was begun last; nil where there was none.
func (b *backend) last() *ui.Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.run
}
