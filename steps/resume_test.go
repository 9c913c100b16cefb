package steps_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/steps/stepstest"
	"github.com/rcwizard/rcwizard/workspace"
)

// haste is the timing of hosts in memory.
func haste() steps.Timing {
	t := steps.Patience()
	t.Poll, t.Start, t.Verify, t.Youth = time.Millisecond, 20*time.Second, 20*time.Second, 5*time.Second
	return t
}

// guides is the guide's example: a database, two instances and a proxy.
func guides() workspace.Workspace {
	return workspace.Workspace{
		Version: workspace.Version, Domain: "chat.example.com", Email: "ops@example.com", Release: "8.9.1",
		Hosts: []workspace.Host{
			{Name: "db", Address: "10.0.0.10"},
			{Name: "rc1", Address: "10.0.0.11"},
			{Name: "rc2", Address: "10.0.0.12"},
			{Name: "edge", Address: "10.0.0.13"},
		},
		Database:  workspace.Database{Host: "db"},
		Proxy:     workspace.Proxy{Host: "edge"},
		Instances: []workspace.Instance{{Host: "rc1"}, {Host: "rc2"}},
	}.Complete()
}

var (
	allMoments = flag.Bool("all-moments", false, "let the operator die at every moment of a run with one step at a time, not at some")
	allBytes   = flag.Bool("all-bytes", false, "cut the journal at every byte, not at some, and let the operator die at every moment with many steps at once too")
)

// deployment is a workspace on hosts in memory, and its journal.
type deployment struct {
	w       workspace.Workspace
	secrets workspace.Secrets
	tree    render.Tree
	world   *stepstest.World
	journal string
	// plan is what a run carries out, with its scope.
	plan  func(*steps.Site) engine.Plan
	scope *steps.Scope
	// kept is what the state folder has of the workspace.
	kept workspace.Workspace
	// after is called behind every record.
	after func()
}

func newDeployment(tb testing.TB, w workspace.Workspace) *deployment {
	tb.Helper()
	d := &deployment{w: w, kept: w, world: stepstest.New(tb, w), plan: steps.Install, after: func() {}}
	d.secrets, _ = workspace.Secrets{}.Generate(w)
	var err error
	if d.tree, err = render.Render(render.Inputs{Workspace: w, Secrets: d.secrets}); err != nil {
		tb.Fatal(err)
	}
	d.journal = filepath.Join(tb.TempDir(), "journal.jsonl")
	return d
}

// of makes the deployment one of instances that come or go: what others are there
// already is as the world has it.
func (d *deployment) of(plan func(*steps.Site) engine.Plan, names ...string) {
	d.plan, d.scope = plan, &steps.Scope{
		Instances: names, Without: d.w.Without(names...),
		Kept: func() (workspace.Workspace, error) { return d.kept, nil },
		Keep: keeping(d.world, &d.kept),
	}
}

// keeping is how an operator keeps a workspace, who may die before and after it.
func keeping(world *stepstest.World, kept *workspace.Workspace) func(workspace.Workspace) error {
	return func(w workspace.Workspace) error {
		if !world.Moment() {
			return stepstest.ErrDead
		}
		*kept = w
		if !world.Moment() {
			return stepstest.ErrDead
		}
		return nil
	}
}

// picture is all that there is afterwards.
func (d *deployment) picture(tb testing.TB) string {
	tb.Helper()
	kept, err := d.kept.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return d.world.Picture() + string(kept)
}

// mortal is a journal of an operator who may die before and after each record.
type mortal struct {
	*engine.Journal

	world *stepstest.World
	after func()
}

func (m mortal) Record(rec engine.Record) error {
	if !m.world.Moment() {
		return stepstest.ErrDead
	}
	err := m.Journal.Record(rec)
	m.after()
	if !m.world.Moment() {
		return stepstest.ErrDead
	}
	return err
}

// run is one run of an operator who dies at a moment; at 0 he does not. What an
// operator who is dead would still say is nobody's.
func (d *deployment) run(tb testing.TB, moment, atOnce int) (sum engine.Summary, err error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d.world.Live(moment, cancel)
	journal, err := engine.OpenJournal(d.journal)
	if err != nil {
		return sum, fmt.Errorf("the journal: %w", err)
	}
	hosts := d.world.Hosts()
	site := &steps.Site{
		Workspace: d.w, Secrets: d.secrets, Tree: d.tree, Hosts: hosts, Version: "1.2.3", Timing: haste(), Scope: d.scope,
		View: steps.ViewFrom(d.w, hosts, d.world.Outside, d.world.Trust()),
	}
	sum, err = engine.Run(ctx, d.plan(site), engine.Options{
		Journal: mortal{journal, d.world, d.after}, Concurrency: atOnce,
	})
	for _, h := range hosts {
		err = errors.Join(err, h.Close())
	}
	return sum, errors.Join(err, journal.Close())
}

// attempt is a plan on hosts that are in a state, as often as one likes.
type attempt struct {
	deployment

	from stepstest.Snapshot
	kept workspace.Workspace
}

// again is the same plan before its first run, with the secrets of the first time.
func (a *attempt) again(tb testing.TB) *deployment {
	tb.Helper()
	d := a.deployment
	d.world, d.kept, d.journal = stepstest.New(tb, d.w), a.kept, filepath.Join(tb.TempDir(), "journal.jsonl")
	d.world.Restore(a.from)
	if d.scope != nil {
		d.of(d.plan, d.scope.Instances...)
	}
	return &d
}

