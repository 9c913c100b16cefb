package steps

import (
	"context"
	"path"
	"slices"

	"github.com/rcwizard/rcwizard/render"
)

// Left is a file that differs from what this rcwizard would write there, and
// that a plan with a scope leaves as it is.
type Left struct {
	Host, Path string
	// Missing says that it is not there; Edited that somebody changed it since
	// rcwizard wrote it.
	Missing, Edited bool
	// Have and Want are the two texts, masked; empty for a file with secrets.
	Have, Want string
}

// Rest is everything that the site's scope leaves as it is although this
// rcwizard would write something else, in the order of the tree. Of hosts that
// are not connected nothing is known, and nothing is told.
func (s *Site) Rest(ctx context.Context) ([]Left, error) {
	var out []Left
	for _, rp := range s.Tree.Projects {
		if s.writes(rp) || !s.connected(rp.Host) {
			continue
		}
		p, err := s.project(rp)
		if err != nil {
			return nil, err
		}
		left, err := p.rest(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, left...)
	}
	return out, nil
}

// Foreign is what lies where the files of the scope's instances go and is not as
// rcwizard wrote it, in the order of the tree. Hosts that are not connected are
// left out.
func (s *Site) Foreign(ctx context.Context) ([]Left, error) {
	var out []Left
	for _, rp := range s.scoped() {
		if !s.connected(rp.Host) {
			continue
		}
		p, err := s.project(rp)
		if err != nil {
			return nil, err
		}
		all, err := p.rest(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, slices.DeleteFunc(all, func(l Left) bool { return !l.Edited })...)
	}
	return out, nil
}

func (p project) rest(ctx context.Context) ([]Left, error) {
	seen, err := p.look(ctx, p.Files)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range p.Files {
		if have, there := seen.entries[f.Path]; there && have.kind == kindFile && have.sum != sum(f.Content) {
			names = append(names, f.Path)
		}
	}
	texts, err := p.contents(ctx, names)
	if err != nil {
		return nil, err
	}
	var out []Left
	for _, f := range p.Files {
		have, there := seen.entries[f.Path]
		left := Left{Host: p.Host, Path: p.path(f.Path), Missing: !there}
		if there {
			if !slices.Contains(names, f.Path) {
				continue
			}
			left.Edited = !seen.receipt.wrote(f.Path, have.sum)
			text := p.relisted(f, []byte(texts[left.Path]))
			if string(text) == string(f.Content) || p.sameWithout(f, []byte(texts[left.Path])) {
				continue
			}
			if !f.Secret {
				left.Have = string(render.Masked(path.Base(f.Path), text))
				left.Want = string(render.Masked(path.Base(f.Path), f.Content))
			}
		}
		out = append(out, left)
	}
	return out, nil
}

// relisted is a list as it will be with the scope's instances, as they are in
// the tree; any other file as it is.
func (p project) relisted(f render.File, text []byte) []byte {
	l := render.List(f.Path)
	if l != render.Routes && l != render.Targets {
		return text
	}
	for _, i := range p.site.scopeInstances() {
		address := i.Address(p.site.Workspace)
		if l == render.Targets {
			address = i.MetricsAddress(p.site.Workspace)
		}
		with, err := l.With(text, f.Content, address)
		if err != nil {
			return text // the step that needs the list says what is wrong with it
		}
		text = with
	}
	return text
}

// sameWithout reports whether a list is as it should be but for the scope's
// instances: one that leaves may be out of it already, and its place was not the
// last.
func (p project) sameWithout(f render.File, text []byte) bool {
	l := render.List(f.Path)
	if l != render.Routes && l != render.Targets {
		return false
	}
	want := f.Content
	for _, i := range p.site.scopeInstances() {
		address := i.Address(p.site.Workspace)
		if l == render.Targets {
			address = i.MetricsAddress(p.site.Workspace)
		}
		var err, err2 error
		text, err = l.Without(text, address)
		want, err2 = l.Without(want, address)
		if err != nil || err2 != nil {
			return false
		}
	}
	return string(text) == string(want)
}
