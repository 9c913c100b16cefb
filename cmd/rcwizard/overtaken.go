package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// joined is the workspace with the instances of what was cut, as that is gone on
// with. The answers may have changed since, so that it cannot be: the error says
// what ends it then.
func (a *app) joined(ans answers, cut state.Alteration) (workspace.Workspace, error) {
	w := ans.workspace.With(cut.Workspace, cut.Instances...).Complete()
	err := w.Validate().Err()
	for _, name := range cut.Instances {
		if _, there := ans.workspace.Instance(name); there && !samePlace(name, cut.Workspace, ans.workspace) {
			err = fmt.Errorf("%s is now %s, and was %s", name, placeOf(name, ans.workspace), placeOf(name, cut.Workspace))
		}
	}
	if err != nil {
		return w, usage(fmt.Errorf("%s was cut, and cannot be gone on with, since the workspace was changed: %w\n"+
			"to have the workspace brought about as it is now, and this forgotten: %s",
			doing(cut), err, installKept(ans.folder, a.whence()...)))
	}
	return w, nil
}

// samePlace reports whether two workspaces have the instance of a name at one place:
// a directory of a host, however that is called. What is at another place is
// another instance.
func samePlace(name string, a, b workspace.Workspace) bool {
	i, hasA := a.Instance(name)
	j, hasB := b.Instance(name)
	if !hasA || !hasB || a.Directory != b.Directory {
		return false
	}
	here, _ := a.Host(i.Host)
	there, _ := b.Host(j.Host)
	return here.Address == there.Address || here.PrivateIP != "" && here.PrivateIP == there.PrivateIP
}

// placeOf is where a workspace has an instance, for a person.
func placeOf(name string, w workspace.Workspace) string {
	i, _ := w.Instance(name)
	h, _ := w.Host(i.Host)
	return fmt.Sprintf("on %s (%s) in %s", h.Name, h.Address, instanceDir(name, w))
}

// instanceDir is the directory of an instance on its host.
func instanceDir(name string, w workspace.Workspace) string {
	return path.Join(w.Directory, "instances", name)
}

// overtaken forgets what was under way once an installation has brought about a
// workspace that leaves nothing of it to go on with: those that were coming are
// there, and those that were leaving are back, or its answers stand against it.
// left tells, in paragraphs, of each place where something of it may be still.
func (a *app) overtaken(ans answers) (left string, err error) {
	cut, err := underWay(ans)
	if err != nil || cut == nil {
		return "", err
	}
	_, barred := a.joined(ans, *cut)
	var paragraphs []string
	for _, name := range cut.Instances {
		if samePlace(name, cut.Workspace, ans.workspace) {
			continue
		}
		if barred == nil {
			return "", nil
		}
		paragraphs = append(paragraphs, leftAt(name, *cut))
	}
	return strings.Join(paragraphs, "\n\n"), ans.folder.DropAlteration()
}

// leftAt says where the instance of an alteration may be that nobody goes on with,
// and how it is cleared away.
func leftAt(name string, cut state.Alteration) string {
	was := "removed"
	if cut.Verb == steps.PlanAdd {
		was = "added"
	}
	i, _ := cut.Workspace.Instance(name)
	h, _ := cut.Workspace.Host(i.Host)
	dir := word(instanceDir(name, cut.Workspace))
	return fmt.Sprintf(`%s was being %s %s when a run was cut, and is
no longer of the workspace there. It may still run on %s and work on the database,
although nobody is sent to it. To stop it and to take its files away, run there,
as root:
  cd %s && docker compose down && cd / && rm -r %s`, name, was, placeOf(name, cut.Workspace), h.Name, dir, dir)
}
