package steps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/workspace"
)

// A certificate of an authority that this machine does not know is enough for
// the name that it is for, and for no other; by default it is not.
func TestByName(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.NotFoundHandler()) // for example.com
	t.Cleanup(srv.Close)
	for _, test := range []struct {
		name    string
		lenient bool
		known   bool
		ok      bool
	}{
		{"example.com", false, false, false},
		{"example.com", false, true, true},
		{"example.com", true, false, true},
		{"example.com", true, true, true},
		{"chat.example.org", true, false, false},
		{"chat.example.org", true, true, false},
	} {
		trust := &tls.Config{ServerName: test.name, MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
		if test.known {
			trust.RootCAs.AddCert(srv.Certificate())
		}
		if test.lenient {
			trust = byName(trust)
		}
		dialer := tls.Dialer{Config: trust}
		conn, err := dialer.DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
		if (err == nil) != test.ok {
			t.Errorf("%+v: %v", test, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

// A NATS server that answers at the address of the database's host is not taken for
// the workspace's own if the host itself reaches another one there.
func TestServiceOfAnotherProcess(t *testing.T) {
	t.Parallel()
	nats := func(id string) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				_, _ = io.WriteString(far, "INFO {\"server_id\":\""+id+"\",\"version\":\"2.11\"} \r\n")
				_ = far.Close()
			}()
			return near, nil
		}
	}
	w := guide().Complete()
	for _, test := range []struct {
		far, own string
		want     check.ServiceAnswer
	}{
		{"NA", "NA", check.ServiceRight},
		{"NB", "NA", check.ServiceWrong},
		{"", "NA", check.ServiceRight}, // it does not tell
		{"NB", "", check.ServiceRight},
	} {
		l := &looker{s: &Site{Workspace: w, Hosts: map[string]remote.Host{
			w.Instances[0].Host: &dialling{dial: nats(test.far)}, w.Database.Host: &dialling{dial: nats(test.own)},
		}}}
		a := ask{from: w.Instances[0].Host, addr: "10.0.0.10:4222", place: check.Place{Host: w.Database.Host, Port: w.Database.NATSPort}}
		if got := l.service(t.Context(), a); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// What the network keeps from a port is no matter of the service that has it: it is
// not asked, which would cost a second deadline.
func TestClosedIsNotAsked(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	nats := check.Place{Host: w.Database.Host, Scope: workspace.ScopePrivate, Port: w.Database.NATSPort}
	var mu sync.Mutex
	asked := map[string]int{}
	hosts := map[string]remote.Host{}
	for _, h := range w.Hosts {
		hosts[h.Name] = &dialling{dial: func(context.Context, string, string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			asked[h.Name]++
			return nil, io.ErrUnexpectedEOF
		}}
	}
	l := &looker{
		s: &Site{Workspace: w, Hosts: hosts}, logins: map[string][]netip.Addr{}, owned: map[string]*owned{}, more: make(chan struct{}, 1),
		e: check.Evidence{
			Names: map[string]check.Name{}, Probes: map[check.Path]check.Probe{},
			Outside:   check.Outside{Probes: map[check.Place]check.Probe{}},
			Listeners: map[check.Place]check.Listener{nats: {Result: check.ListenInUse, Owner: check.OwnerUs}},
		},
	}
	l.e.Names[w.Domain] = check.Name{Ports: map[int][]check.Probe{}}
	p := l.plan()
	from := w.Instances[0].Host
	for i, e := range p.edges {
		p.closed[i] = e.From != from
	}
	p.conclude(t.Context())
	if diff := cmp.Diff(map[string]int{from: 1}, asked); diff != "" {
		t.Errorf("who asked how often (-want +got):\n%s", diff)
	}
}

// dialling is a host of which nothing is used but its connections.
type dialling struct {
	remote.Host
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (d *dialling) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return d.dial(ctx, network, address)
}
