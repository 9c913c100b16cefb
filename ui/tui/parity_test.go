package tui

import (
	"fmt"
	"os"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
)

// TestScreenWritesWhatLinesWrite: the same answers by keys come to the same
// workspace.yaml, byte for byte, as line by line; the plain face's test keeps its
// file.
func TestScreenWritesWhatLinesWrite(t *testing.T) {
	t.Parallel()
	b := &uitest.Backend{Hosts: map[string][]ui.Inspection{}}
	for n := 10; n <= 13; n++ {
		b.Hosts[fmt.Sprintf("203.0.113.%d", n)] = []ui.Inspection{{Seen: &ui.Seen{
			Hostname: "box", System: "Debian 12", Cores: 4, Memory: 8_200_000_000,
			Private: []string{fmt.Sprintf("10.0.0.%d", n)}, Docker: "27.1.1", Compose: "2.29.1", Git: "2.39.5",
		}}}
	}
	want, err := os.ReadFile("../plain/testdata/wizard-workspace.golden")
	if err != nil {
		t.Fatal(err)
	}
	drive(t, b, Options{}, func(d *driver) {
		d.press("enter")
		d.isOn(pageServers)
		d.paste("203.0.113.10, 203.0.113.11 203.0.113.12 203.0.113.13")
		d.pass(5 * time.Second)
		d.press("n")
		d.isOn(pageWorkspace)
		d.typed("chat.example.org")
		d.press("enter")
		d.typed("ops@example.org")
		d.press("ctrl+n")
		d.isOn(pageFiles)
		d.press("right", "left", "ctrl+n")
		d.isOn(pageCheck)
		draft, ok := b.Saved("draft-1")
		if !ok {
			t.Fatal("nothing was kept")
		}
		got, err := draft.Answers.File()
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("by lines and by keys (-lines +keys):\n%s", diff)
		}
	})
}
