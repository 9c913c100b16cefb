package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
)

// Result keeps what the last look at the cluster found, for the report at the
// end of a run.
type Result struct {
	mu     sync.Mutex
	report *cluster.Report
}

// Report is the last look's; false if there was none.
func (r *Result) Report() (cluster.Report, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.report == nil {
		return cluster.Report{}, false
	}
	return *r.report, true
}

func (r *Result) set(report cluster.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report = &report
}

// verify is the guide's 4.3, "To confirm that all instances are connected and
// working correctly", without a login and without trusting a count: the whole
// cluster is asked until it is seen whole, or the time is up.
func (s *Site) verify(needs ...string) engine.Step {
	// waited says that what only time brings was waited for, and did not come.
	var waited atomic.Bool
	return engine.Step{
		ID:    verifyID,
		Title: "Count the instances",
		Guide: "4.3",
		Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			r := s.observe(ctx)
			if whole(r) && (waited.Load() || !young(r)) {
				differing, err := s.differingImages(ctx)
				if err != nil {
					return engine.Report{}, err
				}
				if differing != "" {
					return engine.Report{
						Verdict: engine.Blocked, Reason: differing,
						Next: "pull the tag anew on all of them (docker pull) and run again",
					}, nil
				}
				return done(r.Summary), nil
			}
			wait := engine.Change{Kind: engine.Wait, Path: "the cluster to be whole"}
			if !r.Counted {
				return later("there is nothing to count yet", wait), nil
			}
			return later(told(r), wait), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			// The wait needs a project for its logs: the first instance's tell most.
			p, err := s.project(s.projects(render.RoleInstance)[0])
			if err != nil {
				return err
			}
			started := time.Now()
			return p.await(ctx, out, patience{
				what:     "the cluster to be whole",
				deadline: s.timing().Verify,
				probe: func(ctx context.Context) (bool, string, error) {
					r := s.observe(ctx)
					waited.Store(time.Since(started) > s.youth())
					return whole(r) && (waited.Load() || !young(r)), told(r), nil
				},
				cause: "what the count names",
				next:  "rcwizard status shows the count again, with what to do for each finding.",
			})
		},
	}
}

func (s *Site) observe(ctx context.Context) cluster.Report {
	r := cluster.Observe(ctx, s.Workspace, s.Secrets, s.View)
	s.Result.set(r)
	return r
}

// whole reports whether nothing failed. What only the administrator can bring
// about, such as a licence, is told and not waited for.
func whole(r cluster.Report) bool {
	return r.Verdict != cluster.VerdictFailed && r.Counted && r.Registered == r.Planned
}

// young reports whether something is still to be seen that time alone brings:
// Prometheus asks its targets one after the other, has asked too early an
// instance that was still starting, and takes a changed list over a few seconds
// after it was changed.
func young(r cluster.Report) bool {
	timely := []string{"target-unknown", "target-down", "target-missing", "target-surplus"}
	return slices.ContainsFunc(r.Findings, func(f cluster.Finding) bool { return slices.Contains(timely, f.ID) })
}

// youth is how long that may take: Rocket.Chat's own Prometheus asks once a
// minute, ours four times.
func (s *Site) youth() time.Duration {
	if s.Workspace.Compose.Official() {
		return s.timing().Youth + time.Minute
	}
	return s.timing().Youth
}

func told(r cluster.Report) string {
	var worst []string
	for _, f := range r.Findings {
		if f.Verdict == cluster.VerdictFailed || f.Verdict == cluster.VerdictUnknown {
			worst = append(worst, f.Text)
		}
	}
	if len(worst) == 0 {
		return r.Summary
	}
	return fmt.Sprintf("%s; %s", r.Summary, strings.Join(worst, "; "))
}
