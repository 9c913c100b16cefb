package steps

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/workspace"
)

// askWithin bounds one question to a service: one that is well answers at once, and
// on a busy host in some seconds.
const askWithin = 15 * time.Second

// service asks the service of this workspace that has a port, in its own
// language, from where it is used. MongoDB, NATS and Rocket.Chat tell which process
// it is that answers: then it must be the one that their own host reaches, behind
// the proxy one of the workspace's instances, and not another of its kind behind
// the same address or name. Where a process was started anew in between, the second
// answer counts: it lies between two looks at those of our own.
func (l *looker) service(ctx context.Context, a ask) check.ServiceAnswer {
	said, who := l.speak(ctx, a, a.from)
	if said != check.ServiceRight || who == "" || a.from == a.place.Host {
		return said
	}
	before, whole := l.owners(ctx, a)
	if !whole || slices.Contains(before, who) {
		return said
	}
	if said, who = l.speak(ctx, a, a.from); said != check.ServiceRight || who == "" {
		return said
	}
	after, whole := l.owners(ctx, a)
	switch {
	case !whole || slices.Contains(before, who) || slices.Contains(after, who):
		return said
	case !l.isEntrance(a.place):
		return check.ServiceWrong
	case l.leadsOn(ctx, a, append(before, after...)):
		return said
	}
	return check.ServiceAnother
}

// owners are the processes of this workspace that may answer at a port. They are
// whole only if each of them told its id.
func (l *looker) owners(ctx context.Context, a ask) (ids []string, whole bool) {
	if !l.isEntrance(a.place) {
		_, who := l.speak(ctx, a, a.place.Host)
		return []string{who}, who != ""
	}
	w := l.s.Workspace
	ids = make([]string, len(w.Instances))
	var all sync.WaitGroup
	for n, i := range w.Instances {
		if h, ok := l.s.Hosts[i.Host]; ok {
			all.Go(func() { ids[n] = cluster.AskInstance(ctx, w, i, h.Dial).ID })
		}
	}
	all.Wait()
	return ids, len(ids) > 0 && !slices.Contains(ids, "")
}

// leadsOn reports whether the proxy, where its own host reaches it, leads to others
// than these, as it does to an instance that a change leaves out. One that does not
// answer there is not the one that answered outside.
func (l *looker) leadsOn(ctx context.Context, a ask, ids []string) bool {
	near, ok := own(l.s.Workspace, check.Site{Place: a.place})
	a.addr = near.String()
	for range 2 * (len(ids) + 1) { // it leads to each in turn
		said, who := l.speak(ctx, a, a.place.Host)
		if !ok || said != check.ServiceRight || who == "" {
			break
		}
		if !slices.Contains(ids, who) {
			return true
		}
	}
	return false
}

// isEntrance reports whether a port is the one at which the proxy shows the
// workspace.
func (l *looker) isEntrance(p check.Place) bool {
	w := l.s.Workspace
	if w.TLS.Mode == workspace.TLSNone {
		return p.Host == w.Proxy.Host && p.Port == w.Proxy.HTTPPort
	}
	return p.Host == w.Proxy.Host && p.Port == w.Proxy.HTTPSPort
}

