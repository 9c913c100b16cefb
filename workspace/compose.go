package workspace

import (
	"regexp"
	"strings"
)

// Compose says whose compose files are deployed: rcwizard's own, or Rocket.Chat's
// official ones of one commit with an override each.
type Compose string

// The kinds of compose files. A third is ComposeOfficial with "@" and a commit.
const (
	// ComposeBundled are the files that are in the program.
	ComposeBundled Compose = "bundled"
	// ComposeOfficial are Rocket.Chat's own, byte for byte, at the commit whose
	// sums rcwizard knows.
	ComposeOfficial Compose = "official"
)

// composeAt begins a kind that names its commit.
const composeAt = string(ComposeOfficial) + "@"

// Official reports whether the files are Rocket.Chat's own.
func (c Compose) Official() bool {
	return c == ComposeOfficial || strings.HasPrefix(string(c), composeAt)
}

// Commit is the commit that official@COMMIT names; empty for every other kind.
func (c Compose) Commit() string {
	commit, named := strings.CutPrefix(string(c), composeAt)
	if !named {
		return ""
	}
	return commit
}

// commitForm is a whole commit: a part of one may come to mean another, and a
// branch or a tag moves.
var commitForm = regexp.MustCompile(`^[0-9a-f]{40}$`)

func (c *checker) compose() {
	const field = "compose"
	kind := c.w.Compose
	switch {
	case kind == ComposeBundled, kind == ComposeOfficial:
	case strings.HasPrefix(string(kind), composeAt) && commitForm.MatchString(kind.Commit()):
		c.warnf(field, "write official alone, unless you have read the files of that commit", "%s names a commit: rcwizard knows the sums of the one that official alone means, and made its overrides for that one; of another, which may be anybody's fork, it can only see that the files stay as they were fetched first", kind)
	case strings.HasPrefix(string(kind), composeAt):
		c.failf(field, "write all 40 characters of the commit, in small letters; a branch or a tag moves", "%s is no commit", shorten(kind.Commit()))
	default:
		kinds := []string{string(ComposeBundled), string(ComposeOfficial)}
		c.failf(field, didYouMean(string(kind), kinds), "%s is no kind of compose files", shorten(string(kind)))
	}
}
