package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// busyHost is a host that answers who asks it what it is only when it is let go,
// and says then that it is unfit: nothing is ever deployed on the machine of the
// test.
func busyHost(t *testing.T) (server *remotetest.Server, began func(), letGo func()) {
	t.Helper()
	bin := t.TempDir()
	asked, free := filepath.Join(bin, "asked"), filepath.Join(bin, "free")
	df := "#!/bin/sh\n: >" + asked + "\nwhile [ ! -e " + free + " ]; do sleep 0.05; done\nexit 1\n"
	for name, script := range map[string]string{"df": df, "docker": "#!/bin/sh\nexit 127\n", "uname": "#!/bin/sh\necho abacus\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	server = remotetest.NewServer(t, remotetest.Options{Path: bin, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("there is no engine here")
	}})
	began = func() {
		t.Helper()
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			select {
			case <-tick.C:
				if _, err := os.Stat(asked); err == nil {
					return
				}
			case <-soon(t).Done():
				t.Fatal("the host was never looked at")
			}
		}
	}
	return server, began, func() {
		if err := os.WriteFile(free, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func deployed(t *testing.T, b *backend, server *remotetest.Server) (ui.Draft, *ui.Run) {
	t.Helper()
	b.a.config.Set("known-hosts", server.KnownHosts(t))
	draft := draftOf(t, server.Port(), "")
	dir, err := os.MkdirTemp("/var/tmp", "rcwizard-test-") //nolint:usetesting // a directory below /tmp is refused
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	draft.Answers.Workspace.Directory, draft.Skips = dir, []string{"release:support"}
	d, err := b.Save(t.Context(), draft)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	run, err := b.Deploy(ctx, d)
	cancel() // the page is left: the run goes on
	if err != nil {
		t.Fatal(err)
	}
	return d, run
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// A gentle stop lets the step in flight end. Meanwhile nobody else works on the
// workspace, and afterwards it is there to be resumed, under the key that it
// had.
func TestDeployStops(t *testing.T) {
	t.Parallel()
	server, began, letGo := busyHost(t)
	b := newBackend(t)
	d, run := deployed(t, b, server)
	began()
	if b.underWay() != run {
		t.Error("the run is not under way")
	}
	known, err := b.Workspaces(t.Context())
	if err != nil || len(known) != 1 || known[0].State != ui.Busy || !strings.HasPrefix(known[0].Why, "install by ") {
		t.Errorf("while it runs: %+v, %v", known, err)
	}
	var locked *state.LockedError
	if _, err := b.Deploy(t.Context(), d); !errors.As(err, &locked) {
		t.Errorf("a second run: %v", err)
	}
	run.Stop(engine.Graceful)
	run.Stop(engine.Graceful)
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := run.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a gentle stop did not wait for the step in flight: %v", err)
	}
	letGo()
	end, err := run.Wait(soon(t))
	if err != nil || end.Summary.Outcome != engine.Failed || len(end.Summary.Failures) != 1 || len(end.Summary.Skipped) == 0 {
		t.Fatalf("%+v, %v", end.Summary, err)
	}
	if !strings.HasPrefix(end.Summary.Resume, "rcwizard resume chat-example-com") {
		t.Errorf("resume with %q", end.Summary.Resume)
	}
	dir := filepath.Join(b.a.home, ".local/state/rcwizard/chat-example-com")
	if end.Access.Secrets != filepath.Join(dir, "secrets.yaml") || end.Access.Report != "" || filepath.Dir(end.Access.Transcript) != filepath.Join(dir, "log") {
		t.Errorf("%+v", end.Access)
	}
	if _, err := os.Stat(end.Access.Secrets); err != nil {
		t.Error(err)
	}
	if b.underWay() != nil {
		t.Error("the run is still under way")
	}
	known, err = b.Workspaces(t.Context())
	if err != nil || len(known) != 1 || known[0].Key != "chat-example-com" || known[0].State != ui.Unfinished || known[0].Last == nil || len(known[0].Last.Failures) != 1 {
		t.Errorf("afterwards: %+v, %v", known, err)
	}
	again, err := b.Open(t.Context(), d.Key)
	if err != nil || again.Answers.Secrets.AdminPassword == "" {
		t.Errorf("under its first key: %v", err)
	}
	again.Answers.Workspace.Name = "another"
	if _, err := b.Deploy(t.Context(), again); err == nil || !strings.Contains(err.Error(), "its name") {
		t.Errorf("with another name: %v", err)
	}
}

// A second stop ends the step in flight, and the run with it.
func TestDeployCancels(t *testing.T) {
	t.Parallel()
	server, began, _ := busyHost(t)
	b := newBackend(t)
	d, run := deployed(t, b, server)
	began()
	run.Stop(engine.Graceful)
	run.Stop(engine.Cancel)
	end, err := run.Wait(soon(t))
	if err != nil || end.Summary.Outcome != engine.Cancelled || len(end.Summary.Cut) == 0 {
		t.Fatalf("%+v, %v", end.Summary, err)
	}
	if end.Count != nil {
		t.Errorf("nothing was counted, and it says %+v", end.Count)
	}
	folder, err := b.folder(d.Key)
	if err != nil {
		t.Fatal(err)
	}
	// What was chosen in the wizard to be left out is in the journal, as of a command.
	if h, err := engine.ReadJournal(folder.Journal()); err != nil || len(h.Runs) != 1 || !slices.Equal(h.Runs[0].Given, []string{"--skip=release:support"}) {
		t.Errorf("%+v, %v", h.Runs, err)
	}
	retry, err := b.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	retry.Stop(engine.Cancel)
	if _, err := retry.Wait(soon(t)); err != nil {
		t.Error(err)
	}
}

// Nothing is kept as a workspace of a deployment that could not begin.
func TestDeployUnreachable(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	b := newBackend(t)
	d, err := b.Save(t.Context(), draftOf(t, server.Port(), ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "fingerprint") {
		t.Errorf("of a host whose key nobody accepted: %v", err)
	}
	known, err := b.Workspaces(t.Context())
	if err != nil || len(known) != 1 || known[0].State != ui.Drafted || known[0].Key != d.Key {
		t.Errorf("%+v, %v", known, err)
	}
}
