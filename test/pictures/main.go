// Command pictures takes the pictures of the docs: it runs rcwizard in a
// terminal as a script says, and writes what the screen shows as SVG.
//
//	pictures [flags] SCRIPT…
//
// Package script tells how a script is written. Programs are run in the
// script's directory, with an environment in which nothing of the user's is
// but PATH; HOME is an empty directory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, "pictures: "+err.Error())
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	out     string
	program string
	through []string
	env     []string
	defined map[string]string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := options{defined: map[string]string{}}
	flags := flag.NewFlagSet("pictures", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.out, "out", ".", "`DIR`ectory of the pictures")
	flags.StringVar(&o.program, "program", "rcwizard", "the rcwizard to picture, a `PATH`")
	flags.Func("through", "`WORDS`, divided by spaces, before every rcwizard: the command that runs it elsewhere", func(words string) error {
		o.through = strings.Fields(words)
		return nil
	})
	flags.Func("env", "`NAME=VALUE` in the programs' environment; may be repeated", func(pair string) error {
		if name, _, found := strings.Cut(pair, "="); !found || name == "" {
			return errors.New("want NAME=VALUE")
		}
		o.env = append(o.env, pair)
		return nil
	})
	flags.Func("define", "`NAME=VALUE` for ${NAME} in scripts; may be repeated", func(pair string) error {
		name, value, found := strings.Cut(pair, "=")
		if !found || name == "" {
			return errors.New("want NAME=VALUE")
		}
		o.defined[name] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err //nolint:wrapcheck // flag has printed it
	}
	if flags.NArg() == 0 {
		return errors.New("no script given: pictures [flags] SCRIPT…")
	}
	if strings.Contains(o.program, "/") {
		path, err := filepath.Abs(o.program)
		if err != nil {
			return fmt.Errorf("find the program: %w", err)
		}
		o.program = path
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { //nolint:gosec // pictures, nothing private
		return fmt.Errorf("make the directory of the pictures: %w", err)
	}
	for _, file := range flags.Args() {
		if err := o.play(ctx, file, stdout); err != nil {
			return err
		}
	}
	return nil
}
