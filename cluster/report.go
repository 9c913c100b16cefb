package cluster

import "time"

// Verdict is the one word for a finding or for the whole.
type Verdict string

// The verdicts, from good to bad. VerdictUnknown ranks above a warning: what
// could not be learnt may hide a failure.
const (
	VerdictOK      Verdict = "ok"
	VerdictWarning Verdict = "warning"
	VerdictUnknown Verdict = "unknown"
	VerdictFailed  Verdict = "failed"
)

func (v Verdict) rank() int {
	switch v {
	case VerdictOK:
		return 0
	case VerdictWarning:
		return 1
	case VerdictUnknown:
		return 2
	case VerdictFailed:
		return 3
	}
	return 3
}

// Report is the judged state of a cluster. The JSON names are stable; Schema
// grows when a meaning changes.
type Report struct {
	Schema    int       `json:"schema"`
	Workspace string    `json:"workspace"`
	Release   string    `json:"release"` // wanted
	RootURL   string    `json:"root_url"`
	At        time.Time `json:"at"`
	Verdict   Verdict   `json:"verdict"`
	// Summary is the count in one line: "2 of 2 instances registered, linked".
	Summary string `json:"summary"`
	// Counted says that the registry could be read; without it Registered
	// means nothing.
	Counted    bool `json:"counted"`
	Planned    int  `json:"planned"`
	Registered int  `json:"registered"` // of the planned ones
	// Linked says whether the instances pass live events to each other. With
	// a single instance it is yes: there is nobody to pass them to.
	Linked    Answer    `json:"linked"`
	Instances []Row     `json:"instances"` // in the order of the workspace
	Findings  []Finding `json:"findings"`  // the worst first
	Facts     Facts     `json:"facts"`
}

// Row is one planned instance.
type Row struct {
	Name    string `json:"name"`
	Host    string `json:"host"`
	Address string `json:"address"`
	// Record is the id of its record in the registry.
	Record     string    `json:"record,omitempty"`
	Registered Answer    `json:"registered"`
	Since      time.Time `json:"registered_since,omitzero"`
	// Answers says whether its own port answers as Rocket.Chat.
	Answers Answer `json:"answers"`
	// Version is exact when its metrics could be read, else major.minor.
	Version string `json:"version,omitempty"`
	Proxied Answer `json:"seen_through_proxy"`
	Linked  Answer `json:"linked"`
	// Why says why Linked is not yes.
	Why string `json:"why,omitempty"`
}

// Finding is one thing worth telling.
type Finding struct {
	// ID is stable: "instance-missing".
	ID string `json:"id"`
	// Verdict is VerdictOK for a note that does not lower the whole.
	Verdict  Verdict `json:"verdict"`
	Host     string  `json:"host,omitempty"`
	Instance string  `json:"instance,omitempty"`
	// Text says what is the matter, Hint what to do next.
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}
