package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"time"
)

// traefikDefaultName is the subject of the stopgap certificate that Traefik
// makes at start for names that it has no certificate for (traefik
// pkg/tls/generate).
const traefikDefaultName = "TRAEFIK DEFAULT CERT"

// lookCertificate shakes hands once, sends nothing more, and verifies what the
// server showed as a user's browser would.
func lookCertificate(ctx context.Context, dial Dial, address, name string, trust *tls.Config, timeout time.Duration) Certificate {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	raw, err := dial(ctx, "tcp", address)
	if err != nil {
		return Certificate{Error: failure(noAnswer(address, err))}
	}
	defer func() { _ = raw.Close() }()
	var roots *x509.CertPool
	if trust != nil {
		roots = trust.RootCAs
	}
	//nolint:gosec // a certificate that is not trusted must be seen to say why; it is verified below
	conn := tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err := conn.HandshakeContext(ctx); err != nil {
		return Certificate{Error: failure(noAnswer(address, err))}
	}
	return judgeCertificate(conn.ConnectionState().PeerCertificates, name, roots, time.Now())
}

// judgeCertificate classifies a chain, leaf first, for a name at a time. roots
// nil means the system's.
func judgeCertificate(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) Certificate {
	leaf := chain[0]
	c := Certificate{
		Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(),
		NotBefore: leaf.NotBefore.UTC(), NotAfter: leaf.NotAfter.UTC(),
	}
	c.Names = append(c.Names, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
	between := x509.NewCertPool()
	for _, other := range chain[1:] {
		between.AddCert(other)
	}
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between, CurrentTime: now})
	var wrongName x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case err == nil:
		return c
	case strings.EqualFold(leaf.Subject.CommonName, traefikDefaultName):
		c.Problem, c.Detail = TraefikDefault, "it is Traefik's own stopgap"
	case now.After(leaf.NotAfter):
		c.Problem, c.Detail = Expired, "it ended on "+c.NotAfter.Format(time.DateOnly)
	case now.Before(leaf.NotBefore):
		c.Problem, c.Detail = NotYetValid, "it begins at "+c.NotBefore.Format(time.RFC3339)
	case errors.As(err, &wrongName) || leaf.VerifyHostname(name) != nil:
		c.Problem, c.Detail = WrongName, "it is for "+orNone(strings.Join(c.Names, ", "))+", not for "+name
	case errors.As(err, &unknown):
		c.Problem, c.Detail = UnknownAuthority, "its issuer is not trusted here: "+c.Issuer
	default:
		c.Problem, c.Detail = BrokenChain, err.Error()
	}
	return c
}

func orNone(s string) string {
	if s == "" {
		return "no name at all"
	}
	return s
}