// speak asks from one place, and returns also which process answered; empty where
// it does not tell.
func (l *looker) speak(ctx context.Context, a ask, from string) (said check.ServiceAnswer, who string) {
	dial := l.s.View.Outside
	if from != check.World {
		h, ok := l.s.Hosts[from]
		if !ok {
			return "", ""
		}
		dial = h.Dial
	}
	if dial == nil {
		return "", ""
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	w := l.s.Workspace
	d := w.Database
	switch port := a.place.Port; {
	case a.place.Host == d.Host && w.RunsMongoDB() && port == d.MongoDBPort:
		return askMongoDB(ctx, dial, a.addr, "")
	case a.place.Host == d.Host && w.RunsNATS() && port == d.NATSPort:
		return askNATS(ctx, dial, a.addr)
	case a.place.Host == d.Host && w.RunsMonitoring() && port == w.Grafana.Port:
		return l.askWeb(ctx, dial, a.addr, "http://"+a.addr+grafanaPath(w)+"/api/health", isGrafana)
	case l.isEntrance(a.place):
		scheme := "https"
		if w.TLS.Mode == workspace.TLSNone {
			scheme = "http"
		}
		return l.askWeb(ctx, dial, a.addr, scheme+"://"+w.Domain+"/api/info", isRocketChat)
	case a.place.Host == w.Proxy.Host && w.TLS.Mode != workspace.TLSNone && port == w.Proxy.HTTPPort:
		if said, _ = l.askWeb(ctx, dial, a.addr, "http://"+w.Domain+"/", leadsTo(w.Domain)); said == check.ServiceRight {
			return check.ServiceRedirect, "" // as any server of this name may
		}
		return said, ""
	}
	for _, i := range w.InstancesOn(a.place.Host) {
		switch a.place.Port {
		case i.Port:
			return l.askWeb(ctx, dial, a.addr, "http://"+a.addr+"/api/info", isRocketChat)
		case i.MetricsPort:
			return l.askWeb(ctx, dial, a.addr, "http://"+a.addr+"/metrics", isMetrics)
		}
	}
	// Moleculer's transporter says nothing to strangers.
	return check.ServiceSilent, ""
}

func askMongoDB(ctx context.Context, dial cluster.Dial, address, options string) (said check.ServiceAnswer, who string) {
	set, err := cluster.Hello(ctx, dial, "mongodb://"+address+"/?directConnection=true"+options)
	switch {
	case err == nil && set.Name+set.Me+set.Process == "":
		return check.ServiceRight, ""
	case err == nil:
		return check.ServiceRight, set.Name + " " + set.Me + " " + set.Process
	case ctx.Err() != nil:
		return check.ServiceSilent, ""
	}
	return check.ServiceWrong, ""
}

// askNATS waits for the greeting that a NATS server begins with.
func askNATS(ctx context.Context, dial cluster.Dial, address string) (said check.ServiceAnswer, who string) {
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return check.ServiceSilent, ""
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	line, err := bufio.NewReader(io.LimitReader(conn, 64<<10)).ReadString('\n')
	switch {
	case strings.HasPrefix(line, "INFO {"):
		var info struct {
			Server string `json:"server_id"`
		}
		_ = json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info) // one that does not tell is right all the same
		return check.ServiceRight, info.Server
	case line == "" && err != nil:
		return check.ServiceSilent, ""
	}
	return check.ServiceWrong, ""
}

// reply is what a web server said.
type reply struct {
	status   int
	location string // where it sends on to
	body     []byte
}

// askWeb asks for a page at an address, whatever DNS says of its name. What is
// starting, or answers over a certificate that is still to come, is silent. Of
// Rocket.Chat it returns which process answered.
func (l *looker) askWeb(ctx context.Context, dial cluster.Dial, address, page string, right func(reply) bool) (said check.ServiceAnswer, who string) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if l.s.View.OutsideTLS != nil {
		trust = l.s.View.OutsideTLS.Clone()
	}
	if l.s.expected(cluster.UnknownAuthority) {
		trust = byName(trust)
	}
	transport := &http.Transport{
		TLSClientConfig: trust, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, address) },
	}
	defer transport.CloseIdleConnections()
	web := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
	if err != nil {
		return "", ""
	}
	res, err := web.Do(req)
	if err != nil {
		if strings.Contains(err.Error(), "malformed HTTP") {
			return check.ServiceWrong, ""
		}
		return check.ServiceSilent, ""
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case err != nil || res.StatusCode >= http.StatusInternalServerError:
		return check.ServiceSilent, ""
	case right(reply{res.StatusCode, res.Header.Get("Location"), body}):
		return check.ServiceRight, res.Header.Get(cluster.InstanceHeader)
	}
	return check.ServiceWrong, ""
}

// byName takes also a certificate whose authority is not known here, if it is for
// the name that is asked for: that of a house, or of Let's Encrypt's staging.
func byName(trust *tls.Config) *tls.Config {
	trust = trust.Clone()
	trust.InsecureSkipVerify = true
	trust.VerifyConnection = func(shown tls.ConnectionState) error {
		leaf, between := shown.PeerCertificates[0], x509.NewCertPool()
		for _, c := range shown.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := leaf.Verify(x509.VerifyOptions{DNSName: shown.ServerName, Roots: trust.RootCAs, Intermediates: between})
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
			return leaf.VerifyHostname(shown.ServerName)
		}
		return err //nolint:wrapcheck // nobody reads it: what does not verify is silent
	}
	return trust
}

func isRocketChat(r reply) bool {
	var info struct {
		Success bool   `json:"success"`
		Version string `json:"version"`
	}
	return r.status == http.StatusOK && json.Unmarshal(r.body, &info) == nil && info.Success && info.Version != ""
}

// grafanaPath is where Grafana answers, behind the proxy as in front of it.
func grafanaPath(w workspace.Workspace) string {
	u, err := url.Parse(w.GrafanaURL())
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

func isGrafana(r reply) bool {
	var health struct {
		Database string `json:"database"`
	}
	return r.status == http.StatusOK && json.Unmarshal(r.body, &health) == nil && health.Database != ""
}

func isMetrics(r reply) bool {
	return r.status == http.StatusOK && strings.Contains(string(r.body), "# TYPE ")
}

// leadsTo is the proxy's way from HTTP to HTTPS.
func leadsTo(domain string) func(reply) bool {
	return func(r reply) bool {
		to, err := url.Parse(r.location)
		return err == nil && to.Scheme == "https" && to.Hostname() == domain
	}
}
