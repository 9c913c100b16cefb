package render

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// List is a file in which every instance has an entry, and which a running
// service takes over by itself. An instance comes into a list and out of it
// without anything else of the file being written anew: what a newer rcwizard
// would render, or what somebody wrote there by hand, is not its business.
type List string

// The lists, by their paths in their projects.
const (
	// Routes is the reverse proxy's list of servers.
	Routes List = dynamicDir + "rocketchat.yml"
	// Targets is Prometheus' list of addresses.
	Targets List = "files/prometheus/file_sd_configs.d/rocketchat.yaml"
)

// Role is the project that the list belongs to.
func (l List) Role() Role {
	if l == Targets {
		return RoleDatabase
	}
	return RoleProxy
}

// Path is the list's file in its project.
func (l List) Path() string { return string(l) }

// ErrNotAList says that a file is not, or no longer, of the form that an entry
// can be put into or taken out of.
var ErrNotAList = errors.New("it has no list of instances, one entry below the other, as rcwizard writes it")

// Has reports whether an address, host:port, has an entry.
func (l List) Has(file []byte, address string) (bool, error) {
	all, err := l.entries(file)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(all, func(e listed) bool { return e.address == address }), nil
}

// With is the file with the entry of an address behind the others, as it stands
// in rendered; the file itself where it is there already.
func (l List) With(file, rendered []byte, address string) ([]byte, error) {
	all, err := l.entries(file)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(all, func(e listed) bool { return e.address == address }) {
		return file, nil
	}
	wanted, err := l.entries(rendered)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(wanted, func(e listed) bool { return e.address == address })
	if n < 0 {
		return nil, fmt.Errorf("the rendered %s has no entry of %s", l, address)
	}
	lines, from, last := split(file), wanted[n], all[len(all)-1]
	if end := len(lines) - 1; last.end > end && !strings.HasSuffix(lines[end], "\n") {
		lines[end] += "\n"
	}
	var added []string
	for _, line := range split(rendered)[from.start:from.end] {
		added = append(added, strings.Repeat(" ", last.indent)+line[min(from.indent, len(line)-1):])
	}
	out := slices.Insert(lines, last.end, added...)
	return l.proven(out, append(addresses(all), address))
}

// Without is the file without the entry of an address; the file itself where it
// has none. The last entry stays: a list of nobody is an error.
func (l List) Without(file []byte, address string) ([]byte, error) {
	all, err := l.entries(file)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(all, func(e listed) bool { return e.address == address })
	switch {
	case n < 0:
		return file, nil
	case len(all) == 1:
		return nil, fmt.Errorf("%s is the last in %s", address, l)
	}
	out := slices.Delete(split(file), all[n].start, all[n].end)
	return l.proven(out, addresses(slices.Delete(slices.Clone(all), n, n+1)))
}

// proven joins the lines, and sees that the entries are those that were meant.
func (l List) proven(lines []string, want []string) ([]byte, error) {
	out := []byte(strings.Join(lines, ""))
	got, err := l.entries(out)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(addresses(got), want) {
		return nil, ErrNotAList
	}
	return out, nil
}

// listed is one instance in a list: its lines from start up to end, counted from
// 0, which begin with indent spaces.
type listed struct {
	address            string
	start, end, indent int
}

func addresses(all []listed) []string {
	out := make([]string, 0, len(all))
	for _, e := range all {
		out = append(out, e.address)
	}
	return out
}

// entries reads the list; it has one entry at least.
func (l List) entries(file []byte) ([]listed, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(file, &doc); err != nil {
		return nil, fmt.Errorf("it is no YAML: %w", err)
	}
	if len(doc.Content) != 1 {
		return nil, ErrNotAList
	}
	list := doc.Content[0]
	if l == Routes {
		for _, key := range []string{"http", "services", "rocketchat", "loadBalancer", "servers"} {
			list = child(list, key)
		}
	}
	if list == nil || list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0 || len(list.Content) == 0 {
		return nil, ErrNotAList
	}
	out := make([]listed, 0, len(list.Content))
	for _, item := range list.Content {
		e := listed{start: item.Line - 1, end: bottom(item), indent: item.Column - 3}
		if item.Kind != yaml.MappingNode || item.Style&yaml.FlowStyle != 0 || e.indent < 0 {
			return nil, ErrNotAList
		}
		switch l {
		case Routes:
			if u := child(item, "url"); u != nil {
				e.address = strings.TrimPrefix(u.Value, "http://")
			}
		case Targets:
			if t := child(item, "targets"); t != nil && len(t.Content) == 1 {
				e.address = t.Content[0].Value
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// child is the value of a key; nil where there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// bottom is the number of the last line that a node has something in.
func bottom(n *yaml.Node) int {
	last := n.Line
	for _, c := range n.Content {
		last = max(last, bottom(c))
	}
	return last
}

func split(file []byte) []string {
	lines := make([]string, 0, bytes.Count(file, []byte("\n"))+1)
	for line := range bytes.Lines(file) {
		lines = append(lines, string(line))
	}
	return lines
}
