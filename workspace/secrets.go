package workspace

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
)

// Secrets is secrets.yaml: everything that must never be in workspace.yaml,
// argv, a log, an event, the journal, an error or a golden.
type Secrets struct {
	// GrafanaAdminPassword is set at Grafana's first start; Generate makes it.
	GrafanaAdminPassword string `yaml:"grafana_admin_password,omitempty"`
	// AdminPassword is that of the first administrator; Generate makes it.
	AdminPassword string `yaml:"admin_password,omitempty"`
	// RegistrationToken registers the workspace with Rocket.Chat's cloud
	// (REG_TOKEN); without one the workspace stays unregistered.
	RegistrationToken string `yaml:"registration_token,omitempty"`
	// License is an Enterprise licence, given to every instance at its start
	// (ROCKETCHAT_LICENSE). Without the module scalability, from here or from the
	// registration, instances pass no live events to each other.
	License string `yaml:"license,omitempty"`
	// MongoURL is the connection string of an external database, with a database
	// name, and a replica set or mongodb+srv.
	MongoURL string `yaml:"mongo_url,omitempty"`
	// StorageAccessKey is the access key of s3 and minio, the access ID of gcs.
	StorageAccessKey string `yaml:"storage_access_key,omitempty"`
	// StorageSecretKey is the secret key of s3 and minio, the PEM key of gcs.
	StorageSecretKey string `yaml:"storage_secret_key,omitempty"`
	// Hosts is what logging in needs, by the host's name, where it is to be kept.
	Hosts map[string]HostSecrets `yaml:"hosts,omitempty"`
}

// HostSecrets is what logging in to one host needs, when it is to be kept.
type HostSecrets struct {
	SSHPassword   string `yaml:"ssh_password,omitempty"`
	SudoPassword  string `yaml:"sudo_password,omitempty"`
	KeyPassphrase string `yaml:"key_passphrase,omitempty"`
}

// ParseSecrets reads a secrets.yaml, with the same strictness as Parse. Its
// problems name keys of the schema and lines, and never quote the file. An
// empty file holds no secrets and is no problem.
func ParseSecrets(file string, data []byte) (Secrets, Problems) {
	var s Secrets
	if blank(data) {
		return s, nil
	}
	d := decoder{file: file, secret: true}
	d.document(data, &s)
	return s, d.problems.sorted()
}

// blank reports whether the file has nothing but comments.
func blank(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

// Marshal returns the secrets as canonical YAML, from which ParseSecrets reads
// the same. It fails only on text that is not UTF-8.
func (s Secrets) Marshal() ([]byte, error) {
	return marshal("# Secrets of the workspace in workspace.yaml. Keep this file to yourself (mode 0600).\n", s)
}

// passwordLength and the letters of a made password give 142 bits. Letters and
// digits alone need no quoting anywhere they may have to pass.
const (
	passwordLength  = 24
	passwordLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// Generate returns the secrets with the passwords that the workspace needs and
// that rcwizard may make: of Grafana's administrator where there is monitoring,
// and of the first administrator where rcwizard creates it. made reports
// whether any was missing, so that the secrets must be saved.
func (s Secrets) Generate(w Workspace) (complete Secrets, made bool) {
	if w.RunsMonitoring() && s.GrafanaAdminPassword == "" {
		s.GrafanaAdminPassword, made = password(), true
	}
	if w.Admin.Creates() && s.AdminPassword == "" {
		s.AdminPassword, made = password(), true
	}
	return s, made
}

// password makes a random password that has a capital, a small letter and a
// digit, as the policies of both programs may ask.
func password() string {
	most := big.NewInt(int64(len(passwordLetters)))
	for {
		out := make([]byte, passwordLength)
		for i := range out {
			n, err := rand.Int(rand.Reader, most)
			if err != nil {
				panic(fmt.Sprintf("workspace: %v", err)) // rand.Reader never fails: it ends the program by itself
			}
			out[i] = passwordLetters[n.Int64()]
		}
		text := string(out)
		if strings.ContainsAny(text, passwordLetters[:26]) && strings.ContainsAny(text, passwordLetters[26:52]) && strings.ContainsAny(text, passwordLetters[52:]) {
			return text
		}
	}
}
