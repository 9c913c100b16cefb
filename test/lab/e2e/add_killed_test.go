package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// The lists of those who are sent people to, and of those who are watched.
const (
	routesFile  = "/proxy/dynamic/rocketchat.yml"
	targetsFile = "/database/files/prometheus/file_sd_configs.d/rocketchat.yaml"
)

// records is how many lines the journal has.
func (r *rig) records() int {
	data, err := os.ReadFile(filepath.Join(r.state, "journal.jsonl"))
	if err != nil {
		return 0
	}
	return bytes.Count(data, []byte("\n"))
}

// cut runs the program and kills it with -9 once the journal has n records more. It reports whether that came before
// its end, and what it had said.
func (r *rig) cut(n int, args ...string) (killed bool, said string) {
	r.t.Helper()
	return r.cutWhen(r.records, n, args...)
}

// cutWhen is cut with another count than that of all records.
func (r *rig) cutWhen(count func() int, n int, args ...string) (killed bool, said string) {
	r.t.Helper()
	until := count() + n
	l := r.begin(args...)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-l.done:
			return false, l.text()
		case <-tick.C:
		}
		if count() >= until {
			_ = l.cmd.Process.Kill()
			<-l.done
			return true, l.text()
		}
	}
}

// letIn is how many records there are of letting people in, and of what comes after it.
func (r *rig) letIn() int {
	data, err := os.ReadFile(filepath.Join(r.state, "journal.jsonl"))
	if err != nil {
		return 0
	}
	n := 0
	for _, step := range []string{"workspace/keep", "edge/routes", "db/targets", "db/workspace"} {
		n += bytes.Count(data, []byte(`"step":"`+step+`"`))
	}
	return n
}

// inLists are the instances that the proxy sends people to. Each of them must answer.
func (r *rig) inLists() []string {
	r.t.Helper()
	var out []string
	for line := range strings.Lines(r.shell(r.w.Proxy.Host, "grep -o 'http://[^\"]*:30[0-9]*' "+r.w.Directory+routesFile)) {
		out = append(out, strings.TrimSpace(line))
	}
	for _, address := range out {
		promised(r.t, address+" to answer, which people are sent to", lab.StartWatch(), 10*time.Second, func() (bool, string) {
			p, err := ask(r.t.Context(), r.inside(), http.MethodGet, address+info, "", nil)
			return err == nil && p.code == http.StatusOK, fmt.Sprint(p.code, err)
		})
	}
	return out
}

// sameStatus shows that status, asked at once, says what a command said at its end. Only a service that had no time to
// answer Prometheus, on a machine that is busy, is asked about once more.
func (r *rig) sameStatus(said string) {
	r.t.Helper()
	report, code := r.status()
	slow := func(f cluster.Finding) bool {
		return f.ID == "target-down" && strings.Contains(f.Text, "context deadline exceeded")
	}
	if slices.ContainsFunc(report.Findings, slow) {
		report = r.settled()
	}
	if code != 0 || report.Verdict != cluster.VerdictOK {
		r.t.Errorf("status, right after: code %d, %s, %+v", code, report.Summary, report.Findings)
	}
	if !strings.Contains(said, "ok: "+report.Summary) {
		r.t.Errorf("status says %q, right after:\n%s", report.Summary, tail(said, 40))
	}
}

// addKilled kills the addition of three at seeded moments, goes on with the same command and with resume in turn, and
// has resume bring it to its end.
func addKilled(r *rig) {
	moments := rand.New(rand.NewPCG(5, 6)) // the same moments in each run
	before := r.stands()
	for n := range 3 {
		args := r.three("--lock-wait", "1m")
		if n == 1 {
			args = []string{"resume", "--yes", "--lock-wait", "1m"}
		}
		at, count := 8+moments.IntN(24), r.records
		if n == 2 { // while people are let in
			at, count = 1+moments.IntN(6), r.letIn
		}
		killed, said := r.cutWhen(count, at, args...)
		if !killed {
			r.t.Logf("lab: it ended before its record %d", at)
			if !strings.Contains(said, "5 of 5 instances registered, linked") {
				r.t.Fatal(tail(said, 60))
			}
			break
		}
		if n > 0 && !strings.Contains(said, "going on with") {
			r.t.Errorf("it does not say that it goes on:\n%s", tail(said, 40))
		}
		r.t.Logf("lab: killed at its record %d, with %d in the proxy's list", at, len(r.inLists()))
	}
	if o := r.run("add-instance", "rc2", "--yes", "--lock-wait", "1m"); r.underWay() && (o.code != 2 || !strings.Contains(o.text(), "the addition of rc3, rc4, rc1-2 was cut")) {
		r.t.Errorf("another addition: code %d:\n%s", o.code, tail(o.text(), 20))
	}
	o := r.run("resume", "--yes", "--lock-wait", "1m")
	if o.code != 0 || !strings.Contains(o.stdout, "5 of 5 instances registered, linked") {
		r.t.Fatalf("code %d:\n%s", o.code, tail(o.text(), 80))
	}
	r.t.Logf("lab: an addition that was killed three times was brought to its end by resume in %.1f s", o.took.Seconds())
	r.takeState()
	r.sameStatus(o.stdout)
	changed := []string{}
	after := r.stands()
	for name, was := range before {
		if after[name] != was && name != "state" && !strings.Contains(name, "rc1-2") && !strings.HasPrefix(name, "rc3") && !strings.HasPrefix(name, "rc4") {
			changed = append(changed, strings.Replace(name, r.w.Directory, "", 1))
		}
	}
	slices.Sort(changed)
	want := []string{
		"db:" + targetsFile, "db:/database/receipt.json", "db:/database/workspace.yaml",
		"edge:" + routesFile, "edge:/proxy/receipt.json",
	}
	if !slices.Equal(changed, want) {
		r.t.Errorf("changed is %q, want %q", changed, want)
	}
	r.spread()
}

