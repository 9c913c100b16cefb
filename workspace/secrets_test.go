package workspace

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// pem is what a private key looks like, without being one.
const pem = "-----BEGIN PRIVATE KEY-----\nAbC+/=\ndEf\n-----END PRIVATE KEY-----\n"

func TestSecretsRoundTrip(t *testing.T) {
	for _, s := range []Secrets{
		{},
		{AdminPassword: "0123", License: "true", StorageSecretKey: pem, RegistrationToken: " x ", GrafanaAdminPassword: `"$#'\{`, MongoURL: "~"},
		{Hosts: map[string]HostSecrets{"rc1": {SSHPassword: "\tä", SudoPassword: "a: b", KeyPassphrase: "\u0085"}, "db": {}}},
	} {
		out, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, problems := ParseSecrets("", out)
		if len(problems) > 0 {
			t.Fatalf("%s\n%s", problems, out)
		}
		if diff := cmp.Diff(s, back); diff != "" {
			t.Errorf("(-written +read):\n%s\n%s", diff, out)
		}
	}
	if _, err := (Secrets{License: "canary\xff"}).Marshal(); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("what is not UTF-8: %v", err)
	}
}

// Whatever is wrong with secrets.yaml, no problem quotes it.
func TestParseSecretsQuotesNothing(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"admin_pasword: canary", "1: unknown key, much like admin_password"},
		{"canary: x", "1: unknown key\n"},
		{"canary", "1: the file must be a mapping of keys, not something else"},
		{"license: [canary]", "1: license: must be text, not a list"},
		{"license: {canary: 1}", "1: license: must be text, not a mapping"},
		{"hosts: canary", "1: hosts: must be a mapping, not something else"},
		{"hosts: {rc1: {canary: x}}", "1: hosts.rc1: unknown key"},
		{"license: *canary", "not valid YAML"},
		{"license: !canary! x", "not valid YAML"},
		{"license: \"canary", "not valid YAML"},
		{"license: !canary x", "1: license: must be text, not something else"},
		{"license: a\nlicense: canary", "2: the key is there twice, first on line 1"},
		{"canary: a\ncanary: b", "2: the key is there twice, first on line 1"},
		{"license: !!binary Y2FuYXJ5", "1: license: must be text"},
	} {
		_, problems := ParseSecrets("s", []byte(c.text))
		got := problems.String()
		if !strings.Contains(got, c.want) {
			t.Errorf("%q: got %s\nwant %s", c.text, got, c.want)
		}
		if strings.Contains(got, "canary") {
			t.Errorf("%q is quoted: %s", c.text, got)
		}
	}
	if s, problems := ParseSecrets("s", []byte("# nothing yet\n\n")); len(problems) > 0 || !cmp.Equal(s, Secrets{}) {
		t.Errorf("an empty file: %v %v", s, problems)
	}
}

func TestGenerate(t *testing.T) {
	w := load(t, four)
	s, made := Secrets{License: "x"}.Generate(w)
	if !made || s.License != "x" || s.AdminPassword == s.GrafanaAdminPassword {
		t.Errorf("made %v", made)
	}
	for _, p := range []string{s.AdminPassword, s.GrafanaAdminPassword} {
		if !regexp.MustCompile(`^[A-Za-z0-9]{24}$`).MatchString(p) || !strings.ContainsAny(p, "0123456789") {
			t.Errorf("a made password of another form, with %d letters", len(p))
		}
	}
	if again, made := s.Generate(w); made || !cmp.Equal(s, again) {
		t.Error("what is there was made again")
	}
	no := false
	w.Admin.Create, w.Grafana.Mode = &no, GrafanaNone
	if s, made := (Secrets{}).Generate(w); made || !cmp.Equal(s, Secrets{}) {
		t.Error("passwords that nobody needs were made")
	}
}

