// Command mongodbexporter is the lab's stand-in for Percona's mongodb_exporter
// 0.44: its options, a real connection to MongoDB at each scrape, mongodb_up,
// and the few series that dashboards of a deployment begin with.
//
// An option that the exporter does not have ends it, as kong does. Collectors
// are accepted and have no series of their own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv("MONGODB_URI"))
	stop()
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "mongodb_exporter: error: %v\n", err)
		os.Exit(1)
	}
}

// flags reads the command line.
func flags(args []string, uri string) (mongoURI, listen, path string, err error) {
	fs := flag.NewFlagSet("mongodb_exporter", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&mongoURI, "mongodb.uri", uri, "")
	fs.StringVar(&listen, "web.listen-address", ":9216", "")
	fs.StringVar(&path, "web.telemetry-path", "/metrics", "")
	for _, name := range []string{
		"collect-all", "compatible-mode", "discovering-mode", "mongodb.direct-connect", "mongodb.global-conn-pool", "split-cluster",
		"collector.diagnosticdata", "collector.replicasetstatus", "collector.replicasetconfig", "collector.dbstats", "collector.dbstatsfreestorage",
		"collector.topmetrics", "collector.currentopmetrics", "collector.indexstats", "collector.collstats", "collector.profile", "collector.shards", "collector.fcv", "collector.pbm",
	} {
		fs.Bool(name, false, "")
	}
	for _, name := range []string{"log.level", "mongodb.collstats-colls", "mongodb.indexstats-colls", "mongodb.connect-timeout-ms", "collector.collstats-limit", "web.timeout-offset"} {
		fs.String(name, "", "")
	}
	if err := fs.Parse(args); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
			return "", "", "", fmt.Errorf("unknown flag --%s", name)
		}
		return "", "", "", err //nolint:wrapcheck // flag's own words
	}
	if mongoURI == "" {
		return "", "", "", errors.New("no MongoDB hosts were specified. You must specify the host(s) with the --mongodb.uri command argument or the MONGODB_URI environment variable")
	}
	if !strings.Contains(mongoURI, "://") {
		mongoURI = "mongodb://" + mongoURI
	}
	return mongoURI, listen, path, nil
}

func run(ctx context.Context, args []string, uri string) error {
	uri, listen, path, err := flags(args, uri)
	if err != nil {
		return err
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(2 * time.Second).SetAppName("mongodb_exporter"))
	if err != nil {
		return fmt.Errorf("mongodb.uri: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("web.listen-address: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { scrape(r.Context(), client, w) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html><body><h1>MongoDB Exporter</h1></body></html>")
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// scrape asks the server who it is. mongodb_up is 0 when it does not answer.
func scrape(ctx context.Context, client *mongo.Client, w io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	series := func(name, labels string, value any) {
		_, _ = fmt.Fprintf(w, "%s%s %v\n", name, labels, value) // the client went away
	}
	put := func(name, labels string, value any) {
		_, _ = fmt.Fprintf(w, "# TYPE %s gauge\n", name) // the client went away
		series(name, labels, value)
	}
	var hello struct {
		IsWritablePrimary bool   `bson:"isWritablePrimary"`
		SetName           string `bson:"setName"`
		Me                string `bson:"me"`
	}
	var status struct {
		Connections map[string]int64 `bson:"connections"`
		OpCounters  map[string]int64 `bson:"opcounters"`
		Mem         map[string]int64 `bson:"mem"`
	}
	var build struct {
		Version string `bson:"version"`
	}
	admin := client.Database("admin")
	err := errors.Join(
		admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello),
		admin.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build),
		admin.RunCommand(ctx, bson.D{{Key: "serverStatus", Value: 1}}).Decode(&status),
	)
	if err != nil {
		put("mongodb_up", "", 0)
		return
	}
	state := 0
	if hello.SetName != "" {
		state = 2
		if hello.IsWritablePrimary {
			state = 1
		}
	}
	put("mongodb_up", "", 1)
	put("mongodb_version_info", fmt.Sprintf("{mongodb=%q}", build.Version), 1)
	if hello.SetName != "" {
		put("mongodb_mongod_replset_my_state", fmt.Sprintf("{set=%q}", hello.SetName), state)
		put("mongodb_rs_members_state", fmt.Sprintf("{rs_nm=%q,member_idx=%q,self=\"1\"}", hello.SetName, hello.Me), state)
	}
	for _, group := range []struct {
		name, label, kind string
		values            map[string]int64
	}{
		{"mongodb_connections", "state", "gauge", status.Connections},
		{"mongodb_op_counters_total", "type", "counter", status.OpCounters},
		{"mongodb_memory", "type", "gauge", status.Mem},
	} {
		_, _ = fmt.Fprintf(w, "# TYPE %s %s\n", group.name, group.kind) // the client went away
		for _, key := range slices.Sorted(maps.Keys(group.values)) {
			series(group.name, fmt.Sprintf("{%s=%q}", group.label, key), group.values[key])
		}
	}
}
