package remote

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxScript bounds a script with its arguments and environment. Data belongs
// on stdin, which has no limit.
const maxScript = 1 << 20

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Quote makes one word of a POSIX shell out of any text without NUL.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// source is the script as the runner evaluates it: environment and arguments
// first, in a fixed order so that recordings compare.
func (c Command) source() (string, error) {
	var b strings.Builder
	b.WriteString("unset e q r\n")
	names := make([]string, 0, len(c.Env))
	for name := range c.Env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !envName.MatchString(name) {
			return "", fmt.Errorf("the name %q cannot be an environment variable", name)
		}
		b.WriteString("export " + name + "=" + Quote(c.Env[name]) + "\n")
	}
	b.WriteString("set -eu\nset --")
	for _, arg := range c.Args {
		b.WriteString(" " + Quote(arg))
	}
	b.WriteString("\n" + c.Script + "\n#rcwz-whole")
	s := b.String()
	if strings.ContainsRune(s, 0) {
		return "", errors.New("a script, its arguments and its environment cannot contain NUL bytes")
	}
	if len(s) > maxScript {
		return "", fmt.Errorf("the script has %d bytes, more than %d: data belongs on stdin", len(s), maxScript)
	}
	return s, nil
}
