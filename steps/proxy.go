package steps

import (
	"context"
	"fmt"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// proxyOpen waits until the workspace's URL answers through the proxy, with a
// certificate that a user's browser would trust: guide 4.1, "Visit the
// workspace URL in your browser".
func (s *Site) proxyOpen(rp render.Project, needs ...string) engine.Step {
	return engine.Step{
		ID:    openID(rp),
		Title: "Wait for " + s.Workspace.RootURL + " to answer",
		Host:  rp.Host,
		Guide: "4.1",
		Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			ok, seen, _ := s.askProxy(ctx)
			if ok {
				return done(seen), nil
			}
			return later(seen, engine.Change{Kind: engine.Wait, Path: s.Workspace.RootURL}), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			p, err := s.project(rp)
			if err != nil {
				return err
			}
			again := reorder{p: p}
			return p.await(ctx, out, patience{
				what:     s.Workspace.RootURL + " to answer",
				deadline: s.timing().Verify,
				probe: func(brief context.Context) (bool, string, error) {
					ok, seen, problem := s.askProxy(brief)
					again.look(ctx, out, problem)
					return ok, seen, nil
				},
				cause: "the domain does not lead to " + rp.Host + ", its ports are closed, or no certificate was issued",
				next:  fmt.Sprintf("Make sure that %s points to %s and that ports %d and %d are open to the world, then run again.", s.Workspace.Domain, rp.Host, s.Workspace.Proxy.HTTPPort, s.Workspace.Proxy.HTTPSPort),
			})
		},
	}
}

// askProxy asks once, as a user would. problem is what a browser would have
// against the certificate, where one was seen.
func (s *Site) askProxy(ctx context.Context) (ok bool, seen string, problem cluster.CertificateProblem) {
	r := cluster.ProbeProxy(ctx, s.Workspace, s.View)
	if r.Certificate != nil {
		problem = r.Certificate.Problem
	}
	switch {
	case r.Error != nil:
		return false, r.Error.Text, problem
	case problem != "" && !s.expected(problem):
		return false, fmt.Sprintf("the certificate is not trusted (%s)", problem), problem
	case r.Answers == 0:
		return false, "it answers " + r.Refused, problem
	}
	return true, s.Workspace.RootURL + " answers", problem
}

// expected reports whether a certificate's problem is one that no waiting
// mends and that the workspace may well want: an authority that this machine
// does not know, of Let's Encrypt's staging, of a house, of one's own. The
// count tells of it all the same.
func (s *Site) expected(problem cluster.CertificateProblem) bool {
	return problem == cluster.UnknownAuthority && s.Workspace.TLS.Mode != workspace.TLSLetsEncrypt
}
