// Command mongod takes mongod's command line for the lab's MongoDB, package
// mongodb: --replSet, --bind_ip, --bind_ip_all, --ipv6, --port, --dbpath.
//
// Options that only tune storage are taken and have no effect. What it cannot
// honour, authentication, TLS and configuration files, is refused like an
// unknown option, with the reason. Exit codes are mongod's: 2 for options, 48
// for an address that cannot be bound, 100 for the data directory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rcwizard/rcwizard/test/lab/images/standin/mongodb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv("LAB_MONGODB_VERSION"), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const (
	exitBadOptions = 2
	exitNetError   = 48
	exitUncaught   = 100
)

func run(ctx context.Context, args []string, version string, stdout, stderr io.Writer) int {
	config, show, err := parse(ctx, args)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "Error parsing command line: %v\ntry 'mongod --help' for more information\n", err)
		return exitBadOptions
	}
	if show {
		_, _ = fmt.Fprintf(stdout, "db version v%s\nBuild Info: {\n    \"version\": %q,\n    \"lab\": \"FerretDB v1.24.2, SQLite\"\n}\n", version, version)
		return 0
	}
	config.Version, config.Log = version, stdout
	server, err := mongodb.Listen(ctx, config)
	if err == nil {
		err = server.Run(ctx)
	}
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintf(stderr, "mongod: %v\n", err)
	if errors.Is(err, mongodb.ErrListen) {
		return exitNetError
	}
	return exitUncaught
}

// parse reads mongod's options. It understands both --name value and
// --name=value.
func parse(ctx context.Context, args []string) (_ mongodb.Config, version bool, err error) {
	var c mongodb.Config
	fs := flag.NewFlagSet("mongod", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&c.DBPath, "dbpath", "/data/db", "")
	fs.StringVar(&c.ReplSet, "replSet", "", "")
	fs.IntVar(&c.Port, "port", 27017, "")
	fs.BoolVar(&version, "version", false, "")
	bindIP := fs.String("bind_ip", "localhost", "")
	all := fs.Bool("bind_ip_all", false, "")
	ipv6 := fs.Bool("ipv6", false, "")
	for _, ignored := range []string{"quiet", "noauth", "nounixsocket", "directoryperdb"} {
		fs.Bool(ignored, false, "")
	}
	for _, ignored := range []string{"wiredTigerCacheSizeGB", "oplogSize", "setParameter", "maxConns", "unixSocketPrefix", "timeZoneInfo"} {
		fs.String(ignored, "", "")
	}
	for _, refused := range []string{"auth", "keyFile", "config", "f", "tlsMode", "fork", "logpath", "sslMode"} {
		fs.Var(unsupported(refused), refused, "")
	}
	if err := fs.Parse(args); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
			return c, false, fmt.Errorf("unrecognised option '--%s'", name)
		}
		return c, false, err //nolint:wrapcheck // flag's own words
	}
	if fs.NArg() > 0 {
		return c, false, fmt.Errorf("too many positional options have been specified on the command line: %s", fs.Arg(0))
	}
	if *all {
		*bindIP = "0.0.0.0"
		if *ipv6 {
			*bindIP = "::" // both families
		}
	}
	c.Addresses = addresses(ctx, *bindIP, *ipv6)
	return c, version, nil
}

// addresses resolves --bind_ip. Without --ipv6 an IPv6 address is left out, as
// mongod warns and goes on; with nothing left it cannot listen.
func addresses(ctx context.Context, list string, ipv6 bool) []string {
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" || strings.HasPrefix(name, "/") {
			continue
		}
		if name == "*" {
			name = "0.0.0.0"
		}
		found, err := net.DefaultResolver.LookupIPAddr(ctx, name)
		if err != nil {
			found = nil
			out = append(out, name) // listening will say what is wrong
		}
		for _, a := range found {
			if a.IP.To4() != nil || ipv6 {
				out = append(out, a.String())
			}
		}
	}
	return out
}

// unsupported is an option that the lab's mongod refuses with the reason.
type unsupported string

func (u unsupported) String() string   { return "" }
func (u unsupported) IsBoolFlag() bool { return true }
func (u unsupported) Set(string) error {
	return fmt.Errorf("--%s: the lab's mongod cannot do this", string(u))
}
