// Command grafana is the lab's stand-in for Grafana 12: it checks the
// configuration that a deployment gives it, and answers where Grafana would.
//
// It imitates the environment GF_SERVER_*, GF_PATHS_*, GF_SECURITY_ADMIN_*;
// provisioning of data sources and dashboards from files; the password that
// counts at the first start alone; that a data source which was provisioned once
// keeps its uid or ends the next start; the sub-path, its redirects and health check;
// the login page; and basic authentication on the API.
//
// It is stricter in one thing: a provisioning folder that is missing or empty,
// or a dashboard folder that is missing, ends it, where Grafana logs an error
// and serves without data sources (H3). It draws nothing and queries nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "Error: ✗ %v\n", err)
		os.Exit(1)
	}
}

// run is "grafana server" and "grafana cli admin reset-admin-password".
func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	c, err := parseConfig(getenv)
	if err != nil {
		return err
	}
	accounts := &accounts{file: c.data + "/grafana.db"}
	switch {
	case len(args) >= 1 && args[0] == "server":
		return serve(ctx, c, accounts, out)
	case len(args) == 4 && args[0] == "cli" && args[1] == "admin" && args[2] == "reset-admin-password":
		if err := accounts.reset(args[3]); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(out, "Admin password changed successfully ✔")
		return nil
	default:
		return fmt.Errorf("the lab's grafana knows server, and cli admin reset-admin-password NEW, not %q", args)
	}
}

func serve(ctx context.Context, c *config, accounts *accounts, out io.Writer) error {
	log := func(format string, args ...any) {
		_, _ = fmt.Fprintf(out, "logger=lab t=%s %s\n", time.Now().UTC().Format(time.RFC3339), fmt.Sprintf(format, args...)) // nowhere to report that the log fails
	}
	if err := accounts.open(c.adminUser, c.adminPassword); err != nil {
		return err
	}
	p, err := provision(c.provisioning, log)
	if err != nil {
		return err
	}
	if err := keepSources(c.data+"/datasources.json", p.datasources); err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(c.httpAddr, c.httpPort))
	if err != nil {
		return fmt.Errorf("failed to open listener on address: %w", err)
	}
	log("level=info msg=%q address=%s protocol=http subUrl=%s version=%s", "HTTP Server Listen", l.Addr(), c.subPath, c.version)
	server := &http.Server{Handler: newSite(c, accounts, p), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
