package main

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"sync"
)

// site is Grafana over HTTP.
type site struct {
	*config
	accounts *accounts
	p        *provisioned

	mu       sync.Mutex
	sessions map[string]bool
}

// newSite is the handler. With serve_from_sub_path everything lives under the
// root URL's path, and what is asked for elsewhere is redirected into it, the API
// excepted (Grafana's middleware/subpath_redirect.go).
func newSite(c *config, a *accounts, p *provisioned) http.Handler {
	s := &site{config: c, accounts: a, p: p, sessions: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", s.health)
	mux.HandleFunc("GET /login", s.page)
	mux.HandleFunc("POST /login", s.login)
	mux.Handle("GET /api/datasources", s.api(func() any { return s.p.datasources }))
	mux.Handle("GET /api/search", s.api(func() any { return s.p.dashboards }))
	mux.Handle("GET /api/user", s.api(func() any { return map[string]any{"login": s.accounts.User, "isGrafanaAdmin": true} }))
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /", s.home)
	if !c.serveFromSubPath || c.subPath == "" {
		return mux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, under := strings.CutPrefix(r.URL.Path, c.subPath)
		if !under && !strings.HasPrefix(r.URL.Path, "/api") {
			target := strings.TrimSuffix(c.rootURL.String(), "/") + "/" + strings.TrimPrefix(r.URL.RequestURI(), "/")
			http.Redirect(w, r, target, http.StatusMovedPermanently) //nolint:gosec // under the root URL
			return
		}
		inner := r.Clone(r.Context())
		inner.URL.Path = cmp.Or(path, "/")
		mux.ServeHTTP(w, inner)
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client went away
}

func (s *site) health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"database": "ok", "version": s.version, "commit": "lab"})
}

// authorized takes basic authentication or a session's cookie.
func (s *site) authorized(r *http.Request) bool {
	if user, password, ok := r.BasicAuth(); ok {
		return s.accounts.check(user, password)
	}
	cookie, err := r.Cookie("grafana_session")
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[cookie.Value]
}

func (s *site) api(body func() any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.authorized(r) {
			answer(w, http.StatusUnauthorized, map[string]string{"message": "Invalid username or password", "messageId": "password-auth.failed"})
			return
		}
		answer(w, http.StatusOK, body())
	})
}

// home sends visitors to the login page, under the sub-path that the root URL
// has whether or not Grafana serves from it.
func (s *site) home(w http.ResponseWriter, r *http.Request) {
	if !s.authorized(r) {
		http.Redirect(w, r, s.subPath+"/login", http.StatusFound)
		return
	}
	s.html(w, "Home")
}

func (s *site) page(w http.ResponseWriter, _ *http.Request) { s.html(w, "Welcome to Grafana") }

func (s *site) html(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	boot, err := json.Marshal(map[string]any{"settings": map[string]string{"appUrl": s.rootURL.String(), "appSubUrl": s.subPath}})
	if err != nil {
		http.Error(w, "boot data", http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html><head><title>Grafana</title><base href=\"%s/\" /><link rel=\"icon\" href=\"%s/public/img/fav32.png\"></head>\n<body><p>%s (the lab's stand-in)</p><script>window.grafanaBootData = %s;</script></body></html>\n",
		html.EscapeString(s.subPath), html.EscapeString(s.subPath), html.EscapeString(text), boot)
}

func (s *site) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ User, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil || !s.accounts.check(in.User, in.Password) {
		answer(w, http.StatusUnauthorized, map[string]string{"message": "Invalid username or password", "messageId": "password-auth.failed"})
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.sessions[token] = true
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "grafana_session", Value: token, Path: s.subPath + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.rootURL.Scheme == "https"}) //nolint:gosec // Secure as the root URL says
	answer(w, http.StatusOK, map[string]string{"message": "Logged in", "redirectUrl": s.subPath + "/"})
}

func (s *site) metrics(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintf(w, "# TYPE grafana_build_info gauge\ngrafana_build_info{version=%q} 1\n", s.version)
}
