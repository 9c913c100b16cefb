package workspace

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Difference is one field that two workspaces have different values in.
type Difference struct {
	// Field is as a person writes it: "release", "hosts.rc2.address". Hosts and
	// instances are named by their names; one that only one side has is one
	// difference.
	Field string `json:"field"`
	// Before and After are the values as text, empty where there is none.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Differences are the fields in which a workspace is not as another was, in the
// order of the schema. Both should be complete: a default that is written out is
// a difference to one that is not.
func Differences(before, after Workspace) []Difference {
	a, errA := node(reflect.ValueOf(before))
	b, errB := node(reflect.ValueOf(after))
	if errA != nil || errB != nil {
		return nil // neither could have been read
	}
	var out []Difference
	differ("", a, b, &out)
	return out
}

func differ(path string, a, b *yaml.Node, out *[]Difference) {
	if a == nil || b == nil || a.Kind != b.Kind || a.Kind == yaml.ScalarNode || !hasNames(a) || !hasNames(b) {
		if before, after := inLine(a), inLine(b); before != after {
			*out = append(*out, Difference{Field: path, Before: before, After: after})
		}
		return
	}
	names, left, right := fields(a, b)
	for _, name := range names {
		at := name
		if path != "" {
			at = path + "." + name
		}
		differ(at, left[name], right[name], out)
	}
}

// hasNames reports whether what is in a node can be named.
func hasNames(n *yaml.Node) bool {
	if n.Kind != yaml.SequenceNode {
		return n.Kind == yaml.MappingNode
	}
	for _, item := range n.Content {
		if nameOf(item) == "" {
			return false
		}
	}
	return true
}

// nameOf is the name of a host or an instance.
func nameOf(n *yaml.Node) string {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "name" {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// fields are the names that either side has, in order, and the nodes by them.
func fields(a, b *yaml.Node) (names []string, left, right map[string]*yaml.Node) {
	left, right = map[string]*yaml.Node{}, map[string]*yaml.Node{}
	for _, side := range []struct {
		n  *yaml.Node
		to map[string]*yaml.Node
	}{{a, left}, {b, right}} {
		put := func(name string, n *yaml.Node) {
			if left[name] == nil && right[name] == nil {
				names = append(names, name)
			}
			side.to[name] = n
		}
		if side.n.Kind == yaml.SequenceNode {
			for _, item := range side.n.Content {
				put(nameOf(item), item)
			}
			continue
		}
		for i := 0; i+1 < len(side.n.Content); i += 2 {
			put(side.n.Content[i].Value, side.n.Content[i+1])
		}
	}
	return names, left, right
}

// inLine is a node in one line.
func inLine(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	var parts []string
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, n.Content[i].Value+" "+inLine(n.Content[i+1]))
		}
	case yaml.SequenceNode, yaml.DocumentNode, yaml.AliasNode:
		for _, item := range n.Content {
			parts = append(parts, inLine(item))
		}
	}
	return strings.Join(parts, ", ")
}
