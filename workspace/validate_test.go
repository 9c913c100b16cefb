package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Wrong files, and every message that a person would see for them.
func TestWrongFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "wrong", "*.yaml"))
	if err != nil || len(files) < 10 {
		t.Fatal(len(files), err)
	}
	var all strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, problems := Load(filepath.Base(file), data)
		if problems.Err() == nil {
			t.Errorf("%s: no error", file)
		}
		all.WriteString(problems.String() + "\n\n")
	}
	golden(t, "wrong.golden", all.String())
}

// Every message of Validate: what is edited in the guide's example, and the one
// problem that it makes.
func TestValidate(t *testing.T) {
	const (
		domain = "domain: chat.example.com"
		email  = "email: ops@example.com"
		db     = "database: {host: db}"
		edge   = "proxy: {host: edge}"
		rc1    = "  - {host: rc1}\n"
		rc2    = "  - {host: rc2}\n"
		hostDB = "{name: db, address: 10.0.0.10}"
		host2  = "{name: rc2, address: 10.0.0.13}"
	)
	also := func(text string) []string { return []string{email, email + "\n" + text} }
	host := func(text string) []string { return []string{host2, "{name: rc2, " + text + "}"} }
	for _, c := range []struct {
		name string
		edit []string
		want string // severity, field, and the beginning of the text
	}{
		{"no domain", []string{domain, ""}, "error domain: missing"},
		{"domain with scheme", []string{domain, "domain: https://chat.example.com"}, "error domain: \"https://chat.example.com\" is not a name, but"},
		{"domain with port", []string{domain, "domain: chat.example.com:8443"}, "error domain: \"chat.example.com:8443\" is not a name, but"},
		{"domain is an address", []string{domain, "domain: 192.0.2.1"}, "error domain: \"192.0.2.1\" is an IP address"},
		{"domain is IPv6", []string{domain, "domain: '2001:db8::1'"}, "error domain: \"2001:db8::1\" is an IP address"},
		{"domain in Unicode", []string{domain, "domain: chät.example.com"}, "error domain: \"chät.example.com\" has letters outside ASCII"},
		{"domain with underscore", []string{domain, "domain: my_chat.example.com"}, "error domain: \"my_chat.example.com\" is not the name of a host"},
		{"domain ends with a dot", []string{domain, "domain: chat.example.com."}, "error domain: \"chat.example.com.\" is not the name"},
		{"compose unknown", also("compose: theirs"), "error compose: \"theirs\" is no kind of compose files"},
		{"compose at a branch", also("compose: official@main"), "error compose: \"main\" is no commit"},
		{"compose at a part of a commit", also("compose: official@f693f76"), "error compose: \"f693f76\" is no commit"},
		{"compose at a commit", also("compose: official@" + strings.Repeat("0a", 20)), "warning compose: official@0a"},
		{"domain not public", []string{domain, "domain: chat.corp.local"}, "error domain: Let's Encrypt issues no certificate for chat.corp.local"},
		{"domain of one label", []string{domain, "domain: chat"}, "error domain: Let's Encrypt issues no certificate for chat,"},
		{"name", also("name: My Chat"), "error name: \"My Chat\" cannot be the name of a workspace"},
		{"no email", []string{email, ""}, "error email: missing: the account with the certificate authority needs"},
		{"email", []string{email, "email: Ops <ops@example.com>"}, "error email: \"Ops <ops@example.com>\" is not an e-mail address"},
		{"release latest", []string{"8.9.1", "latest"}, "error release: \"latest\" is not a release"},
		{"release with v", []string{"8.9.1", "v8.9.1"}, "error release: \"v8.9.1\" is not a release"},
		{"release without a patch", []string{"8.9.1", "8.10"}, "error release: \"8.10\" is not a release"},
		{"MongoDB unknown", []string{"8.9.1", "6.13.1"}, "error release: it is not known which MongoDB"},
		{"MongoDB given", []string{"8.9.1", "6.13.1", db, "database: {host: db, mongodb_version: 6.0}"}, ""},
		{"MongoDB external", []string{"8.9.1", "6.13.1", db, "database: {host: db, external: true}"}, ""},
		{"MongoDB undeclared", []string{db, "database: {host: db, mongodb_version: 8.2}"}, "warning database.mongodb_version: Rocket.Chat 8.9.1 declares MongoDB 8.0, not 8.2"},
		{"MongoDB patch", []string{db, "database: {host: db, mongodb_version: 8.0.12}"}, ""},
		{"MongoDB form", []string{db, "database: {host: db, mongodb_version: 8}"}, "error database.mongodb_version: \"8\" is not a version"},

		{"TLS mode", also("tls: {mode: letsencript}"), "error tls.mode: \"letsencript\" is not a mode of TLS"},
		{"Let's Encrypt on another port", []string{edge, "proxy: {host: edge, https_port: 8443}"}, "error proxy.https_port: Let's Encrypt proves the domain on port 443 only, not on 8443"},
		{"staging on another port", append(also("tls: {mode: letsencrypt-staging}"), edge, "proxy: {host: edge, https_port: 8443}"), "error proxy.https_port: Let's Encrypt proves"},
		{"ACME on another port", append(also("tls: {mode: acme, ca_server: 'https://ca.corp/dir'}"), edge, "proxy: {host: edge, https_port: 8443}"), ""},
		{"ACME without server", also("tls: {mode: acme}"), "error tls.ca_server: missing"},
		{"ACME over http", also("tls: {mode: acme, ca_server: 'http://ca.corp/dir'}"), "error tls.ca_server: \"http://ca.corp/dir\" is not an https:// URL"},
		{"files without certificate", also("tls: {mode: files, key_file: k}"), "error tls.cert_file: missing"},
		{"files without key", also("tls: {mode: files, cert_file: c}"), "error tls.key_file: missing"},
		{"server not used", also("tls: {ca_server: 'https://ca.corp/dir'}"), "warning tls.ca_server: is not used in mode letsencrypt"},
		{"files not used", also("tls: {key_file: k}"), "warning tls.key_file: is not used in mode letsencrypt"},

		{"root URL", also("root_url: chat.example.com"), "error root_url: \"chat.example.com\" is not an http:// or https:// URL"},
		{"root URL of another domain", also("root_url: https://chat.example.org"), "error root_url: its name is \"chat.example.org\""},
		{"root URL with a path", also("root_url: https://chat.example.com/chat"), "error root_url: \"https://chat.example.com/chat\" has more than"},
		{"root URL without TLS", also("root_url: http://chat.example.com"), "error root_url: begins with http://"},
		{"root URL with a port", also("root_url: https://chat.example.com:8443"), "warning root_url: leads to port 8443, but the proxy listens on 443"},
		{"root URL with a slash", also("root_url: https://chat.example.com/"), ""},
		{"TLS in front", also("tls: {mode: none}\nroot_url: https://chat.example.com"), ""},
		{"HTTP on another port", append(also("tls: {mode: none}\nroot_url: http://chat.example.com"), edge, "proxy: {host: edge, http_port: 8080}"), "warning root_url: leads to port 80, but the proxy listens on 8080"},

		{"Grafana mode", also("grafana: {mode: subdomian}"), "error grafana.mode: \"subdomian\" is not a mode"},
		{"Grafana subdomain without a name", also("grafana: {mode: subdomain}"), "error grafana.domain: Grafana has neither"},
		{"Grafana path emptied", also("grafana: {mode: path, path: ''}"), "error grafana.path: Grafana has neither"},
		{"Grafana on the domain", also("grafana: {domain: Chat.example.com}"), "error grafana.domain: \"chat.example.com\" is the workspace's own"},
		{"Grafana domain", also("grafana: {domain: 'https://g.example.com'}"), "error grafana.domain: \"https://g.example.com\" is not a name"},
		{"Grafana path without a slash", also("grafana: {path: grafana}"), "error grafana.path: \"grafana\" does not begin with a slash"},
		{"Grafana at the root", also("grafana: {path: /}"), "error grafana.path: / is where Rocket.Chat itself is"},
		{"Grafana path with a slash", also("grafana: {path: /grafana/}"), "error grafana.path: \"/grafana/\" ends with a slash"},
		{"Grafana path with a dot", also("grafana: {path: /a/../b}"), "error grafana.path: \"/a/../b\" is not a plain path"},
		{"Grafana path with a backtick", also("grafana: {path: '/a`b'}"), "error grafana.path: \"/a`b\" is not a plain path"},
		{"Grafana over the API", also("grafana: {path: /api/grafana}"), "error grafana.path: Rocket.Chat itself answers below /api"},
		{"Grafana domain not used", also("grafana: {mode: path, domain: g.example.com}"), "warning grafana.domain: is not used in mode path"},
		{"Grafana path not used", also("grafana: {mode: subdomain, domain: g.example.com, path: /g}"), "warning grafana.path: is not used in mode subdomain"},
		{"Grafana none", also("grafana: {mode: none, port: 5050}"), "warning grafana: mode none deploys no monitoring"},

		{"admin name", also("admin: {username: the admin}"), "error admin.username: \"the admin\" cannot be a name"},
		{"admin email", also("admin: {email: nobody}"), "error admin.email: \"nobody\" is not an e-mail address"},
		{"no admin", also("admin: {create: false}"), "warning admin.create: rcwizard makes no administrator"},
		{"admin without email", []string{email, "tls: {mode: none}"}, "warning admin.email: the first administrator has no e-mail address"},

		{"directory relative", also("directory: rocketchat"), "error directory: \"rocketchat\" is not an absolute path"},
		{"directory with dots", also("directory: /opt/../srv/chat"), "error directory: \"/opt/../srv/chat\" is not a plain path"},
		{"directory with a space", also("directory: /opt/rocket chat"), "error directory: \"/opt/rocket chat\" has a character"},
		{"directory of the system", also("directory: /opt"), "error directory: /opt is a directory of the system"},
		{"directory root", also("directory: /"), "error directory: \"/\" has a character"},
		{"directory in memory", also("directory: /tmp/chat"), "error directory: what is below /tmp does not outlast"},

		{"no address", host("private_ip: 10.0.0.13"), "error hosts[3].address: missing"},
		{"address with user", host("address: root@rc2, private_ip: 10.0.0.13"), "error hosts[3].address: \"root@rc2\" holds a user"},
		{"address with port", host("address: 'rc2:22', private_ip: 10.0.0.13"), "error hosts[3].address: \"rc2:22\" holds a port"},
		{"address in brackets", host("address: '[fd00::1]', private_ip: 10.0.0.13"), "error hosts[3].address: an IPv6 address is written without brackets"},
		{"address of a network", host("address: 10.0.0.13/24, private_ip: 10.0.0.13"), "error hosts[3].address: \"10.0.0.13/24\" is a network"},
		{"address out of range", host("address: 10.0.0.256, private_ip: 10.0.0.13"), "error hosts[3].address: \"10.0.0.256\" is not an IP address"},
		{"address unspecified", host("address: 0.0.0.0, private_ip: 10.0.0.13"), "error hosts[3].address: 0.0.0.0 is not the address of a host"},
		{"address as an option", host("address: -oProxyCommand=x, private_ip: 10.0.0.13"), "error hosts[3].address: \"-oProxyCommand=x\" is neither"},
		{"address is a name", host("address: rc2_vm.example.com, private_ip: 10.0.0.13"), ""},
		{"address with a zone", host("address: 'fe80::1%eth0', private_ip: 10.0.0.13"), ""},
		{"address behind another port", host("address: 10.0.0.12, private_ip: 10.0.0.13, ssh: {port: 2222}"), ""},
		{"address behind a jump host", host("address: 10.0.0.12, private_ip: 10.0.0.13, ssh: {proxy_jump: bastion}"), ""},
		{"address twice", host("address: 10.0.0.12, private_ip: 10.0.0.13"), "error hosts[3].address: 10.0.0.12 is also the address of rc1"},
		{"private address twice", host("address: 10.0.0.13, private_ip: 10.0.0.12"), "error hosts[3].private_ip: 10.0.0.12 is also the private address of rc1"},
		{"private address missing", host("address: rc2.example.com"), "error hosts[3].private_ip: missing: the address of rc2 is a name"},
		{"private address of this machine missing", host("address: local"), "error hosts[3].private_ip: missing: rc2 is this machine"},
		{"private address is a name", host("address: 10.0.0.13, private_ip: rc2"), "error hosts[3].private_ip: \"rc2\" is not an IP address"},
		{"private address with a zone", host("address: 10.0.0.13, private_ip: 'fe80::1%eth0'"), "error hosts[3].private_ip: fe80::1%eth0 holds only on one interface"},
		{"private address link-local", host("address: 10.0.0.13, private_ip: 'fe80::1'"), "error hosts[3].private_ip: fe80::1 is a link-local address"},
		{"private address unspecified", host("address: 10.0.0.13, private_ip: '::'"), "error hosts[3].private_ip: :: means every address"},
		{"private address multicast", host("address: 10.0.0.13, private_ip: 224.0.0.1"), "error hosts[3].private_ip: 224.0.0.1 is"},
		{"private address loopback", host("address: 10.0.0.13, private_ip: 127.0.0.1"), "error hosts[3].private_ip: 127.0.0.1 is reached from rc2 only"},
		{"private address public", host("address: 10.0.0.13, private_ip: 8.8.8.8"), "warning hosts[3].private_ip: 8.8.8.8 is a public address"},
		{"private address of a VPN", host("address: 10.0.0.13, private_ip: 100.64.0.9"), ""},
		{"private address of the other family", host("address: 10.0.0.13, private_ip: 'fd00::1'"), "error hosts[3].private_ip: fd00::1 is IPv6, but that of db is IPv4"},

		{"host name", []string{hostDB, "{name: DB.corp, address: 10.0.0.10}", db, "database: {host: DB.corp}"}, "error hosts[0].name: \"DB.corp\" cannot be the name"},
		{"host name twice", []string{hostDB, "{name: db, address: 10.0.0.10}\n  - {name: db, address: 10.0.0.14}"}, "error hosts[1].name: \"db\" is also the name of hosts[0]"},
		{"host unused", []string{hostDB, "{name: db, address: 10.0.0.10}\n  - {name: spare, address: 10.0.0.14}"}, "warning hosts[1]: nothing runs on spare"},
		{"SSH user", host("address: 10.0.0.13, ssh: {user: -x}"), "error hosts[3].ssh.user: \"-x\" cannot be the name"},
		{"SSH port", host("address: 10.0.0.13, ssh: {port: 70000}"), "error hosts[3].ssh.port: 70000 is not a port"},
		{"SSH key", host("address: 10.0.0.13, ssh: {host_key: 'MD5:aa:bb'}"), "error hosts[3].ssh.host_key: \"MD5:aa:bb\" is not the fingerprint"},
		{"SSH key right", host("address: 10.0.0.13, ssh: {host_key: 'SHA256:" + strings.Repeat("a", 43) + "'}"), ""},
		{"jump host", host("address: 10.0.0.13, ssh: {proxy_jump: '-oProxyCommand=x'}"), "error hosts[3].ssh.proxy_jump: \"-oProxyCommand=x\" is not a jump host"},
		{"jump hosts", host("address: 10.0.0.13, ssh: {proxy_jump: 'me@bastion:2222,[fd00::1]:22'}"), ""},
		{"sudo", host("address: 10.0.0.13, sudo: nopasswd"), "error hosts[3].sudo: \"nopasswd\" is not a way of sudo"},
		{"SSH to this machine", host("address: local, private_ip: 10.0.0.13, ssh: {user: me}"), "warning hosts[3].ssh: is not used: rc2 is this machine"},

		{"database host", []string{db, "database: {host: bd}"}, "error database.host: there is no host \"bd\""},
		{"no database host", []string{db, ""}, "error database.host: missing: the host of MongoDB"},
		{"no host for NATS", []string{db, "database: {external: true}"}, "error database.host: missing: the host of NATS and monitoring"},
		{"database host without work", append(also("grafana: {mode: none}\nmessaging: {transporter: tcp}"), db, "database: {external: true, host: rc1}", "  - "+hostDB+"\n", ""), "warning database.host: is not used"},
		{"external version", []string{db, "database: {host: db, external: true, mongodb_version: 8.0}"}, "warning database.mongodb_version: is not used"},
		{"external port", []string{db, "database: {host: db, external: true, mongodb_port: 27017}"}, "warning database.mongodb_port: is not used"},
		{"no proxy host", []string{edge, ""}, "error proxy.host: missing"},
		{"instance host", []string{rc1, "  - {host: rc3}\n"}, "error instances[0].host: there is no host \"rc3\""},
		{"instance without a host", []string{rc1, "  - {}\n"}, "error instances[0].host: missing"},
		{"no instance", []string{"instances:\n" + rc1 + rc2, ""}, "error instances: there is no instance"},
		{"one instance", []string{rc1, "", "  - {name: rc1, address: 10.0.0.12}\n", ""}, "warning instances: there is only one instance"},
		{"instance name twice", []string{rc1, "  - {host: rc1, name: a}\n", rc2, "  - {host: rc2, name: a}\n"}, "error instances[1].name: \"a\" is also the name of instances[0]"},
		{"instance name", []string{rc1, "  - {host: rc1, name: A_1}\n"}, "error instances[0].name: \"A_1\" cannot be the name"},
		{"instance named like a host", []string{rc1, "  - {host: rc1, name: db}\n"}, "error instances[0].name: \"db\" is the name of another host"},

		{"port of two services", []string{db, "database: {host: db, prometheus_port: 4222}"}, "error database.prometheus_port: port 4222 of host db is wanted twice: by NATS and by Prometheus"},
		{"port of the exporter", []string{db, "database: {host: db, mongodb_port: 9216}"}, "error database.mongodb_port: port 9216 of host db is wanted twice: by MongoDB and by the MongoDB exporter"},
		{"port of the proxy's health", []string{"proxy: {host: edge", "proxy: {host: edge, http_port: 8082"}, "error proxy.http_port: port 8082 of host edge is wanted twice: by the proxy (HTTP) and by the proxy (health)"},
		{"port of NATS monitoring", []string{db, "database: {host: db, prometheus_port: 8222}"}, "error database.prometheus_port: port 8222"},
		{"port of Grafana", also("grafana: {port: 9090}"), "error grafana.port: port 9090"},
		{"port of Grafana, no number", also("grafana: {port: 99999}"), "error grafana.port: 99999 is not a port"},
		{"port of the proxy", []string{edge, "proxy: {host: edge, http_port: 443}"}, "error proxy.https_port: port 443 of host edge is wanted twice"},
		{"ports of an instance", []string{rc1, "  - {host: rc1, port: 3000, metrics_port: 3000}\n"}, "error instances[0].metrics_port: port 3000 of host rc1 is wanted twice: by instance rc1 and by instance rc1 (metrics)"},
		{"ports of two instances", []string{rc1, "  - {host: rc1, metrics_port: 3000}\n  - {host: rc1, port: 3000}\n"}, "error instances[1].port: port 3000"},
		{"port of SSH", []string{rc1, "  - {host: rc1, port: 22}\n"}, "warning instances[0].port: instance rc1 wants port 22 of host rc1, where SSH connects"},
		{"port negative", []string{rc1, "  - {host: rc1, port: -1}\n"}, "error instances[0].port: -1 is not a port"},
		{"no port free", append(also("messaging: {transporter: tcp, tcp_port: 65535}"), rc1, rc1+rc1), "error instances[1].tcp_port: no port is free"},
		{"node exporter off", []string{db, "database: {host: db, node_exporter_port: 0, prometheus_port: 9100}"}, ""},
		{"node exporter negative", []string{db, "database: {host: db, node_exporter_port: -1}"}, "error database.node_exporter_port: -1 is not a port"},

		{"transporter", also("messaging: {transporter: nat}"), "error messaging.transporter: \"nat\" is not a transporter"},
		{"tcp port not used", also("messaging: {tcp_port: 3301}"), "warning messaging.tcp_port: is not used"},
		{"tcp port of an instance not used", []string{rc1, "  - {host: rc1, tcp_port: 3301}\n"}, "warning instances[0].tcp_port: is not used"},
		{"tcp port", also("messaging: {transporter: tcp, tcp_port: 70000}"), "error messaging.tcp_port: 70000 is not a port"},

		{"storage type", also("storage: {type: s4}"), "error storage.type: \"s4\" is not a kind of storage"},
		{"storage bucket missing", also("storage: {type: gcs}"), "error storage.bucket: missing"},
		{"storage bucket", also("storage: {type: gcs, bucket: My Bucket}"), "error storage.bucket: \"My Bucket\" cannot be"},
		{"storage region", also("storage: {type: s3, bucket: chat}"), "error storage.region: missing"},
		{"storage endpoint missing", also("storage: {type: minio, bucket: chat}"), "error storage.endpoint: missing"},
		{"storage endpoint", also("storage: {type: minio, bucket: chat, endpoint: 'minio:9000'}"), "error storage.endpoint: \"minio:9000\" is not an http:// or https:// URL"},
		{"storage endpoint with bucket", also("storage: {type: minio, bucket: chat, endpoint: 'http://minio:9000/chat'}"), "error storage.endpoint: \"http://minio:9000/chat\" has a path"},
		{"storage endpoint with keys", also("storage: {type: minio, bucket: chat, endpoint: 'http://key:canary@minio:9000'}"), "error storage.endpoint: holds a user or a password"},
		{"storage endpoint private", also("storage: {type: minio, bucket: chat, endpoint: 'http://10.0.0.20:9000', proxy: false}"), "warning storage.proxy: browsers are sent to 10.0.0.20:9000"},
		{"storage not used", also("storage: {bucket: chat}"), "warning storage: type gridfs keeps files in MongoDB"},
		{"storage project", also("storage: {type: s3, bucket: chat, region: r, project_id: p}"), "warning storage.project_id: is used by type gcs only"},
		{"storage gcs", also("storage: {type: gcs, bucket: chat, region: r}"), "warning storage: type gcs does not use"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := Load("w.yaml", []byte(edit(t, c.edit...)))
			if c.want == "" {
				if len(problems) > 0 {
					t.Errorf("unexpected:\n%s", problems)
				}
				return
			}
			if len(problems) != 1 {
				t.Fatalf("want one problem, have %d:\n%s", len(problems), problems)
			}
			p := problems[0]
			if got := p.Severity.String() + " " + p.Field + ": " + p.Text; !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if p.Hint == "" {
				t.Error("no hint: what is a person to do?")
			}
			if strings.Contains(problems.String(), "canary") {
				t.Error("a password is quoted")
			}
		})
	}
}

