package question

import (
	"slices"

	"github.com/rcwizard/rcwizard/workspace"
)

// files are the questions about monitoring, and about where files are kept.
func files() []Question {
	mode := func(modes ...workspace.GrafanaMode) func(workspace.Workspace, place) bool {
		return func(w workspace.Workspace, _ place) bool { return slices.Contains(modes, w.Grafana.Mode) }
	}
	stored := func(types ...workspace.StorageType) func(workspace.Workspace, place) bool {
		return func(w workspace.Workspace, _ place) bool { return slices.Contains(types, w.Storage.Type) }
	}
	s3 := stored(workspace.StorageS3, workspace.StorageMinIO)
	bucket := stored(workspace.StorageS3, workspace.StorageMinIO, workspace.StorageGCS)
	return []Question{
		{
			Key: "grafana.mode", page: Files, Kind: Choice, Title: "Grafana",
			Help:    "Prometheus and Grafana run on the database's server and show how the workspace is.",
			options: grafanaModes,
		},
		{
			Key: "grafana.path", page: Files, Title: "Grafana's path",
			Help: "Below the workspace's own address.", when: mode(workspace.GrafanaPath),
		},
		{
			Key: "grafana.domain", page: Files, Title: "Grafana's domain",
			Help:    "A name of its own, such as grafana.chat.example.com, which must lead to the reverse proxy too.",
			lenient: withoutAuthority, when: mode(workspace.GrafanaSubdomain),
		},
		{
			Key: "grafana_admin_password", page: Files, Kind: Secret, Title: "Grafana's password",
			Help:  "Of its user admin; Grafana reads it at its first start only.",
			Blank: "made for you", when: mode(workspace.GrafanaPath, workspace.GrafanaSubdomain),
		},
		{
			Key: "storage.type", page: Files, Kind: Choice, Title: "Uploaded files",
			Help:    "Where they are kept; choose it now, because later changes do not move files.",
			options: storageTypes,
		},
		{
			Key: "storage.bucket", page: Files, Title: "Bucket",
			Help: "It must exist already.", when: bucket,
		},
		{
			Key: "storage.endpoint", page: Files, Title: "Endpoint",
			Help:  "The address of the server without the bucket, such as http://10.0.0.20:9000.",
			Blank: "Amazon's", when: s3,
		},
		{
			Key: "storage.region", page: Files, Title: "Region",
			Help: "Of the bucket, such as eu-central-1.", when: s3,
		},
		{
			Key: "storage.path_style", page: Files, Kind: Toggle, Title: "Bucket in the path",
			Help: "Instead of the host's name; MinIO wants it so.", when: s3,
		},
		{
			Key: "storage.project_id", page: Files, Title: "Project",
			Help:  "The id of the project; only newer releases use it.",
			Blank: "not said", when: stored(workspace.StorageGCS),
		},
		{
			Key: "storage.proxy", page: Files, Kind: Toggle, Title: "Files through Rocket.Chat",
			Help: "Instead of sending browsers to the storage itself, which they may not reach.", when: bucket,
		},
		{
			Key: "storage_access_key", page: Files, Kind: Secret, Title: "Access key",
			Help: "For Google Cloud the access ID: the service account's e-mail.", when: bucket,
		},
		{
			Key: "storage_secret_key", page: Files, Kind: Secret, Title: "Secret key",
			Help: "Of the access key.", when: s3,
		},
		{
			Key: "storage_secret_key", page: Files, Kind: Secret, Lines: true, Title: "Private key",
			Help: "private_key from the service account's JSON file, in PEM form with its line breaks.", when: stored(workspace.StorageGCS),
		},
	}
}

func grafanaModes(w workspace.Workspace) []Option {
	path, name := "/grafana", "grafana.chat.example.com"
	if w.Domain != "" {
		path, name = w.Domain+path, "grafana."+w.Domain
	}
	return []Option{
		{Value: string(workspace.GrafanaPath), Title: "under a path", Help: "Such as " + path + "; needs nothing else."},
		{Value: string(workspace.GrafanaSubdomain), Title: "under a domain of its own", Help: "Such as " + name + "; needs a DNS record."},
		{Value: string(workspace.GrafanaNone), Title: "none", Help: "No monitoring at all."},
	}
}

func storageTypes(workspace.Workspace) []Option {
	return []Option{
		{Value: string(workspace.StorageGridFS), Title: "in MongoDB", Help: "GridFS; needs nothing else, and suits small workspaces."},
		{Value: string(workspace.StorageS3), Title: "Amazon S3", Help: "Or another server that speaks S3."},
		{Value: string(workspace.StorageMinIO), Title: "MinIO", Help: "A server of your own."},
		{Value: string(workspace.StorageGCS), Title: "Google Cloud Storage", Help: "A bucket and a service account."},
	}
}
