package cluster

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// bodyLimit is far above what any probe expects to read.
const bodyLimit = 8 << 20

// webReply is an answer, read to its end.
type webReply struct {
	code   int
	header http.Header
	body   []byte
}

// status is the reply's first line without the protocol: "502 Bad Gateway".
func (r webReply) status() string {
	return strings.TrimSpace(strconv.Itoa(r.code) + " " + http.StatusText(r.code))
}

// newWeb makes a client that opens a new connection for every request, keeps
// no cookie, uses no proxy of the operator's environment and follows no
// redirect.
func newWeb(dial Dial, trust *tls.Config, timeout time.Duration) *http.Client {
	dial = dial.orNowhere()
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dial(ctx, network, address)
			},
			TLSClientConfig:   trust,
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// fetch sends one request; body "" means GET. An error is a noAnswerError.
func fetch(ctx context.Context, c *http.Client, url, body string) (webReply, error) {
	method, content := http.MethodGet, io.Reader(http.NoBody)
	if body != "" {
		method, content = http.MethodPost, strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return webReply{}, noAnswer(url, err)
	}
	req.Header.Set("User-Agent", "rcwizard")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.Do(req)
	if err != nil {
		return webReply{}, noAnswer(req.URL.Host, err)
	}
	defer func() { _ = res.Body.Close() }()
	read, err := io.ReadAll(io.LimitReader(res.Body, bodyLimit))
	if err != nil {
		return webReply{}, noAnswer(req.URL.Host, err)
	}
	return webReply{code: res.StatusCode, header: res.Header, body: read}, nil
}
