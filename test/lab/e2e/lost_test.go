package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// situation is something that happens to a run.
type situation struct {
	name string
	run  func(r *rig)
}

// A run that its operator interrupts, or that is killed, ends, on the hosts
// too, and the next one finishes what it began.
func TestInterrupted(t *testing.T) { //nolint:tparallel // one after the other, on one fleet
	t.Parallel()
	whileWaiting(t, situation{"once", interruptedOnce}, situation{"twice", interruptedTwice}, situation{"killed", killedRun})
}

// A run that loses a host says so, goes on when it is back, and ends when it
// does not come back.
func TestLost(t *testing.T) { //nolint:tparallel // one after the other, on one fleet
	t.Parallel()
	all := []situation{{"for a minute", awayForAMinute}}
	if torture() {
		// Three minutes of patience, in which nothing else is to be seen.
		all = append(all, situation{"for good", goneForGood})
	}
	whileWaiting(t, all...)
}

// whileWaiting has all happen, one after the other, to an installation that
// waits for Rocket.Chat: the database host lets nobody in to NATS.
func whileWaiting(t *testing.T, all ...situation) {
	t.Helper()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1")})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) { w.Proxy.Host = "db" })
	for _, s := range all {
		if !t.Run(s.name, func(t *testing.T) { s.run(r.in(t)) }) {
			t.Fatal("what comes next builds on this")
		}
	}
}

// shutNATS lets SSH, MongoDB and the web in to the database host, and nobody to NATS.
func (r *rig) shutNATS() {
	r.t.Helper()
	rules := make([]lab.Rule, 0, 5)
	for _, port := range []int{22, 80, 443, 5050, 27017} {
		rules = append(rules, lab.Rule{Port: port})
	}
	r.must(r.Host("db").Firewall(r.t.Context(), rules...))
}

func (r *rig) openNATS() {
	r.t.Helper()
	r.must(r.Shield(context.WithoutCancel(r.t.Context()), r.w))
}

// waiting is an installation that waits for Rocket.Chat on rc1.
func (r *rig) waiting() *live {
	r.t.Helper()
	r.shutNATS()
	l := r.begin(append([]string{"install", "-f", r.file, "--yes"}, unchecked()...)...)
	r.says(l, "for Rocket.Chat to start and make the administrator: ", 5*time.Minute)
	return l
}

// ours are the processes on a host that a run of ours has under SSH; the
// containers are nobody's children of that kind.
func (r *rig) ours(host string) string {
	r.t.Helper()
	return r.shell(host, `for s in $(pgrep -x sshd); do
	[ "$s" = "$(cat /run/sshd.pid)" ] || { ps -o pid=,args= -p "$s" --ppid "$s" || true; }
done
pgrep -af 'docker compose|rcwz' || true`)
}

// nothingLeft shows that no process of a run is left on any host, within this time
// since it ended.
func (r *rig) nothingLeft(since lab.Stopwatch, within time.Duration) {
	r.t.Helper()
	for _, h := range r.w.Hosts {
		promised(r.t, "no process of the run on "+h.Name, since, within, func() (bool, string) {
			left := r.ours(h.Name)
			return left == "", left
		})
	}
}

// interruptedOnce: the run lets the step in flight end, and begins no other.
func interruptedOnce(r *rig) {
	l := r.waiting()
	r.must(l.cmd.Process.Signal(os.Interrupt))
	r.says(l, "once more cancels them", time.Minute)
	r.openNATS()
	code := r.ends(l, 4*time.Minute)
	ended, said := lab.StartWatch(), l.text()
	if code != 130 || !strings.Contains(said, "rcwizard resume "+r.w.Name) {
		r.t.Errorf("the run ended with code %d, want 130 and how to resume:\n%s", code, tail(said, 30))
	}
	if !strings.Contains(said, "(rc1/first-administrator), ") || strings.Contains(said, "(rc1/compose-up-instance), ") {
		r.t.Errorf("the step in flight did not end, or another was begun:\n%s", tail(said, 40))
	}
	r.nothingLeft(ended, 5*time.Second)
	r.t.Logf("lab: interrupted once:\n%s", tail(said, 8))
}

// interruptedTwice: the run ends within seconds, on the hosts too.
func interruptedTwice(r *rig) {
	r.forget()
	l := r.waiting()
	r.must(l.cmd.Process.Signal(os.Interrupt))
	r.says(l, "once more cancels them", time.Minute)
	second := lab.StartWatch()
	r.must(l.cmd.Process.Signal(os.Interrupt))
	code := r.ends(l, lab.Patience(cancelledWithin))
	took := second.Took()
	if code != 130 || took > cancelledWithin {
		r.t.Errorf("the second interrupt ended the run with code %d after %s, want 130 within 5 s:\n%s", code, took, tail(l.text(), 30))
	}
	r.nothingLeft(second, cancelledWithin)
	r.openNATS()
	r.t.Logf("lab: interrupted twice, ended after %.1f s:\n%s", took.Seconds(), tail(l.text(), 8))
}

