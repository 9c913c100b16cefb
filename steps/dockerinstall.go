package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
)

// DockerSource is where Docker is installed from.
type DockerSource string

// The sources.
const (
	// DockerDistribution is the host's own distribution, whose updates then keep it.
	DockerDistribution DockerSource = "distribution"
	// DockerDocker is Docker's own repository, which is added to the host's.
	DockerDocker DockerSource = "docker"
)

// dockerManual is where it is told how Docker is installed by hand.
const dockerManual = "https://docs.docker.com/engine/install/"

// NoDockerOfferError says that rcwizard does not install Docker on a host from
// a source, and what to do instead.
type NoDockerOfferError struct {
	Host   string
	Source DockerSource
	Reason string
	Do     string
}

func (e *NoDockerOfferError) Error() string {
	return fmt.Sprintf("%s: Docker cannot be installed from source %q by rcwizard: %s; %s", e.Host, e.Source, e.Reason, e.Do)
}

// DockerCommands are the commands that install Docker and its Compose plugin on
// a host, for root, in their order; what is shown is what is run. oldest is the
// oldest Compose that will do, as of check.OldestComposeFor. An error is a
// *NoDockerOfferError. Nothing that is installed is taken away for it.
//
// What the distributions have: Compose 1 in Debian 12, which is too old; Compose 2
// as docker-compose in Debian 13, as docker-compose-v2 in Ubuntu, as docker-compose
// in Fedora; no Docker at all in Red Hat's family. Where it may be too old the
// commands look before they install.
func DockerCommands(host string, source DockerSource, os facts.OS, oldest string) ([]string, error) {
	refuse := func(reason, do string) ([]string, error) {
		return nil, &NoDockerOfferError{Host: host, Source: source, Reason: reason, Do: do}
	}
	byHand := "install Docker Engine and the Compose plugin by hand: " + dockerManual
	name := or(os.Pretty, or(os.ID, "this distribution"))
	major, _, _ := strings.Cut(os.Version, ".")
	n, _ := strconv.Atoi(major) // a rolling release has none
	family := dockerFamily(os.ID)
	switch {
	case source != DockerDistribution && source != DockerDocker:
		return refuse("there is no such source", "the sources are distribution and docker")
	case family == "":
		return refuse("for "+name+" it does not know the packages", byHand)
	case source == DockerDocker && (family == "debian" || family == "ubuntu"):
		return dockerApt(family), nil
	case source == DockerDocker:
		return []string{
			"curl -fsSL https://download.docker.com/linux/" + family + "/docker-ce.repo -o /etc/yum.repos.d/docker-ce.repo",
			"dnf install -y docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin",
			"systemctl enable --now docker",
		}, nil
	case family == "debian" && n > 0 && n < 13:
		return refuse("the Compose of "+name+" is older than "+oldest, "use the source docker")
	case family == "debian":
		return distributionApt(oldest, "docker-compose", "docker.io", "docker-cli"), nil
	case family == "ubuntu":
		return distributionApt(oldest, "docker-compose-v2", "docker.io"), nil
	case family == "fedora":
		return []string{"dnf install -y moby-engine docker-cli docker-compose", "systemctl enable --now docker"}, nil
	}
	return refuse(name+" has no Docker of its own", "use the source docker")
}

// dockerFamily is the directory of Docker's repository that is made for a
// distribution; empty if none is.
func dockerFamily(id string) string {
	switch id {
	case "debian", "ubuntu", "fedora", "rhel":
		return id
	case "centos", "rocky", "almalinux", "ol":
		return "centos"
	}
	return ""
}

// dockerLines are the lines that a person types to install Docker on a host: from
// its distribution where that has one that will do, or else from Docker's own
// repository; none where neither is known. What only tells whether the next
// command may be run is on one line with it: nobody looks at its exit code.
func dockerLines(host string, os facts.OS, oldest string) []string {
	commands, err := DockerCommands(host, DockerDistribution, os, oldest)
	if err != nil {
		commands, err = DockerCommands(host, DockerDocker, os, oldest)
	}
	if err != nil {
		return nil
	}
	var lines []string
	joined := ""
	for _, c := range commands {
		if strings.HasPrefix(c, compareVersions) {
			joined = c + " && "
			continue
		}
		lines = append(lines, joined+c)
		joined = ""
	}
	return lines
}

// aptWait has apt-get wait for another package manager: a machine that has just come
// up brings its packages up to date by itself, for minutes. Since apt 1.9.11, and for
// dpkg's lock alone; where apt-get fails at once for a lock, as `update` does up to apt
// 3.0 for that of the lists, runPackages waits.
const aptWait = "apt-get -o DPkg::Lock::Timeout=300 "

