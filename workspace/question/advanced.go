package question

import (
	"slices"

	"github.com/rcwizard/rcwizard/workspace"
)

// advanced are the questions with an answer that is right for most.
func advanced() []Question {
	mongodb := func(w workspace.Workspace, _ place) bool { return w.RunsMongoDB() }
	monitoring := func(w workspace.Workspace, _ place) bool { return w.RunsMonitoring() }
	overTCP := func(w workspace.Workspace, _ place) bool {
		return w.Messaging.Transporter == workspace.TransporterTCP
	}
	return slices.Concat(certificate(), []Question{
		{
			Key: "name", page: Advanced, Title: "Name of the workspace",
			Help: "Of its folder on this machine, and in the names of the compose projects.",
		},
		{
			Key: "root_url", page: Advanced, Title: "Address for users",
			Help: "ROOT_URL; another one than the domain's where something in front passes a port on.",
		},
		{
			Key: "directory", page: Advanced, Title: "Directory",
			Help: "Where the files go, on every server.",
		},
		{
			Key: "messaging.transporter", page: Advanced, Kind: Choice, Title: "Messages between instances",
			Help: "How instances pass live events to each other.",
			options: func(workspace.Workspace) []Option {
				return []Option{
					{Value: string(workspace.TransporterNATS), Title: "NATS", Help: "On the database's server, as in the guide."},
					{Value: string(workspace.TransporterTCP), Title: "TCP", Help: "From instance to instance, without NATS: every instance must reach every other."},
				}
			},
		},
		{
			Key: "messaging.tcp_port", page: Advanced, Kind: Number, Title: "First port for messages",
			Help: "Of the instances on a server, from which the others count up.", when: overTCP,
		},
		{
			Key: "database.external", page: Advanced, Kind: Toggle, Title: "A MongoDB of your own",
			Help: "Instead of the one that rcwizard deploys; NATS and monitoring stay where the database would be.",
		},
		{
			Key: "mongo_url", page: Advanced, Kind: Secret, Title: "Connection string",
			Help: "Of the MongoDB, with a database and a replica set, such as mongodb://db1:27017/rocketchat?replicaSet=rs0.",
			when: func(w workspace.Workspace, _ place) bool { return w.Database.External },
		},
		{
			Key: "database.mongodb_version", page: Advanced, Title: "Version of MongoDB",
			Help: "Chosen once: data of one version are not simply opened by an older one.", when: mongodb,
		},
		port("database.mongodb_port", "Port of MongoDB", "On the private address of the database's server.", mongodb),
		port("database.nats_port", "Port of NATS", "On the private address of the database's server.",
			func(w workspace.Workspace, _ place) bool { return w.RunsNATS() }),
		port("database.prometheus_port", "Port of Prometheus", "On 127.0.0.1 of the database's server.", monitoring),
		port("database.node_exporter_port", "Port of the node exporter", "On 127.0.0.1 of the database's server; 0 if it has one of its own.", monitoring),
		port("grafana.port", "Port of Grafana", "Where the proxy reaches it, on the private address of the database's server.", monitoring),
		port("proxy.http_port", "HTTP port", "Of the reverse proxy; it leads on to HTTPS unless there is no certificate.", nil),
		port("proxy.https_port", "HTTPS port", "Of the reverse proxy.",
			func(w workspace.Workspace, _ place) bool { return w.TLS.Mode != workspace.TLSNone }),
		{
			Key: ofInstance + "name", page: Advanced, Title: "Name of the instance",
			Help: "Of its directory and its compose project.",
		},
		port(ofInstance+"port", "Port of the instance", "Where the proxy reaches it, on the private address.", nil),
		port(ofInstance+"metrics_port", "Port of its metrics", "Where Prometheus reads it, on the private address.", nil),
		port(ofInstance+"tcp_port", "Port for messages", "Where the other instances reach it.", overTCP),
		{
			Key: ofHost + "ssh.host_key", page: Advanced, Title: "Fingerprint",
			Help:  "The host key that the server must show, as SHA256: and 43 characters (ssh-keygen -lf prints it)",
			Blank: "what known_hosts says", when: func(w workspace.Workspace, at place) bool { return !w.Hosts[at.n].Local() },
		},
	})
}

// certificate are the questions about TLS, which move to the domain's page where
// there is something to be chosen.
func certificate() []Question {
	tls := func(modes ...workspace.TLSMode) func(workspace.Workspace, place) bool {
		return func(w workspace.Workspace, _ place) bool { return slices.Contains(modes, w.TLS.Mode) }
	}
	out := []Question{
		{
			Key: "tls.mode", Kind: Choice, Title: "Certificate",
			Help:    "Where the reverse proxy's certificate comes from.",
			options: tlsModes, also: []string{"domain", "grafana.domain", "proxy.https_port", "root_url"},
		},
		{
			Key: "tls.ca_server", Title: "Authority's address",
			Help: "The directory URL of the ACME authority, such as https://ca.example.com/acme/acme/directory.", when: tls(workspace.TLSACME),
		},
		{
			Key: "tls.ca_cert_file", Title: "Authority's root",
			Help:  "A PEM file on this machine, if the authority is not a public one.",
			Blank: "a public authority", when: tls(workspace.TLSACME),
		},
		{
			Key: "tls.cert_file", Title: "Certificate's file",
			Help: "A PEM file on this machine, with the chain.", when: tls(workspace.TLSFiles),
		},
		{
			Key: "tls.key_file", Title: "Key's file",
			Help: "A PEM file on this machine.", when: tls(workspace.TLSFiles),
		},
	}
	for n := range out {
		out[n].page, out[n].moved = Advanced, certificatePage
	}
	return out
}

func port(key, title, help string, when func(workspace.Workspace, place) bool) Question {
	return Question{Key: key, page: Advanced, Kind: Number, Title: title, Help: help, when: when}
}

// certificatePage is Advanced, unless the usual authority issues no certificate
// for the domain: then there is something to be chosen.
func certificatePage(w workspace.Workspace) Page {
	// Of the domain alone: this is asked at every key.
	w = workspace.Workspace{Domain: w.Domain, TLS: workspace.TLS{Mode: workspace.TLSLetsEncrypt}}
	issued := domainErrors(w)
	withoutAuthority(&w)
	if issued > domainErrors(w) {
		return Workspace
	}
	return Advanced
}

func domainErrors(w workspace.Workspace) int {
	count := 0
	for _, p := range w.Complete().Validate().Errors() {
		if p.Field == "domain" {
			count++
		}
	}
	return count
}

func tlsModes(workspace.Workspace) []Option {
	return []Option{
		{Value: string(workspace.TLSLetsEncrypt), Title: "Let's Encrypt", Help: "Needs a public name, and port 443 open to the internet."},
		{Value: string(workspace.TLSLetsEncryptStaging), Title: "Let's Encrypt's staging", Help: "To try things out; browsers do not trust it."},
		{Value: string(workspace.TLSACME), Title: "another ACME authority", Help: "Such as step-ca in your own network."},
		{Value: string(workspace.TLSFiles), Title: "your own certificate", Help: "Two files on this machine."},
		{Value: string(workspace.TLSNone), Title: "none", Help: "Plain HTTP; something in front terminates TLS."},
	}
}
