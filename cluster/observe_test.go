package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rcwizard/rcwizard/workspace"
)

// fakeInstance answers as Rocket.Chat does on its two ports.
type fakeInstance struct {
	id, version, uniqueID, siteURL string
	modules                        string // the result as JSON; "": refused
	before711                      bool   // no /livez
	health                         int
	young                          int32 // so many times /metrics comes without the gauge
}

func (i *fakeInstance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if i.id != "" {
		w.Header().Set("X-Instance-Id", i.id)
	}
	switch {
	case r.URL.Path == "/api/info":
		minor := i.version[:strings.LastIndexByte(i.version, '.')]
		_, _ = fmt.Fprintf(w, `{"version":%q,"minimumClientVersions":{"desktop":"3.9.6"},"success":true}`, minor)
	case r.URL.Path == "/health", r.URL.Path == "/livez" && !i.before711:
		if i.health != 0 {
			w.WriteHeader(i.health)
		}
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	case r.URL.Path == "/api/v1/method.callAnon/license:getModules" && r.Method == http.MethodPost:
		var call struct{ Message string }
		var message struct{ Msg, Method string }
		if json.NewDecoder(r.Body).Decode(&call) != nil || json.Unmarshal([]byte(call.Message), &message) != nil ||
			message.Msg != "method" || message.Method != "license:getModules" || i.modules == "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"success":false,"error":"unauthorized"}`)
			return
		}
		inner, _ := json.Marshal(`{"msg":"result","id":"rcwizard","result":` + i.modules + `}`)
		_, _ = fmt.Fprintf(w, `{"message":%s,"success":true}`, inner)
	case r.URL.Path == "/metrics":
		_, _ = fmt.Fprint(w, "# HELP process_cpu_user_seconds_total Total user CPU time.\n# TYPE process_cpu_user_seconds_total counter\nprocess_cpu_user_seconds_total 3.1\n")
		if atomic.AddInt32(&i.young, -1) < 0 {
			_, _ = fmt.Fprintf(w, "# HELP rocketchat_info Rocket.Chat info\n# TYPE rocketchat_info gauge\nrocketchat_info{version=\"8.0.0\",unique_id=\"\",site_url=\"http://old\"} 1\nrocketchat_info{version=%q,unique_id=%q,site_url=%q} 1\n", i.version, i.uniqueID, i.siteURL)
		}
	default:
		http.NotFound(w, r)
	}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// authority issues certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{cert, key, x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

