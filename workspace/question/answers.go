package question

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// Answers is everything that has been answered so far. The workspace is as it
// was said, without the defaults, and may be far from whole.
type Answers struct {
	Workspace workspace.Workspace
	Secrets   workspace.Secrets
}

// Clone returns a copy that shares no memory with a.
func (a Answers) Clone() Answers {
	a.Workspace = a.Workspace.Clone()
	a.Secrets.Hosts = maps.Clone(a.Secrets.Hosts)
	return a
}

// File is the workspace.yaml of the answers, complete, and the same for the
// same answers whichever face they were given to.
func (a Answers) File() ([]byte, error) {
	data, err := a.Workspace.Complete().Marshal()
	if err != nil {
		return nil, fmt.Errorf("writing the answers: %w", err)
	}
	return data, nil
}

// Problem is something that is wrong or doubtful in the answers, and where it
// can be answered otherwise.
type Problem struct {
	workspace.Problem
	Page Page
	// Title is that of the question, or the page's.
	Title string
}

// Problems are everything that is wrong or doubtful in the answers as a whole,
// in the order of the pages. Nothing can be deployed while there are errors.
func Problems(a Answers) []Problem {
	w := a.Workspace.Complete()
	problems := append(w.Validate(), forTyping(a.Secrets.Validate(w))...)
	out := make([]Problem, 0, len(problems))
	for _, p := range problems {
		found := Problem{Problem: p, Page: pageOf(p.Field, a)}
		found.Title = found.Page.Title()
		if hint, ok := roleHint(p.Field); ok && p.Severity == workspace.Error {
			found.Title, found.Hint = "Roles", hint
		}
		if q, ok := Find(p.Field, a); ok {
			found.Title = q.Title
		}
		out = append(out, found)
	}
	slices.SortStableFunc(out, func(x, y Problem) int { return int(x.Page) - int(y.Page) })
	return out
}

// Errors are the problems on a page that forbid going on from it.
func Errors(p Page, a Answers) []Problem {
	var out []Problem
	for _, found := range Problems(a) {
		if found.Page == p && found.Severity == workspace.Error {
			out = append(out, found)
		}
	}
	return out
}

// pageOf is the page with the question of a field, or with those of what it is
// a part of, or has as parts.
func pageOf(field string, a Answers) Page {
	if q, ok := Find(field, a); ok {
		return q.Page(a)
	}
	if _, ok := roleHint(field); ok {
		return Servers
	}
	for key := field; key != ""; key = key[:max(strings.LastIndexAny(key, ".["), 0)] {
		for _, q := range All() {
			if within(q.Key, key) {
				return q.Page(a)
			}
		}
	}
	return Advanced
}

// roleHint is what to do about a problem of a field that says which host has a
// role, in the words of who gives roles to hosts.
func roleHint(field string) (hint string, ok bool) {
	switch template(field) {
	case "database.host":
		return "give one of the servers the role d", true
	case "proxy.host":
		return "give one of the servers the role p", true
	case "instances", ofInstance + "host":
		return "give one or more of the servers the role i", true
	}
	return "", false
}

// within reports whether the key is the field or a part of it.
func within(key, field string) bool {
	rest, ok := strings.CutPrefix(key, template(field))
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Check judges an answer among the others, with the workspace's validation: the
// errors forbid it, the warnings are to be told. A is left as it is.
func (q Question) Check(a Answers, answer string) workspace.Problems {
	a = a.Clone()
	if err := q.Set(&a, answer); err != nil {
		return problemsOf(err, q.Key)
	}
	if q.Kind == Choice && !q.Free {
		if value := q.Value(a); value != "" && !slices.ContainsFunc(q.Options(a), func(o Option) bool { return o.Value == value }) {
			return workspace.Problems{{Severity: workspace.Error, Field: q.Key, Text: "not one of the choices"}}
		}
	}
	if q.lenient != nil {
		q.lenient(&a.Workspace)
	}
	w := a.Workspace.Complete()
	var out workspace.Problems
	found := w.Validate()
	if q.Kind == Secret {
		found = forTyping(a.Secrets.Validate(w))
	}
	for _, p := range found {
		switch {
		case p.Field == q.Key:
		case slices.Contains(q.also, p.Field) && said(a, p.Field):
		case q.Kind == Addresses && addressProblem(p.Field):
		case q.Kind == RoleSet && p.Severity == workspace.Warning && p.Field == fmt.Sprintf("hosts[%d]", q.at.n):
		default:
			continue
		}
		out = append(out, p)
	}
	return out
}

// said reports whether the field of a problem has been answered: what is
// missing there is asked for itself.
func said(a Answers, key string) bool {
	q, ok := Find(key, a)
	return ok && q.Get(a) != ""
}

func problemsOf(err error, key string) workspace.Problems {
	if invalid, ok := asInvalid(err); ok {
		return invalid.Problems
	}
	return workspace.Problems{{Severity: workspace.Error, Field: key, Text: err.Error()}}
}

// forTyping gives the problems of secrets the hint that fits somebody who is
// being asked, not somebody who writes a file.
func forTyping(problems workspace.Problems) workspace.Problems {
	for n, p := range problems {
		if strings.HasPrefix(p.Text, "missing: ") {
			problems[n].Hint = "it is kept in secrets.yaml, which only you can read"
		}
	}
	return problems
}
