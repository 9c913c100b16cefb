package steps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/workspace"
)

// What is run on each distribution, from each source, or why nothing is.
func TestDockerCommands(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, os := range []facts.OS{
		{ID: "debian", Version: "12", Pretty: "Debian GNU/Linux 12 (bookworm)"},
		{ID: "debian", Version: "13", Pretty: "Debian GNU/Linux 13 (trixie)"},
		{ID: "debian", Pretty: "Debian GNU/Linux trixie/sid"},
		{ID: "ubuntu", Version: "24.04", Pretty: "Ubuntu 24.04.1 LTS"},
		{ID: "fedora", Version: "43", Pretty: "Fedora Linux 43"},
		{ID: "rhel", Version: "9.4", Pretty: "Red Hat Enterprise Linux 9.4"},
		{ID: "rocky", Version: "9.4", Pretty: "Rocky Linux 9.4"},
		{ID: "alpine", Version: "3.20.1", Pretty: "Alpine Linux v3.20"},
		{ID: "raspbian", Version: "12", Like: []string{"debian"}},
		{},
	} {
		for _, source := range []DockerSource{DockerDistribution, DockerDocker} {
			fmt.Fprintf(&b, "%s %s, from %s\n", os.ID, os.Version, source)
			lines, err := DockerCommands("rc1", source, os, check.OldestCompose)
			for _, l := range lines {
				b.WriteString("  " + l + "\n")
			}
			if err != nil {
				b.WriteString("  error: " + err.Error() + "\n")
			}
		}
	}
	for _, os := range []facts.OS{{ID: "debian", Version: "12"}, {ID: "ubuntu", Version: "24.04"}, {ID: "alpine"}} {
		fmt.Fprintf(&b, "%s %s, as a person types it\n", os.ID, os.Version)
		for _, l := range dockerLines("rc1", os, check.OldestCompose) {
			b.WriteString("  " + l + "\n")
		}
	}
	if _, err := DockerCommands("rc1", "snap", facts.OS{ID: "debian", Version: "13"}, check.OldestCompose); err == nil {
		t.Error("there is no source snap")
	}
	golden(t, "docker-commands", b.String())
}

// Rocket.Chat's own compose files need a newer Compose than rcwizard's: of both is
// told, and looked for, by what the workspace has.
func TestDockerForTheKindOfFiles(t *testing.T) {
	t.Parallel()
	absent := func(context.Context) (*remote.Docker, error) {
		return nil, &remote.DockerError{Kind: remote.DockerAbsent}
	}
	for kind, oldest := range map[workspace.Compose]string{
		"": "2.24.0", workspace.ComposeBundled: "2.24.0", workspace.ComposeOfficial: "2.24.4",
	} {
		w := box(t).Workspace
		w.Compose = kind
		s := &Site{Workspace: w}
		for _, os := range []facts.OS{{ID: "debian", Version: "13"}, {ID: "ubuntu", Version: "24.04"}} {
			s.remember("box", facts.Facts{OS: os})
			commands, err := s.DockerFor([]string{"box"}, DockerDistribution)
			if err != nil || !slices.ContainsFunc(commands["box"], func(c string) bool {
				return strings.HasPrefix(c, compareVersions) && strings.HasSuffix(c, " ge "+oldest)
			}) {
				t.Errorf("%q, %s: %q, %v, want Compose %s", kind, os.ID, commands["box"], err, oldest)
			}
			d := dockerOf(t.Context(), &remotetest.Fake{Label: "box", OnDocker: absent}, facts.Facts{OS: os}, kind)
			if lines := strings.Join(d.Install, "\n"); !strings.Contains(lines, " ge "+oldest+" && ") {
				t.Errorf("%q, %s: a person is to type %q, want Compose %s", kind, os.ID, lines, oldest)
			}
		}
		s.remember("box", facts.Facts{OS: facts.OS{ID: "debian", Version: "12", Pretty: "Debian GNU/Linux 12 (bookworm)"}})
		want := "the Compose of Debian GNU/Linux 12 (bookworm) is older than " + oldest + "; use the source docker"
		if _, err := s.DockerFor([]string{"box"}, DockerDistribution); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", kind, err, want)
		}
	}
}

