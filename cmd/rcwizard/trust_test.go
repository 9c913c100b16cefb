package main

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/rcwizard/rcwizard/workspace"
)

// A certificate vouches for itself in no mode; an ACME authority's root does for
// what it signs.
func TestTrust(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are the test
	server.StartTLS()
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "cert.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		tls     workspace.TLS
		trusted bool
	}{
		"own files":          {workspace.TLS{Mode: workspace.TLSFiles, CertFile: file, KeyFile: file}, false},
		"public authority":   {workspace.TLS{Mode: workspace.TLSLetsEncrypt, CACertFile: file}, false},
		"authority's root":   {workspace.TLS{Mode: workspace.TLSACME, CACertFile: file}, true},
		"authority we trust": {workspace.TLS{Mode: workspace.TLSACME}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := trust(workspace.Workspace{TLS: test.tls})
			if err != nil {
				t.Fatal(err)
			}
			transport := &http.Transport{TLSClientConfig: config}
			defer transport.CloseIdleConnections()
			answer, err := (&http.Client{Transport: transport}).Get(server.URL)
			if err == nil {
				_ = answer.Body.Close()
			}
			if (err == nil) != test.trusted {
				t.Errorf("error %v, want trusted: %v", err, test.trusted)
			}
		})
	}
	if _, err := trust(workspace.Workspace{TLS: workspace.TLS{Mode: workspace.TLSACME, CACertFile: os.DevNull}}); err == nil {
		t.Error("an empty file is taken for an authority")
	}
}
