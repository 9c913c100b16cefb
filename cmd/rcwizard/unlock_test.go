package main

import (
	"bytes"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/workspace"
)

// A host that is down keeps nobody from freeing the others, and is not taken for
// one that is free.
func TestUnlockBesideAHostThatIsDown(t *testing.T) {
	t.Parallel()
	server, down := remotetest.NewServer(t, remotetest.Options{Password: "pw"}), remotetest.NewServer(t, remotetest.Options{})
	down.Close()
	b := newBackend(t)
	var out, said bytes.Buffer
	a := b.a
	a.sys.stdout, a.sys.stderr = &out, &said
	a.config.Set("dir", filepath.Join(t.TempDir(), "chat"))
	a.config.Set("yes", true)

	w := draftOf(t, server.Port(), "me").Answers.Workspace
	w.Directory = t.TempDir()
	w.Hosts[0].SSH.HostKey, w.Hosts[0].Sudo = server.Fingerprint(), workspace.SudoNever
	w.Hosts = append(w.Hosts, workspace.Host{Name: "gone", Address: "127.0.0.1", PrivateIP: "127.0.0.7", Sudo: workspace.SudoNever, SSH: workspace.SSH{Port: down.Port(), User: "me"}})
	w.Instances = append(w.Instances, workspace.Instance{Host: "gone"})
	folder, err := a.folder("chat")
	if err != nil {
		t.Fatal(err)
	}
	ans := answers{workspace: w.Complete(), folder: folder, secrets: workspace.Secrets{Hosts: map[string]workspace.HostSecrets{"box": {SSHPassword: "pw"}}}}
	place := lock.Place{Host: server.Connect(t), File: path.Join(w.Directory, lockName), NoRoot: true}
	held, err := lock.Take(t.Context(), lock.Holder{User: "ops", From: "laptop", PID: 4711, Doing: "install"}, []lock.Place{place}, lock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close() //nolint:errcheck // it is taken away
	err = a.free(t.Context(), ans)
	if code, untold := exitCode(err); code != exitFailed || !untold || !strings.Contains(err.Error(), "gone") || !strings.Contains(err.Error(), "its lock is not known") {
		t.Errorf("of the host that is down it tells, with code %d: %v", code, err)
	}
	if !strings.Contains(out.String(), "box  install by ops@laptop") || strings.Contains(out.String(), "gone") {
		t.Errorf("it shows %q", out.String())
	}
	if !strings.Contains(said.String(), "box: freed") {
		t.Errorf("it says %q", said.String())
	}
	select {
	case <-held.Lost():
	case <-time.After(20 * time.Second):
		t.Error("whoever had the host goes on")
	}
}
