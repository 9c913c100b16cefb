package loaders

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// backend stands for one instance: it says who it is, upgrades to WebSocket,
// and can be killed and started again on the same port.
type backend struct {
	name, address string
	server        *http.Server
	mu            sync.Mutex
	requests      int // but for health checks
}

func (b *backend) start(t *testing.T) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	b.address = listener.Addr().String()
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: time.Minute}
	go func() { _ = b.server.Serve(listener) }()
	t.Cleanup(func() { _ = b.server.Close() })
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/livez" {
		return
	}
	b.mu.Lock()
	b.requests++
	b.mu.Unlock()
	w.Header().Set("X-Instance-Id", b.name)
	if r.Header.Get("Upgrade") == "websocket" {
		connection, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer func() { _ = connection.Close() }()
		fmt.Fprintf(buffer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello from %s\n", b.name)
		_ = buffer.Flush()
		line, _ := buffer.ReadString('\n')
		_, _ = buffer.WriteString("echo " + line)
		_ = buffer.Flush()
		return
	}
	fmt.Fprintln(w, b.name, r.Header.Get("X-Forwarded-Proto"), r.Host)
}

func (b *backend) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests
}

func (b *backend) port(t *testing.T) int {
	t.Helper()
	address, err := net.ResolveTCPAddr("tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	return address.Port
}

func freePort(t *testing.T) int {
	t.Helper()
	b := &backend{address: "127.0.0.1:0"}
	b.start(t)
	_ = b.server.Close()
	return b.port(t)
}

// certificate makes one that is signed by itself.
func certificate(t *testing.T, names ...string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})
}

// startTraefik runs Traefik with exactly the arguments of the rendered project;
// only what is a path in the container becomes one here, and the port for the
// health check a free one. It returns when Traefik answers its health check,
// which is the rendered one too.
func startTraefik(t *testing.T, in render.Inputs) (p written, log *logged) {
	t.Helper()
	traefik := program(t, "RCWIZARD_TRAEFIK", "traefik")
	p = proxyOf(t, in)
	service := load(t, p).Services["traefik"]
	here := strings.NewReplacer(
		"/etc/traefik/dynamic", filepath.Join(p.dir, "dynamic"),
		"/etc/traefik/acme-ca.pem", filepath.Join(p.dir, "acme-ca.pem"),
		"/letsencrypt/", p.dir+"/",
		"127.0.0.1:8082", fmt.Sprintf("127.0.0.1:%d", freePort(t)),
	)
	local := func(args []string) []string {
		out := make([]string, len(args))
		for i, arg := range args {
			out[i] = here.Replace(arg)
		}
		return out
	}
	for _, f := range p.Files {
		if strings.HasPrefix(f.Path, "dynamic/") {
			writeFile(t, filepath.Join(p.dir, f.Path), []byte(here.Replace(string(f.Content))))
		}
	}

	log = &logged{}
	cmd := exec.CommandContext(t.Context(), traefik, local(service.Command)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("Traefik's log:\n%s", log)
		}
	})
	check := local(service.HealthCheck.Test[2:])
	wait(t, 20*time.Second, "Traefik to be healthy", func() error {
		select {
		case <-ended:
			t.Fatalf("Traefik ended:\n%s", log)
		default:
		}
		out, err := exec.CommandContext(t.Context(), traefik, check...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	return p, log
}

// logged is a log that may be read while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func wait(t *testing.T, limit time.Duration, what string, ready func() error) time.Duration {
	t.Helper()
	started := time.Now()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ready()
		if err == nil {
			return time.Since(started)
		}
		if time.Since(started) > limit {
			t.Fatalf("waited %s for %s: %v", limit, what, err)
		}
		<-ticker.C
	}
}

// TestTraefikStarts gives the arguments of every mode to Traefik: it refuses
// those that it does not know.
func TestTraefikStarts(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		if !strings.HasPrefix(s.name, "tls ") && s.name != "2 instances" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := &s.inputs.Workspace
			w.Proxy.HTTPPort, w.Proxy.HTTPSPort = freePort(t), freePort(t)
			s.inputs.TLSCert, s.inputs.TLSKey = certificate(t, w.Domain)
			s.inputs.CACert, _ = certificate(t, "ca.example.com")
			_, log := startTraefik(t, s.inputs)
			for line := range strings.Lines(log.String()) {
				// No authority can be reached from a test.
				if strings.Contains(line, "ERR") && !strings.Contains(line, "ACME certificate") && !strings.Contains(line, "ACME client") {
					t.Errorf("Traefik complains: %s", line)
				}
			}
		})
	}
}

