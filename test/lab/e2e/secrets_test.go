package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// canaries are secrets that are found wherever they go.
type canaries struct {
	workspace.Secrets
	// mark begins each of them, and nothing else.
	mark string
}

func newCanaries() canaries {
	c := canaries{mark: "S3CR3T-canary-" + rand.Text()[:8] + "-"}
	// The licence is not of the lab's form, which names modules: those are no
	// secret, every instance tells them to everybody.
	c.Secrets = workspace.Secrets{
		GrafanaAdminPassword: c.mark + "grafana", AdminPassword: c.mark + "admin",
		License: c.mark + "license", RegistrationToken: c.mark + "token",
		StorageAccessKey: c.mark + "access", StorageSecretKey: c.mark + "storage",
		Hosts: map[string]workspace.HostSecrets{
			"rc1": {SudoPassword: c.mark + "sudo", KeyPassphrase: c.mark + "passphrase"},
			"rc2": {SSHPassword: c.mark + "ssh"},
		},
	}
	return c
}

// in are the canaries that a text holds, by their last word.
func (c canaries) in(text []byte) []string {
	found := make(map[string]bool)
	for _, m := range regexp.MustCompile(regexp.QuoteMeta(c.mark)+`([a-z]*)`).FindAllSubmatch(text, -1) {
		found[string(m[1])] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// A secret is where it must be and nowhere else: not in what the program says,
// keeps or exports, not in a command line on any host or in any container, not
// in a file that others may read at any moment.
func TestSecrets(t *testing.T) {
	t.Parallel()
	c := newCanaries()
	r := newRig(t, lab.Up(t, lab.Options{Hosts: lab.Hosts("rc1", "rc2")}), c.Secrets, func(w *workspace.Workspace) {
		w.Database.Host, w.Proxy.Host = "rc1", "rc1"
		w.Storage = workspace.Storage{Type: workspace.StorageS3, Bucket: "chat", Region: "eu-central-1"}
		w.Hosts[0].SSH.User, w.Hosts[0].Sudo = lab.Asker, workspace.SudoPassword
		w.Hosts[0].SSH.IdentityFile = "id_canary"
		w.Hosts[1].SSH.User, w.Hosts[1].SSH.IdentityFile = lab.Admin, ""
	})
	lockKey(r, filepath.Join(filepath.Dir(r.file), "id_canary"), c.Hosts["rc1"].KeyPassphrase)
	r.password("rc1", lab.Asker, c.Hosts["rc1"].SudoPassword)
	r.password("rc2", lab.Admin, c.Hosts["rc2"].SSHPassword)

	watch := spy(r, c.mark)
	said := make(map[string]string)
	run := func(name string, code int, args ...string) string {
		t.Helper()
		o := r.run(args...)
		said[name] = o.text()
		if o.code != code {
			t.Errorf("%s ended with code %d, want %d:\n%s", name, o.code, code, tail(o.text(), 40))
		}
		return o.text()
	}
	install := []string{"install", "-f", r.file, "--yes"}
	// Failures with secrets nearby: at the image of a release that does not
	// exist, at sudo, at the login, at the key, in secrets.yaml itself.
	run("a release that does not exist", 3, append(install, "--release", "8.9.99")...)
	wrong := map[string]func(*workspace.HostSecrets){
		"a wrong sudo password": func(s *workspace.HostSecrets) { s.SudoPassword = c.mark + "wrongsudo" },
		"a wrong passphrase":    func(s *workspace.HostSecrets) { s.KeyPassphrase = c.mark + "wrongpassphrase" },
	}
	for name, change := range wrong {
		s := c.Secrets
		s.Hosts = maps.Clone(s.Hosts)
		h := s.Hosts["rc1"]
		change(&h)
		s.Hosts["rc1"] = h
		r.writeSecrets(s)
		code := 1 // at the login
		if name == "a wrong sudo password" {
			code = 3 // at the check
		}
		run(name, code, install...)
	}
	beside := filepath.Join(filepath.Dir(r.file), "secrets.yaml")
	if err := os.WriteFile(beside, []byte("licence: "+c.mark+"typo\nadmin_password: [\""+c.mark+"list\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("a wrong secrets.yaml", 2, install...)
	r.writeSecrets(c.Secrets)

	if events := run("install --json", 0, append(install, "--json")...); !strings.Contains(events, `"type"`) {
		t.Errorf("install --json printed no events:\n%s", tail(events, 5))
	}
	run("install again", 0, install...)
	r.shell("rc1", "docker rm -f $(docker ps -aqf label=com.docker.compose.service=rocketchat) >/dev/null")
	run("install in plain lines", 0, install...)
	run("plan", 0, "plan", "--json")
	run("status", 0, "status")
	run("status --json", 0, "status", "--json")
	run("version", 0, "version")
	bare := filepath.Join(filepath.Dir(r.file), "bare")
	run("export --no-secrets", 0, "export", "--no-secrets", "-o", bare)
	watch.stop()

	for name, text := range said {
		if found := c.in([]byte(text)); len(found) > 0 {
			t.Errorf("%s says the secrets %v:\n%s", name, found, grep(text, c.mark))
		}
	}
	watch.report(t)
	onOperator(t, r, c, bare)
	onHosts(t, r, c)
}

// lockKey gives the fleet's key another passphrase.
func lockKey(r *rig, file, passphrase string) {
	r.t.Helper()
	data, err := os.ReadFile(r.KeyFile())
	r.must(err)
	key, err := ssh.ParseRawPrivateKey(data)
	r.must(err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	r.must(err)
	r.must(os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
}

// password gives an account on a host another password.
func (r *rig) password(host, user, password string) {
	r.t.Helper()
	r.shell(host, "chpasswd <<'END'\n"+user+":"+password+"\nEND\n")
}

// grep are the lines of a text that hold another.
func grep(text, what string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, what) {
			out.WriteString(line)
		}
	}
	return out.String()
}

// watcher looks at all processes of the machine, those of the hosts and their
// containers among them, and at the files of the hosts, again and again.
type watcher struct {
	stop  func()
	looks int
	// argv are command lines with a secret, open files that others may read and
	// that hold one, seen programs of which a command line was seen.
	argv, open, seen map[string]bool
}

func spy(r *rig, mark string) *watcher {
	ctx, cancel := context.WithCancel(r.t.Context())
	w := &watcher{argv: map[string]bool{}, open: map[string]bool{}, seen: map[string]bool{}}
	roots := make([]string, 0, len(r.w.Hosts))
	for _, h := range r.w.Hosts {
		roots = append(roots, fmt.Sprintf("/proc/%d/root%s", r.Host(h.Name).PID(), r.w.Directory))
	}
	var both sync.WaitGroup
	var mu sync.Mutex // of argv and seen; open is the other's alone
	every := func(pause time.Duration, look func()) {
		both.Go(func() {
			timer := time.NewTimer(0)
			defer timer.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-timer.C:
					look()
					timer.Reset(pause) // so that the looks leave the run its processors
				}
			}
		})
	}
	every(5*time.Millisecond, func() {
		mu.Lock()
		defer mu.Unlock()
		w.processes([]byte(mark))
	})
	every(20*time.Millisecond, func() {
		for _, root := range roots {
			w.files(root, []byte(mark))
		}
	})
	var once sync.Once
	w.stop = func() { once.Do(func() { cancel(); both.Wait() }) }
	r.t.Cleanup(w.stop)
	return w
}

func (w *watcher) processes(mark []byte) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	w.looks++
	for _, e := range entries {
		if e.Name()[0] < '0' || e.Name()[0] > '9' {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err != nil || len(line) == 0 {
			continue // it ended meanwhile, or is the kernel's
		}
		if bytes.Contains(line, mark) {
			w.argv[string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))] = true
		}
		program, _, _ := bytes.Cut(line, []byte{0})
		w.seen[filepath.Base(string(program))] = true
	}
}

