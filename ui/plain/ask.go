package plain

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// ErrInputEnded says that the input ended before a question was answered. That
// is never an answer.
var ErrInputEnded = errors.New("the input ended before the question was answered")

// errBack says that the person wants to go back to the question before.
var errBack = errors.New("back")

// Asker puts questions, a line each, and reads the answers, a line each. Its
// rules:
//
//   - options have numbers; the default is in square brackets, what no answer
//     means in round ones; an empty line takes it
//   - ? tells more, < goes back to the question before, - takes an answer back
//   - what is wrong with an answer is told before the question is put again
//   - a secret is not shown while it is typed at a terminal, and is never told
//     again; from a pipe it is a line like others
//   - the end of the input is an error
type Asker struct {
	// In is read by nobody else: what one question leaves is the next one's.
	In *bufio.Reader
	// Out is where the questions go.
	Out io.Writer
	// Secret shows a prompt and reads one line that is not shown. Nil where
	// nothing is shown anyway, because nobody types.
	Secret func(prompt string) (string, error)
	// Echo writes each answer, unless it is secret, behind its question, where no
	// terminal does.
	Echo bool
	// Style is that of Out.
	Style Style
}

// sayf writes a line. Where it cannot be written there is nobody to be asked,
// which the next question will notice.
func (a Asker) sayf(format string, args ...any) {
	for text := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		indent := len(text) - len(strings.TrimLeft(text, " "))
		_, _ = io.WriteString(a.Out, text[:indent]+a.Style.wrap(text[indent:], indent)+"\n")
	}
}

// line puts a prompt and reads the answer, without the spaces around it.
func (a Asker) line(prompt string) (string, error) {
	if _, err := io.WriteString(a.Out, prompt); err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	text, err := a.read()
	if err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	if a.Echo {
		a.sayf("%s", text)
	}
	return text, nil
}

// secret puts a prompt and reads an answer that is not shown, as it is.
func (a Asker) secret(prompt string) (string, error) {
	if a.Secret != nil {
		text, err := a.Secret(prompt)
		if errors.Is(err, io.EOF) {
			return "", ErrInputEnded
		}
		return text, err
	}
	if _, err := io.WriteString(a.Out, prompt); err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	text, err := a.read()
	if err == nil && a.Echo {
		a.sayf("")
	}
	return text, err
}

// read is one line without its end. A last line that the input breaks off in is
// no answer: there is no telling whether it is whole.
func (a Asker) read() (string, error) {
	text, err := a.In.ReadString('\n')
	if errors.Is(err, io.EOF) {
		if a.Echo {
			a.sayf("")
		}
		return "", ErrInputEnded
	}
	if err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), nil
}

// yes puts a question with yes or no. An empty line takes the default, if there
// is one; some questions must be answered with a word.
func (a Asker) yes(prompt, byDefault string) (bool, error) {
	prompt += " (yes/no)"
	if byDefault != "" {
		prompt += " [" + byDefault + "]"
	}
	for {
		text, err := a.line(prompt + ": ")
		if err != nil {
			return false, err
		}
		if text == "" {
			text = byDefault
		}
		switch strings.ToLower(text) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		case "<":
			return false, errBack
		}
		a.sayf("Write yes or no.")
	}
}

// choose puts numbered options and returns the place of the one that was
// chosen, by its number. byDefault is the place that an empty line takes; -1
// for none.
func (a Asker) choose(prompt string, options []string, byDefault int) (int, error) {
	a.list(options)
	end := ": "
	if byDefault >= 0 {
		end = fmt.Sprintf(" [%d]: ", byDefault+1)
	}
	for {
		text, err := a.line(prompt + end)
		if err != nil {
			return 0, err
		}
		if text == "" && byDefault >= 0 {
			return byDefault, nil
		}
		if text == "<" {
			return 0, errBack
		}
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(options) {
			return n - 1, nil
		}
		a.sayf("Write a number from 1 to %d.", len(options))
	}
}

func (a Asker) list(options []string) {
	width := len(strconv.Itoa(len(options)))
	for n, o := range options {
		a.sayf("  %*d  %s", width, n+1, o)
	}
}

// problems tells what is wrong with an answer.
func (a Asker) problems(found workspace.Problems) {
	for _, p := range found {
		word := "not right"
		if p.Severity == workspace.Warning {
			word = "note"
		}
		a.sayf("  %s: %s", word, p.Text)
		if p.Hint != "" {
			a.sayf("    %s", p.Hint)
		}
	}
}
