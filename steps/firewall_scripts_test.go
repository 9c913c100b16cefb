package steps

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// The scripts themselves, on this machine as it is: lines that touch files of the
// test's own in place of a firewall's.
func TestFirewallScripts(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may write below /run")
	}
	for _, test := range []struct {
		name, apply string
		confirmed   bool
		asItWas     bool
		after       string // what is in the file when all is over
	}{
		{"well", "echo new >FILE", true, false, "new\n"},
		{"the lines fail", "echo new >FILE\nfalse", false, true, "old\n"},
		{"the lines take too long", "sleep 3\necho new >FILE", false, false, "old\n"},
		{"the lines fail late", "sleep 3\necho new >FILE\nfalse", false, false, "old\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "rules")
			if err := os.WriteFile(file, []byte("old\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			server := remotetest.NewServer(t, remotetest.Options{})
			c := check.AppliedChange{
				FirewallChange: check.FirewallChange{Host: "db", Firewall: check.UFW, Apply: strings.Split(strings.ReplaceAll(test.apply, "FILE", file), "\n")},
				Files:          []check.KeptFile{{Path: file, There: true, Content: []byte("old\n")}},
			}
			within := 30 * time.Second
			if strings.Contains(test.apply, "sleep") {
				within = time.Second
			}
			again := server.Connect(t)
			done, err := ApplyFirewall(t.Context(), server.Connect(t), c, FirewallProof{Within: within, Reconnect: func(context.Context) (remote.Host, error) {
				return again, nil
			}})
			if done.Confirmed != test.confirmed || (err == nil) != test.confirmed || errors.Is(err, ErrFirewallAsBefore) != test.asItWas {
				t.Errorf("confirmed %t: %v", done.Confirmed, err)
			}
			// The host's own process looks every second.
			deadline := time.NewTimer(15 * time.Second)
			defer deadline.Stop()
			look := time.NewTicker(100 * time.Millisecond)
			defer look.Stop()
			for {
				got, err := os.ReadFile(file)
				if err == nil && string(got) == test.after {
					return
				}
				select {
				case <-look.C:
				case <-deadline.C:
					t.Fatalf("the file holds %q: %v", got, err)
				}
			}
		})
	}
}
