package steps

import (
	"context"
	"fmt"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
)

// mostReorders bounds how often a run has the authority asked again: Let's
// Encrypt takes five failures for a name in an hour, and then refuses for as
// long (letsencrypt.org/docs/rate-limits).
const mostReorders = 3

// reorder has Traefik ask the authority for a certificate again. Traefik asks
// once for each name, when it starts or its configuration changes, and after a
// failure not before the next day: a name that led elsewhere at that moment, or
// a port that was closed, would leave the workspace with Traefik's stopgap.
// That the stopgap is seen by the domain shows that the way is open by now.
type reorder struct {
	p project
	// since is when the stopgap was first seen, or the last start; done is how
	// often Traefik was started again.
	since time.Time
	done  int
}

// look takes what was seen last, and starts Traefik again when the stopgap has
// been there for long enough, twice as long each time.
func (r *reorder) look(ctx context.Context, out engine.Output, problem cluster.CertificateProblem) {
	s := r.p.site
	if problem != cluster.TraefikDefault || !s.Workspace.TLS.Mode.UsesACME() {
		r.since = time.Time{}
		return
	}
	now := time.Now()
	if r.since.IsZero() {
		r.since = now
	}
	if r.done == mostReorders || now.Sub(r.since) < s.timing().Certificate<<r.done {
		return
	}
	r.done++
	out.Line("waiting", fmt.Sprintf("%s is reached, and has no certificate yet: starting Traefik again, so that it asks for one once more (%d of at most %d times)", s.Workspace.Domain, r.done, mostReorders))
	if err := r.p.compose(ctx, out, nil, "restart", "traefik"); err != nil {
		out.Line("waiting", err.Error()) // the wait itself knows for how long to be patient
	}
	r.since = time.Now()
}
