package steps

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/workspace"
)

// ViewFrom is how the cluster is looked at through connected hosts: each part
// from where it is used, so that what is seen is what the cluster's own members
// see. A host without a connection is a view that is missing, not a failure of
// what would be seen from there. trust is a user's; nil means the system's.
func ViewFrom(w workspace.Workspace, hosts map[string]remote.Host, outside cluster.Dial, trust *tls.Config) cluster.View {
	from := func(name string) cluster.Dial {
		h, ok := hosts[name]
		if !ok {
			return nil
		}
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			return h.Dial(ctx, network, address)
		}
	}
	// A database of somebody else's is asked from where it is used.
	database := w.Database.Host
	if _, ok := hosts[database]; !ok {
		for _, i := range w.Instances {
			if _, ok := hosts[i.Host]; ok {
				database = i.Host
				break
			}
		}
	}
	return cluster.View{Database: from(database), Instance: from, Outside: outside, OutsideTLS: trust}
}
