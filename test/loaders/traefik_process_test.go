package loaders

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/render"
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
		_, _ = fmt.Fprintf(buffer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello from %s\n", b.name)
		_ = buffer.Flush()
		line, _ := buffer.ReadString('\n')
		_, _ = buffer.WriteString("echo " + line)
		_ = buffer.Flush()
		return
	}
	_, _ = fmt.Fprintln(w, b.name, r.Header.Get("X-Forwarded-Proto"), r.Host)
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
