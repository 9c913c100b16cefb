package steps

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/workspace/release"
)

// A finding is told while others are still waited for; nothing is told as
// unknown before the end; and at the end everything was told, as it is judged.
func TestFound(t *testing.T) {
	t.Parallel()
	s := box(t)
	opened := make(chan struct{})
	var once sync.Once
	waiting := true
	told := map[string]check.Finding{}
	var early []check.Finding
	skips := []string{"exposure"}
	e := Check(t.Context(), s, Looking{
		Skips: skips, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		Published: func(ctx context.Context, r release.Release) (release.Published, error) {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			select {
			case <-opened:
			case <-ctx.Done():
				t.Error("no port was told while the release was waited for")
			}
			return release.Published{Release: r}, nil
		},
		Found: func(f check.Finding) {
			told[f.ID] = f
			if waiting {
				early = append(early, f)
			}
			if f.Kind == "port-open" && strings.HasPrefix(f.ID, "port:") {
				once.Do(func() { waiting = false; close(opened) })
			}
		},
	})
	for _, f := range early {
		if f.Verdict == check.Unknown && !f.Skipped {
			t.Errorf("told before anybody looked: %s is %s", f.ID, f.Kind)
		}
	}
	want := map[string]check.Finding{}
	for _, f := range check.Judge(s.Workspace, e, skips).Findings {
		want[f.ID] = f
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-judged +told):\n%s", diff)
	}
}
