package main

import (
	"context"
	"slices"
	"time"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace/release"
)

// Releases implements ui.Backend. They are the catalogue's: a list that has to
// be waited for would be worse than one that is as old as the program, and the
// check asks what is published of the one that was chosen.
func (b *backend) Releases(context.Context) ([]ui.Release, error) {
	offered := slices.Clone(release.Offered())
	slices.SortStableFunc(offered, func(x, y release.Release) int { return y.Compare(x) })
	out := make([]ui.Release, 0, len(offered))
	for _, r := range offered {
		entry, _ := release.Find(r)
		mongo, _, _ := release.MongoDB(r)
		support, until := release.Supported(r, time.Now())
		one := ui.Release{
			Version: r.String(), LTS: entry.LTS, MongoDB: mongo, Default: r == release.Default(),
			Support: "not known", Ended: support == release.SupportNo,
		}
		switch {
		case one.Ended:
			one.Support = "ended"
		case !until.IsZero():
			one.Support = "until " + until.Format(time.DateOnly)
		}
		out = append(out, one)
	}
	return out, nil
}
