package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
)

// Kind is why the files could not be had.
type Kind string

// The kinds. Each has its own next thing to do.
const (
	// Unreachable means that nobody answered.
	Unreachable Kind = "unreachable"
	// Untrusted means that the server's certificate is not one that is trusted
	// here, as where a proxy looks into TLS.
	Untrusted Kind = "untrusted"
	// Proxied means that something in between answered.
	Proxied Kind = "proxied"
	// Barred means that a proxy did not connect to the server.
	Barred Kind = "barred"
	// Absent means that there is no such commit, or no such file in it.
	Absent Kind = "absent"
	// Refused means any other answer than the file.
	Refused Kind = "refused"
	// Cut means that the connection ended before the file did.
	Cut Kind = "cut"
	// Changed means that the file is not the one that is known.
	Changed Kind = "changed"
	// Cancelled means that the caller gave up.
	Cancelled Kind = "cancelled"
)

// Error says of the first file that could not be had why.
type Error struct {
	Kind Kind
	// URL is the Printable address of the file.
	URL    string
	Path   string
	Commit string
	// Known says that another file of the commit was there.
	Known bool
	// Want and Got are the sums, where the kind is Changed.
	Want, Got string
	// Have and Whole are bytes, where the kind is Cut; Whole is -1 if the server
	// did not say how many there are.
	Have, Whole int64
	Err         error
}

// Error names the address and what happened there.
func (e *Error) Error() string {
	switch e.Kind {
	case Absent:
		if e.Known {
			return fmt.Sprintf("%s is not there: the commit %s has no file %s", e.URL, e.Commit, e.Path)
		}
		return fmt.Sprintf("%s is not there: no commit %s is known at that address", e.URL, e.Commit)
	case Proxied:
		return fmt.Sprintf("%s was not answered by the server itself: %v", e.URL, e.Err)
	case Barred:
		return fmt.Sprintf("%s cannot be reached through the proxy: %v", e.URL, e.Err)
	case Refused:
		return fmt.Sprintf("%s was answered with something else than the file: %v", e.URL, e.Err)
	case Cut:
		if e.Whole > 0 {
			return fmt.Sprintf("%s was cut off after %d of %d bytes: %v", e.URL, e.Have, e.Whole, e.Err)
		}
		return fmt.Sprintf("%s was cut off after %d bytes: %v", e.URL, e.Have, e.Err)
	case Changed:
		return fmt.Sprintf("%s is not the file that is known at the commit %s: its SHA-256 is %s, and must be %s", e.URL, e.Commit, e.Got, e.Want)
	case Unreachable, Untrusted, Cancelled:
	}
	if asked, ok := errors.AsType[*url.Error](e.Err); ok { // which names the address too
		return fmt.Sprintf("%s cannot be fetched: %v", e.URL, asked.Err)
	}
	return fmt.Sprintf("%s cannot be fetched: %v", e.URL, e.Err)
}

// Unwrap is what happened below. It has no address in it that is not Printable.
func (e *Error) Unwrap() error { return e.Err }

// Next is what to do about it, in one sentence without a full stop.
func (e *Error) Next() string {
	switch e.Kind {
	case Unreachable:
		return "see that this machine reaches the internet (HTTPS_PROXY names a proxy), or name a mirror with --compose-url"
	case Untrusted:
		return "where a proxy looks into TLS, give this machine the proxy's authority, or name a mirror with --compose-url"
	case Proxied:
		return "log in where the network asks for it, name the proxy in HTTPS_PROXY with the login that it wants, or name a mirror with --compose-url"
	case Barred:
		return "have the proxy let this machine through to that server, name another proxy in HTTPS_PROXY, or name a mirror with --compose-url"
	case Absent:
		if e.Known {
			return "use the commit that rcwizard knows: compose: official"
		}
		return "look at the commit, and at the mirror's address if there is one: below it come the commit and the file's path"
	case Refused:
		return "try again later, or name a mirror with --compose-url"
	case Cut:
		return "run again"
	case Changed:
		return "do not use it; see who changed the file, the mirror or something in between, and fetch it from another place with --compose-url"
	case Cancelled:
		return "run again"
	}
	return ""
}

// kindOf sorts what went wrong before there was an answer.
func kindOf(err error) Kind {
	var (
		authority  x509.UnknownAuthorityError
		invalid    x509.CertificateInvalidError
		hostname   x509.HostnameError
		unverified *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.As(err, &authority), errors.As(err, &invalid), errors.As(err, &hostname), errors.As(err, &unverified):
		return Untrusted
	}
	return Unreachable
}
