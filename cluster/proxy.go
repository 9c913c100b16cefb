package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

const (
	// proxyRounds bounds the requests to ten for each instance.
	proxyRounds = 10
	// proxyParallel bounds how many are under way at once.
	proxyParallel = 8
)

// entrance is the way in for a user: the proxy as DNS or View.OutsideAddress
// says, with the user's trust.
type entrance struct {
	view    View
	proxy   workspace.Proxy
	plain   bool // TLS is terminated elsewhere
	timeout time.Duration
}

func newEntrance(w workspace.Workspace, v View) entrance {
	return entrance{view: v, proxy: w.Proxy, plain: w.TLS.Mode == workspace.TLSNone, timeout: v.timeout()}
}

// dial reaches u's server. With an OutsideAddress the proxy's own ports are
// meant, whatever port a user types: what stands in front may map them.
func (e entrance) dial(scheme string) Dial {
	outside := e.view.Outside.orNowhere()
	if e.view.OutsideAddress == "" {
		return outside
	}
	port := e.proxy.HTTPPort
	if scheme == "https" {
		port = e.proxy.HTTPSPort
	}
	address := net.JoinHostPort(strings.Trim(e.view.OutsideAddress, "[]"), strconv.Itoa(port))
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return outside(ctx, network, address)
	}
}

// url is what is really asked for: straight at a proxy that leaves TLS to
// others, https cannot be spoken.
func (e entrance) url(u url.URL) url.URL {
	if e.plain && e.view.OutsideAddress != "" {
		u.Scheme = "http"
	}
	return u
}

// web makes a client for a server whose certificate had the given problem.
func (e entrance) web(scheme string, certificate *Certificate) *http.Client {
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.view.OutsideTLS != nil {
		trust = e.view.OutsideTLS.Clone()
	}
	if certificate != nil && certificate.Problem != "" {
		// The problem has been told. Requests carry no secret, and whether
		// everything behind it works is worth knowing all the same.
		trust.InsecureSkipVerify = true
	}
	return newWeb(e.dial(scheme), trust, e.timeout)
}

// certificate looks at what u's server shows; nil for plain HTTP.
func (e entrance) certificate(ctx context.Context, u url.URL) *Certificate {
	if u.Scheme != "https" {
		return nil
	}
	c := lookCertificate(ctx, e.dial(u.Scheme), hostPort(u), u.Hostname(), e.view.OutsideTLS, e.timeout)
	return &c
}

// ProbeProxy looks once at what a user sees: the certificate, the redirect,
// and the instances behind the reverse proxy.
func ProbeProxy(ctx context.Context, w workspace.Workspace, v View) ProxyReport {
	r := ProxyReport{URL: w.RootURL}
	root, err := url.Parse(w.RootURL)
	if err != nil {
		r.Error = failure(err)
		return r
	}
	e := newEntrance(w, v)
	var wg sync.WaitGroup
	if w.TLS.Mode != workspace.TLSNone {
		wg.Go(func() { r.Redirect = e.redirect(ctx, *root) })
	}
	asked := e.url(*root)
	r.Certificate = e.certificate(ctx, asked)
	if r.Certificate != nil && r.Certificate.Error != nil {
		r.Error = r.Certificate.Error
	} else {
		r.spread(ctx, e.web(asked.Scheme, r.Certificate), asked.JoinPath("api", "info").String(), len(w.Instances), 4*e.timeout)
	}
	wg.Wait()
	return r
}

// spread asks the proxy round after round until as many instances have
// answered as are planned. Traefik gives requests without a cookie to one
// after the other, so that one round is mostly enough.
func (r *ProxyReport) spread(ctx context.Context, web *http.Client, address string, instances int, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	seen := make(map[string]int)
	var first error
	for range proxyRounds {
		var (
			mu    sync.Mutex
			wg    sync.WaitGroup
			slots = make(chan struct{}, proxyParallel)
			came  bool
		)
		for range instances {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				reply, err := fetch(ctx, web, address, "")
				mu.Lock()
				defer mu.Unlock()
				r.Requests++
				if err != nil {
					if first == nil { // later ones may come from the deadline
						first = err
					}
					return
				}
				came = true
				r.note(reply, seen)
			})
		}
		wg.Wait()
		if len(seen) >= instances || !came || ctx.Err() != nil || (r.Answers > 0 && r.Anonymous == r.Answers) {
			break
		}
	}
	for id, n := range seen {
		r.Seen = append(r.Seen, Seen{ID: id, Answers: n})
	}
	slices.SortFunc(r.Seen, func(a, b Seen) int { return cmp.Compare(a.ID, b.ID) })
	if r.Answers == 0 && first != nil {
		r.Error = failure(first)
	}
}

func (r *ProxyReport) note(reply webReply, seen map[string]int) {
	if _, err := readInfo(reply); err != nil {
		r.Refused = err.Error()
		return
	}
	r.Answers++
	if id := reply.header.Get(InstanceHeader); id != "" {
		seen[id]++
	} else {
		r.Anonymous++
	}
}

// redirect asks for the front page over plain HTTP and expects to be sent to
// root_url.
func (e entrance) redirect(ctx context.Context, root url.URL) *Redirect {
	plain := url.URL{Scheme: "http", Host: root.Hostname(), Path: "/"}
	if strings.Contains(root.Hostname(), ":") {
		plain.Host = "[" + root.Hostname() + "]"
	}
	if e.proxy.HTTPPort != 80 && e.proxy.HTTPPort != 0 {
		plain.Host = net.JoinHostPort(root.Hostname(), strconv.Itoa(e.proxy.HTTPPort))
	}
	r := follow(ctx, e.web("http", nil), plain)
	r.Right = r.leadsTo(root, "")
	return r
}

// follow asks once and keeps where the answer points.
func follow(ctx context.Context, web *http.Client, u url.URL) *Redirect {
	r := &Redirect{URL: u.String()}
	reply, err := fetch(ctx, web, r.URL, "")
	if err != nil {
		r.Error = failure(err)
		return r
	}
	r.Status = reply.code
	r.Location = reply.header.Get("Location")
	return r
}

// leadsTo reports whether the redirect points at the server of target, at or
// below path.
func (r *Redirect) leadsTo(target url.URL, path string) bool {
	if r.Status < 300 || r.Status > 399 || r.Location == "" {
		return false
	}
	from, err := url.Parse(r.URL)
	if err != nil {
		return false
	}
	to, err := from.Parse(r.Location)
	if err != nil {
		return false
	}
	under := strings.TrimSuffix(path, "/")
	return to.Scheme == target.Scheme && strings.EqualFold(hostPort(*to), hostPort(target)) &&
		(to.Path == under || strings.HasPrefix(to.Path, under+"/") || under == "" && to.Path == "")
}

// hostPort is u's host with the port that its scheme implies.
func hostPort(u url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
