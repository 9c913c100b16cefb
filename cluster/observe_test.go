package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/cluster/clustertest"
	"github.com/rcwizard/rcwizard/workspace"
)

func two() []*clustertest.Instance {
	return []*clustertest.Instance{
		{ID: "id-1", Version: "8.9.1", UniqueID: "Xu9", SiteURL: "https://chat.example.com", Modules: `["scalability","auditing"]`},
		{ID: "id-2", Version: "8.9.1", UniqueID: "Xu9", SiteURL: "https://chat.example.com", Modules: `["scalability"]`, Young: 1},
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
		{Name: "rc1", Host: "rc1", Address: "10.0.0.11:3000", Record: "id-1", Registered: Yes, Since: clustertest.ServerNow().Add(-time.Hour), Answers: Yes, Version: "8.9.1", Proxied: Yes, Linked: Yes},
		{Name: "rc2", Host: "rc2", Address: "10.0.0.12:3000", Record: "id-2", Registered: Yes, Since: clustertest.ServerNow().Add(-time.Hour), Answers: Yes, Version: "8.9.1", Proxied: Yes, Linked: Yes},
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
		instances func(i []*clustertest.Instance)
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
			instances: func(i []*clustertest.Instance) { i[0].Before711, i[1].Before711 = true, true },
			verdict:   VerdictOK, summary: "2 of 2 instances registered, linked",
		},
		"not licensed": {
			instances: func(i []*clustertest.Instance) { i[0].Modules, i[1].Modules = "[]", "[]" },
			verdict:   VerdictWarning, summary: "2 of 2 instances registered, not linked: no licence", finding: "not-licensed",
		},
		"licence not told": {
			instances: func(i []*clustertest.Instance) { i[0].Modules, i[1].Modules = "", "null" },
			verdict:   VerdictUnknown, summary: "2 of 2 instances registered, links unknown: the licence could not be learnt", finding: "license-unknown",
		},
		"unwell": {
			instances: func(i []*clustertest.Instance) { i[1].Health = http.StatusServiceUnavailable },
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
			verdict: VerdictFailed, summary: "2 of 2 instances registered, rc2 does not answer, links unknown: the licence could not be learnt (rc2)", finding: "instance-silent",
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
			wo.grafana.ServeHTTP(rw, r)
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

// From where an instance's metrics are shut, it is asked who it is all the same,
// and at once.
func TestAskInstance(t *testing.T) {
	t.Parallel()
	w := plan(1)
	address := serve(t, &clustertest.Instance{ID: "one", Version: "8.9.1"})
	dial := func(ctx context.Context, network, at string) (net.Conn, error) {
		if at != w.Instances[0].Address(w) {
			t.Errorf("%s was asked", at)
		}
		return fleet{w.Instances[0].Address(w): address}.dial(ctx, network, at)
	}
	if r := AskInstance(t.Context(), w, w.Instances[0], dial); r.ID != "one" || r.InfoVersion != "8.9" || r.Error != nil {
		t.Errorf("%+v", r)
	}
	for _, way := range []Dial{nil, fleet{}.dial} {
		if r := AskInstance(t.Context(), w, w.Instances[0], way); r.Error == nil {
			t.Errorf("no way, and no error: %+v", r)
		}
	}
	if r := ProbeInstance(t.Context(), w, w.Instances[0], nil); r.Error == nil || !r.Error.Unseen {
		t.Errorf("no way: %+v", r.Error)
	}
}