// client speaks to the proxy as a browser does that finds every name there.
type client struct {
	t         *testing.T
	https     int
	transport *http.Transport
}

func newClient(t *testing.T, https int, root []byte) *client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(root) {
		t.Fatal("no certificate")
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t: t, https: https, transport: transport}
}

// get returns the status and the body of one request without following.
func (c *client) get(url string, cookies ...*http.Cookie) (*http.Response, string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		c.t.Fatalf("%s: %v", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response, string(body)
}

func (c *client) url(host, path string) string {
	return fmt.Sprintf("https://%s:%d%s", host, c.https, path)
}

// TestTraefikServes shows the proxy at work with real requests: redirect, spread,
// sticky sessions, WebSocket, Grafana, an instance that dies and comes back, and
// an instance that is taken out of the list.
func TestTraefikServes(t *testing.T) {
	t.Parallel()
	one, two, grafana := &backend{name: "one", address: "127.0.0.1:0"}, &backend{name: "two", address: "127.0.0.1:0"}, &backend{name: "grafana", address: "127.0.0.1:0"}
	for _, b := range []*backend{one, two, grafana} {
		b.start(t)
	}
	w := basic(2)
	for i := range w.Hosts {
		w.Hosts[i].PrivateIP = "127.0.0.1"
	}
	w.TLS.Mode = workspace.TLSFiles
	w.Proxy.HTTPPort, w.Proxy.HTTPSPort = freePort(t), freePort(t)
	w.Instances[0].Port, w.Instances[1].Port, w.Grafana.Port = one.port(t), two.port(t), grafana.port(t)
	in := render.Inputs{Workspace: w.Complete(), Secrets: workspace.Secrets{GrafanaAdminPassword: "x"}}
	in.TLSCert, in.TLSKey = certificate(t, "chat.example.com")
	p, _ := startTraefik(t, in)
	c := newClient(t, in.Workspace.Proxy.HTTPSPort, in.TLSCert)
	root := c.url("chat.example.com", "/")
	wait(t, 10*time.Second, "the routes", func() error {
		if r, _ := c.get(root); r.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", r.StatusCode)
		}
		return nil
	})

	// H11 T4: to the port of root_url.
	r, _ := c.get(fmt.Sprintf("http://chat.example.com:%d/a?b", in.Workspace.Proxy.HTTPPort))
	if want := c.url("chat.example.com", "/a?b"); r.Header.Get("Location") != want || r.StatusCode != http.StatusMovedPermanently {
		t.Errorf("http:// answers %d %s, want %s", r.StatusCode, r.Header.Get("Location"), want)
	}
	// Names and paths.
	if r, _ := c.get(c.url("chat.example.com", "/grafana/login")); r.Header.Get("X-Instance-Id") != "grafana" {
		t.Error("/grafana/login is not Grafana's")
	}
	if r, _ := c.get(c.url("chat.example.com", "/grafana-archive")); r.Header.Get("X-Instance-Id") == "grafana" {
		t.Error("/grafana-archive is Grafana's")
	}
	if _, body := c.get(root); !strings.HasSuffix(body, fmt.Sprintf(" https chat.example.com:%d\n", c.https)) {
		t.Errorf("the instance sees %q", body)
	}

	sticky := testSpread(t, c, root)
	testWebSocket(t, c)
	testDeath(t, c, root, two, sticky["two"])
	testRemoval(t, c, root, p, one, two)
}

