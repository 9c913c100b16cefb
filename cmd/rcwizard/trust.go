package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/rcwizard/rcwizard/workspace"
)

// trust is what a user's browser would trust: the system's authorities, and
// with another ACME authority its root. Certificates of the administrator's own
// are not trusted for being given: that the chain is incomplete is to be seen
// here, before a user sees it.
func trust(w workspace.Workspace) (*tls.Config, error) {
	file := w.TLS.CACertFile
	if w.TLS.Mode != workspace.TLSACME || file == "" {
		return nil, nil //nolint:nilnil // nil means the system's trust
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, usage(fmt.Errorf("read the certificate authority: %w", err))
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usage(fmt.Errorf("%s holds no certificate in PEM form", file))
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
