package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// inspections are the calls of Inspect so far.
func (d *driver) inspections() int {
	n := 0
	for _, call := range d.backend.Calls() {
		if strings.HasPrefix(call, "Inspect ") {
			n++
		}
	}
	return n
}

func (d *driver) servers() *servers {
	d.t.Helper()
	p, ok := d.m.page().(*servers)
	if !ok {
		d.t.Fatalf("the page in front is %s", d.m.front)
	}
	return p
}

// TestFourAddressesPasted is the first moment: paste, one screen of keys, and
// everything is there to go on.
func TestFourAddressesPasted(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		atServers(d, "192.0.2.10\r192.0.2.11\r192.0.2.14\r192.0.2.17\r")
		d.shows("4 servers added", "connecting to 4 servers")
		d.pass(1100 * time.Millisecond)
		d.shows("4 host keys to compare and accept")
		d.press("f")
		for _, n := range []int{10, 11, 14, 17} {
			d.shows(uitest.Key("", "", n).Fingerprint)
		}
		d.press("enter")
		d.pass(1100 * time.Millisecond)
		d.shows("Debian 12", "10.0.0.10", "10.0.0.17", "28.5.1")
		accepted := slices.DeleteFunc(d.backend.Calls(), func(c string) bool { return !strings.HasPrefix(c, "AcceptKey") })
		if len(accepted) != 4 {
			t.Errorf("accepted: %v", accepted)
		}
		w := d.workspaceOf()
		if diff := gocmp.Diff([]string{"db", "rc1", "rc2", "edge"}, w.HostNames()); diff != "" {
			t.Error(diff)
		}
		for n, want := range []string{"d", "i", "i", "p"} {
			if got := question.RolesOf(w, n).String(); got != want {
				t.Errorf("roles of %s: %q, want %q", w.Hosts[n].Name, got, want)
			}
		}
		if w.Hosts[3].PrivateIP != "10.0.0.17" {
			t.Errorf("private address %q", w.Hosts[3].PrivateIP)
		}
		d.press("n")
		d.isOn(pageWorkspace)
		if kept, ok := d.backend.Saved("draft-1"); !ok || len(kept.Answers.Workspace.Hosts) != 4 {
			t.Errorf("kept: %+v", kept)
		}
	})
}

// TestTenWithCommentsAndOneThatIsNone: what was pasted is all in the table, and
// what is no address is marked there.
func TestTenWithCommentsAndOneThatIsNone(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		atServers(d, "# the cluster\n192.0.2.10, 192.0.2.11 192.0.2.12\n192.0.2.13;192.0.2.14\r\n192.0.2.16 # new\n192.0.2.17\n192.0.2.18\n192.0.2.10\n192.0.2.999\n192.0.2.19\n")
		d.pass(4 * time.Second)
		if n := len(d.workspaceOf().Hosts); n != 10 {
			t.Errorf("%d servers", n)
		}
		d.press("n")
		d.isOn(pageServers)
		d.shows("not right", `"192.0.2.999" is not an IP address`)
		if at := d.servers().list.at; at != 8 {
			t.Errorf("the cursor is in row %d", at)
		}
		if n := d.inspections(); n != 9 {
			t.Errorf("%d were connected to", n)
		}
		d.press("x", "n")
		d.hides("192.0.2.999")
	})
}

// TestTypedIsLookedAt: a pause makes an address whole, and another letter ends
// what was begun.
func TestTypedIsLookedAt(t *testing.T) {
	t.Parallel()
	b := fleet()
	b.Delays["Inspect"] = time.Minute
	drive(t, b, Options{}, func(d *driver) {
		atServers(d, "")
		for _, r := range "192.0.2.1" {
			d.typed(string(r))
			d.pass(pause / 2)
		}
		if n := d.inspections(); n != 0 {
			t.Errorf("%d were connected to while it was typed", n)
		}
		d.pass(pause)
		d.shows("connecting")
		d.typed("0")
		d.pass(pause + time.Second)
		if n, running := d.inspections(), d.servers().running(); n != 2 || running != 1 {
			t.Errorf("%d begun, %d under way", n, running)
		}
		d.press("enter")
		d.pass(time.Minute)
		if n := d.inspections(); n != 2 {
			t.Errorf("added, it was connected to once more: %d", n)
		}
		d.shows("key to accept")
	})
}

