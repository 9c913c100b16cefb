package cluster

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// expiry is how long a dead record may stay before something is wrong: a TTL
// of 60 s, and a remover that runs every 60 s.
const expiry = 3 * time.Minute

// registration sets the records against the plan, both ways.
func (j *judge) registration() {
	registry := j.f.Registry
	if registry.Error != nil {
		// Without an answer, or without a replica set, that has been told.
		if j.f.ReplicaSet.Error == nil && j.f.ReplicaSet.Name != "" {
			j.find(Finding{
				ID: "registry-silent", Verdict: failedOr(VerdictFailed, registry.Error), Host: j.w.Database.Host,
				Text: "the registry of instances cannot be read: " + registry.Error.Text,
			})
		}
		return
	}
	j.report.Counted = true
	chosen := make([]int, len(j.w.Instances))
	for i := range j.w.Instances {
		row := &j.report.Instances[i]
		chosen[i] = j.choose(i)
		if chosen[i] < 0 {
			row.Registered = No
			j.missing(i)
			continue
		}
		record := registry.Records[chosen[i]]
		row.Registered, row.Record, row.Since = Yes, record.ID, record.Since
		j.report.Registered++
	}
	for k, record := range registry.Records {
		if !slices.Contains(chosen, k) {
			j.surplus(record, chosen)
		}
	}
}

// choose picks the i-th instance's record: the one whose id the instance
// itself gives, else the youngest fresh one at its address. -1 is none.
func (j *judge) choose(i int) int {
	chosen := -1
	for k, r := range j.f.Registry.Records {
		if r.State != Fresh || !j.at(r, j.w.Instances[i]) {
			continue
		}
		if id := j.probe(i).ID; id != "" && r.ID == id {
			return k
		}
		if chosen < 0 || r.Since.After(j.f.Registry.Records[chosen].Since) {
			chosen = k
		}
	}
	return chosen
}

func (j *judge) at(r Record, i workspace.Instance) bool {
	return sameHostPort(address(r), i.Address(j.w))
}

// missing says that the i-th instance has no fresh record at its address, and
// what there is instead.
func (j *judge) missing(i int) {
	instance, p := j.w.Instances[i], j.probe(i)
	host, _ := j.w.Host(instance.Host)
	f := Finding{
		ID: "instance-missing", Verdict: VerdictFailed, Host: instance.Host, Instance: instance.Name,
		Text: fmt.Sprintf("%s is not registered as %s", instance.Name, instance.Address(j.w)),
		Hint: j.logHint(instance),
	}
	last := int64(-1) // of the process that was there last: every start leaves a record
	for _, r := range j.f.Registry.Records {
		switch {
		case r.State == Fresh && p.ID != "" && r.ID == p.ID && r.Host == "localhost":
			f.Text += ": it registers as localhost, because INSTANCE_IP is not set"
			f.Hint = "set INSTANCE_IP=" + host.PrivateIP + " in its .env and start it again"
			j.find(f)
			return
		case r.State == Fresh && p.ID != "" && r.ID == p.ID:
			f.Text += ": it registers as " + address(r)
			f.Hint = "set INSTANCE_IP=" + host.PrivateIP + " and PORT=" + strconv.Itoa(instance.Port) + " in its .env and start it again"
			j.find(f)
			return
		case r.State == Stale && j.at(r, instance) && (last < 0 || r.AgeSeconds < last):
			last = r.AgeSeconds
		}
	}
	if last >= 0 {
		f.Text += ": its last heartbeat was " + ago(last)
	}
	if p.Error != nil {
		f.Text += "; " + p.Error.Text
	}
	if p.Error == nil && j.w.Messaging.Transporter == workspace.TransporterNATS {
		f.Text += "; it answers, so it is waiting for NATS or has just started: an instance registers once it has reached NATS"
	}
	j.find(f)
}

