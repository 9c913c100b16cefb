package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// An instance comes in and another goes, while people ask for pages and one is there by WebSocket: nobody loses a
// request, and nothing else is touched.
func TestAddAndRemove(t *testing.T) { //nolint:tparallel // on one cluster, one thing after the other
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1", "rc2", "edge", "rc3")})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) {
		w.Hosts = slices.DeleteFunc(w.Hosts, func(h workspace.Host) bool { return h.Name == "rc3" })
		w.Instances = w.Instances[:2]
		w.Release = "8.9.0"
	})
	r.install()
	raised(r)
	ids := r.ids()
	anew, keeping, bound := r.callers(ids["rc2"])
	socket := r.socket(bound.web.Jar)
	all := []*caller{anew, keeping, bound}
	stop := r.calling(all...)
	r.more(10, all...)
	for _, test := range []struct {
		name string
		run  func(*rig)
	}{
		{"a closed port", closedPortToNew},
		{"a start that fails", startFails},
		{"the same command again", addedAgain},
		{"remove", func(r *rig) { removedWhileUsed(r, socket) }},
	} {
		if !t.Run(test.name, func(t *testing.T) { test.run(r.in(t)) }) {
			t.Fatal("what comes next builds on this")
		}
	}
	r.more(10, all...)
	stop()
	socket.stop()
	total := 0
	for _, c := range all {
		asked, misses, _ := c.seen()
		total += asked
		if len(misses) > 0 {
			t.Errorf("the caller %s lost %d of %d requests: %+v", c.name, len(misses), asked, misses)
		}
	}
	t.Logf("lab: %d requests while an instance was added and one removed; none may be lost", total)
}

// raised raises the release by hand, as the guide says, on every host.
func raised(r *rig) {
	r.t.Helper()
	for _, action := range []string{"docker compose stop", "sed -i 's/^RELEASE=.*/RELEASE=\"8.9.1\"/' .env && docker compose up -d"} {
		for _, i := range r.w.Instances {
			r.shell(i.Host, "cd "+r.w.Directory+"/instances/"+i.Name+" && "+action)
			if strings.Contains(action, "up -d") {
				eventually(r.t, i.Name+" to answer", 30*time.Second, func() (bool, string) {
					p, err := ask(r.t.Context(), r.inside(), "GET", "http://"+i.Address(r.w)+info, "", nil)
					return err == nil && p.code == 200, fmt.Sprint(p.code, err)
				})
			}
		}
	}
}

// addThird is the command that adds rc3.
func (r *rig) addThird(args ...string) outcome {
	r.t.Helper()
	return r.run(append(r.thirdArgs(), args...)...)
}

func (r *rig) thirdArgs() []string {
	r.t.Helper()
	return []string{"add-instance", "root@" + r.Host("rc3").Address().String(), "--name", "rc3", "--yes", "--accept-new-host-keys"}
}

// stands is what stands on the hosts and in the state folder, to be compared.
func (r *rig) stands() map[string]string {
	r.t.Helper()
	out := r.containers()
	maps.Copy(out, r.files())
	data, err := os.ReadFile(filepath.Join(r.state, "workspace.yaml"))
	r.must(err)
	out["state"] = string(data)
	return out
}

func closedPortToNew(r *rig) {
	before := r.stands()
	o := r.addThird()
	if o.code != 3 || !strings.Contains(o.text(), "rc3") || !strings.Contains(o.text(), "27017") {
		r.t.Fatalf("code %d:\n%s", o.code, tail(o.text(), 60))
	}
	if strings.Contains(o.text(), "rc2 → ") {
		r.t.Errorf("it checks what is not new:\n%s", o.text())
	}
	if diff := cmp.Diff(before, r.stands()); diff != "" {
		r.t.Errorf("the cluster is not as it was (-before +after):\n%s", diff)
	}
	r.t.Logf("lab: told after %.1f s:\n%s", o.took.Seconds(), tail(o.text(), 40))
	// Now the firewalls let in what has to come in.
	w := r.w.Clone()
	h, err := r.Host("rc3").Workspace(lab.Root)
	r.must(err)
	w.Hosts, w.Instances = append(w.Hosts, h), append(w.Instances, workspace.Instance{Host: "rc3"})
	r.must(r.Shield(r.t.Context(), w.Complete()))
}