// TestBackKeepsEverything: esc leaves the line and the page, and what was typed
// is there again.
func TestBackKeepsEverything(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		atServers(d, pasted(2))
		d.press("a")
		d.typed("192.0.2.1")
		d.press("esc")
		d.shows("enter edit")
		d.press("a")
		d.typed("7")
		d.press("enter")
		if got := d.workspaceOf().Hosts[2].Address; got != "192.0.2.17" {
			t.Errorf("the third is %q", got)
		}
		d.press("esc", "esc")
		d.isOn(pageStart)
		if kept, _ := d.backend.Saved("draft-1"); len(kept.Answers.Workspace.Hosts) != 3 {
			t.Errorf("kept: %+v", kept)
		}
	})
}

// TestEmptyLeadsBack: with no server esc leaves the page.
func TestEmptyLeadsBack(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		atServers(d, "")
		d.press("ctrl+n")
		d.isOn(pageServers)
		d.press("esc")
		d.isOn(pageStart)
	})
}

// TestWhatIsNecessary: next says what is missing, and the cursor goes there.
func TestWhatIsNecessary(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		keysAccepted(d, "192.0.2.10 192.0.2.11 192.0.2.14 192.0.2.15")
		d.press("d", "end", "n")
		d.isOn(pageServers)
		d.shows("no server has the database: choose one and press d")
		if at := d.servers().list.at; at != 0 {
			t.Errorf("the cursor is in row %d, not in that without a role", at)
		}
		d.press("d", "n")
		d.shows("edge could not be looked at; n again goes on")
		if at := d.servers().list.at; at != 3 {
			t.Errorf("the cursor is in row %d", at)
		}
		d.press("up", "n")
		d.isOn(pageServers)
		d.press("n")
		d.isOn(pageWorkspace)
	})
}

// TestWhatComesFirst: of a server that is known by a name alone the private
// address is missing, but what keeps it from being found is said first.
func TestWhatComesFirst(t *testing.T) {
	t.Parallel()
	b := fleet()
	b.Hosts["chat1.example.com"] = b.Hosts["192.0.2.12"] // its key, and then a password
	drive(t, b, Options{}, func(d *driver) {
		atServers(d, "chat1.example.com\n192.0.2.15\n")
		d.pass(2 * time.Second)
		d.press("n")
		d.shows("chat1: its host key was not accepted yet (f)")
		d.hides("missing")
		d.press("f", "enter")
		d.pass(2 * time.Second)
		d.press("n")
		d.shows("chat1: it wants the SSH password (s)")
		b.Hosts["chat1.example.com"] = b.Hosts["192.0.2.15"]
		d.press("home", "r")
		d.pass(2 * time.Second)
		d.press("n")
		d.shows("missing: the address of chat1 is a name", "write the IP address at which the other hosts reach it")
		d.press("n")
		d.isOn(pageServers)
	})
}

// TestGoesOnWhileConnecting: nobody waits for a server, and what it says is
// written down and kept, whichever page is in front.
func TestGoesOnWhileConnecting(t *testing.T) {
	t.Parallel()
	b := fleet()
	for address, answers := range b.Hosts {
		b.Hosts[address] = answers[len(answers)-1:]
	}
	b.Delays["Save"] = 2 * time.Second // the answer comes meanwhile
	drive(t, b, Options{}, func(d *driver) {
		atServers(d, "chat1.example.com\n192.0.2.11\n")
		b.Hosts["chat1.example.com"] = b.Hosts["192.0.2.10"]
		d.press("n")
		d.pass(3 * time.Second)
		d.isOn(pageWorkspace)
		d.press("esc")
		d.pass(3 * time.Second)
		d.isOn(pageServers)
		kept, _ := d.backend.Saved("draft-1")
		if got := kept.Answers.Workspace.Hosts[0].PrivateIP; got != "10.0.0.10" {
			t.Errorf("kept is the private address %q", got)
		}
	})
}