func TestSecretValues(t *testing.T) {
	s := Secrets{
		AdminPassword:    `a b/"\$<é`,
		MongoURL:         "mongodb://app:p%40ss%2Fword@db1,db2/rocketchat?replicaSet=rs0",
		StorageSecretKey: pem,
		Hosts:            map[string]HostSecrets{"rc1": {SudoPassword: "s"}, "rc2": {SudoPassword: "s"}},
	}
	values := s.Values()
	asJSON, _ := json.Marshal(s.AdminPassword)
	for _, want := range []string{
		s.AdminPassword, url.QueryEscape(s.AdminPassword), url.PathEscape(s.AdminPassword), string(asJSON[1 : len(asJSON)-1]),
		`a b/\"\\$<é`, `a b/\"\\\$<é`, // JSON without HTML in mind, .env
		s.MongoURL, "p%40ss%2Fword", "p@ss/word",
		pem, "AbC+/=", "AbC%2B%2F%3D", strings.ReplaceAll(pem, "\n", `\n`), "s",
	} {
		if !slices.Contains(values, want) {
			t.Errorf("%q is not there", want)
		}
	}
	if !slices.IsSortedFunc(values, func(a, b string) int { return len(b) - len(a) }) {
		t.Error("not the longest first")
	}
	sorted := slices.Sorted(slices.Values(values))
	if len(slices.Compact(sorted)) != len(values) || slices.Contains(values, "") {
		t.Error("doubled or empty values")
	}
	if got := (Secrets{Hosts: map[string]HostSecrets{"x": {}}}).Values(); len(got) != 0 {
		t.Errorf("no secrets: %q", got)
	}
}

// filled is a Secrets in which every field of the schema, now and later, has a
// value of its own, and those values.
func filled(t *testing.T, prefix string) (s Secrets, values []string) {
	t.Helper()
	fill := func(v reflect.Value) {
		for _, field := range v.Fields() {
			if field.Kind() == reflect.String {
				values = append(values, prefix+strconv.Itoa(len(values)))
				field.SetString(values[len(values)-1])
			}
		}
	}
	var h HostSecrets
	fill(reflect.ValueOf(&s).Elem())
	fill(reflect.ValueOf(&h).Elem())
	s.Hosts = map[string]HostSecrets{"rc1": h}
	return s, values
}

// Every field of the schema is known to the redactor and to Override: a new
// secret that is forgotten there fails here.
func TestEveryFieldOfSecrets(t *testing.T) {
	low, _ := filled(t, "low-")
	high, values := filled(t, "high-")
	for _, value := range values {
		if !slices.Contains(high.Values(), value) {
			t.Errorf("%s is not redacted", value)
		}
	}
	for _, c := range []struct {
		name            string
		got, want, from Secrets
	}{
		{"all over all", low.Override(high), high, low},
		{"nothing over all", low.Override(Secrets{}), low, low},
		{"all over nothing", Secrets{}.Override(high), high, high},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		c.got.Hosts["rc1"] = HostSecrets{}
		if c.from.Hosts["rc1"] == (HostSecrets{}) {
			t.Errorf("%s shares memory", c.name)
		}
	}
}

