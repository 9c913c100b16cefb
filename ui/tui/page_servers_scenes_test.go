package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// fleet has servers to inspect, each in a second or so: never in a whole number
// of the spinner's frames, so that every picture is the same each time.
func fleet() *uitest.Backend {
	return &uitest.Backend{Hosts: uitest.Hosts(), Delays: map[string]time.Duration{"Inspect": 1037 * time.Millisecond}}
}

// pasted is so many addresses, one on a line, from 192.0.2.10 on.
func pasted(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "192.0.2.%d\n", 10+i)
	}
	return b.String()
}

// atServers begins a new workspace, and pastes addresses if there are any.
func atServers(d *driver, addresses string) {
	d.t.Helper()
	d.open(ui.Known{}, ui.Draft{}, pageServers)
	if addresses != "" {
		d.paste(addresses)
	}
}

// keysAccepted pastes addresses, accepts every host key and lets all be seen.
func keysAccepted(d *driver, addresses string) {
	d.t.Helper()
	atServers(d, addresses)
	d.pass(5 * time.Second)
	d.press("f", "enter")
	d.pass(5 * time.Second)
}

func serversScenes() []scene {
	one := func(name string, play func(d *driver)) scene {
		return scene{file: "servers", name: name, backend: fleet, play: play}
	}
	long := one("long names", func(d *driver) {
		var a question.Answers
		question.Add(&a, question.ParseAddresses(
			"admin@chat-database-primary.eu-central-1.example.internal:2222 2001:db8:85a3:8d3:1319:8a2e:370:7348 [2001:db8::11]:2222 日本.example"))
		a.Workspace.Hosts[1].Name = "a-name-that-somebody-thought-about-for-long"
		a.Workspace.Hosts[0].SSH.ProxyJump = "ops@bastion-of-the-whole-department.example.internal:2200"
		question.Propose(&a, nil)
		d.open(ui.Known{}, ui.Draft{Answers: a}, pageServers)
		d.pass(3 * time.Second)
	})
	long.beyond = true
	return []scene{
		one("empty", func(d *driver) { atServers(d, "") }),
		one("one is typed", func(d *driver) {
			atServers(d, "")
			d.typed("admin@192.0.2.10")
			d.pass(pause + 300*time.Millisecond)
		}),
		one("no address", func(d *driver) {
			atServers(d, "")
			d.typed("192.0.2.300")
			d.press("enter")
		}),
		one("four are connected to", func(d *driver) {
			atServers(d, pasted(4))
			d.pass(300 * time.Millisecond)
		}),
		one("four keys", func(d *driver) {
			atServers(d, pasted(4))
			d.pass(2 * time.Second)
		}),
		one("fingerprints", func(d *driver) {
			atServers(d, pasted(4))
			d.pass(2 * time.Second)
			d.press("f")
		}),
		one("four are seen", func(d *driver) { keysAccepted(d, "192.0.2.10 192.0.2.11 192.0.2.14 192.0.2.17") }),
		one("another is added", func(d *driver) {
			keysAccepted(d, "192.0.2.10 192.0.2.11")
			d.press("a")
			d.typed("192.0.2.17")
			d.pass(pause + 2*time.Second)
		}),
		one("a password is wanted", func(d *driver) {
			keysAccepted(d, pasted(4))
			d.press("down", "down")
		}),
		one("a password is typed", func(d *driver) {
			keysAccepted(d, pasted(4))
			d.press("s")
			d.typed("hunter2")
		}),
		one("something lacks", func(d *driver) {
			keysAccepted(d, pasted(4))
			d.press("end")
		}),
		one("not reached", func(d *driver) {
			keysAccepted(d, "192.0.2.10 192.0.2.15")
			d.press("down")
		}),
		one("one large host", func(d *driver) { keysAccepted(d, "192.0.2.14\n") }),
		one("twenty", func(d *driver) {
			atServers(d, pasted(20))
			d.pass(5 * time.Second)
			d.press("f", "enter")
			d.pass(1500 * time.Millisecond)
			for range 11 {
				d.press("down")
			}
		}),
		long,
		one("twice", func(d *driver) {
			atServers(d, "192.0.2.10 admin@192.0.2.10")
			d.pass(2 * time.Second)
			d.press("down", "n")
		}),
		one("editor", func(d *driver) {
			keysAccepted(d, "192.0.2.10 192.0.2.11")
			d.press("enter", "tab", "tab", "tab")
		}),
		one("no database", func(d *driver) {
			keysAccepted(d, "192.0.2.10 192.0.2.11")
			d.press("d", "n")
		}),
	}
}

// twoLocked are two servers that want the password of one user, and refuse the
// first one that they are given.
func twoLocked() map[string][]ui.Inspection {
	out := make(map[string][]ui.Inspection)
	for n := 10; n < 12; n++ {
		of, seen := fmt.Sprintf("root on 192.0.2.%d", n), uitest.Seen(n)
		out[fmt.Sprintf("192.0.2.%d", n)] = []ui.Inspection{
			{Secret: &ui.SecretWanted{Kind: ui.SSHPassword, Of: of}},
			{Secret: &ui.SecretWanted{Kind: ui.SSHPassword, Of: of, Wrong: true}},
			{Seen: &seen},
		}
	}
	return out
}

// workspaceOf is what the draft says.
func (d *driver) workspaceOf() workspace.Workspace { return d.m.c.draft.Answers.Workspace }
