package steps

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// Containers of the same project that were made elsewhere are not this instance's:
// nothing is done to them, and it is said how to.
func TestEndLeavesWhatWasMadeElsewhere(t *testing.T) {
	t.Parallel()
	p := waiting(t, engineContainer{Service: "rocketchat", State: "running"})
	err := p.end(t.Context(), &output{}, "stop")
	problem := asProblem(t, err)
	if !strings.Contains(err.Error(), "no directory that Compose noted") || !strings.Contains(problem.Cause, p.Dir) ||
		!strings.Contains(problem.Next, "docker compose --project-name "+p.Name+" down; then run again") {
		t.Errorf("error %v, cause %q, next %q", err, problem.Cause, problem.Next)
	}
}

// A pause that is cut ends with what cut it.
func TestPassIsCut(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	s := &Site{}
	if err := s.pass(ctx, &output{}, time.Hour); !errors.Is(err, stop) {
		t.Errorf("the drain ended with %v", err)
	}
	if err := s.awaitSilence(ctx, &output{}, nil); !errors.Is(err, stop) {
		t.Errorf("the wait for the proxy ended with %v", err)
	}
}
