package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// Reasons for which instances are not linked, or not known to be.
const (
	whyNoLicense     = "no licence"
	whyNoModule      = "the licence has no module " + scalability
	whyUnknown       = "the licence could not be learnt"
	whyNotRegistered = "not registered"
	whyNotCounted    = "the registry could not be read"
	whyTCPInstead    = "TCP instead of NATS"
	whyNoTCPPort     = "no TCP port in the record"
	whyNoNATS        = "no connection to NATS"
	whyFewNATS       = "too few connections to NATS"
	whyNATSSilent    = "NATS cannot be asked"
)

// linking says for each instance whether it passes live events to the others,
// and tells the reasons. Registered alone proves that it reached NATS once; it
// sends nothing without the licence's module.
func (j *judge) linking() {
	connected := j.nats()
	if len(j.w.Instances) == 1 {
		j.report.Instances[0].Linked, j.report.Linked = Yes, Yes
		return
	}
	for i := range j.w.Instances {
		row := &j.report.Instances[i]
		row.Linked, row.Why = j.link(i, connected)
	}
	j.report.Linked, _ = overall(j.report.Instances)
	j.licenseFindings()
	j.transporterFindings()
}

// link judges one instance; the first reason counts.
func (j *judge) link(i int, connected map[string]Answer) (Answer, string) {
	instance, row, license := j.w.Instances[i], j.report.Instances[i], j.probe(i).License
	tcpPort := j.tcpPort(row.Record)
	overTCP := j.w.Messaging.Transporter == workspace.TransporterTCP
	switch {
	case !j.report.Counted:
		return Unknown, whyNotCounted
	case row.Registered != Yes:
		return No, whyNotRegistered
	case license.Scalability == No && len(license.Modules) == 0:
		return No, whyNoLicense
	case license.Scalability == No:
		return No, whyNoModule
	case overTCP && tcpPort == 0:
		return No, whyNoTCPPort
	case !overTCP && tcpPort != 0:
		return No, whyTCPInstead
	case connected[instance.Host] == No:
		return No, whyNoNATS
	case license.Scalability != Yes:
		return Unknown, whyUnknown
	case overTCP && instance.TCPPort != 0 && tcpPort != instance.TCPPort:
		return Unknown, fmt.Sprintf("TCP port %d instead of %d", tcpPort, instance.TCPPort)
	case connected[instance.Host] == Unknown:
		return Unknown, whyFewNATS
	case j.f.NATS.Error != nil:
		return Unknown, whyNATSSilent
	}
	return Yes, ""
}

// tcpPort is the port in the record with the given id; 0 is none.
func (j *judge) tcpPort(id string) int {
	for _, r := range j.f.Registry.Records {
		if r.ID == id && id != "" {
			return r.TCPPort
		}
	}
	return 0
}

// overall is the worst of the rows, with the first reason for it and, unless
// it holds for all, those that it holds for.
func overall(rows []Row) (Answer, string) {
	for _, answer := range []Answer{No, Unknown} {
		worst := slices.IndexFunc(rows, func(r Row) bool { return r.Linked == answer })
		if worst < 0 {
			continue
		}
		why := rows[worst].Why
		var names []string
		for _, r := range rows {
			if r.Why == why {
				names = append(names, r.Name)
			}
		}
		if len(names) < len(rows) {
			why += " (" + strings.Join(names, ", ") + ")"
		}
		return answer, why
	}
	return Yes, ""
}

// links is overall for those that are registered: that an instance is missing
// is said before.
func (j *judge) links() (Answer, string) {
	return overall(slices.DeleteFunc(slices.Clone(j.report.Instances), func(r Row) bool { return r.Registered == No }))
}

