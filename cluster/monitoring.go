package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// getJSON decodes a 200's body into v.
func getJSON(ctx context.Context, web *http.Client, address, path string, v any) error {
	reply, err := fetch(ctx, web, "http://"+address+path, "")
	if err != nil {
		return err
	}
	if reply.code != http.StatusOK {
		return errors.New(address + path + " answers " + reply.status())
	}
	if err := json.Unmarshal(reply.body, v); err != nil {
		return fmt.Errorf("%s%s answers something else than JSON: %w", address, path, err)
	}
	return nil
}

// lookPrometheus reads the targets of Prometheus, which listens on the
// database host's loopback address only.
func lookPrometheus(ctx context.Context, w workspace.Workspace, v View) PrometheusReport {
	if !w.RunsMonitoring() {
		return PrometheusReport{}
	}
	r := PrometheusReport{Deployed: true, Address: loopback(w.Database.PrometheusPort)}
	var answer struct {
		Data struct {
			Active []struct {
				Labels    map[string]string `json:"labels"`
				ScrapeURL string            `json:"scrapeUrl"`
				Health    string            `json:"health"`
				LastError string            `json:"lastError"`
			} `json:"activeTargets"`
		} `json:"data"`
	}
	web := newWeb(v.Database, nil, v.timeout())
	if err := getJSON(ctx, web, r.Address, "/api/v1/targets?state=active", &answer); err != nil {
		r.Error = failure(err)
		return r
	}
	for _, t := range answer.Data.Active {
		target := Target{Job: t.Labels["job"], Address: t.Labels["instance"], Health: t.Health, Error: t.LastError}
		// The instance label can be anything; where it scrapes cannot.
		if u, err := url.Parse(t.ScrapeURL); err == nil && u.Host != "" {
			target.Address = hostPort(*u)
		}
		r.Targets = append(r.Targets, target)
	}
	slices.SortFunc(r.Targets, func(a, b Target) int {
		return cmp.Or(cmp.Compare(a.Job, b.Job), cmp.Compare(a.Address, b.Address))
	})
	return r
}

// lookGrafana asks Grafana on its own port from the database host, and then
// as a user through the proxy.
func lookGrafana(ctx context.Context, w workspace.Workspace, v View) GrafanaReport {
	if !w.RunsMonitoring() {
		return GrafanaReport{}
	}
	r := GrafanaReport{Deployed: true, Address: w.GrafanaAddress(), URL: w.GrafanaURL()}
	r.askDirectly(ctx, newWeb(v.Database, nil, v.timeout()), w)
	front, err := url.Parse(strings.TrimSuffix(r.URL, "/"))
	if err != nil {
		r.ProxyError = failure(err)
		return r
	}
	e := newEntrance(w, v)
	asked := e.url(*front)
	if w.Grafana.Mode == workspace.GrafanaSubdomain {
		r.Certificate = e.certificate(ctx, asked)
		if r.Certificate != nil && r.Certificate.Error != nil {
			r.ProxyError = r.Certificate.Error
			return r
		}
	}
	certificate := r.Certificate
	if certificate == nil {
		// Under a path it is the domain's own, judged with the proxy; whether
		// it is good is not Grafana's affair.
		certificate = e.certificate(ctx, asked)
	}
	r.askThroughProxy(ctx, e.web(asked.Scheme, certificate), asked)
	return r
}

// askDirectly asks for /api/health: Grafana answers there below its sub-path
// too, depending on its release.
func (r *GrafanaReport) askDirectly(ctx context.Context, web *http.Client, w workspace.Workspace) {
	paths := []string{"/api/health"}
	if w.Grafana.Mode == workspace.GrafanaPath {
		paths = append(paths, strings.TrimSuffix(w.Grafana.Path, "/")+"/api/health")
	}
	var err error
	for _, path := range paths {
		var health struct {
			Database string `json:"database"`
			Version  string `json:"version"`
		}
		err = getJSON(ctx, web, r.Address, path, &health)
		if err == nil && health.Database != "" && health.Database != "ok" {
			err = fmt.Errorf("%s says that its database is %q", r.Address, health.Database)
		}
		var silent *noAnswerError
		if err == nil || errors.As(err, &silent) {
			r.Version = health.Version
			break
		}
	}
	if err != nil {
		r.Error = failure(err)
	}
}

// askThroughProxy wants the login page, and that the front door leads there
// without leaving Grafana's address.
func (r *GrafanaReport) askThroughProxy(ctx context.Context, web *http.Client, front url.URL) {
	login := front.JoinPath("login").String()
	reply, err := fetch(ctx, web, login, "")
	switch {
	case err != nil:
		r.ProxyError = failure(err)
		return
	case reply.code != http.StatusOK:
		r.ProxyError = failure(errors.New(login + " answers " + reply.status()))
		return
	}
	door := front
	door.Path = strings.TrimSuffix(front.Path, "/") + "/"
	r.Redirect = follow(ctx, web, door)
	target, err := url.Parse(r.URL)
	if err != nil {
		return
	}
	// Anonymous access, if somebody allowed it, answers without a redirect.
	r.Redirect.Right = r.Redirect.Status == http.StatusOK ||
		r.Redirect.leadsTo(*target, target.Path) || r.Redirect.leadsTo(front, front.Path)
}

// lookNATS reads who is connected to NATS.
func lookNATS(ctx context.Context, w workspace.Workspace, v View) NATSReport {
	if !w.RunsNATS() {
		return NATSReport{}
	}
	r := NATSReport{Deployed: true, Address: loopback(workspace.PortNATSMonitoring)}
	var answer struct {
		Connections []struct {
			IP string `json:"ip"`
		} `json:"connections"`
	}
	if err := getJSON(ctx, newWeb(v.Database, nil, v.timeout()), r.Address, "/connz?limit=1024", &answer); err != nil {
		r.Error = failure(err)
		return r
	}
	for _, c := range answer.Connections {
		r.Clients = append(r.Clients, c.IP)
	}
	slices.Sort(r.Clients)
	return r
}
