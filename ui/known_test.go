package ui_test

import (
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
)

func TestBrief(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	refs := func(ids ...string) (out []engine.StepRef) {
		for _, id := range ids {
			out = append(out, engine.StepRef{Step: id})
		}
		return out
	}
	for _, test := range []struct {
		last ui.LastRun
		want string
	}{
		{ui.LastRun{Cut: refs("rc1/compose-up-instance")}, "cut at rc1/compose-up-instance, 14 min ago; 23 of 41 steps done"},
		{ui.LastRun{Cut: refs("rc1/images", "rc2/images")}, "cut at rc1/images and rc2/images, 14 min ago; 23 of 41 steps done"},
		{ui.LastRun{Cut: refs("a", "b", "c", "d")}, "cut at a, b and 2 more, 14 min ago; 23 of 41 steps done"},
		{ui.LastRun{}, "cut, 14 min ago; 23 of 41 steps done"},
		{ui.LastRun{Outcome: engine.Stopped}, "stopped, 14 min ago; 23 of 41 steps done"},
		{ui.LastRun{Outcome: engine.Cancelled, Cut: refs("a")}, "cancelled at a, 14 min ago; 23 of 41 steps done"},
		{
			ui.LastRun{Outcome: engine.Failed, Cut: refs("b"), Failures: []engine.Failure{{StepRef: engine.StepRef{Step: "a"}}}},
			"failed at a, 14 min ago; 23 of 41 steps done",
		},
		{ui.LastRun{Outcome: engine.Succeeded}, "done 14 min ago"},
	} {
		test.last.Seen, test.last.Done, test.last.Steps = now.Add(-14*time.Minute-30*time.Second), 23, 41
		if got := test.last.Brief(now); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0 s ago", 59 * time.Second: "59 s ago", time.Hour: "60 min ago", 3 * time.Hour: "3 h ago", 72 * time.Hour: "3 days ago",
		-time.Hour: "later than now by this machine's clock",
	} {
		if got := ui.Ago(now.Add(-d), now); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := ui.Ago(time.Time{}, now); got != "at an unknown time" {
		t.Errorf("%q", got)
	}
}
