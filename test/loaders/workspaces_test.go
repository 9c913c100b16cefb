package loaders

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// sample is one of the workspaces that all loaders get.
type sample struct {
	name   string
	inputs render.Inputs
}

// basic is a workspace with n instances, each on a host of its own, that says
// nothing that has a default.
func basic(n int) workspace.Workspace {
	w := workspace.Workspace{
		Domain: "chat.example.com",
		Email:  "ops@example.com",
		Hosts: []workspace.Host{
			{Name: "db", Address: "10.0.0.10"},
			{Name: "edge", Address: "10.0.0.20"},
		},
		Database: workspace.Database{Host: "db"},
		Proxy:    workspace.Proxy{Host: "edge"},
	}
	for i := range n {
		name := fmt.Sprintf("rc%d", i+1)
		w.Hosts = append(w.Hosts, workspace.Host{Name: name, Address: fmt.Sprintf("10.0.1.%d", i+1)})
		w.Instances = append(w.Instances, workspace.Instance{Host: name})
	}
	return w
}

// samples are workspaces that between them use every branch of every template.
func samples() []sample {
	var out []sample
	add := func(name string, n int, change func(*workspace.Workspace, *render.Inputs)) {
		w := basic(n)
		in := render.Inputs{
			Secrets: workspace.Secrets{GrafanaAdminPassword: "grafana", AdminPassword: "admin"},
			TLSCert: []byte("cert\n"), TLSKey: []byte("key\n"), CACert: []byte("ca\n"),
		}
		if change != nil {
			change(&w, &in)
		}
		in.Workspace = w.Complete()
		out = append(out, sample{name: name, inputs: in})
	}
	for _, n := range []int{1, 2, 5, 20} {
		add(fmt.Sprintf("%d instances", n), n, nil)
	}
	add("three on one host", 1, func(w *workspace.Workspace, _ *render.Inputs) {
		w.Instances = []workspace.Instance{{Host: "rc1"}, {Host: "rc1"}, {Host: "rc1"}}
	})
	add("everything on one host", 0, func(w *workspace.Workspace, _ *render.Inputs) {
		w.Hosts = []workspace.Host{{Name: "all", Address: workspace.AddressLocal, PrivateIP: "10.0.0.1"}}
		w.Database.Host, w.Proxy.Host = "all", "all"
		w.Instances = []workspace.Instance{{Host: "all"}, {Host: "all"}}
	})
	add("subdomain", 2, func(w *workspace.Workspace, _ *render.Inputs) {
		w.Grafana = workspace.Grafana{Mode: workspace.GrafanaSubdomain, Domain: "grafana.example.com"}
	})
	add("no monitoring", 2, func(w *workspace.Workspace, _ *render.Inputs) { w.Grafana.Mode = workspace.GrafanaNone })
	for _, mode := range []workspace.TLSMode{workspace.TLSLetsEncryptStaging, workspace.TLSACME, workspace.TLSFiles, workspace.TLSNone} {
		add("tls "+string(mode), 2, func(w *workspace.Workspace, _ *render.Inputs) {
			w.TLS = workspace.TLS{Mode: mode}
			if mode == workspace.TLSACME {
				w.TLS.CAServer, w.TLS.CACertFile = "https://ca.example.com/directory", "ca.pem"
			}
		})
	}
	add("tcp", 5, func(w *workspace.Workspace, _ *render.Inputs) { w.Messaging.Transporter = workspace.TransporterTCP })
	add("ports", 2, func(w *workspace.Workspace, _ *render.Inputs) {
		none := 0
		w.RootURL = "https://chat.example.com:10443"
		w.Database = workspace.Database{Host: "db", MongoDBPort: 27018, NATSPort: 4223, PrometheusPort: 9000, NodeExporterPort: &none}
		w.Proxy.HTTPPort, w.Proxy.HTTPSPort = 8080, 8443
		w.Grafana.Port = 5051
		w.Instances[0].Port, w.Instances[0].MetricsPort = 4000, 4001
	})
	add("IPv6", 2, func(w *workspace.Workspace, _ *render.Inputs) {
		for i := range w.Hosts {
			w.Hosts[i].Address = fmt.Sprintf("fd00::%d", i+1)
		}
	})
	add("external database", 2, func(w *workspace.Workspace, in *render.Inputs) {
		w.Database.External = true
		in.Secrets.MongoURL = "mongodb+srv://user:p%40ss@cluster.example.com/rocketchat?retryWrites=true"
	})
	add("external database and tcp", 2, func(w *workspace.Workspace, in *render.Inputs) {
		w.Database.External = true
		w.Messaging.Transporter = workspace.TransporterTCP
		in.Secrets.MongoURL = "mongodb://user:pass@a.example.com,b.example.com:27018/rocketchat?replicaSet=rs1"
	})
	for _, kind := range []workspace.StorageType{workspace.StorageS3, workspace.StorageMinIO, workspace.StorageGCS} {
		add("storage "+string(kind), 2, func(w *workspace.Workspace, in *render.Inputs) {
			w.Storage = workspace.Storage{Type: kind, Bucket: "files", Endpoint: "http://10.0.0.9:9000", ProjectID: "chat"}
			in.Secrets.StorageAccessKey = "AKIA"
			in.Secrets.StorageSecretKey = "-----BEGIN PRIVATE KEY-----\nab$c\"d\\ne=\n-----END PRIVATE KEY-----\n"
			in.Secrets.License, in.Secrets.RegistrationToken = "licence", "token"
		})
	}
	return out
}

// written is one project in a folder.
type written struct {
	render.Project
	dir string
}

// files are the paths of the compose files that are named on the command line.
func (p written) files() []string {
	names := p.Compose
	if len(names) == 0 {
		names = []string{"compose.yml"}
		if _, beside := p.File("compose.override.yml"); beside {
			names = append(names, "compose.override.yml")
		}
	}
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = filepath.Join(p.dir, name)
	}
	return out
}

// write renders the inputs and writes all projects below a new folder.
func write(t *testing.T, in render.Inputs) []written {
	t.Helper()
	tree, err := render.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	out := make([]written, 0, len(tree.Projects))
	for i, p := range tree.Projects {
		dir := filepath.Join(root, strconv.Itoa(i))
		for _, f := range p.Files {
			name := filepath.Join(dir, filepath.FromSlash(f.Path))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, f.Content, f.Mode); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, written{Project: p, dir: dir})
	}
	return out
}

// program finds a program that the lab builds.
func program(t *testing.T, variable, name string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	path, err := filepath.Abs(filepath.Join("..", "..", ".lab", "cache", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("RCWIZARD_LAB") == "required" {
			t.Fatalf("there is no %s: set %s, or let the lab build it", name, variable)
		}
		t.Skipf("there is no %s: set %s, or let the lab build it (make lab)", name, variable)
	}
	return path
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
