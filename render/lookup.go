package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Database returns the project of the database host; a workspace with an
// external database, the transporter tcp and no monitoring has none.
func (t Tree) Database() (Project, bool) {
	return t.find(func(p Project) bool { return p.Role == RoleDatabase })
}

// Proxy returns the project of the reverse proxy.
func (t Tree) Proxy() (Project, bool) {
	return t.find(func(p Project) bool { return p.Role == RoleProxy })
}

// Instance returns the project of the instance of that name.
func (t Tree) Instance(name string) (Project, bool) {
	return t.find(func(p Project) bool { return p.Role == RoleInstance && p.Instance == name })
}

func (t Tree) find(is func(Project) bool) (Project, bool) {
	i := slices.IndexFunc(t.Projects, is)
	if i < 0 {
		return Project{}, false
	}
	return t.Projects[i], true
}

// On returns the projects of one host, in the order of the guide.
func (t Tree) On(host string) []Project {
	var out []Project
	for _, p := range t.Projects {
		if p.Host == host {
			out = append(out, p)
		}
	}
	return out
}

// Images returns what the host has to pull, each reference once.
func (t Tree) Images(host string) []string {
	var out []string
	for _, p := range t.On(host) {
		for _, image := range p.Images {
			if !slices.Contains(out, image) {
				out = append(out, image)
			}
		}
	}
	return out
}

// File returns the project's file of that path.
func (p Project) File(name string) (File, bool) {
	i := slices.IndexFunc(p.Files, func(f File) bool { return f.Path == name })
	if i < 0 {
		return File{}, false
	}
	return p.Files[i], true
}

// Digest is the SHA-256 over the paths, modes and contents of all files of the
// project, in hex: the same if and only if the files are. It covers secrets, so
// it belongs where only the owner reads it.
func (p Project) Digest() string {
	sum := sha256.New()
	for _, f := range p.Files {
		sum.Write(fmt.Appendf(nil, "%s %o %d\n", f.Path, f.Mode, len(f.Content)))
		sum.Write(f.Content)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// ComposeCommand is how the guide has the project started by hand, in Dir.
func (p Project) ComposeCommand() string {
	var out strings.Builder
	out.WriteString("docker compose")
	for _, f := range p.Compose {
		out.WriteString(" -f " + f)
	}
	return out.String() + " up -d"
}

// ComposeWith are the compose files that have to be named for one more to count:
// what Compose finds by itself it does not look for then.
func (p Project) ComposeWith(file string) []string {
	out := slices.Clone(p.Compose)
	if len(out) == 0 {
		out = append(out, composeFile)
		if _, beside := p.File(composeOverride); beside {
			out = append(out, composeOverride)
		}
	}
	return append(out, file)
}

// folder is the project's place in an export: the host, then the directory as
// it is on the host.
func (p Project) folder() string {
	switch p.Role {
	case RoleInstance:
		return path.Join(p.Host, "instances", p.Instance)
	default:
		return path.Join(p.Host, string(p.Role))
	}
}
