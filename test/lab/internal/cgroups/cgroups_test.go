package cgroups_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab/internal/cgroups"
)

// TestRemoveRefuses guards the machine: an empty name would mean all of its cgroups.
func TestRemoveRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "docker", cgroups.Prefix + "1/../../docker"} {
		if err := cgroups.Remove(name, time.Millisecond); err == nil || !strings.Contains(err.Error(), "not the lab's") {
			t.Errorf("Remove(%q): %v, want a refusal", name, err)
		}
	}
	if err := cgroups.Remove(cgroups.Prefix+"0-not-there", time.Millisecond); err != nil {
		t.Errorf("remove what is not there: %v", err)
	}
}
