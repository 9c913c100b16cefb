package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// answers is what the administrator wants, read from wherever it was said,
// and the folder that keeps it.
type answers struct {
	workspace workspace.Workspace
	secrets   workspace.Secrets
	folder    *state.Folder
	warnings  workspace.Problems
	// given are those of the secrets that were said for this run, and not read from
	// the folder: they win over what another run has kept there meanwhile.
	given workspace.Secrets
	// typed are the passwords that a person gave for this run; they are never
	// written down.
	typed workspace.Secrets
	// lastTime are the answers that the state folder kept, nil if it keeps none:
	// what is not as it was is shown, so that nobody goes on with other answers
	// without knowing.
	lastTime *workspace.Workspace
	// told says that what is not as it was was shown.
	told bool
	// upstream is the folder for Rocket.Chat's own files; empty: they are not kept.
	upstream string
	// bundled is how rcwizard's own compose files are taken instead of Rocket.Chat's;
	// empty: by --compose.
	bundled string
	// drawn says that the screen is a wizard's, on which nobody else may write.
	drawn bool
	// again is the command that goes on with what is being done; empty: resume.
	again string
}

// fields of workspace.yaml that a flag or RCWIZARD_* may say instead. The
// order of precedence is flag, environment, file, default.
func overrides(w *workspace.Workspace) map[string]*string {
	return map[string]*string{
		"domain":    &w.Domain,
		"email":     &w.Email,
		"release":   &w.Release,
		"directory": &w.Directory,
		"compose":   (*string)(&w.Compose),
	}
}

// fromFile reads FILE, with the layers above it, and the secrets beside it. A
// folder that knows this workspace already gives what FILE does not say:
// secrets that were made are never made again.
func (a *app) fromFile(file string) (answers, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return answers{}, usage(fmt.Errorf("read the workspace: %w", err))
	}
	var said []string
	w, problems := workspace.Load(file, data, func(w *workspace.Workspace) { said = applyOverrides(a.config, w) })
	if err := problems.Err(); err != nil {
		return answers{}, usage(withLayers(err, said))
	}
	if err := absolutePaths(&w, filepath.Dir(file), a.home); err != nil {
		return answers{}, usage(err)
	}
	folder, err := a.folder(w.Name)
	if err != nil {
		return answers{}, err
	}
	out := answers{workspace: w, folder: folder, warnings: problems.Warnings(), upstream: folder.Upstream()}
	kept, err := folder.LoadSecrets()
	if err != nil {
		return answers{}, fmt.Errorf("read the secrets: %w", err)
	}
	beside, err := state.ReadSecrets(filepath.Join(filepath.Dir(file), "secrets.yaml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return answers{}, usage(fmt.Errorf("read the secrets beside %s: %w", file, err))
	}
	out.secrets, out.given = kept.Override(beside), beside
	old, err := folder.LoadWorkspace()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return answers{}, fmt.Errorf("read the answers of last time: %w", err)
	default:
		out.lastTime = &old
	}
	return out, nil
}

// fromState reads the answers that a folder keeps. An empty name means the
// only workspace there is.
func (a *app) fromState(name string) (answers, error) {
	folder, err := a.knownFolder(name)
	if err != nil {
		return answers{}, err
	}
	w, err := folder.LoadWorkspace()
	if errors.Is(err, fs.ErrNotExist) {
		return answers{}, usage(fmt.Errorf("%s keeps no workspace, so nothing was begun from there; begin with: rcwizard install -f workspace.yaml --dir %s",
			folder.Dir(), word(folder.Dir())))
	}
	if err != nil {
		return answers{}, fmt.Errorf("read the answers in %s: %w", folder.Dir(), err)
	}
	w = w.Complete()
	old := w
	said := applyOverrides(a.config, &w)
	if len(said) > 0 {
		w = w.Complete()
	}
	if err := w.Validate().Err(); err != nil {
		return answers{}, usage(withLayers(err, said))
	}
	secrets, err := folder.LoadSecrets()
	if err != nil {
		return answers{}, fmt.Errorf("read the secrets in %s: %w", folder.Dir(), err)
	}
	return answers{
		workspace: w, secrets: secrets, folder: folder,
		warnings: w.Validate().Warnings(), lastTime: &old, upstream: folder.Upstream(),
	}, nil
}

// applyOverrides takes what flags and environment say, and returns the fields
// of which they say another thing than the file.
func applyOverrides(config *viper.Viper, w *workspace.Workspace) (said []string) {
	for key, field := range overrides(w) {
		if v := config.GetString(key); v != "" && v != *field {
			*field = v
			said = append(said, key)
		}
	}
	slices.Sort(said)
	return said
}

// withLayers says beside problems of the workspace what the file does not say,
// so that nobody looks there for it.
func withLayers(err error, said []string) error {
	for _, key := range said {
		err = fmt.Errorf("%w\n%s is as --%s or RCWIZARD_%s says, not as the file does", err, key, key, strings.ToUpper(key))
	}
	return err
}

// absolutePaths resolves the files of the operator's machine that the
// workspace names, so that they are found from any directory later.
func absolutePaths(w *workspace.Workspace, dir, home string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find the directory of the workspace: %w", err)
	}
	resolve := func(p *string) {
		switch {
		case *p == "" || filepath.IsAbs(*p):
		case strings.HasPrefix(*p, "~/"):
			*p = filepath.Join(home, (*p)[2:])
		default:
			*p = filepath.Join(dir, *p)
		}
	}
	for _, p := range []*string{&w.TLS.CACertFile, &w.TLS.CertFile, &w.TLS.KeyFile} {
		resolve(p)
	}
	for i := range w.Hosts {
		resolve(&w.Hosts[i].SSH.IdentityFile)
	}
	return nil
}