// issue makes a certificate; change may make it a bad one.
func (a authority) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "chat.example.com"},
		DNSNames:  []string{"chat.example.com", "grafana.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(20 * time.Hour),
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// world is a cluster of fakes: planned addresses lead to servers that listen
// on loopback ports.
type world struct {
	w         workspace.Workspace
	addresses fleet
	view      View
	backends  []http.Handler
	cert      tls.Certificate
	next      atomic.Int64
	cookies   atomic.Int64
}

func newWorld(t *testing.T, w workspace.Workspace, instances ...*fakeInstance) *world {
	t.Helper()
	ca := newAuthority(t)
	wo := &world{w: w, addresses: fleet{}, cert: ca.issue(t, nil)}
	records := make([]bson.D, 0, len(instances))
	targets := append(make([]string, 0, 1+len(instances)), `{"labels":{"job":"node","instance":"db"},"scrapeUrl":"http://127.0.0.1:9100/metrics","health":"up","lastError":""}`)
	clients := make([]string, 0, len(instances))
	for n, i := range instances {
		planned := w.Instances[n]
		wo.backends = append(wo.backends, i)
		wo.addresses[planned.Address(w)] = serve(t, i)
		wo.addresses[planned.MetricsAddress(w)] = serve(t, i)
		host, _ := w.Host(planned.Host)
		records = append(records, document(i.id, host.PrivateIP, strconv.Itoa(planned.Port), serverNow.Add(-time.Hour), serverNow.Add(-3*time.Second)))
		targets = append(targets, fmt.Sprintf(`{"labels":{"job":"rocketchat","instance":%q},"scrapeUrl":"http://%s/metrics","health":"up","lastError":""}`, planned.Name, planned.MetricsAddress(w)))
		clients = append(clients, fmt.Sprintf(`{"cid":%d,"ip":%q,"port":5%d}`, n, host.PrivateIP, n))
	}
	m := startMongo(t, &fakeMongo{
		hello: primaryHello(w.MongoDBAddress()), build: bson.D{{Key: "version", Value: "8.0.12"}},
		documents: map[string][]bson.D{"rocketchat.instances": records},
	})
	wo.addresses[w.MongoDBAddress()] = m.address
	wo.addresses["127.0.0.1:9090"] = serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/targets" {
			http.NotFound(rw, r)
			return
		}
		_, _ = fmt.Fprintf(rw, `{"status":"success","data":{"activeTargets":[%s],"droppedTargets":[]}}`, strings.Join(targets, ","))
	}))
	wo.addresses["127.0.0.1:8222"] = serve(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(rw, `{"num_connections":%d,"connections":[%s]}`, len(clients), strings.Join(clients, ","))
	}))
	grafana := http.HandlerFunc(wo.grafana)
	wo.addresses[w.GrafanaAddress()] = serve(t, grafana)

	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("rc"); err == nil {
			wo.cookies.Add(1)
		}
		http.SetCookie(rw, &http.Cookie{Name: "rc", Value: "sticky"})
		if r.Host == "grafana.example.com" || strings.HasPrefix(r.URL.Path, "/grafana") {
			grafana(rw, r)
			return
		}
		wo.backends[int(wo.next.Add(1))%len(wo.backends)].ServeHTTP(rw, r)
	}))
	proxy.Config.ErrorLog = nil
	proxy.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &wo.cert, nil }}
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	plain := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://"+r.Host+r.URL.Path, http.StatusPermanentRedirect)
	}))
	outside := fleet{
		"chat.example.com:443": proxy.Listener.Addr().String(), "grafana.example.com:443": proxy.Listener.Addr().String(),
		"10.0.0.20:443": proxy.Listener.Addr().String(), "chat.example.com:80": plain, "10.0.0.20:80": plain,
	}
	wo.view = View{
		Database:   wo.addresses.dial,
		Instance:   func(string) Dial { return wo.addresses.dial },
		Outside:    outside.dial,
		OutsideTLS: &tls.Config{RootCAs: ca.pool, MinVersion: tls.VersionTLS12},
		Timeout:    2 * time.Second,
	}
	return wo
}

// grafana answers as it does from a sub-path or from a domain of its own.
func (wo *world) grafana(rw http.ResponseWriter, r *http.Request) {
	base := ""
	if wo.w.Grafana.Mode == workspace.GrafanaPath {
		base = wo.w.Grafana.Path
	}
	switch r.URL.Path {
	case base + "/api/health":
		_, _ = io.WriteString(rw, `{"database":"ok","version":"12.3.0","commit":"x"}`)
	case base + "/login":
		_, _ = io.WriteString(rw, "<title>Grafana</title>")
	case base + "/":
		http.Redirect(rw, r, base+"/login", http.StatusFound)
	default:
		http.NotFound(rw, r)
	}
}

