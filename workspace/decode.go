package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder fills a struct from YAML and reports everything that does not fit,
// each with its line. It is stricter than the library, which stops at the first
// wrong type of a document, knows no nearest key, and forgets the lines that
// validation needs later on.
//
// It walks the schema, not the document, so that a document that refers to
// itself cannot keep it busy.
type decoder struct {
	file string
	// secret forbids any text of the document in a problem: only keys of the
	// schema and lines are named.
	secret   bool
	lines    positions
	problems Problems
	// read says that the document was a mapping, so that there is something to
	// miss keys in.
	read bool
	// misspelt are the fields that unknown keys were probably meant for.
	misspelt []string
}

// positions are the lines at which fields were written, by path.
type positions map[string]int

// of is the line of the field, or of the nearest thing around it that was
// written; 0 if there is none.
func (p positions) of(field string) int {
	for field != "" {
		if line, ok := p[field]; ok {
			return line
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return 0
}

func (d *decoder) addf(line int, field, hint, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		File: d.file, Line: line, Field: field, Text: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// document decodes the one document in data into the struct that into points to.
func (d *decoder) document(data []byte, into any) {
	d.lines = positions{}
	stream := yaml.NewDecoder(bytes.NewReader(data))
	var root yaml.Node
	if err := stream.Decode(&root); errors.Is(err, io.EOF) {
		d.addf(0, "", "", "the file is empty")
		return
	} else if err != nil {
		d.syntax(err)
		return
	}
	var second yaml.Node
	switch err := stream.Decode(&second); {
	case err == nil:
		d.addf(second.Line, "", "keep the first document and remove what begins with ---", "the file holds more than one document")
	case !errors.Is(err, io.EOF):
		d.syntax(err)
		return
	}
	if len(root.Content) == 1 {
		if only := resolve(root.Content[0]); isNull(only) {
			d.addf(0, "", "", "the file is empty")
			return
		}
		d.read = resolve(root.Content[0]).Kind == yaml.MappingNode
		d.value(root.Content[0], reflect.ValueOf(into).Elem(), "")
	}
}

var yamlLine = regexp.MustCompile(`line (\d+): ?`)

// syntax reports what the YAML parser cannot read.
func (d *decoder) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.Replace(text, m[0], "", 1)
	}
	if d.secret { // the parser quotes names of anchors and tags
		text = "the parser cannot read it"
	}
	d.addf(line, "", "indent with spaces, and quote values that hold : # { } [ ] & * ! | > or %", "not valid YAML: %s", text)
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// value decodes one node into v, whose field has the given path.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if path != "" {
		d.lines[path] = n.Line
	}
	n = resolve(n)
	if isNull(n) {
		return // as if it were not there
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		before := len(d.problems)
		d.value(n, fresh.Elem(), path)
		if len(d.problems) == before {
			v.Set(fresh)
		}
	case reflect.Struct:
		d.mapping(n, path, func(key, value *yaml.Node) { d.field(key, value, v, path) })
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		d.mapping(n, path, func(key, value *yaml.Node) {
			element := reflect.New(v.Type().Elem()).Elem()
			d.value(value, element, join(path, key.Value))
			v.SetMapIndex(reflect.ValueOf(key.Value), element)
		})
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.wrong(n, path, "a list", "begin each element with a dash")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, element := range n.Content {
			d.value(element, v.Index(i), path+"["+strconv.Itoa(i)+"]")
		}
	case reflect.String:
		if n.Kind != yaml.ScalarNode || !slices.Contains(textual(), n.ShortTag()) {
			d.wrong(n, path, "text", "")
			return
		}
		v.SetString(n.Value)
	case reflect.Int:
		var number int
		if n.ShortTag() != "!!int" || n.Decode(&number) != nil {
			d.wrong(n, path, "a whole number", "write it in digits, without quotes")
			return
		}
		v.SetInt(int64(number))
	case reflect.Bool:
		var truth bool
		if n.ShortTag() != "!!bool" || n.Decode(&truth) != nil {
			d.wrong(n, path, "true or false", "write true or false, without quotes")
			return
		}
		v.SetBool(truth)
	default:
		panic("workspace: the schema has a field of kind " + v.Kind().String()) // a mistake in this package, found by any test
	}
}

// textual are the tags of scalars that stand for text when text is wanted:
// 8.10 without quotes is a number to YAML, and the release 8.10 to us.
func textual() []string {
	return []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}
}

// wrong reports a value of another type than the schema's.
func (d *decoder) wrong(n *yaml.Node, path, want, hint string) {
	var got string
	switch n.Kind {
	case yaml.MappingNode:
		got = "a mapping"
	case yaml.SequenceNode:
		got = "a list"
	default:
		got = "something else"
		if !d.secret {
			got = shorten(n.Value)
		}
	}
	if path == "" {
		d.addf(n.Line, "", hint, "the file must be a mapping of keys, not %s", got)
		return
	}
	d.addf(n.Line, path, hint, "must be %s, not %s", want, got)
}

// shorten quotes a value for a message.
func shorten(value string) string {
	const most = 60
	if runes := []rune(value); len(runes) > most {
		value = string(runes[:most]) + "…"
	}
	return strconv.Quote(value)
}

// mapping calls each for every pair of the mapping, once per key.
func (d *decoder) mapping(n *yaml.Node, path string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, path, "a mapping", "indent its keys below it")
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.addf(key.Line, path, "", "a key must be a word")
			continue
		case first[key.Value] != 0:
			field := join(path, key.Value)
			if d.secret {
				field = path
			}
			d.addf(key.Line, field, "keep one of them", "the key is there twice, first on line %d", first[key.Value])
			continue
		}
		first[key.Value] = key.Line
		each(key, value)
	}
}

// field decodes the value of one key into the field of v that the key names.
func (d *decoder) field(key, value *yaml.Node, v reflect.Value, path string) {
	names := keys(v.Type())
	if i := slices.Index(names, key.Value); i >= 0 {
		d.value(value, v.Field(i), join(path, key.Value))
		return
	}
	near := Nearest(key.Value, names)
	where := "of the file"
	if path != "" {
		where = "of " + path
	}
	hint := fmt.Sprintf("the keys %s are %s", where, strings.Join(names, ", "))
	if near != "" {
		hint = "did you mean " + near + "?"
		d.misspelt = append(d.misspelt, join(path, near))
	}
	switch {
	case key.Value == "<<":
		d.addf(key.Line, path, "write the keys out", "merge keys (<<) are not supported")
	case d.secret && near == "": // someone may have pasted a password where a key belongs
		d.addf(key.Line, path, hint, "unknown key")
	case d.secret:
		d.addf(key.Line, path, hint, "unknown key, much like %s", near)
	default:
		d.addf(key.Line, join(path, key.Value), hint, "unknown key %s", shorten(key.Value))
	}
}

// keys are the names of the struct's fields in YAML, by index.
func keys(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
	}
	return names
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Nearest is the known name that a person most likely meant, or "" if none is
// near enough to be worth suggesting: a third of its letters may be wrong.
func Nearest(name string, known []string) string {
	fold := strings.NewReplacer("-", "", "_", "", ".", "", " ", "")
	name = fold.Replace(strings.ToLower(name))
	best, least := "", len(name)
	for _, candidate := range known {
		plain := fold.Replace(strings.ToLower(candidate))
		if d := distance(name, plain); d < least && d <= max(1, len(plain)/3) {
			best, least = candidate, d
		}
	}
	return best
}

// distance is the number of letters to insert, remove, replace, or swap with
// the next one between a and b (Levenshtein's, with Damerau's swap), by bytes,
// which is all that names in ASCII need.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
