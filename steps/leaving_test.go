package steps_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/steps"
)

// Somebody deleted the directory of an instance, or a file that Compose needs of
// it, while its container runs: the container is stopped and removed all the same,
// and nothing else is, whenever the removal is cut.
func TestRemoveAfterItsDirectory(t *testing.T) {
	t.Parallel()
	a := alter(t)
	a.names = []string{"rc3"}
	a.with = a.with.Without("rc1-2")
	if err := a.run(0, steps.Add, nil); err != nil {
		t.Fatal(err)
	}
	whole := a.world.Snapshot()
	if err := a.run(0, steps.Remove, nil); err != nil {
		t.Fatal(err)
	}
	want := a.picture()
	const dir = "/opt/rocketchat/instances/rc3"
	for _, gone := range []string{"", "/compose.yml", "/.env", "/receipt.json"} {
		for moment := 0; ; moment += 7 {
			a.world.Restore(whole)
			a.kept = a.with
			a.world.Delete("rc3", dir+gone)
			err := a.run(moment, steps.Remove, nil)
			cut := moment > 0 && a.world.Moments() >= moment
			if cut {
				err = a.run(0, steps.Remove, nil)
			}
			if err != nil {
				t.Fatalf("without %s, killed at moment %d: %v", dir+gone, moment, err)
			}
			got := a.picture()
			if gone == "/receipt.json" {
				// What tells rcwizard's files from somebody's is gone: they stay.
				if strings.Contains(got, "rc3 container") || !strings.Contains(got, dir+"/compose.yml") {
					t.Fatalf("without %s, killed at moment %d:\n%s", dir+gone, moment, got)
				}
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("without %s, killed at moment %d (-undisturbed +got):\n%s", dir+gone, moment, diff)
			}
			if gone != "" || moment > 0 && !cut {
				break // of the whole directory the cuts are tried, too
			}
		}
	}
}