func two() []*fakeInstance {
	return []*fakeInstance{
		{id: "id-1", version: "8.9.1", uniqueID: "Xu9", siteURL: "https://chat.example.com", modules: `["scalability","auditing"]`},
		{id: "id-2", version: "8.9.1", uniqueID: "Xu9", siteURL: "https://chat.example.com", modules: `["scalability"]`, young: 1},
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	wo := newWorld(t, plan(2), two()...)
	r := Observe(t.Context(), wo.w, workspace.Secrets{}, wo.view)
	if r.Verdict != VerdictOK || r.Summary != "2 of 2 instances registered, linked" || len(r.Findings) > 0 {
		t.Fatalf("verdict %s, %q, findings %+v", r.Verdict, r.Summary, r.Findings)
	}
	want := []Row{
		{Name: "rc1", Host: "rc1", Address: "10.0.0.11:3000", Record: "id-1", Registered: Yes, Since: serverNow.Add(-time.Hour), Answers: Yes, Version: "8.9.1", Proxied: Yes, Linked: Yes},
		{Name: "rc2", Host: "rc2", Address: "10.0.0.12:3000", Record: "id-2", Registered: Yes, Since: serverNow.Add(-time.Hour), Answers: Yes, Version: "8.9.1", Proxied: Yes, Linked: Yes},
	}
	if diff := cmp.Diff(want, r.Instances); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	f := r.Facts
	if got := f.Proxy.Redirect.Location; got != "https://chat.example.com/" {
		t.Errorf("redirect to %q", got)
	}
	if f.Proxy.Requests > 4 {
		t.Errorf("%d requests to see two instances that take turns", f.Proxy.Requests)
	}
	if n := wo.cookies.Load(); n > 0 {
		t.Errorf("%d requests carried a cookie", n)
	}
	if f.Grafana.Version != "12.3.0" || f.Grafana.URL != "https://chat.example.com/grafana/" {
		t.Errorf("Grafana %+v", f.Grafana)
	}
	if diff := cmp.Diff([]string{"10.0.0.11", "10.0.0.12"}, f.NATS.Clients); diff != "" {
		t.Errorf("NATS clients (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"auditing", "scalability"}, f.Instances[0].License.Modules); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

func TestObserveVariants(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		workspace func(w *workspace.Workspace)
		instances func(i []*fakeInstance)
		world     func(wo *world)
		verdict   Verdict
		summary   string
		finding   string // its id; "": none
	}{
		"DNS bypassed": {
			world:   func(wo *world) { wo.view.OutsideAddress = "10.0.0.20" },
			verdict: VerdictOK, summary: "2 of 2 instances registered, linked",
		},
		"grafana under its own domain": {
			workspace: func(w *workspace.Workspace) {
				w.Grafana = workspace.Grafana{Mode: workspace.GrafanaSubdomain, Domain: "grafana.example.com"}
			},
			verdict: VerdictOK, summary: "2 of 2 instances registered, linked",
		},
		"before 7.11": {
			instances: func(i []*fakeInstance) { i[0].before711, i[1].before711 = true, true },
			verdict:   VerdictOK, summary: "2 of 2 instances registered, linked",
		},
		"not licensed": {
			instances: func(i []*fakeInstance) { i[0].modules, i[1].modules = "[]", "[]" },
			verdict:   VerdictWarning, summary: "2 of 2 instances registered, not linked: no licence", finding: "not-licensed",
		},
		"licence not told": {
			instances: func(i []*fakeInstance) { i[0].modules, i[1].modules = "", "null" },
			verdict:   VerdictUnknown, summary: "2 of 2 instances registered, links unknown: the licence could not be learnt", finding: "license-unknown",
		},
		"unwell": {
			instances: func(i []*fakeInstance) { i[1].health = http.StatusServiceUnavailable },
			verdict:   VerdictWarning, summary: "2 of 2 instances registered, linked", finding: "instance-unhealthy",
		},
		"one out of the rotation": {
			world:   func(wo *world) { wo.backends = wo.backends[:1] },
			verdict: VerdictFailed, summary: "2 of 2 instances registered, linked", finding: "not-in-rotation",
		},
		"every backend down": {
			world:   func(wo *world) { wo.backends = []http.Handler{http.HandlerFunc(badGateway)} },
			verdict: VerdictFailed, summary: "2 of 2 instances registered, linked", finding: "proxy-refuses",
		},
		"another certificate": {
			world: func(wo *world) {
				wo.view.OutsideTLS = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
			},
			verdict: VerdictFailed, summary: "2 of 2 instances registered, linked", finding: "certificate",
		},
		"one host not connected": {
			world: func(wo *world) {
				dial := wo.addresses.dial
				wo.view.Instance = func(host string) Dial {
					if host == "rc2" {
						return nil
					}
					return dial
				}
			},
			verdict: VerdictUnknown, summary: "2 of 2 instances registered, links unknown: the licence could not be learnt (rc2)", finding: "instance-silent",
		},
		"something else on the port": {
			world: func(wo *world) {
				wo.addresses["10.0.0.12:3000"] = wo.addresses["127.0.0.1:8222"]
			},
			verdict: VerdictFailed, summary: "2 of 2 instances registered, links unknown: the licence could not be learnt (rc2)", finding: "instance-silent",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := plan(2)
			if test.workspace != nil {
				test.workspace(&w)
				w = w.Complete()
			}
			instances := two()
			if test.instances != nil {
				test.instances(instances)
			}
			wo := newWorld(t, w, instances...)
			if test.world != nil {
				test.world(wo)
			}
			r := Observe(t.Context(), w, workspace.Secrets{}, wo.view)
			first := ""
			if len(r.Findings) > 0 {
				first = r.Findings[0].ID
			}
			if r.Verdict != test.verdict || r.Summary != test.summary || first != test.finding {
				t.Errorf("verdict %s, summary %q, findings %+v\nwant %s, %q, %q", r.Verdict, r.Summary, r.Findings, test.verdict, test.summary, test.finding)
			}
		})
	}
}

func badGateway(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }

// Plain HTTP behind something that terminates TLS: straight at the proxy no
// certificate is looked for and no redirect expected.
func TestObserveWithoutTLS(t *testing.T) {
	t.Parallel()
	w := plan(2)
	w.TLS.Mode = workspace.TLSNone
	wo := newWorld(t, w, two()...)
	wo.view.OutsideAddress = "10.0.0.20"
	wo.view.Outside = fleet{"10.0.0.20:80": serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/grafana") {
			wo.grafana(rw, r)
			return
		}
		wo.backends[int(wo.next.Add(1))%2].ServeHTTP(rw, r)
	}))}.dial
	r := Observe(t.Context(), w, workspace.Secrets{}, wo.view)
	if r.Verdict != VerdictOK || r.Facts.Proxy.Certificate != nil || r.Facts.Proxy.Redirect != nil {
		t.Errorf("verdict %s, findings %+v, proxy %+v", r.Verdict, r.Findings, r.Facts.Proxy)
	}
}

