package plain

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// questions puts those that list returns, which depend on the answers so far,
// one after the other. The error is errBack if the person goes back from the
// first.
func (a Asker) questions(list func() []question.Question, into *question.Answers) error {
	var asked []string
	for {
		all := list()
		n := slices.IndexFunc(all, func(q question.Question) bool { return !slices.Contains(asked, q.Key) })
		if n < 0 {
			return nil
		}
		err := a.question(all[n], into)
		switch {
		case errors.Is(err, errBack) && len(asked) == 0:
			return errBack
		case errors.Is(err, errBack):
			asked = asked[:len(asked)-1]
		case err != nil:
			return err
		default:
			asked = append(asked, all[n].Key)
		}
	}
}

// question puts one question until its answer is right, and writes it down.
func (a Asker) question(q question.Question, into *question.Answers) error {
	options := q.Options(*into)
	switch q.Kind {
	case question.Addresses: // the first question of all
		a.sayf("%s", q.Help)
	case question.Choice:
		a.sayf("%s", heading(q))
		titles := make([]string, len(options))
		for n, o := range options {
			titles[n] = optionLine(o)
		}
		a.list(titles)
	default:
	}
	for {
		answer, err := a.answer(q, *into, options)
		if err != nil {
			return err
		}
		if answer == "?" {
			a.help(q)
			continue
		}
		value := answer
		switch {
		case answer == "<":
			return errBack
		case answer == "-":
			value = ""
		case answer == "":
			value = q.Value(*into)
			if q.Kind == question.Secret {
				value = q.Get(*into)
			}
		case q.Kind == question.Choice:
			if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(options) {
				value = options[n-1].Value
			}
		}
		found := q.Check(*into, value)
		if errs := found.Errors(); len(errs) > 0 {
			a.problems(errs)
			continue
		}
		a.problems(found)
		return q.Set(into, value) //nolint:wrapcheck // Check has tried it
	}
}

// optionLine is an option with what it means.
func optionLine(o question.Option) string {
	line := o.Title
	if o.Value != o.Title {
		line += " (" + o.Value + ")"
	}
	if o.Help != "" {
		line += ": " + o.Help
	}
	return line
}

func (a Asker) answer(q question.Question, so question.Answers, options []question.Option) (string, error) {
	if q.Kind == question.Secret {
		return a.secretAnswer(q, so)
	}
	prompt := heading(q)
	switch q.Kind {
	case question.Toggle:
		prompt += " (yes/no)"
	case question.Choice:
		prompt = "Number"
		if q.Free {
			prompt = "Number, or another"
		}
	default:
	}
	return a.line(prompt + byDefault(q, so, options) + ": ")
}

// byDefault is what an empty line means, in brackets.
func byDefault(q question.Question, so question.Answers, options []question.Option) string {
	value := q.Value(so)
	if len(q.Check(so, value).Errors()) > 0 {
		value = "" // nobody is to be led to what is refused
	}
	if n := slices.IndexFunc(options, func(o question.Option) bool { return o.Value == value }); n >= 0 {
		value = strconv.Itoa(n + 1)
	}
	switch {
	case value != "":
		return " [" + value + "]"
	case q.Blank != "":
		return " (" + q.Blank + ")"
	}
	return ""
}

// secretAnswer reads a secret of one line, or of several up to an empty one.
func (a Asker) secretAnswer(q question.Question, so question.Answers) (string, error) {
	prompt := heading(q)
	switch {
	case q.Get(so) != "":
		prompt += " [as it is kept]"
	case q.Blank != "":
		prompt += " (" + q.Blank + ")"
	}
	if !q.Lines {
		return a.secret(prompt + ": ")
	}
	prompt += ", line by line, then an empty line: "
	var lines []string
	for {
		text, err := a.secret(prompt)
		if err != nil {
			return "", err
		}
		short := len(lines) == 0 && (text == "?" || text == "<" || text == "-")
		if text == "" || short {
			return strings.Join(append(lines, text), ""), nil
		}
		lines = append(lines, text+"\n")
		prompt = ""
	}
}

// heading is the question's title, after the name of the server or the instance
// that it is about.
func heading(q question.Question) string {
	if about := q.About(); about != "" {
		return about + ": " + q.Title
	}
	return q.Title
}

func (a Asker) help(q question.Question) {
	a.sayf("  %s", q.Help)
	more := "An empty line takes what is in brackets; < goes back; - takes an answer back."
	if q.Kind == question.Secret {
		more = "What you type is not shown. " + more
	}
	a.sayf("  %s", more)
	a.sayf("  In the files it is %s.", q.Key)
}

// overview is a question with its answer, for a list to choose from.
func overview(q question.Question, so question.Answers) string {
	value := q.Value(so)
	switch {
	case q.Kind == question.Secret && q.Get(so) != "":
		value = "kept"
	case value == "" && q.Blank != "":
		value = q.Blank
	case value == "":
		value = "-"
	}
	return heading(q) + ": " + value
}

// wrong tells what forbids going on, each with the question that mends it.
func (a Asker) wrong(found []question.Problem) {
	for _, p := range found {
		a.sayf("  %s: %s: %s", p.Page.Title(), p.Title, p.Text)
		if p.Hint != "" {
			a.sayf("    %s", p.Hint)
		}
	}
}

// errorsOf are the problems that forbid going on.
func errorsOf(found []question.Problem) []question.Problem {
	return slices.DeleteFunc(found, func(p question.Problem) bool { return p.Severity == workspace.Warning })
}
