package workspace

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace/release"
)

// The defaults that are numbers or paths; the others follow from what is there.
const (
	defaultDirectory    = "/opt/rocketchat"
	defaultGrafanaPath  = "/grafana"
	defaultGrafanaPort  = 5050
	defaultMongoDBPort  = 27017
	defaultNATSPort     = 4222
	defaultPrometheus   = 9090
	defaultNodeExporter = 9100
	defaultHTTPPort     = 80
	defaultHTTPSPort    = 443
	defaultSSHUser      = "root"
	defaultSSHPort      = 22
	firstPort           = 3000 // guide step 2: Rocket.Chat's own default
	firstMetricsPort    = 9458 // guide step 1: METRICS_PORT
	firstTCPPort        = 3301
)

// Complete returns the workspace with every default filled in: what is said
// stays as it is, and what is not said follows from it. It writes addresses and
// names that are the same in several spellings in one of them. It shares no
// memory with w, and completing twice is completing once.
//
// The ports of instances count up per host, past every port that something
// else on that host has. They depend on which instances are there, so a
// workspace that has been deployed must be kept complete: otherwise the removal
// of one instance would move the ports of the next.
func (w Workspace) Complete() Workspace {
	w = w.Clone()
	or(&w.Version, Version)
	w.Domain = strings.ToLower(w.Domain)
	or(&w.Name, nameFrom(w.Domain))
	or(&w.Release, release.Default().String())
	or(&w.TLS.Mode, TLSLetsEncrypt)
	or(&w.Proxy.HTTPPort, defaultHTTPPort)
	or(&w.Proxy.HTTPSPort, defaultHTTPSPort)
	or(&w.RootURL, w.defaultRootURL())
	if u, err := url.Parse(w.RootURL); err == nil && u.Host != "" && u.Path == "/" && u.RawQuery == "" && u.Fragment == "" {
		w.RootURL = strings.TrimSuffix(w.RootURL, "/")
	}
	or(&w.Messaging.Transporter, TransporterNATS)
	if w.Messaging.Transporter == TransporterTCP {
		or(&w.Messaging.TCPPort, firstTCPPort)
	}
	or(&w.Directory, defaultDirectory)
	or(&w.Compose, ComposeBundled)

	w.completeGrafana()
	w.completeAdmin()
	for i := range w.Hosts {
		w.Hosts[i].complete()
	}
	w.completeDatabase()
	w.Storage.complete()
	w.completeInstanceNames()
	w.completePorts()
	return w
}

// or sets a field that is not set.
func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// orNew sets a pointer that is nil.
func orNew[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// Clone returns a copy that shares no memory with w.
func (w Workspace) Clone() Workspace {
	w.Hosts = slices.Clone(w.Hosts)
	w.Instances = slices.Clone(w.Instances)
	w.Admin.Create = clonePointer(w.Admin.Create)
	w.Database.NodeExporterPort = clonePointer(w.Database.NodeExporterPort)
	w.Storage.PathStyle = clonePointer(w.Storage.PathStyle)
	w.Storage.Proxy = clonePointer(w.Storage.Proxy)
	return w
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	value := *p
	return &value
}

// nameFrom is the domain with dashes, without what a name may not hold.
func nameFrom(domain string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == '.' || r == '-' || r == '_':
			return '-'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, domain)
	return strings.Trim(name[:min(len(name), 63)], "-")
}

// defaultRootURL is the address that the domain, the certificate and the port
// of the proxy make together.
func (w Workspace) defaultRootURL() string {
	if w.Domain == "" {
		return ""
	}
	scheme, port, usual := "https", w.Proxy.HTTPSPort, defaultHTTPSPort
	if w.TLS.Mode == TLSNone {
		scheme, port, usual = "http", w.Proxy.HTTPPort, defaultHTTPPort
	}
	if port == usual {
		return scheme + "://" + w.Domain
	}
	return scheme + "://" + net.JoinHostPort(w.Domain, strconv.Itoa(port))
}

