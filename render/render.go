// Package render turns a workspace and its secrets into files: for each host
// the compose projects that run there, whole, with the names that Rocket.Chat's
// guide gives them.
//
// It is pure. It opens no connection, reads no clock and no disk, and makes
// nothing up: the same inputs give the same bytes. Putting the files on hosts is
// the business of steps; Export writes them to a folder or an archive.
package render

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// Inputs is everything that files are made of.
type Inputs struct {
	// Workspace is complete (workspace.Workspace.Complete) and valid.
	Workspace workspace.Workspace
	// Secrets are complete too (workspace.Secrets.Generate).
	Secrets workspace.Secrets
	// TLSCert and TLSKey are the contents of tls.cert_file and tls.key_file,
	// for the mode files.
	TLSCert, TLSKey []byte
	// CACert is the content of tls.ca_cert_file, for the mode acme.
	CACert []byte
	// Official are Rocket.Chat's own files, for the kinds official and
	// official@COMMIT of compose files.
	Official Official
}

// Render makes all files of the workspace. It fails if the workspace is not
// complete, or a secret or a certificate that a file needs is missing.
func Render(in Inputs) (Tree, error) {
	if err := in.check(); err != nil {
		return Tree{}, fmt.Errorf("render workspace %s: %w", in.Workspace.Name, err)
	}
	tree := Tree{Workspace: in.Workspace}
	add := func(p Project, err error) error {
		if err != nil {
			return fmt.Errorf("render workspace %s: %w", in.Workspace.Name, err)
		}
		slices.SortFunc(p.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
		tree.Projects = append(tree.Projects, p)
		return nil
	}
	if in.Workspace.RunsDatabaseHost() {
		if err := add(database(in)); err != nil {
			return Tree{}, err
		}
	}
	for _, i := range in.Workspace.Instances {
		if err := add(instance(in, i)); err != nil {
			return Tree{}, err
		}
	}
	if err := add(proxy(in)); err != nil {
		return Tree{}, err
	}
	return tree, nil
}

// check finds what would make files that look right and are not. Everything
// else about the workspace is Validate's.
func (in Inputs) check() error {
	w := in.Workspace
	var errs []error
	missing := func(what string) { errs = append(errs, errors.New(what+" is missing")) }
	if w.RunsDatabaseHost() && w.DatabaseHost().PrivateIP == "" {
		missing("the private address of database.host")
	}
	for _, i := range w.Instances {
		if i.Name == "" || i.Address(w) == "" || i.Port == 0 || i.MetricsPort == 0 {
			missing(fmt.Sprintf("the name, a port or the host's private address of instance %q", i.Name))
		}
	}
	if _, ok := w.Host(w.Proxy.Host); !ok {
		missing("proxy.host")
	}
	if w.RunsMonitoring() && in.Secrets.GrafanaAdminPassword == "" {
		missing("the secret grafana_admin_password")
	}
	if w.Database.External && in.Secrets.MongoURL == "" {
		missing("the secret mongo_url of the external database")
	}
	if w.RunsMongoDB() && w.Database.MongoDBVersion == "" {
		missing("database.mongodb_version")
	}
	if w.TLS.Mode == workspace.TLSFiles && (len(in.TLSCert) == 0 || len(in.TLSKey) == 0) {
		missing("the content of tls.cert_file or tls.key_file")
	}
	if w.TLS.Mode == workspace.TLSACME && w.TLS.CACertFile != "" && len(in.CACert) == 0 {
		missing("the content of tls.ca_cert_file")
	}
	if w.Compose.Official() {
		errs = append(errs, in.Official.check())
	}
	return errors.Join(errs...)
}

// projectDir is the directory of a project on its host.
func projectDir(w workspace.Workspace, role Role, name string) string {
	switch role {
	case RoleDatabase:
		return path.Join(w.Directory, "database")
	case RoleInstance:
		return path.Join(w.Directory, "instances", name)
	case RoleProxy:
		return path.Join(w.Directory, "proxy")
	}
	return w.Directory
}

// projectName is the compose project's name. It begins with the workspace's, so
// that two workspaces can share a host, and an instance's cannot be the
// database's or the proxy's, whatever the instance is called. Volumes carry it:
// it must never change for the same workspace.
func projectName(w workspace.Workspace, role Role, name string) string {
	if role == RoleInstance {
		return w.Name + "-rocketchat-" + name
	}
	return w.Name + "-" + string(role)
}
