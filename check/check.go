// Package check judges what was seen of the hosts, the network between them,
// the domain, the release and the images before anything is deployed: evidence
// in, findings out. One table of edges (Edges) feeds the port matrix, the
// exposure check and the firewall lines.
//
// It promises that nothing passes without evidence: whatever was not looked at,
// or could not be seen, is unknown, and unknown is never a pass. Every expected
// check has a finding, and an id that stays the same from run to run. Every
// finding says what was tried, what came back, what it means and what to do.
//
// It is pure: it opens no connection, reads no clock and changes nothing. How
// evidence is collected is in steps; the firewall lines are text, which this
// package never runs.
package check

import (
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// Verdict is the one word for a finding or for the whole.
type Verdict string

// The verdicts, from good to bad. Unknown ranks above a warning: what could not
// be seen may hide a failure.
const (
	Pass    Verdict = "pass"
	Warn    Verdict = "warn"
	Unknown Verdict = "unknown"
	Fail    Verdict = "fail"
)

func (v Verdict) rank() int {
	switch v {
	case Pass:
		return 0
	case Warn:
		return 1
	case Unknown:
		return 2
	case Fail:
		return 3
	}
	return 3
}

// Blocks reports whether an installation without a person must stop.
func (v Verdict) Blocks() bool { return v.rank() >= Unknown.rank() }

// Answer is a question with a third answer; the zero value says that nobody
// knows.
type Answer string

// The answers.
const (
	NotKnown Answer = ""
	Yes      Answer = "yes"
	No       Answer = "no"
)

// Finding is the outcome of one check. The JSON names are stable.
type Finding struct {
	// ID names the check, not its outcome, in segments with colons between them:
	// port:rc1:db:27017, host:db:clock. It is what --skip takes.
	ID string `json:"id"`
	// Kind names the outcome: port-filtered.
	Kind    Kind    `json:"kind"`
	Verdict Verdict `json:"verdict"`
	// Host is the host that it is about, and on which Commands are for; empty for
	// what belongs to none.
	Host string `json:"host,omitempty"`
	// From is the host that tried; World for whoever is outside.
	From string `json:"from,omitempty"`
	Port int    `json:"port,omitempty"`

	Title string `json:"title"`
	Tried string `json:"tried"`
	Got   string `json:"got"`
	Means string `json:"means"`
	// Do is what to do next; empty if there is nothing to do.
	Do string `json:"do,omitempty"`
	// Commands are lines to type on Host as root, in their order.
	Commands []string `json:"commands,omitempty"`

	// Because is the id of the finding that this one follows from: a port cannot
	// be tried from a host that does not answer. Its cure is the other's.
	Because string `json:"because,omitempty"`
	// Skipped says that the person chose not to heed it (--skip). It stays in the
	// report, and does not count.
	Skipped bool `json:"skipped,omitempty"`
}

// Kind is the name of an outcome, which is also the key of its text.
type Kind string

// Evidence is everything that collectors saw. The zero value is no evidence.
type Evidence struct {
	// At is when; in the report, and for the end of support.
	At time.Time
	// Hosts by their names in the workspace.
	Hosts map[string]Host
	// Listeners says how listening went, by place (Places).
	Listeners map[Place]Listener
	// Probes say how connecting went, by edge (Edges, ExternalEdges).
	Probes map[Path]Probe
	// External are the members of an external database, as host:port.
	External []string
	// Outside is what can be reached by who must not.
	Outside Outside
	// Names are the domain and Grafana's, if it has one.
	Names   map[string]Name
	Release Release
	// Images by host: all that its roles need.
	Images map[string][]Image
}

// Report is everything judged. The JSON names are stable; Schema grows when a
// meaning changes.
type Report struct {
	Schema    int       `json:"schema"`
	Workspace string    `json:"workspace"`
	Domain    string    `json:"domain"`
	Release   string    `json:"release"`
	At        time.Time `json:"at"`
	Verdict   Verdict   `json:"verdict"`
	Counts    Counts    `json:"counts"`
	// Hosts are the names of all hosts, in the order of the file.
	Hosts  []string `json:"hosts"`
	Matrix Matrix   `json:"matrix"`
	// Findings are in the order of the checks: hosts, ports, exposure, domain,
	// release, images.
	Findings []Finding `json:"findings"`
	// UnknownSkips are words given to --skip that match no finding.
	UnknownSkips []string `json:"unknown_skips,omitempty"`
}

// Counts are how many findings have each verdict; those skipped count only as
// such.
type Counts struct {
	Pass    int `json:"pass"`
	Warn    int `json:"warn"`
	Unknown int `json:"unknown"`
	Fail    int `json:"fail"`
	Skipped int `json:"skipped"`
}

// schema is the version of Report's JSON.
const schema = 1

// Judge judges all evidence for a complete workspace and marks what skips name.
func Judge(w workspace.Workspace, e Evidence, skips []string) Report {
	findings := slices.Concat(
		Hosts(w, e),
		Ports(w, e),
		Exposure(w, e),
		Domain(w, e),
		Releases(w, e),
		Images(w, e),
	)
	r := Report{
		Schema: schema, Workspace: w.Name, Domain: w.Domain, Release: w.Release, At: e.At,
		Hosts: w.HostNames(),
	}
	r.Findings, r.UnknownSkips = Skip(findings, skips)
	r.Verdict = Overall(r.Findings)
	r.Matrix = matrix(w, e, r.Findings)
	for _, f := range r.Findings {
		r.Counts.add(f)
	}
	return r
}

func (c *Counts) add(f Finding) {
	switch {
	case f.Skipped:
		c.Skipped++
	case f.Verdict == Pass:
		c.Pass++
	case f.Verdict == Warn:
		c.Warn++
	case f.Verdict == Unknown:
		c.Unknown++
	default:
		c.Fail++
	}
}

// Overall is the worst verdict of those that are not skipped. No findings at
// all are no evidence: Unknown. When everything is skipped, it is Warn.
func Overall(findings []Finding) Verdict {
	if len(findings) == 0 {
		return Unknown
	}
	worst, counted := Pass, false
	for _, f := range findings {
		if f.Skipped {
			continue
		}
		counted = true
		if f.Verdict.rank() > worst.rank() {
			worst = f.Verdict
		}
	}
	if !counted {
		return Warn
	}
	return worst
}

// Skip marks the findings that the words name, and those that follow from them,
// and returns the words that name none. A word is an id or the first whole
// segments of one: port:rc1 names port:rc1:db:27017, and not port:rc10:db:27017.
func Skip(findings []Finding, words []string) (marked []Finding, unmatched []string) {
	marked = slices.Clone(findings)
	for _, word := range words {
		found := false
		for i := range marked {
			if Matches([]string{word}, marked[i].ID) {
				marked[i].Skipped, found = true, true
			}
		}
		if !found {
			unmatched = append(unmatched, word)
		}
	}
	skipped := map[string]bool{}
	for _, f := range marked {
		skipped[f.ID] = f.Skipped
	}
	for i := range marked {
		if skipped[marked[i].Because] {
			marked[i].Skipped = true
		}
	}
	return marked, unmatched
}

// Matches reports whether one of the words names the id. Collectors ask it before
// they look, so that what is skipped is not even tried.
func Matches(words []string, id string) bool {
	for _, word := range words {
		word = strings.TrimSuffix(word, ":")
		if word != "" && (id == word || strings.HasPrefix(id, word+":")) {
			return true
		}
	}
	return false
}