func (w *Workspace) completeGrafana() {
	g := &w.Grafana
	if g.Mode == "" && g.Domain != "" && g.Path == "" {
		g.Mode = GrafanaSubdomain // as the guide's .env has it
	}
	or(&g.Mode, GrafanaPath)
	g.Domain = strings.ToLower(g.Domain)
	if g.Mode == GrafanaNone {
		return
	}
	if g.Mode == GrafanaPath {
		or(&g.Path, defaultGrafanaPath)
	}
	or(&g.Port, defaultGrafanaPort)
}

func (w *Workspace) completeAdmin() {
	orNew(&w.Admin.Create, true)
	if w.Admin.Creates() {
		or(&w.Admin.Username, "admin")
		or(&w.Admin.Email, w.Email)
	}
}

func (h *Host) complete() {
	if !h.Local() {
		or(&h.SSH.User, defaultSSHUser)
		or(&h.SSH.Port, defaultSSHPort)
	}
	or(&h.Sudo, SudoAuto)
	if ip, err := netip.ParseAddr(h.Address); err == nil {
		h.Address = ip.Unmap().String()
		if ip.Zone() == "" {
			or(&h.PrivateIP, h.Address)
		}
	}
	if ip, err := netip.ParseAddr(h.PrivateIP); err == nil {
		h.PrivateIP = ip.Unmap().String()
	}
}

func (w *Workspace) completeDatabase() {
	d := &w.Database
	if !d.External {
		or(&d.MongoDBPort, defaultMongoDBPort)
		if r, err := release.Parse(w.Release); err == nil {
			version, _, _ := release.MongoDB(r)
			or(&d.MongoDBVersion, version)
		}
	}
	if w.RunsNATS() {
		or(&d.NATSPort, defaultNATSPort)
	}
	if w.RunsMonitoring() {
		or(&d.PrometheusPort, defaultPrometheus)
		orNew(&d.NodeExporterPort, defaultNodeExporter)
	}
}

func (s *Storage) complete() {
	or(&s.Type, StorageGridFS)
	switch s.Type {
	case StorageMinIO:
		or(&s.Region, "us-east-1") // MinIO's own default; Rocket.Chat needs one to sign
		orNew(&s.PathStyle, true)
		orNew(&s.Proxy, true) // browsers seldom reach a MinIO on a private address
	case StorageS3:
		orNew(&s.PathStyle, false)
		orNew(&s.Proxy, false)
	case StorageGCS:
		orNew(&s.Proxy, false)
	case StorageGridFS:
	}
}

// completeInstanceNames calls an instance like its host, the next one on the
// same host with -2, and so on, past names that are taken.
func (w *Workspace) completeInstanceNames() {
	taken := map[string]bool{}
	for _, i := range w.Instances {
		taken[i.Name] = true
	}
	for n := range w.Instances {
		i := &w.Instances[n]
		if i.Name != "" || i.Host == "" {
			continue
		}
		i.Name = i.Host
		for count := 2; taken[i.Name]; count++ {
			i.Name = fmt.Sprintf("%s-%d", i.Host, count)
		}
		taken[i.Name] = true
	}
}

// completePorts gives every instance the ports that it does not have yet.
func (w *Workspace) completePorts() {
	used := map[string]map[int]bool{}
	for _, i := range w.Instances {
		if used[i.Host] == nil {
			used[i.Host] = map[int]bool{}
			for _, l := range w.Listeners(i.Host) {
				used[i.Host][l.Port] = true
			}
		}
	}
	for n := range w.Instances {
		i := &w.Instances[n]
		assign(&i.Port, firstPort, used[i.Host])
		assign(&i.MetricsPort, firstMetricsPort, used[i.Host])
		if w.Messaging.Transporter == TransporterTCP {
			assign(&i.TCPPort, w.Messaging.TCPPort, used[i.Host])
		}
	}
}

// assign sets a port that is not set to the first free one from first on. When
// there is none, it leaves it at 0, which Validate reports.
func assign(port *int, first int, used map[int]bool) {
	for candidate := max(first, 1); *port == 0 && candidate <= maxPort; candidate++ {
		if !used[candidate] {
			*port = candidate
			used[candidate] = true
		}
	}
}
