package check

import (
	"net"
	"slices"
	"strconv"

	"github.com/rcwizard/rcwizard/workspace"
)

// World is the host name of everybody outside.
const World = ""

// Edge is one connection that a workspace needs: From opens TCP connections to
// Port on To. From and To are names of hosts. On an edge from a host to itself
// no firewall in between can be in the way, but its own can.
type Edge struct {
	// From is World for what is open to everybody.
	From string `json:"from"`
	To   string `json:"to"`
	Port int    `json:"port"`
	// Address is where From connects, host:port. It is empty on an edge from
	// World: the world knows the proxy by an address that is not in the workspace.
	Address string `json:"address,omitempty"`
	// Service says what listens: "MongoDB", "instance rc1 (metrics)".
	Service string `json:"service"`
	// Why says what would not work without it.
	Why string `json:"why"`
	// External says that To is no host of the workspace, but a name or address of
	// the external database.
	External bool `json:"external,omitempty"`
}

// Path identifies an edge, whatever flows over it.
type Path struct {
	From, To string
	Port     int
}

// Path returns the edge's identity.
func (e Edge) Path() Path { return Path{e.From, e.To, e.Port} }

// Self reports whether a host speaks to itself.
func (e Edge) Self() bool { return e.From == e.To }

// ID is the id of the finding about the edge.
func (e Edge) ID() string {
	from := e.From
	if from == World {
		from = "world"
	}
	return "port:" + from + ":" + e.To + ":" + strconv.Itoa(e.Port)
}

// Edges is every connection between hosts, and from the world, that the complete
// workspace needs, each once: by the host that is connected to, the port, and
// the host that connects, in the order of the file. It is the one source for the
// port matrix, the exposure check and the firewall lines.
func Edges(w workspace.Workspace) []Edge {
	var out []Edge
	seen := map[Path]bool{}
	add := func(from, to string, port int, service, why string) {
		e := Edge{From: from, To: to, Port: port, Service: service, Why: why}
		if port == 0 || to == "" || seen[e.Path()] {
			return
		}
		seen[e.Path()] = true
		if h, ok := w.Host(to); ok && from != World && h.PrivateIP != "" {
			e.Address = net.JoinHostPort(h.PrivateIP, strconv.Itoa(port))
		}
		out = append(out, e)
	}
	d := w.Database
	if w.RunsMongoDB() {
		add(d.Host, d.Host, d.MongoDBPort, "MongoDB", "the replica set's member reaches itself at the address that it advertises")
	}
	for _, i := range w.Instances {
		if w.RunsMongoDB() {
			add(i.Host, d.Host, d.MongoDBPort, "MongoDB", "the instances keep everything in MongoDB")
		}
		if w.RunsNATS() {
			add(i.Host, d.Host, d.NATSPort, "NATS", "the instances pass live events to each other through NATS")
		}
		service := "instance " + i.Name
		if w.Proxy.Host != "" {
			add(w.Proxy.Host, i.Host, i.Port, service, "the proxy passes requests on to the instances")
		}
		if w.RunsMonitoring() && d.Host != "" {
			add(d.Host, i.Host, i.MetricsPort, service+" (metrics)", "Prometheus reads the instances' metrics")
		}
		if w.Messaging.Transporter == workspace.TransporterTCP {
			for _, other := range w.Instances {
				if other.Name != i.Name {
					add(other.Host, i.Host, i.TCPPort, service+" (messaging)", "the instances pass live events to each other")
				}
			}
		}
	}
	if w.RunsMonitoring() && w.Proxy.Host != "" {
		add(w.Proxy.Host, d.Host, w.Grafana.Port, "Grafana", "the proxy passes requests on to Grafana")
	}
	add(World, w.Proxy.Host, w.Proxy.HTTPPort, "the proxy (HTTP)", "people reach the workspace, or are sent on to HTTPS")
	if w.TLS.Mode != workspace.TLSNone {
		add(World, w.Proxy.Host, w.Proxy.HTTPSPort, "the proxy (HTTPS)", httpsWhy(w))
	}
	order := w.HostNames()
	slices.SortStableFunc(out, func(a, b Edge) int {
		if n := slices.Index(order, a.To) - slices.Index(order, b.To); n != 0 {
			return n
		}
		if n := a.Port - b.Port; n != 0 {
			return n
		}
		return slices.Index(order, a.From) - slices.Index(order, b.From)
	})
	return out
}

func httpsWhy(w workspace.Workspace) string {
	if w.TLS.Mode.UsesACME() {
		return "people reach the workspace, and the certificate is issued over this port"
	}
	return "people reach the workspace"
}

// ExternalEdges is what the instances need of an external database, of which
// mongo_url, a secret, names the members: host:port, without anything else of
// it. Members that are not host:port are left out.
func ExternalEdges(w workspace.Workspace, members []string) []Edge {
	if w.RunsMongoDB() {
		return nil
	}
	var out []Edge
	seen := map[Path]bool{}
	for _, member := range members {
		host, text, err := net.SplitHostPort(member)
		port, err2 := strconv.Atoi(text)
		if err != nil || err2 != nil || host == "" || port < 1 || port > 65535 {
			continue
		}
		for _, i := range w.Instances {
			e := Edge{
				From: i.Host, To: host, Port: port, Address: member, External: true,
				Service: "the external MongoDB", Why: "the instances keep everything in MongoDB",
			}
			if !seen[e.Path()] {
				seen[e.Path()] = true
				out = append(out, e)
			}
		}
	}
	return out
}

// Place is where something must be able to listen, once the workspace is
// deployed.
type Place struct {
	Host string `json:"host"`
	// Scope says on which of the host's addresses.
	Scope workspace.Scope `json:"scope"`
	Port  int             `json:"port"`
}

// Site is a place and what listens there.
type Site struct {
	Place
	// Address is the address to listen on: 127.0.0.1, the private address, or
	// empty for every address.
	Address string
	Service string
}

// Places is everywhere that the workspace's services listen, the SSH server not
// counted: by host, in the order of the file. MongoDB is there twice, since it
// listens on 127.0.0.1 besides its private address, and another MongoDB of the
// distribution would be there.
func Places(w workspace.Workspace) []Site {
	var out []Site
	for _, h := range w.Hosts {
		for _, l := range w.Listeners(h.Name) {
			if l.Field != "" && l.Port == h.SSH.Port && !h.Local() && l.Service == sshService {
				continue
			}
			out = append(out, site(h, l.Scope, l.Port, l.Service))
			if w.RunsMongoDB() && w.Database.Host == h.Name && l.Scope == workspace.ScopePrivate && l.Port == w.Database.MongoDBPort {
				out = append(out, site(h, workspace.ScopeLoopback, l.Port, l.Service))
			}
		}
	}
	return out
}

// sshService is how workspace calls the one listener that rcwizard does not
// deploy.
const sshService = "the SSH server"

func site(h workspace.Host, scope workspace.Scope, port int, service string) Site {
	s := Site{Place: Place{Host: h.Name, Scope: scope, Port: port}, Service: service}
	switch scope {
	case workspace.ScopeLoopback:
		s.Address = "127.0.0.1"
	case workspace.ScopePrivate:
		s.Address = h.PrivateIP
	case workspace.ScopeAll:
	}
	return s
}

// ID is the id of the finding about the place.
func (p Place) ID() string {
	kind := "listen:"
	if p.Scope == workspace.ScopeLoopback {
		kind = "loopback:"
	}
	return kind + p.Host + ":" + strconv.Itoa(p.Port)
}
