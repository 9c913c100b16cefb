// Package clustertest stands in for the servers of a cluster in tests, as far as
// package cluster asks them: MongoDB, Rocket.Chat and Grafana. What they say is as the real
// ones say it, measured once; they are no proof that a real one does.
package clustertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// Instance answers as Rocket.Chat does on its two ports.
type Instance struct {
	ID, Version, UniqueID, SiteURL string
	// Modules is the result of license:getModules as JSON; empty: refused.
	Modules string
	// Before711 has no /livez.
	Before711 bool
	// Health is the status of /livez and /health; 0: 200.
	Health int
	// Young is how often /metrics comes without the gauge.
	Young int32
}

// ServeHTTP implements http.Handler, for both ports.
func (i *Instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if i.ID != "" {
		w.Header().Set("X-Instance-Id", i.ID)
	}
	switch {
	case r.URL.Path == "/api/info":
		minor := i.Version[:strings.LastIndexByte(i.Version, '.')]
		_, _ = fmt.Fprintf(w, `{"version":%q,"minimumClientVersions":{"desktop":"3.9.6"},"success":true}`, minor)
	case r.URL.Path == "/health", r.URL.Path == "/livez" && !i.Before711:
		if i.Health != 0 {
			w.WriteHeader(i.Health)
		}
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	case r.URL.Path == "/api/v1/method.callAnon/license:getModules" && r.Method == http.MethodPost:
		var call struct{ Message string }
		var message struct{ Msg, Method string }
		if json.NewDecoder(r.Body).Decode(&call) != nil || json.Unmarshal([]byte(call.Message), &message) != nil ||
			message.Msg != "method" || message.Method != "license:getModules" || i.Modules == "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"success":false,"error":"unauthorized"}`)
			return
		}
		inner, _ := json.Marshal(`{"msg":"result","id":"rcwizard","result":` + i.Modules + `}`)
		_, _ = fmt.Fprintf(w, `{"message":%s,"success":true}`, inner)
	case r.URL.Path == "/metrics":
		_, _ = fmt.Fprint(w, "# HELP process_cpu_user_seconds_total Total user CPU time.\n# TYPE process_cpu_user_seconds_total counter\nprocess_cpu_user_seconds_total 3.1\n")
		if atomic.AddInt32(&i.Young, -1) < 0 {
			_, _ = fmt.Fprintf(w, "# HELP rocketchat_info Rocket.Chat info\n# TYPE rocketchat_info gauge\nrocketchat_info{version=\"8.0.0\",unique_id=\"\",site_url=\"http://old\"} 1\nrocketchat_info{version=%q,unique_id=%q,site_url=%q} 1\n", i.Version, i.UniqueID, i.SiteURL)
		}
	default:
		http.NotFound(w, r)
	}
}