// killedRun: kill -9 in the middle; resume finishes, and a third run has
// nothing to do.
func killedRun(r *rig) {
	r.forget()
	l := r.waiting()
	r.must(l.cmd.Process.Kill())
	r.ends(l, time.Minute)
	r.nothingLeft(lab.StartWatch(), 10*time.Second)
	r.openNATS()
	o := r.run("resume", "--yes")
	if o.code != 0 || !strings.Contains(o.stdout, "1 of 1 instance registered") {
		r.t.Fatalf("resume ended with code %d:\n%s", o.code, tail(o.text(), 60))
	}
	if !strings.Contains(o.stderr, "rc1/first-administrator") {
		r.t.Errorf("resume does not say what was cut:\n%s", tail(o.stderr, 20))
	}
	r.t.Logf("lab: resumed in %.1f s; it said first:\n%s", o.took.Seconds(), o.stderr)
	runAgain(r.t, r)
}

// forget makes the workspace fresh: no containers, no data, no files.
func (r *rig) forget() {
	r.t.Helper()
	for _, h := range r.w.Hosts {
		r.shell(h.Name, `docker ps -aq | xargs -r docker rm -f >/dev/null; docker volume ls -q | xargs -r docker volume rm -f >/dev/null; rm -rf `+r.w.Directory)
	}
}

// awayForAMinute: the run notices that rc1 is gone, says that it pauses, and
// goes on when rc1 is back.
func awayForAMinute(r *rig) {
	r.forget()
	l := r.waiting()
	rc1 := r.Host("rc1")
	r.must(rc1.Unplug(r.t.Context()))
	unplugged := time.Now()
	r.says(l, "the connection to rc1 was lost", 58*time.Second)
	r.t.Logf("lab: a dead connection is noticed after %.0f s", time.Since(unplugged).Seconds())
	pause := time.NewTimer(time.Until(unplugged.Add(time.Minute)))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-l.done:
		r.t.Fatalf("the run gave up within a minute:\n%s", tail(l.text(), 40))
	}
	r.must(rc1.Plug(r.t.Context()))
	r.says(l, "the connection to rc1 is back after", 2*time.Minute)
	r.openNATS()
	if code := r.ends(l, 6*time.Minute); code != 0 || !strings.Contains(l.text(), "1 of 1 instance registered") {
		r.t.Errorf("the run ended with code %d:\n%s", code, tail(l.text(), 60))
	}
	r.t.Logf("lab: %s", notes(l.text()))
}

// goneForGood: the run ends, names the host, and says what to do.
func goneForGood(r *rig) {
	r.forget()
	l := r.waiting()
	r.must(r.Host("rc1").Unplug(r.t.Context()))
	unplugged := lab.StartWatch()
	code := r.ends(l, 8*time.Minute)
	took := unplugged.Took()
	told := failure(l.text())
	if code != 1 || took > 200*time.Second {
		r.t.Errorf("the run ended with code %d after %s, want 1 within 200 s:\n%s", code, took, tail(l.text(), 40))
	}
	for _, text := range []string{"rc1/first-administrator", "host rc1: the connection was lost", "rc1 is off, or the network between here and rc1 is cut", "see that ssh reaches rc1", "rcwizard resume"} {
		if !strings.Contains(told, text) {
			r.t.Errorf("the failure does not say %q:\n%s", text, told)
		}
	}
	r.t.Logf("lab: told after %.0f s:\n%s", took.Seconds(), told)
	// A command that only looks says it at once.
	if o := r.run("status"); o.code == 0 || !strings.Contains(o.text(), "rc1") || o.calm > 30*time.Second {
		r.t.Errorf("status ended with code %d after %s:\n%s", o.code, o.calm, tail(o.text(), 20))
	}
	r.must(r.Host("rc1").Plug(context.WithoutCancel(r.t.Context())))
	r.openNATS()
	if o := r.run("resume", "--yes"); o.code != 0 {
		r.t.Errorf("with the network back, resume ended with code %d:\n%s", o.code, tail(o.text(), 40))
	}
}

// notes are the lines of a run that tell of its connections.
func notes(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, " note ") {
			fmt.Fprint(&out, line)
		}
	}
	return out.String()
}
