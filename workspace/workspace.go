// Package workspace is the model of what the administrator wants: the hosts
// and their roles, the domain, the release, Grafana, messaging and storage,
// exactly the fields of workspace.yaml, version 1.
//
// It reads and writes that file, fills in defaults, and validates, reporting
// every problem at once. It is pure: it opens no connection and looks at no
// host. What a host says of itself is in remote/facts; what has been deployed
// is in the receipts on the hosts.
package workspace

// Version is the version of the workspace.yaml schema that this program
// reads and writes.
const Version = 1

// Workspace is one Rocket.Chat workspace: everything that workspace.yaml
// says. The zero value is an empty file; Complete fills in the defaults that
// follow from what is there.
type Workspace struct {
	Version   int        `yaml:"version"`
	Name      string     `yaml:"name,omitempty"`     // [a-z0-9-]; default: the domain with dashes
	Domain    string     `yaml:"domain,omitempty"`   // the name that users type
	Email     string     `yaml:"email,omitempty"`    // ACME account
	Release   string     `yaml:"release,omitempty"`  // X.Y.Z
	RootURL   string     `yaml:"root_url,omitempty"` // default: from domain and tls
	TLS       TLS        `yaml:"tls,omitempty"`
	Grafana   Grafana    `yaml:"grafana,omitempty"`
	Admin     Admin      `yaml:"admin,omitempty"`
	Hosts     []Host     `yaml:"hosts,omitempty"`
	Database  Database   `yaml:"database,omitempty"`
	Proxy     Proxy      `yaml:"proxy,omitempty"`
	Instances []Instance `yaml:"instances,omitempty"`
	Messaging Messaging  `yaml:"messaging,omitempty"`
	Storage   Storage    `yaml:"storage,omitempty"`
	Directory string     `yaml:"directory,omitempty"` // on every host; default /opt/rocketchat
}

// TLSMode says where the reverse proxy's certificate comes from.
type TLSMode string

// The modes of TLS.
const (
	TLSLetsEncrypt        TLSMode = "letsencrypt"
	TLSLetsEncryptStaging TLSMode = "letsencrypt-staging"
	TLSACME               TLSMode = "acme"  // another authority's directory: CAServer
	TLSFiles              TLSMode = "files" // the administrator's own certificate
	TLSNone               TLSMode = "none"  // plain HTTP; something in front terminates TLS
)

// UsesACME reports whether certificates are issued by an ACME authority.
func (m TLSMode) UsesACME() bool {
	return m == TLSLetsEncrypt || m == TLSLetsEncryptStaging || m == TLSACME
}

// TLS is how the workspace is reached securely.
type TLS struct {
	Mode       TLSMode `yaml:"mode,omitempty"`
	CAServer   string  `yaml:"ca_server,omitempty"`    // mode acme: directory URL
	CACertFile string  `yaml:"ca_cert_file,omitempty"` // mode acme: root of that authority, PEM, on the operator's machine
	CertFile   string  `yaml:"cert_file,omitempty"`    // mode files: PEM chain, on the operator's machine
	KeyFile    string  `yaml:"key_file,omitempty"`     // mode files: PEM key, on the operator's machine
}

// GrafanaMode says under which address the dashboards are found.
type GrafanaMode string

// The modes of Grafana.
const (
	GrafanaPath      GrafanaMode = "path"
	GrafanaSubdomain GrafanaMode = "subdomain"
	GrafanaNone      GrafanaMode = "none" // no monitoring at all
)

// Grafana is the monitoring stack's face; with mode none neither Prometheus
// nor Grafana is deployed.
type Grafana struct {
	Mode   GrafanaMode `yaml:"mode,omitempty"`
	Path   string      `yaml:"path,omitempty"`
	Domain string      `yaml:"domain,omitempty"`
	Port   int         `yaml:"port,omitempty"` // default 5050
}

// Admin is the first administrator, made before the proxy opens so that no
// passer-by can become it (facts: "First-visitor admin race").
type Admin struct {
	Create   *bool  `yaml:"create,omitempty"` // nil means true
	Username string `yaml:"username,omitempty"`
	Email    string `yaml:"email,omitempty"` // default: the workspace's
}

