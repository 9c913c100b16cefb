package workspace

// Secrets is secrets.yaml: everything that must never be in workspace.yaml,
// argv, a log, an event, the journal, an error or a golden.
type Secrets struct {
	GrafanaAdminPassword string                 `yaml:"grafana_admin_password,omitempty"` // made when absent
	AdminPassword        string                 `yaml:"admin_password,omitempty"`         // made when absent
	RegistrationToken    string                 `yaml:"registration_token,omitempty"`
	License              string                 `yaml:"license,omitempty"`
	MongoURL             string                 `yaml:"mongo_url,omitempty"` // database.external
	StorageAccessKey     string                 `yaml:"storage_access_key,omitempty"`
	StorageSecretKey     string                 `yaml:"storage_secret_key,omitempty"` // for gcs: the PEM key
	Hosts                map[string]HostSecrets `yaml:"hosts,omitempty"`
}

// HostSecrets is what logging in to one host needs, when it is to be kept.
type HostSecrets struct {
	SSHPassword   string `yaml:"ssh_password,omitempty"`
	SudoPassword  string `yaml:"sudo_password,omitempty"`
	KeyPassphrase string `yaml:"key_passphrase,omitempty"`
}
