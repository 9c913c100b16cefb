package e2e

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
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/assets"
	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// What the administrator has already: a database on a host that rcwizard never sees, and a certificate. He becomes the
// administrator in the browser, has monitoring of his own, and other ports for the proxy.
func TestShapeExternal(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("mongo", "all"), Names: map[string]string{"own.test": "all"}})
	url := externalDatabase(t, f.Host("mongo"))
	cert, key := filepath.Join(f.Dir(), "own.crt"), filepath.Join(f.Dir(), "own.key")
	certify(t, cert, key, "own.test", 1)
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability", MongoURL: url}, func(w *workspace.Workspace) {
		oneHost(t, f, w, "all", 2)
		w.Domain, w.Database.External, w.Admin.Create = "own.test", true, new(false)
		w.TLS = workspace.TLS{Mode: workspace.TLSFiles, CertFile: cert, KeyFile: key}
		w.Grafana.Mode = workspace.GrafanaNone
		w.Proxy.HTTPPort, w.Proxy.HTTPSPort = 8080, 8443
	})
	o := r.install()
	if want := "whoever opens the workspace first: open it now"; !strings.Contains(o.stdout, want) {
		t.Errorf("install does not say that %q:\n%s", want, tail(o.stdout, 30))
	}
	if strings.Contains(o.stdout, "one MongoDB") || !strings.Contains(o.stdout, "NATS has no password") {
		t.Errorf("install speaks of a MongoDB that it did not deploy:\n%s", tail(o.stdout, 30))
	}
	// No machine but the test knows the authority: users would be warned, too.
	r.counts(cluster.VerdictWarning, "2 of 2 instances registered, linked")
	if want := "https://own.test:8443"; r.w.RootURL != want {
		t.Fatalf("the root URL is %s, not %s", r.w.RootURL, want)
	}
	r.spread()
	r.sticks()
	r.eventsPass()
	r.listen("all", loopback("8222", "7777", "8082"),
		r.private("all", "4222", "3000", "3001", "9458", "9459"), everywhere("8080", "8443"))
	from := "http://own.test:8080/x"
	if p := r.get(r.browser(), from); p.location(from) != r.w.RootURL+"/x" {
		t.Errorf("%s answers %d and leads to %s", from, p.code, p.location(from))
	}
	// What admin.create: false means, and why install says so.
	if roles := r.register("first"); !slices.Contains(roles, "admin") {
		t.Errorf("whoever opens the workspace first is %v", roles)
	}
	r.renewed(cert, key)
	r.comesAndGoes("all")
}

// renewed shows that a new certificate is taken over by the next install, without a restart of the proxy.
func (r *rig) renewed(cert, key string) {
	r.t.Helper()
	proxy := r.proxyContainer()
	certify(r.t, cert, key, "own.test", 2)
	r.install()
	// This browser trusts the new certificate alone.
	web := r.browser()
	eventually(r.t, "the new certificate to be shown", time.Minute, func() (bool, string) {
		p, err := ask(r.t.Context(), web, "GET", r.w.RootURL+info, "", nil)
		return err == nil && p.instance() != "", fmt.Sprint(err)
	})
	if diff := cmp.Diff(proxy, r.proxyContainer()); diff != "" {
		r.t.Errorf("Traefik did not only take the certificate over (-before +after):\n%s", diff)
	}
	if mode := r.shell("all", "stat -c %a "+r.w.Directory+"/proxy/dynamic/key.pem"); strings.TrimSpace(mode) != "600" {
		r.t.Errorf("the certificate's key has mode %s", mode)
	}
}

// externalDatabase runs MongoDB on a host, as somebody else did long ago, and returns its connection string.
func externalDatabase(t *testing.T, h *lab.Host) string {
	t.Helper()
	image, _ := assets.ImageNamed("mongodb")
	address := net.JoinHostPort(h.Address().String(), "27500")
	_, err := h.Shell(t.Context(), fmt.Sprintf(`image=%s
docker run -d --name mongod --network host --restart unless-stopped "$image" \
	mongod --replSet theirs --bind_ip 127.0.0.1,%s --port 27500 >/dev/null
ask() { docker exec mongod mongosh --quiet 'mongodb://127.0.0.1:27500/?directConnection=true' --eval "$1"; }
tries=0
until [ "$(ask 'print(db.hello().isWritablePrimary)')" = true ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 60 ] || { docker logs mongod >&2; exit 1; }
	ask "rs.initiate({_id: 'theirs', members: [{_id: 0, host: '%s'}]})" >/dev/null || sleep 0.5
done
`, image.WithTag(assets.MongoDBTag("8.0")).Reference(), h.Address(), address))
	if err != nil {
		t.Fatal(err)
	}
	return "mongodb://" + address + "/theirchat?replicaSet=theirs"
}

// certify writes a certificate for a domain that signs itself, and its key.
func certify(t *testing.T, certFile, keyFile, domain string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: domain}, DNSNames: []string{domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 3, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
