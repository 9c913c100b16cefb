package render

import (
	"io/fs"

	"github.com/rcwizard/rcwizard/workspace"
)

// Role is what one compose project does.
type Role string

// The roles, in the order of the guide.
const (
	RoleDatabase Role = "database"
	RoleInstance Role = "instance"
	RoleProxy    Role = "proxy"
)

// File is one rendered file.
type File struct {
	// Path is relative to the project's directory, slash-separated.
	Path string
	Mode fs.FileMode
	// Content is the whole file.
	Content []byte
	// Secret says that Content holds a secret: it is masked wherever it is
	// shown and its mode is 0600.
	Secret bool
	// Live says that the running service takes changes of this file over by
	// itself; any other change needs compose up.
	Live bool
	// Upstream says that the file is Rocket.Chat's own, byte for byte.
	Upstream bool
}

// Project is one directory on one host: a compose project with its files.
type Project struct {
	// Host is the workspace's name of the host.
	Host string
	Role Role
	// Instance is the instance's name, for RoleInstance.
	Instance string
	// Name is the compose project's name, unique on the host, and in the
	// project's .env as COMPOSE_PROJECT_NAME.
	Name string
	// Dir is the absolute directory on the host.
	Dir string
	// Compose are the compose files as the guide names them on the command
	// line, in order; empty means compose.yml, and compose.override.yml where
	// there is one, which Compose finds by itself.
	Compose []string
	// Images are the references that the project pulls.
	Images []string
	// Files are sorted by path.
	Files []File
}

// Tree is everything that a workspace renders to: database first, then the
// instances in the order of the file, then the proxy.
type Tree struct {
	Workspace workspace.Workspace
	Projects  []Project
}
