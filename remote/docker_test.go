package remote_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// engine is a Docker engine that knows one compose project, at an API version
// of choice, on a socket.
func engine(t *testing.T, api string) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`^/v([0-9.]+)(/.*)$`)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", api)
		w.Header().Set("Ostype", "linux")
		path := r.URL.Path
		if m := version.FindStringSubmatch(path); m != nil {
			if m[1] != api {
				http.Error(w, `{"message":"client version `+m[1]+` is too new"}`, http.StatusBadRequest)
				return
			}
			path = m[2]
		}
		answer(w, r, path)
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return socket
}

func answer(w http.ResponseWriter, r *http.Request, path string) {
	say := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	type m = map[string]any
	switch path {
	case "/_ping":
		_, _ = w.Write([]byte("OK"))
	case "/version":
		say(m{"Version": "20.10.24+dfsg1", "ApiVersion": "1.41", "Os": "linux", "Arch": "amd64"})
	case "/info":
		say(m{
			"ServerVersion": "20.10.24", "DockerRootDir": "/var/lib/docker", "Driver": "overlay2", "NCPU": 4,
			"SecurityOptions": []string{"name=seccomp,profile=default", "name=rootless"}, "HttpProxy": "http://u:secret@proxy:3128",
			"RegistryConfig": m{"Mirrors": []string{"http://mirror:5000/"}, "InsecureRegistryCIDRs": []string{"127.0.0.0/8"}, "IndexConfigs": m{}},
		})
	case "/containers/json":
		if !strings.Contains(r.URL.Query().Get("filters"), "com.docker.compose.project=rocketchat") {
			http.Error(w, `{"message":"no filter"}`, http.StatusBadRequest)
			return
		}
		say([]m{{"Id": "c2"}, {"Id": "c1"}, {"Id": "gone"}})
	case "/containers/c1/json":
		say(m{
			"Id": "c1", "Name": "/rc-mongodb-1", "RestartCount": 2, "Image": "sha256:aa",
			"State":  m{"Status": "running", "Running": true, "StartedAt": "2026-01-02T03:04:05.6Z", "FinishedAt": "0001-01-01T00:00:00Z", "Health": m{"Status": "healthy"}},
			"Config": m{"Image": "mongo:8", "Env": []string{"PASSWORD=canary"}, "Labels": m{"com.docker.compose.project": "rocketchat", "com.docker.compose.service": "mongodb", "com.docker.compose.config-hash": "h", "com.docker.compose.project.working_dir": "/opt"}},
		})
	case "/containers/c2/json":
		say(m{
			"Id": "c2", "Name": "/rc-init-1", "Image": "sha256:bb", "State": m{"Status": "exited", "ExitCode": 3, "OOMKilled": true, "Error": "why"},
			"Config": m{"Image": "init:1", "Tty": true, "Labels": m{"com.docker.compose.service": "init"}},
		})
	case "/containers/c1/rename":
		if r.Method != http.MethodPost || r.URL.Query().Get("name") != "rc-mongodb-2" {
			http.Error(w, `{"message":"Conflict. The container name is already in use"}`, http.StatusConflict)
		}
	case "/containers/c1/logs":
		for _, part := range []struct {
			stream byte
			text   string
		}{{1, "one\ntw"}, {2, "bad\n"}, {1, "o s3cret-value\n"}} {
			head := make([]byte, 8)
			head[0] = part.stream
			binary.BigEndian.PutUint32(head[4:], uint32(len(part.text)))
			_, _ = w.Write(append(head, part.text...))
		}
	case "/containers/endless/json":
		say(m{"Id": "endless", "Config": m{"Tty": true}})
	case "/containers/endless/logs":
		_, _ = w.Write([]byte("it goes on\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case "/containers/c2/logs":
		_, _ = w.Write([]byte("raw\r\nlines\r\n"))
	case "/images/mongo:8/json":
		say(m{"Id": "sha256:aa", "RepoDigests": []string{"mongo@sha256:dd"}, "Size": 123, "Os": "linux", "Architecture": "amd64"})
	case "/images/create":
		pull(w, r.URL.Query().Get("fromImage")+":"+r.URL.Query().Get("tag"))
	default:
		http.Error(w, `{"message":"No such thing: `+path+`"}`, http.StatusNotFound)
	}
}

func pull(w http.ResponseWriter, ref string) {
	lines := func(l ...string) { _, _ = w.Write([]byte(strings.Join(l, "\r\n") + "\r\n")) }
	switch {
	case strings.HasSuffix(ref, "mongo:8"):
		lines(`{"status":"Pulling from library/mongo","id":"8"}`,
			`{"status":"Downloading","progressDetail":{"current":10,"total":20},"id":"l1"}`,
			`{"status":"Pull complete","progressDetail":{},"id":"l1"}`,
			`{"status":"Digest: sha256:dd"}`, `{"status":"Status: Downloaded newer image for mongo:8"}`)
	case strings.HasSuffix(ref, ":full"):
		lines(`{"errorDetail":{"message":"write /var/lib/docker/tmp/x: no space left on device"},"error":"x"}`)
	case strings.HasSuffix(ref, ":cut"):
		lines(`{"status":"Pulling from library/mongo","id":"8"}`)
	case strings.HasSuffix(ref, ":none"):
		http.Error(w, `{"message":"manifest for mongo:none not found: manifest unknown: manifest unknown"}`, http.StatusNotFound)
	case strings.Contains(ref, "nobody"):
		http.Error(w, `{"message":"pull access denied for nobody, repository does not exist or may require 'docker login': denied"}`, http.StatusNotFound)
	default:
		http.Error(w, `{"message":"Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host"}`, http.StatusInternalServerError)
	}
}

// dockerServer is a host whose /var/run/docker.sock is the given socket.
func dockerServer(t *testing.T, socket string, opt remotetest.Options) *remotetest.Server {
	t.Helper()
	opt.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network == "unix" && address == "/var/run/docker.sock" {
			address = socket
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return remotetest.NewServer(t, opt)
}

func TestDocker(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // must not matter
	t.Setenv("DOCKER_API_VERSION", "1.30")       // nor this
	socket := engine(t, "1.41")
	s := dockerServer(t, socket, remotetest.Options{})
	target := s.Target(t)
	target.Redactor = remote.NewRedactor("s3cret-value")
	h := connect(t, target)
	ctx := t.Context()
	d, err := h.Docker(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Rename(ctx, "c1", "rc-mongodb-2"); err != nil {
		t.Error(err)
	}
	if err := d.Rename(ctx, "c1", "rc-init-1"); err == nil || !strings.Contains(err.Error(), "already in use") {
		t.Errorf("to a name that is taken: %v", err)
	}
	if d.Way() != "socket" {
		t.Errorf("way %q", d.Way())
	}
	v, err := d.Version(ctx)
	if err != nil || v != (remote.DockerVersion{Engine: "20.10.24+dfsg1", API: "1.41", OS: "linux", Arch: "amd64"}) {
		t.Errorf("%+v, %v", v, err)
	}
	info, err := d.Info(ctx)
	if err != nil || !info.Rootless || info.UserNS || !info.Proxy || info.RootDir != "/var/lib/docker" || len(info.Mirrors) != 1 || len(info.Insecure) != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	cs, err := d.Containers(ctx, "rocketchat")
	if err != nil {
		t.Fatal(err)
	}
	want := []remote.Container{
		{ID: "c2", Name: "rc-init-1", Service: "init", State: "exited", ExitCode: 3, OOMKilled: true, Error: "why", Image: "init:1", ImageID: "sha256:bb"},
		{
			ID: "c1", Name: "rc-mongodb-1", Project: "rocketchat", Service: "mongodb", ConfigHash: "h", Dir: "/opt", State: "running", Health: "healthy",
			RestartCount: 2, StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.UTC), Image: "mongo:8", ImageID: "sha256:aa",
		},
	}
	if diff := cmp.Diff(want, cs); diff != "" {
		t.Error(diff)
	}
	var lines []string
	collect := func(l remote.Line) {
		if l.Stderr {
			l.Text = "! " + l.Text
		}
		lines = append(lines, l.Text)
	}
	if err := d.Logs(ctx, "c1", remote.LogOptions{Tail: 5, Since: time.Unix(1, 0)}, collect); err != nil {
		t.Error(err)
	}
	if err := d.Logs(ctx, "c2", remote.LogOptions{}, collect); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"one", "! bad", "two [secret]", "raw", "lines"}, lines); diff != "" {
		t.Error(diff)
	}
	img, err := d.Image(ctx, "mongo:8")
	if err != nil || img.ID != "sha256:aa" || img.Size != 123 {
		t.Errorf("%+v, %v", img, err)
	}
	if _, err := d.Image(ctx, "other:1"); !errors.Is(err, remote.ErrNoImage) {
		t.Errorf("no image: %v", err)
	}
	var progress []remote.PullProgress
	digest, err := d.Pull(ctx, "mongo:8", func(p remote.PullProgress) { progress = append(progress, p) })
	if err != nil || digest != "sha256:dd" || len(progress) != 5 || progress[1] != (remote.PullProgress{Layer: "l1", Status: "Downloading", Current: 10, Total: 20}) {
		t.Errorf("%q, %v, %+v", digest, err, progress)
	}
	for ref, kind := range map[string]remote.PullKind{
		"mongo:none": remote.PullNoTag, "nobody/x:1": remote.PullNoImage, "mongo:full": remote.PullNoSpace, "mongo:far": remote.PullUnreachable,
	} {
		_, err := d.Pull(ctx, ref, nil)
		var p *remote.PullError
		if !errors.As(err, &p) || p.Kind != kind {
			t.Errorf("%s: %v", ref, err)
		}
	}
	// It is not the registry's fault, whatever the words are like.
	var p *remote.PullError
	if _, err := d.Pull(ctx, "mongo:cut", nil); !errors.Is(err, remote.ErrOutcomeUnknown) || errors.As(err, &p) {
		t.Errorf("an answer that was cut: %v", err)
	}
}

// TestDockerThroughTheCommand uses a docker in PATH whose dial-stdio leads to
// the engine, as a user outside the group with sudo.
func TestDockerThroughTheCommand(t *testing.T) {
	t.Parallel()
	socket := engine(t, "1.43")
	dir := fakeSudo(t)
	// It needs root, as the real socket does.
	script(t, dir, "docker", `[ "${SUDOED:-}" = 1 ] || { echo 'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock' >&2; exit 1; }
[ "$*" = "system dial-stdio" ] || exit 9
exec socat - UNIX-CONNECT:`+socket)
	tools(t, "socat")
	for _, password := range []string{"", "pass word"} {
		mode := "free"
		if password != "" {
			mode = "ask"
		}
		s := remotetest.NewServer(t, remotetest.Options{NoForward: true, Path: dir, Env: []string{"MODE=" + mode}})
		target := s.Target(t)
		target.SudoPassword = password
		d, err := connect(t, target).Docker(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(d.Way(), "sudo") {
			t.Errorf("way %q", d.Way())
		}
		cs, err := d.Containers(t.Context(), "rocketchat")
		if err != nil || len(cs) != 2 {
			t.Errorf("%+v, %v", cs, err)
		}
		if password == "" {
			followMany(t, d)
		}
	}
	s := remotetest.NewServer(t, remotetest.Options{NoForward: true, Path: dir, Env: []string{"MODE=notallowed"}})
	expectDocker(t, s.Connect(t), remote.DockerNotPermitted)
}

// followMany follows more logs than the host has sessions: the engine answers
// all the same.
func followMany(t *testing.T, d *remote.Docker) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	heard := make(chan string, 12)
	for range cap(heard) {
		all.Go(func() {
			err := d.Logs(ctx, "endless", remote.LogOptions{Follow: true}, func(l remote.Line) { heard <- l.Text })
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	for range 5 {
		<-heard
	}
	within, end := context.WithTimeout(ctx, time.Minute)
	defer end()
	if _, err := d.Containers(within, "rocketchat"); err != nil {
		t.Errorf("while %d logs are followed: %v", cap(heard), err)
	}
}

func expectDocker(t *testing.T, h remote.Host, kind remote.DockerKind) {
	t.Helper()
	_, err := h.Docker(t.Context())
	var d *remote.DockerError
	if !errors.As(err, &d) || d.Kind != kind {
		t.Errorf("%v, want %s", err, kind)
	}
}

func TestDockerTroubles(t *testing.T) {
	t.Parallel()
	t.Run("absent", func(t *testing.T) {
		t.Parallel()
		s := remotetest.NewServer(t, remotetest.Options{NoForward: true, Path: func() string {
			dir := t.TempDir()
			script(t, dir, "docker", "echo rcwz-docker-absent >&2; exit 127")
			return dir
		}()})
		expectDocker(t, s.Connect(t), remote.DockerAbsent)
	})
	t.Run("not running", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		script(t, dir, "docker", "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2; exit 1")
		expectDocker(t, remotetest.NewServer(t, remotetest.Options{NoForward: true, Path: dir}).Connect(t), remote.DockerNotRunning)
	})
	t.Run("too old", func(t *testing.T) {
		t.Parallel()
		expectDocker(t, dockerServer(t, engine(t, "1.39"), remotetest.Options{}).Connect(t), remote.DockerTooOld)
	})
	t.Run("oldest", func(t *testing.T) {
		t.Parallel()
		if _, err := dockerServer(t, engine(t, "1.40"), remotetest.Options{}).Connect(t).Docker(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("after a reconnect", func(t *testing.T) {
		t.Parallel()
		s := dockerServer(t, engine(t, "1.41"), remotetest.Options{})
		h := s.Connect(t)
		d, err := h.Docker(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Cut()
		time.Sleep(200 * time.Millisecond)
		if _, err := d.Version(t.Context()); err != nil {
			t.Errorf("after a loss: %v", err)
		}
	})
}
