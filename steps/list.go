package steps

import (
	"slices"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
)

// Step ids carry the name of the host, or of the instance, that they are
// about: "db/images", "rc1/compose-up".

const (
	primaryID = "database/primary"
	verifyID  = "cluster/verify"
	keepID    = "workspace/keep"
	countID   = "cluster/count"
)

func readyID(host string) string        { return host + "/ready" }
func imagesID(host string) string       { return host + "/images" }
func filesID(p render.Project) string   { return slug(p) + "/files-" + string(p.Role) }
func upID(p render.Project) string      { return slug(p) + "/compose-up-" + string(p.Role) }
func answersID(p render.Project) string { return slug(p) + "/answers" }
func adminID(p render.Project) string   { return slug(p) + "/first-administrator" }
func openID(p render.Project) string    { return slug(p) + "/open" }

func registeredID(p render.Project) string { return slug(p) + "/registered" }
func stopID(p render.Project) string       { return slug(p) + "/stop" }
func forgetID(p render.Project) string     { return slug(p) + "/record" }
func eraseID(p render.Project) string      { return slug(p) + "/erase" }
func routesID(p render.Project) string     { return slug(p) + "/routes" }
func targetsID(p render.Project) string    { return slug(p) + "/targets" }
func noteID(p render.Project) string       { return slug(p) + "/workspace" }

// all gives the ids of one kind of step for many projects.
func all(id func(render.Project) string, projects []render.Project) []string {
	ids := make([]string, 0, len(projects))
	for _, p := range projects {
		ids = append(ids, id(p))
	}
	return ids
}

// list collects steps in the order in which they are read.
type list struct{ plan engine.Plan }

func (l *list) add(steps ...engine.Step) {
	for _, s := range steps {
		slices.Sort(s.Needs)
		s.Needs = slices.Compact(s.Needs)
		l.plan.Steps = append(l.plan.Steps, explained(s))
	}
}

// last is the id of the step added last.
func (l *list) last() string { return l.plan.Steps[len(l.plan.Steps)-1].ID }
