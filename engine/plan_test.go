package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
)

func TestValidate(t *testing.T) {
	w := newWorld()
	for name, tt := range map[string]struct {
		steps []engine.Step
		want  []string
	}{
		"good":  {[]engine.Step{w.step("a", "h"), w.step("b", "i", "a"), w.step("c", "h", "b")}, nil},
		"empty": {nil, nil},
		"everything wrong": {
			[]engine.Step{w.step("", "h"), w.step("a b", "h"), w.step("a", "h"), w.step("a", "i"), w.step("c", "h", "d", "e"), {ID: "x"}},
			[]string{
				`step 1 ("") has no usable id`, `step 2 ("a b") has no usable id`, "the id a is used twice, by steps 3 and 4",
				"step c needs d, which is no step of this plan", "step c needs e,", "step x lacks Check or Apply",
			},
		},
		"itself":            {[]engine.Step{w.step("a", "h", "a")}, []string{"in a circle: a needs a"}},
		"against the order": {[]engine.Step{w.step("a", "h", "b"), w.step("b", "h")}, []string{"in a circle: a needs b needs a"}},
		"two hosts wait for each other": {
			[]engine.Step{w.step("a1", "a", "b2"), w.step("a2", "a"), w.step("b1", "b", "a2"), w.step("b2", "b")},
			[]string{"in a circle: a1 needs b2 needs b1 needs a2 needs a1"},
		},
		"a circle behind others": {
			[]engine.Step{w.step("z", "z"), w.step("a", "a", "c", "z"), w.step("b", "b", "a"), w.step("c", "c", "b"), w.step("d", "d", "c")},
			[]string{"in a circle: a needs c needs b needs a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := engine.Plan{Steps: tt.steps}.Validate()
			if len(tt.want) == 0 {
				if err != nil {
					t.Errorf("error %v, want none", err)
				}
				return
			}
			if !errors.Is(err, engine.ErrPlan) {
				t.Fatalf("error %v, want ErrPlan", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q:\n%v", want, err)
				}
			}
			if _, runErr := engine.Run(t.Context(), engine.Plan{Steps: tt.steps}, engine.Options{}); !errors.Is(runErr, engine.ErrPlan) {
				t.Errorf("Run: %v, want ErrPlan", runErr)
			}
		})
	}
}

// Random plans on random hosts, some steps failing, under a random bound: the
// run ends, the bound holds, one step at a time runs on a host, the order on
// each host and every need is kept, and each step has exactly one end.
func TestRandomPlans(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			w := newWorld()
			bound := 1 + rnd.IntN(6)
			var (
				mu      sync.Mutex
				running = map[string]int{}
				total   int
				began   []string
			)
			plan := engine.Plan{Name: "random"}
			bad := map[string]bool{}
			for i := range 1 + rnd.IntN(30) {
				id, host := fmt.Sprintf("s%d", i), fmt.Sprintf("h%d", rnd.IntN(5))
				var needs []string
				for j := range i {
					if rnd.IntN(6) == 0 {
						needs = append(needs, fmt.Sprintf("s%d", j))
					}
				}
				s := w.step(id, host, needs...)
				if rnd.IntN(12) == 0 {
					bad[id] = true
					s = failing(s, errors.New("bad luck"))
				}
				apply := s.Apply
				s.Apply = func(ctx context.Context, out engine.Output) error {
					mu.Lock()
					running[host]++
					total++
					if running[host] > 1 || total > bound {
						t.Errorf("seed %d: %d steps at a time on %s, %d in all, bound %d", seed, running[host], host, total, bound)
					}
					for _, n := range needs {
						if !w.is(n) {
							t.Errorf("seed %d: %s began before %s was done", seed, id, n)
						}
					}
					began = append(began, id)
					mu.Unlock()
					defer func() {
						mu.Lock()
						running[host]--
						total--
						mu.Unlock()
					}()
					return apply(ctx, out)
				}
				plan.Steps = append(plan.Steps, s)
			}
			log := engine.NewLog()
			sum, err := engine.Run(t.Context(), plan, engine.Options{Log: log, Concurrency: bound})
			if (err == nil) != (len(sum.Failures) == 0) || sum.Applied+len(sum.Failures)+len(sum.Skipped) != sum.Steps {
				t.Errorf("seed %d: %v, summary %+v", seed, err, sum)
			}
			last := map[string]int{}
			for _, id := range began {
				i := slices.IndexFunc(plan.Steps, func(s engine.Step) bool { return s.ID == id })
				if prev, ok := last[plan.Steps[i].Host]; ok && prev > i {
					t.Errorf("seed %d: %s began after a later step of its host", seed, id)
				}
				last[plan.Steps[i].Host] = i
			}
			ends := map[string]int{}
			for _, e := range events(t, log) {
				switch e := e.(type) {
				case engine.StepDone:
					ends[e.Step]++
				case engine.StepFailed:
					ends[e.Failure.Step]++
				case engine.StepSkipped:
					ends[e.Step]++
				}
			}
			for _, s := range plan.Steps {
				if ends[s.ID] != 1 {
					t.Errorf("seed %d: %s ended %d times", seed, s.ID, ends[s.ID])
				}
			}
		})
	}
}

func TestPreview(t *testing.T) {
	w := newWorld("a/1")
	broken := w.step("a/3", "a")
	broken.Check = func(context.Context, engine.Output) (engine.Report, error) {
		return engine.Report{}, errors.New("docker: command not found")
	}
	brokenFirst := w.step("b/1", "b")
	brokenFirst.Check = broken.Check
	barred := w.step("c/1", "c")
	barred.Check = func(context.Context, engine.Output) (engine.Report, error) {
		return engine.Report{Verdict: engine.Blocked, Reason: "port taken"}, nil
	}
	// What needs a step that is blocked or broken is not asked; what only comes
	// after it on its host is.
	unasked := func(id, host, need string) engine.Step {
		s := w.step(id, host, need)
		s.Check = func(context.Context, engine.Output) (engine.Report, error) {
			t.Errorf("%s was asked", id)
			return engine.Report{}, nil
		}
		return s
	}
	plan := engine.Plan{Steps: []engine.Step{
		w.step("a/1", "a"), w.step("a/2", "a"), broken, brokenFirst, barred,
		unasked("c/2", "c", "c/1"), w.step("c/3", "c"), unasked("d/1", "d", "c/2"), unasked("d/2", "d", "b/1"),
	}}
	reports, err := engine.Preview(t.Context(), plan, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(reports))
	for _, r := range reports {
		line := fmt.Sprintf("%s %s %s", r.Step, r.Verdict, r.Reason)
		if r.Failure != nil {
			line = fmt.Sprintf("%s fails: %s", r.Step, r.Failure.Message)
		}
		for _, c := range r.Changes {
			line = fmt.Sprintf("%s%s %s %q", line, c.Kind, c.Path, c.After)
		}
		got = append(got, line)
	}
	want := []string{
		"a/1 done ",
		`a/2 needed create /a/2 "content of a/2"`,
		"a/3 later known after a/2 (docker: command not found)",
		"b/1 fails: docker: command not found",
		"c/1 blocked port taken",
		"c/2 later known after c/1",
		`c/3 needed create /c/3 "content of c/3"`,
		"d/1 later known after c/1",
		"d/2 later known after b/1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	if len(w.applied()) > 0 {
		t.Errorf("a preview applied %v", w.applied())
	}
	if diff := cmp.Diff(engine.Totals{Done: 1, Needed: 2, Later: 4, Blocked: 1, Failed: 1}, engine.Total(reports)); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engine.Preview(ctx, plan, engine.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
