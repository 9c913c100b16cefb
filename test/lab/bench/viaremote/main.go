// Command viaremote does what minimal does, through rcwizard's own packages:
// remote for the connection, the files and the command, remote/facts for the
// look at the host.
//
//	viaremote KEY KNOWN_HOSTS FILES DIR HOST...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "viaremote: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) < 5 {
		return errors.New("usage: viaremote KEY KNOWN_HOSTS FILES DIR HOST, and more hosts")
	}
	names, err := filepath.Glob(filepath.Join(args[2], "*"))
	if err != nil {
		return fmt.Errorf("list the files: %w", err)
	}
	files := make([]remote.File, 0, len(names))
	for _, name := range names {
		content, err := os.ReadFile(name) //nolint:gosec // the caller's own files
		if err != nil {
			return fmt.Errorf("read the files: %w", err)
		}
		files = append(files, remote.File{Path: filepath.Base(name), Mode: 0o600, Content: content})
	}
	all, ctx := errgroup.WithContext(ctx)
	for _, address := range args[4:] {
		all.Go(func() error {
			return serve(ctx, remote.Target{
				Name: address, Address: address, User: "root", IdentityFile: args[0],
				KnownHosts: []string{args[1]}, SSHConfig: "none",
			}, args[3], files)
		})
	}
	return all.Wait() //nolint:wrapcheck // each error names its host
}

func serve(ctx context.Context, target remote.Target, dir string, files []remote.File) error {
	h, err := remote.Connect(ctx, target)
	if err != nil {
		return err //nolint:wrapcheck // names the host and what to do
	}
	defer func() { _ = h.Close() }()
	if _, err := facts.Gather(ctx, h, dir); err != nil {
		return err //nolint:wrapcheck // as above
	}
	if err := h.Put(ctx, dir, files, remote.PutOptions{}); err != nil {
		return err //nolint:wrapcheck // as above
	}
	res, err := h.Run(ctx, remote.Command{Script: "uname -a"})
	if err == nil && res.Code != 0 {
		err = fmt.Errorf("uname ended with code %d: %s", res.Code, res.Stderr)
	}
	return err
}