// testSpread shows that requests are spread, and that a cookie holds (H13). It
// returns the cookie of each instance.
func testSpread(t *testing.T, c *client, root string) map[string]*http.Cookie {
	t.Helper()
	sticky, counts := map[string]*http.Cookie{}, map[string]int{}
	for range 20 {
		r, _ := c.get(root)
		who := r.Header.Get("X-Instance-Id")
		counts[who]++
		for _, cookie := range r.Cookies() {
			if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
				t.Errorf("the cookie is %s", cookie)
			}
			sticky[who] = cookie
		}
	}
	if counts["one"] != 10 || counts["two"] != 10 || sticky["one"] == nil || sticky["two"] == nil {
		t.Fatalf("20 requests went to %v, cookies %v (T6)", counts, sticky)
	}
	for range 10 {
		if r, _ := c.get(root, sticky["two"]); r.Header.Get("X-Instance-Id") != "two" {
			t.Error("the cookie of two leads to another")
		}
	}
	return sticky
}

func testWebSocket(t *testing.T, c *client) {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: c.transport.TLSClientConfig.RootCAs, ServerName: "chat.example.com"}}
	connection, err := dialer.DialContext(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", c.https))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(connection, "GET /websocket HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade answers %d", response.StatusCode)
	}
	if line, _ := reader.ReadString('\n'); !strings.HasPrefix(line, "hello from ") {
		t.Errorf("the WebSocket begins with %q", line)
	}
	fmt.Fprintln(connection, "ping")
	if line, _ := reader.ReadString('\n'); line != "echo ping\n" {
		t.Errorf("the WebSocket answers %q", line)
	}
}

// testDeath kills an instance. Who has no cookie never notices; who is bound to
// it is with another within the time of two health checks; and it comes back.
func testDeath(t *testing.T, c *client, root string, b *backend, cookie *http.Cookie) {
	t.Helper()
	_ = b.server.Close()
	for range 10 {
		if r, _ := c.get(root); r.StatusCode != http.StatusOK {
			t.Errorf("a request without a cookie fails with %d", r.StatusCode)
		}
	}
	failed := 0
	took := wait(t, 15*time.Second, "the dead instance to leave", func() error {
		r, _ := c.get(root, cookie)
		if r.StatusCode != http.StatusOK {
			failed++
			return fmt.Errorf("status %d", r.StatusCode)
		}
		return nil
	})
	t.Logf("an instance that died left after %s; %d requests bound to it failed", took.Round(100*time.Millisecond), failed)
	b.start(t)
	took = wait(t, 15*time.Second, "the instance to come back", func() error {
		if r, _ := c.get(root, cookie); r.Header.Get("X-Instance-Id") != b.name {
			return fmt.Errorf("answered by %s", r.Header.Get("X-Instance-Id"))
		}
		return nil
	})
	t.Logf("it came back after %s", took.Round(100*time.Millisecond))
}

// testRemoval takes an instance out of the list by renaming a new file over the
// old one (H14 T5), waits until nothing reaches it, and stops it: no request
// may fail.
func testRemoval(t *testing.T, c *client, root string, p written, gone, stays *backend) {
	t.Helper()
	name := filepath.Join(p.dir, "dynamic", "rocketchat.yml")
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("          - url: %q\n", "http://"+gone.address)
	if !strings.Contains(string(content), line) {
		t.Fatalf("no line %q in\n%s", line, content)
	}
	writeFile(t, filepath.Join(p.dir, "dynamic", ".new"), []byte(strings.Replace(string(content), line, "", 1)))
	if err := os.Rename(filepath.Join(p.dir, "dynamic", ".new"), name); err != nil {
		t.Fatal(err)
	}
	last, since := gone.count(), time.Now()
	request := func() error {
		if r, _ := c.get(root); r.StatusCode != http.StatusOK {
			t.Errorf("a request fails with %d while the list changes", r.StatusCode)
		}
		if n := gone.count(); n != last {
			last, since = n, time.Now()
		}
		if quiet := time.Since(since); quiet < 2*time.Second {
			return fmt.Errorf("the instance had a request %s ago", quiet)
		}
		return nil
	}
	took := wait(t, 15*time.Second, "the removed instance to be left alone", request)
	t.Logf("an instance that was taken out had its last request %s after the change", (took - 2*time.Second).Round(10*time.Millisecond))
	_ = gone.server.Close()
	for range 20 {
		if r, _ := c.get(root); r.StatusCode != http.StatusOK || r.Header.Get("X-Instance-Id") != stays.name {
			t.Errorf("a request after the removal: %d by %s", r.StatusCode, r.Header.Get("X-Instance-Id"))
		}
	}
}
