package cluster

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/internal/goldenfile"
	"github.com/rcwizard/rcwizard/workspace"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	goldenfile.Compare(t, *update, filepath.Join("testdata", name+".golden"), got)
}

// healthy is what a cluster says that is as planned, licence and all.
func healthy(w workspace.Workspace) Facts {
	now := time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC)
	f := Facts{
		At: now,
		ReplicaSet: ReplicaSet{
			Name: "rs0", Primary: true, Me: w.MongoDBAddress(), Hosts: []string{w.MongoDBAddress()},
			Version: "8.0.12", Time: now,
		},
		Registry: Registry{Database: "rocketchat"},
		Proxy: ProxyReport{
			URL: w.RootURL, Requests: len(w.Instances), Answers: len(w.Instances),
			Certificate: &Certificate{
				Subject: "CN=chat.example.com", Issuer: "CN=R13,O=Let's Encrypt,C=US", Names: []string{"chat.example.com"},
				NotBefore: now.AddDate(0, 0, -10), NotAfter: now.AddDate(0, 0, 80),
			},
			Redirect: &Redirect{URL: "http://chat.example.com/", Status: 308, Location: w.RootURL + "/", Right: true},
		},
		Prometheus: PrometheusReport{Deployed: true, Address: "127.0.0.1:9090", Targets: []Target{
			{Job: "nats", Address: "127.0.0.1:7777", Health: "up"},
		}},
		Grafana: GrafanaReport{
			Deployed: true, Address: w.GrafanaAddress(), URL: w.GrafanaURL(), Version: "12.3.0",
			Redirect: &Redirect{URL: w.GrafanaURL(), Status: 302, Location: "/grafana/login", Right: true},
		},
		NATS: NATSReport{Deployed: true, Address: "127.0.0.1:8222"},
	}
	for i, instance := range w.Instances {
		host, _ := w.Host(instance.Host)
		id := fmt.Sprintf("id-%d", i+1)
		f.Registry.Records = append(f.Registry.Records, Record{
			ID: id, Host: host.PrivateIP, Port: instance.Port, NodeVersion: "v22.22.3", OS: "Linux 6.1.0 x64",
			Since: now.Add(-time.Hour), Heartbeat: now.Add(-4 * time.Second), AgeSeconds: 4, State: Fresh,
		})
		f.Instances = append(f.Instances, InstanceReport{
			Name: instance.Name, Host: instance.Host, Address: instance.Address(w), ID: id,
			InfoVersion: "8.9", Healthy: Yes, HealthPath: "/livez", HealthText: "200 OK",
			Metrics: Metrics{Address: instance.MetricsAddress(w), Version: "8.9.1", UniqueID: "Xu9", SiteURL: w.RootURL},
			License: License{Scalability: Yes, Modules: []string{"auditing", "scalability"}},
		})
		f.Proxy.Seen = append(f.Proxy.Seen, Seen{ID: id, Answers: 1})
		f.Prometheus.Targets = append(f.Prometheus.Targets, Target{Job: "rocketchat", Address: instance.MetricsAddress(w), Health: "up"})
		f.NATS.Clients = append(f.NATS.Clients, host.PrivateIP)
	}
	return f
}

// silent makes the i-th instance one that does not answer at all.
func silent(f *Facts, i int, why *Failure) {
	p := &f.Instances[i]
	*p = InstanceReport{
		Name: p.Name, Host: p.Host, Address: p.Address, Error: why, Healthy: Unknown,
		Metrics: Metrics{Address: p.Metrics.Address, Error: why},
		License: License{Scalability: Unknown, Reason: why.Text},
	}
}

func refused(address string) *Failure {
	return &Failure{Text: "no answer on " + address + ": connection refused"}
}
