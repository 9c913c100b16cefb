// Command lab keeps a fleet of hosts on this machine, for people: package lab says what a fleet is.
// It prints what it does, changes nothing outside of its directory, and leaves nothing behind after lab down.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/test/lab/images"
)

const usage = `usage: lab COMMAND

  prepare             install and build what the lab needs (root; the first time takes minutes)
  prepare --only P    build the program P alone and print its path
  up                  start the demo's hosts: db, rc1, rc2, edge, rc3, outsider
  down                take them down, and remove what is left of lab hosts that were killed
  status              say which hosts are up, and how to reach them
  exec HOST -- CMD…   run a command on a host as root, or, for the host "op", where the operator sits

The lab keeps its files in .lab in the repository, or in $RCWIZARD_LAB_DIR.
`

func main() {
	if isChild, err := child(os.Args[1:]); isChild {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// exit ends the program. A command that lab ran hands its own code on.
func exit(err error) {
	var ended *exec.ExitError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case errors.As(err, &ended) && ended.ExitCode() >= 0:
		os.Exit(ended.ExitCode())
	}
	_, _ = fmt.Fprintln(os.Stderr, "lab: "+err.Error())
	os.Exit(1)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { _, _ = io.WriteString(stderr, usage) }
	if err := flags.Parse(args); err != nil {
		return err //nolint:wrapcheck // flag has printed it
	}
	dir, err := lab.Dir()
	if err != nil {
		return err //nolint:wrapcheck // says what to do
	}
	demo := filepath.Join(dir, "demo")
	command, rest := flags.Arg(0), flags.Args()
	switch {
	case command == "prepare" && len(rest) == 1:
		return lab.Prepare(ctx, stderr) //nolint:wrapcheck // the parts' own errors
	case command == "prepare" && len(rest) == 3 && rest[1] == "--only":
		return prepareOnly(ctx, lab.CacheDir(dir), rest[2], stdout, stderr)
	case command == "up" && len(rest) == 1:
		return up(ctx, demo, stdout)
	case command == "down" && len(rest) == 1:
		return down(ctx, demo, stdout)
	case command == "status" && len(rest) == 1:
		return status(ctx, demo, stdout)
	case command == "exec" && len(rest) > 2:
		return execute(ctx, demo, rest[1], rest[2:])
	}
	flags.Usage()
	if command == "" {
		return flag.ErrHelp
	}
	return fmt.Errorf("no such command: lab %s", strings.Join(args, " "))
}

// prepareOnly builds one program and needs no root.
func prepareOnly(ctx context.Context, cache, name string, stdout, stderr io.Writer) error {
	path, err := images.Program(ctx, cache, name, stderr)
	if err != nil {
		return err //nolint:wrapcheck // says what was built
	}
	if _, err := fmt.Fprintln(stdout, path); err != nil {
		return fmt.Errorf("print the program's path: %w", err)
	}
	return nil
}

// up starts the demo's fleet, unless it runs.
func up(ctx context.Context, dir string, stdout io.Writer) error {
	if _, err := lab.Open(ctx, dir); err == nil {
		return status(ctx, dir, stdout)
	}
	if err := lab.Sweep(); err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	begun := time.Now()
	f, err := lab.Start(ctx, "/proc/self/exe", dir, lab.Options{Name: "demo", Hosts: lab.Hosts("db", "rc1", "rc2", "edge", "rc3", "outsider")})
	if err != nil {
		return err //nolint:wrapcheck // the parts' own errors
	}
	w, err := f.Workspace("rc1", "rc2")
	if err != nil {
		return errors.Join(err, f.Down(context.WithoutCancel(ctx)))
	}
	if err := f.Shield(ctx, w); err != nil {
		return errors.Join(err, f.Down(context.WithoutCancel(ctx)))
	}
	if _, err := f.StoreWorkspace(".", w); err != nil {
		return errors.Join(err, f.Down(context.WithoutCancel(ctx)))
	}
	if err := storeSSHConfig(f); err != nil {
		return errors.Join(err, f.Down(context.WithoutCancel(ctx)))
	}
	if _, err := fmt.Fprintf(stdout, "%d hosts are up after %.1f s\n\n", len(f.Hosts()), time.Since(begun).Seconds()); err != nil {
		return fmt.Errorf("say that the lab is up: %w", err)
	}
	return status(ctx, dir, stdout)
}

// sshConfigFile is the SSH configuration of somebody who has a key for the hosts
// and has met none of them yet.
func sshConfigFile(f *lab.Fleet) string { return filepath.Join(f.Dir(), "ssh_config") }

func storeSSHConfig(f *lab.Fleet) error {
	text := fmt.Sprintf("IdentityFile %s\nUserKnownHostsFile %s\n", f.KeyFile(), filepath.Join(f.Dir(), "met_hosts"))
	if err := os.WriteFile(sshConfigFile(f), []byte(text), 0o600); err != nil {
		return fmt.Errorf("store the SSH configuration: %w", err)
	}
	return nil
}

// down takes the demo's fleet down, when there is one.
func down(ctx context.Context, dir string, stdout io.Writer) error {
	said := "the lab was not up"
	if f, err := lab.Open(ctx, dir); err == nil {
		if err := f.Down(ctx); err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		said = "the lab is down, and nothing of it is left"
	}
	if err := lab.Sweep(); err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	if _, err := fmt.Fprintln(stdout, said); err != nil {
		return fmt.Errorf("say that the lab is down: %w", err)
	}
	return nil
}

// open finds the demo's fleet.
func open(ctx context.Context, dir string) (*lab.Fleet, error) {
	f, err := lab.Open(ctx, dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("the lab is not up: start it with `make lab`")
	}
	return f, err //nolint:wrapcheck // says what to do
}

// status lists the hosts and says how they are reached.
func status(ctx context.Context, dir string, stdout io.Writer) error {
	f, err := open(ctx, dir)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the lab's program: %w", err)
	}
	for _, h := range f.Hosts() {
		power := "off"
		if h.On() {
			power = "on"
		}
		if _, err := fmt.Fprintf(stdout, "  %-10s %-16s %s\n", h.Name(), h.Address(), power); err != nil {
			return fmt.Errorf("list the hosts: %w", err)
		}
	}
	_, err = fmt.Fprintf(stdout, `
Rocket.Chat's domain there is %[1]s. The hosts are reached from the operator's place alone:

  %[2]s exec op -- bin/rcwizard install -f %[3]s/workspace.yaml --yes --dir %[3]s/state
  %[2]s exec op -- ssh -i %[4]s -o UserKnownHostsFile=%[5]s root@%[6]s
  %[2]s exec op -- curl --cacert %[7]s https://%[1]s/
  %[2]s exec db -- docker ps
`, f.Domain(), self, dir, f.KeyFile(), f.KnownHostsFile(), f.Hosts()[0].Address(), f.ACMERootsFile())
	if err != nil {
		return fmt.Errorf("say how the hosts are reached: %w", err)
	}
	var servers []string
	for _, h := range f.Hosts()[:4] {
		servers = append(servers, h.Address().String())
	}
	_, err = fmt.Fprintf(stdout, `
The wizard, as somebody meets it who has nothing but four servers and a key:

  %[1]s exec op -- bin/rcwizard --ssh-config %[2]s --dir %[3]s
    servers                 %[4]s
    domain                  %[5]s
    e-mail                  ops@%[5]s, or any other
    certificate             another ACME authority
      authority's address   %[6]s
      authority's root      %[7]s

For a port that is closed, before its Check page; what is red there says how it is opened:

  %[1]s exec db -- sh -c 'ufw allow 22/tcp && ufw --force enable'
`, self, sshConfigFile(f), filepath.Join(f.Dir(), "wizard"), strings.Join(servers, " "), f.Domain(), f.ACMEDirectory(), f.ACMERootsFile())
	if err != nil {
		return fmt.Errorf("say how the wizard is tried: %w", err)
	}
	return nil
}

