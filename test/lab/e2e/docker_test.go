package e2e

import (
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// A server as it is rented, without Docker: the check says so and nothing is
// touched; asked for it, the installation shows what it will run, has the host's own
// apt install Debian's Docker, which then runs, is content with it, and goes on to a
// workspace that counts.
func TestDockerFromDistribution(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "new", Rented: true}}})
	r := newRig(t, f, workspace.Secrets{License: "lab:scalability"}, func(w *workspace.Workspace) { oneHost(t, f, w, "new", 2) })
	before := r.shell("new", "dpkg-query -W; ls -A /etc /opt /srv /usr/local/* /var/lib/apt/lists")
	r.told(t, r.run("install", "-f", r.file, "--yes"), 3, "Docker is not installed on new", "host:new:docker", "--install-docker", "Nothing was changed")
	r.untouched("new")
	if after := r.shell("new", "dpkg-query -W; ls -A /etc /opt /srv /usr/local/* /var/lib/apt/lists"); after != before {
		t.Errorf("a check changed the host from\n%s\nto\n%s", before, after)
	}

	o := r.install("--install-docker=distribution")
	t.Logf("lab: with Docker installed from Debian's packages, installed in %.1f s", o.took.Seconds())
	if !strings.Contains(o.stderr, "as root on new:\n") || !strings.Contains(o.stderr, "\n    apt-get update\n    dpkg --compare-versions ") || !strings.Contains(o.stdout, "$ apt-get update") {
		t.Errorf("the commands were not shown, or not run:\n%s\n%s", head(o.stdout, 60), o.stderr)
	}
	r.counts(cluster.VerdictOK, "2 of 2 instances registered, linked")
	for _, pkg := range []string{"docker.io", "docker-cli", "docker-compose", "containerd"} {
		if got := r.shell("new", "dpkg-query -W -f '${db:Status-Status} ${Maintainer}' "+pkg); !strings.HasPrefix(got, "installed ") {
			t.Errorf("%s is %q", pkg, got)
		}
	}
	engine := strings.TrimSpace(r.shell("new", "docker version -f '{{.Server.Version}}'"))
	compose := strings.TrimSpace(r.shell("new", "docker compose version --short"))
	report, _ := r.checked("--skip", "port,listen,loopback,exposure,domain,image,release")
	if found := findingOf(t, report, "host:new:docker"); found.Verdict != check.Pass || !strings.Contains(found.Got, engine) {
		t.Errorf("Docker %s, Compose %s is found as %+v", engine, compose, found)
	}
	if again := r.install("--install-docker=distribution"); strings.Contains(again.text(), "apt-get") {
		t.Errorf("a second run installs Docker once more:\n%s", again.text())
	}
}

// head is the first n lines of a text.
func head(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[:min(n, len(lines))], "")
}