// A host that swallows connections costs its own deadline, not everybody's
// deadlines one after the other.
func TestDeadHostDelaysNobody(t *testing.T) {
	t.Parallel()
	wo := newWorld(t, plan(2), two()...)
	wo.view.Timeout = 500 * time.Millisecond
	dial := wo.addresses.dial
	hole := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	wo.view.Instance = func(host string) Dial {
		if host == "rc2" {
			return hole
		}
		return dial
	}
	began := time.Now()
	r := Observe(t.Context(), wo.w, workspace.Secrets{}, wo.view)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("one dead host held the report up for %v", took)
	}
	if r.Instances[0].Answers != Yes || r.Instances[1].Answers != No {
		t.Errorf("rows %+v", r.Instances)
	}
	if want := "no answer on 10.0.0.12:3000: timed out"; r.Facts.Instances[1].Error.Text != want {
		t.Errorf("error %q, want %q", r.Facts.Instances[1].Error.Text, want)
	}
}

// Nothing can be looked at: everything is unknown, nothing is called failed.
func TestObserveNothing(t *testing.T) {
	t.Parallel()
	r := Observe(t.Context(), plan(2), workspace.Secrets{}, View{})
	if r.Verdict != VerdictUnknown || r.Counted {
		t.Errorf("verdict %s, counted %v, findings %+v", r.Verdict, r.Counted, r.Findings)
	}
	for _, f := range r.Findings {
		if f.Verdict != VerdictUnknown {
			t.Errorf("%s: %s: %s", f.ID, f.Verdict, f.Text)
		}
	}
}

func TestRunningRelease(t *testing.T) {
	t.Parallel()
	wo := newWorld(t, plan(2), two()...)
	got, err := RunningRelease(t.Context(), wo.w, wo.w.Instances[1], wo.addresses.dial)
	if err != nil || got != "8.9.1" {
		t.Errorf("RunningRelease = %q, %v", got, err)
	}
	_, err = RunningRelease(t.Context(), wo.w, wo.w.Instances[1], fleet{}.dial)
	if want := "rc2: read the release that rc2 runs: no answer on 10.0.0.12:9458: connection refused"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestDecodeModules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want []string
		ok   bool
	}{
		"as seen":            {`{"message":"{\"msg\":\"result\",\"id\":\"1\",\"result\":[\"scalability\"]}","success":true}`, []string{"scalability"}, true},
		"none":               {`{"message":"{\"msg\":\"result\",\"result\":[]}","success":true}`, []string{}, true},
		"message an object":  {`{"message":{"msg":"result","result":["a"]},"success":true}`, []string{"a"}, true},
		"no message":         {`{"result":["a"]}`, []string{"a"}, true},
		"modules as objects": {`{"message":"{\"result\":[{\"module\":\"scalability\",\"external\":false},{\"name\":\"b\"}]}"}`, []string{"scalability", "b"}, true},
		"result null":        {`{"message":"{\"msg\":\"result\",\"result\":null}","success":true}`, nil, false},
		"no result":          {`{"message":"{\"msg\":\"result\"}","success":true}`, nil, false},
		"method error":       {`{"message":"{\"msg\":\"result\",\"error\":{\"error\":404},\"result\":[]}","success":true}`, nil, false},
		"refused":            {`{"success":false,"error":"Unauthorized"}`, nil, false},
		"refused with list":  {`{"success":false,"result":["scalability"]}`, nil, false},
		"an object":          {`{"message":"{\"result\":{\"scalability\":true}}"}`, nil, false},
		"numbers":            {`{"message":"{\"result\":[1,2]}"}`, nil, false},
		"message not JSON":   {`{"message":"ok"}`, nil, false},
		"a page":             {`<html>`, nil, false},
		"empty":              {``, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := decodeModules([]byte(test.body))
			if ok != test.ok || !cmp.Equal(got, test.want, cmpopts.EquateEmpty()) {
				t.Errorf("decodeModules = %q, %v; want %q, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

func TestJudgeCertificate(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	tests := map[string]struct {
		by     authority
		change func(*x509.Certificate)
		name   string
		want   CertificateProblem
	}{
		"good":              {by: a},
		"expired":           {by: a, change: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, want: Expired},
		"not yet valid":     {by: a, change: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }, want: NotYetValid},
		"wrong name":        {by: a, name: "files.example.com", want: WrongName},
		"unknown and wrong": {by: other, name: "files.example.com", want: WrongName},
		"unknown authority": {by: other, want: UnknownAuthority},
		"traefik": {by: other, change: func(c *x509.Certificate) {
			c.Subject.CommonName, c.DNSNames = "TRAEFIK DEFAULT CERT", []string{"abc.traefik.default"}
		}, want: TraefikDefault},
		"for clients only": {by: a, change: func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}, want: BrokenChain},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := test.name
			if host == "" {
				host = "chat.example.com"
			}
			leaf := test.by.issue(t, test.change).Leaf
			got := judgeCertificate([]*x509.Certificate{leaf}, host, a.pool, time.Now())
			if got.Problem != test.want || (test.want != "") != (got.Detail != "") {
				t.Errorf("problem %q (%s), want %q", got.Problem, got.Detail, test.want)
			}
		})
	}
}

