package steps

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/render"
)

// ready looks at a host with one script and refuses what would fail later, even
// where the check was left out or made before the host changed, in one line;
// check tells the same at length:
// the guide's prerequisite 2, "Docker and Git must be installed and
// operational on all servers". Git is not asked for: nothing of rcwizard uses
// it, and nothing of what it deploys does.
func (s *Site) ready(host string) engine.Step {
	return engine.Step{
		ID:    readyID(host),
		Title: "Look at the host",
		Host:  host,
		Guide: "Prerequisite 2",
		Check: func(ctx context.Context, out engine.Output) (engine.Report, error) {
			h, f, err := s.meet(ctx, host)
			if err != nil {
				return engine.Report{}, err
			}
			out.Line("facts", describe(f))
			unfit := s.unfit(host, f)
			sudo, err := s.unfitSudo(ctx, h)
			if err != nil {
				return engine.Report{}, err
			}
			if unfit = append(unfit, sudo...); len(sudo) == 0 {
				docker, err := s.unfitDocker(ctx, h, f)
				if err != nil {
					return engine.Report{}, err
				}
				unfit = append(unfit, docker...)
			}
			if len(unfit) > 0 {
				return engine.Report{Verdict: engine.Blocked, Reason: reasons(unfit), Next: cures(unfit)}, nil
			}
			other, err := s.otherReleases(ctx, h)
			if err != nil {
				return engine.Report{}, err
			}
			if len(other) > 0 {
				return engine.Report{Verdict: engine.Blocked, Reason: reasons(other), Next: cures(other)}, nil
			}
			if r, err := s.inTheWay(ctx, host); err != nil || r.Verdict == engine.Blocked {
				return r, err
			}
			return done(describe(f)), nil
		},
		Apply: func(context.Context, engine.Output) error {
			return errors.New("a host is fit or it is not: there is nothing to apply")
		},
	}
}

// lookedAt only looks at a host, so that it is known how to become root there.
func (s *Site) lookedAt(host string) engine.Step {
	return engine.Step{
		ID: readyID(host), Title: "Look at the host", Host: host,
		Check: func(ctx context.Context, out engine.Output) (engine.Report, error) {
			h, f, err := s.meet(ctx, host)
			if err != nil {
				return engine.Report{}, err
			}
			out.Line("facts", describe(f))
			unfit, err := s.unfitSudo(ctx, h)
			if err != nil {
				return engine.Report{}, err
			}
			if len(unfit) > 0 {
				return engine.Report{Verdict: engine.Blocked, Reason: reasons(unfit), Next: cures(unfit)}, nil
			}
			return done(describe(f)), nil
		},
		Apply: func(context.Context, engine.Output) error {
			return errors.New("a host is looked at, and not changed")
		},
	}
}

// Meet looks at every host that is connected, so that it is known how to become
// root there.
func (s *Site) Meet(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range s.hostNames() {
		if !s.connected(name) {
			continue
		}
		group.Go(func() error {
			_, _, err := s.meet(ctx, name)
			return err
		})
	}
	return group.Wait() //nolint:wrapcheck // each has said which host and why
}

// meet looks at one host, and remembers what it says of itself.
func (s *Site) meet(ctx context.Context, name string) (remote.Host, facts.Facts, error) {
	h, err := s.host(name)
	if err != nil {
		return nil, facts.Facts{}, err
	}
	f, err := facts.Gather(ctx, h, s.Workspace.Directory)
	if err != nil {
		return nil, facts.Facts{}, fmt.Errorf("look at %s: %w", name, err)
	}
	s.remember(name, f)
	return h, f, nil
}

// Cores is how many processors a host has, as it said when it was looked at last;
// 0 where that is not known.
func (s *Site) Cores(host string) int {
	f, _ := s.facts(host)
	return f.CPUs
}

// inTheWay says whether the files of any of the host's projects that the plan
// writes cannot be written: it is asked of all hosts before anything is changed on one.
func (s *Site) inTheWay(ctx context.Context, host string) (engine.Report, error) {
	for _, rp := range s.Tree.On(host) {
		if !s.writes(rp) {
			continue
		}
		p, err := s.project(rp)
		if err != nil {
			return engine.Report{}, err
		}
		r, err := p.checkFiles(ctx)
		if err != nil || r.Verdict == engine.Blocked {
			return r, err
		}
	}
	return done("nothing is in the way"), nil
}

// describe is a host in one line.
func describe(f facts.Facts) string {
	parts := []string{f.OS.Pretty, f.Machine, fmt.Sprintf("%d cores", f.CPUs), fmt.Sprintf("%.1f GiB memory", float64(f.MemoryTotal)/(1<<30))}
	if f.Docker.Engine != "" {
		parts = append(parts, "Docker "+f.Docker.Engine)
	}
	if f.Docker.Compose != "" {
		parts = append(parts, "Compose "+f.Docker.Compose)
	}
	return strings.Join(parts, ", ")
}

// flaw is one reason why a host cannot carry its roles, and the cure.
type flaw struct{ reason, cure string }

func reasons(flaws []flaw) string {
	all := make([]string, 0, len(flaws))
	for _, f := range flaws {
		all = append(all, f.reason)
	}
	return strings.Join(all, "; ")
}

func cures(flaws []flaw) string {
	all := make([]string, 0, len(flaws))
	for _, f := range flaws {
		if !slices.Contains(all, f.cure) {
			all = append(all, f.cure)
		}
	}
	return strings.Join(all, "; ") + "; then run again"
}

