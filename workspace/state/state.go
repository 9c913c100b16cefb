// Package state is the folder in which rcwizard keeps what it knows of one
// workspace between runs: the answers, the secrets, the journal, the
// transcripts, the files as they were rendered, the report, and a lock.
//
// It promises that a file is there whole or not at all, whenever the machine
// stops; that nobody but its owner can read the folder; and that two runs on
// one machine do not work on one workspace at once. It encrypts nothing, and
// it does not lock other machines out: two operators with a folder each are kept
// apart on the hosts, by remote/lock. The journal's form is the engine's; here is
// only its place.
//
// The folder, 0700:
//
//	workspace.yaml   the answers, without secrets
//	alteration.json  which instances are being added or removed, until it is done
//	secrets.yaml     0600
//	journal.jsonl    what was done
//	lock             held by the run that is at work
//	log/             a transcript per run
//	rendered/        the files as last rendered
//	manifest.json    their digests
//	firewall.json    which firewall lines were applied, to take them back
//	report.md        the report of the last installation
//	upstream/        Rocket.Chat's own files, by commit, where they were fetched
//
// A workspace of which not everything has been answered is a draft: see
// DraftFolder.
package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"github.com/rcwizard/rcwizard/workspace"
)

// The names inside the folder.
const (
	workspaceFile = "workspace.yaml"
	secretsFile   = "secrets.yaml"
	journalFile   = "journal.jsonl"
	lockFile      = "lock"
	logDir        = "log"
	renderedDir   = "rendered"
	manifestFile  = "manifest.json"
	reportFile    = "report.md"
	firewallFile  = "firewall.json"
	upstreamDir   = "upstream"

	alterationFile = "alteration.json"
)

const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

// Base is the folder that holds the state folders of all workspaces:
// $XDG_STATE_HOME/rcwizard, or .local/state/rcwizard in the home directory. A
// relative XDG_STATE_HOME is ignored, as the XDG specification asks.
func Base(env func(string) string, home string) (string, error) {
	if dir := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "rcwizard"), nil
	}
	if !filepath.IsAbs(home) {
		return "", errors.New("neither XDG_STATE_HOME nor a home directory is set; name the state folder with --dir")
	}
	return filepath.Join(home, ".local", "state", "rcwizard"), nil
}

// List returns the names of the workspaces that have a state folder in base,
// sorted; none if base does not exist. A folder counts if it has a
// workspace.yaml.
func List(base string) ([]string, error) {
	entries, err := os.ReadDir(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the workspaces: %w", err)
	}
	var names []string
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(base, e.Name(), workspaceFile)); err == nil && info.Mode().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Folder is one workspace's state folder. Its methods may be called from
// several goroutines; what keeps two runs apart is Lock.
type Folder struct {
	dir string
}

// Open returns the state folder at dir, which it creates, with its parents, for
// the owner alone. A folder that others can enter is refused, unless it is
// empty: then it is closed to them. So is one of another user, except to root.
func Open(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the state folder: %w", err)
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("creating the state folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the state folder: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() != 0 && int(owner.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("the state folder %s belongs to another user (uid %d); use your own with --dir", dir, owner.Uid)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := closeEmpty(dir, info.Mode()); err != nil {
			return nil, err
		}
	}
	return &Folder{dir: dir}, nil
}

// closeEmpty takes an empty folder away from others and refuses one that is not
// empty, because what was in it has been open to them.
func closeEmpty(dir string, mode fs.FileMode) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("opening the state folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("the state folder %s is open to other users (mode %04o), and it is where secrets are kept; close it with: chmod 700 %s", dir, mode.Perm(), dir)
	}
	if err := os.Chmod(dir, dirMode); err != nil {
		return fmt.Errorf("closing the state folder to other users: %w", err)
	}
	return nil
}

// Dir is the folder's absolute path.
func (f *Folder) Dir() string { return f.dir }

func (f *Folder) path(name string) string { return filepath.Join(f.dir, name) }

// WorkspacePath is where the answers are.
func (f *Folder) WorkspacePath() string { return f.path(workspaceFile) }

// AlterationPath is where it is kept what is being done to the instances.
func (f *Folder) AlterationPath() string { return f.path(alterationFile) }

// SecretsPath is where the secrets are.
func (f *Folder) SecretsPath() string { return f.path(secretsFile) }

// Journal is where the engine writes what it does.
func (f *Folder) Journal() string { return f.path(journalFile) }

// SetJournalAside gives a journal that cannot be read another name, which it
// returns, so that a new one can be begun.
func (f *Folder) SetJournalAside(now time.Time) (string, error) {
	name := journalFile + ".unreadable-" + now.UTC().Format("20060102T150405Z")
	if err := os.Rename(f.Journal(), f.path(name)); err != nil {
		return "", fmt.Errorf("setting the journal aside: %w", err)
	}
	return name, syncDir(f.dir)
}

