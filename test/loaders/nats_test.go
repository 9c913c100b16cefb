package loaders

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// TestNATS shows what NATS' own options become: clients on the private address,
// the monitoring on this host alone.
func TestNATS(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := s.inputs.Workspace
			p, ok := databaseOf(t, s.inputs)
			if !ok {
				return
			}
			service, there := load(t, p).Services["nats"]
			if there != w.RunsNATS() {
				t.Fatalf("NATS is there: %v, wanted: %v", there, w.RunsNATS())
			}
			if !there {
				return
			}
			var args []string
			for _, arg := range service.Command {
				args = append(args, strings.Replace(arg, "/etc/nats", filepath.Join(p.dir, "files/nats"), 1))
			}
			unexpected := func() { t.Error("NATS does not understand its arguments") }
			options, err := server.ConfigureOptions(flag.NewFlagSet("nats-server", flag.ContinueOnError), args, unexpected, unexpected, unexpected)
			if err != nil {
				t.Fatalf("%v: %v", args, err)
			}
			if options.Host != w.DatabaseHost().PrivateIP || options.Port != w.Database.NATSPort {
				t.Errorf("clients: %s port %d", options.Host, options.Port)
			}
			if options.HTTPHost != "127.0.0.1" || options.HTTPPort != 8222 {
				t.Errorf("monitoring: %s port %d", options.HTTPHost, options.HTTPPort)
			}
		})
	}
}
