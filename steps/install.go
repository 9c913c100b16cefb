package steps

import (
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
)

// PlanInstall is the name of the plan of Install.
const PlanInstall = "install"

// Install is the guide from its first step to its last, in the order in which
// it comes up: every host looked at before anything is changed, files and
// images everywhere before anything starts, the database before any instance,
// one instance alone until it answers (a fresh database is not covered by
// Rocket.Chat's migration lock), the first administrator before the proxy lets
// anybody in, then the other instances side by side, the proxy, and the count.
func Install(s *Site) engine.Plan {
	l := list{plan: engine.Plan{Name: PlanInstall}}

	// Nothing is changed anywhere before every host was found fit.
	fit := make([]string, 0, len(s.Workspace.Hosts))
	for _, h := range s.hostNames() {
		l.add(s.ready(h))
		fit = append(fit, readyID(h))
	}
	// Nothing starts anywhere before every host has all that it needs.
	staged := make([]string, 0, len(s.Tree.Projects)+len(s.Workspace.Hosts))
	for _, p := range s.Tree.Projects {
		l.add(s.files(p, fit...))
		staged = append(staged, filesID(p))
	}
	for _, h := range s.hostNames() {
		l.add(s.images(h, fit...))
		staged = append(staged, imagesID(h))
	}

	instances := s.projects(render.RoleInstance)
	first, others := instances[0], instances[1:]

	// A database of somebody else's is asked from the first instance's host.
	database, asked := s.projects(render.RoleDatabase), staged
	for _, p := range database {
		l.add(s.composeUp(p, staged...))
		asked = []string{upID(p)}
	}
	l.add(s.primary(append(database, first)[0], asked...))

	l.add(s.firstAdministrator(first, primaryID)...)
	l.add(s.composeUp(first, l.last()))
	l.add(s.answers(first, upID(first)))
	for _, p := range others {
		l.add(s.composeUp(p, answersID(first)))
		l.add(s.answers(p, upID(p)))
	}

	for _, p := range s.projects(render.RoleProxy) {
		l.add(s.composeUp(p, all(answersID, instances)...))
		l.add(s.proxyOpen(p, upID(p)))
	}
	l.add(s.verify(l.last()))
	return l.plan
}
