package tui

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/plain"
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

// TestOfferTakenOrNot: one large host, and the same answer to what is offered for
// it, come to the same workspace.yaml by keys and by lines.
func TestOfferTakenOrNot(t *testing.T) {
	t.Parallel()
	for answer, instances := range map[string]int{"": 15, "no": 2} {
		world := func() *uitest.Backend {
			return &uitest.Backend{Hosts: map[string][]ui.Inspection{"203.0.113.10": {{Seen: &ui.Seen{
				Hostname: "box", System: "Debian 12", Cores: 16, Memory: 67_000_000_000,
				Private: []string{"10.0.0.10"}, Docker: "27.1.1", Compose: "2.29.1", Git: "2.39.5",
			}}}}}
		}
		kept := func(b *uitest.Backend) string {
			draft, _ := b.Saved("draft-1")
			if n := len(draft.Answers.Workspace.Instances); n != instances {
				t.Errorf("after %q there are %d instances, want %d", answer, n, instances)
			}
			file, err := draft.Answers.File()
			if err != nil {
				t.Fatal(err)
			}
			return string(file)
		}
		lines, keys := world(), world()
		var said bytes.Buffer
		typed := strings.Join([]string{"203.0.113.10", answer, "", "chat.example.org", "ops@example.org", "", "", "", "", "", "", "", "", "", "", "", "no", ""}, "\n")
		_, err := plain.Wizard{
			Backend: lines, Out: &said,
			Asker: plain.Asker{In: bufio.NewReader(strings.NewReader(typed)), Out: &said, Echo: true},
		}.Run(t.Context())
		if draft, _ := lines.Saved("draft-1"); draft.Page != string(pageCheck) {
			t.Fatalf("in lines it came to the page %q (%v):\n%s", draft.Page, err, said.String())
		}
		drive(t, keys, Options{}, func(d *driver) {
			d.press("enter")
			d.paste("203.0.113.10\n")
			d.pass(5 * time.Second)
			d.shows("15 instances")
			if answer == "" {
				d.press("o")
			}
			d.press("n")
			d.isOn(pageWorkspace)
			d.typed("chat.example.org")
			d.press("enter")
			d.typed("ops@example.org")
			d.press("ctrl+n")
			d.isOn(pageFiles)
			d.press("right", "left", "ctrl+n")
			d.isOn(pageCheck)
		})
		if diff := gocmp.Diff(kept(lines), kept(keys)); diff != "" {
			t.Errorf("after %q by lines and by keys (-lines +keys):\n%s", answer, diff)
		}
	}
}
