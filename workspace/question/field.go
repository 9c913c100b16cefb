package question

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// in is the key for a place: [] and * replaced by what they stand for.
func (at place) in(key string) string {
	if at.n >= 0 {
		key = strings.Replace(key, "[]", fmt.Sprintf("[%d]", at.n), 1)
	}
	return strings.Replace(key, ".*.", "."+at.host+".", 1)
}

// template is the key as it stands in All: the counterpart of place.in.
func template(key string) string {
	if open := strings.IndexByte(key, '['); open >= 0 {
		if end := strings.IndexByte(key, ']'); end > open {
			return key[:open+1] + key[end:]
		}
	}
	if rest, ok := strings.CutPrefix(key, "hosts."); ok {
		if dot := strings.LastIndexByte(rest, '.'); dot >= 0 {
			return ofSecrets + rest[dot+1:]
		}
	}
	return key
}

// field finds the field of a key in a struct of the schema by its yaml tags. It
// is not valid if there is none there.
func field(root reflect.Value, key string) reflect.Value {
	v := root
	for part := range strings.SplitSeq(key, ".") {
		name, index, inList := strings.Cut(part, "[")
		v = tagged(v, name)
		if inList && v.IsValid() {
			n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil || n < 0 || n >= v.Len() {
				return reflect.Value{}
			}
			v = v.Index(n)
		}
		if !v.IsValid() {
			return v
		}
	}
	return v
}

// tagged is the field of a struct with that name in YAML.
func tagged(v reflect.Value, name string) reflect.Value {
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	for f, value := range v.Fields() {
		if tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); tag == name {
			return value
		}
	}
	return reflect.Value{}
}

// text is a field's value as an answer; empty if nothing is said.
func text(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		if v.Elem().Kind() == reflect.Int { // 0 is said, if it is pointed to
			return strconv.FormatInt(v.Elem().Int(), 10)
		}
		return text(v.Elem())
	case reflect.Bool:
		if v.Bool() {
			return Yes
		}
		return No
	case reflect.Int:
		if v.Int() == 0 {
			return ""
		}
		return strconv.FormatInt(v.Int(), 10)
	case reflect.String:
		return v.String()
	default:
		return ""
	}
}

// put writes an answer into a field; an empty one takes away what was said. The
// text is what the answer should have been, or empty.
func put(v reflect.Value, answer string) (wrong string) {
	if answer == "" {
		v.SetZero()
		return ""
	}
	into := v
	if v.Kind() == reflect.Pointer {
		into = reflect.New(v.Type().Elem()).Elem()
	}
	switch into.Kind() {
	case reflect.Bool:
		switch answer {
		case Yes, No:
			into.SetBool(answer == Yes)
		default:
			return "yes or no"
		}
	case reflect.Int:
		n, err := strconv.Atoi(answer)
		if err != nil {
			return "a number"
		}
		if n == 0 && v.Kind() == reflect.Int { // 0 is how the schema says nothing
			return "a number other than 0"
		}
		into.SetInt(int64(n))
	default:
		into.SetString(answer)
	}
	if v.Kind() == reflect.Pointer {
		v.Set(into.Addr())
	}
	return ""
}

// Get is what has been answered, or empty.
func (q Question) Get(a Answers) string {
	switch {
	case q.Kind == Addresses:
		return formatAddresses(a.Workspace)
	case q.Kind == RoleSet:
		return RolesOf(a.Workspace, q.at.n).String()
	case q.Kind == Secret && q.ofHosts():
		s := a.Secrets.Hosts[q.at.host]
		return text(tagged(reflect.ValueOf(s), q.name()))
	case q.Kind == Secret:
		return text(field(reflect.ValueOf(a.Secrets), q.Key))
	}
	v := field(reflect.ValueOf(a.Workspace), q.Key)
	if v.Kind() == reflect.Bool && !v.Bool() {
		return "" // nothing said and no are the same
	}
	return text(v)
}

// name is the last part of the key.
func (q Question) name() string { return q.Key[strings.LastIndexByte(q.Key, '.')+1:] }

// Default is what the answer is if none is given: what the schema makes of the
// answers so far. It is empty where there is none.
func (q Question) Default(a Answers) string {
	switch q.Kind {
	case Addresses, RoleSet, Secret:
		return ""
	default:
	}
	a = a.Clone()
	v := field(reflect.ValueOf(&a.Workspace).Elem(), q.Key)
	if !v.IsValid() {
		return ""
	}
	v.SetZero()
	return text(field(reflect.ValueOf(a.Workspace.Complete()), q.Key))
}

// Value is what has been answered, or else the default: what a face shows in
// the field.
func (q Question) Value(a Answers) string {
	if said := q.Get(a); said != "" {
		return said
	}
	return q.Default(a)
}

// Set writes the answer down; an empty one takes back what was said. What is
// the same as the default that follows from the other answers is not written
// down, so that it goes on following. The problem is one of form, and then
// nothing is written; whether the answer is right is Check's to say.
func (q Question) Set(a *Answers, answer string) error {
	answer = q.clean(answer)
	switch {
	case q.Kind == Addresses:
		return setAddresses(a, answer)
	case q.Kind == RoleSet:
		roles, wrong := ParseRoles(answer)
		if wrong != nil {
			return q.problem(wrong.Error(), "write d for the database, i for an instance (i2 for two), p for the proxy, such as: d p")
		}
		SetRoles(a, q.at.n, roles)
		return nil
	case q.Kind == Secret:
		q.setSecret(a, answer)
		return nil
	case template(q.Key) == ofHost+"address":
		setAddress(a, q.at.n, answer)
		return nil
	case template(q.Key) == ofHost+"name":
		rename(a, q.at.n, answer)
		return nil
	}
	if answer == q.Default(*a) {
		answer = ""
	}
	v := field(reflect.ValueOf(&a.Workspace).Elem(), q.Key)
	if !v.IsValid() {
		return q.problem("there is no such place in the workspace", "")
	}
	if wrong := put(v, answer); wrong != "" {
		return q.problem("must be "+wrong, "")
	}
	return nil
}

// clean takes away what nobody means: the spaces around an answer, and of a
// toggle or a choice the case of its letters.
func (q Question) clean(answer string) string {
	if q.Kind == Secret && !q.Lines {
		return answer // a space may be meant
	}
	answer = strings.TrimSpace(answer)
	if q.Kind == Toggle {
		switch strings.ToLower(answer) {
		case "y", Yes, "true":
			return Yes
		case "n", No, "false":
			return No
		}
	}
	return answer
}

func (q Question) setSecret(a *Answers, answer string) {
	if q.Lines && strings.Contains(answer, "\n") {
		answer += "\n" // a block in PEM form ends with a line break
	}
	if !q.ofHosts() {
		put(field(reflect.ValueOf(&a.Secrets).Elem(), q.Key), answer)
		return
	}
	s := a.Secrets.Hosts[q.at.host]
	put(tagged(reflect.ValueOf(&s).Elem(), q.name()), answer)
	*a = a.Clone() // the map may be another's too
	if s == (workspace.HostSecrets{}) {
		delete(a.Secrets.Hosts, q.at.host)
		return
	}
	if a.Secrets.Hosts == nil {
		a.Secrets.Hosts = map[string]workspace.HostSecrets{}
	}
	a.Secrets.Hosts[q.at.host] = s
}

func (q Question) problem(text, hint string) error {
	return &workspace.InvalidError{Problems: workspace.Problems{{Severity: workspace.Error, Field: q.Key, Text: text, Hint: hint}}}
}
