package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// entry judges the way in: the certificate, the redirect, and whether
// Rocket.Chat answers at all.
func (j *judge) entry() {
	p := j.f.Proxy
	host := j.w.Proxy.Host
	if p.Error != nil {
		j.find(Finding{
			ID: "proxy-silent", Verdict: failedOr(VerdictFailed, p.Error), Host: host,
			Text: p.URL + " does not answer: " + p.Error.Text,
			Hint: "see that the domain leads to the proxy, that its ports are open, and that the container traefik runs on " + host,
		})
	}
	j.certificate(p.Certificate, j.w.Domain)
	if r := p.Redirect; r != nil {
		switch {
		case r.Error != nil:
			if p.Error == nil {
				j.find(Finding{
					ID: "redirect-silent", Verdict: failedOr(VerdictWarning, r.Error), Host: host,
					Text: r.URL + " does not answer, so whoever types no https:// finds nothing: " + r.Error.Text,
					Hint: "open the proxy's HTTP port",
				})
			}
		case !r.Right:
			j.find(Finding{
				ID: "redirect-wrong", Verdict: VerdictFailed, Host: host,
				Text: fmt.Sprintf("%s is not redirected to %s: it answers %d %s", r.URL, p.URL, r.Status, r.Location),
				Hint: "the redirection is part of the proxy's static configuration: start compose.traefik.yml again",
			})
		}
	}
	if p.Error != nil || p.Refused == "" {
		return
	}
	f := Finding{ID: "proxy-refuses", Verdict: VerdictFailed, Host: host, Text: "behind " + p.URL + " no instance answers: " + p.Refused}
	f.Hint = "see that the proxy's host reaches the instances on their private addresses"
	if p.Answers > 0 {
		f.Verdict = VerdictWarning
		f.Text = fmt.Sprintf("%d of %d requests to %s were refused: %s", p.Requests-p.Answers, p.Requests, p.URL, p.Refused)
	}
	j.find(f)
}

// certificate judges what a name's server showed.
func (j *judge) certificate(c *Certificate, name string) {
	if c == nil || c.Error != nil {
		return
	}
	f := Finding{ID: "certificate", Verdict: VerdictFailed, Host: j.w.Proxy.Host}
	mode := j.w.TLS.Mode
	switch c.Problem {
	case "":
		left := c.NotAfter.Sub(j.f.At)
		if c.NotAfter.IsZero() || left > c.NotAfter.Sub(c.NotBefore)/10 {
			return
		}
		f.Verdict = VerdictWarning
		f.Text = "the certificate for " + name + " ends on " + c.NotAfter.Format(time.DateOnly) + " and has not been renewed"
		f.Hint = "look at Traefik's log for what the authority answers"
		if mode == workspace.TLSFiles {
			f.Hint = "replace cert_file and key_file"
		}
	case TraefikDefault:
		f.Text = "the proxy has no certificate for " + name + " yet and shows its own stopgap"
		f.Hint = "the authority must reach the proxy under this name: look at Traefik's log for what it answers"
		if !mode.UsesACME() {
			f.Hint = "the files of cert_file and key_file were not loaded, or are for another name"
		}
	case UnknownAuthority:
		f.Text = "the certificate for " + name + " is not trusted on this machine: " + c.Issuer + " issued it"
		switch mode {
		case workspace.TLSLetsEncryptStaging:
			f.Verdict = VerdictWarning
			f.Hint = "the staging authority is for trying only; set tls mode letsencrypt when everything else is well"
		case workspace.TLSACME, workspace.TLSFiles, workspace.TLSNone:
			f.Verdict = VerdictWarning
			f.Hint = "users' machines must know that authority; with tls mode acme, ca_cert_file tells rcwizard"
		case workspace.TLSLetsEncrypt:
			f.Hint = "something between here and the proxy shows a certificate of its own, or the chain is not complete"
		}
	case Expired, NotYetValid, WrongName, BrokenChain:
		f.Text = "the certificate for " + name + " is not valid: " + c.Detail
		f.Hint = "see that clocks are right, and which certificate the proxy was given"
	}
	j.find(f)
}

// rotation judges which instances answered through the proxy.
func (j *judge) rotation() {
	p := j.f.Proxy
	if p.Answers == 0 {
		return
	}
	host := j.w.Proxy.Host
	if p.Anonymous == p.Answers {
		j.find(Finding{
			ID: "spread-unknown", Verdict: VerdictUnknown, Host: host,
			Text: "which instances answer through the proxy is not known: the answers have no " + InstanceHeader,
		})
		return
	}
	elsewhere := j.strangers()
	for i, instance := range j.w.Instances {
		row := &j.report.Instances[i]
		ids := j.ids(i)
		switch {
		case slices.ContainsFunc(p.Seen, func(s Seen) bool { return slices.Contains(ids, s.ID) }):
			row.Proxied = Yes
		case len(ids) > 0 && p.Anonymous == 0:
			row.Proxied = No
			if row.Answers == No || elsewhere {
				continue // told already
			}
			j.find(Finding{
				ID: "not-in-rotation", Verdict: VerdictFailed, Host: host, Instance: instance.Name,
				Text: fmt.Sprintf("%s was not seen in %d answers through the proxy", instance.Name, p.Answers),
				Hint: "see that its address is in the proxy's dynamic configuration and answers the proxy's health check",
			})
		}
	}
}

// ids are those by which the i-th instance is known: its own word, and its
// record's.
func (j *judge) ids(i int) []string {
	return slices.DeleteFunc([]string{j.probe(i).ID, j.report.Instances[i].Record}, func(id string) bool { return id == "" })
}

