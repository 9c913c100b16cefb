package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/viper"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// newBackend has a home of its own, and reads nobody's SSH configuration.
func newBackend(t *testing.T) *backend {
	t.Helper()
	home := t.TempDir()
	return backendIn(t, home)
}

func backendIn(t *testing.T, home string) *backend {
	t.Helper()
	a := &app{
		stop:   &stopper{},
		sys:    system{stderr: new(bytes.Buffer), env: func(string) string { return "" }},
		config: viper.New(), home: home, redactor: remote.NewRedactor(),
	}
	a.config.Set("ssh-config", "none")
	a.config.Set("known-hosts", filepath.Join(home, "known_hosts"))
	a.config.Set("releases-url", noReleases)
	b := a.backend()
	t.Cleanup(b.close)
	return b
}

// draftOf is a workspace on one host.
func draftOf(t *testing.T, port int, user string) ui.Draft {
	t.Helper()
	return ui.Draft{Page: "servers", Answers: question.Answers{Workspace: workspace.Workspace{
		Version: workspace.Version, Domain: "chat.example.com", Email: "ops@example.com",
		TLS:       workspace.TLS{Mode: workspace.TLSNone},
		Grafana:   workspace.Grafana{Mode: workspace.GrafanaNone},
		Hosts:     []workspace.Host{{Name: "box", Address: "127.0.0.1", PrivateIP: "127.0.0.9", SSH: workspace.SSH{Port: port, User: user}}},
		Database:  workspace.Database{Host: "box"},
		Proxy:     workspace.Proxy{Host: "box"},
		Instances: []workspace.Instance{{Host: "box"}},
	}}}
}

// A host key is shown before anything is sent, and is known once it is accepted;
// a password is asked for, and told to be wrong; what the host says is there
// then; and the connection serves the next look.
func TestInspect(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{Password: "right horse"})
	b := newBackend(t)
	d := draftOf(t, server.Port(), "deploy")
	first := b.Inspect(t.Context(), d, "box")
	if first.Key == nil || first.Key.Fingerprint != server.Fingerprint() || first.Key.Type != "ssh-ed25519" || first.Key.Host != "box" || server.Logins() > 0 {
		t.Fatalf("a host that nobody knows: %+v", first)
	}
	stranger := *first.Key
	stranger.Fingerprint = "SHA256:other"
	if b.AcceptKey(t.Context(), stranger) == nil {
		t.Error("a key was accepted that no host has shown")
	}
	for range 2 { // two hosts may be behind one jump host
		if err := b.AcceptKey(t.Context(), *first.Key); err != nil {
			t.Fatal(err)
		}
	}
	if known, err := os.ReadFile(filepath.Join(b.a.home, "known_hosts")); err != nil || strings.Count(string(known), "\n") != 1 {
		t.Errorf("known_hosts: %q, %v", known, err)
	}
	wanted := ui.SecretWanted{Kind: ui.SSHPassword, Of: "deploy on " + server.Addr()}
	if diff := cmp.Diff(&wanted, b.Inspect(t.Context(), d, "box").Secret); diff != "" {
		t.Errorf("without a password (-want +got):\n%s", diff)
	}
	d.Typed.Hosts = map[string]workspace.HostSecrets{"box": {SSHPassword: "wrong horse"}}
	wanted.Wrong = true
	if diff := cmp.Diff(&wanted, b.Inspect(t.Context(), d, "box").Secret); diff != "" {
		t.Errorf("with a wrong one (-want +got):\n%s", diff)
	}
	d.Typed.Hosts = map[string]workspace.HostSecrets{"box": {SSHPassword: "right horse"}}
	for range 3 {
		got := b.Inspect(t.Context(), d, "box")
		if got.Seen == nil || got.Seen.Hostname == "" || got.Seen.System == "" || got.Seen.Cores < 1 || got.Seen.Memory < 1<<20 {
			t.Fatalf("%+v, %+v", got, got.Seen)
		}
	}
	if n := server.Logins(); n != 1 {
		t.Errorf("three looks made %d logins", n)
	}
	d.Answers.Workspace.Hosts[0].SSH.User = "somebody"
	if got := b.Inspect(t.Context(), d, "box"); got.Seen == nil || server.Logins() != 2 {
		t.Errorf("another user has the connection of the one before: %+v", got)
	}
}

