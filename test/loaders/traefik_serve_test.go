package loaders

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

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

// answer is what came back, and from whom.
type answer struct {
	status                   int
	instance, location, body string
	cookies                  []*http.Cookie
}

// get makes one request and follows nowhere.
func (c *client) get(url string, cookies ...*http.Cookie) answer {
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
	return answer{
		status: response.StatusCode, instance: response.Header.Get("X-Instance-Id"),
		location: response.Header.Get("Location"), body: string(body), cookies: response.Cookies(),
	}
}

func (c *client) url(host, path string) string {
	return "https://" + net.JoinHostPort(host, strconv.Itoa(c.https)) + path
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
		if r := c.get(root); r.status != http.StatusOK {
			return fmt.Errorf("status %d", r.status)
		}
		return nil
	})

	// H11 T4: to the port of root_url.
	r := c.get(fmt.Sprintf("http://chat.example.com:%d/a?b", in.Workspace.Proxy.HTTPPort))
	if want := c.url("chat.example.com", "/a?b"); r.location != want || r.status != http.StatusMovedPermanently {
		t.Errorf("http:// answers %d %s, want %s", r.status, r.location, want)
	}
	// Names and paths.
	if r := c.get(c.url("chat.example.com", "/grafana/login")); r.instance != "grafana" {
		t.Error("/grafana/login is not Grafana's")
	}
	if r := c.get(c.url("chat.example.com", "/grafana-archive")); r.instance == "grafana" {
		t.Error("/grafana-archive is Grafana's")
	}
	if r := c.get(root); !strings.HasSuffix(r.body, fmt.Sprintf(" https chat.example.com:%d\n", c.https)) {
		t.Errorf("the instance sees %q", r.body)
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
		r := c.get(root)
		who := r.instance
		counts[who]++
		for _, cookie := range r.cookies {
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
		if r := c.get(root, sticky["two"]); r.instance != "two" {
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
	_, _ = fmt.Fprintf(connection, "GET /websocket HTTP/1.1\r\nHost: chat.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
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
	_, _ = fmt.Fprintln(connection, "ping")
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
		if r := c.get(root); r.status != http.StatusOK {
			t.Errorf("a request without a cookie fails with %d", r.status)
		}
	}
	failed := 0
	took := wait(t, 15*time.Second, "the dead instance to leave", func() error {
		r := c.get(root, cookie)
		if r.status != http.StatusOK {
			failed++
			return fmt.Errorf("status %d", r.status)
		}
		return nil
	})
	t.Logf("an instance that died left after %s; %d requests bound to it failed", took.Round(100*time.Millisecond), failed)
	b.start(t)
	took = wait(t, 15*time.Second, "the instance to come back", func() error {
		if r := c.get(root, cookie); r.instance != b.name {
			return fmt.Errorf("answered by %s", r.instance)
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
		if r := c.get(root); r.status != http.StatusOK {
			t.Errorf("a request fails with %d while the list changes", r.status)
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
		if r := c.get(root); r.status != http.StatusOK || r.instance != stays.name {
			t.Errorf("a request after the removal: %d by %s", r.status, r.instance)
		}
	}
}
