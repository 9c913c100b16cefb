package script

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Verb is what an instruction does; the package's comment tells of each.
type Verb string

// The verbs.
const (
	Size       Verb = "size"
	Background Verb = "background"
	Env        Verb = "env"
	Timeout    Verb = "timeout"
	Changing   Verb = "changing"
	Show       Verb = "show"
	Run        Verb = "run"
	Do         Verb = "do"
	Wait       Verb = "wait"
	Gone       Verb = "gone"
	Type       Verb = "type"
	Key        Verb = "key"
	Paste      Verb = "paste"
	Resize     Verb = "resize"
	Snapshot   Verb = "snapshot"
	Exit       Verb = "exit"
)

// Sizes that a terminal may have, in cells.
const (
	minCells = 1
	maxCells = 500
)

// Instruction is one line of a script. Which of the values are set depends on
// the verb.
type Instruction struct {
	Line int // from 1
	Verb Verb
	// Args are the words after the verb. There are as many as the verb wants.
	Args []string

	Width, Height int            // of Size and Resize, in cells, 1 to 500
	Timeout       time.Duration  // of Timeout, more than 0
	Changing      *regexp.Regexp // of Changing
	Code          int            // of Exit, 0 to 255
}

// arity is how many words a verb wants.
type arity struct{ least, most int }

const many = 1 << 20

func arities() map[Verb]arity {
	return map[Verb]arity{
		Size: {1, 1}, Background: {1, 1}, Env: {1, 1}, Timeout: {1, 1}, Changing: {1, 1}, Show: {1, 1}, Run: {1, many},
		Do: {1, many}, Wait: {1, many}, Gone: {1, many}, Type: {1, 1}, Key: {1, many}, Paste: {1, 1}, Resize: {1, 1},
		Snapshot: {2, 2}, Exit: {1, 1},
	}
}

// Parse reads a script. name is for errors, which tell of every line that is
// wrong; defined are the values of ${NAME}.
func Parse(name, text string, defined map[string]string) ([]Instruction, error) {
	var out []Instruction
	var errs []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		words, err := split(strings.TrimSpace(line), defined)
		if err == nil && len(words) > 0 {
			var in Instruction
			if in, err = instruction(words); err == nil {
				in.Line = number
				out = append(out, in)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, number, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// instruction makes one of a line's words, of which there is one at least.
func instruction(words []string) (Instruction, error) {
	in := Instruction{Verb: Verb(words[0]), Args: words[1:]}
	want, known := arities()[in.Verb]
	switch n := len(in.Args); {
	case !known:
		return in, fmt.Errorf("no such instruction: %q", words[0])
	case n < want.least:
		return in, fmt.Errorf("%s wants more words: it has %d, and needs %d", in.Verb, n, want.least)
	case n > want.most:
		return in, fmt.Errorf("%s has %d words and wants %d: quote what belongs together", in.Verb, n, want.most)
	}
	var err error
	switch in.Verb {
	case Size, Resize:
		in.Width, in.Height, err = size(in.Args[0])
	case Background:
		if !slices.Contains([]string{"dark", "light"}, in.Args[0]) {
			err = fmt.Errorf("a background is dark or light, not %q", in.Args[0])
		}
	case Env:
		if name, _, found := strings.Cut(in.Args[0], "="); !found || name == "" {
			err = fmt.Errorf("env wants NAME=VALUE, not %q", in.Args[0])
		}
	case Timeout:
		if in.Timeout, err = time.ParseDuration(in.Args[0]); err == nil && in.Timeout <= 0 {
			err = fmt.Errorf("a timeout is more than zero, not %s", in.Timeout)
		}
	case Changing:
		in.Changing, err = regexp.Compile(in.Args[0])
	case Key:
		for _, key := range in.Args {
			if _, keyErr := Sequence(key); keyErr != nil {
				err = keyErr
			}
		}
	case Snapshot:
		if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`).MatchString(in.Args[0]) {
			err = fmt.Errorf("a picture's name is of small letters, digits and hyphens, not %q", in.Args[0])
		}
	case Exit:
		if in.Code, err = strconv.Atoi(in.Args[0]); err != nil || in.Code < 0 || in.Code > 255 {
			err = fmt.Errorf("an exit code is a number from 0 to 255, not %q", in.Args[0])
		}
	default: // the words are the text
	}
	return in, err
}

// size reads 80x24.
func size(word string) (width, height int, err error) {
	w, h, found := strings.Cut(word, "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if !found || errW != nil || errH != nil || min(width, height) < minCells || max(width, height) > maxCells {
		return 0, 0, fmt.Errorf("a size is COLUMNSxROWS, each from %d to %d, not %q", minCells, maxCells, word)
	}
	return width, height, nil
}

// split divides a line, without spaces around it, into words. A comment has none.
func split(line string, defined map[string]string) ([]string, error) {
	var words []string
	for line != "" {
		if strings.HasPrefix(line, "#") {
			return words, nil
		}
		var word string
		if line[0] == '"' || line[0] == '`' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("a quoted word has no end, or an escape that Go does not have: %s", line)
			}
			if word, err = strconv.Unquote(quoted); err != nil {
				return nil, fmt.Errorf("read the word %s: %w", quoted, err)
			}
			line = line[len(quoted):]
			if line != "" && line[0] != ' ' && line[0] != '\t' {
				return nil, fmt.Errorf("a space is missing after %s", quoted)
			}
		} else {
			end := strings.IndexAny(line, " \t")
			if end < 0 {
				end = len(line)
			}
			word, line = line[:end], line[end:]
		}
		word, err := expand(word, defined)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		line = strings.TrimLeft(line, " \t")
	}
	return words, nil
}

// expand replaces each ${NAME}. A value is taken as it is.
func expand(word string, defined map[string]string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(word, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("${ without } in %q", word)
		}
		value, known := defined[name]
		if !known {
			return "", fmt.Errorf("${%s} has no value: give -define %s=VALUE", name, name)
		}
		out.WriteString(value)
		word = after
	}
}
