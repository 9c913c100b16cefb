package question

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace"
)

// Every field of the schema can be asked, but for these.
func TestEveryFieldHasAQuestion(t *testing.T) {
	t.Parallel()
	exceptions := map[string]string{
		"version":          "is always the one that this program writes",
		"database.host":    "is the host with the role d: hosts[].roles",
		"proxy.host":       "is the host with the role p: hosts[].roles",
		"compose":          "is chosen where the files are shown: the wizard's Review page, and --compose",
		"instances[].host": "is the host with the role i: hosts[].roles",
	}
	asked := map[string]bool{}
	for _, q := range All() {
		asked[q.Key] = true
	}
	fields := append(leaves(reflect.TypeFor[workspace.Workspace](), ""), leaves(reflect.TypeFor[workspace.Secrets](), "")...)
	for _, field := range fields {
		_, excepted := exceptions[field]
		if asked[field] == excepted {
			t.Errorf("%s: asked is %v, in the list of exceptions is %v", field, asked[field], excepted)
		}
		delete(asked, field)
		delete(exceptions, field)
	}
	for field := range exceptions {
		t.Errorf("the exception %s is no field", field)
	}
	for key := range asked {
		if key != "hosts" && key != "hosts[].roles" {
			t.Errorf("the question %s is about no field", key)
		}
	}
}

// leaves are the paths of all fields that hold a value, as they stand in All.
func leaves(of reflect.Type, path string) []string {
	switch of.Kind() {
	case reflect.Pointer:
		return leaves(of.Elem(), path)
	case reflect.Slice:
		return leaves(of.Elem(), path+"[]")
	case reflect.Map:
		return leaves(of.Elem(), path+".*")
	case reflect.Struct:
		var out []string
		for f := range of.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			out = append(out, leaves(f.Type, strings.TrimPrefix(path+"."+name, "."))...)
		}
		return out
	default:
		return []string{path}
	}
}

// Every question can be answered and says what was answered; where its field is
// a part of the schema, nothing else changes.
func TestEveryAnswerIsKept(t *testing.T) {
	t.Parallel()
	for _, template := range All() {
		a := four(t)
		a.Workspace.Messaging.Transporter = workspace.TransporterTCP
		q, ok := Find(at(template.Key), a)
		if !ok {
			t.Errorf("%s: no question for %s", template.Key, at(template.Key))
			continue
		}
		answer := "some-text"
		switch q.Kind {
		case Number:
			answer = "4711"
		case Toggle:
			answer = No
			if q.Value(a) == No {
				answer = Yes
			}
		case Addresses:
			answer = "root@192.0.2.77 [2001:db8::1]:2222 local"
		case RoleSet:
			answer = "d i3 p"
		case Choice:
			options := q.Options(a)
			answer = options[len(options)-1].Value
		case Text, Secret:
		}
		if err := q.Set(&a, answer); err != nil {
			t.Errorf("%s: %v", q.Key, err)
		}
		if got := q.Get(a); got != answer {
			t.Errorf("%s: Get is %q after Set of %q", q.Key, got, answer)
		}
	}
}

// at is a key of All for the first host or instance of four.
func at(key string) string {
	return strings.Replace(strings.Replace(key, "[]", "[0]", 1), ".*.", ".db.", 1)
}

// four are the answers for four hosts with their roles.
func four(t *testing.T) Answers {
	t.Helper()
	var a Answers
	answer(t, &a, "hosts", "192.0.2.1, 192.0.2.2\n192.0.2.3 # the last instance\n192.0.2.4")
	return a
}

func answer(t *testing.T, a *Answers, key, value string) {
	t.Helper()
	q, ok := Find(key, *a)
	if !ok {
		t.Fatalf("no question %s", key)
	}
	if err := q.Set(a, value); err != nil {
		t.Fatal(err)
	}
}

