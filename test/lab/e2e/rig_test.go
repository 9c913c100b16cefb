package e2e

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// program is the rcwizard under test: RCWIZARD_BIN, or built from the sources
// once in a process.
var program = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("RCWIZARD_BIN"); bin != "" {
		return bin, nil
	}
	dir, err := os.MkdirTemp("", "rcwizard-e2e-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "rcwizard")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/rcwizard")
	cmd.Dir = "../../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build rcwizard: %w: %s", err, out)
	}
	return bin, nil
})

// torture reports whether the long tests are wanted, all of them: make torture.
func torture() bool { return os.Getenv("RCWIZARD_TORTURE") != "" }

// rig is one workspace on one fleet.
type rig struct {
	*lab.Fleet
	t *testing.T
	// file is workspace.yaml; secrets.yaml lies beside it. state is the state
	// folder.
	file, state string
	w           workspace.Workspace
	// sshConfig is the person's SSH configuration; empty for the machine's.
	sshConfig string
}

// newRig writes the workspace and its secrets for a fleet. edit may change the
// workspace before; both may be nil.
func newRig(t *testing.T, f *lab.Fleet, s workspace.Secrets, edit func(*workspace.Workspace)) *rig {
	t.Helper()
	w, err := f.Workspace()
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&w)
	}
	name := strings.ReplaceAll(strings.ToLower(t.Name()), "/", "-")
	file, err := f.StoreWorkspace(name, w)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Fleet: f, t: t, file: file, state: filepath.Join(filepath.Dir(file), "state"), w: w.Complete()}
	r.writeSecrets(s)
	// As the guide asks for it: without, the check would say so.
	r.must(f.Shield(t.Context(), r.w))
	return r
}

// unchecked are arguments with which install makes no check, for what must be
// told well even where the check was left out, or came too early to see it.
func unchecked() []string {
	return []string{"--skip", "host,listen,loopback,port,exposure,domain,release,image,clock"}
}

func (r *rig) writeSecrets(s workspace.Secrets) {
	r.t.Helper()
	data, err := s.Marshal()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(r.file), "secrets.yaml"), data, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// writeWorkspace replaces workspace.yaml.
func (r *rig) writeWorkspace(edit func(*workspace.Workspace)) {
	r.t.Helper()
	data, err := os.ReadFile(r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	w, problems := workspace.Parse(r.file, data)
	if err := problems.Err(); err != nil {
		r.t.Fatal(err)
	}
	edit(&w)
	if data, err = w.Marshal(); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(r.file, data, 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.w = w.Complete()
	r.must(r.Shield(r.t.Context(), r.w))
}

// outcome is how a run of the program ended.
type outcome struct {
	code           int
	stdout, stderr string
	// took is how long it ran, calm without the time in which the machine had no
	// processor for something.
	took, calm time.Duration
}

// text is everything that it said.
func (o outcome) text() string { return o.stdout + o.stderr }

// knownHosts is where the program keeps host keys: never the machine's own file.
func (r *rig) knownHosts() string { return filepath.Join(filepath.Dir(r.file), "known_hosts") }

// command is the program in the operator's place, with the rig's state folder.
func (r *rig) command(ctx context.Context, args ...string) *exec.Cmd {
	r.t.Helper()
	bin, err := program()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := r.Op(ctx, append([]string{bin}, append(args, "--dir", r.state)...)...)
	cmd.Env = append(cmd.Env, r.settings()...)
	return cmd
}

// settings are the program's, as environment.
func (r *rig) settings() []string {
	out := []string{"RCWIZARD_KNOWN_HOSTS=" + r.knownHosts()}
	if r.sshConfig != "" {
		out = append(out, "RCWIZARD_SSH_CONFIG="+r.sshConfig)
	}
	return out
}

// run runs the program to its end, ten minutes at most: tests share a machine
// that may be small.
func (r *rig) run(args ...string) outcome {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Minute)
	defer cancel()
	return finish(r.t, r.command(ctx, args...))
}

func finish(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	started := lab.StartWatch()
	err := cmd.Run()
	o := outcome{stdout: stdout.String(), stderr: stderr.String(), took: started.Elapsed(), calm: started.Took()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		o.code = exit.ExitCode()
	case err != nil:
		t.Fatalf("%s: %v", cmd, err)
	}
	return o
}

// install installs and fails the test unless it succeeded.
func (r *rig) install(args ...string) outcome {
	r.t.Helper()
	o := r.run(append([]string{"install", "-f", r.file, "--yes"}, args...)...)
	if o.code != 0 {
		r.t.Fatalf("install ended with code %d:\n%s", o.code, tail(o.text(), 60))
	}
	return o
}

// status is rcwizard's own count.
func (r *rig) status() (cluster.Report, int) {
	r.t.Helper()
	o := r.run("status", "--json")
	var report cluster.Report
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil {
		r.t.Fatalf("status --json: %v:\n%s", err, o.text())
	}
	return report, o.code
}

// shell runs a script on a host as root and returns what it printed.
func (r *rig) shell(host, script string) string {
	r.t.Helper()
	out, err := r.Host(host).Shell(r.t.Context(), script)
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", host, err, out)
	}
	return out
}

// containers are the ids and start times of every container on every host.
func (r *rig) containers() map[string]string {
	r.t.Helper()
	out := make(map[string]string)
	for _, h := range r.w.Hosts {
		listed := r.shell(h.Name, `docker ps -aq --no-trunc | xargs -r docker inspect -f '{{.Name}} {{.Id}} {{.State.StartedAt}} {{.RestartCount}}'`)
		for line := range strings.Lines(listed) {
			name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			out[h.Name+name] = rest
		}
	}
	return out
}

// browser is an HTTP client in the operator's place that trusts the fleet's
// certificate authority, or the workspace's own certificate where it has one,
// and nothing else. It follows no redirect and keeps no connection.
func (r *rig) browser() *http.Client {
	r.t.Helper()
	trusted := cmp.Or(r.w.TLS.CertFile, r.ACMERootsFile())
	pem, err := os.ReadFile(trusted)
	if err != nil {
		r.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		r.t.Fatalf("%s holds no certificate", trusted)
	}
	transport := &http.Transport{
		DialContext: r.Dial, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// tail is the last n lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