// plans are an installation, an addition and a removal.
func plans(tb testing.TB) map[string]*attempt {
	tb.Helper()
	install := newDeployment(tb, guides())
	out := map[string]*attempt{"install": {deployment: *install, from: install.world.Snapshot(), kept: install.w}}

	// One more, on a host of its own, to a cluster that is there.
	w := guides()
	w.Hosts = append(w.Hosts, workspace.Host{Name: "rc3", Address: "10.0.0.14"})
	w.Instances = append(w.Instances, workspace.Instance{Host: "rc3"})
	w = w.Complete()
	add := newDeployment(tb, w)
	two := *add
	two.w = w.Without("rc3")
	var err error
	if two.tree, err = render.Render(render.Inputs{Workspace: two.w, Secrets: add.secrets}); err != nil {
		tb.Fatal(err)
	}
	if _, err := two.run(tb, 0, 1); err != nil {
		tb.Fatal(err)
	}
	add.of(steps.Add, "rc3")
	add.kept = two.w
	out["add-instance"] = &attempt{deployment: *add, from: add.world.Snapshot(), kept: add.kept}
	if _, err := add.run(tb, 0, 1); err != nil {
		tb.Fatal(err)
	}
	remove := *add
	remove.of(steps.Remove, "rc3")
	out["remove-instance"] = &attempt{deployment: remove, from: add.world.Snapshot(), kept: w}
	return out
}

// An operator dies at any moment: before a record of the journal, after it, and
// before, between and after the changes that a step makes to a host. Whoever goes
// on comes to what an undisturbed run comes to, with the same secrets, and whoever
// runs again changes nothing.
func TestResumeAfterDeathAtAnyMoment(t *testing.T) {
	for name, a := range plans(t) {
		t.Run(name, func(t *testing.T) {
			undisturbed := a.again(t)
			if _, err := undisturbed.run(t, 0, 1); err != nil {
				t.Fatal(err)
			}
			moments, want := undisturbed.world.Moments(), undisturbed.picture(t)
			var one, many [][2]int // the moment, and how many steps run at once
			for moment := 1; moment <= moments; moment++ {
				one, many = append(one, [2]int{moment, 1}), append(many, [2]int{moment, engine.DefaultConcurrency})
			}
			const some = 12
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			sample := func(list [][2]int) [][2]int {
				random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				return list[:some]
			}
			if !*allMoments {
				one = sample(one)
			}
			if !*allBytes {
				many = sample(many)
			}
			deaths := slices.Concat(one, many)
			each(t, deaths, func(death [2]int) {
				if problem := dieAndResume(t, a.again(t), death[0], death[1], want); problem != "" {
					t.Errorf("dead at moment %d of %d, %d steps at once: %s", death[0], moments, death[1], problem)
				}
			})
			t.Logf("dead at %d of %d moments with one step at a time, at %d with many; %d changes of hosts", len(one), moments, len(many), undisturbed.world.Changes())
		})
	}
}

// each does something for all of a list, some at a time.
func each[T any](t *testing.T, all []T, do func(T)) {
	t.Helper()
	work := make(chan T)
	var workers sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for one := range work {
				do(one)
			}
		})
	}
	for _, one := range all {
		if t.Failed() {
			break
		}
		work <- one
	}
	close(work)
	workers.Wait()
}

// dieAndResume says what is not as it should be after a death, a run that goes on
// and one more; nothing, if all is well.
func dieAndResume(t *testing.T, d *deployment, moment, atOnce int, want string) string {
	t.Helper()
	_, err := d.run(t, moment, atOnce)
	// With many steps at once the last moments may not come, and after the end of
	// the run there is nothing to go on with.
	died := err != nil
	history, err := engine.ReadJournal(d.journal)
	if err != nil || history.Damaged > 0 || history.Torn {
		return fmt.Sprintf("the journal: %d lines damaged, torn %t: %v", history.Damaged, history.Torn, err)
	}
	last, begun := history.Last()
	if died && begun && !history.Unfinished() && last.Ended.IsZero() {
		return "the journal tells of no unfinished run"
	}
	for _, s := range last.Done {
		if slices.ContainsFunc(last.Cut, func(c engine.StepHistory) bool { return c.Step == s.Step }) {
			return s.Step + " is told to be done and cut"
		}
	}
	if _, err := d.run(t, 0, engine.DefaultConcurrency); err != nil {
		return fmt.Sprintf("going on: %v", err)
	}
	if diff := cmp.Diff(want, d.picture(t)); diff != "" {
		return "gone on, it is not what an undisturbed run comes to (-want +got):\n" + diff
	}
	sum, err := d.run(t, 0, engine.DefaultConcurrency)
	switch {
	case err != nil:
		return fmt.Sprintf("once more: %v", err)
	case sum.Applied > 0 || d.world.Changes() > 0:
		return fmt.Sprintf("once more: %d steps applied, %d changes", sum.Applied, d.world.Changes())
	}
	if diff := cmp.Diff(want, d.picture(t)); diff != "" {
		return "once more (-want +got):\n" + diff
	}
	return ""
}
