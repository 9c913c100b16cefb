package facts_test

import (
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
)

func TestQ(t *testing.T) {
	h := remote.Local("x", remote.LocalOptions{})
	t0 := time.Now()
	f, err := facts.Gather(t.Context(), h, "/opt/rocketchat")
	t.Logf("%+v %v %v", f, err, time.Since(t0))
}