func (w *watcher) files(root string, mark []byte) {
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // it is gone meanwhile
		}
		info, err := d.Info()
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			return nil //nolint:nilerr // as above
		}
		if content, err := os.ReadFile(path); err == nil && bytes.Contains(content, mark) {
			w.open[fmt.Sprintf("%s (%s)", path, info.Mode())] = true
		}
		return nil
	})
}

// report tells what was seen, and that it could see.
func (w *watcher) report(t *testing.T) {
	t.Helper()
	t.Logf("lab: looked at all command lines %d times", w.looks)
	for _, program := range []string{"mongod", "traefik", "docker", "sudo", "rcwizard"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(w.seen)), func(s string) bool { return strings.Contains(s, program) }) {
			t.Errorf("no command line of %s was seen, so the look proves nothing; seen: %v", program, slices.Sorted(maps.Keys(w.seen)))
		}
	}
	for line := range w.argv {
		t.Errorf("a command line holds a secret: %s", line)
	}
	for file := range w.open {
		t.Errorf("others may read a secret in %s", file)
	}
}

// onOperator: on the operator's machine secrets are in secrets.yaml and in the
// .env files as they were deployed, and all that is kept is for its owner only:
// the folder lets nobody else in, and what may hold a secret is closed besides.
func onOperator(t *testing.T, r *rig, c canaries, bare string) {
	t.Helper()
	allowed := regexp.MustCompile(`^(secrets\.yaml|rendered/.*/\.env)$`)
	places := make(map[string][]string)
	err := filepath.WalkDir(r.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(r.state, path)
		// rendered/ has the modes that its files have on the hosts.
		open := strings.HasPrefix(name, "rendered") && filepath.Base(name) != ".env"
		if mode := info.Mode().Perm(); !open && mode != map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()] {
			t.Errorf("the state folder's %s has mode %s, want it for its owner only", name, info.Mode())
		}
		if d.IsDir() {
			return nil
		}
		content, err := os.ReadFile(path)
		if found := c.in(content); len(found) > 0 {
			places[name] = found
			if !allowed.MatchString(name) {
				t.Errorf("the state folder's %s holds the secrets %v:\n%s", name, found, grep(string(content), c.mark))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// The same search finds what must be there, and these files are kept.
	if len(places["secrets.yaml"]) != 9 {
		t.Errorf("secrets.yaml holds %v, want all 9", places["secrets.yaml"])
	}
	for _, name := range []string{"journal.jsonl", "report.md", "workspace.yaml", "log"} {
		if _, err := os.Stat(filepath.Join(r.state, name)); err != nil {
			t.Error(err)
		}
	}
	_ = filepath.WalkDir(bare, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if found := c.in(content); len(found) > 0 {
			t.Errorf("export --no-secrets wrote %v into %s", found, path)
		}
		return err
	})
}

// onHosts: on the hosts a secret is in the .env of the service that needs it,
// and in the environment of that service's container.
func onHosts(t *testing.T, r *rig, c canaries) {
	t.Helper()
	instance := []string{"access", "license", "storage", "token"}
	files := map[string][]string{
		"rc1:/opt/rocketchat/database/.env":      {"grafana"},
		"rc1:/opt/rocketchat/instances/rc1/.env": instance,
		"rc2:/opt/rocketchat/instances/rc2/.env": instance,
	}
	services := map[string][]string{"grafana": {"grafana"}, "rocketchat": instance}
	got := make(map[string][]string)
	for _, h := range r.w.Hosts {
		listed := r.shell(h.Name, "grep -rlsF -D skip -e '"+c.mark+"' /opt /root /home /etc /tmp /run /var --exclude-dir=docker || true")
		for file := range strings.Lines(listed) {
			file = strings.TrimSpace(file)
			got[h.Name+":"+file] = c.in([]byte(r.shell(h.Name, "cat "+file)))
			if mode := r.shell(h.Name, "stat -c %a "+file); mode != "600\n" {
				t.Errorf("%s on %s has mode %s", file, h.Name, mode)
			}
		}
		for id := range strings.FieldsSeq(r.shell(h.Name, "docker ps -aq")) {
			service := strings.TrimSpace(r.shell(h.Name, `docker inspect -f '{{index .Config.Labels "com.docker.compose.service"}}' `+id))
			if found := c.in([]byte(r.shell(h.Name, "docker inspect "+id))); !slices.Equal(found, services[service]) {
				t.Errorf("docker inspect of %s on %s shows the secrets %v, want %v", service, h.Name, found, services[service])
			}
			if found := c.in([]byte(r.shell(h.Name, "docker logs "+id+" 2>&1"))); len(found) > 0 {
				t.Errorf("the log of %s on %s holds the secrets %v", service, h.Name, found)
			}
		}
	}
	for place, want := range files {
		if !slices.Equal(got[place], want) {
			t.Errorf("%s holds %v, want %v", place, got[place], want)
		}
		delete(got, place)
	}
	for place, found := range got {
		t.Errorf("%s holds %v and should hold none", place, found)
	}
}
