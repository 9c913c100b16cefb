// Command mongosh evaluates JavaScript against a MongoDB server, in as much of
// mongosh's shell as deployment scripts use: db, rs, collections, print, EJSON,
// errors with code and codeName, quit. It prints the value of the last
// expression, as mongosh does.
//
// It speaks the real wire protocol through MongoDB's Go driver, so what it
// answers is the server's answer. It has no interactive mode, no authentication,
// no top-level await, and shows 64-bit integers as plain numbers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options is mongosh's command line.
type options struct {
	uri     string
	quiet   bool
	json    bool
	nodb    bool
	version bool
	scripts []string // of --eval, or the contents of files
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "Error parsing command line: %v\n", err)
		return 1
	}
	if o.version {
		_, _ = fmt.Fprintln(stdout, "2.5.8-lab")
		return 0
	}
	if len(o.scripts) == 0 {
		_, _ = fmt.Fprintln(stderr, "the lab's mongosh has no interactive mode: give it --eval or a file")
		return 1
	}
	s, err := open(ctx, o, stdout)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	defer s.close(ctx)
	code, err := s.evaluate(o.scripts)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
	}
	return code
}

// list is an option that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

// parse reads the options in any order around the connection string.
func parse(args []string) (options, error) {
	var o options
	var host, port string
	var eval, files list
	fs := flag.NewFlagSet("mongosh", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&o.quiet, "quiet", false, "")
	fs.BoolVar(&o.nodb, "nodb", false, "")
	fs.BoolVar(&o.version, "version", false, "")
	fs.Bool("norc", false, "")
	fs.BoolFunc("json", "", func(v string) error {
		if v != "true" && v != "relaxed" && v != "canonical" {
			return fmt.Errorf("--json=%s is neither canonical nor relaxed", v)
		}
		o.json = true
		return nil
	})
	fs.StringVar(&host, "host", "", "")
	fs.StringVar(&port, "port", "", "")
	fs.Var(&eval, "eval", "")
	fs.Var(&files, "file", "")
	fs.Var(&files, "f", "")
	var positional []string
	for {
		if err := fs.Parse(args); err != nil {
			return o, err //nolint:wrapcheck // flag's own words
		}
		if fs.NArg() == 0 {
			break
		}
		positional, args = append(positional, fs.Arg(0)), fs.Args()[1:]
	}
	var address string
	for _, p := range positional {
		if strings.HasSuffix(p, ".js") || strings.HasSuffix(p, ".mongodb") {
			files = append(files, p)
		} else if address == "" {
			address = p
		} else {
			return o, fmt.Errorf("two connection strings: %s and %s", address, p)
		}
	}
	o.scripts = eval
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return o, fmt.Errorf("script: %w", err)
		}
		o.scripts = append(o.scripts, string(text))
	}
	var err error
	o.uri, err = connectionString(address, host, port)
	return o, err
}

// connectionString is what mongosh makes of an address, --host and --port: a
// single host is connected to directly unless a replica set is named, and is
// given up after two seconds.
func connectionString(address, host, port string) (string, error) {
	if !strings.Contains(address, "://") {
		db := "test"
		switch {
		case strings.Contains(address, "/"):
			host, db, _ = strings.Cut(address, "/")
		case strings.ContainsAny(address, ".:"):
			host = address
		case address != "":
			db = address
		}
		if host == "" {
			host = "127.0.0.1"
		}
		if _, _, err := net.SplitHostPort(host); err != nil {
			if port == "" {
				port = "27017"
			}
			host = net.JoinHostPort(strings.Trim(host, "[]"), port)
		}
		address = "mongodb://" + host + "/" + db
	} else if host != "" || port != "" {
		return "", errors.New("a connection string and --host or --port exclude each other")
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("connection string: %w", errors.Unwrap(err))
	}
	if u.Path == "" {
		u.Path = "/"
	}
	q := u.Query()
	if !q.Has("directConnection") && !q.Has("replicaSet") && !strings.Contains(u.Host, ",") {
		q.Set("directConnection", "true")
	}
	if !q.Has("serverSelectionTimeoutMS") && q.Get("directConnection") == "true" {
		q.Set("serverSelectionTimeoutMS", "2000")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