// Creates reports whether rcwizard makes the first administrator.
func (a Admin) Creates() bool { return a.Create == nil || *a.Create }

// Host is one Linux machine.
type Host struct {
	Name      string `yaml:"name,omitempty"`
	Address   string `yaml:"address,omitempty"`    // where SSH connects; AddressLocal means this machine
	PrivateIP string `yaml:"private_ip,omitempty"` // what the other hosts use: an IP literal
	SSH       SSH    `yaml:"ssh,flow,omitempty"`
	Sudo      Sudo   `yaml:"sudo,omitempty"`
}

// AddressLocal as a host's address means this machine, without SSH.
const AddressLocal = "local"

// Local reports whether the host is this machine.
func (h Host) Local() bool { return h.Address == AddressLocal }

// SSH is how one host is logged in to.
type SSH struct {
	User         string `yaml:"user,omitempty"`
	Port         int    `yaml:"port,omitempty"`
	IdentityFile string `yaml:"identity_file,omitempty"`
	ProxyJump    string `yaml:"proxy_jump,omitempty"`
	HostKey      string `yaml:"host_key,omitempty"` // SHA256:… expected
}

// Sudo says how commands become root on a host.
type Sudo string

// The ways of sudo.
const (
	SudoAuto     Sudo = "auto"     // root needs none; otherwise docker group or sudo without a password
	SudoNever    Sudo = "never"    // the user can do everything itself
	SudoPassword Sudo = "password" // sudo asks; the password is a secret
)

// Database is where MongoDB and NATS run, and monitoring with them; or an
// external MongoDB.
type Database struct {
	Host             string `yaml:"host,omitempty"`
	External         bool   `yaml:"external,omitempty"` // mongo_url in secrets.yaml
	MongoDBVersion   string `yaml:"mongodb_version,omitempty"`
	MongoDBPort      int    `yaml:"mongodb_port,omitempty"`
	NATSPort         int    `yaml:"nats_port,omitempty"`
	PrometheusPort   int    `yaml:"prometheus_port,omitempty"`
	NodeExporterPort *int   `yaml:"node_exporter_port,omitempty"` // nil means 9100; 0: none
}

// Proxy is the reverse proxy, Traefik.
type Proxy struct {
	Host      string `yaml:"host,omitempty"`
	HTTPPort  int    `yaml:"http_port,omitempty"`
	HTTPSPort int    `yaml:"https_port,omitempty"`
}

// Instance is one Rocket.Chat process. Several may share a host; their ports
// count up from the first free one.
type Instance struct {
	Name        string `yaml:"name,omitempty"` // default: the host's, with -2, -3 …
	Host        string `yaml:"host,omitempty"`
	Port        int    `yaml:"port,omitempty"`
	MetricsPort int    `yaml:"metrics_port,omitempty"`
	TCPPort     int    `yaml:"tcp_port,omitempty"` // transporter tcp only
}

// Transporter is how instances pass live events to each other.
type Transporter string

// The transporters.
const (
	TransporterNATS Transporter = "nats"
	TransporterTCP  Transporter = "tcp"
)

// Messaging is the inter-instance communication.
type Messaging struct {
	Transporter Transporter `yaml:"transporter,omitempty"`
	TCPPort     int         `yaml:"tcp_port,omitempty"` // first port; counts up per host
}

// StorageType is where uploaded files are kept.
type StorageType string

// The kinds of storage.
const (
	StorageGridFS StorageType = "gridfs"
	StorageS3     StorageType = "s3"
	StorageMinIO  StorageType = "minio"
	StorageGCS    StorageType = "gcs"
)

// Storage is the file storage, the same for every instance; its keys are in
// Secrets.
type Storage struct {
	Type      StorageType `yaml:"type,omitempty"`
	Bucket    string      `yaml:"bucket,omitempty"`
	Region    string      `yaml:"region,omitempty"`
	Endpoint  string      `yaml:"endpoint,omitempty"` // URL without the bucket
	PathStyle *bool       `yaml:"path_style,omitempty"`
	Proxy     *bool       `yaml:"proxy,omitempty"` // serve files through Rocket.Chat; default true for minio
	ProjectID string      `yaml:"project_id,omitempty"`
}
