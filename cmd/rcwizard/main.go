// Command rcwizard deploys Rocket.Chat with several instances on several
// hosts, over SSH and Docker Compose, and counts them at the end.
//
// It reads workspace.yaml, renders every file of Rocket.Chat's guide, and
// carries the guide out step by step. `rcwizard help` lists its commands.
//
// Exit codes: 0 done; 1 failed, and can be resumed; 2 wrong use or wrong
// answers; 3 a check failed, or could not be made; 4 another operator is working
// on the workspace, or took it over; 130 interrupted.
package main

import (
	"context"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/term"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], process()))
}

// system is what the program has of the world around it, so that tests can
// give it another.
type system struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	// interactive says that a person can be asked: both ends are terminals.
	interactive bool
	// typed and shown say that stdin and stdout are terminals.
	typed, shown bool
	// password shows a prompt and reads one line without showing it.
	password func(prompt string) ([]byte, error)
	env      func(string) string
	// leave ends the program in the middle of whatever it does, with the
	// terminal as it was found.
	leave func(code int)
}

func process() system {
	in, out := int(os.Stdin.Fd()), int(os.Stderr.Fd())
	return system{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		interactive: term.IsTerminal(in) && term.IsTerminal(out),
		typed:       term.IsTerminal(in),
		shown:       term.IsTerminal(int(os.Stdout.Fd())),
		password:    func(prompt string) ([]byte, error) { return readSecret(os.Stdin, os.Stderr, prompt) },
		env:         os.Getenv,
		leave:       leaver(in),
	}
}

// leaver looks at the terminal before anything hides what is typed, and returns
// what ends the program with the terminal as it was then.
func leaver(terminal int) func(code int) {
	before, err := term.GetState(terminal)
	return func(code int) {
		if err == nil { // else it is no terminal
			_ = term.Restore(terminal, before)
		}
		os.Exit(code)
	}
}

// version is set by the linker when a release is built; a build from a
// checkout goes by what Go recorded, as commit and date always do.
var version string

// build is what this program was made of.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"`
	Go      string `json:"go"`
}

func thisBuild() build {
	b := build{Version: version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Go = info.GoVersion
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		}
	}
	return b
}
