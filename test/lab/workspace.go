package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// Release is the release of Rocket.Chat that the lab's workspaces ask for. The registry has others beside it.
const Release = "8.9.1"

// Workspace describes a cluster on the fleet, to be changed by the test as it likes and stored with StoreWorkspace: the
// database on the host db, the proxy on edge, one instance on each host whose name begins with rc and that is named
// (all of them when none is), logged in as root with the fleet's key, host keys expected as they are, certificates
// from the fleet's authority. Hosts that have no part in the cluster are left out.
func (f *Fleet) Workspace(instances ...string) (workspace.Workspace, error) {
	w := workspace.Workspace{
		Version: 1,
		Domain:  f.Domain(),
		Email:   "ops@" + f.Domain(),
		Release: Release,
		TLS: workspace.TLS{
			Mode: workspace.TLSACME, CAServer: f.ACMEDirectory(), CACertFile: f.ACMERootsFile(),
		},
		Database: workspace.Database{Host: "db"},
		Proxy:    workspace.Proxy{Host: "edge"},
	}
	if len(instances) == 0 {
		for _, h := range f.Hosts() {
			if strings.HasPrefix(h.Name(), "rc") {
				instances = append(instances, h.Name())
			}
		}
	}
	part := map[string]bool{w.Database.Host: true, w.Proxy.Host: true}
	for _, name := range instances {
		part[name] = true
		w.Instances = append(w.Instances, workspace.Instance{Host: name})
	}
	for _, h := range f.Hosts() {
		if !part[h.Name()] {
			continue
		}
		host, err := h.Workspace(Root)
		if err != nil {
			return w, err
		}
		w.Hosts = append(w.Hosts, host)
	}
	return w, nil
}

// Workspace describes the host, logged in to as user with the fleet's key, and through the jump host where it is behind one.
func (h *Host) Workspace(user string) (workspace.Host, error) {
	key, err := h.HostKey()
	if err != nil {
		return workspace.Host{}, err
	}
	host := workspace.Host{
		Name: h.Name(), Address: h.Address().String(), PrivateIP: h.Address().String(),
		SSH: workspace.SSH{User: user, IdentityFile: h.fleet.KeyFile(), HostKey: key},
	}
	if h.spec.Behind != "" {
		jump, err := h.fleet.spec.Host(h.spec.Behind)
		if err != nil {
			return workspace.Host{}, err //nolint:wrapcheck // says which host is missing
		}
		host.SSH.ProxyJump = user + "@" + jump.Address.String()
		if jump.Address.Is6() {
			host.SSH.ProxyJump = user + "@[" + jump.Address.String() + "]"
		}
	}
	return host, nil
}

// StoreWorkspace writes workspace.yaml into a directory of that name in the fleet's, and returns its path.
func (f *Fleet) StoreWorkspace(directory string, w workspace.Workspace) (string, error) {
	b, err := w.Marshal()
	if err != nil {
		return "", fmt.Errorf("store a workspace: %w", err)
	}
	dir := filepath.Join(f.Dir(), directory)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("store a workspace: %w", err)
	}
	return filepath.Join(dir, "workspace.yaml"), store(dir, "workspace.yaml", b, 0o600)
}
