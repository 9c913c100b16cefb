package steps

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
)

// composeUp starts a project as the guide does (1.6, 2.4, 3.4): docker
// compose up -d in its directory. That Compose came back without an error
// says little, so the steps behind this one ask the services themselves.
func (s *Site) composeUp(rp render.Project, needs ...string) engine.Step {
	guide := map[render.Role]string{render.RoleDatabase: "1.6", render.RoleInstance: "2.4", render.RoleProxy: "3.4"}[rp.Role]
	title := map[render.Role]string{
		render.RoleDatabase: "Start the database, messaging and monitoring",
		render.RoleInstance: "Start Rocket.Chat",
		render.RoleProxy:    "Start the reverse proxy",
	}[rp.Role]
	return engine.Step{
		ID:    upID(rp),
		Title: title,
		Host:  rp.Host,
		Guide: guide,
		Needs: needs,
		// The guide's own command, with the files that Compose does not find by itself.
		Command: upCommand(rp),
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			p, err := s.project(rp)
			if err != nil {
				return engine.Report{}, err
			}
			return p.checkUp(ctx)
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			p, err := s.project(rp)
			if err != nil {
				return err
			}
			return p.up(ctx, out)
		},
	}
}

func upCommand(rp render.Project) string {
	var files strings.Builder
	for _, f := range rp.Compose {
		files.WriteString(" -f " + f)
	}
	return "cd " + rp.Dir + " && docker compose" + files.String() + " up -d"
}

func (p project) checkUp(ctx context.Context) (engine.Report, error) {
	seen, err := p.look(ctx, nil)
	if err != nil {
		return engine.Report{}, err
	}
	if seen.receipt == nil || seen.receipt.Applied == "" {
		return p.checkFirstUp(ctx, seen.receipt != nil)
	}
	if seen.receipt.Applied != digest(p.Files) {
		if was := seen.receipt.Compose; was.Official() != p.site.Workspace.Compose.Official() {
			return p.otherKind(seen.receipt), nil
		}
		return needed("its files changed", engine.Change{Kind: engine.Restart, Path: p.Name}), nil
	}
	containers, err := p.containers(ctx)
	if err != nil {
		return engine.Report{}, err
	}
	var wrong []engine.Change
	for _, name := range slices.Sorted(maps.Keys(seen.receipt.Services)) {
		if why := amiss(seen.receipt.Services[name], containers[name]); why != "" {
			wrong = append(wrong, engine.Change{Kind: engine.Start, Path: p.Name + "/" + name + ": " + why})
		}
	}
	if len(wrong) > 0 {
		return needed("not all of its containers run", wrong...), nil
	}
	return done(fmt.Sprintf("%d containers as they should be", len(seen.receipt.Services))), nil
}

// otherKind says what is made anew where the containers were made from the other
// kind of compose files. Volumes have the same names and the same form in both.
func (p project) otherKind(receipt *Receipt) engine.Report {
	from, to := "rcwizard's own compose files", "Rocket.Chat's own"
	if receipt.Compose.Official() {
		from, to = "Rocket.Chat's own compose files", "rcwizard's own"
	}
	changes := make([]engine.Change, 0, len(receipt.Services))
	for _, name := range slices.Sorted(maps.Keys(receipt.Services)) {
		if !render.OneInBothKinds(name) {
			changes = append(changes, engine.Change{Kind: engine.Restart, Path: p.Name + "/" + name + ": a new container"})
		}
	}
	return needed(fmt.Sprintf("it was started from %s, and is to be from %s: these containers are made anew, and the volumes with the data stay", from, to), changes...)
}

// checkFirstUp is for a project that rcwizard has not started yet. It may run
// all the same, deployed by hand from an export.
func (p project) checkFirstUp(ctx context.Context, written bool) (engine.Report, error) {
	have, err := p.containers(ctx)
	if err != nil {
		return engine.Report{}, err
	}
	reason, say := "its files are not there yet", later
	if written {
		reason, say = "not started yet", needed
	}
	if len(have) > 0 {
		reason = fmt.Sprintf("its containers are there already (%d): those that are as they should be stay", len(have))
	}
	return say(reason, engine.Change{Kind: engine.Start, Path: p.Name}), nil
}

