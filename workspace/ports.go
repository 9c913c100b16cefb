package workspace

import (
	"fmt"
	"slices"
)

const maxPort = 65535

// Ports of services that the administrator cannot choose; they listen on
// 127.0.0.1 only.
const (
	PortNATSMonitoring  = 8222
	PortNATSExporter    = 7777
	PortMongoDBExporter = 9216
	// PortProxyHealth is where Traefik tells its own health check that it lives.
	PortProxyHealth = 8082
)

// Scope says on which of a host's addresses a service listens.
type Scope string

// The scopes.
const (
	ScopeLoopback Scope = "loopback" // 127.0.0.1
	ScopePrivate  Scope = "private"  // the host's private address
	ScopeAll      Scope = "all"      // every address
)

// Listener is one TCP port that something on a host listens on.
type Listener struct {
	// Service says who listens, for people: "MongoDB", "instance rc1 (metrics)".
	Service string
	Scope   Scope
	Port    int
	// Field is the path of the field that says so; empty for a fixed port.
	Field string
}

// Listeners returns everything that listens on the host once the workspace is
// deployed: database, monitoring, instances, proxy, and the SSH server that the
// host is reached by. Ports that are not set yet are left out. A service that
// listens on 127.0.0.1 and on the private address is there once, with the
// private one.
func (w Workspace) Listeners(host string) []Listener {
	var out []Listener
	add := func(port int, scope Scope, field, service string) {
		if port != 0 {
			out = append(out, Listener{Service: service, Scope: scope, Port: port, Field: field})
		}
	}
	if n := slices.Index(w.HostNames(), host); n >= 0 && !w.Hosts[n].Local() {
		add(w.Hosts[n].SSH.Port, ScopeAll, fmt.Sprintf("hosts[%d].ssh.port", n), serviceSSH)
	}
	if w.Database.Host == host {
		w.databaseListeners(add)
	}
	for n, i := range w.Instances {
		if i.Host != host {
			continue
		}
		name, field := "instance "+i.Name, fmt.Sprintf("instances[%d]", n)
		if i.Name == "" {
			name = fmt.Sprintf("instance %d", n+1)
		}
		add(i.Port, ScopePrivate, field+".port", name)
		add(i.MetricsPort, ScopePrivate, field+".metrics_port", name+" (metrics)")
		if w.Messaging.Transporter == TransporterTCP {
			// Moleculer's TCP transporter knows a port and no address to bind to.
			add(i.TCPPort, ScopeAll, field+".tcp_port", name+" (messaging)")
		}
	}
	if w.Proxy.Host == host {
		add(w.Proxy.HTTPPort, ScopeAll, "proxy.http_port", "the proxy (HTTP)")
		if w.TLS.Mode != TLSNone {
			add(w.Proxy.HTTPSPort, ScopeAll, "proxy.https_port", "the proxy (HTTPS)")
		}
		add(PortProxyHealth, ScopeLoopback, "", "the proxy (health)")
	}
	return out
}

// fieldNodeExporter may be 0, which turns the node exporter off.
const fieldNodeExporter = "database.node_exporter_port"

// serviceSSH is the one listener that rcwizard does not deploy.
const serviceSSH = "the SSH server"

func (w Workspace) databaseListeners(add func(port int, scope Scope, field, service string)) {
	d := w.Database
	if w.RunsMongoDB() {
		add(d.MongoDBPort, ScopePrivate, "database.mongodb_port", "MongoDB")
		add(PortMongoDBExporter, ScopeLoopback, "", "the MongoDB exporter")
	}
	if w.RunsNATS() {
		add(d.NATSPort, ScopePrivate, "database.nats_port", "NATS")
		add(PortNATSMonitoring, ScopeLoopback, "", "NATS (monitoring)")
		add(PortNATSExporter, ScopeLoopback, "", "the NATS exporter")
	}
	if w.RunsMonitoring() {
		add(d.PrometheusPort, ScopeLoopback, "database.prometheus_port", "Prometheus")
		if d.NodeExporterPort != nil {
			add(*d.NodeExporterPort, ScopeLoopback, fieldNodeExporter, "the node exporter")
		}
		add(w.Grafana.Port, ScopePrivate, "grafana.port", "Grafana")
	}
}
