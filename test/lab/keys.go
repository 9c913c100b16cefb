package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/rcwizard/rcwizard/test/lab/internal/fleetd"
	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// Names of the files in a fleet's directory that are for its users.
const (
	keyFile        = "id_ed25519"
	lockedKeyFile  = "id_passphrase"
	knownHostsFile = "known_hosts"
	caFile         = "ca.pem"
	acmeRootsFile  = "acme-roots.pem"
)

// makeKeys makes the fleet's ssh keys, the hosts' keys with the known_hosts file, and the fleet's certificates.
func makeKeys(f *spec.Fleet) error {
	user, err := newSSHKey(filepath.Join(f.Dir, keyFile), "", "fleet "+f.Name)
	if err != nil {
		return err
	}
	locked, err := newSSHKey(filepath.Join(f.Dir, lockedKeyFile), Passphrase, "fleet "+f.Name+" with passphrase")
	if err != nil {
		return err
	}
	if err := store(f.Dir, "authorized_keys", append(ssh.MarshalAuthorizedKey(user), ssh.MarshalAuthorizedKey(locked)...), 0o600); err != nil {
		return err
	}
	var known strings.Builder
	for i := range f.Hosts {
		lines, err := makeHostKeys(f, &f.Hosts[i])
		if err != nil {
			return err
		}
		known.WriteString(lines)
	}
	if err := store(f.Dir, knownHostsFile, []byte(known.String()), 0o600); err != nil {
		return err
	}
	return makeCertificates(f)
}

// makeHostKeys makes new keys for a host and returns their lines of known_hosts.
func makeHostKeys(f *spec.Fleet, h *spec.Host) (string, error) {
	dir := f.HostDir(h.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the keys of %s: %w", h.Name, err)
	}
	var lines strings.Builder
	for _, make := range []func() (string, crypto.PrivateKey, error){
		func() (string, crypto.PrivateKey, error) {
			_, key, err := ed25519.GenerateKey(rand.Reader)
			return "ed25519", key, err //nolint:wrapcheck // wrapped below
		},
		func() (string, crypto.PrivateKey, error) {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			return "ecdsa", key, err //nolint:wrapcheck // wrapped below
		},
	} {
		kind, key, err := make()
		if err != nil {
			return "", fmt.Errorf("make the keys of %s: %w", h.Name, err)
		}
		public, err := writeSSHKey(filepath.Join(dir, "ssh_host_"+kind+"_key"), key, "", h.Name)
		if err != nil {
			return "", err
		}
		lines.WriteString(h.Address.String() + " " + string(ssh.MarshalAuthorizedKey(public)))
	}
	return lines.String(), nil
}

// newSSHKey makes an ed25519 key, encrypted when there is a passphrase.
func newSSHKey(path, passphrase, comment string) (ssh.PublicKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	return writeSSHKey(path, key, passphrase, comment)
}

func writeSSHKey(path string, key crypto.PrivateKey, passphrase, comment string) (ssh.PublicKey, error) {
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, comment)
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, comment, []byte(passphrase))
	}
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	public := ssh.MarshalAuthorizedKey(signer.PublicKey())
	dir, name := filepath.Split(path)
	if err := errors.Join(store(dir, name, pem.EncodeToMemory(block), 0o600), store(dir, name+".pub", public, 0o600)); err != nil {
		return nil, err
	}
	return signer.PublicKey(), nil
}

// makeCertificates makes the fleet's own authority and a certificate for its services.
func makeCertificates(f *spec.Fleet) error {
	now := time.Now()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the fleet's authority: %w", err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab " + f.Name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return fmt.Errorf("make the fleet's authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the services' certificate: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: fleetd.RegistryName},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{fleetd.RegistryName, fleetd.ACMEName},
		IPAddresses: []net.IP{f.ServicesAddress().AsSlice()},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return fmt.Errorf("make the services' certificate: %w", err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("make the services' certificate: %w", err)
	}
	return errors.Join(
		store(f.Dir, caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), 0o644),
		store(f.Dir, "services.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leafDER}), 0o644),
		store(f.Dir, "services-key.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600),
	)
}

func store(dir, name string, content []byte, mode os.FileMode) error {
	if err := os.WriteFile(filepath.Join(dir, name), content, mode); err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return nil
}
