package steps

import (
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
)

// The names of the plans of Add and of TakeBack.
const (
	PlanAdd      = "add-instance"
	PlanTakeBack = "take back the addition"
)

// Add brings the instances of the site's scope into a cluster that people are
// using. They get their files, start, register and answer with the release that
// the others run; only then is it kept that the workspace has them, and only
// then are they in the proxy's list, of which Traefik takes the change over
// without a restart, and in Prometheus'. Nothing else is touched.
func Add(s *Site) engine.Plan {
	l := list{plan: engine.Plan{Name: PlanAdd}}
	fit := make([]string, 0, len(s.touched()))
	for _, h := range s.touched() {
		l.add(s.ready(h))
		fit = append(fit, readyID(h))
	}
	added := s.scoped()
	for _, p := range added {
		l.add(s.files(p, fit...))
	}
	staged := all(filesID, added)
	for _, h := range s.hostNames() {
		if len(s.references(h)) > 0 {
			l.add(s.images(h, fit...))
			staged = append(staged, imagesID(h))
		}
	}
	for _, p := range added {
		l.add(s.composeUp(p, staged...), s.answers(p, upID(p)), s.registered(p, answersID(p)))
	}
	l.add(s.keep(s.Workspace, all(registeredID, added)...))
	for _, p := range s.projects(render.RoleProxy) {
		l.add(s.enter(p, keepID))
	}
	entered := l.last()
	for _, p := range s.projects(render.RoleDatabase) {
		if s.Workspace.RunsMonitoring() {
			l.add(s.tellPrometheus(p, true, entered))
		}
		l.add(s.note(p, s.Workspace, entered))
	}
	l.add(s.count(s.Workspace, entered, l.last()))
	return l.plan
}

// TakeBack leaves the cluster as it was before an addition that failed: the
// instances are out of both lists, stopped and not registered, and the
// workspace has them no more. Their files stay, for the next try.
func TakeBack(s *Site) engine.Plan {
	l := list{plan: engine.Plan{Name: PlanTakeBack}}
	left := make([]string, 0, 1)
	for _, p := range s.projects(render.RoleProxy) {
		l.add(s.leave(p))
		left = append(left, routesID(p))
	}
	for _, p := range s.scoped() {
		l.add(s.stop(p, left...), s.forget(p, stopID(p)))
	}
	l.add(s.keep(s.Scope.Without, left...))
	for _, p := range s.projects(render.RoleDatabase) {
		if s.Workspace.RunsMonitoring() {
			l.add(s.tellPrometheus(p, false, left...))
		}
		l.add(s.note(p, s.Scope.Without, keepID))
	}
	return l.plan
}
