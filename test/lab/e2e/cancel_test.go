package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// cancelledWithin bounds the time from the second Ctrl+C to when no process of
// the run is left on any host, and, without a screen, to when the shell is back.
const cancelledWithin = 5 * time.Second

// Who presses Ctrl+C twice has nothing of the run left on any host within
// seconds, whatever it was at, and the terminal as it was before. Resume
// finishes.
func TestCancelled(t *testing.T) { //nolint:tparallel // one after the other, on one fleet
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1")})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) { w.Proxy.Host = "db" })
	all := stages()
	if !torture() {
		random := seeded(t)
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:1]
	}
	for i, s := range all {
		t.Run("while "+s.name, func(t *testing.T) { cancelled(r.in(t), s, "cancel-"+strconv.Itoa(i)) })
	}
}

func cancelled(r *rig, s stage, folder string) {
	t := r.t
	r.anew(folder, s.images)
	release := s.arrange(r)
	p := r.shellPane(120, 40)
	p.await("ready>")
	before := r.terminalState(p)
	p.typeText("rcwizard install -f " + r.file + " --yes " + strings.Join(unchecked(), " "))
	p.keys("Enter")
	eventually(t, "the stage at which "+s.name, 5*time.Minute, func() (bool, string) {
		said := p.all(true)
		return s.reached(r, said), said
	})
	pid := strings.TrimSpace(r.program(p))
	p.keys("C-c")
	p.await("once more cancels")
	p.keys("C-c")
	second := lab.StartWatch()
	gone := func(what string, holds func() (bool, string)) {
		t.Helper()
		promised(t, what, second, cancelledWithin, holds)
		t.Logf("lab: %s %.1f s after the second Ctrl+C", what, second.Elapsed().Seconds())
	}
	for _, h := range r.w.Hosts {
		gone("nothing is left on "+h.Name, func() (bool, string) {
			left := r.strangers(h.Name)
			return len(left) == 0, strings.Join(left, "\n")
		})
	}
	number, err := strconv.Atoi(pid)
	r.must(err)
	gone("the program is gone", func() (bool, string) {
		now := state(number)
		return now == "gone" || strings.HasPrefix(now, "Z"), now
	})
	p.await("rcwizard resume " + r.w.Name)
	t.Logf("lab: what the person sees:\n%s", framed(p.screen()))
	if after := r.terminalState(p); after != before {
		t.Errorf("the terminal was\n%s\nand is\n%s", before, after)
	}
	release()
	if o := r.run(append([]string{"resume", "--yes"}, unchecked()...)...); o.code != 0 || !strings.Contains(o.stdout, "1 of 1 instance registered") {
		t.Errorf("resume ended with code %d:\n%s", o.code, tail(o.text(), 40))
	}
	p.typeText("exit")
	p.keys("Enter")
	p.ended()
}

// terminalState is how the terminal is set, as a shell in it and the terminal
// itself tell.
func (r *rig) terminalState(p *pane) string {
	r.t.Helper()
	tty := p.tell("#{pane_tty}")
	set, err := r.Op(r.t.Context(), "stty", "-a", "-F", tty).Output()
	r.must(err)
	return string(set) + p.tell("alternate screen #{alternate_on}, cursor #{cursor_flag}, keypad #{keypad_cursor_flag}#{keypad_flag}, mouse #{mouse_any_flag}, wrap #{wrap_flag}, origin #{origin_flag}, insert #{insert_flag}")
}

// strangers are the processes on a host that are neither the host's own nor of a
// container: what a run started there, also if it is no session's any more.
func (r *rig) strangers(host string) []string {
	r.t.Helper()
	listed := r.shell(host, `cat /run/sshd.pid; ps -eo pid=,ppid=,comm=,args=`)
	first, rest, _ := strings.Cut(listed, "\n")
	return strangers(first, rest)
}

// strangers reads what ps prints: pid, parent, name and command line. The
// listener of sshd is the host's own and its sessions are not; of Docker's
// programs all that is below them is theirs. What has no parent was brought in
// from outside: the look itself.
func strangers(listener, ps string) []string {
	type process struct{ parent, name, line string }
	all := make(map[string]process)
	for line := range strings.Lines(ps) {
		if f := strings.Fields(line); len(f) > 3 {
			all[f[0]] = process{f[1], f[2], strings.TrimSpace(line)}
		}
	}
	var theirs func(pid string) bool
	theirs = func(pid string) bool {
		p, known := all[pid]
		switch {
		case !known, pid == "1":
			return false
		case p.parent == "0", p.name == "dockerd", strings.HasPrefix(p.name, "containerd"):
			return true
		}
		return theirs(p.parent)
	}
	var left []string
	for pid, p := range all {
		if pid != "1" && pid != listener && !theirs(pid) {
			left = append(left, p.line)
		}
	}
	slices.Sort(left)
	return left
}

// The look for strangers sees what it is there for.
func TestStrangers(t *testing.T) {
	t.Parallel()
	const ps = `    1     0 lab             lab __init
   20     1 sshd            sshd: /usr/sbin/sshd -D [listener]
   30     1 dockerd         dockerd
   31    30 containerd      containerd
   40     1 containerd-shim containerd-shim -namespace moby
   41    40 mongod          mongod
   50    20 sshd            sshd: root@notty
   51    50 sh              sh -c eval
   60     1 docker          docker compose up
   70     0 sh              sh -e
   71    70 ps              ps -eo pid=
`
	got := fmt.Sprint(strangers("20", ps))
	if want := "[50    20 sshd            sshd: root@notty 51    50 sh              sh -c eval 60     1 docker          docker compose up]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
