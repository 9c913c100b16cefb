package main

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
)

// config is what the environment says, with Grafana's defaults.
type config struct {
	httpAddr, httpPort       string
	rootURL                  *url.URL
	subPath                  string // of the root URL: "" or "/grafana"
	serveFromSubPath         bool
	data, provisioning       string
	adminUser, adminPassword string
	version                  string
}

func parseConfig(getenv func(string) string) (*config, error) {
	c := &config{
		httpAddr: getenv("GF_SERVER_HTTP_ADDR"), httpPort: cmp.Or(getenv("GF_SERVER_HTTP_PORT"), "3000"),
		serveFromSubPath: getenv("GF_SERVER_SERVE_FROM_SUB_PATH") == "true",
		data:             cmp.Or(getenv("GF_PATHS_DATA"), "/var/lib/grafana"),
		provisioning:     cmp.Or(getenv("GF_PATHS_PROVISIONING"), "/etc/grafana/provisioning"),
		adminUser:        cmp.Or(getenv("GF_SECURITY_ADMIN_USER"), "admin"),
		adminPassword:    cmp.Or(getenv("GF_SECURITY_ADMIN_PASSWORD"), "admin"),
		version:          cmp.Or(getenv("LAB_GRAFANA_VERSION"), "0.0.0"),
	}
	domain := cmp.Or(getenv("GF_SERVER_DOMAIN"), "localhost")
	root := cmp.Or(getenv("GF_SERVER_ROOT_URL"), "%(protocol)s://%(domain)s:%(http_port)s/")
	root = strings.NewReplacer("%(protocol)s", "http", "%(domain)s", domain, "%(http_port)s", c.httpPort).Replace(root)
	u, err := url.Parse(root)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("invalid root_url(%s)", root)
	}
	c.rootURL, c.subPath = u, strings.TrimRight(u.Path, "/")
	return c, nil
}
