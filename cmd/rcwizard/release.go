package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

// releasesWithin bounds the look at what is published: it is advice, and an
// operator's machine without a way there must not wait for it.
const releasesWithin = 3 * time.Second

// releasesName is the flag that names where a release is looked up; noReleases as
// its value looks nothing up.
const (
	releasesName = "releases-url"
	noReleases   = "none"
)

func releaseFlags(cmd *cobra.Command) {
	cmd.Flags().String(releasesName, release.BaseURL, "`URL` where a new release is looked up; "+noReleases+" looks nothing up")
}

// adviseRelease says what speaks against the release that is wanted: by what
// is published now where that can be reached, else by the catalogue. It never
// refuses: the registry decides whether an image exists, and the administrator
// what to run.
func (a *app) adviseRelease(ctx context.Context, w workspace.Workspace) {
	r, err := release.Parse(w.Release)
	if err != nil {
		return // validation has said so
	}
	known := release.Published{Release: r}
	if url := a.config.GetString(releasesName); url != noReleases {
		ctx, cancel := context.WithTimeout(ctx, releasesWithin)
		defer cancel()
		known, err = release.Refresh(ctx, http.DefaultClient, url, r)
	}
	for _, text := range against(w, known, err, time.Now()) {
		a.sayf("warning: %s\n", text)
	}
}

// against lists what speaks against a release. err is Refresh's; that nothing
// could be reached speaks against nothing.
func against(w workspace.Workspace, p release.Published, err error, now time.Time) []string {
	var out []string
	if errors.Is(err, release.ErrNoSuchRelease) {
		out = append(out, fmt.Sprintf("release %s: %v; its image will hardly be found", w.Release, release.ErrNoSuchRelease))
	}
	if support, until := p.Support(now); support == release.SupportNo {
		since := ""
		if !until.IsZero() {
			since = " since " + until.Format(time.DateOnly)
		}
		out = append(out, fmt.Sprintf("release %s is not supported any more%s: push notifications, the marketplace and the apps stop working with it", w.Release, since))
	}
	if have := w.Database.MongoDBVersion; w.RunsMongoDB() && len(p.MongoDB) > 0 && !slices.ContainsFunc(p.MongoDB, func(v string) bool { return sameLine(v, have) }) {
		out = append(out, fmt.Sprintf("release %s is made for MongoDB %v, the workspace says %s", w.Release, p.MongoDB, have))
	}
	return out
}

// sameLine reports whether two versions of MongoDB are of one X.Y.
func sameLine(line, version string) bool {
	return version == line || len(version) > len(line) && version[:len(line)+1] == line+"."
}
