package e2e

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// An installation that is killed with -9 at any moment is finished by resume,
// to the very state that one reaches which nobody disturbed, and the run after
// that changes nothing. No secret is made twice, none could be read by others at
// any moment, and nothing is left of what was cut.
func TestKilled(t *testing.T) { //nolint:tparallel // one after the other: each has work for all processors
	t.Parallel()
	one := killing{hosts: lab.Hosts("all"), letPass: 24, moments: 1}
	if torture() {
		one.letPass, one.moments = 0, 50
		t.Run("four hosts", killing{hosts: four()}.test)
	}
	t.Run("one host", one.test)
}

// killing is a fleet on which installations are killed.
type killing struct {
	hosts []lab.HostOptions
	// letPass is how many new records a run may write at most before it is
	// killed, moments at how many random ones runs are killed besides.
	letPass, moments int
}

func (k killing) test(t *testing.T) {
	f := lab.Up(t, lab.Options{Hosts: k.hosts})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) {
		if len(k.hosts) == 1 {
			oneHost(t, f, w, k.hosts[0].Name, 2)
		}
	})
	dirs := make([]string, 0, len(r.w.Hosts))
	for _, h := range r.w.Hosts {
		dirs = append(dirs, fmt.Sprintf("/proc/%d/root%s", r.Host(h.Name).PID(), filepath.Dir(r.w.Directory)))
	}
	guardFiles(t, dirs...)
	began := time.Now()
	r.install()
	calm := &undisturbed{began: began, ended: time.Now(), picture: r.photograph(), records: r.journalled()}
	random := seeded(t)
	t.Run("at records", func(t *testing.T) { killedAtRecords(r.in(t), calm, random, k.letPass) })
	for kills, round := 0, 1; kills < k.moments; round++ {
		atMost := min(1+random.IntN(3), k.moments-kills)
		if !t.Run("at moments, round "+strconv.Itoa(round), func(t *testing.T) {
			kills += killedAtMoments(r.in(t), calm, random, round, atMost)
		}) {
			return
		}
	}
}

// undisturbed is an installation that nobody disturbed: when it was, what it
// wrote into the journal, and what it brought about.
type undisturbed struct {
	began, ended time.Time
	records      []engine.Record
	picture      picture
}

// seeded is a source of random numbers whose seed is told, and can be given to
// have the same numbers again.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("RCWIZARD_SEED"); given != "" {
		n, err := strconv.ParseUint(given, 10, 64)
		if err != nil {
			t.Fatalf("RCWIZARD_SEED: %v", err)
		}
		seed = n
	}
	name := fnv.New64a()
	_, _ = name.Write([]byte(t.Name())) // it takes everything
	t.Logf("lab: RCWIZARD_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, name.Sum64()))
}

// killedAtRecords kills a run at a record that none before it wrote, and has the
// next go on, until one comes to its end: so that, with letPass 0, each record of
// an installation is one at which it was killed.
func killedAtRecords(r *rig, calm *undisturbed, random *rand.Rand, letPass int) {
	t := r.t
	r.anew("records", true)
	kept := &keptSecrets{r: r}
	seen := make(map[string]bool)
	began, kills := time.Now(), 0
	for {
		pass, at := 0, ""
		if letPass > 0 {
			pass = 3 + random.IntN(letPass-2)
		}
		l := r.struck(r.goOn(), func(rec engine.Record) (time.Duration, bool) {
			key := recordKey(rec)
			if rec.Serial == 0 || seen[key] {
				return 0, false
			}
			seen[key] = true
			pass--
			if pass < 0 {
				at = key
			}
			return 0, pass < 0
		})
		kept.look()
		if at == "" || l.code == 0 {
			if l.code != 0 {
				t.Fatalf("resume after %d kills ended with code %d:\n%s", kills, l.code, tail(l.text(), 60))
			}
			break
		}
		if l.code != -1 {
			t.Fatalf("the run that was to be killed at %s ended with code %d:\n%s", at, l.code, tail(l.text(), 60))
		}
		t.Logf("killed at %s", at)
		if kills++; kills > 10*len(calm.records) {
			t.Fatal("it comes to no end")
		}
	}
	t.Logf("lab: killed at %d records, whole after %.0f s", kills, time.Since(began).Seconds())
	for _, rec := range calm.records {
		// A step that was done when a run looked again is not begun.
		if key := recordKey(rec); letPass == 0 && !seen[key] && rec.Kind != engine.RecordStepBegan {
			t.Errorf("no run wrote %s", key)
		}
	}
	r.converged(calm)
	kept.look()
}

// killedAtMoments kills an installation at a random moment of the undisturbed
// one, and so many times at most what goes on with it. It returns how often it
// killed one that was at work.
func killedAtMoments(r *rig, calm *undisturbed, random *rand.Rand, round, atMost int) (kills int) {
	t := r.t
	// To pull the images takes longest of all; where they stay, other steps are
	// met more often.
	r.anew(fmt.Sprintf("moments-%d", round), round%4 == 1)
	kept := &keptSecrets{r: r}
	for {
		aim := calm.moment(random)
		if kills > 0 {
			// What was done is only looked at, so that records come at another pace.
			delay := time.Duration(random.Int64N(int64(calm.ended.Sub(calm.began))))
			aim = func(rec engine.Record) (time.Duration, bool) { return delay, rec.Serial == 0 }
		}
		if kills == atMost {
			aim = func(engine.Record) (time.Duration, bool) { return 0, false }
		}
		l := r.struck(r.goOn(), aim)
		at := "before its first record"
		if records := r.journalled(); len(records) > 0 {
			at = "after " + recordKey(records[len(records)-1])
		}
		kept.look()
		switch {
		case l.code == -1:
			kills++
			t.Logf("lab: killed %s, %.1f s after its beginning", at, l.took.Seconds())
			continue
		case l.code != 0:
			t.Fatalf("after %d kills a run ended with code %d, %s:\n%s", kills, l.code, at, tail(l.text(), 60))
		}
		t.Logf("lab: whole after %.1f s more", l.took.Seconds())
		r.converged(calm)
		kept.look()
		return kills
	}
}

// moment aims at a random moment of the installation: so long after a record, in
// proportion to how fast the machine is just now.
func (u *undisturbed) moment(random *rand.Rand) func(rec engine.Record) (time.Duration, bool) {
	moment := time.Duration(random.Int64N(int64(u.ended.Sub(u.began))))
	after, since := -1, moment
	for i, rec := range u.records {
		if at := rec.Time.Sub(u.began); at <= moment {
			after, since = i, moment-at
		}
	}
	began, count := time.Now(), -1
	return func(rec engine.Record) (time.Duration, bool) {
		if rec.Serial > 0 {
			count++
		}
		pace := 1.0
		if calmly := moment - since; after >= 0 && calmly > 0 {
			pace = min(max(float64(time.Since(began))/float64(calmly), 0.2), 5)
		}
		return time.Duration(pace * float64(since)), count == after
	}
}

// converged compares with the installation that nobody disturbed, and shows
// that the next run changes nothing.
func (r *rig) converged(calm *undisturbed) {
	r.t.Helper()
	r.nothingLeft(lab.StartWatch(), 10*time.Second)
	if diff := cmp.Diff(calm.picture, r.photograph()); diff != "" {
		r.t.Errorf("it is not as an undisturbed installation (-undisturbed +this):\n%s", diff)
	}
	if roles := r.roles("admin", r.kept().AdminPassword); !slices.Contains(roles, "admin") {
		r.t.Errorf("with the password in secrets.yaml, admin is %v", roles)
	}
	unchanged(r.t, r)
}