// TestNotAllAtOnce: an SSH server in front of many is not flooded.
func TestNotAllAtOnce(t *testing.T) {
	t.Parallel()
	drive(t, fleet(), Options{}, func(d *driver) {
		atServers(d, pasted(20))
		d.pass(500 * time.Millisecond)
		if n := d.inspections(); n != atOnce {
			t.Errorf("%d at once", n)
		}
		d.shows("connecting to 8 servers, 12 more to come")
		d.pass(5 * time.Second)
		d.shows("19 host keys")
	})
}

// TestSecrets: a password is asked for in place, for all that want one, tried,
// asked for again where it was refused, and neither shown nor written down.
func TestSecrets(t *testing.T) {
	t.Parallel()
	b := fleet()
	b.Hosts = twoLocked()
	drive(t, b, Options{}, func(d *driver) {
		atServers(d, pasted(2))
		d.pass(2 * time.Second)
		d.shows("2 servers want a password")
		d.press("s")
		d.typed("hunter2")
		d.hides("hunter2")
		d.press("tab", "enter")
		d.pass(2 * time.Second)
		d.shows("was refused")
		d.press("s", "tab")
		d.typed("hunter2") // the same again is tried again
		d.press("enter")
		d.pass(2 * time.Second)
		d.shows("10.0.0.10", "10.0.0.11")
		d.press("e", "tab")
		d.typed("main")
		d.press("ctrl+n", "n")
		d.isOn(pageWorkspace)
		draft := d.m.c.draft
		if diff := gocmp.Diff([]string{"dbmain", "rc1"}, draft.Answers.Workspace.HostNames()); diff != "" {
			t.Error(diff)
		}
		want := workspace.HostSecrets{SSHPassword: "hunter2"}
		if diff := gocmp.Diff(map[string]workspace.HostSecrets{"dbmain": want, "rc1": want}, draft.Typed.Hosts); diff != "" {
			t.Errorf("typed: %s", diff)
		}
		if len(draft.Answers.Secrets.Hosts) > 0 {
			t.Error("what was typed for one run is among what is kept")
		}
	})
}

// TestJumpHostOnce: the key of a jump host is shown and accepted once for all
// behind it.
func TestJumpHostOnce(t *testing.T) {
	t.Parallel()
	b := fleet()
	key := uitest.Key("db", "203.0.113.1", 42)
	for _, address := range []string{"192.0.2.10", "192.0.2.11"} {
		b.Hosts[address] = append([]ui.Inspection{{Key: &key}}, b.Hosts[address]...)
	}
	drive(t, b, Options{}, func(d *driver) {
		atServers(d, pasted(2))
		d.pass(2 * time.Second)
		d.shows("1 host key")
		d.press("f")
		d.shows("db, rc1   203.0.113.1:22")
		d.press("enter")
		d.pass(2 * time.Second)
		d.shows("2 host keys")
	})
}

// TestServersOnTerminal pastes four addresses on an emulated terminal and comes
// to a filled table by two keys.
func TestServersOnTerminal(t *testing.T) {
	b := fleet()
	b.Delays["Inspect"] = 10 * time.Millisecond
	x := onTerminal(t, b, 80, 24)
	x.wait("New workspace")
	x.press("enter")
	x.wait("paste all of them at once")
	x.paste("192.0.2.10\n192.0.2.11\n192.0.2.14\n192.0.2.17\n")
	x.wait("4 host keys to compare")
	x.press("f")
	x.wait(uitest.Key("", "", 17).Fingerprint, "accept all 4")
	x.press("enter")
	x.wait("10.0.0.10", "10.0.0.11", "10.0.0.14", "10.0.0.17", "✓ Debian 12", "The roles are proposed")
	x.press("n")
	x.wait("Domain")
}
