package cluster

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// schema is the version of Report's JSON.
const schema = 1

// Judge makes a report of what was seen, against what is wanted. It is pure.
// f.Instances are the workspace's instances in their order.
func Judge(w workspace.Workspace, f Facts) Report { return judged(w, f, View{}.resume(w)) }

// judged is Judge with the command that findings name to deploy again.
func judged(w workspace.Workspace, f Facts, resume string) Report {
	j := judge{w: w, f: f, resume: resume, report: Report{
		Schema: schema, Workspace: w.Name, Release: w.Release, RootURL: w.RootURL, At: f.At,
		Planned: len(w.Instances), Linked: Unknown,
		Instances: make([]Row, len(w.Instances)), Findings: []Finding{},
		Facts: f,
	}}
	for i, instance := range w.Instances {
		j.report.Instances[i] = Row{
			Name: instance.Name, Host: instance.Host, Address: instance.Address(w),
			Registered: Unknown, Answers: Unknown, Proxied: Unknown, Linked: Unknown,
		}
	}
	j.replicaSet()
	j.registration()
	j.answers()
	j.releases()
	j.databases()
	j.linking()
	j.entry()
	j.rotation()
	j.prometheus()
	j.grafana()
	slices.SortStableFunc(j.report.Findings, func(a, b Finding) int { return b.Verdict.rank() - a.Verdict.rank() })
	j.report.Verdict = VerdictOK
	if len(j.report.Findings) > 0 {
		j.report.Verdict = j.report.Findings[0].Verdict
	}
	j.report.Summary = j.summary()
	return j.report
}

// judge is a report in the making.
type judge struct {
	w      workspace.Workspace
	f      Facts
	resume string
	report Report
}

func (j *judge) find(f Finding) { j.report.Findings = append(j.report.Findings, f) }

// failedOr is the verdict for a probe that saw nothing: what could not be
// looked at is unknown, whatever it would be if it had failed.
func failedOr(verdict Verdict, e *Failure) Verdict {
	if e.Unseen {
		return VerdictUnknown
	}
	return verdict
}

// probe returns what the i-th instance said; the zero value when it was not
// asked.
func (j *judge) probe(i int) InstanceReport {
	if i < len(j.f.Instances) {
		return j.f.Instances[i]
	}
	return InstanceReport{Error: &Failure{Text: "it was not asked", Unseen: true}}
}

// logHint says where an instance tells its troubles.
func (j *judge) logHint(i workspace.Instance) string {
	return "on " + i.Host + ": docker compose logs --tail 50, in " + path.Join(j.w.Directory, "instances", i.Name)
}

func (j *judge) replicaSet() {
	set := j.f.ReplicaSet
	host := j.w.Database.Host
	if set.Error != nil {
		j.find(Finding{
			ID: "mongodb-silent", Verdict: failedOr(VerdictFailed, set.Error), Host: host,
			Text: "MongoDB cannot be asked: " + set.Error.Text,
			Hint: "see that the container mongodb runs on the database host, and that mongodb_port is the one it listens on",
		})
		return
	}
	switch {
	case set.Name == "":
		j.find(Finding{
			ID: "replica-set-missing", Verdict: VerdictFailed, Host: host,
			Text: "MongoDB runs without a replica set, which Rocket.Chat needs",
			Hint: "start compose.database.yml again: it initiates the set",
		})
	case !set.Primary:
		j.find(Finding{
			ID: "no-primary", Verdict: VerdictFailed, Host: host,
			Text: "the member " + orUnknown(set.Me) + " of the replica set " + set.Name + " is not its primary, so nothing can be written",
			Hint: "an election takes up to a minute; if it stays so, look at rs.status() in mongosh",
		})
	}
	if j.w.Database.External {
		return
	}
	want := j.w.MongoDBAddress()
	if set.Name != "" && !slices.ContainsFunc(set.Hosts, func(h string) bool { return sameHostPort(h, want) }) {
		j.find(Finding{
			ID: "replica-set-address", Verdict: VerdictFailed, Host: host,
			Text: "the replica set " + set.Name + " advertises " + orUnknown(strings.Join(set.Hosts, ", ")) + ", not " + want + ": instances are sent to an address that is not planned",
			Hint: "change the member's host with rs.reconfig, or private_ip and mongodb_port in workspace.yaml",
		})
	}
	if v := j.w.Database.MongoDBVersion; v != "" && set.Version != "" && set.Imitation == "" && !sameRelease(v, set.Version) {
		j.find(Finding{
			ID: "mongodb-version", Verdict: VerdictWarning, Host: host,
			Text: "MongoDB " + set.Version + " runs, and workspace.yaml says " + v,
		})
	}
}

