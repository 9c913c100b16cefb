// Package release is what is known of Rocket.Chat's releases: which MongoDB
// each one wants, which lines are LTS, until when a line is supported, and
// which steps an upgrade may take.
//
// Every entry of the catalogue names its source. What no source says is
// reported as unknown, never guessed. Refresh asks releases.rocket.chat for
// newer knowledge; it is the only function that uses a network, and rcwizard
// works without it.
package release

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// Release is one stable release, X.Y.Z.
type Release struct {
	Major, Minor, Patch int
}

// form has at most four digits for each number, which no release comes near and
// every int holds.
var form = regexp.MustCompile(`^(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})$`)

// ErrForm says that a text is not X.Y.Z.
var ErrForm = errors.New("a release is three numbers with dots, such as 8.9.1")

// Parse reads X.Y.Z. Release candidates, a leading v, and names that move such
// as "latest" are refused with ErrForm: the same workspace.yaml must mean the
// same release tomorrow.
func Parse(text string) (Release, error) {
	m := form.FindStringSubmatch(text)
	if m == nil {
		return Release{}, fmt.Errorf("%q: %w", text, ErrForm)
	}
	return Release{Major: number(m[1]), Minor: number(m[2]), Patch: number(m[3])}, nil
}

// number reads the digits that a pattern has matched.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0 // cannot be: at most four digits
	}
	return n
}

// String is X.Y.Z.
func (r Release) String() string { return fmt.Sprintf("%d.%d.%d", r.Major, r.Minor, r.Patch) }

// Line is the minor line of the release, X.Y, which is what Rocket.Chat
// supports as a whole.
func (r Release) Line() string { return fmt.Sprintf("%d.%d", r.Major, r.Minor) }

// Compare is negative if r is older than other, zero if they are the same, and
// positive if r is newer.
func (r Release) Compare(other Release) int {
	return cmp.Or(cmp.Compare(r.Major, other.Major), cmp.Compare(r.Minor, other.Minor), cmp.Compare(r.Patch, other.Patch))
}

// atLeast reports whether the release is of the line major.minor or a later one.
func (r Release) atLeast(major, minor int) bool {
	return r.Compare(Release{Major: major, Minor: minor}) >= 0
}

// Default is the release for a workspace that names none: the newest of the
// newest LTS line, which also has the two fixes for several instances that
// start on an empty database (#43469, #43477).
func Default() Release { return Release{Major: 8, Minor: 9, Patch: 1} }

// The reasons why a release may not follow another.
var (
	// ErrDowngrade: Rocket.Chat's migrations go forward only, and it refuses to
	// start on a database newer than itself ("Can't find migration version").
	ErrDowngrade = errors.New("a database cannot go back to an older release")
	// ErrSkipsMajor: docs.rocket.chat says to go to the latest minor of each
	// major in turn, and 8.x refuses a database older than 7.x ("UPGRADE NOT
	// SUPPORTED").
	ErrSkipsMajor = errors.New("an upgrade must not skip a major version")
)

// Upgrade says whether a workspace that runs one release may be taken to
// another: nil, ErrDowngrade or ErrSkipsMajor, wrapped with both releases. A
// lower patch is a downgrade too. That from should be the latest minor of its
// major before the next one is entered is for the caller to say; which one is
// the latest is not known here.
func Upgrade(from, to Release) error {
	switch {
	case to.Compare(from) < 0:
		return fmt.Errorf("from %s to %s: %w", from, to, ErrDowngrade)
	case to.Major > from.Major+1:
		return fmt.Errorf("from %s to %s: %w; go to the latest %d.x first", from, to, ErrSkipsMajor, from.Major+1)
	}
	return nil
}
