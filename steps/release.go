package steps

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
)

// The guide has people raise RELEASE in an instance's .env by hand, and a
// workspace.yaml may be older than what runs. A release is never lowered:
// once a newer one has migrated the database, the older one refuses it, and
// the workspace is down. So the release is read where it is, in .env and off
// the container, before anything is changed.

// releaseLine is RELEASE in an .env, as rcwizard writes it or as people do.
var releaseLine = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?RELEASE[ \t]*=[ \t]*["']?([0-9][0-9A-Za-z.+-]*)["']?[ \t]*(?:#.*)?\r?$`) //nolint:gochecknoglobals // never changed

// readReleaseScript prints the lines of $1 that may set RELEASE; nothing else
// of the file, in which secrets are, leaves the host.
const readReleaseScript = `[ ! -f "$1" ] || grep -E '^[[:space:]]*(export[[:space:]]+)?RELEASE[[:space:]]*=' -- "$1" || :`

// raised tells which of the host's instances are on a newer release than the
// workspace says.
func (s *Site) raised(ctx context.Context, h remote.Host) ([]flaw, error) {
	var flaws []flaw
	for _, rp := range s.projects(render.RoleInstance) {
		if rp.Host != h.Name() {
			continue
		}
		p := project{Project: rp, site: s, host: h}
		env := p.path(envName)
		res, err := h.Run(ctx, remote.Command{Script: readReleaseScript, Args: []string{env}, Root: s.asRoot(rp.Host)})
		if err != nil {
			return nil, fmt.Errorf("read RELEASE in %s: %w", env, err)
		}
		if written := releaseIn([]byte(res.Stdout)); older(s.Workspace.Release, written) {
			flaws = append(flaws, s.neverLowered(rp.Instance, written, "RELEASE in "+env))
			continue
		}
		containers, err := p.containers(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range containers {
			if runs := releaseOf(c.Image); older(s.Workspace.Release, runs) {
				flaws = append(flaws, s.neverLowered(rp.Instance, runs, "its container "+c.Name))
			}
		}
	}
	return flaws, nil
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
