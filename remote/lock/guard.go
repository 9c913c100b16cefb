package lock

import (
	"context"

	"github.com/rcwizard/rcwizard/remote"
)

// Guard is a host on which commands run and files are put only while its lock
// is held: an operator that was frozen in the middle of a step does not go on
// with it when another has the host. While a connection is made again they
// wait. Dial and Docker are for looking, and are not guarded. A host of whose
// lock nothing is known comes back as it is.
func (h *Held) Guard(host remote.Host) remote.Host {
	g, ok := h.names[host.Name()]
	if !ok {
		return host
	}
	return &guarded{Host: host, grip: g}
}

type guarded struct {
	remote.Host

	grip *grip
}

// Run implements remote.Host.
func (g *guarded) Run(ctx context.Context, c remote.Command) (remote.Result, error) {
	if err := g.grip.sure(ctx); err != nil {
		return remote.Result{}, err
	}
	return g.Host.Run(ctx, c) //nolint:wrapcheck // a guard hands on what it gets
}

// Stream implements remote.Host.
func (g *guarded) Stream(ctx context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error) {
	if err := g.grip.sure(ctx); err != nil {
		return remote.Result{}, err
	}
	return g.Host.Stream(ctx, c, emit) //nolint:wrapcheck // as above
}

// Put implements remote.Host.
func (g *guarded) Put(ctx context.Context, dir string, files []remote.File, opt remote.PutOptions) error {
	if err := g.grip.held.unmade; err != nil {
		return err
	}
	if err := g.grip.sure(ctx); err != nil {
		return err
	}
	return g.Host.Put(ctx, dir, files, opt) //nolint:wrapcheck // as above
}
