package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Marshal returns the workspace as canonical YAML: the keys in the order of the
// schema, what is not set left out, and a comment at the top. Parse reads the
// same workspace from it. It fails only on text that is not UTF-8, which YAML
// cannot hold.
func (w Workspace) Marshal() ([]byte, error) {
	header := "# " + strings.Join([]string{
		"The workspace, as rcwizard deploys it (https://github.com/rcwizard/rcwizard).",
		"It holds no secret: those are in secrets.yaml.",
	}, "\n# ") + "\n"
	or(&w.Version, Version)
	return marshal(header, w)
}

// errNotText is a string that YAML has no characters for.
var errNotText = errors.New("a value is not valid UTF-8")

func marshal(header string, value any) ([]byte, error) {
	var root yaml.Node
	if err := root.Encode(value); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	if err := settle(&root); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	out := bytes.NewBufferString(header)
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	if err := enc.Encode(&root); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	return out.Bytes(), nil
}

// settle refuses what would not be read back as it was, and quotes text whose
// plain form depends on indentation.
func settle(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		if n.ShortTag() == "!!binary" {
			return errNotText
		}
		if n.ShortTag() == "!!str" && strings.ContainsAny(n.Value, "\n\r\t\u0085\u2028\u2029\ufeff") {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	for _, child := range n.Content {
		if err := settle(child); err != nil {
			return err
		}
	}
	return nil
}
