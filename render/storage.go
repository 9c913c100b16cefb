package render

import (
	"strconv"

	"github.com/rcwizard/rcwizard/workspace"
)

const fileUpload = "OVERWRITE_SETTING_FileUpload_"

// storage writes where uploaded files are kept: the guide's step 5, which
// leaves it to the administrator's browser. The variables must be the same for
// all instances: each writes them into the database at its start
// (docs/rocketchat.md §4). With GridFS, which is Rocket.Chat's default, nothing is
// written, so that the administrator can still choose in the browser.
func storage(e *dotenv, s workspace.Storage, secrets workspace.Secrets) {
	switch s.Type {
	case workspace.StorageS3, workspace.StorageMinIO:
		e.comment("File storage, the same for every instance.")
		e.set(fileUpload+"Storage_Type", "AmazonS3")
		e.set(fileUpload+"S3_Bucket", s.Bucket)
		e.some(fileUpload+"S3_Region", s.Region)
		// Without the bucket: with it, files end up below bucket/bucket.
		e.some(fileUpload+"S3_BucketURL", s.Endpoint)
		e.flag(fileUpload+"S3_ForcePathStyle", s.PathStyle)
		e.someSecret(fileUpload+"S3_AWSAccessKeyId", secrets.StorageAccessKey)
		e.someSecret(fileUpload+"S3_AWSSecretAccessKey", secrets.StorageSecretKey)
		proxied(e, "S3_Proxy_", s.Proxy)
	case workspace.StorageGCS:
		e.comment("File storage, the same for every instance.")
		e.set(fileUpload+"Storage_Type", "GoogleCloudStorage")
		e.set(fileUpload+"GoogleStorage_Bucket", s.Bucket)
		e.some(fileUpload+"GoogleStorage_ProjectId", s.ProjectID)
		e.someSecret(fileUpload+"GoogleStorage_AccessId", secrets.StorageAccessKey)
		e.someSecret(fileUpload+"GoogleStorage_Secret", secrets.StorageSecretKey)
		proxied(e, "GoogleStorage_Proxy_", s.Proxy)
	case workspace.StorageGridFS:
	}
}

// proxied says whether files go through Rocket.Chat or the browser is sent to
// the storage itself, which it may not reach.
func proxied(e *dotenv, prefix string, through *bool) {
	if through == nil {
		return
	}
	for _, kind := range []string{"Avatars", "Uploads", "UserDataFiles"} {
		e.set(fileUpload+prefix+kind, strconv.FormatBool(*through))
	}
}
