package check

import (
	_ "embed"
	"strings"
	"sync"
)

// textsFile holds the words of every outcome, to be read aloud to somebody who
// knows Linux but not rcwizard. Its first lines say how it is written.
//
//go:embed texts.txt
var textsFile string

// text is what is said of one kind of outcome.
type text struct{ title, tried, got, means, do string }

// texts are all texts by their kind.
var texts = sync.OnceValue(func() map[Kind]text { return parseTexts(textsFile) }) //nolint:gochecknoglobals // read once, never changed

// parseTexts reads texts.txt. What it does not understand is left out, which a
// test finds.
func parseTexts(file string) map[Kind]text {
	all := map[Kind]text{}
	var kind Kind
	var t text
	var field *string
	for line := range strings.Lines(file) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "["); ok {
			if kind != "" {
				all[kind] = t
			}
			kind, t, field = Kind(strings.TrimSuffix(name, "]")), text{}, nil
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "title":
			field = &t.title
		case "tried":
			field = &t.tried
		case "got":
			field = &t.got
		case "means":
			field = &t.means
		case "do":
			field = &t.do
		case "": // the line goes on
		default:
			field = nil
		}
		if rest = strings.TrimSpace(rest); field != nil && rest != "" {
			if *field != "" {
				*field += " "
			}
			*field += rest
		}
	}
	if kind != "" {
		all[kind] = t
	}
	return all
}
