package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/upstream"
)

// app is one run of the program.
type app struct {
	sys    system
	config *viper.Viper
	home   string
	build  build
	stop   *stopper
	// input is stdin, read line by line.
	input *bufio.Reader
	// redactor knows every secret as soon as it is read.
	redactor *remote.Redactor
	// links tells the person of connections that are lost and come back.
	links links
	// pinned is the commit that compose: official means; zero for upstream.Pinned.
	pinned upstream.Commit
	// locker is the lock of the hosts, while a run has it; else nil.
	locker engine.Locker
}

// run is the whole program: it returns the exit code.
func run(ctx context.Context, args []string, sys system) int {
	home := sys.env("HOME")
	if home == "" {
		home, _ = os.UserHomeDir() // a missing home is told where it is needed
	}
	a := &app{
		sys: sys, config: viper.New(), home: home, build: thisBuild(),
		input: bufio.NewReader(sys.stdin), redactor: remote.NewRedactor(),
	}
	ctx, a.stop = listen(ctx, a.sayf, a.leave)
	defer a.stop.end()

	root := a.root() //nolint:contextcheck // cobra hands the context to each command
	root.SetArgs(args)
	root.SetIn(sys.stdin)
	root.SetOut(sys.stdout)
	root.SetErr(sys.stderr)
	err := root.ExecuteContext(ctx)
	code, untold := exitCode(err)
	if untold {
		a.sayf("rcwizard: %v\n", err)
	}
	return code
}

// leave ends the program in the middle of what it does. On a terminal a
// question may be waiting, behind which the next line does not belong.
func (a *app) leave(why interruptedError) {
	if a.sys.interactive {
		a.sayf("\n")
	}
	a.sayf("rcwizard: %v\n", why)
	a.sys.leave(exitInterrupted)
}

// sayf tells the person something beside the result, on stderr. Where that
// cannot be written there is nobody to be told so.
func (a *app) sayf(format string, args ...any) {
	_, _ = fmt.Fprintf(a.sys.stderr, format, args...)
}

// print writes a result to stdout.
func (a *app) print(text string) error {
	if _, err := io.WriteString(a.sys.stdout, text); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// printJSON writes a result to stdout as JSON, indented for people.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.sys.stdout)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "rcwizard",
		Short: "Deploy Rocket.Chat with several instances on several hosts",
		Long: `rcwizard carries out Rocket.Chat's guide "Running Rocket.Chat with Multiple
Instances": MongoDB, NATS, Prometheus and Grafana on one host, Rocket.Chat on
two or more, Traefik on one. It reads workspace.yaml, renders every file,
deploys host by host over SSH, and ends with a count of the instances. Without
a command it asks for everything, step by step, and forgets no answer.

Exit codes: 0 done; 1 failed, and can be resumed; 2 wrong use or wrong answers;
3 a check failed, or could not be made; 4 another operator is working on the
workspace, or took it over; 130 interrupted.`,
		// How many letters may be wrong in a command that is meant.
		SuggestionsMinimumDistance: 2,

		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.wizard(cmd.Context())
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.configure(cmd)
		},
	}
	root.SetUsageTemplate(wrapped(root.UsageTemplate()))
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	flags.String("dir", "", "state folder `DIR` of the workspace (default $XDG_STATE_HOME/rcwizard/NAME)")
	flags.Bool("json", false, "JSON, one object a line where it is a stream")
	wizardFlags(root)
	root.AddCommand(
		a.installCommand(),
		a.resumeCommand(),
		a.planCommand(),
		a.checkCommand(),
		a.exportCommand(),
		a.statusCommand(),
		a.addCommand(),
		a.removeCommand(),
		a.unlockCommand(),
		a.versionCommand(),
		a.internalCommand(),
	)
	return root
}

// wrapped has a usage text keep to 80 columns: a terminal breaks lines between
// letters.
func wrapped(template string) string {
	return strings.ReplaceAll(template, "FlagUsages |", "FlagUsagesWrapped 80 |")
}

// configure lays the layers: flags over RCWIZARD_* over their defaults. What
// the workspace file says lies between the last two; see overrides.
func (a *app) configure(cmd *cobra.Command) error {
	a.config.SetEnvPrefix("RCWIZARD")
	a.config.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	a.config.AutomaticEnv()
	if err := a.config.BindPFlags(cmd.Flags()); err != nil {
		return fmt.Errorf("read the flags: %w", err)
	}
	return nil
}

// workspaceFlags are those of every command that begins with answers.
func workspaceFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringP("file", "f", "", "read the workspace from `FILE`")
	f.String("domain", "", "the workspace's `DOMAIN`, instead of the file's")
	f.String("email", "", "e-mail `ADDRESS` for certificates, instead of the file's")
	f.String("release", "", "Rocket.Chat's release `X.Y.Z`, instead of the file's")
	f.String("directory", "", "directory `DIR` on the hosts, instead of the file's")
	f.String("compose", "", "whose compose files: bundled, official or official@COMMIT, instead of the file's `KIND`")
	mirrorFlag(cmd)
}

// answers reads them from the file where one is named, else from the state
// folder of the workspace that args name.
func (a *app) answers(args []string) (answers, error) {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	if file := a.config.GetString("file"); file != "" {
		if name != "" {
			return answers{}, usage(errors.New("give a workspace's name or --file, not both"))
		}
		return a.fromFile(file)
	}
	return a.fromState(name)
}
