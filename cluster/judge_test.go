package cluster

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/internal/plaintext"
	"github.com/rcwizard/rcwizard/workspace"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		linked    = "2 of 2 instances registered, linked"
		unlicense = "2 of 2 instances registered, not linked: no licence"
	)
	tests := map[string]struct {
		instances int // 0 means 2
		workspace func(w *workspace.Workspace)
		change    func(f *Facts)
		verdict   Verdict
		summary   string
		findings  []string // ids in order
	}{
		"linked": {verdict: VerdictOK, summary: linked},
		"one instance": {
			instances: 1,
			change:    func(f *Facts) { f.Instances[0].License = License{Scalability: No} },
			verdict:   VerdictOK, summary: "1 of 1 instance registered",
		},
		"no licence": {
			change: func(f *Facts) {
				for i := range f.Instances {
					f.Instances[i].License = License{Scalability: No}
				}
			},
			verdict: VerdictWarning, summary: unlicense, findings: []string{"not-licensed"},
		},
		"licence without the module": {
			change: func(f *Facts) {
				f.Instances[1].License = License{Scalability: No, Modules: []string{"auditing"}}
			},
			verdict: VerdictWarning, summary: "2 of 2 instances registered, not linked: the licence has no module scalability (rc2)",
			findings: []string{"not-licensed"},
		},
		"licence unknown": {
			change: func(f *Facts) {
				for i := range f.Instances {
					f.Instances[i].License = License{Scalability: Unknown, Reason: "the instance does not tell its licence without a login"}
				}
			},
			verdict: VerdictUnknown, summary: "2 of 2 instances registered, links unknown: the licence could not be learnt",
			findings: []string{"license-unknown"},
		},
		"one missing": {
			change: func(f *Facts) {
				silent(f, 1, refused("10.0.0.12:3000"))
				f.Registry.Records[1].State, f.Registry.Records[1].AgeSeconds = Stale, 95
				// Every start leaves a record; the last one counts.
				before := f.Registry.Records[1]
				before.ID, before.AgeSeconds = "before", 103
				f.Registry.Records = append(f.Registry.Records, before)
				f.Proxy.Seen = f.Proxy.Seen[:1]
				f.Prometheus.Targets[2].Health, f.Prometheus.Targets[2].Error = "down", "connection refused"
				f.NATS.Clients = f.NATS.Clients[:1]
			},
			verdict: VerdictFailed, summary: "1 of 2 instances registered, rc2 is missing",
			findings: []string{"instance-missing", "target-down"},
		},
		"one of three missing": {
			instances: 3,
			change: func(f *Facts) {
				silent(f, 2, refused("10.0.0.13:3000"))
				f.Registry.Records = f.Registry.Records[:2]
				f.Proxy.Seen = f.Proxy.Seen[:2]
			},
			verdict: VerdictFailed, summary: "2 of 3 instances registered, rc3 is missing, linked",
			findings: []string{"instance-missing"},
		},
		"just died": {
			change:  func(f *Facts) { silent(f, 1, refused("10.0.0.12:3000")) },
			verdict: VerdictFailed, summary: "2 of 2 instances registered, rc2 does not answer, links unknown: the licence could not be learnt (rc2)",
			findings: []string{"instance-silent"},
		},
		"host not connected": {
			change: func(f *Facts) {
				silent(f, 1, &Failure{Text: "10.0.0.12:3000: cannot look from there", Unseen: true})
			},
			verdict: VerdictUnknown, summary: "2 of 2 instances registered, links unknown: the licence could not be learnt (rc2)",
			findings: []string{"instance-silent"},
		},
		"waits for nats": {
			change: func(f *Facts) {
				f.Registry.Records = f.Registry.Records[:1]
				f.NATS.Clients = f.NATS.Clients[:1]
			},
			verdict: VerdictFailed, summary: "1 of 2 instances registered, rc2 is missing",
			findings: []string{"instance-missing"},
		},
		"database silent": {
			change: func(f *Facts) {
				f.ReplicaSet = ReplicaSet{Error: refused("10.0.0.10:27017")}
				f.Registry = Registry{Error: refused("10.0.0.10:27017")}
			},
			verdict: VerdictFailed, summary: "2 instances not counted: the registry could not be read",
			findings: []string{"mongodb-silent"},
		},
		"registry refused": {
			change: func(f *Facts) {
				f.Registry = Registry{Error: &Failure{Text: "MongoDB refuses: not authorized"}}
			},
			verdict: VerdictFailed, summary: "2 instances not counted: the registry could not be read",
			findings: []string{"registry-silent"},
		},
		"database host not connected": {
			change: func(f *Facts) {
				unseen := &Failure{Text: "10.0.0.10:27017: cannot look from there", Unseen: true}
				f.ReplicaSet, f.Registry = ReplicaSet{Error: unseen}, Registry{Error: unseen}
				f.Prometheus.Error, f.Grafana.Error, f.NATS.Error = unseen, unseen, unseen
			},
			verdict: VerdictUnknown, summary: "2 instances not counted: the registry could not be read",
			findings: []string{"mongodb-silent", "nats-silent", "prometheus-silent", "grafana-silent"},
		},
		"replica set": {
			change:  func(f *Facts) { f.ReplicaSet.Primary, f.ReplicaSet.Hosts = false, []string{"mongodb:27017"} },
			verdict: VerdictFailed, summary: linked,
			findings: []string{"no-primary", "replica-set-address"},
		},
		"never initiated": {
			change:  func(f *Facts) { f.ReplicaSet = ReplicaSet{Version: "8.0.12"} },
			verdict: VerdictFailed, summary: linked,
			findings: []string{"replica-set-missing"},
		},
		"mongodb version": {
			change:  func(f *Facts) { f.ReplicaSet.Version = "7.0.5" },
			verdict: VerdictWarning, summary: linked, findings: []string{"mongodb-version"},
		},
		"imitated mongodb version": {
			change:  func(f *Facts) { f.ReplicaSet.Version, f.ReplicaSet.Imitation = "7.0.42", "FerretDB" },
			verdict: VerdictOK, summary: linked,
		},
		"ghost": {
			change: func(f *Facts) {
				f.Registry.Records = append(f.Registry.Records, Record{
					ID: "old", Host: "10.0.0.12", Port: 3000, State: Ghost, AgeSeconds: -7131110400,
					Heartbeat: time.Date(2257, 4, 21, 0, 0, 0, 0, time.UTC),
				})
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"ghost"},
		},
		"stale for days": {
			change: func(f *Facts) {
				f.Registry.Records = append(f.Registry.Records, Record{ID: "old", Host: "10.0.0.99", Port: 3000, State: Stale, AgeSeconds: 3 * 86400})
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"stale"},
		},
		"localhost": {
			change:  func(f *Facts) { f.Registry.Records[0].Host = "localhost" },
			verdict: VerdictFailed, summary: "1 of 2 instances registered, rc1 is missing",
			findings: []string{"instance-missing"},
		},
		"localhost of a stranger": {
			change: func(f *Facts) {
				f.Registry.Records = append(f.Registry.Records, Record{ID: "x", Host: "localhost", Port: 3000, State: Fresh})
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"localhost"},
		},
		"wrong address": {
			change:  func(f *Facts) { f.Registry.Records[1].Host = "172.17.0.1" },
			verdict: VerdictFailed, summary: "1 of 2 instances registered, rc2 is missing",
			findings: []string{"instance-missing"},
		},
		"unexpected": {
			change: func(f *Facts) {
				f.Registry.Records = append(f.Registry.Records, Record{ID: "x", Host: "10.0.0.77", Port: 3000, State: Fresh})
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"instance-unexpected"},
		},
		"restarted": {
			change: func(f *Facts) {
				f.Registry.Records[1].Since = f.At.Add(-9 * time.Second)
				f.Registry.Records = append(f.Registry.Records, Record{
					ID: "before", Host: "10.0.0.12", Port: 3000, State: Fresh, AgeSeconds: 20,
					Since: f.At.Add(-time.Hour), Heartbeat: f.At.Add(-20 * time.Second),
				})
			},
			verdict: VerdictOK, summary: linked, findings: []string{"stale"},
		},
		"two at one address": {
			change: func(f *Facts) {
				twin := f.Registry.Records[1]
				twin.ID = "twin"
				f.Registry.Records = append(f.Registry.Records, twin)
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"address-twice"},
		},
		"no id header": {
			change: func(f *Facts) {
				f.Instances[0].ID, f.Instances[1].ID = "", ""
				f.Proxy.Seen, f.Proxy.Anonymous = nil, f.Proxy.Answers
			},
			verdict: VerdictUnknown, summary: linked, findings: []string{"spread-unknown"},
		},
		"wrong version": {
			change: func(f *Facts) {
				for i := range f.Instances {
					f.Instances[i].InfoVersion, f.Instances[i].Metrics.Version = "9.0", "9.0.0"
				}
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"release-other"},
		},
		"two versions": {
			change:  func(f *Facts) { f.Instances[1].Metrics.Version = "8.9.0" },
			verdict: VerdictFailed, summary: linked, findings: []string{"releases-differ"},
		},
		"metrics closed": {
			change:  func(f *Facts) { f.Instances[1].Metrics = Metrics{Error: refused("10.0.0.12:9458")} },
			verdict: VerdictUnknown, summary: linked, findings: []string{"release-unknown"},
		},
		"unhealthy": {
			change: func(f *Facts) {
				f.Instances[1].Healthy, f.Instances[1].HealthText = No, "503 Service Unavailable"
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"instance-unhealthy"},
		},
		"two databases": {
			change:  func(f *Facts) { f.Instances[1].Metrics.UniqueID = "other" },
			verdict: VerdictFailed, summary: linked, findings: []string{"databases-differ"},
		},
		"site url": {
			change:  func(f *Facts) { f.Instances[0].Metrics.SiteURL = "http://localhost:3000/" },
			verdict: VerdictWarning, summary: linked, findings: []string{"site-url"},
		},
		"tcp": {
			workspace: func(w *workspace.Workspace) { w.Messaging.Transporter = workspace.TransporterTCP },
			change: func(f *Facts) {
				f.NATS = NATSReport{}
				f.Registry.Records[0].TCPPort, f.Registry.Records[1].TCPPort = 3301, 3301
			},
			verdict: VerdictOK, summary: linked,
		},
		"tcp without a port": {
			workspace: func(w *workspace.Workspace) { w.Messaging.Transporter = workspace.TransporterTCP },
			change: func(f *Facts) {
				f.NATS = NATSReport{}
				f.Registry.Records[0].TCPPort = 40123
			},
			verdict: VerdictWarning, summary: "2 of 2 instances registered, not linked: no TCP port in the record (rc2)",
			findings: []string{"transporter", "transporter"},
		},
		"tcp instead of nats": {
			change:  func(f *Facts) { f.Registry.Records[1].TCPPort = 40123 },
			verdict: VerdictWarning, summary: "2 of 2 instances registered, not linked: TCP instead of NATS (rc2)",
			findings: []string{"transporter"},
		},
		"nats connections": {
			change:  func(f *Facts) { f.NATS.Clients = []string{"10.0.0.11"} },
			verdict: VerdictWarning, summary: "2 of 2 instances registered, not linked: no connection to NATS (rc2)",
			findings: []string{"nats-connections"},
		},
		"nats behind nat, one gone": {
			change:  func(f *Facts) { f.NATS.Clients = []string{"192.0.2.1"} },
			verdict: VerdictWarning, summary: "2 of 2 instances registered, links unknown: too few connections to NATS", findings: []string{"nats-connections"},
		},
		"nats behind nat": {
			change:  func(f *Facts) { f.NATS.Clients = []string{"192.0.2.1", "192.0.2.1"} },
			verdict: VerdictOK, summary: linked,
		},
		"nats silent": {
			change:  func(f *Facts) { f.NATS = NATSReport{Deployed: true, Error: refused("127.0.0.1:8222")} },
			verdict: VerdictWarning, summary: "2 of 2 instances registered, links unknown: NATS cannot be asked",
			findings: []string{"nats-silent"},
		},
		"proxy sees one": {
			change: func(f *Facts) {
				f.Proxy.Requests, f.Proxy.Answers = 20, 20
				f.Proxy.Seen = []Seen{{ID: "id-1", Answers: 20}}
			},
			verdict: VerdictFailed, summary: linked, findings: []string{"not-in-rotation"},
		},
		"another rocket.chat": {
			change:  func(f *Facts) { f.Proxy.Seen = []Seen{{ID: "x", Answers: 20}} },
			verdict: VerdictFailed, summary: linked, findings: []string{"stranger"},
		},
		"another, or the one of which no id is known": {
			change: func(f *Facts) {
				f.Proxy.Seen = []Seen{{ID: "x", Answers: 20}}
				f.Instances[1].ID, f.Registry = "", Registry{Error: refused("10.0.0.10:27017")}
			},
			verdict: VerdictFailed, summary: "2 instances not counted: the registry could not be read", findings: []string{"registry-silent", "not-in-rotation", "stranger"},
		},
		"restarted behind the proxy": {
			change:  func(f *Facts) { f.Proxy.Seen = append(f.Proxy.Seen, Seen{ID: "x", Answers: 1}) },
			verdict: VerdictWarning, summary: linked, findings: []string{"stranger"},
		},
		"proxy 502": {
			change: func(f *Facts) {
				f.Proxy.Answers, f.Proxy.Seen, f.Proxy.Refused = 0, nil, "/api/info answers 502 Bad Gateway"
			},
			verdict: VerdictFailed, summary: linked, findings: []string{"proxy-refuses"},
		},
		"some 502": {
			change: func(f *Facts) {
				f.Proxy.Requests, f.Proxy.Refused = 3, "/api/info answers 502 Bad Gateway"
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"proxy-refuses"},
		},
		"proxy silent": {
			change: func(f *Facts) {
				e := refused("chat.example.com:443")
				f.Proxy = ProxyReport{
					URL: f.Proxy.URL, Error: e, Certificate: &Certificate{Error: e},
					Redirect: &Redirect{URL: "http://chat.example.com/", Error: refused("chat.example.com:80")},
				}
			},
			verdict: VerdictFailed, summary: linked, findings: []string{"proxy-silent"},
		},
		"default certificate": {
			change: func(f *Facts) {
				f.Proxy.Certificate = &Certificate{
					Subject: "CN=TRAEFIK DEFAULT CERT", Issuer: "CN=TRAEFIK DEFAULT CERT", NotAfter: f.At.AddDate(1, 0, 0),
					Problem: TraefikDefault, Detail: "it is Traefik's own stopgap",
				}
			},
			verdict: VerdictFailed, summary: linked, findings: []string{"certificate"},
		},
		"staging certificate": {
			workspace: func(w *workspace.Workspace) { w.TLS.Mode = workspace.TLSLetsEncryptStaging },
			change: func(f *Facts) {
				f.Proxy.Certificate.Issuer, f.Proxy.Certificate.Problem = "CN=(STAGING) Riddling Rhubarb R12", UnknownAuthority
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"certificate"},
		},
		"unknown authority": {
			change:  func(f *Facts) { f.Proxy.Certificate.Problem = UnknownAuthority },
			verdict: VerdictFailed, summary: linked, findings: []string{"certificate"},
		},
		"expired": {
			change: func(f *Facts) {
				f.Proxy.Certificate.Problem, f.Proxy.Certificate.Detail = Expired, "it ended on 2031-05-03"
			},
			verdict: VerdictFailed, summary: linked, findings: []string{"certificate"},
		},
		"renewal late": {
			change:  func(f *Facts) { f.Proxy.Certificate.NotAfter = f.At.Add(24 * time.Hour) },
			verdict: VerdictWarning, summary: linked, findings: []string{"certificate"},
		},
		"no redirect": {
			change: func(f *Facts) {
				f.Proxy.Redirect = &Redirect{URL: "http://chat.example.com/", Status: 404}
			},
			verdict: VerdictFailed, summary: linked, findings: []string{"redirect-wrong"},
		},
		"port 80 closed": {
			change: func(f *Facts) {
				f.Proxy.Redirect = &Redirect{URL: "http://chat.example.com/", Error: refused("chat.example.com:80")}
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"redirect-silent"},
		},
		"target down": {
			change: func(f *Facts) {
				f.Prometheus.Targets[1].Health = "down"
				f.Prometheus.Targets[1].Error = "Get \"http://10.0.0.11:9458/metrics\": context deadline exceeded"
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"target-down"},
		},
		"a removed instance is still watched": {
			change: func(f *Facts) {
				f.Prometheus.Targets = append(f.Prometheus.Targets, Target{Job: "rocketchat", Address: "10.0.0.19:9458", Health: "up"})
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"target-surplus"},
		},
		"a removed instance is watched and down": {
			change: func(f *Facts) {
				f.Prometheus.Targets = append(f.Prometheus.Targets, Target{Job: "rocketchat", Address: "10.0.0.19:9458", Health: "down"})
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"target-surplus"},
		},
		"target young and target absent": {
			change: func(f *Facts) {
				f.Prometheus.Targets = f.Prometheus.Targets[:2]
				f.Prometheus.Targets[1].Health = "unknown"
			},
			verdict: VerdictUnknown, summary: linked, findings: []string{"target-unknown", "target-missing"},
		},
		"prometheus down": {
			change:  func(f *Facts) { f.Prometheus = PrometheusReport{Deployed: true, Error: refused("127.0.0.1:9090")} },
			verdict: VerdictFailed, summary: linked, findings: []string{"prometheus-silent"},
		},
		"grafana 502": {
			change: func(f *Facts) {
				f.Grafana.ProxyError = &Failure{Text: "https://chat.example.com/grafana/login answers 502 Bad Gateway"}
				f.Grafana.Redirect = nil
			},
			verdict: VerdictFailed, summary: linked, findings: []string{"grafana-proxy"},
		},
		"grafana redirect": {
			change: func(f *Facts) {
				f.Grafana.Redirect.Location, f.Grafana.Redirect.Right = "http:///grafana/login", false
			},
			verdict: VerdictWarning, summary: linked, findings: []string{"grafana-redirect"},
		},
		"no grafana": {
			workspace: func(w *workspace.Workspace) { w.Grafana = workspace.Grafana{Mode: workspace.GrafanaNone} },
			change:    func(f *Facts) { f.Prometheus, f.Grafana = PrometheusReport{}, GrafanaReport{} },
			verdict:   VerdictOK, summary: linked,
		},
		"external database": {
			workspace: func(w *workspace.Workspace) {
				w.Database.External, w.Database.MongoDBPort, w.Database.MongoDBVersion = true, 0, ""
			},
			change: func(f *Facts) {
				f.ReplicaSet.Name, f.ReplicaSet.Me = "atlas-1", "m1.internal:27017"
				f.ReplicaSet.Hosts = []string{"m1.internal:27017", "m2.internal:27017"}
			},
			verdict: VerdictOK, summary: linked,
		},
		"ipv6": {
			workspace: func(w *workspace.Workspace) {
				w.Hosts[2].PrivateIP, w.Hosts[3].PrivateIP = "fd00::b", "fd00::c"
			},
			change:  func(f *Facts) { f.Registry.Records[1].Host = "FD00:0::C" },
			verdict: VerdictOK, summary: linked,
		},
		"control characters": {
			change: func(f *Facts) {
				f.Proxy.Redirect = &Redirect{URL: "http://chat.example.com/", Status: 302, Location: "http://x/\x1b[2J\u202e"}
			},
			verdict: VerdictFailed, summary: linked, findings: []string{"redirect-wrong"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := plan(max(test.instances, 2))
			if test.instances == 1 {
				w = plan(1)
			}
			if test.workspace != nil {
				test.workspace(&w)
				w = w.Complete()
			}
			f := healthy(w)
			if test.change != nil {
				test.change(&f)
			}
			r := Judge(w, f)
			ids := make([]string, 0, len(r.Findings))
			for _, finding := range r.Findings {
				ids = append(ids, finding.ID)
			}
			if r.Verdict != test.verdict || r.Summary != test.summary || !slices.Equal(ids, test.findings) {
				t.Errorf("verdict %s, summary %q, findings %q\nwant    %s, %q, %q", r.Verdict, r.Summary, ids, test.verdict, test.summary, test.findings)
			}
			var b bytes.Buffer
			if err := WriteText(&b, r); err != nil {
				t.Fatal(err)
			}
			golden(t, strings.ReplaceAll(name, " ", "-"), b.Bytes())
			for line := range strings.Lines(b.String()) {
				if len([]rune(line)) > plaintext.Width+1 {
					t.Errorf("line of more than %d columns: %s", plaintext.Width, line)
				}
			}
		})
	}
}

// Of two fresh records at one address the instance's own word decides, else
// the younger.
func TestOwnRecord(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]string{"id-2": "id-2", "": "younger", "gone": "younger"} {
		w := plan(2)
		f := healthy(w)
		younger := f.Registry.Records[1]
		younger.ID, younger.Since = "younger", younger.Since.Add(time.Minute)
		f.Registry.Records = append(f.Registry.Records, younger)
		f.Instances[1].ID = says
		if got := Judge(w, f).Instances[1].Record; got != want {
			t.Errorf("the instance says %q and its record is %q, want %q", says, got, want)
		}
	}
}

// The JSON is read by other programs: its names and shapes are kept.
func TestReportJSON(t *testing.T) {
	t.Parallel()
	w := plan(2)
	f := healthy(w)
	f.Instances[1].License = License{Scalability: No}
	got, err := json.MarshalIndent(Judge(w, f), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", append(got, '\n'))
}
