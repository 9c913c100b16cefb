package tui

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

// checking is a Backend whose first check finds a firewall in the way, and whose
// second finds none.
func checking() *uitest.Backend {
	w := uitest.Draft().Answers.Workspace
	return &uitest.Backend{Checks: []check.Report{uitest.Checked(w, uitest.Blocked(w)), uitest.Checked(w, nil)}}
}

func passing(w workspace.Workspace) *uitest.Backend {
	return &uitest.Backend{Checks: []check.Report{uitest.Checked(w, nil)}}
}

// many is a draft of twenty hosts with names of every length.
func many() ui.Draft {
	d := uitest.Draft()
	for n := range 16 {
		name := fmt.Sprintf("rc%d", n)
		if n == 3 {
			name = "rocketchat-instance-in-the-second-rack"
		}
		d.Answers.Workspace.Hosts = append(d.Answers.Workspace.Hosts, workspace.Host{
			Name: name, Address: fmt.Sprintf("192.0.2.%d", 50+n), PrivateIP: fmt.Sprintf("10.0.0.%d", 50+n),
		})
		d.Answers.Workspace.Instances = append(d.Answers.Workspace.Instances, workspace.Instance{Host: name})
	}
	return d
}

func checkScenes() []scene {
	at := func(play func(d *driver)) func(d *driver) {
		return func(d *driver) {
			d.open(ui.Known{}, uitest.Draft(), pageCheck)
			d.pass(time.Second)
			play(d)
		}
	}
	return []scene{
		{file: "check", name: "under way", backend: func() *uitest.Backend {
			b := checking()
			b.Delays = map[string]time.Duration{"Check": 40 * time.Millisecond}
			return b
		}, play: at(func(d *driver) { d.pass(3 * time.Second) })},
		{file: "check", name: "in the way", backend: checking, play: at(func(*driver) {})},
		{file: "check", name: "what to do", backend: checking, play: at(func(d *driver) { d.press("enter") })},
		{file: "check", name: "passed by", backend: checking, play: at(func(d *driver) { d.press("end", "w") })},
		{file: "check", name: "passed", backend: func() *uitest.Backend { return passing(uitest.Draft().Answers.Workspace) }, play: at(func(*driver) {})},
		{file: "check", name: "cannot be checked", backend: func() *uitest.Backend {
			return &uitest.Backend{Errors: map[string]error{"Check": errors.New("db: the key of the host is not known; accept it on the Servers page")}}
		}, play: at(func(*driver) {})},
		{file: "check", name: "twenty hosts", backend: func() *uitest.Backend {
			w := many().Answers.Workspace
			return &uitest.Backend{Checks: []check.Report{uitest.Checked(w, uitest.Blocked(w))}}
		}, play: func(d *driver) {
			d.open(ui.Known{}, many(), pageCheck)
			d.pass(time.Second)
		}},
	}
}

// TestRedCell: a cell fails, its line is typed, r looks at it alone, the cell
// turns green and the way is open.
func TestRedCell(t *testing.T) {
	t.Parallel()
	b := checking()
	drive(t, b, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageCheck)
		d.pass(time.Second)
		d.shows("2 failed", "rc-frankfurt cannot reach MongoDB")
		d.press("e")
		d.pass(time.Second)
		d.shows("written to")
		d.press("enter")
		d.shows("Came back", "On db, as root:", "ufw prepend allow proto tcp from 10.0.0.11")
		d.press("enter", "r")
		d.pass(time.Second)
		d.shows("Nothing stands in the way")
		last := b.Calls()[len(b.Calls())-1]
		if !strings.HasPrefix(last, "Check") || !strings.Contains(last, "port:rc-frankfurt:db:27017") || strings.Contains(last, "port:edge") {
			t.Errorf("the last call was %q", last)
		}
		d.press("enter")
		if d.m.front == pageCheck {
			t.Error("enter does not lead on")
		}
	})
}

// TestAgainBeforeTheEnd: who has mended what failed before the rest was looked
// at need not wait for that.
func TestAgainBeforeTheEnd(t *testing.T) {
	t.Parallel()
	b := checking()
	b.Delays = map[string]time.Duration{"Check": 50 * time.Millisecond}
	drive(t, b, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageCheck)
		d.pass(5 * time.Second)
		d.shows("checking", "2 failed")
		d.press("enter", "r")
		d.shows("as soon as the rest is done")
		d.pass(time.Minute)
		d.shows("Nothing stands in the way")
	})
}