func startFails(r *rig) {
	const routes = "/proxy/dynamic/rocketchat.yml"
	r.shell("rc3", listens(r.Host("rc3").Address().String(), 3000))
	// A comment of somebody's: it is shown, and stays.
	r.shell("edge", "cp -p "+r.w.Directory+routes+" /root/routes; echo '# ours' >>"+r.w.Directory+routes)
	before := r.stands()
	o := r.addThird("--skip", "listen,port,exposure")
	if o.code != 1 {
		r.t.Fatalf("code %d:\n%s", o.code, tail(o.text(), 60))
	}
	for _, text := range []string{"(rc3/", "the cluster is as it was", "rcwizard add-instance root@", "rocketchat.yml on edge was edited by hand", "-# ours", "the one that runs is taken"} {
		if !strings.Contains(o.text(), text) {
			r.t.Errorf("it does not say %q:\n%s", text, tail(o.text(), 90))
		}
	}
	if diff := cmp.Diff(before, r.stands()); diff != "" {
		r.t.Errorf("the cluster is not as it was (-before +after):\n%s", diff)
	}
	if got := r.shell("rc3", "docker ps -q"); got != "" {
		r.t.Errorf("rc3 still runs %s", got)
	}
	r.t.Logf("lab: told after %.1f s:\n%s", o.took.Seconds(), tail(o.text(), 60))
	r.shell("rc3", "fuser -k 3000/tcp || kill $(ss -Hltnp 'sport = :3000' | sed 's/.*pid=//; s/,.*//')")
	r.shell("edge", "cp -p /root/routes "+r.w.Directory+"/proxy/dynamic/.next; mv "+r.w.Directory+"/proxy/dynamic/.next "+r.w.Directory+routes)
}

// addedAgain kills the run as soon as the workspace has the instance, and gives the same command again.
func addedAgain(r *rig) {
	before := r.stands()
	cut := r.command(r.t.Context(), r.thirdArgs()...)
	r.must(cut.Start())
	eventually(r.t, "the workspace to have the instance", time.Minute, func() (bool, string) {
		data, err := os.ReadFile(filepath.Join(r.state, "workspace.yaml"))
		return err == nil && strings.Contains(string(data), "name: rc3"), fmt.Sprint(err)
	})
	r.must(cut.Process.Kill())
	_ = cut.Wait()
	o := r.addThird("--lock-wait", "1m")
	if o.code != 0 || !strings.Contains(o.stdout, "3 of 3 instances registered, linked") || !strings.Contains(o.stderr, "going on with rc3") {
		r.t.Fatalf("code %d:\n%s", o.code, tail(o.text(), 80))
	}
	r.t.Logf("lab: an addition that was killed was gone on with in %.1f s", o.took.Seconds())
	changed := []string{}
	after := r.stands()
	for name, was := range before {
		if after[name] != was && name != "state" {
			changed = append(changed, strings.Replace(name, r.w.Directory, "", 1))
		}
	}
	slices.Sort(changed)
	want := []string{
		"db:/database/files/prometheus/file_sd_configs.d/rocketchat.yaml", "db:/database/receipt.json", "db:/database/workspace.yaml",
		"edge:/proxy/dynamic/rocketchat.yml", "edge:/proxy/receipt.json",
	}
	if diff := cmp.Diff(want, changed); diff != "" {
		r.t.Errorf("what changed (-want +got):\n%s", diff)
	}
	r.takeState()
	r.counts(cluster.VerdictOK, "3 of 3 instances registered, linked")
	r.spread()
}

// takeState has the rig know the workspace as the state folder does.
func (r *rig) takeState() {
	r.t.Helper()
	file := filepath.Join(r.state, "workspace.yaml")
	data, err := os.ReadFile(file)
	r.must(err)
	w, problems := workspace.Load(file, data)
	r.must(problems.Err())
	if w.Release != "8.9.1" {
		r.t.Errorf("what is kept has release %s", w.Release)
	}
	r.w = w
}

func removedWhileUsed(r *rig, s *socket) {
	r.takeState()
	gone := r.w.Instances[1]
	before := r.stands()
	o := r.run("remove-instance", gone.Name, "--yes", "--drain", "3s")
	if o.code != 0 || !strings.Contains(o.stdout, "2 of 2 instances registered, linked") {
		r.t.Fatalf("code %d:\n%s", o.code, tail(o.text(), 80))
	}
	r.t.Logf("lab: an instance was removed in %.1f s", o.took.Seconds())
	if again := s.reconnected(r); again > 5*time.Second {
		r.t.Errorf("the WebSocket was away for %s", again)
	}
	if left := r.shell(gone.Host, "docker ps -aq; ls "+r.w.Directory+"/instances 2>/dev/null || true"); left != "" {
		r.t.Errorf("on %s is left:\n%s", gone.Host, left)
	}
	after := r.stands()
	for name, was := range before {
		host, _, _ := strings.Cut(name, ":")
		if strings.HasPrefix(name, gone.Host) || host == "state" || strings.Contains(name, "receipt.json") || strings.Contains(name, "rocketchat.y") || strings.HasSuffix(name, "/workspace.yaml") {
			continue
		}
		if after[name] != was {
			r.t.Errorf("%s was touched: %s, now %s", name, was, after[name])
		}
	}
	r.takeState()
	r.counts(cluster.VerdictOK, "2 of 2 instances registered, linked")
	// The release was raised by hand, so what the receipts of rc1 say is old: a resume may only write that down.
	containers := r.containers()
	if o := r.run("resume", "--yes"); o.code != 0 {
		r.t.Errorf("resume ended with code %d:\n%s", o.code, tail(o.text(), 60))
	}
	if diff := cmp.Diff(containers, r.containers()); diff != "" {
		r.t.Errorf("resume touched containers (-before +after):\n%s", diff)
	}
}
