package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

const (
	mib = 1 << 20
	// instanceDir is the directory of the first instance on the host rc1.
	instanceDir = "/opt/rocketchat/instances/rc1"
)

// What goes wrong on a host is told with the host, the step, the cause and
// what to do, and when the cause is gone the same command succeeds. One host
// meets one trouble after the other, in the order in which an installation
// would meet them.
func TestFailures(t *testing.T) { //nolint:tparallel // one trouble after the other
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "rc1", NoDocker: true, DockerDisk: 3 << 30}}})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) { alone(w, 2) })
	one := r.Host("rc1")
	for _, trouble := range []struct {
		name string
		run  func(r *rig)
	}{
		{"Docker absent", func(r *rig) {
			r.told(r.t, r.run("install", "-f", r.file, "--yes"), 3, "Docker is not installed on rc1", "host:rc1:docker", "Nothing was changed")
			r.untouched("rc1")
			r.fails(nil, "rc1/ready", "Docker is not installed", "docs.docker.com/engine/install")
			r.untouched("rc1")
			r.must(one.InstallDocker(t.Context()))
		}},
		{"Compose absent", func(r *rig) {
			const plugin = "/usr/libexec/docker/cli-plugins/docker-compose"
			r.shell("rc1", "mv "+plugin+" /root/compose")
			r.fails(nil, "rc1/ready", "Docker has no Compose plugin", "docker-compose-plugin")
			r.untouched("rc1")
			r.shell("rc1", "mv /root/compose "+plugin)
		}},
		{"disk full for files", func(r *rig) {
			r.full("/opt", 0, "rc1/files-", "no space left on device", "the disk of rc1 is full", "free space on rc1")
		}},
		{"disk full for images", func(r *rig) {
			r.full("/var/lib/docker", 8*mib, "rc1/images", "Docker keeps its images on rc1 is full", "docker system df")
		}},
		{"release that does not exist", func(r *rig) {
			r.fails([]string{"--release", "8.9.99"}, "rc1/images", "rocket.chat:8.9.99", "the registry has no such image or tag", "correct the release")
		}},
		{"database port in use", func(r *rig) {
			r.taken("27017", "rc1/compose-up-database", "mongodb")
		}},
		{"instance port in use", func(r *rig) {
			r.taken("3000", "rc1/", "rocketchat")
		}},
		{"domain leads elsewhere, and two runs", domainElsewhere},
		{"file edited by hand", editedByHand},
		{"release raised by hand", raisedByHand},
		{"release lowered", lowered},
		{"a database of a newer release", newerDatabase},
	} {
		if !t.Run(trouble.name, func(t *testing.T) { trouble.run(r.in(t)) }) {
			t.Fatal("what comes next builds on this")
		}
	}
}

