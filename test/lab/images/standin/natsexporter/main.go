// Command natsexporter is the lab's stand-in for prometheus-nats-exporter
// 0.17.3, whose module the lab's sources could not be had for: its options, and
// the real figures of a NATS server's monitoring endpoints as gnatsd_<endpoint>_
// series, which is how the exporter names every number that it finds.
package main

import (
	"context"
	"encoding/json"
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
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// exporter is one NATS server and the endpoints that are read of it.
type exporter struct {
	url       string
	endpoints []string
	client    *http.Client
}

func run(ctx context.Context, args []string, stderr io.Writer) error {
	fs := flag.NewFlagSet("prometheus-nats-exporter", flag.ContinueOnError)
	fs.SetOutput(stderr)
	addr, port, path := "", 7777, ""
	for _, name := range []string{"addr", "a"} {
		fs.StringVar(&addr, name, "0.0.0.0", "Network host to listen on.")
	}
	for _, name := range []string{"port", "p"} {
		fs.IntVar(&port, name, 7777, "Port to listen on.")
	}
	fs.StringVar(&path, "path", "/metrics", "URL path to serve metrics on.")
	known := []string{"varz", "connz", "healthz", "subz", "routez", "gatewayz", "leafz", "connz_detailed"}
	chosen := map[string]*bool{}
	for _, name := range known {
		chosen[name] = fs.Bool(name, false, "Get "+name+" metrics.")
	}
	for _, name := range []string{"use_internal_server_id", "use_internal_server_name", "D", "V", "DV"} {
		fs.Bool(name, false, "")
	}
	if err := fs.Parse(args); err != nil {
		return fmt.Errorf("options: %w", err)
	}
	if fs.NArg() != 1 {
		return errors.New("you must specify one NATS monitoring URL, such as http://localhost:8222")
	}
	e := &exporter{url: strings.TrimSuffix(fs.Arg(0), "/"), client: &http.Client{Timeout: 5 * time.Second}}
	for _, name := range known {
		if *chosen[name] {
			e.endpoints = append(e.endpoints, name)
		}
	}
	if len(e.endpoints) == 0 {
		return errors.New("no metrics specified: use -varz, -connz, -healthz …")
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(addr, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { e.scrape(r.Context(), w) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// scrape writes the numbers of every endpoint; gnatsd_up says whether the server
// answered.
func (e *exporter) scrape(ctx context.Context, w io.Writer) {
	label := fmt.Sprintf("{server_id=%q}", e.url)
	up := 1
	for _, name := range e.endpoints {
		fields, err := e.read(ctx, strings.TrimSuffix(name, "_detailed"))
		if err != nil {
			up = 0
			continue
		}
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			var value any
			switch v := fields[field].(type) {
			case float64:
				value = v
			case string: // healthz's status, by far the most asked for
				if name != "healthz" || field != "status" {
					continue
				}
				value = 1
				if v == "ok" {
					value = 0
				}
			default:
				continue
			}
			series := "gnatsd_" + strings.TrimSuffix(name, "_detailed") + "_" + field
			_, _ = fmt.Fprintf(w, "# TYPE %s gauge\n%s%s %v\n", series, series, label, value) // the client went away
		}
	}
	_, _ = fmt.Fprintf(w, "# TYPE gnatsd_up gauge\ngnatsd_up%s %d\n", label, up) // the client went away
}

func (e *exporter) read(ctx context.Context, endpoint string) (map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+"/"+endpoint, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, err)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var fields map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&fields); err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, err)
	}
	return fields, nil
}