// changed are the fields that are not as they were kept.
func (a *answers) changed() []workspace.Difference {
	if a.lastTime == nil {
		return nil
	}
	return workspace.Differences(a.lastTime.Complete(), a.workspace)
}

// all are the secrets that are kept and those that were typed.
func (a *answers) all() workspace.Secrets { return a.secrets.Override(a.typed) }

// remember takes what was typed for a host, for this run.
func (a *answers) remember(host string, s workspace.HostSecrets) {
	a.typed = a.typed.Override(workspace.Secrets{Hosts: map[string]workspace.HostSecrets{host: s}})
}

// keep writes the answers down, of which resume and status begin from now on.
// It is for answers that somebody has agreed to.
func (a *answers) keep() error {
	if err := a.folder.SaveWorkspace(a.workspace); err != nil {
		return fmt.Errorf("keep the answers: %w", err)
	}
	return nil
}

// keepSecrets makes the secrets that are missing and writes them down, before
// anything uses them. Of the answers themselves, what was deployed with others
// stays known: a look at another release, or an installation that was declined,
// would have the next resume upgrade to it. A folder that knows nothing yet
// takes these, so that it can be resumed; they come last, since a folder with
// answers and without secrets would be resumed with other secrets, and without
// the licence.
func (a *answers) keepSecrets() error {
	_, err := a.folder.LoadWorkspace()
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return fmt.Errorf("read the answers of last time: %w", err)
	}
	if err := a.makeSecrets(); err != nil {
		return err
	}
	if fresh {
		return a.keep()
	}
	return nil
}

// refresh takes over the secrets that the folder keeps now: since these were read
// another run may have made passwords, which are in use, or been given a licence.
func (a *answers) refresh() error {
	kept, err := a.folder.LoadSecrets()
	if err != nil {
		return fmt.Errorf("read the secrets in %s: %w", a.folder.Dir(), err)
	}
	a.secrets = a.secrets.Override(kept).Override(a.given)
	return nil
}

// allKept takes over the secrets that the folder keeps, and reports whether
// keepSecrets would write nothing new.
func (a *answers) allKept() (bool, error) {
	_, err := a.folder.LoadWorkspace()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the answers of last time: %w", err)
	}
	if err := a.refresh(); err != nil {
		return false, err
	}
	kept, err := a.folder.LoadSecrets()
	if err != nil {
		return false, fmt.Errorf("read the secrets in %s: %w", a.folder.Dir(), err)
	}
	if _, made := a.secrets.Generate(a.workspace); made || !sameSecrets(a.secrets, kept) {
		return false, nil
	}
	if err := a.all().Validate(a.workspace).Err(); err != nil {
		return false, usage(err)
	}
	return true, nil
}

// sameSecrets reports whether two are the same once they are written down.
func sameSecrets(x, y workspace.Secrets) bool {
	a, err := x.Marshal()
	if err != nil {
		return false
	}
	b, err := y.Marshal()
	return err == nil && bytes.Equal(a, b)
}

// makeSecrets makes the secrets that are missing and writes them down. It is
// called with the lock.
func (a *answers) makeSecrets() error {
	if err := a.refresh(); err != nil {
		return err
	}
	a.secrets, _ = a.secrets.Generate(a.workspace)
	if err := a.all().Validate(a.workspace).Err(); err != nil {
		return usage(err)
	}
	if err := a.folder.SaveSecrets(a.secrets); err != nil {
		return fmt.Errorf("keep the secrets: %w", err)
	}
	return nil
}

// folder opens or makes the state folder of a workspace.
func (a *app) folder(name string) (*state.Folder, error) {
	dir := a.config.GetString("dir")
	if dir == "" {
		base, err := state.Base(a.sys.env, a.home)
		if err != nil {
			return nil, fmt.Errorf("find the state folder: %w", err)
		}
		dir = filepath.Join(base, name)
	}
	folder, err := state.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the state folder: %w", err)
	}
	return folder, nil
}

// knownFolder opens the state folder of a workspace that exists.
func (a *app) knownFolder(name string) (*state.Folder, error) {
	if a.config.GetString("dir") != "" {
		return a.folder(name)
	}
	base, err := state.Base(a.sys.env, a.home)
	if err != nil {
		return nil, fmt.Errorf("find the state folder: %w", err)
	}
	names, err := state.List(base)
	if err != nil {
		return nil, fmt.Errorf("list the workspaces: %w", err)
	}
	switch {
	case name == "" && len(names) == 0:
		return nil, usage(errors.New("no workspace is known on this machine; begin with: rcwizard install -f workspace.yaml"))
	case name == "" && len(names) > 1:
		return nil, usage(fmt.Errorf("several workspaces are known on this machine; name one of them: %s", strings.Join(names, ", ")))
	case name == "":
		name = names[0]
	}
	if slices.Contains(names, name) {
		return a.folder(name)
	}
	if len(names) == 0 {
		return nil, usage(fmt.Errorf("no workspace %q is known on this machine, nor any other; begin with: rcwizard install -f workspace.yaml", name))
	}
	return nil, usage(fmt.Errorf("no workspace %q is known on this machine; known are: %s", name, strings.Join(names, ", ")))
}
