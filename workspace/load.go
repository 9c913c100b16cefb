package workspace

import (
	"slices"
	"strconv"
	"strings"
)

// Parse reads a workspace.yaml as it was written, without defaults. The file's
// name is used in problems alone. The problems are about the form: not YAML,
// unknown or doubled keys, wrong types, a version that this program does not
// know. It reports all of them at once and never panics.
func Parse(file string, data []byte) (Workspace, Problems) {
	w, d := parse(file, data)
	return w, d.problems.sorted()
}

// Load reads a workspace.yaml, fills in the defaults (Complete) and validates
// (Validate). The problems are those of all three, each with its line where
// that is known. The workspace is complete as far as it could be read, and is
// good to be used only if the problems' Err is nil.
//
// Overrides are layers above the file, such as flags: each changes what was
// read before the defaults are made from it.
func Load(file string, data []byte, overrides ...func(*Workspace)) (Workspace, Problems) {
	w, d := parse(file, data)
	lines, problems := d.lines, d.problems
	if !d.read {
		return w, problems // nothing could be read; what is missing is no news
	}
	for _, override := range overrides {
		override(&w)
	}
	complete := w.Complete()
	found := complete.Validate()
	// Complete gives Grafana a path when there is none. Somebody who wrote the
	// path down as empty, as the guide has it for a subdomain, and gave no domain,
	// did not ask for that.
	if _, written := lines["grafana.path"]; written && w.Grafana.Path == "" && w.Grafana.Domain == "" && w.Grafana.Mode != GrafanaNone && w.Grafana.Mode != GrafanaSubdomain {
		found = append(found, grafanaNowhere("grafana.path"))
	}
	for _, problem := range found {
		if d.problems.about(problem.Field) || slices.Contains(d.misspelt, problem.Field) {
			continue // its value could not be read: whatever follows from that is noise
		}
		problem.File, problem.Line = file, lines.of(problem.Field)
		problems = append(problems, problem)
	}
	return complete, problems.sorted()
}

// about reports whether one of the problems is about the field or something
// around it.
func (p Problems) about(field string) bool {
	for _, problem := range p {
		if problem.Field == field || (problem.Field != "" && strings.HasPrefix(field, problem.Field) && strings.ContainsAny(field[len(problem.Field):][:1], ".[")) {
			return true
		}
	}
	return false
}

func parse(file string, data []byte) (Workspace, *decoder) {
	var w Workspace
	d := &decoder{file: file}
	d.document(data, &w)
	line, written := d.lines["version"]
	switch {
	case !d.read || d.problems.about("version"):
	case !written || (written && w.Version == 0):
		d.addf(max(line, 1), "version", "write version: "+strconv.Itoa(Version)+" at the top", "the file does not say which version of the schema it is written in")
	case w.Version != Version:
		hint := "write version: " + strconv.Itoa(Version)
		if w.Version > Version {
			hint = "the file was written for a newer rcwizard: use that one"
		}
		d.addf(line, "version", hint, "version %d of the schema is not known; this rcwizard reads version %d", w.Version, Version)
	}
	return w, d
}
