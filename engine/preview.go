package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// StepReport is what one step of a plan would do now.
type StepReport struct {
	StepRef
	Report

	// Failure is why the check failed; the report is empty then.
	Failure *Failure `json:"failure,omitempty"`
}

// Preview asks every step of the plan to look and applies none. It works as
// Run does, on many hosts at once, each in order, and asks a step after those
// that it needs; so a step can tell from what it sees that it cannot know
// before one of them has run. Where a check fails and a step that it needs is
// not done, the answer is Later, with the error as the reason: it is to be
// expected that Docker cannot be asked before it is installed. A step that
// needs one which is blocked, or whose check failed, is not asked at all: that
// would be to find the same cause again, and may do harm, as a wrong password
// does that is tried once more.
//
// The reports are in the order of the plan, one for each step. The error is
// not nil for a plan that is not valid and when the context ends; a check that
// fails is in its report. Of the options, Lines, Concurrency and Redact count.
func Preview(ctx context.Context, plan Plan, opts Options) ([]StepReport, error) {
	g, err := newGraph(plan)
	if err != nil {
		return nil, err
	}
	opts = opts.filled()
	reports := make([]StepReport, len(plan.Steps))
	// stuck names the step that must be put right before this one can be asked.
	stuck := make([]string, len(plan.Steps))
	schedule{
		graph: g,
		bound: opts.Concurrency,
		visit: func(i int) outcome {
			// The reports of what is before it were written before it was begun.
			s := plan.Steps[i]
			for _, b := range g.before[i] {
				if stuck[i] == "" && slices.Contains(s.Needs, reports[b].Step) {
					stuck[i] = stuck[b]
				}
			}
			if stuck[i] != "" {
				reports[i] = StepReport{StepRef: s.Ref(), Report: Report{Verdict: Later, Reason: "known after " + stuck[i]}}
				return finished
			}
			reports[i] = preview(ctx, s, opts, unmet(g, reports, i))
			if r := reports[i]; r.Failure != nil || r.Verdict == Blocked {
				stuck[i] = s.ID
			}
			return finished
		},
		// Nothing is skipped but at the end of the context, which ends it all.
		skip: func(int, int) {},
	}.run(ctx.Done())
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("look at the hosts: %w", context.Cause(ctx))
	}
	return reports, nil
}

// unmet returns the ids of the steps right before step i that are not done.
func unmet(g graph, reports []StepReport, i int) []string {
	var ids []string
	for _, b := range g.before[i] {
		if reports[b].Verdict != Done && !slices.Contains(ids, reports[b].Step) {
			ids = append(ids, reports[b].Step)
		}
	}
	return ids
}

func preview(ctx context.Context, s Step, opts Options, unmet []string) StepReport {
	out := &output{ref: s.Ref(), log: NewLog(), lines: opts.Lines, redact: opts.Redact}
	defer out.close()
	rep, err := check(ctx, s, out)
	switch {
	case err == nil:
		return StepReport{StepRef: s.Ref(), Report: shown(rep, opts.Redact)}
	case len(unmet) > 0 && ctx.Err() == nil:
		reason := "known after " + strings.Join(unmet, ", ") + " (" + opts.Redact(err.Error()) + ")"
		return StepReport{StepRef: s.Ref(), Report: Report{Verdict: Later, Reason: CleanLine(reason)}}
	default:
		out.close()
		f := newFailure(s.Ref(), Checking, err, func(text string) string { return CleanLine(opts.Redact(text)) })
		return StepReport{StepRef: s.Ref(), Failure: f}
	}
}

// shown is a report as it may leave the engine.
func shown(rep Report, redact func(string) string) Report {
	out := Report{
		Verdict: rep.Verdict,
		Reason:  CleanLine(redact(rep.Reason)),
		Next:    CleanLine(redact(rep.Next)),
	}
	for _, c := range rep.Changes {
		c.Path = CleanLine(redact(c.Path))
		c.Before, c.After = redact(c.Before), redact(c.After)
		if c.Secret {
			c.Before, c.After = "", ""
		}
		out.Changes = append(out.Changes, c)
	}
	return out
}

// Totals counts the steps of a preview by what they would do, for the one line
// above a plan.
type Totals struct {
	Done, Needed, Later, Blocked, Failed int
}

// Total counts reports.
func Total(reports []StepReport) Totals {
	var t Totals
	for _, r := range reports {
		switch {
		case r.Failure != nil:
			t.Failed++
		case r.Verdict == Done:
			t.Done++
		case r.Verdict == Needed:
			t.Needed++
		case r.Verdict == Later:
			t.Later++
		case r.Verdict == Blocked:
			t.Blocked++
		}
	}
	return t
}
