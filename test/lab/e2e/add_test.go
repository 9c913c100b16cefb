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

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// Three instances come in at once, on two new hosts and as one more on one that has one, and another goes, while people
// ask for pages and one is there by WebSocket: nobody loses a request, and nothing else is touched. Then a host is gone.
func TestAddAndRemove(t *testing.T) { //nolint:tparallel // on one cluster, one thing after the other
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1", "rc2", "edge", "rc3", "rc4")})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) {
		w.Hosts = slices.DeleteFunc(w.Hosts, func(h workspace.Host) bool { return h.Name == "rc3" || h.Name == "rc4" })
		w.Instances = w.Instances[:2]
		w.Release = "8.9.0"
	})
	r.install()
	raised(r)
	people := r.people("rc2")
	for _, test := range []struct {
		name string
		run  func(*rig)
	}{
		{"a closed port", closedPortToNew},
		{"a start that fails", startFails},
		{"killed", addKilled},
		{"remove", func(r *rig) { removedWhileUsed(r, people.socket) }},
	} {
		if !t.Run(test.name, func(t *testing.T) { test.run(r.in(t)) }) {
			t.Fatal("what comes next builds on this")
		}
	}
	people.leave(r, "while instances were added, with runs that failed and were killed, and one was removed")
	if torture() {
		t.Run("a host that is gone", func(t *testing.T) { hostGone(r.in(t)) })
		t.Run("killed at each record", killedAtEachRecord)
	}
}

// people are those who use the workspace while something happens to it.
type people struct {
	all    []*caller
	socket *socket
	stop   func()
}

// people come with new connections, on a kept one, with an instance's cookie, and by a WebSocket to that instance.
func (r *rig) people(instance string) people {
	r.t.Helper()
	anew, keeping, bound := r.callers(r.ids()[instance])
	out := people{all: []*caller{anew, keeping, bound}, socket: r.socket(bound.web.Jar)}
	out.stop = r.calling(out.all...)
	r.more(10, out.all...)
	return out
}

// leave ends it: nobody may have lost a request.
func (p people) leave(r *rig, while string) {
	r.t.Helper()
	r.more(10, p.all...)
	p.stop()
	p.socket.stop()
	total := 0
	for _, c := range p.all {
		asked, misses, _ := c.seen()
		total += asked
		if len(misses) > 0 {
			r.t.Errorf("the caller %s lost %d of %d requests: %+v", c.name, len(misses), asked, misses)
		}
	}
	r.t.Logf("lab: %d requests %s; none may be lost", total, while)
}

// raised raises the release by hand, as the guide says, on every host.
func raised(r *rig) {
	r.t.Helper()
	for _, action := range []string{"docker compose stop", "sed -i 's/^RELEASE=.*/RELEASE=\"8.9.1\"/' .env && docker compose up -d"} {
		for _, i := range r.w.Instances {
			r.shell(i.Host, "cd "+r.w.Directory+"/instances/"+i.Name+" && "+action)
			if strings.Contains(action, "up -d") {
				eventually(r.t, i.Name+" to answer", 2*time.Minute, func() (bool, string) {
					p, err := ask(r.t.Context(), r.inside(), "GET", "http://"+i.Address(r.w)+info, "", nil)
					return err == nil && p.code == 200, fmt.Sprint(p.code, err)
				})
			}
		}
	}
}

// three is the command that adds rc3 and rc4, and one more to rc1.
func (r *rig) three(args ...string) []string {
	r.t.Helper()
	command := []string{"add-instance"}
	for _, name := range []string{"rc3", "rc4"} {
		command = append(command, "root@"+r.Host(name).Address().String())
	}
	return append(append(command, "rc1", "--name", "rc3,rc4", "--yes", "--accept-new-host-keys"), args...)
}

// withThree is the workspace that comes of it.
func (r *rig) withThree() workspace.Workspace {
	r.t.Helper()
	w := r.w.Clone()
	for _, name := range []string{"rc3", "rc4"} {
		h, err := r.Host(name).Workspace(lab.Root)
		r.must(err)
		w.Hosts, w.Instances = append(w.Hosts, h), append(w.Instances, workspace.Instance{Host: name})
	}
	w.Instances = append(w.Instances, workspace.Instance{Host: "rc1"})
	return w.Complete()
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
	o := r.run(r.three()...)
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
	r.must(r.Shield(r.t.Context(), r.withThree()))
}

