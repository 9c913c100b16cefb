// Package workspace is the model of what the administrator wants: the hosts
// and their roles, the domain, the release, Grafana, messaging and storage,
// exactly the fields of workspace.yaml, version 1, and of secrets.yaml.
//
// It promises that a file is read strictly, and every problem in it reported at
// once, with its line and with what to do (Parse, Validate, Load); that defaults
// follow from what is written and from nothing else (Complete); and that what
// it writes, it reads back as it was (Marshal). No problem quotes a secret.
//
// It is pure: it opens no connection, looks at no host, no file and no clock.
// What a host says of itself is in remote/facts; what has been deployed is in
// the receipts on the hosts; how the workspace becomes files is in render.
package workspace

// Version is the version of the workspace.yaml schema that this program
// reads and writes.
const Version = 1

// Workspace is one Rocket.Chat workspace: everything that workspace.yaml
// says. The zero value is an empty file; Complete fills in the defaults that
// follow from what is there.
type Workspace struct {
	// Version is that of the schema; every file must say it.
	Version int `yaml:"version"`
	// Name is the name of the state folder and a part of the compose projects'
	// names: small letters, digits and dashes. Default: the domain with dashes.
	Name string `yaml:"name,omitempty"`
	// Domain is the name that users type, and that the proxy answers to.
	Domain string `yaml:"domain,omitempty"`
	// Email is the contact of the ACME account, and of the first administrator
	// unless Admin says another.
	Email string `yaml:"email,omitempty"`
	// Release is X.Y.Z, for every instance. Default: release.Default.
	Release string `yaml:"release,omitempty"`
	// RootURL is the address that users are told (ROOT_URL), without a slash at
	// the end. Default: from domain, tls and the proxy's port. Its port may be
	// another than the proxy's where something in front passes one on to the other.
	RootURL   string     `yaml:"root_url,omitempty"`
	TLS       TLS        `yaml:"tls,omitempty"`
	Grafana   Grafana    `yaml:"grafana,omitempty"`
	Admin     Admin      `yaml:"admin,omitempty"`
	Hosts     []Host     `yaml:"hosts,omitempty"`
	Database  Database   `yaml:"database,omitempty"`
	Proxy     Proxy      `yaml:"proxy,omitempty"`
	Instances []Instance `yaml:"instances,omitempty"`
	Messaging Messaging  `yaml:"messaging,omitempty"`
	Storage   Storage    `yaml:"storage,omitempty"`
	// Directory is where the roles' directories are made, on every host: an
	// absolute path. Default: /opt/rocketchat.
	Directory string `yaml:"directory,omitempty"`
	// Compose says whose compose files are deployed. Default: ComposeBundled.
	Compose Compose `yaml:"compose,omitempty"`
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

// TLS is how the workspace is reached securely. The files are on the
// operator's machine, in PEM.
type TLS struct {
	// Mode is TLSLetsEncrypt by default.
	Mode TLSMode `yaml:"mode,omitempty"`
	// CAServer is the directory URL of another ACME authority; mode acme.
	CAServer string `yaml:"ca_server,omitempty"`
	// CACertFile is the root of that authority, if it is not a public one; mode
	// acme. The proxy trusts it, and so does rcwizard's own verification.
	CACertFile string `yaml:"ca_cert_file,omitempty"`
	// CertFile is the certificate, with its chain; mode files.
	CertFile string `yaml:"cert_file,omitempty"`
	// KeyFile is the certificate's key; mode files.
	KeyFile string `yaml:"key_file,omitempty"`
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
// nor Grafana is deployed. They run on the database's host.
type Grafana struct {
	// Mode is GrafanaPath by default, and GrafanaSubdomain where there is a
	// domain and no path.
	Mode GrafanaMode `yaml:"mode,omitempty"`
	// Path begins with a slash and has none at its end; mode path. Default:
	// /grafana.
	Path string `yaml:"path,omitempty"`
	// Domain is a name of its own that leads to the proxy too; mode subdomain.
	Domain string `yaml:"domain,omitempty"`
	// Port is where the proxy reaches Grafana. Default: 5050, as in the guide.
	Port int `yaml:"port,omitempty"`
}

// Admin is the first administrator, made before the proxy opens, because
// whoever opens a workspace without one first becomes it.
type Admin struct {
	// Create nil means true.
	Create *bool `yaml:"create,omitempty"`
	// Username is "admin" by default.
	Username string `yaml:"username,omitempty"`
	// Email is the workspace's by default.
	Email string `yaml:"email,omitempty"`
}

// Creates reports whether rcwizard makes the first administrator.
func (a Admin) Creates() bool { return a.Create == nil || *a.Create }

// Host is one Linux machine.
type Host struct {
	// Name is a short name for the file and for messages: small letters, digits
	// and dashes.
	Name string `yaml:"name,omitempty"`
	// Address is where SSH connects: an IP address, without brackets, a name of
	// the DNS or of ~/.ssh/config, or AddressLocal.
	Address string `yaml:"address,omitempty"`
	// PrivateIP is the IP address at which the other hosts reach this one, and on
	// which its services listen. Default: Address, if that is an IP address. All
	// hosts have one of the same family.
	PrivateIP string `yaml:"private_ip,omitempty"`
	SSH       SSH    `yaml:"ssh,flow,omitempty"`
	// Sudo is SudoAuto by default.
	Sudo Sudo `yaml:"sudo,omitempty"`
}

// AddressLocal as a host's address means this machine, without SSH.
const AddressLocal = "local"

// Local reports whether the host is this machine.
func (h Host) Local() bool { return h.Address == AddressLocal }

// SSH is how one host is logged in to; nothing of it is used with AddressLocal.
type SSH struct {
	// User is root by default.
	User string `yaml:"user,omitempty"`
	// Port is 22 by default.
	Port int `yaml:"port,omitempty"`
	// IdentityFile is a private key on the operator's machine, tried besides the
	// agent's.
	IdentityFile string `yaml:"identity_file,omitempty"`
	// ProxyJump is [user@]host[:port], several with commas, as in OpenSSH.
	ProxyJump string `yaml:"proxy_jump,omitempty"`
	// HostKey is the fingerprint that the host must show, SHA256:…; without one
	// known_hosts decides.
	HostKey string `yaml:"host_key,omitempty"`
}

// Sudo says how commands become root on a host.
type Sudo string

// The ways of sudo.
const (
	SudoAuto     Sudo = "auto"     // root needs none; otherwise docker group or sudo without a password
	SudoNever    Sudo = "never"    // the user can do everything itself
	SudoPassword Sudo = "password" // sudo asks; the password is a secret
)

// Database is where MongoDB and NATS run, and monitoring with them. With an
// external MongoDB, Host still says where NATS and monitoring run; it may be
// left out only if neither does (transporter tcp, Grafana none).
type Database struct {
	Host string `yaml:"host,omitempty"`
	// External means a MongoDB that rcwizard does not deploy: Secrets.MongoURL.
	External bool `yaml:"external,omitempty"`
	// MongoDBVersion is major.minor, or with a patch. Default: from the release.
	// It is chosen once: a newer release does not move it.
	MongoDBVersion string `yaml:"mongodb_version,omitempty"`
	// MongoDBPort is 27017 by default.
	MongoDBPort int `yaml:"mongodb_port,omitempty"`
	// NATSPort is 4222 by default.
	NATSPort int `yaml:"nats_port,omitempty"`
	// PrometheusPort is 9090 by default, on 127.0.0.1 only.
	PrometheusPort int `yaml:"prometheus_port,omitempty"`
	// NodeExporterPort nil means 9100, on 127.0.0.1 only; 0 means none, because
	// the host has one of its own.
	NodeExporterPort *int `yaml:"node_exporter_port,omitempty"`
}

// Proxy is the reverse proxy, Traefik.
type Proxy struct {
	Host string `yaml:"host,omitempty"`
	// HTTPPort is 80 by default. Unless TLS is none it redirects to RootURL.
	HTTPPort int `yaml:"http_port,omitempty"`
	// HTTPSPort is 443 by default; nothing listens there if TLS is none.
	HTTPSPort int `yaml:"https_port,omitempty"`
}

// Instance is one Rocket.Chat process. Several may share a host; their ports
// count up from the first free one.
type Instance struct {
	// Name is a part of directories, compose projects and steps. Default: the
	// host's, with -2, -3 … for the next ones on that host.
	Name string `yaml:"name,omitempty"`
	Host string `yaml:"host,omitempty"`
	// Port is where the proxy reaches it: 3000 by default, or the next free one.
	Port int `yaml:"port,omitempty"`
	// MetricsPort is where Prometheus reads it: 9458 or the next free one.
	MetricsPort int `yaml:"metrics_port,omitempty"`
	// TCPPort is where the other instances reach it, transporter tcp only:
	// Messaging.TCPPort or the next free one.
	TCPPort int `yaml:"tcp_port,omitempty"`
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
	// Transporter is TransporterNATS by default.
	Transporter Transporter `yaml:"transporter,omitempty"`
	// TCPPort is the first port for the instances of a host, transporter tcp
	// only. Default: 3301.
	TCPPort int `yaml:"tcp_port,omitempty"`
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
	// Type is StorageGridFS by default.
	Type StorageType `yaml:"type,omitempty"`
	// Bucket must exist; every type but gridfs needs one.
	Bucket string `yaml:"bucket,omitempty"`
	// Region is required for s3, and us-east-1 by default for minio.
	Region string `yaml:"region,omitempty"`
	// Endpoint is a URL without the bucket, which Rocket.Chat adds itself:
	// required for minio, and for an s3 that is not Amazon's.
	Endpoint string `yaml:"endpoint,omitempty"`
	// PathStyle puts the bucket into the path instead of the host's name. Default
	// after Complete: true for minio, false for s3.
	PathStyle *bool `yaml:"path_style,omitempty"`
	// Proxy has files served through Rocket.Chat instead of sending browsers to
	// the endpoint. Default after Complete: true for minio, false for s3 and gcs.
	Proxy *bool `yaml:"proxy,omitempty"`
	// ProjectID is for gcs, and only newer releases use it.
	ProjectID string `yaml:"project_id,omitempty"`
}
