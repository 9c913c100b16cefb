package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// What happens to a host in the middle of an installation is mended by the run
// itself, after a pause of which it tells, or ends it with an error that names
// the host and what to do. In either case the installation ends as one that
// nobody disturbed.
func TestFaults(t *testing.T) { //nolint:tparallel // one after the other, on one fleet
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "db", DockerDisk: 4 << 30}, {Name: "rc1", DockerDisk: 2 << 30}}})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) { w.Proxy.Host = "db" })
	random := seeded(t)
	var calm *undisturbed
	if torture() {
		r.install(unchecked()...) // which refuses disks as small as these
		calm = &undisturbed{picture: r.photograph()}
	}
	for i, s := range disturbances(random) {
		t.Run(s.fault.name+" while "+s.stage.name, func(t *testing.T) { s.run(r.in(t), calm, i, random) })
	}
}

// disturbance is one fault at one stage.
type disturbance struct {
	stage stage
	fault fault
}

// disturbances are all faults at all stages, or a few of those that take no long
// time, or those of which RCWIZARD_FAULTS, a regular expression, matches the name.
func disturbances(random *rand.Rand) []disturbance {
	var all []disturbance
	for _, s := range stages() {
		for _, f := range faults() {
			if torture() || !f.long || os.Getenv("RCWIZARD_FAULTS") != "" {
				all = append(all, disturbance{s, f})
			}
		}
	}
	if only := os.Getenv("RCWIZARD_FAULTS"); only != "" {
		wanted := regexp.MustCompile(only)
		return slices.DeleteFunc(all, func(d disturbance) bool { return !wanted.MatchString(d.fault.name + " while " + d.stage.name) })
	}
	if torture() {
		return all
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:2]
}

// stage is a part of an installation in which something happens to a host.
type stage struct {
	name, host string
	// disk is the one that the stage fills.
	disk string
	// arrange has the stage take long enough to meet it, and returns what takes
	// that back.
	arrange func(r *rig) func()
	// reached says whether the run has come to it, by its journal or what it said.
	reached func(r *rig, said string) bool
	// images says that they must not be there already.
	images bool
}

func stages() []stage {
	began := func(step string) func(*rig, string) bool {
		return func(r *rig, _ string) bool {
			for _, rec := range r.journalled() {
				if rec.Kind == engine.RecordStepBegan && rec.Step == step {
					return true
				}
			}
			return false
		}
	}
	return []stage{{
		name: "files are put", host: "rc1", disk: "/opt", reached: began("rc1/files-instance"),
		// As on a host whose disk is slow.
		arrange: func(r *rig) func() {
			r.shell("rc1", `for tool in tar sync; do
	printf '#!/bin/sh\nsleep 3\nexec %s "$@"\n' "$(command -v $tool)" >/usr/local/sbin/$tool
	chmod 755 /usr/local/sbin/$tool
done`)
			return func() { r.shell("rc1", "rm -f /usr/local/sbin/tar /usr/local/sbin/sync") }
		},
	}, {
		name: "images are pulled", host: "db", disk: "/var/lib/docker", reached: began("db/images"), images: true,
		arrange: func(*rig) func() { return func() {} },
	}, {
		name: "services are waited for", host: "rc1", disk: "/var/lib/docker",
		arrange: func(r *rig) func() { r.shutNATS(); return r.openNATS },
		reached: func(_ *rig, said string) bool {
			return strings.Contains(said, "for Rocket.Chat to start and make the administrator: ")
		},
	}}
}

// fault is something that happens to a host.
type fault struct {
	name string
	// strike does it, and returns what takes it back.
	strike func(r *rig, s stage) (mend func())
	// lasts is after what time it is taken back; 0: not before the run ended.
	lasts time.Duration
	// pause says that the run tells that it lost the host, if it has anything to
	// do with it meanwhile.
	pause bool
	// long says that it takes minutes.
	long bool
}

