package stepstest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rcwizard/rcwizard/cluster/clustertest"
	"github.com/rcwizard/rcwizard/workspace"
)

// dial connects from a host, empty for a user outside, to what listens at an
// address; to nothing else.
func (w *World) dial(from, address string) (net.Conn, error) {
	if from == "" {
		return w.dialDomain(address)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, m := range w.hosts {
		for _, c := range m.containers {
			if c.state != "running" {
				continue
			}
			if handler := w.listens(c, name == from, address); handler != nil {
				return answered(handler), nil
			}
			if c.service == "mongodb" && address == w.w.MongoDBAddress() {
				near, far := net.Pipe()
				go w.mongo.Serve(far)
				return near, nil
			}
		}
	}
	return nil, refused(address)
}

func refused(address string) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("%s: %w", address, syscall.ECONNREFUSED)}
}

// listens is what a container answers at an address with; nil if it does not.
func (w *World) listens(c *container, here bool, address string) http.Handler {
	switch c.service {
	case "rocketchat":
		if address == c.env["BIND_IP"]+":"+c.env["PORT"] || address == c.env["BIND_IP"]+":"+c.env["METRICS_PORT"] {
			return w.instance(c)
		}
	case "nats":
		if here && address == "127.0.0.1:8222" {
			return http.HandlerFunc(w.connections)
		}
	case "prometheus":
		if here && address == "127.0.0.1:"+c.env["PROMETHEUS_PORT"] {
			return http.HandlerFunc(w.targets)
		}
	case "grafana":
		if address == c.env["GRAFANA_BIND_IP"]+":"+c.env["GRAFANA_HOST_PORT"] {
			return clustertest.Grafana(w.w, "12.0.2")
		}
	}
	return nil
}

func (w *World) instance(c *container) *clustertest.Instance {
	_, release, _ := strings.Cut(path.Base(c.image), ":")
	return &clustertest.Instance{
		ID: c.id, Version: release, UniqueID: "Xu9", SiteURL: c.env["ROOT_URL"], Modules: `["scalability"]`,
	}
}

// running are the containers of a service, on all hosts.
func (w *World) running(service string) []*container {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*container
	for _, h := range w.w.Hosts {
		for _, c := range w.hosts[h.Name].containers {
			if c.service == service && c.state == "running" {
				copied := *c
				out = append(out, &copied)
			}
		}
	}
	slices.SortFunc(out, func(a, b *container) int { return strings.Compare(a.project, b.project) })
	return out
}

func (w *World) connections(rw http.ResponseWriter, _ *http.Request) {
	running := w.running("rocketchat")
	all := make([]string, 0, len(running))
	for n, c := range running {
		all = append(all, fmt.Sprintf(`{"cid":%d,"ip":%q,"port":5%d}`, n, c.env["INSTANCE_IP"], n))
	}
	_, _ = fmt.Fprintf(rw, `{"num_connections":%d,"connections":[%s]}`, len(all), strings.Join(all, ","))
}

// targets are those of the file that Prometheus reads.
func (w *World) targets(rw http.ResponseWriter, _ *http.Request) {
	listed := w.listed("prometheus", "file_sd_configs.d/rocketchat.yaml", `- "([0-9.]+:[0-9]+)"`)
	all := make([]string, 1, 1+len(listed))
	all[0] = `{"labels":{"job":"node","instance":"db"},"scrapeUrl":"http://127.0.0.1:9100/metrics","health":"up","lastError":""}`
	for _, address := range listed {
		all = append(all, fmt.Sprintf(`{"labels":{"job":"rocketchat","instance":%q},"scrapeUrl":"http://%s/metrics","health":"up","lastError":""}`, address, address))
	}
	_, _ = fmt.Fprintf(rw, `{"status":"success","data":{"activeTargets":[%s],"droppedTargets":[]}}`, strings.Join(all, ","))
}

// listed are the addresses in a file of the project that a service is of.
func (w *World) listed(service, name, form string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, m := range w.hosts {
		for _, c := range m.containers {
			if c.service != service || c.state != "running" {
				continue
			}
			for at, f := range m.files {
				if strings.HasPrefix(at, c.dir+"/") && strings.HasSuffix(at, "/"+name) {
					for _, found := range regexp.MustCompile(form).FindAllStringSubmatch(f.content, -1) {
						out = append(out, found[1])
					}
				}
			}
		}
	}
	return out
}

// Outside dials as a user does.
func (w *World) Outside(_ context.Context, _, address string) (net.Conn, error) {
	return w.dial("", address)
}

func (w *World) dialDomain(address string) (net.Conn, error) {
	domain, port, err := net.SplitHostPort(address)
	if err != nil || domain != w.w.Domain || len(w.running("traefik")) == 0 {
		return nil, refused(address)
	}
	switch port {
	case "80":
		return answered(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, w.w.RootURL+"/", http.StatusPermanentRedirect)
		})), nil
	case "443":
		near, far := net.Pipe()
		serve(tls.Server(far, &tls.Config{Certificates: []tls.Certificate{w.certificate}, MinVersion: tls.VersionTLS12}), http.HandlerFunc(w.proxy))
		return near, nil
	}
	return nil, refused(address)
}

// proxy sends everybody to the next instance of its list that answers.
func (w *World) proxy(rw http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, w.w.Grafana.Path+"/") && w.w.Grafana.Mode == workspace.GrafanaPath {
		clustertest.Grafana(w.w, "12.0.2").ServeHTTP(rw, r)
		return
	}
	var alive []*container
	listed := w.listed("traefik", "rocketchat.yml", `url: "http://([0-9.]+:3[0-9]+)"`)
	for _, c := range w.running("rocketchat") {
		if slices.Contains(listed, c.env["BIND_IP"]+":"+c.env["PORT"]) {
			alive = append(alive, c)
		}
	}
	if len(alive) == 0 {
		http.Error(rw, "no available server", http.StatusServiceUnavailable)
		return
	}
	w.mu.Lock()
	w.turn++
	next := alive[w.turn%len(alive)]
	w.mu.Unlock()
	w.instance(next).ServeHTTP(rw, r)
}

// answered is a connection on which a handler answers.
func answered(h http.Handler) net.Conn {
	near, far := net.Pipe()
	serve(far, h)
	return near
}

// serve answers on one connection until its other end is closed.
func serve(conn net.Conn, h http.Handler) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = srv.Serve(&once{conn: conn}) }()
}

// once is a listener with one connection.
type once struct {
	mu   sync.Mutex
	conn net.Conn
}

var errNoMore = errors.New("there is no other connection")

func (o *once) Accept() (net.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	conn := o.conn
	o.conn = nil
	if conn == nil {
		return nil, errNoMore
	}
	return conn, nil
}

func (o *once) Close() error   { return nil }
func (o *once) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// issue makes a certificate for the workspace's domain, and who trusts it.
func issue(w workspace.Workspace) (tls.Certificate, *tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: w.Domain}, DNSNames: []string{w.Domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("read a certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
