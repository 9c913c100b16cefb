package facts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// A host is asked for Docker with as few processes as can tell it: each is tens
// of milliseconds of a processor, on every host and in every run.
func TestGatherDocker(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		// info and version are what docker does with these as its first word.
		info, version string
		want          facts.Docker
		asked         []string
	}{
		"all well": {
			info:  "echo compose=v2.40.3; echo '20.10.24+dfsg1 /var/lib/docker'",
			want:  facts.Docker{Compose: "2.40.3", Engine: "20.10.24+dfsg1", RootDir: "/var/lib/docker"},
			asked: []string{"info"},
		},
		"a warning before": {
			info:  "echo 'WARNING: Error loading config file' >&2; echo compose=2.40.3+ds1; echo '29.1.0 /srv/dir with space'",
			want:  facts.Docker{Compose: "2.40.3+ds1", Engine: "29.1.0", RootDir: "/srv/dir with space"},
			asked: []string{"info"},
		},
		"no plugin": {
			info:  "echo '29.1.0 /var/lib/docker'",
			want:  facts.Docker{Engine: "29.1.0", RootDir: "/var/lib/docker"},
			asked: []string{"info", "compose version --short"},
		},
		"a plugin that does not tell its version to info": {
			info: "echo compose=; echo '29.1.0 /var/lib/docker'", version: "echo 2.40.3",
			want:  facts.Docker{Compose: "2.40.3", Engine: "29.1.0", RootDir: "/var/lib/docker"},
			asked: []string{"info", "compose version --short"},
		},
		"no engine": {
			info:  "echo compose=v2.40.3; echo; echo 'Cannot connect to the Docker daemon' >&2; exit 1",
			want:  facts.Docker{CLI: "29.1.0", Compose: "2.40.3", Error: "compose=v2.40.3  Cannot connect to the Docker daemon"},
			asked: []string{"info", "--version"},
		},
		"a command that knows no plugins": {
			info:  "echo 'template: :1:8: at <.ClientInfo.Plugins>: no such field' >&2; exit 1",
			want:  facts.Docker{CLI: "29.1.0", Error: "template: :1:8: at <.ClientInfo.Plugins>: no such field"},
			asked: []string{"info", "compose version --short", "--version"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			asked := filepath.Join(dir, "asked")
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			write("sudo", "echo 'sudo: a password is required' >&2; exit 1\n")
			write("docker", `case $1 in info) echo info ;; *) echo "$*" ;; esac >>`+asked+`
case $1 in
info) `+tt.info+` ;;
compose) `+tt.version+` ;;
--version) echo 'Docker version 29.1.0, build abc' ;;
esac
`)
			h := remotetest.NewServer(t, remotetest.Options{Path: dir}).Connect(t)
			f, err := facts.Gather(t.Context(), h, "/opt/x")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, f.Docker); diff != "" {
				t.Errorf("Docker (-want +got):\n%s", diff)
			}
			log, err := os.ReadFile(asked)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.asked, strings.Split(strings.TrimSpace(string(log)), "\n")); diff != "" {
				t.Errorf("docker was asked (-want +got):\n%s", diff)
			}
		})
	}
}
