package steps

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// logLine is what every container's log says.
const logLine = "the last words"

// engineContainer is one container of a compose project, by its service. The
// zero Restart is "always"; it was made just now.
type engineContainer struct {
	Service, State, Restart string
	Image                   string
	RestartCount, ExitCode  int
}

// withEngine is a host in an SSH server of the test's own, with a Docker
// engine that has these containers.
func withEngine(t *testing.T, name string, containers ...engineContainer) remote.Host {
	t.Helper()
	return withEngineAndPrograms(t, name, "", containers...)
}

// withEngineAndPrograms is withEngine with the programs of a directory before those
// of this machine.
func withEngineAndPrograms(t *testing.T, name, path string, containers ...engineContainer) remote.Host {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "docker.sock")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`^/v[0-9.]+`)
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.44")
		w.Header().Set("Ostype", "linux")
		engineAnswer(w, version.ReplaceAllString(r.URL.Path, ""), containers)
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })

	server := remotetest.NewServer(t, remotetest.Options{Path: path, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if network == "unix" {
			address = socket
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}})
	target := server.Target(t)
	target.Name = name
	h, err := remote.Connect(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func engineAnswer(w http.ResponseWriter, path string, containers []engineContainer) {
	type m = map[string]any
	say := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	switch path {
	case "/_ping":
		_, _ = w.Write([]byte("OK"))
		return
	case "/version":
		say(m{"Version": "27.1.0", "ApiVersion": "1.44", "Os": "linux", "Arch": "amd64"})
		return
	case "/containers/json":
		list := make([]m, 0, len(containers))
		for _, c := range containers {
			list = append(list, m{"Id": "id-" + c.Service})
		}
		say(list)
		return
	}
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for _, c := range containers {
		restart := c.Restart
		if restart == "" {
			restart = "always"
		}
		switch path {
		case "/containers/id-" + c.Service + "/json":
			say(m{
				"Id": "id-" + c.Service, "Name": "/" + c.Service + "-1", "RestartCount": c.RestartCount, "Created": now,
				"State":      m{"Status": c.State, "ExitCode": c.ExitCode, "StartedAt": now},
				"HostConfig": m{"RestartPolicy": m{"Name": restart}},
				"Config":     m{"Image": c.Image, "Labels": m{"com.docker.compose.service": c.Service}},
			})
			return
		case "/containers/id-" + c.Service + "/logs":
			head := make([]byte, 8)
			head[0] = 1
			binary.BigEndian.PutUint32(head[4:], uint32(len(logLine)+1))
			_, _ = w.Write(append(head, logLine+"\n"...))
			return
		}
	}
	http.Error(w, `{"message":"no such thing: `+strings.TrimSpace(path)+`"}`, http.StatusNotFound)
}
