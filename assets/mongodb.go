package assets

import "strings"

// MongoDBTag returns the image tag of mongodb-community-server for a version:
// the exact tag that is known for a line ("8.0"), else the line's own moving
// tag, since a tag that was never seen might not exist; and for an exact
// version ("8.0.12") that version with upstream's ending.
//
// Sources: 8.0.21-ubi9 and 7.0.7-ubi8 are used in public compose files and
// charts; -ubi8 behind any version is how rocketchat-compose f693f76 makes its
// tag ("${MONGODB_VERSION:-8.2}-ubi8"). A bare major has no tag (8-ubi8
// does not exist, 8.0-ubi8 does), so it becomes its line .0.
//
// A moving tag is still pinned where it counts: the digest that was pulled is in
// the receipt.
func MongoDBTag(version string) string {
	switch version {
	case "8.0", "8", "8.0.21":
		return "8.0.21-ubi9"
	case "7.0", "7", "7.0.7":
		return "7.0.7-ubi8"
	}
	if !strings.Contains(version, ".") {
		version += ".0"
	}
	return version + "-ubi8"
}
