package state

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// writingEnv makes this test binary the process that writes everything in a state
// folder, and is killed at one of its system calls.
const writingEnv = "RCWIZARD_TEST_WRITE"

// generation is what the folder's files say, so that old and new can be told.
func generation(n string) (workspace.Workspace, workspace.Secrets, Manifest, Alteration) {
	w := workspace.Workspace{
		Version: workspace.Version, Domain: n + ".example.com", Email: "ops@example.com", Name: "chat", Release: "8.9.1",
		Hosts:    []workspace.Host{{Name: "box", Address: "10.0.0.1"}},
		Database: workspace.Database{Host: "box"}, Proxy: workspace.Proxy{Host: "box"}, Instances: []workspace.Instance{{Host: "box"}},
	}.Complete()
	return w, workspace.Secrets{AdminPassword: n}, Manifest{Hosts: map[string][]ManifestFile{n: {}}}, Alteration{Verb: n, Workspace: w}
}

// writeAll writes every file of the folder once, in this order.
func writeAll(f *Folder, n string) error {
	w, secrets, manifest, alteration := generation(n)
	transcript, err := f.CreateTranscript(time.Now())
	if err != nil {
		return err
	}
	return errors.Join(
		f.SaveSecrets(secrets), f.SaveWorkspace(w), f.SaveAlteration(alteration), f.SaveFirewalls([]byte(n)),
		f.ReplaceRendered(func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "a"), []byte(n), 0o600), os.WriteFile(filepath.Join(dir, "b"), []byte(n), 0o600))
		}),
		f.SaveManifest(manifest), f.SaveReport([]byte(n)), transcript.Close(),
	)
}

func writeAndBeKilled(dir string) error {
	f, err := Open(dir)
	if err != nil {
		return err
	}
	lock, err := f.Lock(Holder{PID: os.Getpid()})
	if err != nil {
		return err
	}
	return errors.Join(writeAll(f, "new"), lock.Close())
}
