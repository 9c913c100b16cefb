package steps_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/steps/stepstest"
	"github.com/rcwizard/rcwizard/workspace"
)

// altered is the guide's cluster in memory, to which two instances come at once:
// one on a new host and one more on a host that has one.
type altered struct {
	*testing.T
	world         *stepstest.World
	with, without workspace.Workspace
	names         []string
	secrets       workspace.Secrets
	// kept is the workspace as the operator's machine has it.
	kept workspace.Workspace
	// lost are hosts without a connection.
	lost []string
}

func alter(t *testing.T) *altered {
	t.Helper()
	a := &altered{T: t, names: []string{"rc3", "rc1-2"}}
	w := guides()
	w.Hosts = append(w.Hosts, workspace.Host{Name: "rc3", Address: "10.0.0.14"})
	w.Instances = append(w.Instances, workspace.Instance{Host: "rc3"}, workspace.Instance{Host: "rc1"})
	a.with = w.Complete()
	a.without = a.with.Without(a.names...)
	a.secrets, _ = workspace.Secrets{License: "x"}.Generate(a.with)
	a.world = stepstest.New(t, a.with)
	a.world.Linger()
	a.kept = a.without
	site := a.site(a.without, nil)
	if _, err := engine.Run(t.Context(), steps.Install(site), engine.Options{}); err != nil {
		t.Fatal(err)
	}
	a.close(site)
	return a
}

// site is what one run works with.
func (a *altered) site(w workspace.Workspace, scope *steps.Scope) *steps.Site {
	a.Helper()
	tree, err := render.Render(render.Inputs{Workspace: w, Secrets: a.secrets})
	if err != nil {
		a.Fatal(err)
	}
	hosts := a.world.Hosts()
	for _, name := range a.lost {
		_ = hosts[name].Close()
		delete(hosts, name)
	}
	timing := steps.Patience()
	timing.Poll, timing.Start, timing.Verify, timing.Youth, timing.Beats = time.Millisecond, 5*time.Second, 5*time.Second, time.Second, 5*time.Millisecond
	return &steps.Site{
		Workspace: w, Secrets: a.secrets, Tree: tree, Hosts: hosts, Version: "1.2.3", Timing: timing, Scope: scope,
		View: steps.ViewFrom(w, hosts, a.world.Outside, a.world.Trust()),
	}
}

func (a *altered) close(s *steps.Site) {
	for _, h := range s.Hosts {
		_ = h.Close()
	}
}

func (a *altered) scope() *steps.Scope {
	return &steps.Scope{
		Instances: a.names, Without: a.without, Lost: len(a.lost) > 0,
		Kept: func() (workspace.Workspace, error) { return a.kept, nil },
		Keep: keeping(a.world, &a.kept),
	}
}

// moments records nothing and dies.
type moments struct{ world *stepstest.World }

func (m moments) Record(engine.Record) error {
	if !m.world.Moment() {
		return stepstest.ErrDead
	}
	return nil
}

// errTorn is the failure of a step that a test makes fail.
var errTorn = errors.New("torn by the test")

// run carries a plan out, by an operator who dies at a moment (0: never). change
// may change the plan.
func (a *altered) run(moment int, plan func(*steps.Site) engine.Plan, change func(*engine.Plan)) error {
	a.Helper()
	ctx, cancel := context.WithCancel(a.Context())
	defer cancel()
	a.world.Live(moment, cancel)
	site := a.site(a.with, a.scope())
	defer a.close(site)
	if _, err := site.Running(ctx); err != nil {
		return err
	}
	p := plan(site)
	if change != nil {
		change(&p)
	}
	_, err := engine.Run(ctx, p, engine.Options{Journal: moments{a.world}})
	return err
}

// routed are the addresses that people are sent to. Each of them must answer.
func (a *altered) routed(when string) []string {
	a.Helper()
	file, err := a.world.File("edge", "/opt/rocketchat/proxy/dynamic/rocketchat.yml")
	if err != nil {
		a.Fatal(err)
	}
	hosts := a.world.Hosts()
	listed := regexp.MustCompile(`http://([0-9.]+:30[0-9]+)`).FindAllStringSubmatch(file, -1)
	out := make([]string, 0, len(listed))
	for _, found := range listed {
		out = append(out, found[1])
		var conn net.Conn
		conn, err := hosts["edge"].Dial(a.Context(), "tcp", found[1])
		if err != nil {
			a.Fatalf("%s people are sent to %s, where nobody is: %v", when, found[1], err)
		}
		_ = conn.Close()
	}
	for _, h := range hosts {
		_ = h.Close()
	}
	if n := len(out); n != 2 && n != 4 {
		a.Fatalf("%s people are sent to %v: neither as before nor whole", when, out)
	}
	return out
}