// alone puts every role on the host rc1, with n instances.
func alone(w *workspace.Workspace, n int) {
	w.Database.Host, w.Proxy.Host, w.Instances = "rc1", "rc1", nil
	for range n {
		w.Instances = append(w.Instances, workspace.Instance{Host: "rc1"})
	}
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// fails runs install without its check, which fails at a step whose id begins with step, and
// tells of it what a person needs.
func (r *rig) fails(args []string, step string, texts ...string) outcome {
	r.t.Helper()
	o := r.run(slices.Concat([]string{"install", "-f", r.file, "--yes"}, unchecked(), args)...)
	told := failure(o.stdout)
	if o.code != 1 {
		r.t.Fatalf("install ended with code %d, want 1:\n%s", o.code, tail(o.text(), 60))
	}
	for _, text := range append(texts, "("+step, "next", "rcwizard resume "+r.w.Name) {
		if !strings.Contains(strings.ToLower(told), strings.ToLower(text)) {
			r.t.Errorf("the failure does not say %q:\n%s", text, told)
		}
	}
	r.t.Logf("lab: told after %.1f s:\n%s", o.took.Seconds(), told)
	return o
}

// failure is the part of a run's output that tells of the first failure, up to
// the line that tells how to go on.
func failure(stdout string) string {
	_, rest, _ := strings.Cut(stdout, " failed ")
	told := stdout[strings.LastIndex(stdout[:len(stdout)-len(rest)], "\n")+1:]
	if end := strings.Index(told, "\n    resume "); end >= 0 {
		line, _, _ := strings.Cut(told[end+1:], "\n")
		told = told[:end+1] + line
	}
	return told
}

// untouched: the host has no directory of ours.
func (r *rig) untouched(host string) {
	r.t.Helper()
	if got := r.shell(host, "ls -d "+r.w.Directory+" 2>/dev/null || true"); got != "" {
		r.t.Errorf("%s was changed although it is not fit: %s", host, got)
	}
}

// full fails with a disk that has only so many bytes left, and passes that
// step when there is room again.
func (r *rig) full(dir string, free int64, step string, texts ...string) {
	r.t.Helper()
	undo, err := r.Host("rc1").FillDisk(r.t.Context(), dir, free)
	r.must(err)
	r.fails(nil, step, texts...)
	r.must(undo(context.WithoutCancel(r.t.Context())))
	if left := r.shell("rc1", "find /opt/rocketchat -name '.rcwz*' -o -name '*.tmp' 2>/dev/null || true"); left != "" {
		r.t.Errorf("temporary files are left on the full disk:\n%s", left)
	}
}

// taken fails with somebody else's listener on a port of the private address.
func (r *rig) taken(port, step, service string) {
	r.t.Helper()
	address := r.Host("rc1").Address().String()
	ctx, cancel := context.WithCancel(r.t.Context())
	listener := r.Host("rc1").Command(ctx, "python3", "-c", "import socket,sys,time\ns=socket.create_server((sys.argv[1],int(sys.argv[2])))\ntime.sleep(600)", address, port)
	r.must(listener.Start())
	defer func() { cancel(); _ = listener.Wait() }()
	eventually(r.t, "the other listener", time.Minute, func() (bool, string) {
		seen := r.shell("rc1", "ss -Hltn")
		return strings.Contains(seen, address+":"+port), seen
	})
	o := r.fails(nil, step, service, "a port that the service needs is taken by another program on rc1", "ss -ltnp")
	if o.calm > 2*time.Minute {
		r.t.Errorf("it took %s to say so", o.calm)
	}
}

// live is a run under way whose output can be read.
type live struct {
	cmd  *exec.Cmd
	done chan struct{}
	code int
	took time.Duration
	mu   sync.Mutex
	out  bytes.Buffer
}

func (l *live) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *live) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

// begin starts the program and does not wait for it.
func (r *rig) begin(args ...string) *live {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.t.Context()), 8*time.Minute)
	l := &live{cmd: r.command(ctx, args...), done: make(chan struct{})}
	l.cmd.Stdout, l.cmd.Stderr = l, l
	r.must(l.cmd.Start())
	go func() {
		_ = l.cmd.Wait()
		l.code = l.cmd.ProcessState.ExitCode()
		close(l.done)
	}()
	r.t.Cleanup(func() { cancel(); <-l.done })
	return l
}

// says waits until the run has said something.
func (r *rig) says(l *live, text string, within time.Duration) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("the run to say %q", text), within, func() (bool, string) {
		said := l.text()
		select {
		case <-l.done:
			if !strings.Contains(said, text) {
				r.t.Fatalf("the run ended with code %d and never said %q:\n%s", l.code, text, tail(said, 60))
			}
		default:
		}
		return strings.Contains(said, text), said
	})
}

// ends waits for the end of a run and gives its code.
func (r *rig) ends(l *live, within time.Duration) int {
	r.t.Helper()
	eventually(r.t, "the run to end", within, func() (bool, string) {
		select {
		case <-l.done:
			return true, ""
		default:
			return false, l.text()
		}
	})
	return l.code
}

// domainElsewhere: while the domain leads elsewhere the run says so and waits,
// and the authority refuses a certificate; a second run meanwhile is told who
// holds the workspace; once the domain is right the first succeeds.
func domainElsewhere(r *rig) {
	r.must(r.SetName(r.t.Context(), r.w.Domain, r.Host("rc1").Address().Next().Next().Next()))
	first := r.begin(append([]string{"install", "-f", r.file, "--yes"}, unchecked()...)...)
	r.says(first, "waiting | for "+r.w.RootURL+" to answer: ", 5*time.Minute)
	second := r.run("install", "-f", r.file, "--yes")
	holder := strconv.Itoa(first.cmd.Process.Pid)
	if second.code != 4 || !strings.Contains(second.stderr, holder) || !strings.Contains(second.stderr, "install") {
		r.t.Errorf("the second run ended with code %d, want 4 and process %s named:\n%s", second.code, holder, second.text())
	}
	r.t.Logf("lab: the second run says: %s", second.stderr)
	// Traefik asks for a certificate once, and is to be made to ask again.
	eventually(r.t, "the authority to refuse", 3*time.Minute, func() (bool, string) {
		said := r.shell("rc1", "docker ps -q --filter label=com.docker.compose.service=traefik | xargs -r docker logs --tail 20 2>&1")
		return strings.Contains(said, "Unable to obtain ACME certificate"), said
	})
	r.must(r.SetName(r.t.Context(), r.w.Domain, r.Host("rc1").Address()))
	if code := r.ends(first, 8*time.Minute); code != 0 {
		r.t.Errorf("with the right domain the run ended with code %d:\n%s", code, tail(first.text(), 60))
	}
}

