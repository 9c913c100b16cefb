package remote

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// UnknownHostKeyError is a host whose key nobody has confirmed yet. Nothing
// was sent to it. After a person has compared the fingerprint, Trust records
// the key and Connect is called again.
type UnknownHostKeyError struct {
	// Host is the name, Addr the address and port that the key is for.
	Host, Addr string
	// Type is as ssh-keygen says it: ED25519, ECDSA, RSA.
	Type string
	// Fingerprint is "SHA256:…".
	Fingerprint string
	// File is the known_hosts file that Trust is meant for.
	File string
	Key  ssh.PublicKey
}

func (e *UnknownHostKeyError) Error() string {
	return fmt.Sprintf("host %s: the %s key of %s is not known yet: its fingerprint is %s: compare it on the host (ssh-keygen -lf /etc/ssh/ssh_host_%s_key.pub) and accept it",
		e.Host, e.Type, e.Addr, e.Fingerprint, strings.ToLower(e.Type))
}

// Trust appends the key to a known_hosts file, which is made if it is missing
// (0600, its directory 0700). An empty file name means e.File.
func (e *UnknownHostKeyError) Trust(file string) error {
	if file == "" {
		file = e.File
	}
	return recordKey(file, e.Addr, e.Key)
}

// ChangedHostKeyError is a host that shows another key than the one that is
// known, or expected. Nothing was sent to it.
type ChangedHostKeyError struct {
	Host, Addr string
	// Type and Fingerprint are of the key that it shows now.
	Type, Fingerprint string
	// Known are the fingerprints that were right before, with the file and
	// line where they stand; the one expected by the caller has no file.
	Known []KnownKey
}

// KnownKey is a key that was confirmed earlier.
type KnownKey struct {
	Type, Fingerprint string
	File              string
	Line              int
}

func (e *ChangedHostKeyError) Error() string {
	known := make([]string, 0, len(e.Known))
	for _, k := range e.Known {
		text := k.Fingerprint
		if k.Type != "" {
			text += " (" + k.Type + ")"
		}
		if k.File != "" {
			text += fmt.Sprintf(" at %s:%d", k.File, k.Line)
		}
		known = append(known, text)
	}
	next := "ask whoever runs the host; if it was installed anew, give the new fingerprint"
	if len(e.Known) > 0 && e.Known[0].File != "" {
		next = fmt.Sprintf("ask whoever runs the host; if it was installed anew, remove that line (ssh-keygen -R '%s' -f %s) and connect again", xknownhosts.Normalize(e.Addr), e.Known[0].File)
	}
	return fmt.Sprintf("host %s: the key of %s is not the one that is known: it shows %s (%s), known is %s: somebody may be in between, so nothing was sent: %s",
		e.Host, e.Addr, e.Fingerprint, e.Type, strings.Join(known, ", "), next)
}

// NoHostCertificateError is a host for which known_hosts trusts an authority
// only, and which has no certificate of it.
type NoHostCertificateError struct{ Host, Addr string }

func (e *NoHostCertificateError) Error() string {
	return fmt.Sprintf("host %s: known_hosts trusts only a certificate authority for %s, and the host shows no certificate that fits: have its host key signed, or add its key to known_hosts", e.Host, e.Addr)
}

// RevokedHostKeyError is a host that shows a key marked @revoked.
type RevokedHostKeyError struct {
	Host, Addr, Fingerprint string
	File                    string
	Line                    int
}

func (e *RevokedHostKeyError) Error() string {
	return fmt.Sprintf("host %s: the key of %s, %s, is revoked at %s:%d: nothing was sent: the host needs a new key", e.Host, e.Addr, e.Fingerprint, e.File, e.Line)
}

// keyAlgorithms are what is asked for when known_hosts knows nothing: in the
// order of ssh, so that the fingerprint is the one that ssh would show.
func keyAlgorithms() []string {
	return []string{
		ssh.KeyAlgoED25519,
		ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
	}
}

// keyVerifier decides about one hop's host key.
type keyVerifier struct {
	hop hop
	db  *knownhosts.HostKeyDB
	// verdict is why the key was refused; the handshake's own error wraps it
	// in a text.
	verdict error
}

func newKeyVerifier(h hop) (*keyVerifier, error) {
	var files []string
	for _, file := range h.knownHosts {
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			files = append(files, file)
		}
	}
	db, err := knownhosts.NewDB(files...)
	if err != nil {
		return nil, fmt.Errorf("host %s: read the known host keys: %w", h.label, err)
	}
	return &keyVerifier{hop: h, db: db}, nil
}