// strangers judges ids that answer through the proxy and are no planned
// instance's. It reports whether there are no others.
func (j *judge) strangers() (only bool) {
	known, strangers, whole := make([]string, 0, 2*len(j.w.Instances)), []string(nil), true
	for i := range j.w.Instances {
		ids := j.ids(i)
		known, whole = append(known, ids...), whole && len(ids) > 0
	}
	for _, s := range j.f.Proxy.Seen {
		if !slices.Contains(known, s.ID) {
			strangers = append(strangers, s.ID)
		}
	}
	if len(strangers) == 0 || len(known) == 0 {
		return false
	}
	f := Finding{
		ID: "stranger", Verdict: VerdictWarning, Host: j.w.Proxy.Host,
		Text: "processes that are no planned instance answer through the proxy: " + strings.Join(strangers, ", "),
		Hint: "an instance that was restarted just now has a new id; otherwise look at the proxy's list of servers",
	}
	// One of which no id is known may be the one that answers.
	if whole && len(strangers) == len(j.f.Proxy.Seen) {
		f.Verdict = VerdictFailed
		f.Text = j.f.Proxy.URL + " leads to another Rocket.Chat: none of the planned instances answers there"
		f.Hint = "see where the domain leads, and which servers the proxy's dynamic configuration lists"
	}
	j.find(f)
	return f.Verdict == VerdictFailed
}

// jobInstances is the job of the workspace's instances among Prometheus'
// targets: render writes it into file_sd_configs.d/rocketchat.yaml.
const jobInstances = "rocketchat"

// prometheus wants every instance among the targets and nobody else's there,
// and all targets up. A target that the workspace does not have counts although
// it is up: one that was just removed stays so until it is asked again.
func (j *judge) prometheus() {
	p := j.f.Prometheus
	host := j.w.Database.Host
	if !p.Deployed {
		return
	}
	if p.Error != nil {
		j.find(Finding{
			ID: "prometheus-silent", Verdict: failedOr(VerdictFailed, p.Error), Host: host,
			Text: "Prometheus cannot be asked: " + p.Error.Text,
			Hint: "see that the container prometheus runs on the database host",
		})
		return
	}
	names := make(map[string]string)
	for _, instance := range j.w.Instances {
		address := instance.MetricsAddress(j.w)
		names[address] = instance.Name
		if !slices.ContainsFunc(p.Targets, func(t Target) bool { return sameHostPort(t.Address, address) }) {
			j.find(Finding{
				ID: "target-missing", Verdict: VerdictWarning, Host: host, Instance: instance.Name,
				Text: "Prometheus does not know the metrics of " + instance.Name + ", " + address,
				Hint: "file_sd_configs.d/rocketchat.yaml lists the instances; it is read again by itself",
			})
		}
	}
	for _, t := range p.Targets {
		if t.Job == jobInstances && !slices.ContainsFunc(j.w.Instances, func(i workspace.Instance) bool { return sameHostPort(t.Address, i.MetricsAddress(j.w)) }) {
			j.find(Finding{
				ID: "target-surplus", Verdict: VerdictWarning, Host: host,
				Text: "Prometheus watches " + t.Address + " (" + t.Health + "), which is no instance of this workspace",
				Hint: "file_sd_configs.d/rocketchat.yaml lists the instances; it is read again by itself within half a minute",
			})
			continue
		}
		if t.Health == "up" {
			continue
		}
		f := Finding{ID: "target-down", Verdict: VerdictWarning, Host: host, Instance: names[t.Address]}
		f.Text = fmt.Sprintf("Prometheus' target %s of job %s is %s: %s", t.Address, t.Job, t.Health, t.Error)
		f.Hint = "the database host must reach that address"
		if t.Health == "unknown" {
			f.ID, f.Verdict = "target-unknown", VerdictUnknown
			f.Text = fmt.Sprintf("Prometheus has not asked its target %s of job %s yet", t.Address, t.Job)
			f.Hint = "look again in half a minute"
		}
		j.find(f)
	}
}

// grafana wants Grafana to answer on its own port and to users.
func (j *judge) grafana() {
	g := j.f.Grafana
	if !g.Deployed {
		return
	}
	if g.Error != nil {
		j.find(Finding{
			ID: "grafana-silent", Verdict: failedOr(VerdictFailed, g.Error), Host: j.w.Database.Host,
			Text: "Grafana cannot be asked: " + g.Error.Text,
			Hint: "see that the container grafana runs on the database host",
		})
	}
	j.certificate(g.Certificate, j.w.Grafana.Domain)
	switch {
	case g.ProxyError != nil:
		j.find(Finding{
			ID: "grafana-proxy", Verdict: failedOr(VerdictFailed, g.ProxyError), Host: j.w.Proxy.Host,
			Text: "Grafana is not found at " + g.URL + ": " + g.ProxyError.Text,
			Hint: "the proxy must reach " + j.w.GrafanaAddress(),
		})
	case g.Redirect != nil && g.Redirect.Error == nil && !g.Redirect.Right:
		j.find(Finding{
			ID: "grafana-redirect", Verdict: VerdictWarning, Host: j.w.Database.Host,
			Text: fmt.Sprintf("%s sends visitors to %q instead of below %s", g.Redirect.URL, g.Redirect.Location, g.URL),
			Hint: "GF_SERVER_ROOT_URL must be " + g.URL,
		})
	}
}
