package loaders

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/traefik/traefik/v3/pkg/config/dynamic"
	httpmuxer "github.com/traefik/traefik/v3/pkg/muxer/http"
	"github.com/traefik/traefik/v3/pkg/provider/file"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// routes decodes the dynamic configuration as Traefik's file provider does,
// templates included.
func routes(t *testing.T, p written) *dynamic.Configuration {
	t.Helper()
	provider := &file.Provider{Directory: filepath.Join(p.dir, "dynamic")}
	configuration, err := provider.CreateConfiguration(t.Context(), filepath.Join(p.dir, "dynamic", "rocketchat.yml"), nil, false)
	if err != nil {
		t.Fatalf("Traefik refuses the routes: %v", err)
	}
	return configuration
}

func proxyOf(t *testing.T, in render.Inputs) written {
	t.Helper()
	for _, p := range write(t, in) {
		if p.Role == render.RoleProxy {
			return p
		}
	}
	t.Fatal("there is no proxy")
	return written{}
}

// TestTraefikRoutes shows that Traefik's own decoder takes the routes of every
// sample, with nothing left out, and what must hold for all of them.
func TestTraefikRoutes(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := s.inputs.Workspace
			c := routes(t, proxyOf(t, s.inputs))

			service := c.HTTP.Services["rocketchat"].LoadBalancer
			if len(service.Servers) != len(w.Instances) {
				t.Errorf("%d servers for %d instances", len(service.Servers), len(w.Instances))
			}
			for i, server := range service.Servers {
				if want := "http://" + w.Instances[i].Address(w); server.URL != want {
					t.Errorf("server %d is %s, want %s", i, server.URL, want)
				}
			}
			if service.HealthCheck == nil || service.HealthCheck.Path != "/livez" || service.HealthCheck.Interval.String() != "5s" {
				t.Errorf("the health check is %+v (H12)", service.HealthCheck)
			}
			https := w.TLS.Mode != workspace.TLSNone
			if service.Sticky == nil || service.Sticky.Cookie == nil || service.Sticky.Cookie.Secure != https || !service.Sticky.Cookie.HTTPOnly {
				t.Errorf("the sticky cookie is %+v (H13)", service.Sticky)
			}
			if c.HTTP.ServersTransports[service.ServersTransport] == nil {
				t.Errorf("there is no transport %q", service.ServersTransport)
			}

			want := []string{"rocketchat"}
			if w.RunsMonitoring() {
				want = append(want, "grafana")
			}
			if len(c.HTTP.Routers) != len(want) {
				t.Errorf("%d routers, want %v (H20)", len(c.HTTP.Routers), want)
			}
			for _, name := range want {
				checkRouter(t, w, c, name)
			}
			if files := w.TLS.Mode == workspace.TLSFiles; files != (len(c.TLS.Certificates) == 1) {
				t.Errorf("%d certificates in mode %s", len(c.TLS.Certificates), w.TLS.Mode)
			}
		})
	}
}

func checkRouter(t *testing.T, w workspace.Workspace, c *dynamic.Configuration, name string) {
	t.Helper()
	router := c.HTTP.Routers[name]
	if router == nil {
		t.Fatalf("there is no router %s", name)
	}
	entry := "https"
	if w.TLS.Mode == workspace.TLSNone {
		entry = "http"
	}
	if !slices.Equal(router.EntryPoints, []string{entry}) {
		t.Errorf("%s: entry points %v, want %s", name, router.EntryPoints, entry)
	}
	if (router.TLS != nil) != (entry == "https") {
		t.Errorf("%s: TLS is %+v", name, router.TLS)
	}
	if router.TLS != nil && (router.TLS.CertResolver == "le") != w.TLS.Mode.UsesACME() {
		t.Errorf("%s: resolver %q in mode %s", name, router.TLS.CertResolver, w.TLS.Mode)
	}
	for _, m := range router.Middlewares {
		if c.HTTP.Middlewares[m] == nil {
			t.Errorf("%s: there is no middleware %s", name, m)
		}
	}
	if c.HTTP.Services[router.Service] == nil {
		t.Errorf("%s: there is no service %s", name, router.Service)
	}

	domain := w.Domain
	if name == "grafana" && w.Grafana.Mode == workspace.GrafanaSubdomain {
		domain = w.Grafana.Domain
	}
	domains, err := httpmuxer.ParseDomains(router.Rule)
	if err != nil || !slices.Contains(domains, domain) {
		t.Errorf("%s: rule %s is for %v, want %s: %v", name, router.Rule, domains, domain, err)
	}
	parser, err := httpmuxer.NewSyntaxParser()
	if err != nil {
		t.Fatal(err)
	}
	muxer := httpmuxer.NewMuxer(parser)
	if err := muxer.AddRoute(router.Rule, "", 1, nil); err != nil {
		t.Errorf("%s: Traefik refuses the rule %s: %v", name, router.Rule, err)
	}
	if name == "grafana" && router.Priority <= len(c.HTTP.Routers["rocketchat"].Rule) {
		t.Errorf("the router of Grafana comes after that of Rocket.Chat")
	}
}

// TestTraefikFlags shows the static configuration that follows from the
// workspace; TestTraefikStarts gives it to Traefik itself.
func TestTraefikFlags(t *testing.T) {
	t.Parallel()
	flags := func(name string) string {
		for _, s := range samples() {
			if s.name == name {
				return "\n" + strings.Join(load(t, proxyOf(t, s.inputs)).Services["traefik"].Command, "\n") + "\n"
			}
		}
		t.Fatalf("there is no sample %q", name)
		return ""
	}
	const le = "--certificatesresolvers.le.acme."
	for _, test := range []struct{ sample, present, absent string }{
		{"2 instances", "--entrypoints.http.http.redirections.entrypoint.to=:443", "trustedips"},
		{"2 instances", le + "caserver=https://acme-v02.api.letsencrypt.org/directory", "cacertificates"},
		{"2 instances", le + "storage=/letsencrypt/acme.json", "dashboard"},
		{"2 instances", le + "email=ops@example.com", "api.insecure"},
		{"tls letsencrypt-staging", le + "caserver=https://acme-staging-v02.api.letsencrypt.org/directory", "/acme.json"},
		{"tls acme", le + "cacertificates=/etc/traefik/acme-ca.pem", "letsencrypt.org"},
		{"tls files", "--entrypoints.https.address=:443", "acme"},
		{"tls none", "--entrypoints.http.forwardedheaders.trustedips=127.0.0.1/32,::1/128", "redirections"},
		{"tls none", "--entrypoints.http.address=:80", "entrypoints.https"},
		{"ports", "--entrypoints.http.http.redirections.entrypoint.to=:10443", ":443\n"},
		{"ports", "--entrypoints.https.address=:8443", ":80\n"},
	} {
		got := flags(test.sample)
		if !strings.Contains(got, "\n"+test.present+"\n") {
			t.Errorf("%s: no %s in%s", test.sample, test.present, got)
		}
		if strings.Contains(got, test.absent) {
			t.Errorf("%s: %s in%s", test.sample, test.absent, got)
		}
	}
}