func TestOneHostOnLoopback(t *testing.T) {
	load(t, `version: 1
domain: localhost
tls: {mode: none}
admin: {email: a@b.example}
hosts: [{name: all, address: local, private_ip: 127.0.0.1}]
database: {host: all}
proxy: {host: all}
instances: [{host: all}, {host: all}]
`)
}

func TestProblems(t *testing.T) {
	p := Problems{
		{Severity: Warning, Text: "w"},
		{File: "f", Line: 3, Field: "a.b", Text: "t", Hint: "h"},
		{File: "f", Text: "u"},
	}
	if got, want := p.String(), "warning: w\nf:3: a.b: t\n    h\nf: u"; got != want {
		t.Errorf("%q", got)
	}
	if len(p.Warnings()) != 1 || p.Warnings().Err() != nil {
		t.Errorf("warnings: %v", p.Warnings())
	}
	var invalid *InvalidError
	if err := p.Err(); !errors.As(err, &invalid) || len(invalid.Problems) != 2 || err.Error() != "2 problems:\nf:3: a.b: t\n    h\nf: u" {
		t.Errorf("error: %v", err)
	}
}

// Files of which there is nothing to validate, and the one thing that they are
// told.
func TestParseNothing(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "f: the file is empty"},
		{"# nothing\n", "f: the file is empty"},
		{"---\n", "f: the file is empty"},
		{"hosts", "f:1: the file must be a mapping of keys, not \"hosts\""},
		{strings.Repeat("x", 100), "f:1: the file must be a mapping of keys, not \"" + strings.Repeat("x", 60) + "…\""},
		{"- version: 1", "f:1: the file must be a mapping of keys, not a list"},
		{"{}", "f:1: version: the file does not say which version"},
		{"version: 1\n---\nversion: 1", "f:2: the file holds more than one document"},
		{"version: 1\n<<: {name: x}", "f:2: merge keys (<<) are not supported"},
		{"version: 1\n? [a]\n: b", "f:2: a key must be a word"},
		{"version: one", "f:1: version: must be a whole number, not \"one\""},
	} {
		_, problems := Parse("f", []byte(c.text))
		if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), c.want) {
			t.Errorf("%q: %s", c.text, problems)
		}
	}
}
