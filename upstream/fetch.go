package upstream

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// URL is where GitHub has the files: below it the commit, below that the path.
const URL = "https://raw.githubusercontent.com/RocketChat/rocketchat-compose"

// How long a server may take: for the connection, for the first byte, and for
// one file, of which the largest has half a megabyte.
const (
	dialTimeout   = 10 * time.Second
	headerTimeout = 20 * time.Second
	fileTimeout   = 2 * time.Minute
)

// wholeTimeout is how long all files together may take: a server that gives each
// of them slowly is as good as none.
const wholeTimeout = 3 * time.Minute

// largest is the size of a file above which it cannot be one of them.
const largest = 8 << 20

// Source is where files are fetched from.
type Source struct {
	// Base is a URL like URL; a mirror has the same below it. A login or a query
	// in it is sent with each request, and is in no text: see Printable.
	Base string
	// Client makes the requests; nil means one that goes by the environment's
	// proxies and gives up on a server that is silent.
	Client *http.Client
	// limit is that of a whole Fetch; zero means wholeTimeout.
	limit time.Duration
}

// Printable is an address without what may be secret in it, which is the login and
// the query; empty if it is none.
func Printable(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

func (s Source) client() *http.Client {
	if s.Client != nil {
		client := *s.Client
		if client.CheckRedirect == nil {
			client.CheckRedirect = follow
		}
		return &client
	}
	return &http.Client{
		Timeout:       fileTimeout,
		CheckRedirect: follow,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout:    dialTimeout,
			ResponseHeaderTimeout:  headerTimeout,
			ForceAttemptHTTP2:      true,
			OnProxyConnectResponse: connected,
		},
	}
}

// mostRedirects is as many as net/http follows.
const mostRedirects = 10

// follow goes where a server leads to, but not away from TLS, and without telling
// the next server the address before, which may have a token in it.
func follow(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= mostRedirects:
		return &Error{Kind: Refused, Err: fmt.Errorf("it leads on more than %d times", mostRedirects)}
	case via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https":
		return &Error{Kind: Refused, Err: fmt.Errorf("it leads from https to %s, which everybody in between can change", Printable(req.URL.String()))}
	}
	req.Header.Del("Referer")
	return nil
}

// proxyLogin is what is said of a proxy that answers 407: of a request, or of the
// CONNECT before one.
func proxyLogin() *Error {
	return &Error{Kind: Proxied, Err: errors.New("the proxy asks for a login")}
}

// connected says what a proxy answered that was asked to connect to the server, if
// it did not.
func connected(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		return proxyLogin()
	}
	return &Error{Kind: Barred, Err: fmt.Errorf("%s answers %s", proxy.Host, status(resp.Status))}
}

// status is a status line as it may be shown: somebody in between wrote it.
func status(line string) string {
	const most = 80
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, ""))
	if runes := []rune(line); len(runes) > most {
		line = string(runes[:most]) + "…"
	}
	return line
}

// Fetch gets files of a commit by their paths, and compares them with the
// commit's sums. An error is a *Error.
func (s Source) Fetch(ctx context.Context, c Commit, paths []string) (map[string][]byte, error) {
	return s.fetch(ctx, c, paths, func(path string, content []byte) error {
		if c.Sums == nil {
			return nil
		}
		return compare(c.Sums[path], content)
	})
}

// fetch is Fetch with another comparison.
func (s Source) fetch(ctx context.Context, c Commit, paths []string, verify func(path string, content []byte) error) (map[string][]byte, error) {
	limit := cmp.Or(s.limit, wholeTimeout)
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("all files together took longer than %s", limit))
	defer cancel()
	client := s.client()
	defer client.CloseIdleConnections()
	out := make(map[string][]byte, len(paths))
	for _, path := range paths {
		at, err := url.JoinPath(s.Base, c.ID, path)
		if err != nil {
			// What url says of it repeats parts of it, of which one may be a password.
			return nil, &Error{Kind: Unreachable, URL: "the mirror", Path: path, Commit: c.ID, Err: errors.New("it has no proper address")}
		}
		content, err := get(limited, client, at)
		if err == nil {
			err = verify(path, content)
		}
		if err != nil {
			told := tell(ctx, limited, err)
			told.URL, told.Path, told.Commit, told.Known = Printable(at), path, c.ID, len(out) > 0
			return nil, told
		}
		out[path] = content
	}
	return out, nil
}

// tell makes an *Error of an error. Whatever else it looks like, it comes of the
// caller who gave up, and then of the limit for all files, if that is over.
func tell(ctx, limited context.Context, err error) *Error {
	if ended := ctx.Err(); ended != nil {
		return &Error{Kind: Cancelled, Err: ended}
	}
	var told *Error
	if !errors.As(err, &told) {
		if asked, ok := errors.AsType[*url.Error](err); ok {
			asked.URL = Printable(asked.URL)
		}
		told = &Error{Kind: kindOf(err), Err: err}
	}
	if limited.Err() != nil && (told.Kind == Cut || told.Kind == Unreachable) {
		told.Err = context.Cause(limited)
	}
	return told
}

// get reads one file whole.
func get(ctx context.Context, client *http.Client, at string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for it: %w", err)
	}
	req.Header.Set("User-Agent", "rcwizard")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the address, and its kind is looked at
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(io.LimitReader(resp.Body, largest+1))
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, &Error{Kind: Absent}
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return nil, proxyLogin()
	case resp.StatusCode != http.StatusOK:
		return nil, &Error{Kind: Refused, Err: errors.New(status(resp.Status))}
	case err != nil:
		return nil, &Error{Kind: Cut, Have: int64(len(content)), Whole: resp.ContentLength, Err: err}
	case isPage(resp.Header.Get("Content-Type"), content):
		told := &Error{Kind: Proxied, Err: errors.New("it is a web page")}
		if final := resp.Request.URL; final.String() != at {
			told.Err = fmt.Errorf("it is a web page of %s", final.Host)
		}
		return nil, told
	case len(content) > largest:
		return nil, &Error{Kind: Refused, Err: fmt.Errorf("it is larger than %d bytes", largest)}
	}
	return content, nil
}

// isPage reports whether an answer is made for a browser. None of the files is:
// raw.githubusercontent.com says text/plain of all of them.
func isPage(contentType string, content []byte) bool {
	begin := strings.ToLower(strings.TrimSpace(string(content[:min(len(content), 512)])))
	return strings.HasPrefix(strings.ToLower(contentType), "text/html") ||
		strings.HasPrefix(begin, "<!doctype html") || strings.HasPrefix(begin, "<html")
}

// compare is an error where a file is not the one of the sum.
func compare(want string, content []byte) error {
	if got := Sum(content); want != got {
		return &Error{Kind: Changed, Want: want, Got: got}
	}
	return nil
}

// Sum is the SHA-256 of a file, in hexadecimal.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