// underWay reports whether an addition or a removal was cut.
func (r *rig) underWay() bool {
	_, err := os.Stat(filepath.Join(r.state, "alteration.json"))
	return err == nil
}

// Killed with -9 at each record of the journal, an addition is gone on with by resume and a removal by the same
// command, while people use the workspace: each comes to the same end, and nobody loses a request.
func killedAtEachRecord(t *testing.T) {
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1", "rc2")})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) {
		w.Proxy.Host = "db"
		w.Hosts, w.Instances = w.Hosts[:2], w.Instances[:1]
	})
	r.install()
	with := r.w.Clone()
	h, err := r.Host("rc2").Workspace(lab.Root)
	r.must(err)
	with.Hosts, with.Instances = append(with.Hosts, h), append(with.Instances, workspace.Instance{Host: "rc2"})
	with = with.Complete()
	r.must(r.Shield(t.Context(), with))
	people := r.people("rc1")
	t.Run("this machine", func(t *testing.T) { addedLocally(r.in(t)) })
	add := []string{"add-instance", "root@" + r.Host("rc2").Address().String(), "--name", "rc2", "--yes", "--accept-new-host-keys", "--lock-wait", "1m"}
	remove := []string{"remove-instance", "rc2", "--yes", "--drain", "1s", "--lock-wait", "1m"}
	alone, both := r.lists(), ""
	began, kills := time.Now(), 0
	for n, killed := 1, true; killed; n++ {
		killed = false
		for _, step := range []struct {
			verb string
			args []string
			on   []string
			says string
		}{
			{"add", add, []string{"resume", "--yes", "--lock-wait", "1m"}, "2 of 2 instances registered, linked"},
			{"remove", remove, remove, "1 of 1 instance registered"},
		} {
			cut, said := r.cut(n, step.args...)
			if cut {
				kills, killed = kills+1, true
				r.inLists()
			}
			again := step.args // of what was killed before it began
			switch {
			case r.underWay():
				again = step.on
			case r.has2() == (step.verb == "add"):
				again = []string{"status"} // it was done
			}
			if cut {
				o := r.run(again...)
				if o.code != 0 {
					t.Fatalf("%s, killed at record %d, does not go on: code %d:\n%s\nbefore:\n%s", step.verb, n, o.code, tail(o.text(), 60), tail(said, 40))
				}
				said = o.text()
			}
			if !strings.Contains(said, step.says) {
				t.Fatalf("%s, killed at record %d:\n%s", step.verb, n, tail(said, 60))
			}
			r.w = with
			if step.verb == "remove" {
				r.w = with.Without("rc2")
			}
			r.sameStatus(said)
			switch now := r.lists(); {
			case step.verb == "remove" && now != alone:
				t.Fatalf("removed, killed at record %d, the lists are\n%s\nand were\n%s", n, now, alone)
			case step.verb == "add" && both == "":
				both = now
			case step.verb == "add" && now != both:
				t.Fatalf("added, killed at record %d, the lists are\n%s\nand were\n%s", n, now, both)
			}
			t.Logf("lab: %s, killed at record %d (%t), %.0f s by now", step.verb, n, cut, time.Since(began).Seconds())
			if r.underWay() {
				t.Fatalf("%s, killed at record %d: something is under way still", step.verb, n)
			}
		}
	}
	people.leave(r, fmt.Sprintf("while an addition and a removal were killed at each record, %d times in %.0f s", kills, time.Since(began).Seconds()))
}

// lists are the lists of the proxy and of Prometheus.
func (r *rig) lists() string {
	r.t.Helper()
	text := r.shell(r.w.Proxy.Host, "cat "+r.w.Directory+routesFile)
	if r.w.RunsMonitoring() {
		text += r.shell(r.w.Database.Host, "cat "+r.w.Directory+targetsFile)
	}
	return text
}

// has2 reports whether the workspace that is kept has rc2.
func (r *rig) has2() bool {
	data, err := os.ReadFile(filepath.Join(r.state, "workspace.yaml"))
	return err == nil && bytes.Contains(data, []byte("name: rc2"))
}