// editedByHand: what somebody changed is shown and left alone, until told.
func editedByHand(r *rig) {
	const file = instanceDir + "/compose.yml"
	r.shell("rc1", "echo '# our own change' >>"+file)
	r.fails(nil, "rc1/ready", "compose.yml", "changed by hand", "--overwrite-edited", "rcwizard plan")
	plan := r.run("plan")
	if plan.code != 3 || !strings.Contains(plan.stdout, "-# our own change") {
		r.t.Errorf("plan ended with code %d, want 3 and the difference:\n%s", plan.code, plan.text())
	}
	if got := r.shell("rc1", "tail -1 "+file); got != "# our own change\n" {
		r.t.Errorf("the change is gone: %s", got)
	}
	r.install("--overwrite-edited")
	if got := r.shell("rc1", "tail -1 "+file); strings.Contains(got, "our own") {
		r.t.Errorf("--overwrite-edited left the change: %s", got)
	}
}

// raisedByHand: the guide's own way to a newer release is never undone.
func raisedByHand(r *rig) {
	r.shell("rc1", `cd `+instanceDir+` && sed -i 's/^RELEASE=.*/RELEASE=9.0.0/' .env && docker compose --progress quiet up -d`)
	before := r.containers()
	for _, args := range [][]string{nil, {"--overwrite-edited"}} {
		r.fails(args, "rc1/ready", "the instance rc1 is on release 9.0.0", "never lowers a release", "release: 9.0.0 in workspace.yaml")
	}
	r.same(before)
	r.writeWorkspace(func(w *workspace.Workspace) { w.Release = "9.0.0" })
	// The other one still runs the release of before: two on one database.
	r.fails(nil, "rc1/ready", "the instance rc1-2 runs release 8.9.1", "must not share a database", "docker compose stop")
	r.same(before)
	r.shell("rc1", "cd "+instanceDir+"-2 && docker compose stop")
	r.install()
	if got := r.shell("rc1", "docker ps --format '{{.Image}}' | grep rocket.chat | sort | uniq -c"); !strings.Contains(got, "2 ") || !strings.Contains(got, ":9.0.0") {
		r.t.Errorf("after taking the release over:\n%s", got)
	}
}

// lowered: a workspace.yaml with an older release changes nothing.
func lowered(r *rig) {
	before, files := r.containers(), r.files()
	r.writeWorkspace(func(w *workspace.Workspace) { w.Release = lab.Release })
	r.fails(nil, "rc1/ready", "is on release 9.0.0", "workspace.yaml says 8.9.1")
	r.same(before)
	for name, was := range files {
		if now := r.files()[name]; now != was {
			r.t.Errorf("%s was changed", name)
		}
	}
}

func (r *rig) same(before map[string]string) {
	r.t.Helper()
	after := r.containers()
	for name, was := range before {
		if after[name] != was {
			r.t.Errorf("%s was touched: %s, now %s", name, was, after[name])
		}
	}
}

// newerDatabase: hosts that know nothing of the newer release that the
// database remembers. Rocket.Chat refuses it.
func newerDatabase(r *rig) {
	r.shell("rc1", `docker ps -aq --filter label=com.docker.compose.service=rocketchat | xargs docker rm -f >/dev/null && rm -rf /opt/rocketchat/instances`)
	o := r.fails(nil, "rc1/", "rocketchat cannot start", "Can't find migration version", "already used by a newer release", "set release in workspace.yaml")
	if o.calm > 2*time.Minute {
		r.t.Errorf("it took %s to say so", o.calm)
	}
	r.writeWorkspace(func(w *workspace.Workspace) { w.Release = "9.0.0" })
	// It still tries; nobody can say from outside that it will not get in.
	r.fails(nil, "rc1/ready", "the instance rc1 runs release 8.9.1", "docker compose stop")
	r.shell("rc1", "cd "+instanceDir+" && docker compose stop")
	r.install()
}
