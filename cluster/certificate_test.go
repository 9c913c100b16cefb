package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// authority issues certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{cert, key, x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

// issue makes a certificate; change may make it a bad one.
func (a authority) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "chat.example.com"},
		DNSNames:  []string{"chat.example.com", "grafana.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(20 * time.Hour),
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestJudgeCertificate(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	tests := map[string]struct {
		by     authority
		change func(*x509.Certificate)
		name   string
		want   CertificateProblem
	}{
		"good":              {by: a},
		"expired":           {by: a, change: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, want: Expired},
		"not yet valid":     {by: a, change: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, want: NotYetValid},
		"wrong name":        {by: a, name: "files.example.com", want: WrongName},
		"unknown and wrong": {by: other, name: "files.example.com", want: WrongName},
		"unknown authority": {by: other, want: UnknownAuthority},
		"traefik": {by: other, change: func(c *x509.Certificate) {
			c.Subject.CommonName, c.DNSNames = "TRAEFIK DEFAULT CERT", []string{"abc.traefik.default"}
		}, want: TraefikDefault},
		"for clients only": {by: a, change: func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}, want: BrokenChain},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := test.name
			if host == "" {
				host = "chat.example.com"
			}
			leaf := test.by.issue(t, test.change).Leaf
			got := judgeCertificate([]*x509.Certificate{leaf}, host, a.pool, time.Now())
			if got.Problem != test.want || (test.want != "") != (got.Detail != "") {
				t.Errorf("problem %q (%s), want %q", got.Problem, got.Detail, test.want)
			}
		})
	}
}