func faults() []fault {
	frozen := func(r *rig, s stage) func() {
		r.must(r.Host(s.host).FreezeSSH(r.t.Context()))
		return func() { r.must(r.Host(s.host).ThawSSH(context.WithoutCancel(r.t.Context()))) }
	}
	return []fault{{
		name: "connection cut", pause: true, lasts: time.Second,
		strike: func(r *rig, s stage) func() {
			r.must(r.Host(s.host).KillConnections(r.t.Context(), 22))
			return func() {}
		},
	}, {
		name: "sshd frozen for a while", pause: true, lasts: 50 * time.Second, long: true, strike: frozen,
	}, {
		name: "sshd frozen for good", pause: true, long: true, strike: frozen,
	}, {
		name: "power cut and boot", pause: true, lasts: 2 * time.Second,
		strike: func(r *rig, s stage) func() {
			r.must(r.Host(s.host).PowerCut(r.t.Context()))
			return func() { r.must(r.Host(s.host).Boot(context.WithoutCancel(r.t.Context()))) }
		},
	}, {
		name: "cable pulled for a while", pause: true, lasts: 50 * time.Second, long: true,
		strike: func(r *rig, s stage) func() {
			r.must(r.Host(s.host).Unplug(r.t.Context()))
			return func() { r.must(r.Host(s.host).Plug(context.WithoutCancel(r.t.Context()))) }
		},
	}, {
		name: "partition of the hosts", lasts: 20 * time.Second,
		strike: func(r *rig, _ stage) func() {
			db, rc1 := r.Host("db"), r.Host("rc1")
			r.must(db.Partition(r.t.Context(), rc1))
			return func() { r.must(db.Heal(context.WithoutCancel(r.t.Context()), rc1)) }
		},
	}, {
		name: "disk full",
		strike: func(r *rig, s stage) func() {
			undo, err := r.Host(s.host).FillDisk(r.t.Context(), s.disk, 0)
			r.must(err)
			return func() { r.must(undo(context.WithoutCancel(r.t.Context()))) }
		},
	}}
}

func (d disturbance) run(r *rig, calm *undisturbed, round int, random *rand.Rand) {
	t := r.t
	r.anew("fault-"+string(rune('a'+round)), d.stage.images)
	release := d.stage.arrange(r)
	l := r.begin(append([]string{"install", "-f", r.file, "--yes"}, unchecked()...)...)
	eventually(t, "the stage at which "+d.stage.name, 5*time.Minute, func() (bool, string) {
		select {
		case <-l.done:
			t.Fatalf("it ended before, with code %d:\n%s", l.code, tail(l.text(), 40))
		default:
		}
		return d.stage.reached(r, l.text()), l.text()
	})
	during(t, time.Duration(random.Int64N(int64(1500*time.Millisecond))))
	struck := time.Now()
	mend := d.fault.strike(r, d.stage)
	t.Cleanup(func() { mend() })
	if d.fault.lasts > 0 {
		during(t, d.fault.lasts)
		mend()
		mend = func() {}
	}
	release()
	code := r.ends(l, 7*time.Minute)
	mend()
	mend = func() {}
	d.judge(r, l, code, time.Since(struck))
	if code != 0 {
		if o := r.run(append([]string{"resume", "--yes"}, unchecked()...)...); o.code != 0 {
			t.Errorf("with the cause gone, resume ended with code %d:\n%s", o.code, tail(o.text(), 60))
		}
	}
	r.must(r.Shield(t.Context(), r.w)) // a boot forgets it
	if calm != nil {
		r.converged(calm)
		return
	}
	r.nothingLeft(lab.StartWatch(), 10*time.Second)
	for _, h := range r.w.Hosts {
		if left := r.shell(h.Name, "find "+r.w.Directory+" -name '.rcwz*' -o -name '*.tmp' -o -name 'compose.first-admin*'"); left != "" {
			t.Errorf("%s still has:\n%s", h.Name, left)
		}
	}
	unchanged(t, r)
}

// judge reads what the run told, as the person who sits there has it.
func (d disturbance) judge(r *rig, l *live, code int, took time.Duration) {
	t, said := r.t, l.text()
	lost := "the connection to " + d.stage.host + " was lost"
	if d.fault.pause && !strings.Contains(said, lost) {
		t.Errorf("the run does not tell that %s:\n%s", lost, tail(said, 40))
	}
	if code == 0 {
		t.Logf("lab: healed by itself, whole %.0f s after it; of it the run said:\n%s", took.Seconds(), notes(said))
		return
	}
	told := failure(said)
	if told == "" {
		// No step failed: the lock of a host that went away ended the run.
		told = tail(said, 1)
	}
	t.Logf("lab: told %.0f s after it:\n%s%s", took.Seconds(), notes(said), told)
	if code != 1 {
		t.Errorf("the run ended with code %d:\n%s", code, tail(said, 40))
	}
	for _, want := range []string{`\b` + d.stage.host + `\b`, `(?m)^ +next |; see that ssh reaches `, "rcwizard resume " + r.w.Name} {
		if !regexp.MustCompile(want).MatchString(told) {
			t.Errorf("the failure does not say %q:\n%s", want, told)
		}
	}
}

// during lets some time pass, if the test lasts.
func during(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
