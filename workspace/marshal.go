package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Marshal returns the workspace as canonical YAML: the keys in the order of the
// schema, what is not set left out, and a comment at the top. Parse reads the
// same workspace from it. It fails only on text that is not UTF-8, which YAML
// cannot hold.
func (w Workspace) Marshal() ([]byte, error) {
	const header = "# The workspace, as rcwizard deploys it (https://github.com/rcwizard/rcwizard).\n" +
		"# It holds no secret: those are in secrets.yaml.\n"
	or(&w.Version, Version)
	return marshal(header, w)
}

// errNotText is a string that YAML has no characters for.
var errNotText = errors.New("a value is not valid UTF-8")

// marshal writes a struct of the schema. The nodes are made here and not by the
// library, which picks a form for text by how it looks and then, for some text
// with line breaks and tabs, cannot read it.
func marshal(header string, value any) ([]byte, error) {
	root, err := node(reflect.ValueOf(value))
	if err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	out := bytes.NewBufferString(header)
	if len(root.Content) == 0 {
		return out.Bytes(), nil
	}
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	return out.Bytes(), nil
}

// node is the counterpart of decoder.value.
func node(v reflect.Value) (*yaml.Node, error) {
	switch v.Kind() {
	case reflect.Pointer:
		return node(v.Elem())
	case reflect.Struct:
		return mapping(v)
	case reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, key := range slices.Sorted(maps.Keys(v.Interface().(map[string]HostSecrets))) { //nolint:forcetypeassert // the schema's only map
			if err := pair(n, key, v.MapIndex(reflect.ValueOf(key)), 0); err != nil {
				return nil, err
			}
		}
		return n, nil
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			element, err := node(v.Index(i))
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, element)
		}
		return n, nil
	case reflect.Int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Int(), 10)}, nil
	case reflect.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Bool())}, nil
	default:
		return scalar(v.String())
	}
}

// mapping leaves out what is not set, if its tag says omitempty, and writes on
// one line what its tag says flow of.
func mapping(v reflect.Value) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for field, value := range v.Fields() {
		options := strings.Split(field.Tag.Get("yaml"), ",")
		if slices.Contains(options, "omitempty") && (value.IsZero() || isEmptyList(value)) {
			continue
		}
		var style yaml.Style
		if slices.Contains(options, "flow") {
			style = yaml.FlowStyle
		}
		if err := pair(n, options[0], value, style); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func isEmptyList(v reflect.Value) bool {
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

func pair(into *yaml.Node, key string, v reflect.Value, style yaml.Style) error {
	k, err := scalar(key)
	if err != nil {
		return err
	}
	value, err := node(v)
	if err != nil {
		return err
	}
	value.Style |= style
	into.Content = append(into.Content, k, value)
	return nil
}

var (
	// plainForm is text on one line that needs no thought; whether it needs quotes
	// because it looks like a number or a list, the library knows.
	plainForm = regexp.MustCompile(`^[ -~\x{a1}-\x{2027}\x{2030}-\x{d7ff}]*$`)
	// blockForm is text in several lines that is as readable as it stands, such as
	// a key in PEM form.
	blockForm = regexp.MustCompile(`^([!-~]([ -~]*[!-~])?\n)+$`)
)

func scalar(text string) (*yaml.Node, error) {
	if !utf8.ValidString(text) {
		return nil, errNotText
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	switch {
	case plainForm.MatchString(text):
	case blockForm.MatchString(text):
		n.Style = yaml.LiteralStyle
	default:
		n.Style = yaml.DoubleQuotedStyle
	}
	return n, nil
}
