package tui

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// goOn goes to the next page, unless something necessary is missing; then it
// says what, and where. What may still come right by itself, or does not matter
// to someone who only exports the files, is told once and passes the second
// time.
func (p *servers) goOn() {
	if p.entry != nil && p.entry.text != "" {
		if !p.addTyped() {
			p.mode = adding
			p.c.say(bad, p.wrong.Text)
			return
		}
		p.list.resize(len(p.hosts()))
	}
	if p.base != nil && len(p.c.draft.Change.Instances) == 0 {
		p.c.say(bad, "no instance is added yet: choose a server and press enter, or a for a new one")
		return
	}
	if found, ok := p.missing(); ok {
		if found.row >= 0 {
			p.list.move(found.row - p.list.at)
		}
		p.c.say(bad, found.text)
		return
	}
	row, text := p.unsettled()
	if text == "" || text == p.doubt {
		p.doubt = ""
		p.c.next()
		return
	}
	p.doubt = text
	p.list.move(row - p.list.at)
	p.c.say(warning, text+"; n again goes on all the same")
}

// lack is what is missing, and on which row; below 0: on none.
type lack struct {
	row  int
	text string
}

// missing is the first thing that is wrong with the answers.
func (p *servers) missing() (lack, bool) {
	for _, found := range question.Errors(question.Servers, *p.answers()) {
		row := rowOf(found.Field, p.answers().Workspace)
		text := found.Text
		switch {
		case row >= 0 && p.undecided(found, row, p.sight(row)):
			continue
		case row >= 0 && !strings.HasPrefix(text, p.hosts()[row].Name+" "):
			text = or(p.hosts()[row].Name, "the server in row "+itoa(row+1)) + ": " + firstLower(found.Title) + ": " + text
		case row < 0:
			text = cmp.Or(map[string]string{
				"hosts":         "there is no server yet: type the address of one",
				"database.host": "no server has the database: choose one and press d",
				"proxy.host":    "no server has the proxy: choose one and press p",
				"instances":     "no server has an instance: choose one and press i",
			}[found.Field], text)
			row = p.withoutRole()
		}
		return lack{row, text}, true
	}
	return lack{}, false
}

// withoutRole is the first server that does nothing; below 0: there is none.
func (p *servers) withoutRole() int {
	w := p.answers().Workspace
	return slices.IndexFunc(w.HostNames(), func(name string) bool {
		n := slices.Index(w.HostNames(), name)
		return question.RolesOf(w, n) == question.Roles{}
	})
}

// unsettled is the first thing that stands between a server and its being logged
// in to.
func (p *servers) unsettled() (row int, text string) {
	for n, s := range p.all() {
		name := p.hosts()[n].Name
		switch {
		case s.showsKey():
			return n, name + ": its host key was not accepted yet (f)"
		case s.wantsSecret():
			return n, name + ": it wants the " + string(s.found.Secret.Kind) + " (s)"
		case s.over() && s.found.Problem != nil:
			return n, name + " could not be looked at"
		}
	}
	return 0, ""
}

var inHosts = regexp.MustCompile(`^hosts(?:\[(\d+)\]|\.([^.]+)\.)`)

// rowOf is the place of the server that a field is one of; -1: it is none's.
func rowOf(field string, w workspace.Workspace) int {
	m := inHosts.FindStringSubmatch(field)
	switch {
	case m == nil:
		return -1
	case m[2] != "":
		return slices.Index(w.HostNames(), m[2])
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n >= len(w.Hosts) {
		return -1
	}
	return n
}

// firstLower is a title in the middle of a sentence; SSH stays as it is.
func firstLower(s string) string {
	if len(s) < 2 || s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