// amiss says what is wrong with a service's container, or nothing.
func amiss(want Service, have *remote.Container) string {
	switch {
	case have == nil:
		return "no container"
	case have.ConfigHash != want.ConfigHash:
		return "made from another configuration"
	case ownName(have) != have.Name:
		return "left with a name of Compose's own, " + have.Name
	case want.OneShot && have.State == "exited" && have.ExitCode == 0, have.State == "running":
		return ""
	case have.State == "exited":
		return fmt.Sprintf("exited with code %d", have.ExitCode)
	}
	return have.State
}

// containers are the project's, by service. An engine that does not answer in
// time is an error: a connection may be dead without a word.
func (p project) containers(ctx context.Context) (map[string]*remote.Container, error) {
	ctx, cancel := context.WithTimeout(ctx, p.site.timing().Docker)
	defer cancel()
	docker, err := p.host.Docker(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask Docker on %s: %w", p.Host, err)
	}
	list, err := docker.Containers(ctx, p.Name)
	if err != nil {
		return nil, fmt.Errorf("list the containers of %s on %s: %w", p.Name, p.Host, err)
	}
	out := make(map[string]*remote.Container, len(list))
	for i := range list {
		out[list[i].Service] = &list[i]
	}
	return out, nil
}

// up runs docker compose up -d and writes down what runs now.
func (p project) up(ctx context.Context, out engine.Output) error {
	seen, err := p.look(ctx, nil)
	if err != nil {
		return err
	}
	if seen.receipt == nil {
		return fmt.Errorf("%s has no %s: its files were never written", p.Dir, receiptName)
	}
	before, err := p.containers(ctx)
	if err != nil {
		return err
	}
	args := []string{"up", "--detach"}
	orphans, foreign, err := p.orphans(ctx, before, seen.receipt)
	if err != nil {
		return err
	}
	for _, name := range foreign {
		out.Note(fmt.Sprintf("the service %s in the project %s is not rcwizard's and was left alone", name, p.Name))
	}
	if len(orphans) > 0 && len(foreign) == 0 {
		args = append(args, "--remove-orphans")
	}
	if err := p.compose(ctx, out, p.Compose, args...); err != nil {
		return err
	}
	if err := p.rename(ctx); err != nil {
		return err
	}
	if err := p.settle(ctx, out); err != nil {
		return err
	}
	services, err := p.running(ctx)
	if err != nil {
		return err
	}
	return p.writeReceipt(ctx, func(r *Receipt) {
		r.Applied, r.Services, r.Compose = digest(p.Files), services, p.site.Workspace.Compose
	})
}

// orphans are containers of services that the files no longer name: our own,
// which the receipt knows, and somebody else's.
func (p project) orphans(ctx context.Context, have map[string]*remote.Container, receipt *Receipt) (ours, foreign []string, err error) {
	if len(have) == 0 {
		return nil, nil, nil
	}
	res, err := p.host.Run(ctx, p.composeCommand(p.Compose, "config", "--services"))
	if err != nil {
		return nil, nil, fmt.Errorf("ask Compose for the services of %s: %w", p.Name, err)
	}
	if res.Code != 0 {
		return nil, nil, p.composeProblem("config --services", res)
	}
	named := strings.Fields(res.Stdout)
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if slices.Contains(named, name) {
			continue
		}
		if _, known := receipt.Services[name]; known {
			ours = append(ours, name)
		} else {
			foreign = append(foreign, name)
		}
	}
	return ours, foreign, nil
}

// running writes down the project's containers for the receipt.
func (p project) running(ctx context.Context) (map[string]Service, error) {
	containers, err := p.containers(ctx)
	if err != nil {
		return nil, err
	}
	docker, err := p.host.Docker(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask Docker on %s: %w", p.Host, err)
	}
	services := make(map[string]Service, len(containers))
	for name, c := range containers {
		image, err := docker.Image(ctx, c.ImageID)
		if err != nil {
			return nil, fmt.Errorf("look at the image %s on %s: %w", c.Image, p.Host, err)
		}
		services[name] = Service{Image: c.Image, Digest: digestOf(image), ConfigHash: c.ConfigHash, OneShot: oneShot(c)}
	}
	return services, nil
}

