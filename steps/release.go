package steps

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
)

// The guide has people raise RELEASE in an instance's .env by hand, and a
// workspace.yaml may be older than what runs. A release is never lowered:
// once a newer one has migrated the database, the older one refuses it, and
// the workspace is down. So the release is read where it is, in .env and off
// the container, before anything is changed.

// releaseLine is RELEASE in an .env, as rcwizard writes it or as people do.
var releaseLine = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?RELEASE[ \t]*=[ \t]*["']?([0-9][0-9A-Za-z.+-]*)["']?[ \t]*(?:#.*)?\r?$`)

// readReleaseScript prints the lines of $1 that may set RELEASE; nothing else
// of the file, in which secrets are, leaves the host.
const readReleaseScript = `[ ! -f "$1" ] || grep -E '^[[:space:]]*(export[[:space:]]+)?RELEASE[[:space:]]*=' -- "$1" || :`

// otherReleases tells which of the host's instances are on another release
// than the workspace says: a newer one, or, where several instances share the
// database, an older one. Two releases must not be on one database at a time,
// and stopping all of them in order is another operation than installing.
func (s *Site) otherReleases(ctx context.Context, h remote.Host) ([]flaw, error) {
	var flaws []flaw
	for _, rp := range s.projects(render.RoleInstance) {
		if rp.Host != h.Name() {
			continue
		}
		p := project{Project: rp, site: s, host: h}
		newest, where, err := p.release(ctx)
		if err != nil {
			return nil, err
		}
		switch {
		case check.Older(s.Workspace.Release, newest):
			flaws = append(flaws, s.neverLowered(rp.Instance, newest, where))
		case len(s.Workspace.Instances) > 1:
			runs, err := p.runs(ctx)
			if err != nil {
				return nil, err
			}
			if check.Older(runs, s.Workspace.Release) {
				flaws = append(flaws, s.notRaised(rp.Instance, runs))
			}
		}
	}
	return flaws, nil
}

// release is the newest release that the instance is on, and where that shows;
// empty where none was started yet. An .env that is as rcwizard wrote it says
// only what was wanted, which may never have started.
func (p project) release(ctx context.Context) (newest, where string, err error) {
	see := func(release, at string) {
		if newest == "" || check.Older(newest, release) {
			newest, where = release, at
		}
	}
	seen, err := p.look(ctx, []render.File{{Path: envName}})
	if err != nil {
		return "", "", err
	}
	have, there := seen.entries[envName]
	if there && !seen.receipt.wrote(envName, have.sum) {
		env := p.path(envName)
		res, err := p.host.Run(ctx, remote.Command{Script: readReleaseScript, Args: []string{env}, Root: p.site.asRoot(p.Host)})
		if err != nil {
			return "", "", fmt.Errorf("read RELEASE in %s: %w", env, err)
		}
		see(releaseIn([]byte(res.Stdout)), "RELEASE in "+env)
	}
	if seen.receipt != nil {
		for _, service := range seen.receipt.Services {
			see(releaseOf(service.Image), "what rcwizard started last")
		}
	}
	containers, err := p.containers(ctx)
	if err != nil {
		return "", "", err
	}
	for _, c := range containers {
		see(releaseOf(c.Image), "its container "+c.Name)
	}
	return newest, where, nil
}

// runs is the release of the instance's container, if it has one that runs.
func (p project) runs(ctx context.Context) (string, error) {
	containers, err := p.containers(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range containers {
		if release := releaseOf(c.Image); release != "" && c.State == "running" {
			return release, nil
		}
	}
	return "", nil
}

func (s *Site) notRaised(instance, runs string) flaw {
	return flaw{
		reason: fmt.Sprintf("the instance %s runs release %s and the workspace says %s: instances of two releases must not share a database, and install starts them one after the other",
			instance, runs, s.Workspace.Release),
		cure: "back up the database and stop Rocket.Chat on every host (docker compose stop in each instance's directory)",
	}
}

func (s *Site) neverLowered(instance, runs, where string) flaw {
	return flaw{
		reason: fmt.Sprintf("the instance %s is on release %s (%s) and workspace.yaml says %s: rcwizard never lowers a release, which would leave Rocket.Chat with a database that it refuses",
			instance, runs, where, s.Workspace.Release),
		cure: fmt.Sprintf("take the newer one over with release: %s in workspace.yaml", runs),
	}
}

// releaseIn is the release that an .env sets, or "". The last line counts, as
// for Compose.
func releaseIn(env []byte) string {
	all := releaseLine.FindAllSubmatch(env, -1)
	if len(all) == 0 {
		return ""
	}
	return string(all[len(all)-1][1])
}

// releaseOf is the tag of Rocket.Chat's image, "" for any other image.
func releaseOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	repository, tag, ok := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if !ok || repository != "rocket.chat" {
		return ""
	}
	return tag
}

// onlyReleaseDiffers tells whether the wanted .env differs from the one on the
// host in nothing but RELEASE: then what somebody did by hand is known, and
// was taken over or is put right without losing anything.
func (p project) onlyReleaseDiffers(ctx context.Context, wanted render.File) (bool, error) {
	if p.Role != render.RoleInstance || wanted.Path != envName {
		return false, nil
	}
	have, err := p.contents(ctx, []string{wanted.Path})
	if err != nil {
		return false, err
	}
	strip := func(env []byte) []byte { return releaseLine.ReplaceAll(env, []byte("RELEASE")) }
	return bytes.Equal(strip([]byte(have[p.path(wanted.Path)])), strip(wanted.Content)), nil
}

const envName = ".env"
