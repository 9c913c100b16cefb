package tui

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// roles are those of every server.
func (d *driver) roles() []string {
	w := d.workspaceOf()
	out := make([]string, len(w.Hosts))
	for n := range w.Hosts {
		out[n] = w.Hosts[n].Name + ": " + question.RolesOf(w, n).String()
	}
	return out
}

func (d *driver) hasRoles(want ...string) {
	d.t.Helper()
	if diff := gocmp.Diff(want, d.roles()); diff != "" {
		d.t.Error(diff)
	}
}

// TestRolesByKeys: what is proposed follows the number of servers until somebody
// says otherwise.
func TestRolesByKeys(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		atServers(d, pasted(2))
		d.hasRoles("db: d p", "rc1: i2")
		d.paste("192.0.2.13 192.0.2.14")
		d.hasRoles("db: d", "rc1: i", "rc2: i", "edge: p")
		d.press("home", "p", "i", "+", "+", "-")
		d.hasRoles("db: d i2 p", "rc1: i", "rc2: i", "edge: ")
		d.press("end", "d", "d", "d")
		d.hasRoles("db: i2 p", "rc1: i", "rc2: i", "edge: d")
		d.paste("192.0.2.16 192.0.2.17")
		d.hasRoles("db: i2 p", "rc1: i", "rc2: i", "edge: d", "host1: ", "host2: ")
		d.press("u", "u", "u", "u")
		d.hasRoles("db: d i2 p", "rc1: i", "rc2: i", "edge: ")
	})
}

// TestDeployedRolesStay: in a workspace that runs, another server moves nobody.
func TestDeployedRolesStay(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		before := uitest.Draft()
		d.open(ui.Known{Key: "k", State: ui.Deployed, Last: &ui.LastRun{Outcome: engine.Succeeded}}, before, pageServers)
		d.paste("192.0.2.20\n")
		d.hasRoles("db: d", "rc-frankfurt: i", "rc-paris: i", "edge: p", "host1: ")
	})
}

// TestRemovedAndBack: undo brings back all that a server was, and its secrets.
func TestRemovedAndBack(t *testing.T) {
	t.Parallel()
	b := fleet()
	b.Hosts = twoLocked()
	drive(t, b, Options{}, func(d *driver) {
		atServers(d, pasted(2))
		d.pass(2 * time.Second)
		d.press("s", "tab")
		d.typed("hunter2")
		d.press("enter")
		d.pass(2 * time.Second)
		before := d.m.c.draft.Clone()
		d.press("x")
		d.shows("db removed; u brings it back")
		d.hasRoles("db: d i2 p")
		if len(d.m.c.draft.Typed.Hosts) != 1 {
			t.Errorf("the password of a server that is gone stayed: %d", len(d.m.c.draft.Typed.Hosts))
		}
		d.press("delete")
		d.shows("paste all of them at once")
		d.press("f1", "esc")
		d.isOn(pageServers)
		d.paste("192.0.2.99\n")
		d.press("u", "esc")
		d.isOn(pageStart)
		d.open(ui.Known{}, before, pageServers)
		d.press("x", "u")
		if diff := gocmp.Diff(before, d.m.c.draft); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOffer: one large host is offered an instance fewer than it has cores, and
// nothing is taken without a key.
func TestOffer(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		keysAccepted(d, "192.0.2.14\n")
		d.hasRoles("db: d i2 p")
		d.shows("db has 16 cores: by the guide's rule, 15 instances")
		d.press("o")
		d.hasRoles("db: d i15 p")
		d.hides("16 cores: by")
		d.press("u")
		d.hasRoles("db: d i2 p")
	})
}

// TestTwice: an address that is there already is not added again; one that
// becomes another's is marked and keeps the person on the page.
func TestTwice(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		keysAccepted(d, "192.0.2.10 192.0.2.11")
		d.paste("192.0.2.11\n")
		d.shows("192.0.2.11 is in the table already")
		if d.servers().list.at != 1 {
			t.Errorf("the cursor is in row %d", d.servers().list.at)
		}
		d.press("e", "backspace")
		d.typed("0")
		d.press("ctrl+n")
		d.shows("is also the address of db")
		d.press("esc")
		d.shows("twice")
		d.press("home", "n")
		d.isOn(pageServers)
		if d.servers().list.at != 1 {
			t.Errorf("the cursor is in row %d", d.servers().list.at)
		}
	})
}

// TestPrivateAddressIsChosen: those that were found are offered, another may be
// typed, and moving through the fields changes none.
func TestPrivateAddressIsChosen(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		keysAccepted(d, "192.0.2.10 192.0.2.11")
		private := func() string { return d.workspaceOf().Hosts[0].PrivateIP }
		d.press("enter", "down", "down", "down")
		d.shows("found on the server, the likeliest", "172.16.4.10")
		d.press("down", "up")
		if got := private(); got != "10.0.0.10" {
			t.Errorf("moving chose %q", got)
		}
		d.press("right")
		if got := private(); got != "172.16.4.10" {
			t.Errorf("chosen is %q", got)
		}
		d.press("backspace")
		d.typed("9")
		d.press("ctrl+n")
		if got := private(); got != "172.16.4.19" {
			t.Errorf("typed is %q", got)
		}
		d.shows("172.16.4.19; also found: 10.0.0.10, 172.16.4.10")
	})
}

// TestEditedIsLookedAtAgain: another user is another way to the same machine;
// another name is not.
func TestEditedIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		keysAccepted(d, "192.0.2.10 192.0.2.11")
		before := d.inspections()
		d.press("enter", "tab")
		d.typed("x")
		d.pass(2 * time.Second)
		if n := d.inspections(); n != before {
			t.Errorf("another name: looked at %d times more", n-before)
		}
		d.press("tab", "tab", "tab")
		d.typed("admin")
		d.pass(2 * time.Second)
		if n := d.inspections(); n != before+1 {
			t.Errorf("another user: looked at %d times more", n-before)
		}
	})
}