func TestValidateSecrets(t *testing.T) {
	const url = "mongodb://u:canary@a:27017,b:27017/rocketchat?replicaSet=rs0&authSource=admin"
	external := func(w *Workspace) { w.Database.External = true }
	store := func(kind StorageType) func(*Workspace) { return func(w *Workspace) { w.Storage.Type = kind } }
	for _, c := range []struct {
		name    string
		change  func(*Workspace)
		secrets Secrets
		want    []string
	}{
		{"nothing needed", nil, Secrets{}, nil},
		{"external", external, Secrets{}, []string{"mongo_url: missing: the workspace uses an external database"}},
		{"external, right", external, Secrets{MongoURL: url}, nil},
		{"external, srv", external, Secrets{MongoURL: "mongodb+srv://u:canary@c.example.net/rocketchat"}, nil},
		{"external, IPv6", external, Secrets{MongoURL: "mongodb://[fd00::1]:27017/rocketchat?replicaSet=rs0"}, nil},
		{"no scheme", external, Secrets{MongoURL: "canary.example.com/rocketchat"}, []string{"mongo_url: does not begin with"}},
		{"no host", external, Secrets{MongoURL: "mongodb://u:canary@/rocketchat?replicaSet=rs0"}, []string{"mongo_url: names no host"}},
		{"no database", external, Secrets{MongoURL: "mongodb://canary/?replicaSet=rs0"}, []string{"mongo_url: names no database"}},
		{"no replica set", external, Secrets{MongoURL: "mongodb://canary/rocketchat"}, []string{"mongo_url: names no replica set"}},
		{"password with @", external, Secrets{MongoURL: "mongodb://u:can@ry@a/rocketchat?replicaSet=rs0"}, []string{"mongo_url: has more than one @"}},
		{"password with /", external, Secrets{MongoURL: "mongodb://u:canary/x@a/rocketchat?replicaSet=rs0"}, []string{"mongo_url: has a character where none belongs"}},
		{"options", external, Secrets{MongoURL: "mongodb://a/rocketchat?replicaSet=%zz"}, []string{"mongo_url: has options"}},
		{"not external", nil, Secrets{MongoURL: url}, []string{"warning: mongo_url: is not used"}},
		{"s3", store(StorageS3), Secrets{}, []string{"storage_access_key: missing: storage.type is s3", "storage_secret_key: missing"}},
		{"minio", store(StorageMinIO), Secrets{StorageAccessKey: "k"}, []string{"storage_secret_key: missing: storage.type is minio"}},
		{"gcs", store(StorageGCS), Secrets{StorageAccessKey: "k", StorageSecretKey: "canary"}, []string{"storage_secret_key: is not a private key"}},
		{"gcs, right", store(StorageGCS), Secrets{StorageAccessKey: "k", StorageSecretKey: pem}, nil},
		{"sudo", func(w *Workspace) { w.Hosts[2].Sudo = SudoPassword }, Secrets{}, []string{"warning: hosts.rc1.sudo_password: is not kept"}},
		{"host", nil, Secrets{Hosts: map[string]HostSecrets{"rcl": {SSHPassword: "canary"}}}, []string{"warning: hosts: there are secrets of a host"}},
		{"grafana, variable", nil, Secrets{GrafanaAdminPassword: "canary${HOME}"}, []string{"grafana_admin_password: holds ${…}"}},
		{"grafana, file", nil, Secrets{GrafanaAdminPassword: "$__file{/canary}"}, []string{"grafana_admin_password: holds ${…}"}},
		{"grafana, other setting", nil, Secrets{GrafanaAdminPassword: "canary%(domain)s"}, []string{"grafana_admin_password: holds ${…}"}},
		{"grafana, characters that stay", nil, Secrets{GrafanaAdminPassword: "canary$x%y{z}$"}, nil},
		{"grafana, not run", func(w *Workspace) { w.Grafana.Mode = GrafanaNone }, Secrets{GrafanaAdminPassword: "canary${HOME}"}, nil},
		{"line break", nil, Secrets{AdminPassword: "canary\n"}, []string{"admin_password: holds a line break"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := load(t, four)
			if c.change != nil {
				c.change(&w)
			}
			problems := c.secrets.Validate(w)
			if len(problems) != len(c.want) {
				t.Fatalf("want %d problems, have:\n%s", len(c.want), problems)
			}
			for i, p := range problems {
				if !strings.HasPrefix(p.String(), c.want[i]) {
					t.Errorf("got  %s\nwant %s", p, c.want[i])
				}
			}
			if strings.Contains(problems.String(), "canary") {
				t.Errorf("a secret is quoted:\n%s", problems)
			}
		})
	}
}

// A redactor that knows Values leaves nothing of a secret that passes through
// a URL, JSON or an .env file.
func FuzzSecretValues(f *testing.F) {
	for _, seed := range []string{"plain", "a b+c", "p@:/?#%", "\"\\\n$`'", "é<>&\u2028", pem, " "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		if secret == "" {
			return
		}
		values := Secrets{License: secret}.Values()
		var doc bytes.Buffer
		enc := json.NewEncoder(&doc)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(secret); err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{secret, url.QueryEscape(secret), strings.TrimSuffix(doc.String()[1:], "\"\n")} {
			if !slices.Contains(values, form) {
				t.Errorf("%q is not among %q", form, values)
			}
		}
	})
}

// Any text that YAML can hold comes back as it was.
func FuzzSecretsMarshal(f *testing.F) {
	for _, seed := range []string{
		"\n \tx\n\n", "  a\nb", " \n", "\r", "a\r\nb", "\t", "\u0085", "\u2028x", "\ufeff", "#\n-", "a\n\n  b\n", "'\n\"", "...\n", "---\na",
		"\x00", "x\n ", "\n\t", "\tx\ny", "\t\n", "~", "<<", "0x1", "1e3", "a: b", "a #b", "- a", "? a", "*a", "&a", "!a", "%a", "@a", "`a", pem, "\U0001f600", "\ufffe",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		s := Secrets{License: text, Hosts: map[string]HostSecrets{"a": {SSHPassword: text}}}
		out, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, problems := ParseSecrets("", out)
		if len(problems) > 0 || !cmp.Equal(s, back) {
			t.Fatalf("%q became %q\n%s\n%s", text, back.License, problems, out)
		}
	})
}