// aptMend ends what an installation left that was cut in the middle, without which
// apt-get refuses to install anything; where nothing was cut it does nothing. So the
// commands can be run again after a lost connection or a power cut. dpkg itself
// waits for nobody.
const aptMend = aptWait + "check || DEBIAN_FRONTEND=noninteractive dpkg --configure -a"

const aptInstall = "DEBIAN_FRONTEND=noninteractive " + aptWait + "install -y "

// compareVersions begins the command that tells whether the distribution's Compose
// will do. It says so by its exit code alone.
const compareVersions = "dpkg --compare-versions "

// distributionApt installs packages of the distribution's, if its Compose is
// not too old.
func distributionApt(oldest, compose string, others ...string) []string {
	return []string{
		aptMend,
		"apt-get update",
		compareVersions + "\"$(apt-cache policy " + compose + " | sed -n 's/^ *Candidate: //p')\" ge " + oldest,
		aptInstall + strings.Join(append(others, compose), " "),
	}
}

// dockerApt adds Docker's repository, as its manual says.
func dockerApt(family string) []string {
	base := "https://download.docker.com/linux/" + family
	return []string{
		aptMend,
		"apt-get update",
		aptInstall + "ca-certificates curl",
		"install -m 0755 -d /etc/apt/keyrings",
		"curl -fsSL " + base + "/gpg -o /etc/apt/keyrings/docker.asc",
		"chmod a+r /etc/apt/keyrings/docker.asc",
		`echo "deb [arch=$(dpkg --print-architecture) signed-by=/etc/apt/keyrings/docker.asc] ` + base +
			` $(. /etc/os-release && echo "$VERSION_CODENAME") stable" >/etc/apt/sources.list.d/docker.list`,
		"apt-get update",
		aptInstall + "docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin",
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// DockerFor gives the commands of each of the hosts, by name; an error joins a
// *NoDockerOfferError for each host that has none. The hosts must have been
// looked at by Check.
func (s *Site) DockerFor(hosts []string, source DockerSource) (map[string][]string, error) {
	commands := make(map[string][]string, len(hosts))
	var errs []error
	for _, host := range hosts {
		f, _ := s.facts(host)
		lines, err := DockerCommands(host, source, f.OS, check.OldestComposeFor(s.Workspace.Compose))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		commands[host] = lines
	}
	return commands, errors.Join(errs...)
}

// PlanDocker is the name of the plan of InstallDocker.
const PlanDocker = "install Docker"

// InstallDocker is a plan that runs the commands on hosts that have no Docker, or
// not all of it, since an installation was cut between the engine and its Compose
// plugin. A host that has both in the meantime is left as it is.
func InstallDocker(s *Site, commands map[string][]string) engine.Plan {
	l := list{plan: engine.Plan{Name: PlanDocker}}
	for _, host := range s.hostNames() {
		if lines := commands[host]; len(lines) > 0 {
			l.add(s.docker(host, lines))
		}
	}
	return l.plan
}

func (s *Site) docker(host string, commands []string) engine.Step {
	return engine.Step{
		ID:    host + "/docker",
		Title: "Install Docker",
		Host:  host,
		Guide: "Prerequisite 2",
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			h, err := s.host(host)
			if err != nil {
				return engine.Report{}, err
			}
			_, err = h.Docker(ctx)
			unusable, ok := errors.AsType[*remote.DockerError](err)
			report := engine.Report{Verdict: engine.Needed}
			switch {
			case err == nil:
				f, err := facts.Gather(ctx, h, s.Workspace.Directory)
				if err != nil {
					return engine.Report{}, fmt.Errorf("look at %s: %w", host, err)
				}
				if f.Docker.Compose != "" {
					return done("Docker is there"), nil
				}
				report.Reason = "Docker is there, and its Compose plugin is not"
			case ok && unusable.Kind == remote.DockerNotPermitted:
				return done("Docker is there"), nil
			case ok && slices.Contains([]remote.DockerKind{remote.DockerAbsent, remote.DockerNotRunning}, unusable.Kind):
				report.Reason = unusable.Error()
			default:
				return engine.Report{}, fmt.Errorf("ask Docker on %s: %w", host, err)
			}
			for _, c := range commands {
				report.Changes = append(report.Changes, engine.Change{Kind: engine.Execute, Path: c})
			}
			return report, nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			h, err := s.host(host)
			if err != nil {
				return err
			}
			for _, c := range commands {
				if err := s.runPackages(ctx, out, h, c); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
