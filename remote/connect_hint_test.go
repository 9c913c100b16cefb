package remote

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// What to look at names the port that was tried, which need not be 22.
func TestNoAnswerNamesThePort(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := dialTCP(ctx, nil, hop{label: "box", host: "192.0.2.1", port: 2222})
	var e *ConnectError
	if !errors.As(err, &e) || e.Kind != DialFiltered || !strings.Contains(e.Hint, "drops port 2222:") {
		t.Errorf("error %v", err)
	}
}
