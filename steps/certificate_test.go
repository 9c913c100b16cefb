package steps

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// composer is a host that keeps what Compose was asked for, and does nothing.
type composer struct {
	remote.Host
	asked []string
}

func (c *composer) Stream(_ context.Context, cmd remote.Command, _ func(remote.Line)) (remote.Result, error) {
	c.asked = append(c.asked, strings.Join(cmd.Args[1:], " "))
	return remote.Result{}, nil
}

// The authority is asked again when Traefik's stopgap stays, a few times, and
// never for another reason.
func TestReorder(t *testing.T) {
	t.Parallel()
	const stopgap = cluster.TraefikDefault
	for _, test := range []struct {
		name string
		mode workspace.TLSMode
		seen []cluster.CertificateProblem // a minute apart
		want int
	}{
		{"it stays", workspace.TLSACME, slices.Repeat([]cluster.CertificateProblem{stopgap}, 60), mostReorders},
		{"it has just come", workspace.TLSACME, []cluster.CertificateProblem{stopgap}, 0},
		{"it was followed by a certificate", workspace.TLSACME, []cluster.CertificateProblem{stopgap, "", stopgap}, 0},
		{"another problem", workspace.TLSACME, slices.Repeat([]cluster.CertificateProblem{cluster.WrongName}, 60), 0},
		{"a certificate of one's own", workspace.TLSFiles, slices.Repeat([]cluster.CertificateProblem{stopgap}, 60), 0},
	} {
		s, _ := onDisk(t)
		s.Workspace.TLS.Mode = test.mode
		p, host, out := one(t, s, render.RoleProxy), &composer{}, &output{}
		p.host = host
		r := reorder{p: p}
		for _, problem := range test.seen {
			if !r.since.IsZero() {
				r.since = r.since.Add(-time.Minute)
			}
			r.look(t.Context(), out, problem)
		}
		if len(host.asked) != test.want || slices.ContainsFunc(host.asked, func(asked string) bool { return asked != "restart traefik" }) {
			t.Errorf("%s: Compose was asked for %q, want a start of Traefik %d times", test.name, host.asked, test.want)
		}
		if len(out.lines) != test.want {
			t.Errorf("%s: told %q", test.name, out.lines)
		}
	}
}
