package state

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace"
)

// What is under way is read as it was written, until it is dropped.
func TestAlteration(t *testing.T) {
	t.Parallel()
	f := open(t)
	if _, there, err := f.LoadAlteration(); there || err != nil {
		t.Fatalf("in a new folder: %t, %v", there, err)
	}
	w, problems := workspace.Load("workspace.yaml", []byte(four))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	want := Alteration{
		Verb: "remove-instance", Instances: []string{"rc2"}, Workspace: w.Complete(),
		Drain: 3 * time.Second, WithoutHost: true, Command: "rcwizard remove-instance rc2",
	}
	if err := f.SaveAlteration(want); err != nil {
		t.Fatal(err)
	}
	got, there, err := f.LoadAlteration()
	got.Workspace = got.Workspace.Complete()
	if diff := cmp.Diff(want, got); !there || err != nil || diff != "" {
		t.Errorf("%t, %v (-want +got):\n%s", there, err, diff)
	}
	for range 2 {
		if err := f.DropAlteration(); err != nil {
			t.Fatal(err)
		}
	}
	if _, there, err := f.LoadAlteration(); there || err != nil {
		t.Errorf("dropped: %t, %v", there, err)
	}
	for text, wrong := range map[string]string{
		`{"version":2}`:                    "use the rcwizard that wrote it",
		`{"version":1,"workspace":"a: b"}`: "alteration.json",
		`{`:                                "alteration.json",
	} {
		if err := os.WriteFile(f.path(alterationFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, there, err := f.LoadAlteration(); there || err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %t, %v", text, there, err)
		}
	}
}