// algorithms are for ssh.ClientConfig: those of the known keys, so that a host
// known by one key is not taken for another because it has several.
func (v *keyVerifier) algorithms() []string {
	if known := v.db.HostKeyAlgorithms(v.hop.keyAddr()); len(known) > 0 {
		return known
	}
	return keyAlgorithms()
}

// authorityOnly says that known_hosts has no plain key for the host.
func (v *keyVerifier) authorityOnly() bool {
	keys := v.db.HostKeys(v.hop.keyAddr())
	return len(keys) > 0 && !slices.ContainsFunc(keys, func(k knownhosts.PublicKey) bool { return !k.Cert })
}

func (v *keyVerifier) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	v.verdict = v.judge(remote, key)
	return v.verdict
}

func (v *keyVerifier) judge(remote net.Addr, key ssh.PublicKey) error {
	h := v.hop
	addr := h.keyAddr()
	fingerprint := ssh.FingerprintSHA256(plainKey(key))
	err := v.db.HostKeyCallback()(addr, remote, key)
	var keyErr *xknownhosts.KeyError
	if revoked, ok := errors.AsType[*xknownhosts.RevokedError](err); ok {
		return &RevokedHostKeyError{Host: h.label, Addr: addr, Fingerprint: fingerprint, File: revoked.Revoked.Filename, Line: revoked.Revoked.Line}
	}
	if h.hostKey != "" {
		if h.hostKey != fingerprint {
			return &ChangedHostKeyError{
				Host: h.label, Addr: addr, Type: keyType(key), Fingerprint: fingerprint,
				Known: []KnownKey{{Fingerprint: h.hostKey}},
			}
		}
		if knownhosts.IsHostUnknown(err) {
			return recordKey(h.knownHosts[0], addr, plainKey(key))
		}
		// A line in known_hosts that says otherwise is older than the
		// fingerprint that was given for this connection.
		return nil
	}
	switch {
	case err == nil:
		return nil
	case knownhosts.IsHostKeyChanged(err) && errors.As(err, &keyErr):
		changed := &ChangedHostKeyError{Host: h.label, Addr: addr, Type: keyType(key), Fingerprint: fingerprint}
		for _, want := range keyErr.Want {
			changed.Known = append(changed.Known, KnownKey{
				Type: keyType(want.Key), Fingerprint: ssh.FingerprintSHA256(want.Key), File: want.Filename, Line: want.Line,
			})
		}
		return changed
	case knownhosts.IsHostUnknown(err):
		if h.acceptNew {
			return recordKey(h.knownHosts[0], addr, plainKey(key))
		}
		return &UnknownHostKeyError{
			Host: h.label, Addr: addr, Type: keyType(key), Fingerprint: fingerprint,
			File: h.knownHosts[0], Key: plainKey(key),
		}
	default:
		return fmt.Errorf("host %s: verify the host key of %s: %w", h.label, addr, err)
	}
}

// plainKey is the key inside a certificate.
func plainKey(key ssh.PublicKey) ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return cert.Key
	}
	return key
}

func keyType(key ssh.PublicKey) string {
	switch t := plainKey(key).Type(); t {
	case ssh.KeyAlgoED25519:
		return "ED25519"
	case ssh.KeyAlgoRSA:
		return "RSA"
	case ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return "ECDSA"
	default:
		return t
	}
}

// recordKey appends one line. A file that does not end with a newline gets one
// first.
func recordKey(file, addr string, key ssh.PublicKey) (err error) {
	fail := func(err error) error { return fmt.Errorf("record the host key of %s: %w", addr, err) }
	if err = os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fail(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fail(err)
	}
	defer func() {
		if cerr := f.Close(); cerr != nil && err == nil {
			err = fail(cerr)
		}
	}()
	line := xknownhosts.Line([]string{addr}, key) + "\n"
	if info, serr := f.Stat(); serr == nil && info.Size() > 0 {
		end := make([]byte, 1)
		if _, rerr := f.ReadAt(end, info.Size()-1); rerr == nil && end[0] != '\n' {
			line = "\n" + line
		}
	}
	if _, err = f.WriteString(line); err != nil {
		return fail(err)
	}
	return nil
}
