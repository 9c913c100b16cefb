package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// UnknownSkipError is a word given to --skip that names no check.
type UnknownSkipError struct {
	Word string
	// Near is the id, or the beginning of ids, that is most like it; empty if none
	// is.
	Near string
}

func (e *UnknownSkipError) Error() string {
	if e.Near == "" {
		return fmt.Sprintf("--skip %s names no check; rcwizard check shows the id of each, below what it says of it", e.Word)
	}
	return fmt.Sprintf("--skip %s names no check; did you mean %s?", e.Word, e.Near)
}

// KnownSkips reports the first word that can name no check of the workspace,
// as an *UnknownSkipError. Which images a host needs, and which members an
// external database has, is only known when it was looked at: of such ids the
// beginning alone is judged, and Report.UnknownSkips has the rest.
func KnownSkips(w workspace.Workspace, words []string) error {
	ids := Judge(w, Evidence{}, nil).ids()
	for _, word := range words {
		open := slices.ContainsFunc(w.Hosts, func(h workspace.Host) bool {
			return strings.HasPrefix(word, "image:"+h.Name+":") || !w.RunsMongoDB() && strings.HasPrefix(word, "port:"+h.Name+":")
		})
		if !open && !slices.ContainsFunc(ids, func(id string) bool { return Matches([]string{word}, id) }) {
			return &UnknownSkipError{Word: word, Near: nearest(word, ids)}
		}
	}
	return nil
}

// UnknownSkip is the first word that named no finding, as an *UnknownSkipError,
// or nil.
func (r Report) UnknownSkip() error {
	if len(r.UnknownSkips) == 0 {
		return nil
	}
	return &UnknownSkipError{Word: r.UnknownSkips[0], Near: nearest(r.UnknownSkips[0], r.ids())}
}

func (r Report) ids() []string {
	ids := make([]string, 0, len(r.Findings))
	for _, f := range r.Findings {
		ids = append(ids, f.ID)
	}
	return ids
}

// nearest is the id, or the whole first segments of one, that takes the fewest
// letters to be made of the word; none if it would take more than a third of
// them.
func nearest(word string, ids []string) string {
	best, least := "", len(word)/3+1
	for _, id := range ids {
		for end := range len(id) + 1 {
			if end < len(id) && id[end] != ':' {
				continue
			}
			if n := distance(word, id[:end]); n < least {
				best, least = id[:end], n
			}
		}
	}
	return best
}

// distance is how many letters must be put in, taken out or replaced to make one
// text of the other (Levenshtein's).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}
