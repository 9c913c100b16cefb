// Package question is everything that a person can be asked about a workspace,
// as data: the fields of workspace.yaml and secrets.yaml with their titles,
// help, choices and defaults, in the order and on the pages in which they are
// asked. A wizard and a list of prompts are two ways of showing it, and both
// come to the same file (Answers.File).
//
// It promises that every field of the schema can be asked, and that a question
// is asked only where its answer does something (On); that a default follows
// from what has been answered before and is not written down, so that it goes
// on following (Set); and that an answer is judged with the workspace's own
// validation and its own words (Check).
//
// It is pure: it shows nothing, reads no terminal, opens no connection. What a
// host says of itself is told to it, as the answer that it is.
package question

import (
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// Kind says what an answer looks like. Every answer is text, so that any face
// can ask for it.
type Kind int

// The kinds of answers.
const (
	// Text is one line.
	Text Kind = iota
	// Number is one line of digits.
	Number
	// Choice is one of Options; with Free, any text beside them.
	Choice
	// Toggle is Yes or No.
	Toggle
	// Secret is one line that is not shown while it is typed. With Lines it is
	// several, such as a key in PEM form.
	Secret
	// Addresses is any number of addresses, as ParseAddresses reads them.
	Addresses
	// RoleSet is a host's roles, as ParseRoles reads them.
	RoleSet
)

// The answers to a Toggle.
const (
	Yes = "yes"
	No  = "no"
)

// Option is one thing to choose.
type Option struct {
	// Value is the answer.
	Value string
	// Title is the value for people, a few words.
	Title string
	// Help is what choosing it means, one sentence; it may be empty.
	Help string
}

// Question is one thing to ask. Its methods take the answers so far, and those
// that ask nothing change nothing.
type Question struct {
	// Key is the path of the field, which is also the Field of a problem about it:
	// "domain", "hosts[2].ssh.user"; for a secret that of secrets.yaml. As it
	// stands in All, a place in a list is [] and a host's name is *.
	Key   string
	Title string
	// Help is one sentence.
	Help string
	Kind Kind
	// Free says of a Choice that an answer may be something else than an option.
	Free bool
	// Lines says of a Secret that it may have several lines.
	Lines bool
	// Blank is what no answer means where there is no default, a few words such
	// as "made for you".
	Blank string

	page    Page
	moved   func(workspace.Workspace) Page
	options func(workspace.Workspace) []Option
	when    func(w workspace.Workspace, at place) bool
	// also are fields, as they stand in All, of which a problem is one of this
	// answer.
	also []string
	// lenient takes away from the answers what another question is answerable for.
	lenient func(*workspace.Workspace)

	at place
}

// place is where in its list a resolved question stands: -1 in none.
type place struct {
	n int
	// host is the name of the host, for its secrets.
	host string
	// about is the name of the host, or of the instance.
	about string
}

// Page is where the question is asked, by the answers so far.
func (q Question) Page(a Answers) Page {
	return q.pageIn(a.Workspace.Complete())
}

func (q Question) pageIn(complete workspace.Workspace) Page {
	if q.moved != nil {
		return q.moved(complete)
	}
	return q.page
}

// About is the name of the host or the instance that the question is about;
// empty where it is about the whole workspace.
func (q Question) About() string { return q.at.about }

// Place is the place of that host or instance in its list, from 0; -1 for none.
func (q Question) Place() int { return q.at.n }

// Options are what a Choice chooses from.
func (q Question) Options(a Answers) []Option {
	if q.options == nil {
		return nil
	}
	return q.options(a.Workspace.Complete())
}

// Among is the question with options to choose from, any other answer being as
// good: what a face has found out that nobody could know before.
func (q Question) Among(options []Option) Question {
	q.Kind, q.Free = Choice, true
	q.options = func(workspace.Workspace) []Option { return slices.Clone(options) }
	return q
}

// Asked reports whether the answer would do something, by the answers so far.
func (q Question) Asked(a Answers) bool {
	return q.askedIn(a.Workspace.Complete())
}

func (q Question) askedIn(complete workspace.Workspace) bool {
	return q.when == nil || q.when(complete, q.at)
}

// All is every question there is, page by page, in the order in which they are
// asked. Those of lists stand once, with [] or * for the place in it.
func All() []Question {
	return slices.Concat(servers(), general(), files(), advanced())
}

// On is what a page asks, by the answers so far: the questions of which the
// answer does something, those of a list once for every place in it.
func On(p Page, a Answers) []Question {
	w := a.Workspace.Complete()
	var out []Question
	for _, q := range resolved(w, func(q Question) bool { return q.pageIn(w) == p }) {
		if q.askedIn(w) {
			out = append(out, q)
		}
	}
	return out
}

// OnHost is what a page asks about one host, by its place in the workspace.
func OnHost(p Page, a Answers, n int) []Question {
	if n < 0 || n >= len(a.Workspace.Hosts) {
		return nil
	}
	return slices.DeleteFunc(On(p, a), func(q Question) bool {
		return q.at.n != n || !q.ofHosts()
	})
}

// Find is the question of a key, such as "hosts[2].address", whether it is asked
// or not; ok is false if there is none.
func Find(key string, a Answers) (found Question, ok bool) {
	w := a.Workspace.Complete()
	for _, q := range resolved(w, func(q Question) bool { return q.Key == template(key) }) {
		if q.Key != key {
			continue
		}
		if q.askedIn(w) {
			return q, true
		}
		found, ok = q, true
	}
	return found, ok
}

const (
	ofHost     = "hosts[]."
	ofSecrets  = "hosts.*."
	ofInstance = "instances[]."
)

func (q Question) ofHosts() bool {
	return strings.HasPrefix(q.Key, "hosts[") || strings.HasPrefix(q.Key, "hosts.")
}

// resolved is All as far as it is wanted, with the questions of lists for each
// place. All of one host, or one instance, stand together.
func resolved(w workspace.Workspace, wanted func(Question) bool) []Question {
	var out []Question
	all := slices.DeleteFunc(All(), func(q Question) bool { return !wanted(q) })
	for len(all) > 0 {
		same := 1
		list := listOf(all[0].Key)
		for same < len(all) && list != "" && listOf(all[same].Key) == list && all[same].page == all[0].page {
			same++
		}
		for _, at := range places(list, w) {
			for _, q := range all[:same] {
				out = append(out, q.resolve(at))
			}
		}
		all = all[same:]
	}
	return out
}

// listOf is the list in which a key of All stands.
func listOf(key string) string {
	switch {
	case strings.HasPrefix(key, ofHost), strings.HasPrefix(key, ofSecrets):
		return "hosts"
	case strings.HasPrefix(key, ofInstance):
		return "instances"
	}
	return ""
}

func places(list string, w workspace.Workspace) []place {
	var out []place
	switch list {
	case "hosts":
		for n, h := range w.Hosts {
			out = append(out, place{n: n, host: h.Name, about: h.Name})
		}
	case "instances":
		for n, i := range w.Instances {
			out = append(out, place{n: n, host: i.Host, about: i.Name})
		}
	default:
		out = []place{{n: -1}}
	}
	return out
}

func (q Question) resolve(at place) Question {
	q.at = at
	q.Key = at.in(q.Key)
	also := make([]string, len(q.also))
	for i, key := range q.also {
		also[i] = at.in(key)
	}
	q.also = also
	return q
}