// TestFailuresStopAndDoubtsArePassedBy: enter never passes what stands in the
// way; w passes a doubt, which the draft remembers, and never a failure.
func TestFailuresStopAndDoubtsArePassedBy(t *testing.T) {
	t.Parallel()
	w := uitest.Draft().Answers.Workspace
	b := &uitest.Backend{Checks: []check.Report{uitest.Checked(w, uitest.Blocked(w))}}
	drive(t, b, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageCheck)
		d.pass(time.Second)
		d.press("w")
		if got := d.m.c.draft.Skips; len(got) > 0 {
			t.Errorf("a failure was passed by: %v", got)
		}
		d.press("end", "w")
		if got := d.m.c.draft.Skips; len(got) != 1 || got[0] != "host:db:memory" {
			t.Errorf("passed by: %v", got)
		}
		d.shows("1 not heeded", "2 failed")
		d.press("home", "enter", "enter", "enter")
		d.isOn(pageCheck)
	})
}

// TestOtherAnswersAreCheckedAnew, and the same ones are not.
func TestOtherAnswersAreCheckedAnew(t *testing.T) {
	t.Parallel()
	b := passing(uitest.Draft().Answers.Workspace)
	calls := func() (n int) {
		for _, c := range b.Calls() {
			if strings.HasPrefix(c, "Check") {
				n++
			}
		}
		return n
	}
	drive(t, b, Options{}, func(d *driver) {
		d.open(ui.Known{}, uitest.Draft(), pageCheck)
		d.pass(time.Second)
		d.press("esc")
		d.isOn(pageFiles)
		d.press("ctrl+n")
		d.isOn(pageCheck)
		d.pass(time.Second)
		if calls() != 1 {
			t.Errorf("%d checks of the same answers", calls())
		}
		d.press("esc", "tab")
		d.typed("/stats")
		d.press("ctrl+n")
		d.isOn(pageCheck)
		d.pass(time.Second)
		if calls() != 2 {
			t.Errorf("%d checks after another answer", calls())
		}
	})
}

// TestShellLines: however a command is broken, a shell reads the same words.
func TestShellLines(t *testing.T) {
	t.Parallel()
	commands := []string{
		"ufw prepend allow proto tcp from 10.0.0.11 to 10.0.0.10 port 27017 comment 'rcwizard rc-frankfurt to db'",
		`nft add rule inet filter input ip saddr { 10.0.0.11, 10.0.0.12 } tcp dport 27017 accept comment \"rcwizard: a b\"`,
		`echo 'one  two' "three \" four" five\ six   seven`, `grep -qF 'ip saddr 10.0.0.11 ip daddr 10.0.0.10 tcp dport 27017 accept comment "rcwizard 27017 from rc1"' nft "insert \"a b\" rule at the very end"`,
		"short", "averyveryverylongwordthathasnospaceatallandgoesonandon",
	}
	for _, command := range commands {
		for w := 8; w < 120; w += 7 {
			script := "words() { for w; do printf '<%s>' \"$w\"; done; }\nwords "
			want, err := exec.CommandContext(t.Context(), "sh", "-c", script+command).Output()
			if err != nil {
				t.Fatal(err)
			}
			got, err := exec.CommandContext(t.Context(), "sh", "-c", script+strings.Join(shellLines(command, w), "\n")).Output()
			if err != nil || string(got) != string(want) {
				t.Errorf("%q at %d cells is %q to a shell, not %q (%v)", command, w, got, want, err)
			}
		}
	}
}

// TestOneCausePassedByAtOnce: what is not known for one cause, such as a host
// that could not be asked, is decided about with one key; what failed is not
// passed by with it, nor what has another cause.
func TestOneCausePassedByAtOnce(t *testing.T) {
	t.Parallel()
	d := uitest.Draft()
	b := &uitest.Backend{Checks: []check.Report{uitest.Checked(d.Answers.Workspace, func(e *check.Evidence) {
		e.Hosts["rc-paris"] = check.Host{Connection: check.ConnUnreachable}
		maps.DeleteFunc(e.Probes, func(p check.Path, _ check.Probe) bool { return p.From == "rc-paris" || p.To == "rc-paris" })
		maps.DeleteFunc(e.Listeners, func(p check.Place, _ check.Listener) bool { return p.Host == "rc-paris" })
	})}}
	drive(t, b, Options{}, func(x *driver) {
		x.open(ui.Known{}, d, pageCheck)
		x.pass(time.Second)
		p := x.m.page().(*checks) //nolint:forcetypeassert // the page in front
		unknown := 0
		for _, f := range p.standing() {
			if f.Because == "host:rc-paris:ssh" && f.Verdict == check.Unknown {
				unknown++
			}
		}
		if unknown < 5 {
			t.Fatalf("%d findings follow from the host that does not answer", unknown)
		}
		x.press("end") // what follows from something else comes last
		x.shows("w without all")
		x.press("w")
		for _, f := range p.standing() {
			if f.Because == "host:rc-paris:ssh" && !f.Skipped {
				t.Errorf("%s still stands", f.ID)
			}
			if f.ID == "host:rc-paris:ssh" && f.Skipped {
				t.Error("what failed was passed by")
			}
		}
		if n := len(x.m.c.draft.Skips); n != unknown {
			t.Errorf("%d of %d were noted", n, unknown)
		}
		x.shows("not heeded")
	})
}