func (j *judge) licenseFindings() {
	var without, unknown []string
	var reason string
	for i, instance := range j.w.Instances {
		p := j.probe(i)
		switch {
		case p.Error != nil:
		case p.License.Scalability == No:
			without = append(without, instance.Name)
		case p.License.Scalability != Yes:
			unknown = append(unknown, instance.Name)
			reason = p.License.Reason
		}
	}
	if len(without) > 0 {
		j.find(Finding{
			ID: "not-licensed", Verdict: VerdictWarning,
			Text: strings.Join(without, ", ") + ": no licence with the module " + scalability + ". The instances pass no live events to each other: users on different instances see each other's messages only after a reload",
			Hint: "put license or registration_token of a plan with multiple instances into secrets.yaml, then: " + j.resume + "; or keep one instance",
		})
	}
	if len(unknown) > 0 {
		j.find(Finding{
			ID: "license-unknown", Verdict: VerdictUnknown,
			Text: "whether " + strings.Join(unknown, ", ") + " may pass live events on could not be learnt: " + reason,
			Hint: "Administration > Workspace shows the plan; write a message on one instance and see whether it appears at once on another",
		})
	}
}

func (j *judge) transporterFindings() {
	for i, instance := range j.w.Instances {
		row := j.report.Instances[i]
		if row.Registered != Yes {
			continue
		}
		f := Finding{ID: "transporter", Verdict: VerdictWarning, Host: instance.Host, Instance: instance.Name}
		port, planned := j.tcpPort(row.Record), instance.TCPPort
		switch over := j.w.Messaging.Transporter; {
		case over == workspace.TransporterTCP && port == 0:
			f.Text = instance.Name + " has no TCP port in its record, so the others cannot reach it"
			f.Hint = "TRANSPORTER must be empty and TCP_PORT set in its .env"
		case over == workspace.TransporterTCP && planned != 0 && port != planned:
			f.Text = fmt.Sprintf("%s takes events on TCP port %d, and %d is planned and open in the firewall", instance.Name, port, planned)
			f.Hint = fmt.Sprintf("set TCP_PORT=%d in its .env and in its container's environment", planned)
		case over == workspace.TransporterNATS && port != 0:
			f.Text = instance.Name + " uses Rocket.Chat's TCP transporter, and NATS is planned"
			f.Hint = "TRANSPORTER in its .env must be monolith+nats://…"
		default:
			continue
		}
		j.find(f)
	}
}

// nats answers for hosts with fewer connections to NATS than instances, when
// there are too few connections altogether. A missing address alone proves
// nothing, since what lies between may translate addresses: a connection from
// an address of no host may be anybody's, and leaves the answer unknown.
func (j *judge) nats() map[string]Answer {
	n := j.f.NATS
	if !n.Deployed {
		return nil
	}
	if n.Error != nil {
		j.find(Finding{
			ID: "nats-silent", Verdict: failedOr(VerdictWarning, n.Error), Host: j.w.Database.Host,
			Text: "NATS cannot be asked for its connections: " + n.Error.Text,
			Hint: "see that the container nats runs on the database host; without it no live events are passed on",
		})
		return nil
	}
	if len(n.Clients) >= j.report.Registered {
		return nil
	}
	from := make(map[string]int) // connections by host; "" is no host
	for _, client := range n.Clients {
		i := slices.IndexFunc(j.w.Hosts, func(h workspace.Host) bool { return sameHost(client, h.PrivateIP) })
		if i < 0 {
			from[""]++
			continue
		}
		from[j.w.Hosts[i].Name]++
	}
	answers := make(map[string]Answer)
	parts := []string{fmt.Sprintf("NATS has %s for %s", plural(len(n.Clients), "connection"), plural(j.report.Registered, "registered instance"))}
	for _, host := range j.w.HostNames() {
		switch planned := len(j.w.InstancesOn(host)); {
		case from[host]+from[""] < planned:
			answers[host] = No
			parts = append(parts, "none or too few from "+host)
		case from[host] < planned:
			answers[host] = Unknown
		}
	}
	j.find(Finding{
		ID: "nats-connections", Verdict: VerdictWarning, Host: j.w.Database.Host,
		Text: strings.Join(parts, "; "),
		Hint: "instances try again every few seconds; if it stays so, see that the firewall of the database host lets them in",
	})
	return answers
}
