package main

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	goodDatasource = "apiVersion: 1\ndatasources:\n  - {name: Prometheus, uid: prometheus, type: prometheus, access: proxy, url: 'http://127.0.0.1:9090', isDefault: true}\n"
	goodDashboard  = `{"uid": "rc", "title": "Rocket.Chat"}`
)

// files writes a provisioning tree; a text of "DIR" makes a directory.
func files(t *testing.T, tree map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range tree {
		path := filepath.Join(root, name)
		if text == "DIR" {
			path, text = filepath.Join(path, ".keep"), ""
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "ROOT", root)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestProvision(t *testing.T) {
	provider := "providers:\n  - {name: rc, folder: Rocket.Chat, type: file, options: {path: ROOT/d}}\n"
	good := map[string]string{"datasources/p.yml": goodDatasource, "dashboards/rc.yml": provider, "d/rc.json": goodDashboard}
	for _, c := range []struct {
		name, file, text string
		want             string // part of the error, or of the log after "log: "
	}{
		{"good", "", "", ""},
		{"invalid dashboard", "d/rc.json", "{", "log: failed to load dashboard"},
		{"dashboard is a directory", "d/rc.json", "DIR", "is a directory"},
		{"data source is a directory", "datasources/p.yml", "DIR", "is a directory"},
		{"invalid data source", "datasources/p.yml", "datasources: [", "Datasource provisioning error"},
		{"two defaults", "datasources/q.yml", goodDatasource, "Only one datasource"},
		{"no data source", "datasources/p.yml", "", "no provisioning file"},
		{"no dashboards folder", "dashboards/rc.yml", "providers:\n  - {name: rc, type: file, options: {path: ROOT/absent}}\n", "is the folder mounted"},
	} {
		tree := map[string]string{}
		maps.Copy(tree, good)
		if c.file != "" {
			tree[c.file] = c.text
		}
		if c.name == "no data source" {
			delete(tree, c.file)
			tree["datasources"] = "DIR"
		}
		var log strings.Builder
		p, err := provision(files(t, tree), func(format string, args ...any) { log.WriteString(format); log.WriteString(args[0].(string)) })
		switch want, logged := strings.CutPrefix(c.want, "log: "); {
		case logged && (err != nil || !strings.Contains(log.String(), want)):
			t.Errorf("%s: %v, log %q", c.name, err, log.String())
		case !logged && want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", c.name, err, want)
		case want == "":
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if d := cmp.Diff([]dashboard{{UID: "rc", Title: "Rocket.Chat", Type: "dash-db", Folder: "Rocket.Chat", URL: "/d/rc"}}, p.dashboards); d != "" {
				t.Error(d)
			}
		}
	}
	if _, err := provision(t.TempDir(), func(string, ...any) {}); err == nil {
		t.Error("no provisioning at all is accepted")
	}
}

// A data source is there again with the uid that it had, and with no other.
func TestKeepSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "datasources.json")
	source := datasource{Name: "Prometheus", UID: "a"}
	other := datasource{Name: "Loki", UID: "b"}
	for _, sources := range [][]datasource{{source}, {source, other}, {source}} {
		if err := keepSources(file, sources); err != nil {
			t.Fatal(err)
		}
	}
	other.UID = "c"
	if err := keepSources(file, []datasource{source, other}); !errors.Is(err, errSourceNotFound) || !strings.Contains(err.Error(), "Loki") {
		t.Errorf("%v", err)
	}
}

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestSite(t *testing.T) {
	c, err := parseConfig(environment(map[string]string{
		"GF_SERVER_ROOT_URL": "https://chat.example.com/grafana/", "GF_SERVER_SERVE_FROM_SUB_PATH": "true", "LAB_GRAFANA_VERSION": "12.0.2",
	}))
	if err != nil {
		t.Fatal(err)
	}
	a := &accounts{file: filepath.Join(t.TempDir(), "grafana.db")}
	if err := a.open("admin", "first"); err != nil {
		t.Fatal(err)
	}
	again := &accounts{file: a.file}
	if err := again.open("admin", "second"); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(newSite(c, again, &provisioned{dashboards: []dashboard{{UID: "rc"}}}))
	defer s.Close()
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	get := func(path, password string) (status int, location, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("admin", password)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header.Get("Location"), string(text)
	}
	for _, want := range []struct {
		path, password string
		status         int
		location, body string
	}{
		{"/", "", 301, "https://chat.example.com/grafana/", ""},
		{"/login", "", 301, "https://chat.example.com/grafana/login", ""},
		{"/grafana", "", 302, "/grafana/login", ""},
		{"/grafana/", "", 302, "/grafana/login", ""},
		{"/grafana/login", "", 200, "", `"appSubUrl":"/grafana"`},
		{"/grafana/api/health", "", 200, "", `"version":"12.0.2"`},
		{"/api/health", "", 200, "", `"database":"ok"`},
		{"/grafana/api/search", "", 401, "", "Invalid username or password"},
		{"/grafana/api/search", "second", 401, "", "Invalid username or password"},
		{"/grafana/api/search", "first", 200, "", `"uid":"rc"`},
	} {
		status, location, body := get(want.path, want.password)
		if status != want.status || location != want.location || !strings.Contains(body, want.body) {
			t.Errorf("%s: %d, %q, %q; want %+v", want.path, status, location, body, want)
		}
	}
	if err := run(t.Context(), []string{"cli", "admin", "reset-admin-password", "third"}, environment(map[string]string{"GF_PATHS_DATA": filepath.Dir(a.file)}), io.Discard); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := get("/grafana/api/search", "third"); status != 200 {
		t.Errorf("after grafana cli: %d", status)
	}
}

func TestRootURL(t *testing.T) {
	for env, want := range map[string]string{
		"":                                   "http://localhost:3000/",
		"%(protocol)s://%(domain)s/grafana/": "http://localhost/grafana/",
		"chat.example.com":                   "error",
	} {
		c, err := parseConfig(environment(map[string]string{"GF_SERVER_ROOT_URL": env}))
		got := "error"
		if err == nil {
			got = c.rootURL.String()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", env, got, want)
		}
	}
}