// What is the same as the default is not written down, and goes on following.
func TestDefaultsFollow(t *testing.T) {
	t.Parallel()
	a := four(t)
	answer(t, &a, "domain", "chat.example.org")
	answer(t, &a, "name", "chat-example-org")
	answer(t, &a, "root_url", "https://chat.example.org")
	answer(t, &a, "grafana.path", "/grafana")
	answer(t, &a, "domain", "talk.example.org")
	w := a.Workspace.Complete()
	if w.Name != "talk-example-org" || w.RootURL != "https://talk.example.org" {
		t.Errorf("name %q and address %q stayed behind", w.Name, w.RootURL)
	}
}

// A question whose answer does nothing is not asked.
func TestAskedOnlyWhereItMatters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, key, answer string
		asked, not        []string
	}{
		{
			"plain", "domain", "chat.example.org",
			[]string{"email", "admin.username", "grafana.path", "database.mongodb_port"},
			[]string{"tls.ca_server", "tls.cert_file", "grafana.domain", "storage.bucket", "mongo_url", "messaging.tcp_port", "instances[0].tcp_port", "hosts.db.sudo_password"},
		},
		{"own authority", "tls.mode", "acme", []string{"tls.ca_server", "tls.ca_cert_file"}, []string{"tls.key_file"}},
		{"no TLS", "tls.mode", "none", []string{"proxy.http_port"}, []string{"proxy.https_port"}},
		{"no administrator", "admin.create", "no", []string{"email"}, []string{"admin.username", "admin.email", "admin_password"}},
		{"no monitoring", "grafana.mode", "none", nil, []string{"grafana.path", "grafana.port", "grafana_admin_password", "database.prometheus_port"}},
		{"subdomain", "grafana.mode", "subdomain", []string{"grafana.domain"}, []string{"grafana.path"}},
		{"s3", "storage.type", "s3", []string{"storage.bucket", "storage.region", "storage_access_key"}, []string{"storage.project_id"}},
		{"gcs", "storage.type", "gcs", []string{"storage.bucket", "storage.project_id", "storage.proxy"}, []string{"storage.region", "storage.endpoint", "storage.path_style"}},
		{"external", "database.external", "yes", []string{"mongo_url", "database.nats_port"}, []string{"database.mongodb_port", "database.mongodb_version"}},
		{"tcp", "messaging.transporter", "tcp", []string{"messaging.tcp_port", "instances[1].tcp_port"}, []string{"database.nats_port"}},
		{"sudo", "hosts[0].sudo", "password", []string{"hosts.db.sudo_password"}, nil},
		{"this machine", "hosts[0].address", "local", []string{"hosts[0].private_ip"}, []string{"hosts[0].ssh.user", "hosts[0].ssh.host_key", "hosts.db.ssh_password"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := four(t)
			answer(t, &a, tt.key, tt.answer)
			var asked []string
			for _, p := range Pages() {
				for _, q := range On(p, a) {
					asked = append(asked, q.Key)
				}
			}
			for _, key := range tt.asked {
				if !slices.Contains(asked, key) {
					t.Errorf("%s is not asked", key)
				}
			}
			for _, key := range tt.not {
				if slices.Contains(asked, key) {
					t.Errorf("%s is asked, and does nothing", key)
				}
			}
			for n, key := range asked {
				if slices.Index(asked, key) != n {
					t.Errorf("%s is asked twice", key)
				}
			}
		})
	}
}

