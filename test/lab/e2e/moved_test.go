package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rcwizard/rcwizard/test/lab"
)

// moved carries the program to a host of the fleet, with all that it works from, and returns how it is run there: by a
// person who is root on that host.
func (r *rig) moved(host string) func(args ...string) outcome {
	r.t.Helper()
	h := r.Host(host)
	bin, err := program()
	r.must(err)
	for _, file := range []string{bin, r.KeyFile(), r.ACMERootsFile(), r.file, filepath.Join(filepath.Dir(r.file), "secrets.yaml")} {
		r.carry(h, file)
	}
	if _, err := os.Stat(r.knownHosts()); err == nil { // no key was confirmed where workspace.yaml names them
		r.carry(h, r.knownHosts())
	}
	state, err := os.ReadDir(r.state)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.t.Fatal(err)
	}
	for _, entry := range state {
		if entry.Type().IsRegular() {
			r.carry(h, filepath.Join(r.state, entry.Name()))
		}
	}
	r.shell(host, "mkdir -p "+r.state+" && chmod 700 "+r.state)
	return func(args ...string) outcome {
		r.t.Helper()
		command := append([]string{"env", "HOME=/root", "RCWIZARD_KNOWN_HOSTS=" + r.knownHosts(), bin}, append(args, "--dir", r.state)...)
		return finish(r.t, h.Command(r.t.Context(), command...))
	}
}

// carry copies a file to a host, to the same place.
func (r *rig) carry(host *lab.Host, file string) {
	r.t.Helper()
	f, err := os.Open(file)
	r.must(err)
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	r.must(err)
	cmd := host.Command(r.t.Context(), "sh", "-c", fmt.Sprintf(`mkdir -p "$(dirname %[1]s)" && cat >%[1]s && chmod %[2]o %[1]s`, file, info.Mode().Perm()))
	cmd.Stdin = f
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("carry %s to %s: %v\n%s", file, host.Name(), err, out)
	}
}