func TestLeadsTo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		from, location, target, path string
		status                       int
		want                         bool
	}{
		{"http://chat.example.com/", "https://chat.example.com/", "https://chat.example.com", "", 308, true},
		{"http://chat.example.com/", "https://chat.example.com:443/", "https://chat.example.com", "", 301, true},
		{"http://chat.example.com/", "https://CHAT.example.com", "https://chat.example.com", "", 301, true},
		{"http://chat.example.com/", "https://chat.example.com:8443/", "https://chat.example.com", "", 308, false},
		{"http://chat.example.com:8080/", "https://chat.example.com:8443/", "https://chat.example.com:8443", "", 308, true},
		{"http://chat.example.com/", "http://chat.example.com/", "https://chat.example.com", "", 308, false},
		{"http://chat.example.com/", "/", "https://chat.example.com", "", 308, false},
		{"http://chat.example.com/", "https://chat.example.com/", "https://chat.example.com", "", 200, false},
		{"http://chat.example.com/", "", "https://chat.example.com", "", 308, false},
		{"http://chat.example.com/", "https://[", "https://chat.example.com", "", 308, false},
		{"https://c.example/grafana/", "/grafana/login", "https://c.example/grafana", "/grafana", 302, true},
		{"https://c.example/grafana/", "/login", "https://c.example/grafana", "/grafana", 302, false},
		{"https://c.example/grafana/", "/grafana2/login", "https://c.example/grafana", "/grafana/", 302, false},
		{"https://c.example/grafana/", "http:///grafana/login", "https://c.example/grafana", "/grafana", 302, false},
	}
	for _, test := range tests {
		target, err := url.Parse(test.target)
		if err != nil {
			t.Fatal(err)
		}
		r := Redirect{URL: test.from, Location: test.location, Status: test.status}
		if got := r.leadsTo(*target, test.path); got != test.want {
			t.Errorf("%d from %s to %q leads to %s%s: %v, want %v", test.status, test.from, test.location, test.target, test.path, got, test.want)
		}
	}
}

// However few instances come, the proxy is asked no more than ten times for
// each planned one.
func TestSpreadIsBounded(t *testing.T) {
	t.Parallel()
	wo := newWorld(t, plan(3), append(two(), &fakeInstance{id: "id-3", version: "8.9.1"})...)
	wo.backends = wo.backends[:2]
	p := ProbeProxy(t.Context(), wo.w, wo.view)
	if p.Requests != 30 || p.Answers != 30 || len(p.Seen) != 2 {
		t.Errorf("%d requests, %d answers, seen %+v", p.Requests, p.Answers, p.Seen)
	}
}
