package script

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const text = `# a comment
size 120x40
background light
env A=b=c
timeout 1m30s
changing ` + "`[0-9]+ s`" + `

show "$ rcwizard check"   # what follows is no word
run rcwizard check -f ${FILE} --name "two words"
wait "Carry this out?" [y/n]
type "a \"quoted\"\tword"
key enter shift+tab ctrl+c ?
resize 60x16
	snapshot check-failed "One port is closed"
exit 3
`
	got, err := Parse("x.script", text, map[string]string{"FILE": "/a b/${X}.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Instruction{
		{Line: 2, Verb: Size, Args: []string{"120x40"}, Width: 120, Height: 40},
		{Line: 3, Verb: Background, Args: []string{"light"}},
		{Line: 4, Verb: Env, Args: []string{"A=b=c"}},
		{Line: 5, Verb: Timeout, Args: []string{"1m30s"}, Timeout: 90 * time.Second},
		{Line: 6, Verb: Changing, Args: []string{"[0-9]+ s"}, Changing: regexp.MustCompile("[0-9]+ s")},
		{Line: 8, Verb: Show, Args: []string{"$ rcwizard check"}},
		{Line: 9, Verb: Run, Args: []string{"rcwizard", "check", "-f", "/a b/${X}.yaml", "--name", "two words"}},
		{Line: 10, Verb: Wait, Args: []string{"Carry this out?", "[y/n]"}},
		{Line: 11, Verb: Type, Args: []string{"a \"quoted\"\tword"}},
		{Line: 12, Verb: Key, Args: []string{"enter", "shift+tab", "ctrl+c", "?"}},
		{Line: 13, Verb: Resize, Args: []string{"60x16"}, Width: 60, Height: 16},
		{Line: 14, Verb: Snapshot, Args: []string{"check-failed", "One port is closed"}},
		{Line: 15, Verb: Exit, Args: []string{"3"}, Code: 3},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *regexp.Regexp) bool {
		return (a == nil) == (b == nil) && (a == nil || a.String() == b.String())
	})); diff != "" {
		t.Error(diff)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"frob":                  `no such instruction: "frob"`,
		"size 80":               "a size is COLUMNSxROWS",
		"size 0x24":             "a size is COLUMNSxROWS",
		"resize 80x501":         "a size is COLUMNSxROWS",
		"background grey":       "dark or light",
		"env A":                 "NAME=VALUE",
		"timeout soon":          "invalid duration",
		"timeout 0s":            "more than zero",
		"changing (":            "missing closing )",
		"type two words":        "quote what belongs together",
		"wait":                  "wants more words",
		"snapshot a/b title":    "small letters",
		"snapshot name":         "wants more words",
		"exit 256":              "from 0 to 255",
		"exit no":               "from 0 to 255",
		"key enter hyper+x":     `no such key: "hyper+x"`,
		`type "no end`:          "has no end",
		`type "a"b`:             "a space is missing",
		"type ${UNKNOWN}":       "-define UNKNOWN=VALUE",
		"type ${UNKNOWN":        "without }",
		"run rcwizard ${A}${B}": "-define B=VALUE",
	} {
		_, err := Parse("x.script", "\n"+line+"\n", map[string]string{"A": "a"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x.script:2: ") {
			t.Errorf("%s: error %v, want one with %q", line, err, want)
		}
	}
}

func TestSequence(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"a": "a", "Q": "Q", "é": "é", "+": "+", "enter": "\r", "esc": "\x1b", "shift+tab": "\x1b[Z",
		"ctrl+c": "\x03", "ctrl+_": "\x1f", "ctrl+space": "\x00", "alt+x": "\x1bx", "alt+enter": "\x1b\r",
		"up": "\x1b[A", "shift+up": "\x1b[1;2A", "ctrl+shift+end": "\x1b[1;6F", "pgdown": "\x1b[6~",
		"alt+delete": "\x1b[3;3~", "f1": "\x1bOP", "ctrl+f1": "\x1b[1;5P", "f12": "\x1b[24~",
	} {
		if got, err := Sequence(key); err != nil || got != want {
			t.Errorf("%s sends %q, %v; want %q", key, got, err, want)
		}
	}
	for _, key := range []string{"", "return", "shift+a", "ctrl+1", "ctrl+enter", "f13", "shift+", "\x01", "ctrl+ctrl+c", "\xff"} {
		if got, err := Sequence(key); err == nil {
			t.Errorf("%q is no key, and sends %q", key, got)
		}
	}
}

// What is parsed can be written as a script of quoted words, and is the same
// when it is read again.
func FuzzParse(f *testing.F) {
	f.Add("size 80x24\nrun rcwizard --help\nwait \"a b\" `c`\nsnapshot a b # c\nexit 0\n")
	f.Add("key ctrl+c\r\n\ttype \"\\u00e9\\xff\"\nchanging \"(?i)x\"")
	f.Fuzz(func(t *testing.T, text string) {
		first, err := Parse("f", text, nil)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, in := range first {
			again.WriteString(string(in.Verb))
			for _, arg := range in.Args {
				again.WriteString(" " + strconv.Quote(arg))
			}
			again.WriteString("\n")
		}
		if strings.Contains(again.String(), "${") {
			return // a value may not be looked at again
		}
		second, err := Parse("f", again.String(), nil)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, again.String())
		}
		if diff := cmp.Diff(words(first), words(second)); diff != "" {
			t.Errorf("%q read again:\n%s", text, diff)
		}
	})
}

func words(script []Instruction) [][]string {
	out := make([][]string, 0, len(script))
	for _, in := range script {
		out = append(out, append([]string{string(in.Verb)}, in.Args...))
	}
	return out
}
