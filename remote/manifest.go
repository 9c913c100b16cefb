package remote

import (
	"context"
	"slices"

	"github.com/moby/moby/client"
)

// Manifest asks the host's engine for an image's manifest in its registry, and
// stores nothing: it gives the architectures that the image is made for, in
// Docker's words, of Linux. The error is a *PullError, as a pull of the image
// would give, or says that the engine was not reached. The engine asks without
// the logins of docker login.
func (d *Docker) Manifest(ctx context.Context, ref string) ([]string, error) {
	ctx, cancel := asking(ctx)
	defer cancel()
	found, err := d.api.DistributionInspect(ctx, ref, client.DistributionInspectOptions{})
	if err != nil {
		if lost := d.lost(); lost != nil || ctx.Err() != nil {
			return nil, d.fail("ask for the manifest of "+ref, err)
		}
		text := d.redact.Redact(clean([]byte(err.Error())))
		return nil, &PullError{Host: d.host, Ref: ref, Kind: pullKind(text), Err: err, text: text}
	}
	var out []string
	for _, p := range found.Platforms {
		if (p.OS == "" || p.OS == "linux") && p.Architecture != "" && p.Architecture != "unknown" && !slices.Contains(out, p.Architecture) {
			out = append(out, p.Architecture)
		}
	}
	return out, nil
}
