// Command nc adds to Debian's busybox what Alpine's nc has and images' scripts
// use: -z, a connection that is only tried. Everything else is busybox's.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	fs := flag.NewFlagSet("nc", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	zero := fs.Bool("z", false, "")
	verbose := fs.Bool("v", false, "")
	vz := fs.Bool("vz", false, "")
	zv := fs.Bool("zv", false, "")
	fs.Bool("n", false, "")
	seconds := fs.Int("w", 0, "")
	err := fs.Parse(args)
	if *vz || *zv {
		*zero, *verbose = true, true
	}
	if err != nil || !*zero {
		err := syscall.Exec("/bin/busybox", slices.Concat([]string{"nc"}, args), os.Environ()) //nolint:gosec // that is what this program is for
		_, _ = fmt.Fprintf(stderr, "nc: busybox: %v\n", err)
		return 1
	}
	if fs.NArg() != 2 {
		_, _ = fmt.Fprintln(stderr, "nc: -z needs a host and a port")
		return 1
	}
	ctx := context.Background()
	if *seconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(*seconds)*time.Second)
		defer cancel()
	}
	address := net.JoinHostPort(fs.Arg(0), fs.Arg(1))
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "nc: %s: %v\n", address, err)
		return 1
	}
	_ = conn.Close() // it was only tried
	if *verbose {
		_, _ = fmt.Fprintf(stderr, "%s open\n", address)
	}
	return 0
}
