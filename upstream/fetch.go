package upstream

import (
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

// largest is the size of a file above which it cannot be one of them.
const largest = 8 << 20

// Source is where files are fetched from.
type Source struct {
	// Base is a URL like URL; a mirror has the same below it.
	Base string
	// Client makes the requests; nil means one that goes by the environment's
	// proxies and gives up on a server that is silent.
	Client *http.Client
}

func (s Source) client() *http.Client {
	if s.Client != nil {
		return s.Client
	}
	return &http.Client{
		Timeout: fileTimeout,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout:   dialTimeout,
			ResponseHeaderTimeout: headerTimeout,
			ForceAttemptHTTP2:     true,
		},
	}
}

// Fetch gets files of a commit by their paths, and compares them with the
// commit's sums. An error is a *Error.
func (s Source) Fetch(ctx context.Context, c Commit, paths []string) (map[string][]byte, error) {
	client := s.client()
	defer client.CloseIdleConnections()
	out := make(map[string][]byte, len(paths))
	for _, path := range paths {
		at, err := url.JoinPath(s.Base, c.ID, path)
		if err != nil {
			return nil, &Error{Kind: Unreachable, URL: s.Base, Path: path, Commit: c.ID, Err: err}
		}
		content, err := get(ctx, client, at)
		if err == nil {
			err = c.verify(path, content)
		}
		if err != nil {
			var told *Error
			if !errors.As(err, &told) {
				told = &Error{Kind: kindOf(err), Err: err}
			}
			told.URL, told.Path, told.Commit, told.Known = at, path, c.ID, len(out) > 0
			return nil, told
		}
		out[path] = content
	}
	return out, nil
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
		return nil, &Error{Kind: Proxied, Err: errors.New("the proxy asks for a login")}
	case resp.StatusCode != http.StatusOK:
		return nil, &Error{Kind: Refused, Err: errors.New(resp.Status)}
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

// verify compares a file with its sum, where somebody vouches for it.
func (c Commit) verify(path string, content []byte) error {
	if c.Sums == nil {
		return nil
	}
	if want, got := c.Sums[path], Sum(content); want != got {
		return &Error{Kind: Changed, Want: want, Got: got}
	}
	return nil
}

// Sum is the SHA-256 of a file, in hexadecimal.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
