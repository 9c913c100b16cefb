package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// renderTree renders the answers.
func (a *app) renderTree(ctx context.Context, ans answers) (render.Tree, error) {
	in, err := a.inputs(ctx, ans)
	if err != nil {
		return render.Tree{}, err
	}
	tree, err := render.Render(in)
	if err != nil {
		return render.Tree{}, fmt.Errorf("render the files: %w", err)
	}
	return tree, nil
}

// inputs are the answers with the certificates that they name, and with
// Rocket.Chat's own files, if they are to be used.
func (a *app) inputs(ctx context.Context, ans answers) (render.Inputs, error) {
	in, err := localInputs(ans)
	if err != nil {
		return render.Inputs{}, err
	}
	in.Official, err = a.official(ctx, ans)
	return in, err
}

// localInputs are the answers with the certificates that they name, read from the
// operator's machine.
func localInputs(ans answers) (render.Inputs, error) {
	in := render.Inputs{Workspace: ans.workspace, Secrets: ans.secrets}
	read := func(into *[]byte, what, name string) error {
		if name == "" {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return usage(fmt.Errorf("read %s: %w", what, err))
		}
		*into = data
		return nil
	}
	tls := ans.workspace.TLS
	if tls.Mode == workspace.TLSFiles {
		if err := read(&in.TLSCert, "tls.cert_file", tls.CertFile); err != nil {
			return render.Inputs{}, err
		}
		if err := read(&in.TLSKey, "tls.key_file", tls.KeyFile); err != nil {
			return render.Inputs{}, err
		}
	}
	if tls.Mode == workspace.TLSACME {
		if err := read(&in.CACert, "tls.ca_cert_file", tls.CACertFile); err != nil {
			return render.Inputs{}, err
		}
	}
	return in, nil
}

// keepRendered writes the files as they were deployed into the state folder,
// with a manifest of their sums. The folder is replaced as a whole: of an
// earlier deployment nothing stays.
func keepRendered(folder *state.Folder, tree render.Tree) error {
	if err := folder.ReplaceRendered(func(dir string) error {
		if _, err := render.ExportDir(tree, dir); err != nil {
			return fmt.Errorf("write the files: %w", err)
		}
		return nil
	}); err != nil {
		return err //nolint:wrapcheck // it says what it did
	}
	if err := folder.SaveManifest(manifest(tree)); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

// manifest names the files of the tree with their sums.
func manifest(tree render.Tree) state.Manifest {
	m := state.Manifest{Hosts: make(map[string][]state.ManifestFile)}
	for _, p := range tree.Projects {
		for _, f := range p.Files {
			sum := sha256.Sum256(f.Content)
			m.Hosts[p.Host] = append(m.Hosts[p.Host], state.ManifestFile{Path: path.Join(p.Dir, f.Path), SHA256: hex.EncodeToString(sum[:]), Mode: f.Mode})
		}
	}
	return m
}
