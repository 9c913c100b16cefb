package cluster

import (
	"context"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/rcwizard/rcwizard/cluster/clustertest"
)

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
	wo := newWorld(t, plan(3), append(two(), &clustertest.Instance{ID: "id-3", Version: "8.9.1"})...)
	wo.backends = wo.backends[:2]
	outside := wo.view.Outside
	var connections atomic.Int64
	wo.view.Outside = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "chat.example.com:443" {
			connections.Add(1)
		}
		return outside(ctx, network, address)
	}
	p := ProbeProxy(t.Context(), wo.w, wo.view)
	if n := connections.Load(); n != 31 { // one more, to look at the certificate
		t.Errorf("%d connections for 30 requests: a connection that is kept stays with one instance", n)
	}
	if p.Requests != 30 || p.Answers != 30 || len(p.Seen) != 2 {
		t.Errorf("%d requests, %d answers, seen %+v", p.Requests, p.Answers, p.Seen)
	}
}