// The commands that are shown are those that are run, in their order, until one
// fails; of that one the host's own words are told.
func TestInstallDocker(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("the commands are for root")
	}
	bin, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	program := func(name, script string) {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Whatever this machine has, the host has no Docker.
	program("docker", "echo 'docker: not found' >&2; exit 127\n")
	program("apt-get", `echo "apt-get $*" >>'`+ran+`'
	case $* in "-o DPkg::Lock::Timeout=300 "*) shift 2; rm -f '`+bin+`/busy' ;; esac
	[ "$1" != update ] || [ ! -e '`+bin+`/lists' ] || { rm '`+bin+`/lists'; echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)" >&2; exit 100; }
	case $1 in check | install)
	[ ! -e '`+bin+`/busy' ] || { echo "E: Could not get lock /var/lib/dpkg/lock-frontend." >&2; exit 100; }
	[ ! -e '`+bin+`/cut' ] || { echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem." >&2; exit 100; }
	esac
	[ "$1" != install ] || { echo "E: Unable to locate package $3" >&2; exit 100; }`)
	// An installation before this one was cut in the middle, and the machine itself
	// is at work on its packages until it is waited for, as apt-get itself does for
	// dpkg's lock, and not for that of the lists.
	program("dpkg", `[ "$*" = '--configure -a' ] || exit 0
	[ ! -e '`+bin+`/busy' ] || { echo "dpkg: error: dpkg frontend lock was locked by another process" >&2; exit 2; }
	rm -f '`+bin+`/cut'`)
	for _, state := range []string{"cut", "busy", "lists"} {
		if err := os.WriteFile(filepath.Join(bin, state), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &Site{Workspace: box(t).Workspace, Timing: quickPackages(), Hosts: map[string]remote.Host{"box": remotetest.NewServer(t, remotetest.Options{
		Path: bin, Env: []string{"DOCKER_HOST=unix://" + filepath.Join(bin, "none.sock")},
	}).Connect(t)}}
	s.remember("box", facts.Facts{OS: facts.OS{ID: "debian", Version: "13"}})
	commands, err := s.DockerFor([]string{"box"}, DockerDistribution)
	if err != nil {
		t.Fatal(err)
	}
	step := s.docker("box", commands["box"])
	err = step.Apply(t.Context(), &output{})
	problem, ok := errors.AsType[*engine.Problem](err)
	if _, left := os.Stat(filepath.Join(bin, "cut")); left == nil {
		t.Error("what was cut is not ended before more is installed")
	}
	if !ok || !strings.Contains(err.Error(), "exit code 100") || !strings.Contains(problem.Next, dockerManual) {
		t.Errorf("a package that is not there: %v", err)
	}
	got, err := os.ReadFile(ran)
	if err != nil {
		t.Fatal(err)
	}
	want := "apt-get WAIT check\napt-get update\napt-get update\napt-get WAIT install -y docker.io docker-cli docker-compose\n"
	if want = strings.ReplaceAll(want, "WAIT", "-o DPkg::Lock::Timeout=300"); string(got) != want {
		t.Errorf("ran %q, want %q", got, want)
	}
}

// An installation that was cut between the engine and its Compose plugin is not one:
// the commands are run again.
func TestInstallDockerLooksForCompose(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		compose string
		want    engine.Verdict
	}{{"echo 2.40.3", engine.Done}, {"exit 1", engine.Needed}} {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "docker"), []byte("#!/bin/sh\n[ \"$1\" = compose ] || exit 1\n"+test.compose+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		s := &Site{Workspace: box(t).Workspace, Hosts: map[string]remote.Host{"box": withEngineAndPrograms(t, "box", bin)}}
		report, err := s.docker("box", []string{"apt-get install"}).Check(t.Context(), &output{})
		if err != nil || report.Verdict != test.want || (len(report.Changes) > 0) != (test.want == engine.Needed) {
			t.Errorf("compose: %s: %+v, %v", test.compose, report, err)
		}
	}
}
