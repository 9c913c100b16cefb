package cluster

import "time"

// Answer is yes, no, or unknown; the zero value means unknown.
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Failure is why a probe saw nothing.
type Failure struct {
	// Text is for a person: "no answer on 10.0.0.11:3000: connection refused".
	Text string `json:"text"`
	// Unseen says that the way there was missing (ErrNoView), or that the
	// looking was called off, so that what was looked for may well be fine.
	Unseen bool `json:"unseen,omitempty"`
}

// Facts is what was seen, without an opinion. The JSON names are stable.
type Facts struct {
	At         time.Time        `json:"at"` // by the operator's clock, in UTC
	ReplicaSet ReplicaSet       `json:"replica_set"`
	Registry   Registry         `json:"registry"`
	Instances  []InstanceReport `json:"instances"`
	Proxy      ProxyReport      `json:"proxy"`
	Prometheus PrometheusReport `json:"prometheus"`
	Grafana    GrafanaReport    `json:"grafana"`
	NATS       NATSReport       `json:"nats"`
}

// ReplicaSet is what hello and buildInfo say.
type ReplicaSet struct {
	Error *Failure `json:"error,omitempty"`
	// Name is setName; empty means that the replica set was never initiated.
	Name string `json:"name,omitempty"`
	// Primary is isWritablePrimary of the member that answered.
	Primary bool     `json:"primary"`
	Me      string   `json:"me,omitempty"`
	Hosts   []string `json:"hosts,omitempty"`
	// Version is the server's, "8.0.12"; empty when it would not say.
	Version string `json:"version,omitempty"`
	// Imitation names a program that speaks MongoDB's protocol without being
	// MongoDB, "FerretDB"; Version is then the one that it imitates.
	Imitation string `json:"imitation,omitempty"`
	// Time is the server's clock.
	Time time.Time `json:"time,omitzero"`
	// Process is what the server's process calls itself, new at each start; empty
	// where it has no name, as before MongoDB 4.4.
	Process string `json:"-"`
}

// Registry is the collection in which every running instance keeps a record
// of itself, fresh by a heartbeat every 10 s on the database's clock.
type Registry struct {
	Error    *Failure `json:"error,omitempty"`
	Database string   `json:"database,omitempty"`
	// Records are sorted by host, port and id.
	Records []Record `json:"records,omitempty"`
}

// RecordState is how a record's heartbeat stands against the server's clock.
type RecordState string

// The states of a record.
const (
	// Fresh: a heartbeat in the last 30 s.
	Fresh RecordState = "fresh"
	// Stale: none for longer. MongoDB removes it about one to two minutes
	// after the last one.
	Stale RecordState = "stale"
	// Ghost: dated in the future, because the server's clock had jumped; it
	// never expires (Rocket.Chat#31016).
	Ghost RecordState = "ghost"
)

// Record is one document of the registry.
type Record struct {
	// ID is the instance's X-Instance-ID, new at each start of the process.
	ID string `json:"id"`
	// Host is INSTANCE_IP, or "localhost" when that is not set.
	Host string `json:"host"`
	Port int    `json:"port"`
	// TCPPort is there only with Rocket.Chat's own TCP transporter.
	TCPPort     int         `json:"tcp_port,omitempty"`
	NodeVersion string      `json:"node_version,omitempty"`
	OS          string      `json:"os,omitempty"`
	Since       time.Time   `json:"since,omitzero"`
	Heartbeat   time.Time   `json:"heartbeat,omitzero"`
	AgeSeconds  int64       `json:"age_seconds"` // of the heartbeat; negative for a ghost
	State       RecordState `json:"state"`
}

// InstanceReport is what one instance says when asked directly.
type InstanceReport struct {
	Name    string   `json:"name"`
	Host    string   `json:"host"`
	Address string   `json:"address"` // of its HTTP port
	Error   *Failure `json:"error,omitempty"`
	// ID is its X-Instance-ID; empty when it sends none.
	ID string `json:"id,omitempty"`
	// InfoVersion is /api/info's, which tells strangers "8.9" of 8.9.1.
	InfoVersion string `json:"info_version,omitempty"`
	// Healthy is what HealthPath answers: /livez, before 7.11 /health.
	Healthy    Answer  `json:"healthy"`
	HealthPath string  `json:"health_path,omitempty"`
	HealthText string  `json:"health_text,omitempty"`
	Metrics    Metrics `json:"metrics"`
	License    License `json:"license"`
}

// Metrics is rocketchat_info of the metrics port.
type Metrics struct {
	Address string   `json:"address"`
	Error   *Failure `json:"error,omitempty"`
	// Version is exact, "8.9.1".
	Version  string `json:"version,omitempty"`
	UniqueID string `json:"unique_id,omitempty"` // of the database
	SiteURL  string `json:"site_url,omitempty"`
}

