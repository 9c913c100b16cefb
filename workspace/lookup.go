package workspace

import (
	"net"
	"net/url"
	"slices"
	"strconv"
)

// Role is what a host does in the workspace.
type Role string

// The roles, in the order of the guide.
const (
	RoleDatabase Role = "database" // MongoDB, NATS, monitoring: whatever of these the workspace runs
	RoleInstance Role = "instance"
	RoleProxy    Role = "proxy"
)

// Host returns the host of that name.
func (w Workspace) Host(name string) (Host, bool) {
	i := slices.IndexFunc(w.Hosts, func(h Host) bool { return h.Name == name })
	if i < 0 {
		return Host{}, false
	}
	return w.Hosts[i], true
}

// HostNames returns the names of all hosts, in the order of the file.
func (w Workspace) HostNames() []string {
	names := make([]string, len(w.Hosts))
	for i, h := range w.Hosts {
		names[i] = h.Name
	}
	return names
}

// DatabaseHost returns the host of MongoDB, NATS and monitoring. It is the zero
// Host if the workspace runs none of them.
func (w Workspace) DatabaseHost() Host {
	h, _ := w.Host(w.Database.Host)
	return h
}

// ProxyHost returns the host of the reverse proxy.
func (w Workspace) ProxyHost() Host {
	h, _ := w.Host(w.Proxy.Host)
	return h
}

// Instance returns the instance of that name.
func (w Workspace) Instance(name string) (Instance, bool) {
	n := slices.IndexFunc(w.Instances, func(i Instance) bool { return i.Name == name })
	if n < 0 {
		return Instance{}, false
	}
	return w.Instances[n], true
}

// InstancesOn returns the instances on the host, in the order of the file.
func (w Workspace) InstancesOn(host string) []Instance {
	var out []Instance
	for _, i := range w.Instances {
		if i.Host == host {
			out = append(out, i)
		}
	}
	return out
}

// RolesOn returns what the host does, in the order of the guide, each role once.
func (w Workspace) RolesOn(host string) []Role {
	var out []Role
	if w.RunsDatabaseHost() && w.Database.Host == host {
		out = append(out, RoleDatabase)
	}
	if len(w.InstancesOn(host)) > 0 {
		out = append(out, RoleInstance)
	}
	if w.Proxy.Host == host {
		out = append(out, RoleProxy)
	}
	return out
}

// RunsMongoDB reports whether rcwizard deploys MongoDB.
func (w Workspace) RunsMongoDB() bool { return !w.Database.External }

// RunsNATS reports whether rcwizard deploys NATS: with the transporter tcp the
// instances speak to each other without it.
func (w Workspace) RunsNATS() bool { return w.Messaging.Transporter != TransporterTCP }

// RunsMonitoring reports whether rcwizard deploys Prometheus and Grafana.
func (w Workspace) RunsMonitoring() bool { return w.Grafana.Mode != GrafanaNone }

// RunsDatabaseHost reports whether there is anything to deploy on
// database.host: not with an external database, the transporter tcp and no
// monitoring.
func (w Workspace) RunsDatabaseHost() bool {
	return w.RunsMongoDB() || w.RunsNATS() || w.RunsMonitoring()
}

// Address is where the other hosts reach the instance: its host's private
// address and its port, as host:port with brackets around IPv6. It is empty if
// the host is not known.
func (i Instance) Address(w Workspace) string { return w.at(i.Host, i.Port) }

// MetricsAddress is where Prometheus reads the instance, in the same form.
func (i Instance) MetricsAddress(w Workspace) string { return w.at(i.Host, i.MetricsPort) }

// MongoDBAddress is where the instances reach the workspace's own MongoDB, as
// host:port; empty if the database is external.
func (w Workspace) MongoDBAddress() string {
	if !w.RunsMongoDB() {
		return ""
	}
	return w.at(w.Database.Host, w.Database.MongoDBPort)
}

// NATSAddress is where the instances reach NATS, as host:port; empty with the
// transporter tcp.
func (w Workspace) NATSAddress() string {
	if !w.RunsNATS() {
		return ""
	}
	return w.at(w.Database.Host, w.Database.NATSPort)
}

// NATSURL is the guide's NATS_URL (step 2.3), monolith+nats://host:port; empty
// with the transporter tcp. Rocket.Chat drops every + behind the first, so a
// password in it must not hold one; there is none yet.
func (w Workspace) NATSURL() string {
	if address := w.NATSAddress(); address != "" {
		return "monolith+nats://" + address
	}
	return ""
}

// GrafanaAddress is where the proxy reaches Grafana, as host:port; empty
// without monitoring.
func (w Workspace) GrafanaAddress() string {
	if !w.RunsMonitoring() {
		return ""
	}
	return w.at(w.Database.Host, w.Grafana.Port)
}

// GrafanaURL is where people find Grafana, with a slash at the end: below the
// root URL, or under its own domain with the root URL's scheme and port. It is
// empty without monitoring.
func (w Workspace) GrafanaURL() string {
	root, err := url.Parse(w.RootURL)
	if err != nil || !w.RunsMonitoring() {
		return ""
	}
	if w.Grafana.Mode == GrafanaPath {
		root.Path = w.Grafana.Path + "/"
		return root.String()
	}
	root.Path = "/"
	if port := root.Port(); port != "" {
		root.Host = net.JoinHostPort(w.Grafana.Domain, port)
	} else {
		root.Host = w.Grafana.Domain
	}
	return root.String()
}

func (w Workspace) at(host string, port int) string {
	h, ok := w.Host(host)
	if !ok || h.PrivateIP == "" {
		return ""
	}
	return net.JoinHostPort(h.PrivateIP, strconv.Itoa(port))
}
