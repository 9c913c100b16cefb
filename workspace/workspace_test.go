package workspace

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rcwizard/rcwizard/internal/goldenfile"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with testdata/name, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	goldenfile.Compare(t, *update, filepath.Join("testdata", name), []byte(got))
}

// four is the guide's example: a database, a proxy and two instances.
const four = `version: 1
domain: chat.example.com
email: ops@example.com
release: 8.9.1
hosts:
  - {name: db, address: 10.0.0.10}
  - {name: edge, address: 10.0.0.11}
  - {name: rc1, address: 10.0.0.12}
  - {name: rc2, address: 10.0.0.13}
database: {host: db}
proxy: {host: edge}
instances:
  - {host: rc1}
  - {host: rc2}
`

// load loads what must be without problems.
func load(t *testing.T, text string) Workspace {
	t.Helper()
	w, problems := Load("workspace.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", problems)
	}
	return w
}

// edit replaces one text in the guide's example, which must be there once.
func edit(t *testing.T, pairs ...string) string {
	t.Helper()
	text := four
	for i := 0; i < len(pairs); i += 2 {
		if strings.Count(text, pairs[i]) != 1 {
			t.Fatalf("%q is there %d times", pairs[i], strings.Count(text, pairs[i]))
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

func TestComplete(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text string }{
		{"four", four},
		{"full", string(data)},
		{"one-host", `version: 1
domain: Chat.Example.com
tls: {mode: none}
root_url: https://chat.example.com/
proxy: {host: all, http_port: 3001}
grafana: {domain: Grafana.example.com, path: ""}
messaging: {transporter: tcp}
storage: {type: minio, bucket: chat, endpoint: "http://[fd00::5]:9000"}
database: {host: all, mongodb_port: 3000, prometheus_port: 9458}
hosts: [{name: all, address: "2001:DB8::0010", private_ip: "FD00::0010"}]
instances:
  - {name: all-2, host: all, port: 3002}
  - {host: all}
  - {host: all, metrics_port: 9460}
  - {host: all, tcp_port: 3301}
`},
		{"external", `version: 1
domain: chat.example.com
release: 8.1.0
grafana: {mode: none}
admin: {create: false}
database: {external: true, host: nats}
hosts: [{name: nats, address: local, private_ip: "::ffff:10.0.0.1"}, {name: other, address: "::FFFF:10.0.0.2"}]
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			parsed, problems := Parse(c.name, []byte(c.text))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			before := parsed.Clone()
			w := parsed.Complete()
			out, err := w.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "complete-"+c.name+".golden", string(out))
			if diff := cmp.Diff(w, w.Complete()); diff != "" {
				t.Errorf("completing twice is not completing once (-once +twice):\n%s", diff)
			}
			if diff := cmp.Diff(before, parsed); diff != "" {
				t.Errorf("Complete changed what it was called on (-before +after):\n%s", diff)
			}
		})
	}
}

// What is laid over the file counts before the defaults do.
func TestLoadOverrides(t *testing.T) {
	w, problems := Load("f", []byte(edit(t, "domain: chat.example.com\n", "")), func(w *Workspace) { w.Domain = "talk.example.com" })
	if len(problems) > 0 || w.Name != "talk-example-com" || w.RootURL != "https://talk.example.com" {
		t.Errorf("%q %q\n%s", w.Name, w.RootURL, problems)
	}
	_, problems = Load("f", []byte(four), func(w *Workspace) { w.Release = "9" })
	if len(problems) != 1 || problems[0].Field != "release" {
		t.Errorf("a wrong override: %s", problems)
	}
}

// Nothing that Complete returns may be shared with what it was called on.
func TestCompleteSharesNothing(t *testing.T) {
	w := load(t, edit(t, "email: ops@example.com", "email: ops@example.com\nadmin: {create: true}\nstorage: {type: s3, region: r, bucket: abc, path_style: true, proxy: true}"))
	before := w.Clone()
	c := w.Complete()
	c.Hosts[0].Name, c.Instances[0].Name = "x", "x"
	*c.Admin.Create, *c.Storage.PathStyle, *c.Storage.Proxy, *c.Database.NodeExporterPort = false, false, false, 1
	if diff := cmp.Diff(before, w); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// The ports of a host with many instances are distinct and skip what is taken.
func TestPortsCountUp(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\ndomain: c.example.com\nemail: a@b.example\ndatabase: {host: h, mongodb_port: 3003, nats_port: 9459}\nproxy: {host: h}\nmessaging: {transporter: nats}\nhosts: [{name: h, address: 10.0.0.1, ssh: {port: 3001}}]\ninstances:\n")
	for range 20 {
		b.WriteString("  - {host: h}\n")
	}
	w := load(t, b.String())
	if got := []int{w.Instances[0].Port, w.Instances[1].Port, w.Instances[2].Port, w.Instances[19].Port}; !cmp.Equal(got, []int{3000, 3002, 3004, 3021}) {
		t.Errorf("ports %v", got)
	}
	if got := []int{w.Instances[0].MetricsPort, w.Instances[1].MetricsPort}; !cmp.Equal(got, []int{9458, 9460}) {
		t.Errorf("metrics ports %v", got)
	}
	if w.Instances[19].Name != "h-20" {
		t.Errorf("name %q", w.Instances[19].Name)
	}
}

func TestLookups(t *testing.T) {
	const six = `version: 1
domain: chat.example.com
email: ops@example.com
proxy: {host: edge, https_port: 8443}
tls: {mode: files, cert_file: c.pem, key_file: k.pem}
database: {host: db}
hosts:
  - {name: db, address: "fd00::1"}
  - {name: edge, address: "fd00::2"}
instances: [{host: edge}, {host: db}, {host: edge}]
`
	w := load(t, six)
	for _, c := range []struct{ what, got, want string }{
		{"instance", w.Instances[2].Address(w), "[fd00::2]:3001"},
		{"metrics", w.Instances[2].MetricsAddress(w), "[fd00::2]:9459"},
		{"mongodb", w.MongoDBAddress(), "[fd00::1]:27017"},
		{"nats", w.NATSURL(), "monolith+nats://[fd00::1]:4222"},
		{"grafana address", w.GrafanaAddress(), "[fd00::1]:5050"},
		{"grafana", w.GrafanaURL(), "https://chat.example.com:8443/grafana/"},
		{"database host", w.DatabaseHost().Name, "db"},
		{"proxy host", w.ProxyHost().Name, "edge"},
		{"unknown instance", Instance{Host: "nowhere", Port: 1}.Address(w), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if got, want := w.RolesOn("db"), []Role{RoleDatabase, RoleInstance}; !cmp.Equal(got, want) {
		t.Errorf("roles of db: %v", got)
	}
	if got, want := w.RolesOn("edge"), []Role{RoleInstance, RoleProxy}; !cmp.Equal(got, want) {
		t.Errorf("roles of edge: %v", got)
	}
	if got := w.InstancesOn("edge"); len(got) != 2 || got[1].Name != "edge-2" {
		t.Errorf("instances on edge: %v", got)
	}
	if i, ok := w.Instance("db"); !ok || i.Host != "db" {
		t.Errorf("instance db: %v %v", i, ok)
	}
	if _, ok := w.Host("nowhere"); ok {
		t.Error("a host that is not there was found")
	}

	w = load(t, edit(t, "email:", "grafana: {mode: subdomain, domain: watch.example.com}\nmessaging: {transporter: tcp}\nemail:"))
	if got := w.GrafanaURL(); got != "https://watch.example.com/" {
		t.Errorf("Grafana's URL %q", got)
	}
	if w.NATSURL() != "" {
		t.Errorf("NATS with the transporter tcp: %q", w.NATSURL())
	}
	w.RootURL = "https://chat.example.com:8443"
	if got := w.GrafanaURL(); got != "https://watch.example.com:8443/" {
		t.Errorf("Grafana's URL with a port %q", got)
	}
	w.Database.External = true
	if got := w.MongoDBAddress(); got != "" {
		t.Errorf("the address of an external MongoDB %q", got)
	}
	w = load(t, edit(t, "email:", "grafana: {mode: none}\nemail:"))
	if w.GrafanaURL() != "" || w.GrafanaAddress() != "" {
		t.Errorf("Grafana without monitoring: %q %q", w.GrafanaURL(), w.GrafanaAddress())
	}
}

// What Marshal writes, Parse reads as it was.
func TestMarshalRoundTrip(t *testing.T) {
	yes, no, zero := true, false, 0
	for _, w := range []Workspace{
		{Version: 1},
		load(t, four),
		{
			Version: 1, Name: "8.10", Domain: "yes", Email: "null", Release: "8.10", RootURL: "~", Directory: "0x10",
			TLS:   TLS{Mode: "# no", CAServer: "a: b", CACertFile: " x ", CertFile: "\n \tx\n\n", KeyFile: "\u2028"},
			Admin: Admin{Create: &no}, Database: Database{NodeExporterPort: &zero, External: true},
			Storage:   Storage{Proxy: &no, PathStyle: &yes, Bucket: "=", Region: "<<", Endpoint: "|"},
			Hosts:     []Host{{}, {Name: "- a", SSH: SSH{User: "{", ProxyJump: "a,b", HostKey: "SHA256:x, y: [z]"}}},
			Instances: []Instance{{Port: -1}, {Name: "2026-01-01"}},
		},
	} {
		out, err := w.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, problems := Parse("", out)
		if len(problems) > 0 {
			t.Fatalf("%s\n%s", problems, out)
		}
		if diff := cmp.Diff(w, back, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-written +read):\n%s\n%s", diff, out)
		}
	}
	if _, err := (Workspace{Domain: "\xff"}).Marshal(); err == nil {
		t.Error("what is not UTF-8 was written")
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "wrong", "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, filepath.Join("testdata", "full.yaml")) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range []string{
		"", "{}", "foo: 1", "---\n---\n", "a: &a [*a]", "hosts: &h [*h, *h]\nversion: 1", "<<: {version: 1}", "? [a]\n: b", "version: !!binary aGk=",
		"%YAML 1.1\n---\nversion: 1", "- - -", "version: 99999999999999999999", "name: !x y", "\xff\xfe", "\xef\xbb\xbfversion: 1", "x: *y",
		"hosts: [{ssh: {user: \"\\0\"}}, null, ~]", "tls: {mode: \"\\u2028 \"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, problems := Parse("f", data)
		for _, p := range problems {
			if p.Text == "" || p.Severity != Error {
				t.Errorf("a problem without a text: %+v", p)
			}
		}
		complete, _ := Load("f", data)
		_, _ = ParseSecrets("f", data)
		if len(problems) > 0 {
			return
		}
		for _, w := range []Workspace{w, complete} {
			out, err := w.Marshal()
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			back, problems := Parse("f", out)
			if len(problems) > 0 {
				t.Fatalf("%s\n%s", problems, out)
			}
			if diff := cmp.Diff(w, back, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("(-written +read):\n%s\n%s", diff, out)
			}
		}
		if diff := cmp.Diff(complete, complete.Complete()); diff != "" {
			t.Fatalf("completing twice is not completing once:\n%s", diff)
		}
	})
}