// An answer is judged with the validation's own words.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key, answer string
		set         map[string]string
		want        string // in the first error, or "" for none
	}{
		{key: "domain", answer: "https://chat.example.org", want: "is not a name, but an address"},
		{key: "domain", answer: "", want: "missing"},
		{key: "domain", answer: "chat.lan"}, // the certificate's to say
		{key: "tls.mode", answer: "", set: map[string]string{"domain": "chat.lan"}, want: "Let's Encrypt issues no certificate for chat.lan"},
		{key: "tls.mode", answer: "none", set: map[string]string{"domain": "chat.lan"}},
		{key: "tls.mode", answer: "acme"}, // its address is asked for next
		{key: "tls.mode", answer: "magic", want: "choices"},
		{key: "email", answer: "ops", want: "is not an e-mail address"},
		{key: "release", answer: "9.0", want: "is not a release of the form X.Y.Z"},
		{key: "release", answer: "8.6.1"},
		{key: "proxy.https_port", answer: "0", want: "a number other than 0"},
		{key: "proxy.https_port", answer: "eight", want: "must be a number"},
		{key: "proxy.https_port", answer: "70000", want: "70000"},
		{key: "admin.create", answer: "perhaps", want: "must be yes or no"},
		{key: "hosts", answer: "", want: "there is no host"},
		{key: "hosts", answer: "192.0.2.300", want: "is not an IP address"},
		{key: "hosts[1].address", answer: "192.0.2.1", want: "is also the address of db"},
		{key: "hosts[1].address", answer: "root@192.0.2.9:99999", want: "99999 is not a port"},
		{key: "hosts[1].roles", answer: "q", want: "is not a role"},
		{key: "hosts[1].name", answer: "db", want: "is also the name of"},
		{key: "mongo_url", answer: "", set: map[string]string{"database.external": "yes"}, want: "missing"},
		{key: "mongo_url", answer: "http://db", set: map[string]string{"database.external": "yes"}, want: "does not begin with mongodb://"},
		{key: "grafana.path", answer: "/api", want: "Rocket.Chat itself answers"},
	} {
		t.Run(tt.key+"="+tt.answer, func(t *testing.T) {
			t.Parallel()
			a := four(t)
			for key, value := range tt.set {
				answer(t, &a, key, value)
			}
			q, ok := Find(tt.key, a)
			if !ok {
				t.Fatal("no such question")
			}
			before := a.Clone()
			found := q.Check(a, tt.answer).Errors()
			if diff := cmp.Diff(before, a); diff != "" {
				t.Errorf("Check changed the answers:\n%s", diff)
			}
			switch {
			case tt.want == "" && len(found) > 0:
				t.Errorf("refused: %v", found)
			case tt.want != "" && (len(found) == 0 || !strings.Contains(found[0].Text, tt.want)):
				t.Errorf("got %v, want %q", found, tt.want)
			}
		})
	}
}

// The certificate is asked for on the domain's page only if the usual one is
// impossible.
func TestCertificateWhereItMatters(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]Page{"": Advanced, "chat.example.org": Advanced, "chat.lan": Workspace, "chat": Workspace, "://": Advanced} {
		a := four(t)
		answer(t, &a, "domain", domain)
		q, _ := Find("tls.mode", a)
		if got := q.Page(a); got != want {
			t.Errorf("%q: on the page %v, want %v", domain, got, want)
		}
	}
}

// The answers as a whole say what is wrong, and on which page it is mended.
func TestProblems(t *testing.T) {
	t.Parallel()
	var a Answers
	for _, p := range Problems(a) {
		if p.Severity == workspace.Error && p.Page != Servers && p.Page != Workspace {
			t.Errorf("of no answers at all: on the page %v: %v", p.Page, p.Problem)
		}
	}
	a = four(t)
	if found := Errors(Servers, a); len(found) > 0 {
		t.Errorf("four addresses are not enough: %v", found)
	}
	answer(t, &a, "hosts[3].roles", "")
	if found := Errors(Servers, a); len(found) != 1 || found[0].Field != "proxy.host" {
		t.Errorf("no proxy: %v", found)
	}
	answer(t, &a, "hosts[3].roles", "p")
	answer(t, &a, "domain", "chat.example.org")
	answer(t, &a, "email", "ops@example.org")
	for _, p := range Problems(a) {
		if p.Severity == workspace.Error {
			t.Errorf("eight answers are not enough: %v", p.Problem)
		}
	}
	data, err := a.File()
	if err != nil {
		t.Fatal(err)
	}
	if w, problems := workspace.Load("workspace.yaml", data); problems.Err() != nil || !reflect.DeepEqual(w, a.Workspace.Complete()) {
		t.Errorf("the file is not what was answered: %v", problems)
	}
}