// answers judges each instance's own HTTP port.
func (j *judge) answers() {
	for i, instance := range j.w.Instances {
		row, p := &j.report.Instances[i], j.probe(i)
		if p.Error != nil {
			row.Answers = No
			if p.Error.Unseen {
				row.Answers = Unknown
			}
			if row.Registered == No {
				continue // told with the record that is missing
			}
			f := Finding{
				ID: "instance-silent", Verdict: VerdictFailed, Host: instance.Host, Instance: instance.Name,
				Text: instance.Name + " cannot be asked: " + p.Error.Text,
				Hint: j.logHint(instance),
			}
			if p.Error.Unseen {
				f.Verdict = VerdictUnknown
				f.Hint = "see why " + instance.Host + " cannot be reached from here, and look again"
			}
			j.find(f)
			continue
		}
		row.Answers = Yes
		if p.Healthy == No {
			j.find(Finding{
				ID: "instance-unhealthy", Verdict: VerdictWarning, Host: instance.Host, Instance: instance.Name,
				Text: instance.Name + " answers but calls itself unwell: " + p.HealthPath + " says " + p.HealthText,
				Hint: "under load and right after a start this passes; " + j.logHint(instance),
			})
		}
	}
}

// releases wants one release, the planned one, on all instances.
func (j *judge) releases() {
	running := make(map[string][]string)
	for i, instance := range j.w.Instances {
		row, p := &j.report.Instances[i], j.probe(i)
		if p.Error != nil {
			continue
		}
		row.Version = p.InfoVersion
		if e := p.Metrics.Error; e != nil {
			j.find(Finding{
				ID: "release-unknown", Verdict: VerdictUnknown, Host: instance.Host, Instance: instance.Name,
				Text: "the exact release and the database of " + instance.Name + " are not known: " + e.Text,
				Hint: "its metrics must be on (OVERWRITE_SETTING_Prometheus_Enabled) and reachable from its own host",
			})
		} else {
			row.Version = p.Metrics.Version
		}
		version := row.Version
		if sameRelease(version, j.w.Release) {
			version = j.w.Release // major.minor is all that is known, and fits
		}
		running[version] = append(running[version], instance.Name)
	}
	versions := sortedKeys(running)
	switch {
	case len(versions) > 1:
		parts := make([]string, 0, len(versions))
		for _, v := range versions {
			parts = append(parts, v+" on "+strings.Join(running[v], ", "))
		}
		j.find(Finding{
			ID: "releases-differ", Verdict: VerdictFailed,
			Text: "the instances run different releases: " + strings.Join(parts, "; "),
			Hint: "give every instance the same RELEASE, the highest one: a database is not taken back to an older one",
		})
	case len(versions) == 1 && versions[0] != j.w.Release:
		j.find(Finding{
			ID: "release-other", Verdict: VerdictWarning,
			Text: "release " + versions[0] + " runs, and workspace.yaml says " + j.w.Release,
			Hint: "write what runs into workspace.yaml, or upgrade",
		})
	}
}

// databases wants one database behind all instances, and root_url in it.
func (j *judge) databases() {
	unique := make(map[string][]string)
	for i, instance := range j.w.Instances {
		m := j.probe(i).Metrics
		if m.UniqueID != "" {
			unique[m.UniqueID] = append(unique[m.UniqueID], instance.Name)
		}
		if m.SiteURL != "" && strings.TrimSuffix(m.SiteURL, "/") != strings.TrimSuffix(j.w.RootURL, "/") {
			j.find(Finding{
				ID: "site-url", Verdict: VerdictWarning, Host: instance.Host, Instance: instance.Name,
				Text: instance.Name + " believes that it is reached at " + m.SiteURL + ", and root_url is " + j.w.RootURL,
				Hint: "Administration > Settings > General > Site URL, or ROOT_URL in its .env",
			})
		}
	}
	if len(unique) > 1 {
		parts := make([]string, 0, len(unique))
		for _, id := range sortedKeys(unique) {
			parts = append(parts, strings.Join(unique[id], ", ")+" ("+id+")")
		}
		j.find(Finding{
			ID: "databases-differ", Verdict: VerdictFailed,
			Text: "the instances work on different databases: " + strings.Join(parts, "; "),
			Hint: "compare MONGO_URL in their .env files",
		})
	}
}

// summary is the count in one line.
func (j *judge) summary() string {
	r := j.report
	if !r.Counted {
		return plural(r.Planned, "instance") + " not counted: the registry could not be read"
	}
	parts := []string{fmt.Sprintf("%d of %s registered", r.Registered, plural(r.Planned, "instance"))}
	var missing []string
	for _, row := range r.Instances {
		if row.Registered == No {
			missing = append(missing, row.Name)
		}
	}
	switch len(missing) {
	case 0:
	case 1:
		parts = append(parts, missing[0]+" is missing")
	default:
		parts = append(parts, strings.Join(missing, ", ")+" are missing")
	}
	for _, row := range r.Instances {
		// A process that died keeps a fresh record for half a minute.
		if row.Registered == Yes && row.Answers == No {
			parts = append(parts, row.Name+" does not answer")
		}
	}
	if r.Planned > 1 && r.Registered > 1 {
		parts = append(parts, j.linkSummary())
	}
	return strings.Join(parts, ", ")
}

// linkSummary is the second half of the count.
func (j *judge) linkSummary() string {
	linked, why := j.links()
	switch linked {
	case Yes:
		return "linked"
	case No:
		return "not linked: " + why
	case Unknown:
	}
	return "links unknown: " + why
}