// surplus judges a record that is no planned instance's own.
func (j *judge) surplus(r Record, chosen []int) {
	planned := slices.IndexFunc(j.w.Instances, func(i workspace.Instance) bool { return j.at(r, i) })
	f := Finding{Host: j.w.Database.Host}
	switch {
	case r.State == Ghost:
		f.ID, f.Verdict = "ghost", VerdictWarning
		f.Text = fmt.Sprintf("the record %s of %s is dated in the future, %s: it never expires and is counted as an instance for ever", r.ID, address(r), r.Heartbeat.Format(time.DateOnly))
		f.Hint = "see that the database host's clock is right, then delete the record from the collection instances"
	case r.State == Stale && r.AgeSeconds < int64(expiry/time.Second) && planned >= 0 && chosen[planned] < 0:
		return // told with the instance that is missing
	case r.State == Stale && r.AgeSeconds < int64(expiry/time.Second):
		f.ID, f.Verdict = "stale", VerdictOK
		f.Text = fmt.Sprintf("a process that ended left its record, %s, last heartbeat %s; it goes by itself within two minutes", address(r), ago(r.AgeSeconds))
	case r.State == Stale:
		f.ID, f.Verdict = "stale", VerdictWarning
		f.Text = fmt.Sprintf("the record %s of %s had its last heartbeat %s and has not been removed", r.ID, address(r), ago(r.AgeSeconds))
		f.Hint = "delete the record from the collection instances; see that the collection has its TTL index"
	case r.Host == "localhost" || r.Host == "":
		f.ID, f.Verdict = "localhost", VerdictWarning
		f.Text = "a process registers as " + address(r) + ", because INSTANCE_IP is not set"
		f.Hint = "set INSTANCE_IP in the .env of every instance: others cannot find it, and nothing can tell it from another"
		if slices.ContainsFunc(j.f.Instances, func(p InstanceReport) bool { return p.ID == r.ID && r.ID != "" }) {
			return // told with the instance that is missing for it
		}
	case planned >= 0 && chosen[planned] >= 0:
		f = j.second(r, j.f.Registry.Records[chosen[planned]], j.w.Instances[planned])
	default:
		f.ID, f.Verdict = "instance-unexpected", VerdictWarning
		f.Text = "an instance that is not in workspace.yaml is registered: " + address(r)
		f.Hint = "add it to workspace.yaml, or stop it"
		if slices.ContainsFunc(j.f.Instances, func(p InstanceReport) bool { return p.ID == r.ID && r.ID != "" }) {
			return
		}
	}
	j.find(f)
}

// second judges a fresh record at the address of another: what a restart left
// behind, or a second process that takes itself for the same instance.
func (j *judge) second(r, own Record, i workspace.Instance) Finding {
	if r.Heartbeat.After(own.Since.Add(heartbeat)) && own.Heartbeat.After(r.Since.Add(heartbeat)) {
		return Finding{
			ID: "address-twice", Verdict: VerdictWarning, Host: i.Host, Instance: i.Name,
			Text: "two processes register as " + address(r) + ": " + own.ID + " and " + r.ID,
			Hint: "one of them has a wrong INSTANCE_IP or PORT",
		}
	}
	return Finding{
		ID: "stale", Verdict: VerdictOK, Host: i.Host, Instance: i.Name,
		Text: fmt.Sprintf("%s was restarted and its earlier record is still there, last heartbeat %s; it goes by itself within two minutes", i.Name, ago(r.AgeSeconds)),
	}
}

func address(r Record) string {
	if r.Host == "" {
		return "no host, port " + strconv.Itoa(r.Port)
	}
	return net.JoinHostPort(strings.Trim(r.Host, "[]"), strconv.Itoa(r.Port))
}

// ago is a duration as people say it.
func ago(seconds int64) string {
	switch {
	case seconds < 120:
		return plural(int(seconds), "second") + " ago"
	case seconds < 2*60*60:
		return plural(int(seconds/60), "minute") + " ago"
	case seconds < 2*24*60*60:
		return plural(int(seconds/3600), "hour") + " ago"
	}
	return plural(int(seconds/86400), "day") + " ago"
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

func orUnknown(s string) string {
	if s == "" {
		return "an unknown address"
	}
	return s
}

func sortedKeys(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }

func sameHostPort(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	return errA == nil && errB == nil && portA == portB && sameHost(hostA, hostB)
}

// sameRelease compares as many parts of two versions as both have: 8.9 and
// 8.9.1 are the same as far as is known.
func sameRelease(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	n := min(len(x), len(y))
	return a != "" && b != "" && slices.Equal(x[:n], y[:n])
}