// asBefore shows that everything that stood stands as it did.
func (r *rig) asBefore(before map[string]string) {
	r.t.Helper()
	after := r.stands()
	for name, was := range before {
		if after[name] != was {
			r.t.Errorf("the cluster is not as it was: %s was %s and is %s", name, was, after[name])
		}
	}
}

func startFails(r *rig) {
	const routes = "/proxy/dynamic/rocketchat.yml"
	r.shell("rc3", listens(r.Host("rc3").Address().String(), 3000))
	// A comment of somebody's: it is shown, and stays.
	r.shell("edge", "cp -p "+r.w.Directory+routes+" /root/routes; echo '# ours' >>"+r.w.Directory+routes)
	before := r.stands()
	o := r.run(r.three("--skip", "listen,port,exposure")...)
	if o.code != 1 {
		r.t.Fatalf("code %d:\n%s", o.code, tail(o.text(), 60))
	}
	for _, text := range []string{"(rc3/", "the cluster is as it was", "rcwizard add-instance root@", "rocketchat.yml on edge was edited by hand", "-# ours", "the one that runs is taken"} {
		if !strings.Contains(o.text(), text) {
			r.t.Errorf("it does not say %q:\n%s", text, tail(o.text(), 90))
		}
	}
	r.asBefore(before)
	for host, want := range map[string]string{"rc3": "", "rc4": "", "rc1": "1"} {
		if got := r.shell(host, "docker ps -q | grep -c . || true"); strings.TrimPrefix(strings.TrimSpace(got), "0") != want {
			r.t.Errorf("%s runs %s containers, want %q", host, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(r.state, "alteration.json")); !os.IsNotExist(err) {
		r.t.Errorf("something is still under way: %v", err)
	}
	r.t.Logf("lab: told after %.1f s:\n%s", o.took.Seconds(), tail(o.text(), 60))
	r.shell("rc3", "fuser -k 3000/tcp || kill $(ss -Hltnp 'sport = :3000' | sed 's/.*pid=//; s/,.*//')")
	r.shell("edge", "cp -p /root/routes "+r.w.Directory+"/proxy/dynamic/.next; mv "+r.w.Directory+"/proxy/dynamic/.next "+r.w.Directory+routes)
}

// takeState is takeWorkspace where the release was raised by hand: what is kept has it.
func (r *rig) takeState() {
	r.t.Helper()
	r.takeWorkspace()
	if r.w.Release != "8.9.1" {
		r.t.Errorf("what is kept has release %s", r.w.Release)
	}
}

// takeWorkspace has the rig know the workspace as the state folder does.
func (r *rig) takeWorkspace() {
	r.t.Helper()
	file := filepath.Join(r.state, "workspace.yaml")
	data, err := os.ReadFile(file)
	r.must(err)
	w, problems := workspace.Load(file, data)
	r.must(problems.Err())
	r.w = w
}

func removedWhileUsed(r *rig, s *socket) {
	r.takeState()
	gone := r.w.Instances[1]
	before := r.stands()
	l := r.begin("remove-instance", gone.Name, "--yes", "--drain", "20s") // longer than the second takes to begin
	r.says(l, " of 20 seconds", 3*time.Minute)
	second := r.run("remove-instance", "rc1", "--yes")
	r.told(r.t, second, 4, "remove-instance "+gone.Name)
	if code, said := r.ends(l, 5*time.Minute), l.text(); code != 0 || !strings.Contains(said, "4 of 4 instances registered, linked") {
		r.t.Fatalf("code %d:\n%s", code, tail(said, 80))
	}
	r.takeState()
	r.sameStatus(l.text())
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
	// The release was raised by hand, so what the receipts of rc1 say is old: a resume may only write that down.
	containers := r.containers()
	if o := r.run("resume", "--yes"); o.code != 0 {
		r.t.Errorf("resume ended with code %d:\n%s", o.code, tail(o.text(), 60))
	}
	if diff := cmp.Diff(containers, r.containers()); diff != "" {
		r.t.Errorf("resume touched containers (-before +after):\n%s", diff)
	}
}
