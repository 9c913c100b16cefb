// Package cluster is what a running cluster says of itself: the registry of
// instances in the database, the replica set, each instance's version and
// licence, what a user sees through the reverse proxy, and what Prometheus,
// Grafana and NATS report.
//
// It promises to look and never to change anything (but for Forget, which is
// asked for by name), to give every probe its own deadline so that one dead host
// delays no other, and to tell what failed (a closed port) from what could not be
// looked at (no way to the host).
// Judging is a pure function of what was seen. The package knows no SSH: it
// is given functions that dial. It does not poll; whoever waits calls again.
package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// Dial opens a connection from where it stands; names are resolved on that
// side. An error that wraps ErrNoView says that the way to that side is
// missing, so that nothing is known of the address itself.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// ErrNoView says that a place could not be looked from, for example because
// no SSH connection to the host exists. What would have been seen from there
// is unknown, not failed.
var ErrNoView = errors.New("cannot look from there")

// View is from where things are looked at.
type View struct {
	// Database dials from the database host; with an external database that
	// has no host in the workspace, from wherever MongoDB can be reached.
	Database Dial
	// Instance gives the dialler of one host, by the workspace's name.
	Instance func(host string) Dial
	// Outside dials as a user does: from the operator's machine.
	Outside Dial
	// OutsideTLS is the trust of a user, for example the root of a test ACME
	// authority; nil means the system's.
	OutsideTLS *tls.Config
	// OutsideAddress, a host name or an IP literal without a port, is dialled
	// instead of what DNS says of the domain, at the proxy's own ports.
	OutsideAddress string
	// Timeout bounds each probe; 0 means 5 s.
	Timeout time.Duration
	// Resume is the command that deploys the workspace again, for a shell, as
	// findings name it. Empty: rcwizard resume with the workspace's name.
	Resume string
}

const (
	defaultTimeout = 5 * time.Second
	// databaseTimeout is longer: selecting a server takes a handshake per
	// member.
	databaseTimeout = 10 * time.Second
)

func (v View) timeout() time.Duration {
	if v.Timeout > 0 {
		return v.Timeout
	}
	return defaultTimeout
}

func (v View) resume(w workspace.Workspace) string {
	return cmp.Or(v.Resume, "rcwizard resume "+w.Name)
}

func (v View) instance(host string) Dial {
	if v.Instance == nil {
		return nowhere
	}
	return v.Instance(host).orNowhere()
}

// orNowhere makes a missing dialler one that says so.
func (d Dial) orNowhere() Dial {
	if d == nil {
		return nowhere
	}
	return d
}

func nowhere(context.Context, string, string) (net.Conn, error) { return nil, ErrNoView }

// Observe looks at the whole cluster once and judges what it saw. The
// workspace must be complete. It takes no longer than the slowest probe, and
// at most about 30 s with the default timeout.
func Observe(ctx context.Context, w workspace.Workspace, s workspace.Secrets, v View) Report {
	return judged(w, Look(ctx, w, s, v), v.resume(w))
}

// Look collects the facts, everything at the same time. It returns when every
// probe has answered or run into its own deadline.
func Look(ctx context.Context, w workspace.Workspace, s workspace.Secrets, v View) Facts {
	f := Facts{At: time.Now().UTC().Truncate(time.Second), Instances: make([]InstanceReport, len(w.Instances))}
	var wg sync.WaitGroup
	wg.Go(func() { f.ReplicaSet, f.Registry = lookDatabase(ctx, MongoURL(w, s), v) })
	for i, instance := range w.Instances {
		wg.Go(func() {
			f.Instances[i] = probeInstance(ctx, w, instance, v.instance(instance.Host), v.timeout())
		})
	}
	wg.Go(func() { f.Proxy = ProbeProxy(ctx, w, v) })
	wg.Go(func() { f.Prometheus = lookPrometheus(ctx, w, v) })
	wg.Go(func() { f.Grafana = lookGrafana(ctx, w, v) })
	wg.Go(func() { f.NATS = lookNATS(ctx, w, v) })
	wg.Wait()
	return f
}
