package steps

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/render"
)

// Compose is never asked to wait (assets, T18): up --wait fails when a one-shot
// ends with 0, and takes a container that keeps starting again for healthy.
func TestUpDoesNotAskComposeToWait(t *testing.T) {
	t.Parallel()
	for _, role := range []render.Role{render.RoleDatabase, render.RoleInstance, render.RoleProxy} {
		s, hosts := onDisk(t)
		host := one(t, s, role).Host
		docker := withEngine(t, host)
		var ups [][]string
		s.Hosts[host] = &remotetest.Fake{Label: host, OnDocker: docker.Docker, OnRun: func(ctx context.Context, c remote.Command, _ string) (remote.Result, error) {
			if !slices.Contains(c.Args, "up") {
				return hosts[host].Run(ctx, c)
			}
			ups = append(ups, c.Args)
			return remote.Result{Code: 1, Stderr: "seen"}, nil
		}}
		p := one(t, s, role)
		receipt, err := Receipt{Version: receiptVersion, Project: p.Name, Role: role}.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(p.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.Dir, receiptName), receipt, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := p.up(t.Context(), &output{}); err == nil {
			t.Errorf("%s: no error of a Compose that fails", role)
		}
		if len(ups) != 1 || !slices.Equal(ups[0][len(ups[0])-2:], []string{"up", "--detach"}) {
			t.Errorf("%s: Compose was asked for %q, want one up --detach", role, ups)
		}
	}
}
