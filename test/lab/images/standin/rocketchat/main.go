// Command rocketchat is the lab's stand-in for Rocket.Chat: a program that the
// image names node and starts with main.js.
//
// It imitates what a deployment depends on, each where its code says which
// section of docs/rocketchat.md it follows: the order of
// a start and what blocks it (§2), migrations and the fresh database (§2.4), the
// registry of instances (§1), transporter and licence (§3), environment,
// settings and the first administrator (§4), and the HTTP endpoints that need no
// browser (§2).
//
// It stops there: no messages, rooms, permissions or uploads. What exists only
// for tests lies under /lab and in variables that begin with LAB_. A behaviour
// that the facts mark as unverified is a choice, and says so.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] != "main.js" {
		_, _ = fmt.Fprintf(os.Stderr, "node: the lab's stand-in for Rocket.Chat runs main.js alone, not %q\n", os.Args[1:])
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, environment(os.Environ()), os.Stdout)
	stop()
	os.Exit(code)
}

// environment is the process's variables by name.
func environment(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, kv := range list {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	return env
}

// run is the whole process: 0 when it was asked to end, 1 when it could not
// start or go on.
func run(ctx context.Context, env map[string]string, stdout io.Writer) int {
	log := newLogger(stdout)
	c, err := parseConfig(env)
	if err == nil {
		err = start(ctx, c, log, nil)
	}
	switch {
	case err == nil, ctx.Err() != nil && errors.Is(err, context.Canceled):
		return 0
	case errors.Is(err, errStopped):
		log.box("ERROR! SERVER STOPPED", strings.TrimPrefix(err.Error(), errStopped.Error()+": "))
	default:
		log.printf("%v", err)
	}
	return 1
}
