package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// metrics is /metrics on its own port, without a login (§2). rocketchat_info is
// this process's own and tells the exact version, one unique_id for all
// instances of a database, and the site's URL; the totals come from the database
// as Rocket.Chat's come from its last statistics.
func (a *app) metrics() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write([]byte(a.exposition(r.Context()))) // the client went away
	})
	return mux
}

func (a *app) exposition(ctx context.Context) string {
	var b strings.Builder
	put := func(name, kind, help, labels string, value any) {
		_, _ = fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n%s%s %v\n", name, help, name, kind, name, labels, value) // a builder never fails
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	put("rocketchat_info", "gauge", "Rocket.Chat info", fmt.Sprintf(`{version="%s",unique_id="%s",site_url="%s"}`, //nolint:gocritic // the format's own quoting
		a.release, quote.Replace(a.settings.text("uniqueID")), quote.Replace(a.rootURL)), 1)
	put("rocketchat_ddp_sessions_count", "gauge", "number of open ddp sessions", "", a.sessions.count())
	put("rocketchat_ddp_connected_users", "gauge", "number of connected users: nobody logs in over this DDP", "", 0)
	put("rocketchat_rest_api_count", "counter", "REST requests", "", a.calls.rest.Load())
	put("rocketchat_meteor_methods_count", "counter", "Meteor methods", "", a.calls.methods.Load())
	put("rocketchat_message_sent", "counter", "messages sent, which are the lab's events", "", a.calls.messages.Load())
	for _, total := range []struct {
		name, help, collection string
		filter                 bson.D
	}{
		{"rocketchat_users_total", "total of users", "users", bson.D{{Key: "type", Value: "user"}}},
		{"rocketchat_users_active", "total of active users", "users", bson.D{{Key: "type", Value: "user"}, {Key: "active", Value: true}}},
		{"rocketchat_rooms_total", "total of rooms", "rocketchat_room", bson.D{}},
		{"rocketchat_messages_total", "total of messages", "rocketchat_message", bson.D{}},
		{"rocketchat_instances_count", "instances running", "instances", bson.D{}},
	} {
		if n, err := a.db.Collection(total.collection).CountDocuments(ctx, total.filter); err == nil {
			put(total.name, "gauge", total.help, "", n)
		}
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		put("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", "", float64(usage.Utime.Nano()+usage.Stime.Nano())/float64(time.Second))
	}
	put("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", "", a.begun.Unix())
	put("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", "", mem.Sys)
	put("process_uptime_seconds", "gauge", "Uptime of the process.", "", int64(time.Since(a.begun).Seconds()))
	put("nodejs_heap_size_used_bytes", "gauge", "Process heap size used from Node.js in bytes.", "", mem.HeapAlloc)
	put("nodejs_heap_size_total_bytes", "gauge", "Process heap size from Node.js in bytes.", "", mem.HeapSys)
	put("nodejs_eventloop_lag_seconds", "gauge", "Lag of event loop in seconds.", "", lag().Seconds())
	put("nodejs_version_info", "gauge", "Node.js version info.", `{version="`+nodeVersion+`"}`, 1)
	return b.String()
}

// calls are counted as Rocket.Chat's prom-client metrics count them.
type calls struct{ rest, methods, messages atomic.Int64 }

// lag is by how much a timer of a millisecond comes late.
func lag() time.Duration {
	began := time.Now()
	t := time.NewTimer(time.Millisecond)
	defer t.Stop()
	<-t.C
	return time.Since(began) - time.Millisecond
}
