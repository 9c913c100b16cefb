package steps

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A certificate of an authority that this machine does not know is enough for
// the name that it is for, and for no other; by default it is not.
func TestByName(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.NotFoundHandler()) // for example.com
	t.Cleanup(srv.Close)
	for _, test := range []struct {
		name    string
		lenient bool
		known   bool
		ok      bool
	}{
		{"example.com", false, false, false},
		{"example.com", false, true, true},
		{"example.com", true, false, true},
		{"example.com", true, true, true},
		{"chat.example.org", true, false, false},
		{"chat.example.org", true, true, false},
	} {
		trust := &tls.Config{ServerName: test.name, MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
		if test.known {
			trust.RootCAs.AddCert(srv.Certificate())
		}
		if test.lenient {
			trust = byName(trust)
		}
		dialer := tls.Dialer{Config: trust}
		conn, err := dialer.DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
		if (err == nil) != test.ok {
			t.Errorf("%+v: %v", test, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}
