package steps

import (
	"slices"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
)

// PlanRemove is the name of the plan of Remove.
const PlanRemove = "remove-instance"

// Remove takes the instances of the site's scope out of a cluster that people
// are using. The proxy sends nobody there any more before they are stopped, and
// they go on for a while for those who are with them; then they leave
// Prometheus' list and the registry, and their containers and files leave the
// host. That the workspace does not have them any more is kept last: a removal
// that is cut goes on when it is asked for again. Of an instance whose host is
// gone for good, what is on the host stays there.
func Remove(s *Site) engine.Plan {
	l := list{plan: engine.Plan{Name: PlanRemove}}
	seen := make([]string, 0, len(s.touched()))
	for _, h := range s.touched() {
		l.add(s.lookedAt(h))
		seen = append(seen, readyID(h))
	}
	left := make([]string, 0, 1)
	for _, p := range s.projects(render.RoleProxy) {
		l.add(s.leave(p, seen...))
		left = append(left, routesID(p))
	}
	removed, lost := s.present(), slices.DeleteFunc(s.scoped(), func(p render.Project) bool { return !s.gone(p) })
	for _, p := range removed {
		l.add(s.stop(p, left...))
	}
	stopped := all(stopID, removed)
	if len(removed) == 0 {
		stopped = left
	}
	databases := s.projects(render.RoleDatabase)
	for _, p := range databases {
		if s.Workspace.RunsMonitoring() {
			l.add(s.tellPrometheus(p, false, stopped...))
		}
	}
	for _, p := range removed {
		l.add(s.forget(p, stopID(p)), s.erase(p, forgetID(p)))
	}
	for _, p := range lost {
		l.add(s.disown(p, left...))
	}
	l.add(s.keep(s.Scope.Without, append(all(eraseID, removed), all(forgetID, lost)...)...))
	for _, p := range databases {
		l.add(s.note(p, s.Scope.Without, keepID))
	}
	l.add(s.count(s.Scope.Without, keepID, l.last()))
	return l.plan
}
