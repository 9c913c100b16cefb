package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// An instance comes to a workspace that stands, on a server that is new, and goes
// again, by keys alone. What was typed outlives the program; of the cluster
// nothing else changes, and afterwards it is as it was before.
func TestWizardAddsAndRemoves(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1", "edge", "rc2")})
	r := newRig(t, f, workspace.Secrets{}, func(w *workspace.Workspace) {
		w.Hosts = slices.DeleteFunc(w.Hosts, func(h workspace.Host) bool { return h.Name == "rc2" })
		w.Instances = slices.DeleteFunc(w.Instances, func(i workspace.Instance) bool { return i.Host == "rc2" })
	})
	r.install()
	before, lists := r.stands(), r.lists()

	w := r.wizard(80, 24)
	w.turn("Start", "a add an instance", "a")
	w.turn("Add instances", "Debian 12", "a")
	w.typeText("root@" + r.Host("rc2").Address().String())
	w.keys("Enter", "Enter")
	w.turn("Add instances", "1 host key to compare and accept", "f")
	if shown := w.see("Add instances", "enter accept"); !strings.Contains(shown, fingerprint(t, r.Host("rc2"))) {
		t.Errorf("its fingerprint is not shown:\n%s", framed(shown))
	}
	w.keys("Enter")
	w.turn("Add instances", "1 instance will be 2", "n")
	w.see("Check", "from")
	if err := unix.Kill(w.pid(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, r.stands()); diff != "" {
		t.Errorf("describing an addition changed something (-before +after):\n%s", diff)
	}

	w = r.wizard(120, 40)
	w.turn("Start", "a add an instance", "a")
	w.until("what the new server is", func(screen string) bool {
		return strings.Contains(screen, "1 instance will be 2") && strings.Count(screen, "Debian 12") >= 4
	})
	w.keys("n")
	w.see("Check", "host1 cannot reach MongoDB on db, port 27017")
	with := r.w.Clone()
	h, err := r.Host("rc2").Workspace(lab.Root)
	r.must(err)
	with.Hosts, with.Instances = append(with.Hosts, h), append(with.Instances, workspace.Instance{Host: "rc2"})
	r.must(r.Shield(t.Context(), with.Complete())) // as somebody does who types the lines
	w.keys("r")
	w.turn("Check", "Nothing stands in the way", "Enter")
	w.turn("Review", "enter add", "Enter")
	w.turn("Review", "Enter again adds", "Enter")
	w.within(deployedWithin).see("Done", "is added", "2 of 2 instances registered")
	w.keys("Enter")
	if code := w.ended(); code != 0 {
		t.Errorf("it ended with code %d:\n%s", code, w.all(false))
	}
	together := r.stands()
	for name, is := range before {
		// The lists have one entry more, and the answers one instance; nothing else.
		if together[name] != is && name != "state" && !rewritten(name) {
			t.Errorf("%s is another than it was", name)
		}
	}

	w = r.wizard(80, 24)
	w.turn("Start", "x remove one", "x")
	w.turn("Remove an instance", "leaves, and 1 instance goes on", "Down", "Enter")
	w.turn("Review", "enter remove", "Enter")
	w.turn("Review", "y removes", "y")
	w.within(deployedWithin).see("Done", "is removed", "1 of 1 instance registered")
	w.keys("Enter")
	if code := w.ended(); code != 0 {
		t.Errorf("it ended with code %d:\n%s", code, w.all(false))
	}
	after := r.stands()
	for name, is := range before {
		if got := after[name]; got != is && !rewritten(name) {
			t.Errorf("%s is not as it was (-before +after):\n%s", name, cmp.Diff(is, got))
		}
	}
	for name := range after {
		if _, was := before[name]; !was {
			t.Errorf("%s is left", name)
		}
	}
	if diff := cmp.Diff(lists, r.lists()); diff != "" {
		t.Errorf("the lists are not as they were (-before +after):\n%s", diff)
	}
	r.keepsSecrets(w.pages.String() + w.all(false))
}

// rewritten reports whether a file is written again when an instance comes or
// goes.
func rewritten(name string) bool {
	return slices.ContainsFunc([]string{"/dynamic/rocketchat.yml", "/file_sd_configs.d/rocketchat.yaml", "/workspace.yaml", "receipt.json"}, func(end string) bool {
		return strings.HasSuffix(name, end)
	})
}
