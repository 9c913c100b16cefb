package workspace

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// grafanaNowhere is the problem of the guide's step 1.5 taken halfway:
// GRAFANA_PATH emptied for a subdomain, and no GRAFANA_DOMAIN.
func grafanaNowhere(field string) Problem {
	return Problem{
		Severity: Error, Field: field,
		Text: "Grafana has neither a path nor a domain, so there is no address for it",
		Hint: "write grafana.path, such as /grafana, or a grafana.domain of its own, or set grafana.mode: none to do without monitoring",
	}
}

var pathForm = regexp.MustCompile(`^(/[A-Za-z0-9_.~-]+)+$`)

func (c *checker) grafana() {
	g := c.w.Grafana
	switch g.Mode {
	case GrafanaPath:
		if g.Path == "" && g.Domain == "" {
			c.found = append(c.found, grafanaNowhere("grafana.path"))
		} else {
			c.grafanaPath()
		}
		if g.Domain != "" {
			c.warnf("grafana.domain", "remove it, or set grafana.mode: subdomain", "is not used in mode path")
		}
	case GrafanaSubdomain:
		switch {
		case g.Path == "" && g.Domain == "":
			c.found = append(c.found, grafanaNowhere("grafana.domain"))
		case strings.EqualFold(g.Domain, c.w.Domain):
			c.failf("grafana.domain", "use another name, such as grafana."+c.w.Domain+", or mode path", "%s is the workspace's own domain", shorten(g.Domain))
		default:
			c.domain("grafana.domain", g.Domain, "a name of its own, such as grafana."+c.w.Domain)
		}
		if g.Path != "" {
			c.warnf("grafana.path", "remove it, or set grafana.mode: path", "is not used in mode subdomain")
		}
	case GrafanaNone:
		if g.Path != "" || g.Domain != "" || g.Port != 0 {
			c.warnf("grafana", "remove path, domain and port, or set another mode", "mode none deploys no monitoring, so the rest is not used")
		}
	default:
		modes := []string{string(GrafanaPath), string(GrafanaSubdomain), string(GrafanaNone)}
		c.failf("grafana.mode", didYouMean(string(g.Mode), modes), "%s is not a mode of Grafana", shorten(string(g.Mode)))
	}
}

// grafanaPath judges the path below which the proxy sends requests to Grafana.
func (c *checker) grafanaPath() {
	const field, hint = "grafana.path", "such as /grafana"
	p := c.w.Grafana.Path
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	switch {
	case !strings.HasPrefix(p, "/"):
		c.failf(field, "write /"+p, "%s does not begin with a slash", shorten(p))
	case p == "/":
		c.failf(field, hint, "/ is where Rocket.Chat itself is; Grafana would take all of it")
	case strings.HasSuffix(p, "/"):
		c.failf(field, "write "+strings.TrimRight(p, "/"), "%s ends with a slash", shorten(p))
	case path.Clean(p) != p || !pathForm.MatchString(p):
		c.failf(field, hint, "%s is not a plain path of letters, digits, dots, dashes and underscores", shorten(p))
	case slices.Contains(rocketChatPaths(), strings.ToLower(first)):
		c.failf(field, hint, "Rocket.Chat itself answers below /%s", first)
	}
}

// rocketChatPaths are the first parts of the paths that Rocket.Chat's own
// clients, apps and health checks use.
func rocketChatPaths() []string {
	return []string{
		"_oauth", "_saml", "account", "admin", "api", "assets", "avatar", "channel", "custom-sounds", "data-export", "direct",
		"directory", "emoji-custom", "file-decrypt", "file-upload", "group", "health", "home", "hooks", "images", "livechat", "livez", "login",
		"marketplace", "meet", "metrics", "oauth", "omnichannel", "packages", "readyz", "register", "reset-password", "room", "saml",
		"setup-wizard", "sockjs", "sounds", "ufs", "websocket",
	}
}