// execute runs a command on a host or in the operator's place, with this program's terminal and working directory.
func execute(ctx context.Context, dir, host string, argv []string) error {
	if argv[0] == "--" {
		argv = argv[1:]
	}
	if len(argv) == 0 {
		return errors.New("exec: no command")
	}
	f, err := open(ctx, dir)
	if err != nil {
		return err
	}
	// Signals from the terminal reach the command itself.
	ctx = context.WithoutCancel(ctx)
	var cmd *exec.Cmd
	if host == "op" {
		here, err := os.Getwd()
		if err != nil {
			return fmt.Errorf("find the working directory: %w", err)
		}
		// A relative path to a program means the caller's directory, not the fleet's.
		cmd = f.Op(ctx, append([]string{"env", "--chdir=" + here, "--"}, argv...)...)
		cmd.Env = append(os.Environ(), "RCWIZARD_LAB_FLEET="+f.Name())
	} else {
		known := false
		for _, h := range f.Hosts() {
			known = known || h.Name() == host
		}
		if !known {
			return fmt.Errorf("the lab has no host %q", host)
		}
		cmd = f.Host(host).Command(ctx, argv...)
		cmd.Env = append(cmd.Env, "TERM="+os.Getenv("TERM"))
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run() //nolint:wrapcheck // its exit code is handed on
}
