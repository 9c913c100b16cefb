package fleetd

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rcwizard/rcwizard/test/lab/internal/netspace"
)

// Names in the fleet's DNS that are the lab's own, and the ports of its services.
const (
	// RegistryName is what Rocket.Chat's images are called after.
	RegistryName = "registry.rocket.chat"
	// ACMEName is the host of the certificate authority, and of the certificate that its directory shows.
	ACMEName = "acme.lab.test"
	// ACMEPort serves the directory, acmeManagement the roots.
	ACMEPort       = "14000"
	acmeManagement = "15000"
	dnsManagement  = "8055"
)

// startServices starts the registry, the name server and the certificate authority, and returns when they answer.
func (s *Supervisor) startServices(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.startDNS(ctx) })
	group.Go(func() error { return s.startRegistry(ctx) })
	group.Go(func() error { return s.startACME(ctx) })
	return group.Wait() //nolint:wrapcheck // the steps' own errors
}

// run starts a program in the services' namespace.
func (s *Supervisor) run(ctx context.Context, name string, env []string, argv ...string) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=/nonexistent"}, env...)
	cmd.Dir = s.fleet.Dir
	closeLog, err := s.logTo(cmd, name)
	if err != nil {
		return err
	}
	defer closeLog()
	p, err := start(s.servicesNS, cmd)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.programs = append(s.programs, p)
	return nil
}

// at is an address in the services' namespace.
func (s *Supervisor) at(port string) string {
	return net.JoinHostPort(s.fleet.ServicesAddress().String(), port)
}

// client speaks HTTP from inside of the services' namespace and trusts the fleet's own authority.
func (s *Supervisor) client() (*http.Client, error) {
	ca, err := os.ReadFile(filepath.Join(s.fleet.Dir, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("read the fleet's authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, ServerName: ACMEName},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return netspace.Dial(ctx, s.servicesNS, network, address)
		},
	}}, nil
}

// request repeats a request until it succeeds: the program has just been started.
func (s *Supervisor) request(ctx context.Context, method, url string, body any) ([]byte, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	content, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, err := once(ctx, client, method, url, content)
		if err == nil {
			return answer, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s does not answer, see the logs in %s: %w", url, s.fleet.LogDir(), err)
		case <-tick.C:
		}
	}
}

func once(ctx context.Context, client *http.Client, method, url string, content []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // url.Error already names method and address
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("ask %s: %s: %s", url, resp.Status, answer)
	}
	return answer, nil
}

// startDNS starts the name server, which knows the fleet's names and says of all others that they have no address.
func (s *Supervisor) startDNS(ctx context.Context) error {
	if s.fleet.Services.DNS == "" {
		return nil
	}
	if err := s.run(ctx, "dns", nil, s.fleet.Services.DNS, "-dnsserver", s.at("53"), "-management", s.at(dnsManagement),
		"-defaultIPv4", "", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""); err != nil {
		return err
	}
	names := map[string]string{
		RegistryName: s.fleet.ServicesAddress().String(),
		ACMEName:     s.fleet.ServicesAddress().String(),
	}
	for name, host := range s.fleet.Names {
		h, err := s.fleet.Host(host)
		if err != nil {
			return fmt.Errorf("name %s: %w", name, err)
		}
		names[name] = h.Address.String()
	}
	for name, address := range names {
		if err := s.setName(ctx, name, address); err != nil {
			return err
		}
	}
	return nil
}

// setName makes a name lead to an address.
func (s *Supervisor) setName(ctx context.Context, name, address string) error {
	kind := "a"
	if strings.Contains(address, ":") {
		kind = "aaaa"
	}
	name = strings.TrimSuffix(name, ".") + "."
	// What is added comes beside what is there: the name would lead to both.
	for _, old := range []string{"a", "aaaa"} {
		if _, err := s.request(ctx, http.MethodPost, "http://"+s.at(dnsManagement)+"/clear-"+old, map[string]any{"host": name}); err != nil {
			return err
		}
	}
	record := map[string]any{"host": name, "addresses": []string{address}}
	_, err := s.request(ctx, http.MethodPost, "http://"+s.at(dnsManagement)+"/add-"+kind, record)
	return err
}

// registryConfig is the registry's file. It serves what was built and takes nothing in.
const registryConfig = `version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %q}
  maintenance: {readonly: {enabled: true}}
  cache: {blobdescriptor: inmemory}
http:
  addr: %q
  secret: lab
  relativeurls: true
%s`

// startRegistry starts the registry twice over the same images: as a plain mirror of docker.io, and under TLS by the
// name in Rocket.Chat's image references.
func (s *Supervisor) startRegistry(ctx context.Context) error {
	if s.fleet.Services.Registry == "" {
		return nil
	}
	if s.fleet.Services.RegistryStorage == "" {
		return errors.New("a registry needs the images to serve")
	}
	for _, r := range []struct{ name, port, tls string }{
		{"registry-mirror", "5000", ""},
		{"registry-tls", "443", fmt.Sprintf("  tls: {certificate: %q, key: %q}\n", s.fleet.Dir+"/services.pem", s.fleet.Dir+"/services-key.pem")},
	} {
		config := filepath.Join(s.fleet.Dir, r.name+".yaml")
		content := fmt.Sprintf(registryConfig, s.fleet.Services.RegistryStorage, s.at(r.port), r.tls)
		if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
			return fmt.Errorf("configure %s: %w", r.name, err)
		}
		if err := s.run(ctx, r.name, []string{"OTEL_TRACES_EXPORTER=none"}, s.fleet.Services.Registry, "serve", config); err != nil {
			return err
		}
	}
	if _, err := s.request(ctx, http.MethodGet, "http://"+s.at("5000")+"/v2/", nil); err != nil {
		return err
	}
	_, err := s.request(ctx, http.MethodGet, "https://"+s.at("443")+"/v2/", nil)
	return err
}

// startACME starts Pebble and stores the roots that a client needs: the fleet's own, by which the directory is
// known, and Pebble's, new at each start, by which the certificates are.
func (s *Supervisor) startACME(ctx context.Context) error {
	if s.fleet.Services.Pebble == "" {
		return nil
	}
	config := map[string]any{"pebble": map[string]any{
		"listenAddress":                  s.at(ACMEPort),
		"managementListenAddress":        s.at(acmeManagement),
		"certificate":                    s.fleet.Dir + "/services.pem",
		"privateKey":                     s.fleet.Dir + "/services-key.pem",
		"httpPort":                       80,
		"tlsPort":                        443,
		"ocspResponderURL":               "",
		"externalAccountBindingRequired": false,
	}}
	content, err := json.Marshal(config)
	if err != nil {
		return fmt.Errorf("configure Pebble: %w", err)
	}
	file := filepath.Join(s.fleet.Dir, "pebble.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return fmt.Errorf("configure Pebble: %w", err)
	}
	// No waiting before a validation and no refused nonces: Pebble's ways of teasing clients cost time here and show nothing.
	env := []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"}
	if err := s.run(ctx, "pebble", env, s.fleet.Services.Pebble, "-config", file, "-dnsserver", s.at("53")); err != nil {
		return err
	}
	root, err := s.request(ctx, http.MethodGet, "https://"+s.at(acmeManagement)+"/roots/0", nil)
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(s.fleet.Dir, "ca.pem"))
	if err != nil {
		return fmt.Errorf("read the fleet's authority: %w", err)
	}
	if err := os.WriteFile(filepath.Join(s.fleet.Dir, "acme-roots.pem"), append(ca, root...), 0o644); err != nil { //nolint:gosec // public
		return fmt.Errorf("store the roots of Pebble: %w", err)
	}
	return nil
}