func (c *checker) messaging() {
	m := c.w.Messaging
	switch m.Transporter {
	case TransporterTCP:
		c.port("messaging.tcp_port", m.TCPPort)
		for n, i := range c.w.Instances {
			if i.TCPPort == 0 && m.TCPPort <= maxPort {
				c.failf(fmt.Sprintf("instances[%d].tcp_port", n), "write one", "no port is free for it from %d on", m.TCPPort)
			}
		}
	case TransporterNATS:
		const hint = "remove it, or set messaging.transporter: tcp"
		if m.TCPPort != 0 {
			c.warnf("messaging.tcp_port", hint, "is not used with the transporter nats")
		}
		for n, i := range c.w.Instances {
			if i.TCPPort != 0 {
				c.warnf(fmt.Sprintf("instances[%d].tcp_port", n), hint, "is not used with the transporter nats")
			}
		}
	default:
		known := []string{string(TransporterNATS), string(TransporterTCP)}
		c.failf("messaging.transporter", didYouMean(string(m.Transporter), known), "%s is not a transporter", shorten(string(m.Transporter)))
	}
}

// database judges what roles, ports and release have not.
func (c *checker) database() {
	d := c.w.Database
	if d.External {
		const hint = "remove it, or database.external"
		if d.MongoDBVersion != "" {
			c.warnf("database.mongodb_version", hint, "is not used: the database is external")
		}
		if d.MongoDBPort != 0 {
			c.warnf("database.mongodb_port", hint, "is not used: the database is external, and mongo_url has its port")
		}
	}
	if p := d.NodeExporterPort; p != nil && (*p < 0 || *p > maxPort) {
		c.failf(fieldNodeExporter, "use a number from 1 to 65535, or 0 for no node exporter", "%d is not a port", *p)
	}
}

var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

func (c *checker) storage() {
	s := c.w.Storage
	switch s.Type {
	case StorageGridFS:
		if s.Bucket != "" || s.Region != "" || s.Endpoint != "" || s.ProjectID != "" {
			c.warnf("storage", "set storage.type to s3, minio or gcs to use a bucket", "type gridfs keeps files in MongoDB, so bucket, region, endpoint and project_id are not used")
		}
		return
	case StorageS3, StorageMinIO, StorageGCS:
	default:
		known := []string{string(StorageGridFS), string(StorageS3), string(StorageMinIO), string(StorageGCS)}
		c.failf("storage.type", didYouMean(string(s.Type), known), "%s is not a kind of storage", shorten(string(s.Type)))
		return
	}
	switch {
	case s.Bucket == "":
		c.failf("storage.bucket", "write the name of a bucket that exists", "missing: storage.type is %s", s.Type)
	case !bucketForm.MatchString(s.Bucket):
		c.failf("storage.bucket", "use small letters, digits, dots, dashes and underscores, 3 to 222 of them", "%s cannot be the name of a bucket", shorten(s.Bucket))
	}
	switch s.Type {
	case StorageS3:
		if s.Region == "" {
			c.failf("storage.region", "write the bucket's region, such as eu-central-1", "missing: storage.type is s3")
		}
		if s.Endpoint != "" {
			c.endpoint()
		}
	case StorageMinIO:
		if s.Endpoint == "" {
			c.failf("storage.endpoint", "write MinIO's address without the bucket, such as http://10.0.0.20:9000", "missing: storage.type is minio")
		} else {
			c.endpoint()
		}
	case StorageGCS, StorageGridFS:
	}
	if s.Type == StorageGCS {
		if s.Endpoint != "" || s.Region != "" || s.PathStyle != nil {
			c.warnf("storage", "remove them", "type gcs does not use endpoint, region and path_style")
		}
	} else if s.ProjectID != "" {
		c.warnf("storage.project_id", "remove it", "is used by type gcs only")
	}
}

// endpoint judges the address of an S3 server.
func (c *checker) endpoint() {
	const field = "storage.endpoint"
	s := c.w.Storage
	u, err := url.Parse(s.Endpoint)
	switch {
	case strings.Contains(s.Endpoint, "@"): // not quoted: it may hold a password
		c.failf(field, "write the keys into secrets.yaml, as storage_access_key and storage_secret_key", "holds a user or a password")
		return
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		c.failf(field, "such as https://s3.example.com or http://10.0.0.20:9000", "%s is not an http:// or https:// URL", shorten(s.Endpoint))
		return
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		c.failf(field, "write "+u.Scheme+"://"+u.Host+"; Rocket.Chat adds the bucket itself, and would add it twice", "%s has a path", shorten(s.Endpoint))
		return
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !isPublic(ip) && s.Proxy != nil && !*s.Proxy {
		c.warnf("storage.proxy", "set storage.proxy: true", "browsers are sent to %s for files, which they can hardly reach", u.Host)
	}
}