// License is which modules an instance is licensed for.
type License struct {
	// Scalability is the module without which an instance passes no live
	// events to the others.
	Scalability Answer   `json:"scalability"`
	Modules     []string `json:"modules,omitempty"`
	// Reason says why Scalability is unknown.
	Reason string `json:"reason,omitempty"`
}

// ProxyReport is what a user sees.
type ProxyReport struct {
	URL   string   `json:"url"` // root_url
	Error *Failure `json:"error,omitempty"`
	// Requests were sent, each on a connection of its own without cookies;
	// Answers came back with 200 and Rocket.Chat's info.
	Requests int `json:"requests"`
	Answers  int `json:"answers"`
	// Anonymous of the answers had no X-Instance-ID.
	Anonymous int `json:"anonymous,omitempty"`
	// Seen counts answers by X-Instance-ID, sorted by it.
	Seen []Seen `json:"seen,omitempty"`
	// Refused is the last answer that was not 200, "502 Bad Gateway".
	Refused     string       `json:"refused,omitempty"`
	Certificate *Certificate `json:"certificate,omitempty"` // nil: no TLS
	Redirect    *Redirect    `json:"redirect,omitempty"`    // nil: none wanted
}

// Seen is one instance behind the proxy.
type Seen struct {
	ID      string `json:"id"`
	Answers int    `json:"answers"`
}

// CertificateProblem is why a certificate is not trusted.
type CertificateProblem string

// The problems of a certificate, the first that applies.
const (
	// TraefikDefault: Traefik serves its own stopgap: the ACME authority has
	// not issued one yet, or the given file was not loaded.
	TraefikDefault   CertificateProblem = "traefik-default"
	Expired          CertificateProblem = "expired"
	NotYetValid      CertificateProblem = "not-yet-valid"
	WrongName        CertificateProblem = "wrong-name"
	UnknownAuthority CertificateProblem = "unknown-authority"
	BrokenChain      CertificateProblem = "invalid"
)

// Certificate is the leaf that a server showed.
type Certificate struct {
	Error     *Failure           `json:"error,omitempty"` // no handshake
	Subject   string             `json:"subject,omitempty"`
	Issuer    string             `json:"issuer,omitempty"`
	Names     []string           `json:"names,omitempty"`
	NotBefore time.Time          `json:"not_before,omitzero"`
	NotAfter  time.Time          `json:"not_after,omitzero"`
	Problem   CertificateProblem `json:"problem,omitempty"`
	Detail    string             `json:"detail,omitempty"`
}

// Redirect is the answer to a plain http:// request, or to Grafana's front
// door.
type Redirect struct {
	URL      string   `json:"url"`
	Error    *Failure `json:"error,omitempty"`
	Status   int      `json:"status,omitempty"`
	Location string   `json:"location,omitempty"`
	// Right says that Location leads where it should.
	Right bool `json:"right"`
}

// PrometheusReport is Prometheus' view of its targets.
type PrometheusReport struct {
	// Deployed is false with Grafana's mode none; the rest is then empty.
	Deployed bool     `json:"deployed"`
	Address  string   `json:"address,omitempty"`
	Error    *Failure `json:"error,omitempty"`
	// Targets are sorted by job and address.
	Targets []Target `json:"targets,omitempty"`
}

// Target is one scraped address.
type Target struct {
	Job     string `json:"job"`
	Address string `json:"address"`
	Health  string `json:"health"` // up, down, unknown
	Error   string `json:"error,omitempty"`
}

// GrafanaReport is where Grafana answers.
type GrafanaReport struct {
	Deployed bool `json:"deployed"`
	// Address is its own, on the database host.
	Address string   `json:"address,omitempty"`
	Error   *Failure `json:"error,omitempty"`
	Version string   `json:"version,omitempty"`
	// URL is the users', through the proxy; ProxyError says why its login
	// page could not be had there.
	URL         string       `json:"url,omitempty"`
	ProxyError  *Failure     `json:"proxy_error,omitempty"`
	Redirect    *Redirect    `json:"redirect,omitempty"`
	Certificate *Certificate `json:"certificate,omitempty"` // subdomain only
}

// NATSReport is NATS' view of its clients.
type NATSReport struct {
	Deployed bool     `json:"deployed"`
	Address  string   `json:"address,omitempty"`
	Error    *Failure `json:"error,omitempty"`
	// Clients are the addresses of the connections, sorted; one entry for
	// each connection.
	Clients []string `json:"clients,omitempty"`
}
