package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
)

func TestScrape(t *testing.T) {
	n, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: -1, HTTPHost: "127.0.0.1", HTTPPort: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	n.Start()
	defer n.Shutdown()
	if !n.ReadyForConnections(5 * time.Second) {
		t.Fatal("NATS does not start")
	}
	e := &exporter{url: "http://" + n.MonitorAddr().String(), endpoints: []string{"varz", "connz", "healthz"}, client: http.DefaultClient}
	read := func() string {
		w := httptest.NewRecorder()
		e.scrape(t.Context(), w)
		return w.Body.String()
	}
	got := read()
	for _, want := range []string{"gnatsd_varz_connections{", "gnatsd_varz_slow_consumers{", "gnatsd_connz_num_connections{", "gnatsd_healthz_status{server_id=\"" + e.url + "\"} 0\n", "gnatsd_up{server_id=\"" + e.url + "\"} 1\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	n.Shutdown()
	n.WaitForShutdown()
	if got := read(); !strings.Contains(got, "gnatsd_up{server_id=\""+e.url+"\"} 0\n") {
		t.Errorf("with the server gone:\n%s", got)
	}
}

func TestOptions(t *testing.T) {
	for _, args := range [][]string{{"-varz"}, {"http://127.0.0.1:1"}, {"-nonsense", "http://127.0.0.1:1"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
