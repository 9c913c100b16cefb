package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
)

// heldUntil is a lock that is lost when it is asked for a host.
type heldUntil struct {
	lostLock

	host string
	mu   sync.Mutex
	// asked are the hosts it was asked for, in order.
	asked []string
}

func (l *heldUntil) Hold(_ context.Context, host string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, host)
	if host != l.host {
		return nil
	}
	close(l.lostLock)
	return l.Err()
}

// The lock is asked before each change, not before a look; a step that would
// change something when it is lost begins nothing, and is not told as failed.
func TestLockIsAskedBeforeEachChange(t *testing.T) {
	t.Parallel()
	w := newWorld("seen")
	lock := &heldUntil{lostLock: make(lostLock), host: "c"}
	plan := engine.Plan{Steps: []engine.Step{
		w.instant("a", "a"), w.instant("seen", "b"), w.instant("c", "c", "a", "seen"), w.instant("d", "a", "c"),
	}}
	journal := &fakeJournal{left: -1}
	sum, err := engine.Run(t.Context(), plan, engine.Options{Locker: lock, Journal: journal})
	if !errors.Is(err, engine.ErrLockLost) || !strings.Contains(err.Error(), "taken by eve@laptop") {
		t.Errorf("the run ended with %v, want %v and why", err, engine.ErrLockLost)
	}
	if diff := cmp.Diff([]string{"a", "c"}, lock.asked); diff != "" {
		t.Errorf("asked for other hosts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a"}, w.applied()); diff != "" {
		t.Errorf("applied other steps (-want +got):\n%s", diff)
	}
	if len(sum.Failures) > 0 || sum.Outcome != engine.Cancelled {
		t.Errorf("summary %+v", sum)
	}
	for _, rec := range journal.records {
		if rec.Kind == engine.RecordStepBegan && rec.Step == "c" {
			t.Error("the journal says that the step began")
		}
	}
}
