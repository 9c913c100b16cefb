package main

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
)

// ufwHost is a host with ufw and rules of its own, one a line.
func ufwHost(rules *string) *remotetest.Fake {
	f := &remotetest.Fake{Label: "db"}
	f.OnRun = func(_ context.Context, c remote.Command, _ string) (remote.Result, error) {
		if strings.Contains(c.Script, "base64") {
			kept := "there " + base64.StdEncoding.EncodeToString([]byte(*rules)) + "\n"
			return remote.Result{Stdout: strings.Repeat(kept, len(c.Args))}, nil
		}
		return remote.Result{Stdout: *rules}, nil
	}
	return f
}

// Whoever adds a rule while the lines are shown keeps it when they are taken back:
// what undo puts back is what was there when they were run.
func TestFirewallStillMissing(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	rules := "ufw allow 22/tcp\n"
	r := &firewallRun{app: a, ans: ans, site: &steps.Site{Workspace: ans.workspace, Hosts: map[string]remote.Host{"db": ufwHost(&rules)}}}
	fw := check.Firewall{Seen: true, Active: []check.FirewallKind{check.UFW}}
	evidence := check.Evidence{Hosts: map[string]check.Host{"db": {Firewall: fw}}}
	missing := check.Edges(ans.workspace)
	shown, err := steps.PlanFirewall(t.Context(), r.site.Hosts["db"], ans.workspace, missing, fw)
	if err != nil || len(shown.Apply) < 2 {
		t.Fatalf("%+v, %v", shown, err)
	}

	rules += "ufw allow 9100/tcp\n"
	changes := []check.AppliedChange{shown}
	if err := r.stillMissing(t.Context(), evidence, missing, changes); err != nil {
		t.Fatal(err)
	}
	if c := changes[0]; c.Before != rules || len(c.Files) == 0 || string(c.Files[0].Content) != rules {
		t.Errorf("undo would put back %q", c.Before)
	}

	line, _, _ := strings.Cut(strings.TrimPrefix(shown.Apply[0], "ufw prepend allow proto tcp "), " comment")
	rules += "ufw allow " + line + " proto tcp\n" // as ufw lists it
	err = r.stillMissing(t.Context(), evidence, missing, changes)
	if err == nil || !strings.Contains(err.Error(), "host db: its firewall was changed since the lines were shown: run again") {
		t.Errorf("one of the lines stands by now: %v", err)
	}
}

// Where no lock can be made no firewall is changed: who else is at work there is not
// known.
func TestFirewallWithoutALock(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	host := remotetest.NewServer(t, remotetest.Options{}).Connect(t)
	for directory, lockable := range map[string]bool{filepath.Join(t.TempDir(), "rocketchat"): true, filepath.Join(file, "rocketchat"): false} {
		a, ans := operator(t, nil)
		ans.workspace.Directory = directory
		for i := range ans.workspace.Hosts {
			ans.workspace.Hosts[i].Sudo = workspace.SudoNever
		}
		r := &firewallRun{app: a, ans: ans, site: &steps.Site{Workspace: ans.workspace, Hosts: map[string]remote.Host{"db": host}}}
		release, err := r.take(t.Context(), []string{"db", "edge"}, "check --firewall --apply")
		if _, unmade := errors.AsType[*lock.UnmadeError](err); unmade == lockable || (err == nil) != lockable {
			t.Fatalf("in %s: %v", directory, err)
		}
		if guarded := r.site.Hosts["db"] != host; guarded != lockable {
			t.Errorf("in %s the host is guarded: %t", directory, guarded)
		}
		if lockable {
			release()
		}
		if r.locker != nil {
			t.Errorf("in %s the lock is kept", directory)
		}
	}
}