// Report is where the report of the last installation is.
func (f *Folder) Report() string { return f.path(reportFile) }

// Rendered is the directory for the files as they were last rendered.
func (f *Folder) Rendered() string { return f.path(renderedDir) }

// Upstream is the directory for Rocket.Chat's own files, a folder per commit; it is
// there once something has been fetched.
func (f *Folder) Upstream() string { return f.path(upstreamDir) }

// TranscriptDir is the directory of the transcripts, one per run. It is there
// once the first has been created.
func (f *Folder) TranscriptDir() string { return f.path(logDir) }

// CreateTranscript creates the transcript of a run that begins now, for the
// owner alone, under a name that sorts by time. The caller closes it.
func (f *Folder) CreateTranscript(now time.Time) (*os.File, error) {
	if err := os.MkdirAll(f.TranscriptDir(), dirMode); err != nil {
		return nil, fmt.Errorf("creating the transcript: %w", err)
	}
	stamp := now.UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		name := stamp + ".log"
		if n > 1 {
			name = fmt.Sprintf("%s-%d.log", stamp, n)
		}
		file, err := os.OpenFile(filepath.Join(f.TranscriptDir(), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, fileMode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("creating the transcript: %w", err)
		}
		return file, nil
	}
}

// LoadWorkspace reads the answers, with defaults, and validates them: the error
// is a *workspace.InvalidError if they cannot be used, and wraps fs.ErrNotExist
// if there are none yet.
func (f *Folder) LoadWorkspace() (workspace.Workspace, error) {
	data, err := os.ReadFile(f.WorkspacePath())
	if err != nil {
		return workspace.Workspace{}, fmt.Errorf("reading the workspace: %w", err)
	}
	w, problems := workspace.Load(f.WorkspacePath(), data)
	return w, problems.Err() //nolint:wrapcheck // every problem names the file and the line
}

// SaveWorkspace writes the answers. Save them complete: see Workspace.Complete.
func (f *Folder) SaveWorkspace(w workspace.Workspace) error {
	data, err := w.Marshal()
	if err != nil {
		return fmt.Errorf("saving the workspace: %w", err)
	}
	return f.write(workspaceFile, data)
}

// LoadSecrets reads the secrets; no file is no secrets. A file that others can
// read is refused.
func (f *Folder) LoadSecrets() (workspace.Secrets, error) {
	s, err := ReadSecrets(f.SecretsPath())
	if errors.Is(err, fs.ErrNotExist) {
		return workspace.Secrets{}, nil
	}
	return s, err
}

// ReadSecrets reads a secrets.yaml anywhere, such as beside the file that -f
// names. It refuses a file that others can read, and wraps fs.ErrNotExist if
// there is none.
func ReadSecrets(path string) (workspace.Secrets, error) {
	file, err := os.Open(path)
	if err != nil {
		return workspace.Secrets{}, fmt.Errorf("reading the secrets: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return workspace.Secrets{}, fmt.Errorf("reading the secrets: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return workspace.Secrets{}, fmt.Errorf("%s is open to other users (mode %04o); close it with: chmod 600 %s", path, mode, path)
	}
	data, err := readAll(file)
	if err != nil {
		return workspace.Secrets{}, fmt.Errorf("reading the secrets: %w", err)
	}
	s, problems := workspace.ParseSecrets(path, data)
	return s, problems.Err() //nolint:wrapcheck // every problem names the file and the line
}

// SaveSecrets writes the secrets, for the owner alone.
func (f *Folder) SaveSecrets(s workspace.Secrets) error {
	data, err := s.Marshal()
	if err != nil {
		return fmt.Errorf("saving the secrets: %w", err)
	}
	return f.write(secretsFile, data)
}

// SaveReport writes the report of an installation.
func (f *Folder) SaveReport(markdown []byte) error { return f.write(reportFile, markdown) }

// LoadFirewalls reads the record of what was applied to the hosts' firewalls;
// nothing, if nothing was.
func (f *Folder) LoadFirewalls() ([]byte, error) {
	data, err := os.ReadFile(f.path(firewallFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the record of the firewalls: %w", err)
	}
	return data, nil
}

// SaveFirewalls writes it.
func (f *Folder) SaveFirewalls(data []byte) error { return f.write(firewallFile, data) }

// write replaces a file as a whole: a reader, and a machine that starts again
// after a crash, sees the old content or the new. Both the file and its
// directory entry are on the disk when it returns.
func (f *Folder) write(name string, data []byte) error {
	if err := renameio.WriteFile(f.path(name), data, fileMode, renameio.WithTempDir(f.dir), renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("writing %s: %w", f.path(name), err)
	}
	return syncDir(f.dir)
}
