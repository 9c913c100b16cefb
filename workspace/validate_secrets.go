package workspace

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Validate says which secrets the workspace needs and are not there, each named
// by its key, and which cannot be right. Passwords that Generate makes are not
// missed. Texts never quote a secret.
//
// A password of sudo that is not kept is a warning, because a person can be
// asked for it; whether the password of a login or a key is needed, only the
// host knows.
func (s Secrets) Validate(w Workspace) Problems {
	var found Problems
	add := func(severity Severity, field, text, hint string) {
		found = append(found, Problem{Severity: severity, Field: field, Text: text, Hint: hint})
	}
	missing := func(field, why string) {
		add(Error, field, "missing: "+why, "write it into secrets.yaml under that key")
	}
	switch {
	case w.Database.External && s.MongoURL == "":
		missing("mongo_url", "the workspace uses an external database (database.external)")
	case w.Database.External:
		if text, hint := checkMongoURL(s.MongoURL); text != "" {
			add(Error, "mongo_url", text, hint)
		}
	case s.MongoURL != "":
		add(Warning, "mongo_url", "is not used: rcwizard deploys MongoDB itself", "set database.external: true to use it")
	}
	switch w.Storage.Type {
	case StorageS3, StorageMinIO, StorageGCS:
		if s.StorageAccessKey == "" {
			missing("storage_access_key", "storage.type is "+string(w.Storage.Type))
		}
		if s.StorageSecretKey == "" {
			missing("storage_secret_key", "storage.type is "+string(w.Storage.Type))
		} else if w.Storage.Type == StorageGCS && !strings.Contains(s.StorageSecretKey, "PRIVATE KEY-----") {
			add(Error, "storage_secret_key", "is not a private key in PEM form, which storage.type gcs needs",
				"take private_key from the service account's JSON file, with its line breaks (a block that begins with |)")
		}
	default:
	}
	for _, host := range w.Hosts {
		if host.Sudo == SudoPassword && s.Hosts[host.Name].SudoPassword == "" {
			add(Warning, "hosts."+host.Name+".sudo_password", "is not kept, and sudo on "+host.Name+" wants one",
				"it is asked for in every run; without a person there, write it into secrets.yaml under that key")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Hosts)) {
		if _, ok := w.Host(name); !ok {
			add(Warning, "hosts", "there are secrets of a host that the workspace does not have", didYouMean(name, w.HostNames()))
		}
	}
	// Grafana expands every setting, also one that it gets as a variable
	// (pkg/setting/expanders.go and ini's %(name)s), and offers no way to escape it.
	if grafanaExpands(s.GrafanaAdminPassword) && w.RunsMonitoring() {
		add(Error, "grafana_admin_password", "holds ${…}, $__env{…}, $__file{…} or %(…)s, which Grafana replaces by something else: its password would be another one",
			"choose one without these characters, or remove the key and let rcwizard make one")
	}
	for _, line := range s.oneLine() {
		if strings.ContainsAny(line.value, "\r\n\x00") {
			add(Error, line.key, "holds a line break", "write it on one line; a block that begins with | ends with a line break")
		}
	}
	return found
}

// grafanaExpands reports whether Grafana would read a variable, a file or another
// setting into a value. It asks for less than Grafana does, a name and a closing
// brace, so that no release of it can read more.
func grafanaExpands(value string) bool {
	return strings.Contains(value, "${") || strings.Contains(value, "$__") || strings.Contains(value, "%(")
}

// keyed is one secret with its key.
type keyed struct{ key, value string }

// oneLine are the secrets in which a line break is always a mistake of writing:
// a password that ends with one cannot be typed.
func (s Secrets) oneLine() []keyed {
	out := make([]keyed, 0, 5+3*len(s.Hosts))
	out = append(out, []keyed{
		{"grafana_admin_password", s.GrafanaAdminPassword},
		{"admin_password", s.AdminPassword},
		{"registration_token", s.RegistrationToken},
		{"mongo_url", s.MongoURL},
		{"storage_access_key", s.StorageAccessKey},
	}...)
	for _, name := range slices.Sorted(maps.Keys(s.Hosts)) {
		h := s.Hosts[name]
		out = append(out,
			keyed{"hosts." + name + ".ssh_password", h.SSHPassword},
			keyed{"hosts." + name + ".sudo_password", h.SudoPassword},
			keyed{"hosts." + name + ".key_passphrase", h.KeyPassphrase})
	}
	return out
}

// checkMongoURL says what is wrong with a connection string, or nothing. It
// does not use url.Parse, which refuses several hosts with ports and quotes
// what it refuses.
func checkMongoURL(text string) (problem, hint string) {
	const example = "mongodb://user:password@db1:27017,db2:27017/rocketchat?replicaSet=rs0"
	scheme, rest, _ := strings.Cut(text, "://")
	if scheme != "mongodb" && scheme != "mongodb+srv" {
		return "does not begin with mongodb:// or mongodb+srv://", "such as " + example
	}
	hosts := authority(rest)
	rest = rest[len(hosts):]
	if _, after, ok := cutLast(hosts, "@"); ok {
		if strings.Count(hosts, "@") > 1 {
			return "has more than one @ before the path", "percent-encode the password: @ is %40, / is %2F, : is %3A"
		}
		hosts = after
	}
	if hosts == "" {
		return "names no host", "such as " + example
	}
	path, query, _ := strings.Cut(rest, "?")
	if strings.Trim(path, "/") == "" {
		return "names no database", "write it after the hosts, such as " + example
	}
	if strings.Count(path, "/") > 1 || strings.ContainsAny(text, " #") {
		return "has a character where none belongs", "percent-encode the password: / is %2F, ? is %3F, # is %23, a space is %20"
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return "has options that cannot be read", "such as " + example
	}
	if scheme == "mongodb" && values.Get("replicaSet") == "" {
		return "names no replica set, without which Rocket.Chat does not start", "add replicaSet=NAME to the options, such as " + example
	}
	return "", ""
}
