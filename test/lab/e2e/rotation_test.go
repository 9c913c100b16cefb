package e2e

import (
	"fmt"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
)

const (
	// gone is how long an instance that is lost may stay in the rotation.
	gone = 15 * time.Second
	// quiet is longer than Traefik's health checks are apart: what failed before would fail again.
	quiet = 6 * time.Second
)

// killed loses an instance whose host is there: connections to it are refused.
func (r *rig) killed() {
	r.t.Helper()
	r.lost("killed", "docker kill %s", "docker start %s")
}

// frozen loses an instance that takes connections and says nothing.
func (r *rig) frozen() {
	r.t.Helper()
	r.lost("frozen", "docker pause %s", "docker unpause %s")
}

// lost takes an instance away while people ask. It shows that nobody is sent to it after 15 s, counts what failed
// until then, and shows that it is back in the rotation soon after it came back.
func (r *rig) lost(how, away, back string) {
	r.t.Helper()
	victim, container := r.victim()
	ids := r.ids()
	anew, keeping, bound := r.callers(ids[victim.Name])
	all := []*caller{anew, keeping, bound}
	for _, c := range all {
		c.web.Timeout = 4 * time.Second // as long as a person would look at a page that does not come
	}
	stop := r.calling(all...)
	r.more(20, all...)

	r.shell(victim.Host, fmt.Sprintf(away, container))
	watch, began := lab.StartWatch(), time.Now()
	// The one with the cookie is bound to it, so that he shows when it has left.
	eventually(r.t, "the instance to leave the rotation", lab.Patience(gone), func() (bool, string) {
		last := began
		var report strings.Builder
		for _, c := range all {
			asked, misses, _ := c.seen()
			if n := len(misses); n > 0 {
				last = later(last, misses[n-1].began)
				fmt.Fprintf(&report, "the caller %s lost %d of %d requests; the last was told %s\n", c.name, n, asked, misses[n-1].what)
			}
		}
		_, _, answers := bound.seen()
		moved := false
		for id, at := range answers {
			moved = moved || id != ids[victim.Name] && at.After(began)
		}
		return moved && time.Since(last) > quiet, report.String()
	})
	for _, c := range all {
		asked, misses, answers := c.seen()
		last := time.Duration(0)
		for _, m := range misses {
			last = max(last, watch.Until(m.watch))
		}
		if last > gone {
			r.t.Errorf("an instance was %s, and %s later a request %s still fails: %s", how, last, c.name, misses[len(misses)-1].what)
		}
		if at := answers[ids[victim.Name]]; at.After(began.Add(quiet)) {
			r.t.Errorf("an instance that was %s answered %s later", how, at.Sub(began))
		}
		r.t.Logf("lab: an instance %s: %d of %d requests %s failed, the last %.1f s after", how, len(misses), asked, c.name, last.Seconds())
	}

	r.shell(victim.Host, fmt.Sprintf(back, container))
	id, began := r.ids()[victim.Name], time.Now()
	eventually(r.t, "the instance to come back into the rotation", 3*time.Minute, func() (bool, string) {
		return answered(id, began, anew, keeping)
	})
	r.t.Logf("lab: an instance that was %s is back in the rotation %.1f s after it answers", how, time.Since(began).Seconds())
	stop()
}

// answered reports whether one of the callers has had an answer of the instance since. One alone could miss it: those
// who ask at the same pace as others may get every other answer.
func answered(id string, since time.Time, all ...*caller) (bool, string) {
	var seen []string
	for _, c := range all {
		_, _, answers := c.seen()
		if answers[id].After(since) {
			return true, ""
		}
		seen = append(seen, fmt.Sprint(answers))
	}
	return false, strings.Join(seen, "\n")
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
