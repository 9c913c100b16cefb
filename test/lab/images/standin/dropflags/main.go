// Command dropflags runs Debian's Prometheus 2 or node-exporter under the name
// of a newer one: it takes out the options that Debian's does not know, and for
// Prometheus does itself what one of them asks for, reloading the configuration
// when it changed (--config.auto-reload-interval of version 3).
//
// It changes nothing else: what neither version knows is still refused.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	code, err := run(filepath.Join("/usr/lib/lab", filepath.Base(os.Args[0])), os.Args[1:])
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	}
	os.Exit(code)
}

// plan is what is left of a command line, and what this program does itself.
type plan struct {
	args   []string
	reload time.Duration // 0: never
	config string
}

// parse takes the options of version 3 out. Reloading needs both the feature
// and the interval, as in version 3.
func parse(args []string) (plan, error) {
	p := plan{config: "prometheus.yml"}
	feature := false
	interval := 30 * time.Second
	for i := 0; i < len(args); i++ {
		name, value, inline := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		takesNext := !inline && i+1 < len(args)
		switch name {
		case "auto-gomaxprocs", "no-auto-gomaxprocs", "auto-gomemlimit", "no-auto-gomemlimit":
			continue
		case "config.auto-reload-interval":
			if takesNext {
				i++
				value = args[i] //nolint:gosec // takesNext: there is one
			}
			d, err := time.ParseDuration(value)
			if err != nil {
				return p, fmt.Errorf("--config.auto-reload-interval: %w", err)
			}
			interval = d
			continue
		case "enable-feature":
			if takesNext {
				i++
				value = args[i] //nolint:gosec // takesNext: there is one
			}
			features := slices.DeleteFunc(strings.Split(value, ","), func(f string) bool {
				feature = feature || f == "auto-reload-config"
				return f == "auto-reload-config"
			})
			if len(features) > 0 {
				p.args = append(p.args, "--enable-feature="+strings.Join(features, ","))
			}
			continue
		case "config.file":
			p.config = value
			if takesNext {
				p.config = args[i+1] //nolint:gosec // takesNext: there is one
			}
		}
		p.args = append(p.args, args[i])
	}
	if feature {
		p.reload = interval
	}
	return p, nil
}

func run(program string, args []string) (int, error) {
	p, err := parse(args)
	if err != nil {
		return 1, err
	}
	if p.reload == 0 {
		err := syscall.Exec(program, slices.Concat([]string{program}, p.args), os.Environ()) //nolint:gosec // that is what this program is for
		return 1, fmt.Errorf("run: %w", err)
	}
	cmd := exec.CommandContext(context.Background(), program, p.args...) //nolint:gosec // that is what this program is for
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("run: %w", err)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(p.reload)
	defer tick.Stop()
	last := sum(p.config)
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended
		case <-tick.C:
			if now := sum(p.config); now != last {
				last = now
				_ = cmd.Process.Signal(syscall.SIGHUP) // the same
			}
		case err := <-done:
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				return max(exit.ExitCode(), 1), nil
			}
			return 0, nil
		}
	}
}

// sum tells two states of a file apart; one that cannot be read is a state too.
func sum(file string) [sha256.Size]byte {
	text, err := os.ReadFile(file)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(text)
}
