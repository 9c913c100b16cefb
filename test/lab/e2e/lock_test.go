package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// Two operators, each with a state folder and a login of their own, on the same
// hosts: one works, the other is told who. What becomes of the hosts when the
// first is put out, dies, loses a host or freezes. All the while the first waits
// for Rocket.Chat, which cannot reach NATS.
func TestTwoOperators(t *testing.T) { //nolint:tparallel // one after the other, on one fleet
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1")})
	first := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) { w.Proxy.Host = "db" })
	second := otherOperator(t, first, lab.Admin)
	type scene struct {
		name string
		run  func(first, second *rig)
	}
	all := []scene{{"told and unlocked", toldAndUnlocked}, {"killed", holderKilled}}
	if torture() {
		// A minute and a half, most of it in silence; remote/lock tries the same
		// with processes on this machine.
		all = append(all, scene{"host without power", holderLosesHost}, scene{"frozen", holderFrozen})
	}
	for _, s := range all {
		if !t.Run(s.name, func(t *testing.T) { s.run(first.in(t), second.in(t)) }) {
			t.Fatal("what comes next builds on this")
		}
	}
}

// otherOperator has the workspace of r as somebody else, who logs in as user.
func otherOperator(t *testing.T, r *rig, user string) *rig {
	t.Helper()
	w := r.w
	w.Hosts = nil
	for _, h := range r.w.Hosts {
		as, err := r.Host(h.Name).Workspace(user)
		if err != nil {
			t.Fatal(err)
		}
		w.Hosts = append(w.Hosts, as)
	}
	file, err := r.StoreWorkspace("other", w)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Fleet: r.Fleet, t: t, file: file, state: filepath.Join(filepath.Dir(file), "state"), w: w.Complete()}
}

// locked is the state of the lock on a host: "held", "left" by one that died, or "free".
func (r *rig) locked(host string) string {
	r.t.Helper()
	return strings.TrimSpace(r.shell(host, `f=`+r.w.Directory+`/.rcwizard.lock
if [ ! -e $f ]; then echo free; elif flock -n $f true; then echo left; else echo held; fi`))
}

// freed waits until no host is held, and says how long that took since began.
func (r *rig) freed(began lab.Stopwatch, within time.Duration) time.Duration {
	r.t.Helper()
	for _, h := range r.w.Hosts {
		promised(r.t, "the lock of "+h.Name+" to be free", began, within, func() (bool, string) {
			how := r.locked(h.Name)
			return how != "held", how
		})
	}
	return began.Elapsed()
}

// toldAndUnlocked: who comes second changes nothing, learns who has the hosts
// and what to do, is kept from nothing that only looks, and takes the hosts away.
func toldAndUnlocked(first, second *rig) {
	t := second.t
	l := first.waiting()
	o := second.run("install", "-f", second.file, "--yes")
	second.told(t, o, 4, "host db: another operator is at work: install by root@", fmt.Sprintf("(process %d) since 20", l.cmd.Process.Pid),
		"--lock-wait", "rcwizard unlock "+second.w.Name)
	t.Logf("lab: the second operator is told after %.1f s:\n%s", o.took.Seconds(), o.stderr)
	if o := second.run("plan", "-f", second.file); o.code == 4 {
		t.Errorf("a plan is refused:\n%s", o.text())
	}
	second.told(t, second.run("unlock", "-f", second.file), 2, "install by root@", "give --yes")
	began := lab.StartWatch()
	o = second.run("unlock", "-f", second.file, "--yes")
	second.told(t, o, 0, "db: freed", "rc1: freed")
	code := first.ends(l, 2*time.Minute)
	ended := lab.StartWatch()
	t.Logf("lab: unlocked in %.1f s:\n%s", o.took.Seconds(), o.text())
	t.Logf("lab: its holder ended after %.1f s:\n%s", began.Elapsed().Seconds(), tail(l.text(), 6))
	if said := l.text(); code != 4 || !strings.Contains(tail(said, 1), "the lock was freed by somebody") {
		t.Errorf("the first ended with code %d:\n%s", code, tail(said, 20))
	}
	first.nothingLeft(ended, 5*time.Second)
	for _, h := range first.w.Hosts {
		if how := first.locked(h.Name); how != "free" {
			t.Errorf("the lock of %s is %s", h.Name, how)
		}
	}
}

