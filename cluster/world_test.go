package cluster

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rcwizard/rcwizard/cluster/clustertest"
	"github.com/rcwizard/rcwizard/workspace"
)

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// world is a cluster of fakes: planned addresses lead to servers that listen
// on loopback ports.
type world struct {
	w         workspace.Workspace
	addresses fleet
	view      View
	backends  []http.Handler
	grafana   http.Handler
	cert      tls.Certificate
	next      atomic.Int64
	cookies   atomic.Int64
}

func newWorld(t *testing.T, w workspace.Workspace, instances ...*clustertest.Instance) *world {
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
		records = append(records, clustertest.Document(i.ID, host.PrivateIP, strconv.Itoa(planned.Port), clustertest.ServerNow().Add(-time.Hour), clustertest.ServerNow().Add(-3*time.Second)))
		targets = append(targets, fmt.Sprintf(`{"labels":{"job":"rocketchat","instance":%q},"scrapeUrl":"http://%s/metrics","health":"up","lastError":""}`, planned.Name, planned.MetricsAddress(w)))
		clients = append(clients, fmt.Sprintf(`{"cid":%d,"ip":%q,"port":5%d}`, n, host.PrivateIP, n))
	}
	m := clustertest.StartMongo(t, &clustertest.Mongo{
		Hello: clustertest.PrimaryHello(w.MongoDBAddress()), Build: bson.D{{Key: "version", Value: "8.0.12"}},
		Documents: map[string][]bson.D{"rocketchat.instances": records},
	})
	wo.addresses[w.MongoDBAddress()] = m.Address
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
	wo.grafana = clustertest.Grafana(w, "12.3.0")
	wo.addresses[w.GrafanaAddress()] = serve(t, wo.grafana)

	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("rc"); err == nil {
			wo.cookies.Add(1)
		}
		http.SetCookie(rw, &http.Cookie{Name: "rc", Value: "sticky"})
		if r.Host == "grafana.example.com" || strings.HasPrefix(r.URL.Path, "/grafana") {
			wo.grafana.ServeHTTP(rw, r)
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
