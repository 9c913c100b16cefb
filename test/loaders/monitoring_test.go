package loaders

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	discoveryfile "github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

func databaseOf(t *testing.T, in render.Inputs) (written, bool) {
	t.Helper()
	for _, p := range write(t, in) {
		if p.Role == render.RoleDatabase {
			return p, true
		}
	}
	return written{}, false
}

// TestPrometheus shows that Prometheus' own loader takes its configuration, ours
// and Rocket.Chat's own, and which targets it would scrape: every instance, and
// nothing that is not there (H17 T20).
func TestPrometheus(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		w := s.inputs.Workspace
		if !w.RunsMonitoring() {
			continue
		}
		for kind, s := range map[string]sample{"bundled": s, "official": official(t, s)} {
			t.Run(s.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				p, ok := databaseOf(t, s.inputs)
				if !ok {
					t.Fatal("there is no database host")
				}
				got, want := scraped(t, p), targets(w)
				if !slices.Equal(got, want) {
					t.Errorf("the targets are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			})
		}
	}
}

// targets are what Prometheus is to scrape: each with its job, and its instance.
func targets(w workspace.Workspace) []string {
	want := []string{fmt.Sprintf("prometheus  127.0.0.1:%d", w.Database.PrometheusPort)}
	if w.RunsMongoDB() {
		want = append(want, "mongodb  127.0.0.1:9216")
	}
	if w.RunsNATS() {
		want = append(want, "nats  127.0.0.1:7777")
	}
	if n := *w.Database.NodeExporterPort; n != 0 {
		want = append(want, fmt.Sprintf("node-exporter  127.0.0.1:%d", n))
	}
	for _, i := range w.Instances {
		want = append(want, "rocketchat "+i.Name+" "+i.MetricsAddress(w))
	}
	slices.Sort(want)
	return want
}

// scraped are what Prometheus would scrape, in the form of targets.
func scraped(t *testing.T, p written) []string {
	t.Helper()
	c, err := config.LoadFile(filepath.Join(p.dir, "files/prometheus/prometheus.yml"), false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	scrapes, err := c.GetScrapeConfigs()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, scrape := range scrapes {
		for _, sd := range scrape.ServiceDiscoveryConfigs {
			for _, group := range discovered(t, p, sd) {
				for _, target := range group.Targets {
					job := cmp.Or(string(group.Labels["job"]), scrape.JobName)
					got = append(got, job+" "+string(group.Labels["rocketchat_instance"])+" "+string(target["__address__"]))
				}
			}
		}
	}
	slices.Sort(got)
	return got
}

// discovered runs Prometheus' own discovery of targets: lists, and files.
func discovered(t *testing.T, p written, sd discovery.Config) []*targetgroup.Group {
	t.Helper()
	switch sd := sd.(type) {
	case discovery.StaticConfig:
		return sd
	case *discoveryfile.SDConfig:
		files := 0
		for i, name := range sd.Files {
			// As it is mounted.
			sd.Files[i] = strings.Replace(name, "/etc/prometheus", filepath.Join(p.dir, "files/prometheus"), 1)
			found, err := filepath.Glob(sd.Files[i])
			if err != nil {
				t.Fatal(err)
			}
			files += len(found)
		}
		registry := prometheus.NewRegistry()
		metrics := sd.NewDiscovererMetrics(registry, discovery.NewRefreshMetrics(registry))
		d, err := discoveryfile.NewDiscovery(sd, slog.New(slog.DiscardHandler), metrics)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		groups := make(chan []*targetgroup.Group)
		go d.Run(ctx, groups)
		var all []*targetgroup.Group
		for range files { // each is told alone
			select {
			case found := <-groups:
				all = append(all, found...)
			case <-ctx.Done():
				t.Fatalf("no targets in %v", sd.Files)
			}
		}
		return all
	default:
		t.Fatalf("an unknown discovery %T", sd)
	}
	return nil
}

// dashboard is what of a Grafana dashboard can be wrong.
type dashboard struct {
	UID        string
	Title      string
	Templating struct {
		List []struct {
			Name, Type string
			Datasource reference
			Query      struct{ Query string }
		}
	}
	Panels []struct {
		ID         int
		Type       string
		Title      string
		Datasource reference
		GridPos    struct{ H, W, X, Y int }
		Targets    []struct {
			RefID, Expr string
			Datasource  reference
		}
	}
}

type reference struct{ Type, UID string }

// TestDashboards shows that every dashboard is one that Grafana can show: JSON,
// unique ids, panels side by side, the data source that is provisioned, and
// expressions that Prometheus can parse.
func TestDashboards(t *testing.T) {
	t.Parallel()
	p, ok := databaseOf(t, samples()[0].inputs)
	if !ok {
		t.Fatal("there is no database host")
	}
	source := reference{"prometheus", "DS_PROMETHEUS"}
	provisioned, err := os.ReadFile(filepath.Join(p.dir, "files/grafana/provisioning/datasources/prometheus.yml"))
	if err != nil || !strings.Contains(string(provisioned), "uid: "+source.UID+"\n") {
		t.Errorf("the data source %s is not provisioned: %v\n%s", source.UID, err, provisioned)
	}
	names, err := filepath.Glob(filepath.Join(p.dir, "files/grafana/dashboards/*.json"))
	if err != nil || len(names) != 4 {
		t.Fatalf("%d dashboards: %v", len(names), err)
	}
	uids, jobs := map[string]bool{}, map[string]bool{}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(content, &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.UID == "" || d.Title == "" || uids[d.UID] {
			t.Errorf("%s: uid %q, title %q", name, d.UID, d.Title)
		}
		uids[d.UID] = true
		checkPanels(t, d, source, jobs)
	}
	if !jobs["rocketchat"] {
		t.Error("no dashboard shows the instances")
	}
}

func checkPanels(t *testing.T, d dashboard, source reference, jobs map[string]bool) {
	t.Helper()
	ids := map[int]bool{}
	var cells [1000][24]string
	for _, panel := range d.Panels {
		where := d.Title + ", " + panel.Title
		if ids[panel.ID] || panel.Datasource != source || len(panel.Targets) == 0 {
			t.Errorf("%s: id %d, source %+v, %d targets", where, panel.ID, panel.Datasource, len(panel.Targets))
		}
		ids[panel.ID] = true
		g := panel.GridPos
		for y := g.Y; y < g.Y+g.H; y++ {
			for x := g.X; x < g.X+g.W; x++ {
				if x >= 24 || cells[y][x] != "" {
					t.Fatalf("%s: over %q or past the edge", where, cells[y][min(x, 23)])
				}
				cells[y][x] = where
			}
		}
		for _, target := range panel.Targets {
			if target.Datasource != source {
				t.Errorf("%s: source %+v", where, target.Datasource)
			}
			expression := strings.NewReplacer("$__rate_interval", "2m", "$instance", "rc1|rc2").Replace(target.Expr)
			if strings.Contains(expression, "$") {
				t.Errorf("%s: an unknown variable in %s", where, target.Expr)
			}
			parsed, err := parser.ParseExpr(expression)
			if err != nil {
				t.Errorf("%s: Prometheus cannot parse %s: %v", where, target.Expr, err)
				continue
			}
			for _, selector := range parser.ExtractSelectors(parsed) {
				for _, m := range selector {
					if m.Name == "job" {
						jobs[m.Value] = true
					}
				}
			}
		}
	}
	for _, v := range d.Templating.List {
		if v.Datasource != source || !strings.HasPrefix(v.Query.Query, "label_values(") {
			t.Errorf("%s: the variable %s is %+v", d.Title, v.Name, v)
		}
	}
}
