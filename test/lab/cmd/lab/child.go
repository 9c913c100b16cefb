package main

import (
	"fmt"
	"os"

	"github.com/rcwizard/rcwizard/test/lab/internal/fleetd"
	"github.com/rcwizard/rcwizard/test/lab/internal/hostinit"
	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// child runs the lab's own processes, which are further runs of this program. It says false when args are a person's.
//
//	__fleet DIR owned|detached   a fleet's supervisor
//	__hold  DIR PLACE            the holder of a place's namespaces
//	__init  DIR HOST             a host's init, first stage
//	__host  DIR HOST             a host's init, second stage
func child(args []string) (bool, error) {
	if len(args) != 3 || len(args[0]) < 2 || args[0][:2] != "__" {
		return false, nil
	}
	f, err := spec.Read(args[1])
	if err != nil {
		return true, err //nolint:wrapcheck // names the directory
	}
	// Otherwise ps shows all of them by the link through which they were started.
	if err := os.WriteFile("/proc/self/comm", []byte(comm(args[0])), 0); err != nil {
		return true, fmt.Errorf("name the process: %w", err)
	}
	switch args[0] {
	case "__fleet":
		err = fleetd.Main(f, args[2] == "detached", os.Stdin, os.Stdout, os.Stderr)
	case "__hold":
		files := map[string]string{}
		if args[2] == "operator" && f.Services.DNS != "" {
			files["/etc/resolv.conf"] = fmt.Sprintf("nameserver %s\n", f.ServicesAddress())
		}
		err = fleetd.Hold(f.Dir, args[2], files, os.Stdin, os.Stdout)
	case "__init":
		err = hostinit.Enter(f, args[2], []string{"lab-init", "__host", args[1], args[2]})
	case "__host":
		err = hostinit.Main(f, args[2])
	default:
		err = fmt.Errorf("unknown command %s", args[0])
	}
	return true, err
}

// comm is the process name for a command of the lab's own.
func comm(command string) string {
	switch command {
	case "__init", "__host":
		return "init"
	case "__hold":
		return "lab-place"
	default:
		return "lab-fleet"
	}
}
