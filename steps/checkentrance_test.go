package steps

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/cluster/clustertest"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/workspace"
)

// entrance is a workspace as the looker meets it: instances and a proxy, and
// somebody who answers where the domain leads.
type entrance struct {
	// direct are the ids of the instances, behind those that the proxy leads to on
	// its own host, and domain those that answer at the domain, in turn; the last
	// stays. Empty is an answer without an id, and "-" none at all.
	direct         map[string][]string
	behind, domain []string
}

// looker is one who meets it. The counts say who was asked how often.
func (e entrance) looker(t *testing.T, asked map[string]int) *looker {
	t.Helper()
	var mu sync.Mutex
	w := guide()
	w.TLS.Mode = workspace.TLSNone
	w = w.Complete()
	dial := func(name string, ids []string) func(context.Context, string, string) (net.Conn, error) {
		var id atomic.Value
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			(&clustertest.Instance{ID: id.Load().(string), Version: "8.9.1"}).ServeHTTP(rw, r)
		}))
		t.Cleanup(srv.Close)
		return func(ctx context.Context, network, _ string) (net.Conn, error) {
			mu.Lock()
			now := ids[min(asked[name], len(ids)-1)]
			asked[name]++
			mu.Unlock()
			id.Store(now)
			if now == "-" {
				return nil, errors.New("connection refused")
			}
			return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
		}
	}
	l := &looker{s: &Site{Workspace: w, Hosts: map[string]remote.Host{w.Proxy.Host: &dialling{dial: dial("behind", e.behind)}}}}
	l.s.View.Outside = dial("domain", e.domain)
	for name, ids := range e.direct {
		l.s.Hosts[name] = &dialling{dial: dial(name, ids)}
	}
	return l
}

// Another Rocket.Chat at the domain is told by its id, and only where that proves it:
// whoever tells none, or may have been started anew in between, harms nothing.
func TestAnotherRocketChat(t *testing.T) {
	t.Parallel()
	both := map[string][]string{"rc1": {"A"}, "rc2": {"B"}}
	ours := []string{"A", "B", "A", "B"}
	for name, test := range map[string]struct {
		entrance
		want check.ServiceAnswer
	}{
		"one of ours":                       {entrance{both, ours, []string{"B"}}, check.ServiceRight},
		"another":                           {entrance{both, ours, []string{"X"}}, check.ServiceAnother},
		"another, and our proxy is silent":  {entrance{both, []string{"-"}, []string{"X"}}, check.ServiceAnother},
		"another, and our proxy tells none": {entrance{both, []string{""}, []string{"X"}}, check.ServiceAnother},
		"it tells none":                     {entrance{both, ours, []string{""}}, check.ServiceRight},
		"it tells none the second time":     {entrance{both, ours, []string{"X", ""}}, check.ServiceRight},
		"it is gone the second time":        {entrance{both, ours, []string{"X", "-"}}, check.ServiceSilent},
		"an instance tells none":            {entrance{map[string][]string{"rc1": {"A"}, "rc2": {""}}, ours, []string{"X"}}, check.ServiceRight},
		"an instance is silent":             {entrance{map[string][]string{"rc1": {"A"}, "rc2": {"-"}}, ours, []string{"X"}}, check.ServiceRight},
		"a host is not connected":           {entrance{map[string][]string{"rc1": {"A"}}, ours, []string{"X"}}, check.ServiceRight},
		"started anew before ours were":     {entrance{map[string][]string{"rc1": {"A2"}, "rc2": {"B"}}, []string{"A2", "B"}, []string{"A", "A2"}}, check.ServiceRight},
		"started anew between the looks":    {entrance{map[string][]string{"rc1": {"A", "A2"}, "rc2": {"B"}}, []string{"A", "B", "A"}, []string{"X", "A2"}}, check.ServiceRight},
		"started anew after the second":     {entrance{map[string][]string{"rc1": {"A", "A2"}, "rc2": {"B"}}, []string{"A", "B", "A"}, []string{"X", "A"}}, check.ServiceRight},
		"an instance that a change removes": {entrance{both, []string{"A", "B", "C"}, []string{"C"}}, check.ServiceRight},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := test.looker(t, map[string]int{})
			a := ask{addr: "192.0.2.13:80", place: check.Place{Host: "edge", Scope: workspace.ScopeAll, Port: l.s.Workspace.Proxy.HTTPPort}}
			if got := l.service(t.Context(), a); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// As long as the first answer is one of ours, nobody is asked again.
func TestOursIsAskedOnce(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	e := entrance{map[string][]string{"rc1": {"A"}, "rc2": {"B"}}, []string{"A", "B"}, []string{"B"}}
	l := e.looker(t, asked)
	l.service(t.Context(), ask{addr: "192.0.2.13:80", place: check.Place{Host: "edge", Port: l.s.Workspace.Proxy.HTTPPort}})
	want := map[string]int{"domain": 1, "rc1": 1, "rc2": 1}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("who was asked how often (-want +got):\n%s", diff)
	}
}

// A way on to HTTPS is what any server of the domain may have: it is no proof.
func TestRedirectIsNoProof(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]check.ServiceAnswer{
		"https://chat.example.com/": check.ServiceRedirect,
		"https://other.example.com": check.ServiceWrong,
		"http://chat.example.com/x": check.ServiceWrong,
	} {
		srv := httptest.NewServer(http.RedirectHandler(to, http.StatusMovedPermanently))
		t.Cleanup(srv.Close)
		l := &looker{s: &Site{Workspace: guide().Complete()}}
		l.s.View.Outside = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
		}
		a := ask{addr: "192.0.2.13:80", place: check.Place{Host: "edge", Scope: workspace.ScopeAll, Port: l.s.Workspace.Proxy.HTTPPort}}
		if got := l.service(t.Context(), a); got != want {
			t.Errorf("%s: %q, want %q", to, got, want)
		}
	}
}
