package release

import (
	"slices"
	"time"
)

// The sources that the catalogue cites.
const (
	sourceLifecycle = "GitHub discussion RocketChat/Rocket.Chat 42302 and the release lifecycle page of docs.rocket.chat"
	sourceInfo      = "compatibleMongoVersions of releases.rocket.chat/<release>/info"
	sourceNotes     = "release notes of Rocket.Chat 8.9.1 (6 November 2026)"
	sourceNine      = "release notes of Rocket.Chat 9.0.0 (10 November 2026)"
	sourceCompose   = "RocketChat/rocketchat-compose compose.yml at f693f76, whose default is 8.0.1 of January 2026"
	sourceHelm      = "RocketChat/helm-charts of August 2026, whose default is 8.6.1"
	sourcePullMongo = "pull request RocketChat/Rocket.Chat 38596 (8.2 dropped as the minimum, because it is short-lived)"
)

// MongoDB is the version of MongoDB, major and minor, on which to install the
// release, and where that is from. It is the newest that the release declares:
// 5 to 7 up to 7.12, 5 to 8 in 7.13, only 8.2 in 8.0 and 8.1, and 8.0 from 8.2
// on. known is false for releases older than 7.0 and newer than 9.x, of which
// no source says anything.
//
// It must be chosen before the first start: data written by one version is not
// simply opened by an older one.
func MongoDB(r Release) (version, source string, known bool) {
	versions, source := Compatible(r)
	if len(versions) == 0 {
		return "", "", false
	}
	return versions[len(versions)-1], source, true
}

// Compatible is every version of MongoDB that the release declares, oldest
// first, and the source; none if that is not known.
func Compatible(r Release) (versions []string, source string) {
	switch {
	case !r.atLeast(7, 0), r.atLeast(10, 0):
		return nil, ""
	case r.atLeast(9, 1):
		return []string{"8.0"}, sourceInfo + " of 9.0.0, taken for the whole of 9.x"
	case r.atLeast(8, 2):
		return []string{"8.0"}, sourceInfo + "; " + sourcePullMongo
	case r.atLeast(8, 0):
		return []string{"8.2"}, sourceInfo
	case r.atLeast(7, 13):
		return []string{"5.0", "6.0", "7.0", "8.0"}, sourceInfo
	}
	return []string{"5.0", "6.0", "7.0"}, sourceInfo
}

// Entry is what is known of one minor line.
type Entry struct {
	// Line is X.Y.
	Line string
	// LTS lines get security and critical fixes for twelve months; the others
	// are supported for six.
	LTS bool
	// EndsAfter and EndsBy are the bounds of the day on which support ends, which
	// is seldom published as a date: it is certain until the end of EndsAfter and
	// certainly over after EndsBy. Both are in UTC, and zero when not known.
	EndsAfter, EndsBy time.Time
	// MongoDB is the version to install on; see the function MongoDB.
	MongoDB string
	// Sources say where all of this is from.
	Sources []string
}

// Catalogue is every line of which the support has a source, oldest first.
// After the end of its support a workspace loses the push gateway, the
// marketplace and the connections of the apps.
func Catalogue() []Entry {
	day := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	return []Entry{
		{
			Line: "7.10", LTS: true, MongoDB: "7.0",
			EndsAfter: day(2026, time.September, 30), EndsBy: day(2026, time.September, 30),
			Sources: []string{sourceLifecycle, sourceInfo},
		},
		{ // six months after a release that was there in January 2026
			Line: "8.0", MongoDB: "8.2",
			EndsBy:  day(2026, time.July, 31),
			Sources: []string{sourceLifecycle, sourceCompose, sourceInfo},
		},
		{
			Line: "8.5", LTS: true, MongoDB: "8.0",
			EndsAfter: day(2027, time.June, 30), EndsBy: day(2027, time.June, 30),
			Sources: []string{sourceLifecycle, sourceInfo, sourcePullMongo},
		},
		{ // twelve months after 8.9.0, which came after August 2026 and before 8.9.1
			Line: "8.9", LTS: true, MongoDB: "8.0",
			EndsAfter: day(2027, time.August, 31), EndsBy: day(2027, time.November, 6),
			Sources: []string{sourceLifecycle, sourceNotes, sourceHelm, sourceInfo},
		},
		{ // six months; the published ends are ends of months
			Line: "9.0", MongoDB: "8.0",
			EndsAfter: day(2027, time.May, 9), EndsBy: day(2027, time.May, 31),
			Sources: []string{sourceLifecycle, sourceNine, sourceInfo},
		},
	}
}

// Find is the catalogue's entry for the release's line.
func Find(r Release) (Entry, bool) {
	entries := Catalogue()
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Line == r.Line() })
	if i < 0 {
		return Entry{}, false
	}
	return entries[i], true
}

// Support is whether a release is supported by its makers.
type Support int

// The answers.
const (
	SupportUnknown Support = iota
	SupportYes
	SupportNo
)

// String is "unknown", "supported" or "not supported".
func (s Support) String() string {
	switch s {
	case SupportYes:
		return "supported"
	case SupportNo:
		return "not supported"
	default:
		return "unknown"
	}
}

// Supported says whether the release is supported at the given time, by the
// catalogue, and the last day on which it can be; until is zero when no source
// gives one.
func Supported(r Release, now time.Time) (support Support, until time.Time) {
	entry, ok := Find(r)
	if !ok {
		return SupportUnknown, time.Time{}
	}
	switch {
	case !entry.EndsBy.IsZero() && !now.Before(entry.EndsBy.AddDate(0, 0, 1)):
		return SupportNo, entry.EndsBy
	case !entry.EndsAfter.IsZero() && now.Before(entry.EndsAfter.AddDate(0, 0, 1)):
		return SupportYes, entry.EndsBy
	}
	return SupportUnknown, entry.EndsBy
}

// Offered are the releases to choose from, the recommended one first: of each
// line that was supported when this was written the newest that a source names.
func Offered() []Release {
	return []Release{
		Default(),                      // sourceNotes
		{Major: 9},                     // sourceNine
		{Major: 8, Minor: 5, Patch: 1}, // answered by a server's /api/info
	}
}
