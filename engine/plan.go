package engine

import (
	"errors"
	"fmt"
	"strings"
)

// ErrPlan is wrapped by every error of Plan.Validate.
var ErrPlan = errors.New("the plan cannot be run")

// Plan is what a run will bring about: data, ready to be shown, checked for
// cycles, or run.
type Plan struct {
	// Name says what is being done, "install".
	Name string
	// Steps in the order in which a person reads them. Needs may only point
	// to steps of the same plan.
	Steps []Step
}

// Validate reports everything that keeps the plan from being run, joined: an
// ID that is empty, odd or used twice, a missing Check or Apply, a need that
// is no step of the plan, and a circle of needs. The order of the steps on
// each host counts as a need, so two hosts that would wait for each other are
// found here and not by a run that never ends. Every error wraps ErrPlan.
func (p Plan) Validate() error {
	_, err := newGraph(p)
	return err
}

// graph is a validated plan: for each step, by its index in the plan, the
// indexes of the steps that must be done before, and one order that fits all.
type graph struct {
	before [][]int
	order  []int
}

func newGraph(p Plan) (graph, error) {
	var problems []error
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrPlan}, args...)...))
	}
	index := make(map[string]int, len(p.Steps))
	for i, s := range p.Steps {
		switch {
		case !validID(s.ID):
			problem("step %d (%q) has no usable id: letters, digits, . _ - / :", i+1, s.ID)
			continue
		case s.Check == nil || s.Apply == nil:
			problem("step %s lacks Check or Apply", s.ID)
		}
		if first, ok := index[s.ID]; ok {
			problem("the id %s is used twice, by steps %d and %d", s.ID, first+1, i+1)
			continue
		}
		index[s.ID] = i
	}
	g := graph{before: make([][]int, len(p.Steps))}
	last := make(map[string]int)
	for i, s := range p.Steps {
		if prev, ok := last[s.Host]; ok {
			g.before[i] = append(g.before[i], prev)
		}
		last[s.Host] = i
		for _, need := range s.Needs {
			n, ok := index[need]
			if !ok {
				problem("step %s needs %s, which is no step of this plan", s.ID, need)
				continue
			}
			g.before[i] = append(g.before[i], n)
		}
	}
	if len(problems) > 0 {
		return graph{}, errors.Join(problems...)
	}
	if g.sort(); len(g.order) < len(p.Steps) {
		problem("its steps wait for each other in a circle: %s", strings.Join(g.circle(p), " needs "))
		return graph{}, errors.Join(problems...)
	}
	return g, nil
}

// sort fills order with every step whose predecessors can all come before it,
// in the order of the plan where there is a choice.
func (g *graph) sort() {
	missing := make([]int, len(g.before))
	after := make([][]int, len(g.before))
	for i, before := range g.before {
		missing[i] = len(before)
		for _, b := range before {
			after[b] = append(after[b], i)
		}
	}
	for i, m := range missing {
		if m == 0 {
			g.order = append(g.order, i)
		}
	}
	for at := 0; at < len(g.order); at++ {
		for _, i := range after[g.order[at]] {
			if missing[i]--; missing[i] == 0 {
				g.order = append(g.order, i)
			}
		}
	}
}

// circle returns the ids along one circle, the first again at the end. It is
// called only when sort could not place every step.
func (g *graph) circle(p Plan) []string {
	placed := make([]bool, len(g.before))
	for _, i := range g.order {
		placed[i] = true
	}
	at := 0
	for placed[at] {
		at++
	}
	// Each step that could not be placed has such a step before it, so walking
	// backwards must come upon a step a second time.
	seen := make(map[int]int)
	var path []string
	for {
		if start, ok := seen[at]; ok {
			return append(path[start:], p.Steps[at].ID)
		}
		seen[at] = len(path)
		path = append(path, p.Steps[at].ID)
		for _, b := range g.before[at] {
			if !placed[b] {
				at = b
				break
			}
		}
	}
}

func validID(id string) bool {
	for _, r := range id {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-/:", r):
		default:
			return false
		}
	}
	return id != ""
}