// asItWas is what must be as before after an addition that failed: everything but
// what the new instances left on their own hosts, and the receipts, which remember
// what a file was before.
func asItWas(picture string) string {
	var b strings.Builder
	for line := range strings.Lines(picture) {
		host, rest, _ := strings.Cut(line, " ")
		if host == "rc3" || strings.Contains(rest, "rc1-2") || strings.Contains(rest, "/receipt.json ") {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// picture is the state without the receipts; by those nothing may seem to be
// edited.
func (a *altered) picture() string {
	a.Helper()
	site := a.site(a.kept, &steps.Scope{})
	defer a.close(site)
	if rest, err := site.Rest(a.Context()); err != nil || len(rest) > 0 {
		a.Fatalf("%+v, %v", rest, err)
	}
	var lines []string
	for line := range strings.Lines(a.world.Picture()) {
		// An instance that was started again may have left a record.
		again := strings.HasPrefix(line, "registered ") && slices.Contains(lines, line)
		if !again && !strings.Contains(line, "/receipt.json ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// A step of an addition fails, before it did anything or after it did all: the
// cluster is as before, and the same again brings it about.
func TestAddFailsAnywhere(t *testing.T) {
	t.Parallel()
	a := alter(t)
	fresh, before := a.world.Snapshot(), a.world.Picture()
	if err := a.run(0, steps.Add, nil); err != nil {
		t.Fatal(err)
	}
	whole := a.picture()
	plan := steps.Add(a.site(a.with, a.scope()))
	failed := 0
	for n, step := range plan.Steps {
		for _, after := range []bool{false, true} {
			a.world.Restore(fresh)
			a.kept = a.without
			applied := false
			err := a.run(0, steps.Add, func(p *engine.Plan) {
				apply, check := p.Steps[n].Apply, p.Steps[n].Check
				torn := false
				p.Steps[n].Apply = func(ctx context.Context, out engine.Output) error {
					applied, torn = true, true
					if after {
						if err := apply(ctx, out); err != nil {
							return err
						}
					}
					return errTorn
				}
				p.Steps[n].Check = func(ctx context.Context, out engine.Output) (engine.Report, error) {
					if torn {
						return engine.Report{}, errTorn
					}
					return check(ctx, out)
				}
			})
			if !applied {
				if err != nil {
					t.Fatalf("%s: %v", step.ID, err)
				}
				continue // there was nothing to be done
			}
			failed++
			when := fmt.Sprintf("after %s failed (done: %t)", step.ID, after)
			if !errors.Is(err, errTorn) {
				t.Fatalf("%s: %v", when, err)
			}
			a.routed(when)
			if err := a.run(0, steps.TakeBack, nil); err != nil {
				t.Fatalf("%s it is not taken back: %v", when, err)
			}
			if diff := cmp.Diff(asItWas(before), asItWas(a.world.Picture())); diff != "" {
				t.Fatalf("%s and it was taken back (-before +now):\n%s", when, diff)
			}
			if len(a.kept.Instances) != 2 || len(a.routed(when)) != 2 {
				t.Fatalf("%s the workspace has %v", when, a.kept.Instances)
			}
			if err := a.run(0, steps.Add, nil); err != nil {
				t.Fatalf("%s, again: %v", when, err)
			}
			if diff := cmp.Diff(whole, a.picture()); diff != "" {
				t.Fatalf("%s and it was made again (-undisturbed +now):\n%s", when, diff)
			}
		}
	}
	t.Logf("%d failures of %d steps", failed, len(plan.Steps))
	if failed < 16 {
		t.Errorf("only %d failures", failed)
	}
}

// A step of a removal fails: people are sent to nobody who is not there, and the
// same again brings it about.
func TestRemoveFailsAnywhere(t *testing.T) {
	t.Parallel()
	a := alter(t)
	if err := a.run(0, steps.Add, nil); err != nil {
		t.Fatal(err)
	}
	a.install()
	whole, before := a.world.Snapshot(), a.picture()
	if err := a.run(0, steps.Remove, nil); err != nil {
		t.Fatal(err)
	}
	after := a.picture()
	back := 0
	for n, step := range steps.Remove(a.site(a.with, a.scope())).Steps {
		for _, done := range []bool{false, true} {
			a.world.Restore(whole)
			a.kept = a.with
			err := a.run(0, steps.Remove, func(p *engine.Plan) {
				apply := p.Steps[n].Apply
				p.Steps[n].Apply = func(ctx context.Context, out engine.Output) error {
					if done {
						if err := apply(ctx, out); err != nil {
							return err
						}
					}
					return errTorn
				}
			})
			when := fmt.Sprintf("after %s failed (done: %t)", step.ID, done)
			if err != nil && !errors.Is(err, errTorn) {
				t.Fatalf("%s: %v", when, err)
			}
			a.routed(when)
			// An installation of the answers that are kept puts the instances back, into
			// the lists of the proxy and of Prometheus too.
			if len(a.kept.Instances) == len(a.with.Instances) {
				torn := a.world.Snapshot()
				a.install()
				if diff := cmp.Diff(before, a.picture()); diff != "" {
					t.Fatalf("%s, and put back (-before +now):\n%s", when, diff)
				}
				a.world.Restore(torn)
				back++
			}
			if err := a.run(0, steps.Remove, nil); err != nil {
				t.Fatalf("%s, again: %v", when, err)
			}
			if diff := cmp.Diff(after, a.picture()); diff != "" || len(a.kept.Instances) != 2 {
				t.Fatalf("%s and it was made again it has %d instances (-undisturbed +now):\n%s", when, len(a.kept.Instances), diff)
			}
		}
	}
	if back < 9 {
		t.Errorf("the instances were put back %d times", back)
	}
}

// install brings about the workspace with the instances.
func (a *altered) install() {
	a.Helper()
	site := a.site(a.with, nil)
	defer a.close(site)
	if _, err := engine.Run(a.Context(), steps.Install(site), engine.Options{}); err != nil {
		a.Fatal(err)
	}
}

// The operator dies at any moment of an addition, of its taking back, and of a
// removal, at some of them unless all are asked for: people are sent to nobody who
// is not there, and the same again brings it about.
func TestAlterKilledAnywhere(t *testing.T) {
	t.Parallel()
	a := alter(t)
	fresh := a.world.Snapshot()
	if err := a.run(0, steps.Add, nil); err != nil {
		t.Fatal(err)
	}
	whole, added := a.world.Snapshot(), a.picture()
	if err := a.run(0, steps.Remove, nil); err != nil {
		t.Fatal(err)
	}
	removed := a.picture()
	for _, test := range []struct {
		name  string
		from  stepstest.Snapshot
		kept  workspace.Workspace
		plan  func(*steps.Site) engine.Plan
		again func(*steps.Site) engine.Plan
		want  string
	}{
		{"add", fresh, a.without, steps.Add, steps.Add, added},
		{"take back", whole, a.with, steps.TakeBack, steps.Add, added},
		{"remove", whole, a.with, steps.Remove, steps.Remove, removed},
		{"take back what was added", whole, a.with, steps.TakeBack, steps.Remove, removed},
	} {
		died, stride := 0, 1
		if !*allMoments {
			stride = 4
		}
		for moment := 1; ; moment += stride {
			a.world.Restore(test.from)
			a.kept = test.kept
			when := fmt.Sprintf("%s, killed at moment %d,", test.name, moment)
			err := a.run(moment, test.plan, nil)
			if a.world.Moments() < moment {
				if err != nil {
					t.Fatalf("%s, undisturbed: %v", test.name, err)
				}
				break
			}
			died++
			a.routed(when)
			if err := a.run(0, test.again, nil); err != nil {
				t.Fatalf("%s does not go on: %v", when, err)
			}
			if diff := cmp.Diff(test.want, a.picture()); diff != "" {
				t.Fatalf("%s came to another end (-undisturbed +now):\n%s", when, diff)
			}
		}
		t.Logf("%s: killed at %d moments", test.name, died)
		if died < 8 {
			t.Errorf("%s: only %d moments", test.name, died)
		}
	}
}

// An instance whose host is gone leaves everywhere else.
func TestRemoveWithoutHost(t *testing.T) {
	t.Parallel()
	a := alter(t)
	a.names = []string{"rc3"}
	a.with = a.with.Without("rc1-2")
	if err := a.run(0, steps.Add, nil); err != nil {
		t.Fatal(err)
	}
	a.lost = []string{"rc3"}
	for moment := 1; moment > 0; moment++ {
		before := a.world.Snapshot()
		a.kept = a.with
		err := a.run(moment, steps.Remove, nil)
		if a.world.Moments() < moment {
			if err != nil {
				t.Fatal(err)
			}
			moment = -1
		} else if err := a.run(0, steps.Remove, nil); err != nil {
			t.Fatalf("killed at moment %d, it does not go on: %v", moment, err)
		}
		picture := a.world.Picture()
		if strings.Contains(picture, "registered 10.0.0.14") || !strings.Contains(picture, "rc3 container") || len(a.kept.Instances) != 2 {
			t.Fatalf("killed at moment %d, %d instances:\n%s", moment, len(a.kept.Instances), picture)
		}
		for host, file := range map[string]string{
			"edge": "/opt/rocketchat/proxy/dynamic/rocketchat.yml",
			"db":   filepath.Join("/opt/rocketchat/database", "files/prometheus/file_sd_configs.d/rocketchat.yaml"),
		} {
			if text, err := a.world.File(host, file); err != nil || strings.Contains(text, "10.0.0.14") {
				t.Fatalf("%s on %s:\n%s", file, host, text)
			}
		}
		a.world.Restore(before)
	}
}
