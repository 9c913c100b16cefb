package render

import "github.com/rcwizard/rcwizard/workspace"

// WithoutSecrets returns the inputs with a placeholder for every secret, named
// for its key in secrets.yaml: <grafana_admin_password>. Secrets that the
// workspace does without stay away. What is rendered from it can be shown to
// anyone, and needs only the placeholders filled in to be deployed.
func (in Inputs) WithoutSecrets() Inputs {
	w, old := in.Workspace, in.Secrets
	in.Secrets = workspace.Secrets{}
	placeholder := func(field *string, key string, needed bool) {
		if needed {
			*field = "<" + key + ">"
		}
	}
	s := &in.Secrets
	stored := w.Storage.Type != "" && w.Storage.Type != workspace.StorageGridFS
	placeholder(&s.GrafanaAdminPassword, "grafana_admin_password", w.RunsMonitoring())
	placeholder(&s.AdminPassword, "admin_password", w.Admin.Creates())
	placeholder(&s.RegistrationToken, "registration_token", old.RegistrationToken != "")
	placeholder(&s.License, "license", old.License != "")
	placeholder(&s.MongoURL, "mongo_url", w.Database.External)
	placeholder(&s.StorageAccessKey, "storage_access_key", stored)
	placeholder(&s.StorageSecretKey, "storage_secret_key", stored)
	if len(in.TLSKey) > 0 {
		in.TLSKey = []byte("<the content of tls.key_file>\n")
	}
	return in
}