// What is found out of a host that does not answer is said while somebody waits.
func TestInspectNoAnswer(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	d := draftOf(t, remotetest.NewServer(t, remotetest.Options{Stall: true}).Port(), "")
	begin := time.Now()
	got := b.Inspect(t.Context(), d, "box")
	if took := time.Since(begin); took > answersWithin+5*time.Second {
		t.Errorf("it took %v", took)
	}
	if got.Problem == nil || !strings.Contains(got.Problem.Next, "handshake") || strings.Contains(got.Problem.Text, got.Problem.Next) {
		t.Errorf("%+v", got.Problem)
	}
	gone := remotetest.NewServer(t, remotetest.Options{})
	d = draftOf(t, gone.Port(), "")
	gone.Close()
	if got := b.Inspect(t.Context(), d, "box"); got.Problem == nil || !strings.Contains(got.Problem.Next, "nothing listens") {
		t.Errorf("%+v", got.Problem)
	}
	if got := b.Inspect(t.Context(), d, "nobody"); got.Problem == nil {
		t.Errorf("a host that is none: %+v", got)
	}
}

// A host says what it lacks.
func TestInspectLacks(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	b := newBackend(t)
	b.a.config.Set("known-hosts", server.KnownHosts(t))
	seen := b.Inspect(t.Context(), draftOf(t, server.Port(), ""), "box").Seen
	if seen == nil {
		t.Fatal("nothing was seen")
	}
	if seen.Docker == "" && !slices.ContainsFunc(seen.Lacks, func(p ui.Problem) bool {
		return strings.Contains(p.Text, "Docker is not installed") && p.Next != ""
	}) {
		t.Errorf("without Docker it lacks %+v", seen.Lacks)
	}
}

// Everything that was saved is there for a process that begins anew, and what
// was typed for one run is not.
func TestDrafts(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	d := draftOf(t, 22, "root")
	d.Answers.Secrets.License = "a licence"
	d.Typed.Hosts = map[string]workspace.HostSecrets{"box": {SSHPassword: "typed horse"}}
	d.Skips = []string{"exposure"}
	saved, err := b.Save(t.Context(), d)
	if err != nil || saved.Key == "" {
		t.Fatal(saved.Key, err)
	}
	again := backendIn(t, b.a.home) // as after kill -9: nothing is told to the first
	known, err := again.Workspaces(t.Context())
	if err != nil || len(known) != 1 {
		t.Fatal(known, err)
	}
	want := ui.Known{
		Key: saved.Key, Name: "chat-example-com", Domain: "chat.example.com", Release: saved.Answers.Workspace.Complete().Release,
		Hosts: 1, Instances: 1, State: ui.Drafted, Page: "servers",
	}
	if diff := cmp.Diff(want, known[0]); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
	opened, err := again.Open(t.Context(), known[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	d.Key, d.Typed = saved.Key, workspace.Secrets{}
	if diff := cmp.Diff(d, opened); diff != "" {
		t.Errorf("opened (-saved +opened):\n%s", diff)
	}
	if _, err := again.Open(t.Context(), filepath.Join(b.a.home, "nowhere")); err == nil {
		t.Error("what is not there was opened")
	}
}

// The passwords that rcwizard makes are made once, and no save of a face that
// never had them loses them.
func TestMadeOnce(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	d, err := b.Save(t.Context(), draftOf(t, 22, ""))
	if err != nil {
		t.Fatal(err)
	}
	first, err := b.kept(t.Context(), d)
	if err != nil || first.secrets.AdminPassword == "" {
		t.Fatal("no password was made", err)
	}
	if d, err = b.Save(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	second, err := backendIn(t, b.a.home).kept(t.Context(), d)
	if err != nil || second.secrets.AdminPassword != first.secrets.AdminPassword {
		t.Error("another password was made", err)
	}
}
