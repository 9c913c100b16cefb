package workspace

import "maps"

// Override returns the secrets with everything that by has in the place of
// their own: the layer of a file beside workspace.yaml over the one that was
// kept, or of what a person typed over both.
func (s Secrets) Override(by Secrets) Secrets {
	take := func(into *string, value string) {
		if value != "" {
			*into = value
		}
	}
	take(&s.GrafanaAdminPassword, by.GrafanaAdminPassword)
	take(&s.AdminPassword, by.AdminPassword)
	take(&s.RegistrationToken, by.RegistrationToken)
	take(&s.License, by.License)
	take(&s.MongoURL, by.MongoURL)
	take(&s.StorageAccessKey, by.StorageAccessKey)
	take(&s.StorageSecretKey, by.StorageSecretKey)
	hosts := maps.Clone(s.Hosts)
	for name, h := range by.Hosts {
		if hosts == nil {
			hosts = make(map[string]HostSecrets)
		}
		kept := hosts[name]
		take(&kept.SSHPassword, h.SSHPassword)
		take(&kept.SudoPassword, h.SudoPassword)
		take(&kept.KeyPassphrase, h.KeyPassphrase)
		hosts[name] = kept
	}
	s.Hosts = hosts
	return s
}
