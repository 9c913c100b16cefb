package e2e

import (
	"slices"
	"testing"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// Grafana under a name of its own, instances that speak to each other over TCP, two of them on one host, and no port
// the default one.
func TestShapeSubdomainAndTCP(t *testing.T) {
	t.Parallel()
	r := newRig(t, lab.Up(t, lab.Options{Hosts: four()}), workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) {
		w.Grafana = workspace.Grafana{Mode: workspace.GrafanaSubdomain, Domain: "grafana." + w.Domain, Port: 5151}
		w.Database.MongoDBPort, w.Database.PrometheusPort, w.Database.NodeExporterPort = 27117, 9191, new(9200)
		w.Messaging = workspace.Messaging{Transporter: workspace.TransporterTCP, TCPPort: 3401}
		w.Instances = []workspace.Instance{
			{Host: "rc1", Port: 3100, MetricsPort: 9558},
			{Host: "rc1", Port: 3200, MetricsPort: 9559},
			{Host: "rc2", Port: 3300, MetricsPort: 9658, TCPPort: 3501},
		}
	})
	r.install()
	r.counts(cluster.VerdictOK, "3 of 3 instances registered, linked")
	r.spread()
	r.eventsPass()
	r.grafana("https://grafana."+r.w.Domain, "")
	if p := r.get(r.browser(), r.w.RootURL+"/grafana"); p.instance() == "" {
		t.Errorf("with a name of its own Grafana is under %s/grafana too: %d %s", r.w.RootURL, p.code, p.body)
	}
	r.listen("db", loopback("27117", "9216", "9200", "9191"), r.private("db", "27117", "5151"))
	// The TCP transporter cannot be told an address to listen at.
	r.listen("rc1", r.private("rc1", "3100", "9558", "3200", "9559"), everywhere("3401", "3402"))
	r.listen("rc2", r.private("rc2", "3300", "9658"), everywhere("3501"))
	r.listen("edge", everywhere("80", "443"), loopback("8082"))
	r.comesAndGoes("rc2")
}

// oneHost gives every role and a number of instances to one host of the fleet.
func oneHost(t *testing.T, f *lab.Fleet, w *workspace.Workspace, name string, instances int) {
	t.Helper()
	h, err := f.Host(name).Workspace(lab.Root)
	if err != nil {
		t.Fatal(err)
	}
	w.Hosts = []workspace.Host{h}
	w.Database.Host, w.Proxy.Host = name, name
	w.Instances = slices.Repeat([]workspace.Instance{{Host: name}}, instances)
}

// Everything on one host, three instances, behind something else that has the certificate, without a licence.
func TestShapeOneHost(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("all")})
	r := newRig(t, f, workspace.Secrets{}, func(w *workspace.Workspace) {
		oneHost(t, f, w, "all", 3)
		w.TLS = workspace.TLS{Mode: workspace.TLSNone}
		w.Proxy.HTTPPort = 8080
		w.Database.NATSPort, w.Database.NodeExporterPort = 4322, new(0)
	})
	r.install()
	r.counts(cluster.VerdictWarning, "3 of 3 instances registered, not linked: no licence")
	if want := "http://" + r.w.Domain + ":8080"; r.w.RootURL != want {
		t.Fatalf("the root URL is %s, not %s", r.w.RootURL, want)
	}
	r.spread()
	r.sticks()
	r.eventsStay()
	r.grafana(r.w.RootURL+"/grafana", "/grafana")
	r.listen("all", loopback("27017", "8222", "9216", "7777", "9090", "8082"),
		r.private("all", "27017", "4322", "5050", "3000", "3001", "3002", "9458", "9459", "9460"), everywhere("8080"))
	unchanged(t, r)
	r.comesAndGoes("all")
}

// Hosts that have IPv6 addresses and no other. An instance shares the proxy's host.
func TestShapeIPv6(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1", "edge"), IPv6: true})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) {
		w.Instances = append(w.Instances, workspace.Instance{Host: "edge"})
	})
	r.install()
	r.counts(cluster.VerdictOK, "2 of 2 instances registered, linked")
	r.redirects()
	r.spread()
	r.sticks()
	r.eventsPass()
	r.grafanaPath()
	r.listen("db", loopback("27017", "8222", "9216", "7777", "9100", "9090"), r.private("db", "27017", "4222", "5050"))
	r.listen("rc1", r.private("rc1", "3000", "9458"))
	r.listen("edge", r.private("edge", "3000", "9458"), everywhere("80", "443"), loopback("8082"))
	unchanged(t, r)
	r.comesAndGoes("rc1")
}