// digestOf is what the registry calls the image; an image that never came from
// a registry has its own id.
func digestOf(i remote.Image) string {
	if len(i.Digests) == 0 {
		return i.ID
	}
	_, digest, _ := strings.Cut(i.Digests[0], "@")
	return digest
}

// oneShot reports whether the container does its work and ends: Docker is not
// to start it again whenever it ends.
func oneShot(c *remote.Container) bool {
	return c.Restart == "no" || c.Restart == "" || c.Restart == "on-failure"
}

// ended reports whether a one-shot has done its work.
func ended(c *remote.Container) bool { return oneShot(c) && c.State == "exited" && c.ExitCode == 0 }

// composeScript runs Compose with a clean environment: a variable of the
// caller's shell would beat the one in .env (tried with Compose 2.40).
const composeScript = `
cd -- "$1"; shift
exec env -i HOME="${HOME:-/root}" PATH="$PATH" docker compose --ansi never --progress plain "$@"
`

func (p project) composeCommand(files []string, args ...string) remote.Command {
	all := []string{p.Dir}
	for _, f := range files {
		all = append(all, "-f", f)
	}
	return remote.Command{Script: composeScript, Args: append(all, args...), Root: p.site.asRoot(p.Host)}
}

func (p project) compose(ctx context.Context, out engine.Output, files []string, args ...string) error {
	return p.runCompose(ctx, out, p.composeCommand(files, args...), args...)
}

func (p project) runCompose(ctx context.Context, out engine.Output, command remote.Command, args ...string) error {
	res, err := p.host.Stream(ctx, command, func(l remote.Line) { out.Line("compose", strings.TrimSpace(l.Text)) })
	if err != nil {
		return fmt.Errorf("docker compose %s in %s: %w", args[0], p.Dir, err)
	}
	if res.Code != 0 {
		return p.composeProblem(strings.Join(args, " "), res)
	}
	return nil
}

func (p project) composeProblem(args string, res remote.Result) error {
	last := lastLines(res.Stderr+res.Stdout, 10)
	cause, next := composeCause(strings.Join(last, "\n"), p.Host)
	said := strings.TrimSpace(last[len(last)-1])
	if said == "" {
		said = "it said nothing"
	}
	return &engine.Problem{
		Command:   "docker compose " + args,
		ExitCode:  res.Code,
		LastLines: last,
		Cause:     cause,
		Next:      next,
		Err:       fmt.Errorf("in %s: %s", p.Dir, said),
	}
}

// composeCause recognises what Compose and Docker say for the failures that
// people meet most, and says what to do.
func composeCause(text, host string) (cause, next string) {
	switch {
	case strings.Contains(text, "no space left on device"):
		return "the disk of " + host + " is full", "free space on " + host + " (docker system df shows what Docker uses), then run again"
	case strings.Contains(text, "address already in use"), strings.Contains(text, "port is already allocated"):
		return "a port that the service needs is taken by another program on " + host,
			"see which with: ss -ltnp; stop that program, or choose another port in workspace.yaml, then run again"
	case strings.Contains(text, "Cannot connect to the Docker daemon"):
		return "Docker does not run on " + host, "start it with: systemctl start docker, then run again"
	case strings.Contains(text, "permission denied"):
		return "the user may not use Docker on " + host, "add the user to the group docker, or allow it sudo, then run again"
	case strings.Contains(text, "not a shared or slave mount"):
		return "the root of " + host + " is mounted private, where systemd mounts it shared; node-exporter could not follow mounts",
			"run mount --make-rshared / on " + host + " (and at each boot), or do without it (database.node_exporter_port: 0), then run again"
	}
	return "", "look at the lines above, mend the cause on " + host + ", then run again; what is done stays done"
}

func lastLines(text string, n int) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return lines
}
