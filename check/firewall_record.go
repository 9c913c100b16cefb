package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// firewallSchema grows when a meaning in FirewallRecord changes.
const firewallSchema = 1

// FirewallRecord says what was applied to the hosts' firewalls and not taken back
// since: what an undo goes by. It is written before a host is touched.
type FirewallRecord struct {
	Schema int `json:"schema"`
	// Hosts by name; the earlier change first.
	Hosts map[string][]AppliedChange `json:"hosts"`
}

// AppliedChange is one change of one host's firewall.
type AppliedChange struct {
	FirewallChange

	At time.Time `json:"at"`
	// Confirmed says that a new SSH connection came through afterwards. A change
	// that never was confirmed has been taken back by the host itself, or soon
	// will be.
	Confirmed bool `json:"confirmed"`
	// Before is what the firewall said of itself before.
	Before string `json:"before"`
	// Files are those that the firewall keeps its rules in.
	Files []KeptFile `json:"files"`
}

// KeptFile is a file as it was before a change.
type KeptFile struct {
	Path string `json:"path"`
	// There says whether there was such a file; Content is what was in it.
	There   bool   `json:"there"`
	Content []byte `json:"content,omitempty"`
	// After is the sha256 sum after the change, in hexadecimal; empty: not known.
	// A file that has another sum by now was changed by somebody since, and is not
	// put back.
	After string `json:"after,omitempty"`
}

// ParseFirewallRecord reads a record. No data is an empty record.
func ParseFirewallRecord(data []byte) (FirewallRecord, error) {
	r := FirewallRecord{Schema: firewallSchema}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &r); err != nil {
			return FirewallRecord{}, fmt.Errorf("read the record of the firewalls: %w", err)
		}
	}
	if r.Schema != firewallSchema {
		return FirewallRecord{}, fmt.Errorf("the record of the firewalls is of version %d, this rcwizard reads version %d: use the rcwizard that wrote it", r.Schema, firewallSchema)
	}
	for host, changes := range r.Hosts {
		for _, c := range changes {
			if c.Host != host || !slices.Contains([]FirewallKind{UFW, Firewalld, NFTables}, c.Firewall) {
				return FirewallRecord{}, errors.New("the record of the firewalls is damaged: it holds a change of " + host + " that rcwizard never made")
			}
		}
	}
	if r.Hosts == nil {
		r.Hosts = map[string][]AppliedChange{}
	}
	return r, nil
}

// Marshal writes the record for ParseFirewallRecord.
func (r FirewallRecord) Marshal() ([]byte, error) {
	r.Schema = firewallSchema
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the record of the firewalls: %w", err)
	}
	return append(data, '\n'), nil
}
