package render

import (
	"net/url"
	"strings"

	"github.com/rcwizard/rcwizard/assets"
	"github.com/rcwizard/rcwizard/workspace"
)

// The directories of ACME authorities that have a mode of their own.
const (
	letsEncrypt        = "https://acme-v02.api.letsencrypt.org/directory"
	letsEncryptStaging = "https://acme-staging-v02.api.letsencrypt.org/directory"
)

// dynamicDir holds what Traefik watches. Traefik ignores folders below it, so
// certificates lie beside the routes.
const dynamicDir = "dynamic/"

// proxyData is what the proxy's templates see.
type proxyData struct {
	Email                          string
	HTTPS, ACME, CACert, CertFiles bool
	Storage                        string
	EntryPoint, Rule, HealthPath   string
	Servers                        []string
	GrafanaRule, GrafanaURL        string
}

// proxy renders the reverse proxy (guide step 3).
func proxy(in Inputs) (Project, error) {
	w := in.Workspace
	p := Project{
		Host:    w.Proxy.Host,
		Role:    RoleProxy,
		Name:    projectName(w, RoleProxy, ""),
		Dir:     projectDir(w, RoleProxy, ""),
		Compose: []string{composeTraefik, overrideOf(composeTraefik)},
	}
	image, _ := assets.ImageNamed("traefik")
	p.Images = []string{image.Reference()}

	d := proxyData{
		Email:      w.Email,
		HTTPS:      w.TLS.Mode != workspace.TLSNone,
		ACME:       w.TLS.Mode.UsesACME(),
		CACert:     w.TLS.Mode == workspace.TLSACME && len(in.CACert) > 0,
		CertFiles:  w.TLS.Mode == workspace.TLSFiles,
		Storage:    acmeStorage(w.TLS.Mode),
		EntryPoint: "http",
		Rule:       "Host(`" + w.Domain + "`)",
		HealthPath: healthPath(w.Release),
	}
	if d.HTTPS {
		d.EntryPoint = "https"
	}
	for _, i := range w.Instances {
		d.Servers = append(d.Servers, "http://"+i.Address(w))
	}
	if w.RunsMonitoring() {
		d.GrafanaURL = "http://" + w.GrafanaAddress()
		d.GrafanaRule = "Host(`" + w.Grafana.Domain + "`)"
		if w.Grafana.Mode == workspace.GrafanaPath {
			// Not the bare prefix, which /grafana-archive begins with too.
			d.GrafanaRule = d.Rule + " && (Path(`" + w.Grafana.Path + "`) || PathPrefix(`" + w.Grafana.Path + "/`))"
		}
	}

	extra := []File{proxyEnv(in, p)}
	if d.CACert {
		extra = append(extra, File{Path: "acme-ca.pem", Mode: 0o644, Content: in.CACert})
	}
	if d.CertFiles {
		extra = append(
			extra,
			File{Path: dynamicDir + "cert.pem", Mode: 0o644, Content: in.TLSCert, Live: true},
			File{Path: dynamicDir + "key.pem", Mode: 0o600, Content: in.TLSKey, Live: true, Secret: true},
		)
	}
	var err error
	p.Files, err = files(assets.Proxy, d, extra, nothingSkipped)
	if err != nil || !w.Compose.Official() {
		return p, err
	}
	return officialProxy(in, p, d)
}

// acmeStorage is the file of an authority's certificates. Each has its own:
// Traefik takes a certificate that it finds for one that is good, so that of
// the staging authority would stay after the change to the real one.
func acmeStorage(mode workspace.TLSMode) string {
	switch mode {
	case workspace.TLSLetsEncryptStaging:
		return "acme-staging.json"
	case workspace.TLSACME:
		return "acme-other.json"
	default:
		return "acme.json"
	}
}

// proxyEnv is the guide's .env of step 3.3. What the guide has there for the
// routes is in dynamic/rocketchat.yml.
func proxyEnv(in Inputs, p Project) File {
	w := in.Workspace
	var e dotenv
	e.comment("Written by rcwizard for host "+p.Host+": the guide's step 3.3.",
		"The domain, the instances and Grafana are in "+dynamicDir+"rocketchat.yml.")
	e.set("COMPOSE_PROJECT_NAME", p.Name)
	e.port("TRAEFIK_HTTP_PORT", w.Proxy.HTTPPort)
	if w.TLS.Mode != workspace.TLSNone {
		e.port("TRAEFIK_HTTPS_PORT", w.Proxy.HTTPSPort)
		e.set("TRAEFIK_REDIRECT_PORT", redirectPort(w.RootURL))
	}
	if w.TLS.Mode.UsesACME() {
		e.comment("Certificates")
		e.some("LETSENCRYPT_EMAIL", w.Email)
		e.set("ACME_CA_SERVER", caServer(w.TLS))
	}
	if w.Compose.Official() {
		officialProxyEnv(&e, w)
	}
	return e.file()
}

// officialProxyEnv writes what Rocket.Chat's own file asks for, and would not be
// read without. Of it the tag alone has an effect.
func officialProxyEnv(e *dotenv, w workspace.Workspace) {
	e.comment("Read by Rocket.Chat's own compose.traefik.yml. All but the tag is of no effect here.")
	e.tag("TRAEFIK_RELEASE", "traefik", true)
	e.set("DOMAIN", w.Domain)
	e.set("GRAFANA_DOMAIN", w.Grafana.Domain)
	e.set("GRAFANA_PATH", w.Grafana.Path)
	protocol := "https"
	if w.TLS.Mode == workspace.TLSNone {
		protocol = "http"
	}
	e.set("TRAEFIK_PROTOCOL", protocol)
	if !w.TLS.Mode.UsesACME() || w.Email == "" {
		e.set("LETSENCRYPT_EMAIL", w.Email) // which must be there, empty or not
	}
}

func caServer(t workspace.TLS) string {
	switch t.Mode {
	case workspace.TLSLetsEncryptStaging:
		return letsEncryptStaging
	case workspace.TLSACME:
		return t.CAServer
	default:
		return letsEncrypt
	}
}

// redirectPort is the port at which browsers find the workspace.
func redirectPort(rootURL string) string {
	u, err := url.Parse(rootURL)
	if err != nil || u.Port() == "" || !strings.EqualFold(u.Scheme, "https") {
		return "443"
	}
	return u.Port()
}
