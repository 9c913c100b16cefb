package steps_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps/stepstest"
)

// cut is a journal that ends at a byte, on hosts in some state.
type cut struct {
	at    int
	state string
	hosts stepstest.Snapshot
}

// The journal of a whole installation is cut at any byte: in the middle of a rune,
// of the first line, of a sum. The hosts are as they were when that byte was
// written, or done, or empty again, as after a restore. Nothing is ever skipped
// that is not done, and nothing done again that is.
func TestResumeWithTheJournalCutAtAnyByte(t *testing.T) {
	a := plans(t)["install"]
	whole := a.again(t)
	// The state of the hosts behind each size of the journal.
	sizes, states := []int64{0}, []stepstest.Snapshot{a.from}
	whole.after = func() {
		info, err := os.Stat(whole.journal)
		if err != nil {
			t.Error(err)
			return
		}
		sizes, states = append(sizes, info.Size()), append(states, whole.world.Snapshot())
	}
	if _, err := whole.run(t, 0, 1); err != nil {
		t.Fatal(err)
	}
	want, done := whole.picture(t), whole.world.Snapshot()
	journal, err := os.ReadFile(whole.journal)
	if err != nil {
		t.Fatal(err)
	}
	told, err := engine.ReadJournal(whole.journal)
	if err != nil {
		t.Fatal(err)
	}
	then := func(at int) stepstest.Snapshot {
		n, exact := slices.BinarySearch(sizes, int64(at))
		if !exact {
			n--
		}
		return states[n]
	}
	var cuts []cut
	add := func(at int) {
		switch {
		case at%5 == 0:
			cuts = append(cuts, cut{at, "as they were", then(at)})
		case at%7 == 0:
			cuts = append(cuts, cut{at, "empty", a.from})
		default:
			cuts = append(cuts, cut{at, "done", done})
		}
	}
	for _, at := range someBytes(t, journal) {
		add(at)
	}
	each(t, cuts, func(c cut) {
		if problem := resumeFromCut(t, a.again(t), c, journal, told, want); problem != "" {
			t.Errorf("cut at byte %d of %d, hosts %s: %s", c.at, len(journal), c.state, problem)
		}
	})
	t.Logf("cut at %d of %d bytes", len(cuts), len(journal)+1)
}

// someBytes are all bytes, or the ends and some others: of them those within runes
// and around the ends of lines are more interesting than most.
func someBytes(t *testing.T, journal []byte) []int {
	t.Helper()
	all := make([]int, 0, len(journal)+1)
	for at := range len(journal) + 1 {
		all = append(all, at)
	}
	if *allBytes {
		return all
	}
	var runes, lines []int
	for at := range journal {
		if !utf8.RuneStart(journal[at]) {
			runes = append(runes, at)
		}
		if journal[at] == '\n' {
			lines = append(lines, at, at+1)
		}
	}
	if len(runes) == 0 {
		t.Error("the journal has no rune of several bytes to cut in")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	out := []int{0, 1, 8, 9, len(journal) - 1, len(journal)}
	for list, n := range map[*[]int]int{&all: 20, &runes: 4, &lines: 8} {
		random.Shuffle(len(*list), func(i, j int) { (*list)[i], (*list)[j] = (*list)[j], (*list)[i] })
		out = append(out, (*list)[:min(n, len(*list))]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// resumeFromCut says what is not as it should be.
func resumeFromCut(t *testing.T, d *deployment, c cut, journal []byte, told engine.History, want string) string {
	t.Helper()
	d.world.Restore(c.hosts)
	if err := os.WriteFile(d.journal, journal[:c.at], 0o600); err != nil {
		return err.Error()
	}
	history, err := engine.ReadJournal(d.journal)
	if err != nil || history.Damaged > 0 {
		return fmt.Sprintf("it is read with %d lines damaged: %v", history.Damaged, err)
	}
	if torn := c.at > 0 && journal[c.at-1] != '\n'; history.Torn != torn {
		return fmt.Sprintf("it is torn %t, and told to be so %t", torn, history.Torn)
	}
	last, _ := history.Last()
	all, _ := told.Last()
	if len(last.Done) > len(all.Done) || !slices.EqualFunc(all.Done[:len(last.Done)], last.Done, sameStep) {
		return fmt.Sprintf("it tells of %d steps that are done, and not as they were", len(last.Done))
	}
	sum, err := d.run(t, 0, engine.DefaultConcurrency)
	if err != nil {
		return fmt.Sprintf("going on: %v", err)
	}
	if c.state == "done" && (sum.Applied > 0 || d.world.Changes() > 0) {
		return fmt.Sprintf("%d steps were applied again, with %d changes", sum.Applied, d.world.Changes())
	}
	if diff := cmp.Diff(want, d.picture(t)); diff != "" {
		return "gone on, it is not what an undisturbed run comes to (-want +got):\n" + diff
	}
	history, err = engine.ReadJournal(d.journal)
	if last, _ := history.Last(); err != nil || history.Damaged > 0 || history.Unfinished() || len(last.Done) != len(all.Done) {
		return fmt.Sprintf("afterwards the journal tells of %d steps done, %d lines damaged: %v", len(last.Done), history.Damaged, err)
	}
	return ""
}

func sameStep(a, b engine.StepHistory) bool { return cmp.Equal(a, b) }