// holds is an installation of the first operator's that has the hosts.
func (r *rig) holds() *live {
	r.t.Helper()
	l := r.begin(append([]string{"resume", "--yes"}, unchecked()...)...)
	r.says(l, "waiting | for Rocket.Chat ", 6*time.Minute)
	return l
}

// holderKilled: kill -9 frees the hosts within seconds.
func holderKilled(first, _ *rig) {
	l := first.holds()
	for _, h := range first.w.Hosts {
		if how := first.locked(h.Name); how != "held" {
			first.t.Errorf("the lock of %s is %s", h.Name, how)
		}
	}
	killed := lab.StartWatch()
	first.must(l.cmd.Process.Kill())
	took := first.freed(killed, 10*time.Second)
	first.t.Logf("lab: a killed operator's hosts are free after %.1f s", took.Seconds())
	if left := first.ours("db") + first.ours("rc1"); left != "" {
		first.t.Errorf("the hosts are free while this still runs:\n%s", left)
	}
}

// holderLosesHost: a host that loses its power has nobody's lock when it is
// back; its holder takes it up again and goes on, since nobody had it meanwhile.
func holderLosesHost(first, _ *rig) {
	l := first.holds()
	db := first.Host("db")
	first.must(db.PowerCut(first.t.Context()))
	first.must(db.Boot(first.t.Context()))
	booted := time.Now()
	first.says(l, "the connection to db is back", time.Minute)
	eventually(first.t, "the holder to have the host again", time.Minute, func() (bool, string) {
		how := first.locked("db")
		return how == "held", how
	})
	first.t.Logf("lab: taken up again %.1f s after the host's boot", time.Since(booted).Seconds())
	first.shutNATS()
	select {
	case <-l.done:
		first.t.Errorf("the run ended:\n%s", tail(l.text(), 20))
	default:
	}
	first.must(l.cmd.Process.Kill())
	first.ends(l, time.Minute)
	first.freed(lab.StartWatch(), 10*time.Second)
}

// holderFrozen: an operator that is stopped loses the hosts after its time, to
// one that waits for them; when it goes on it changes nothing more, and says why.
func holderFrozen(first, second *rig) {
	t := second.t
	second.writeSecrets(first.kept())
	l := first.holds()
	first.must(l.cmd.Process.Signal(syscall.SIGSTOP))
	frozen := time.Now()
	other := second.begin(append([]string{"install", "-f", second.file, "--yes", "--lock-wait", "1m"}, unchecked()...)...)
	second.says(other, "waiting up to 1m0s", time.Minute)
	second.says(other, "waiting | for Rocket.Chat ", 6*time.Minute)
	t.Logf("lab: a frozen operator's hosts are another's after %.0f s", time.Since(frozen).Seconds())
	first.must(l.cmd.Process.Signal(syscall.SIGCONT))
	thawed := time.Now()
	code, said := first.ends(l, 2*time.Minute), l.text()
	t.Logf("lab: when it goes on it ends after %.1f s:\n%s", time.Since(thawed).Seconds(), tail(said, 8))
	if code != 4 || !strings.Contains(tail(said, 1), "another operator has taken over: install by root@") {
		t.Errorf("the frozen run ended with code %d:\n%s", code, tail(said, 30))
	}
	second.openNATS()
	if code := second.ends(other, 6*time.Minute); code != 0 {
		t.Errorf("the second operator's run ended with code %d:\n%s", code, tail(other.text(), 40))
	}
	for _, h := range first.w.Hosts {
		if how := first.locked(h.Name); how != "free" {
			t.Errorf("the lock of %s is %s at the end", h.Name, how)
		}
	}
}
