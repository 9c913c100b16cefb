package render

import (
	"bytes"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

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

// mask stands for a secret wherever a file is shown.
const mask = "********"

// secretVariables are the names of all variables that can hold a secret.
// MONGO_URL is not among them: it holds one only if there is a password in it.
func secretVariables() []string {
	return []string{
		"GRAFANA_ADMIN_PASSWORD", "REG_TOKEN", "ROCKETCHAT_LICENSE", "ADMIN_PASS",
		fileUpload + "S3_AWSAccessKeyId", fileUpload + "S3_AWSSecretAccessKey",
		fileUpload + "GoogleStorage_AccessId", fileUpload + "GoogleStorage_Secret",
	}
}

// Masked returns the content of a rendered file as it may be shown: values of
// secret variables, private keys and connection strings with a password in them
// are replaced. It goes by the names, not by the values, so it also masks a
// file of an earlier export or one that was read from a host.
func Masked(name string, content []byte) []byte {
	base := name[strings.LastIndexByte(name, '/')+1:]
	switch {
	case base == "key.pem":
		return []byte(mask + "\n")
	case base != ".env" && base != FirstAdminFile:
		return content
	}
	secret := secretVariables()
	var out bytes.Buffer
	for line := range strings.Lines(string(content)) {
		text := strings.TrimRight(line, "\r\n")
		end := strings.IndexAny(text, "=:")
		if end >= 0 {
			variable, value := strings.TrimSpace(text[:end]), text[end+1:]
			variable = strings.TrimPrefix(variable, "export ")
			if slices.Contains(secret, variable) || (variable == "MONGO_URL" && strings.Contains(value, "@")) {
				space := value[:len(value)-len(strings.TrimLeft(value, " "))]
				line = text[:end+1] + space + `"` + mask + `"` + line[len(text):]
			}
		}
		out.WriteString(line)
	}
	return out.Bytes()
}
