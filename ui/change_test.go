package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/ui"
)

// How an instance leaves is told with the time that was chosen, and with what is
// different where its server is gone.
func TestLeaving(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change     ui.Change
		want, none string
	}{
		{ui.Change{Drain: 30 * time.Second}, "goes on for 30 s for", "gone for good"},
		{ui.Change{Drain: 90 * time.Second}, "goes on for 90 s for", "min"},
		{ui.Change{Drain: 1500 * time.Millisecond}, "goes on for 1.5 s for", "min"},
		{ui.Change{Drain: 5 * time.Minute}, "goes on for 5 min for", " s for"},
		{ui.Change{}, "it stops at once", "goes on for"},
		{ui.Change{WithoutHost: true}, "held to be gone for good", "goes on for"},
	} {
		got := test.change.Leaving()
		if !strings.Contains(got, test.want) || strings.Contains(got, test.none) {
			t.Errorf("%+v: %s", test.change, got)
		}
	}
}