func (s *Site) unfit(host string, f facts.Facts) []flaw {
	var flaws []flaw
	if f.Machine != "x86_64" && f.Machine != "aarch64" {
		flaws = append(flaws, flaw{
			"no image exists for the architecture " + f.Machine,
			"use a host with x86_64 or aarch64",
		})
	}
	for _, tool := range check.NeededTools() {
		if !f.Tools[tool] {
			flaws = append(flaws, flaw{
				tool + " is not installed, which rcwizard needs on every host",
				"install " + tool + " from the distribution",
			})
		}
	}
	if a := s.absentAddress(host, f); a != nil {
		flaws = append(flaws, *a)
	}
	for _, p := range s.projects(render.RoleDatabase) {
		// MongoDB 5 and later are built for processors with AVX.
		if p.Host == host && s.Workspace.RunsMongoDB() && f.Machine == "x86_64" && f.CPUKnown && !f.AVX {
			flaws = append(flaws, flaw{
				"the processor has no AVX, which MongoDB " + s.Workspace.Database.MongoDBVersion + " needs",
				"give the virtual machine its host's processor type",
			})
		}
	}
	return flaws
}

// unfitSudo becomes root once where a password is needed for it, so that a
// wrong one is told before anything else is tried with it.
func (s *Site) unfitSudo(ctx context.Context, h remote.Host) ([]flaw, error) {
	if !s.sudoPassword(h.Name()) {
		return nil, nil
	}
	_, err := h.Run(ctx, remote.Command{Script: ":", Root: true})
	refused, ok := errors.AsType[*remote.SudoError](err)
	if !ok {
		if err != nil {
			return nil, fmt.Errorf("become root on %s: %w", h.Name(), err)
		}
		return nil, nil
	}
	secret := "hosts." + h.Name() + ".sudo_password in secrets.yaml"
	switch refused.Kind {
	case remote.SudoPasswordNeeded:
		return []flaw{{"sudo asks " + refused.User + " for a password, and none was given", "set " + secret}}, nil
	case remote.SudoWrongPassword:
		return []flaw{{"sudo does not take the password of " + refused.User, "correct " + secret}}, nil
	case remote.SudoNotAllowed, remote.SudoRequireTTY, remote.SudoMissing, remote.SudoNever, remote.SudoOther:
	}
	return []flaw{{refused.Error(), "log in as root, or let " + refused.User + " use sudo"}}, nil
}

// absentAddress says that a service of the host would bind to an address that
// the host does not have: a cloud's public address, say, is often on the
// cloud's router alone.
func (s *Site) absentAddress(host string, f facts.Facts) *flaw {
	binds := slices.ContainsFunc(s.Tree.On(host), func(p render.Project) bool { return p.Role != render.RoleProxy })
	h, _ := s.Workspace.Host(host)
	ip, err := netip.ParseAddr(h.PrivateIP)
	if !binds || err != nil || len(f.Addresses) == 0 || f.Has(ip) {
		return nil
	}
	var have []string
	for _, a := range f.Addresses {
		if addr := a.Prefix.Addr(); !addr.IsLoopback() && !addr.IsLinkLocalUnicast() {
			have = append(have, addr.String())
		}
	}
	return &flaw{
		fmt.Sprintf("its private address %s is none of the host's own (it has %s), so no service can listen there", ip, strings.Join(have, ", ")),
		"set private_ip of " + host + " in workspace.yaml to the address by which the other hosts reach it",
	}
}

// unfitDocker asks Docker itself. That it cannot be used is a flaw, with the
// cure in the error's own words; that nobody answered on the way is an error.
func (s *Site) unfitDocker(ctx context.Context, h remote.Host, f facts.Facts) ([]flaw, error) {
	docker, err := h.Docker(ctx)
	if unusable, ok := errors.AsType[*remote.DockerError](err); ok {
		return []flaw{dockerFlaw(unusable)}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask Docker on %s: %w", h.Name(), err)
	}
	info, err := docker.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask Docker on %s: %w", h.Name(), err)
	}
	var flaws []flaw
	if check.Older(info.Version, check.OldestDocker) {
		flaws = append(flaws, flaw{fmt.Sprintf("Docker %s is older than %s", info.Version, check.OldestDocker), "update Docker"})
	}
	oldest := check.OldestComposeFor(s.Workspace.Compose)
	switch compose := f.Docker.Compose; {
	case compose == "":
		flaws = append(flaws, flaw{"Docker has no Compose plugin (docker compose version fails)", "install the package docker-compose-plugin"})
	case check.Older(compose, oldest):
		flaws = append(flaws, flaw{fmt.Sprintf("Compose %s is older than %s", compose, oldest), "update the package docker-compose-plugin"})
	}
	if info.Rootless {
		flaws = append(flaws, flaw{"Docker runs rootless, which keeps containers off the host's network", "use the system's Docker"})
	}
	if info.UserNS {
		flaws = append(flaws, flaw{"Docker remaps users (userns-remap), which keeps containers off the host's network", "take userns-remap out of /etc/docker/daemon.json and restart Docker"})
	}
	return flaws, nil
}

func dockerFlaw(e *remote.DockerError) flaw {
	switch e.Kind {
	case remote.DockerAbsent:
		return flaw{"Docker is not installed", "install Docker Engine and the Compose plugin (docs.docker.com/engine/install), or let rcwizard do it with --install-docker"}
	case remote.DockerNotRunning:
		return flaw{"Docker is installed and does not run", "start it with: systemctl enable --now docker"}
	case remote.DockerNotPermitted:
		return flaw{"the user " + e.User + " may not use Docker", "add it to the group with: usermod -aG docker " + e.User + ", or let it use sudo"}
	case remote.DockerTooOld:
		return flaw{"Docker is older than " + check.OldestDocker, "update Docker"}
	case remote.DockerFailed:
	}
	return flaw{e.Error(), "look at Docker's log with: journalctl -u docker"}
}
