package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Holder says who holds the lock. It is for people: whether the lock is held is
// decided by the kernel alone, so what an ended process left in the file is
// never believed.
type Holder struct {
	PID   int       `json:"pid"`
	User  string    `json:"user"`
	Since time.Time `json:"since"`
	// Doing is the command, such as "install".
	Doing string `json:"doing"`
}

// LockedError says that another process works on the workspace.
type LockedError struct {
	Dir string
	// Holder is the zero value if the other process has not written it yet.
	Holder Holder
}

// Error names the holder and what can be done.
func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("another rcwizard is working on the workspace in %s; wait for it to end", e.Dir)
	}
	return fmt.Sprintf("another rcwizard is working on the workspace in %s: %s by %s since %s (process %d); wait for it to end (--lock-wait 10m waits), or end it",
		e.Dir, e.Holder.Doing, e.Holder.User, e.Holder.Since.Format(time.RFC3339), e.Holder.PID)
}

// Lock is the hold of this process on a state folder. The kernel gives it up
// when the process ends, however it ends.
type Lock struct {
	file *os.File
}

// Lock takes the folder for this process, writes down who it is, and removes what
// a process that was killed left half written. If another process has it, the
// error is a *LockedError; it does not wait.
func (f *Folder) Lock(info Holder) (*Lock, error) {
	file, err := os.OpenFile(f.path(lockFile), os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, fmt.Errorf("locking the state folder: %w", err)
	}
	if err := flock(file, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close() //nolint:errcheck // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &LockedError{Dir: f.dir, Holder: readHolder(file)}
		}
		return nil, fmt.Errorf("locking the state folder %s: %w; its file system may not know locks: choose another with --dir", f.dir, err)
	}
	l := &Lock{file: file}
	if err := errors.Join(l.write(info), f.sweep()); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the state folder: %w", err), l.Close())
	}
	return l, nil
}

// sweep removes the files that a process left half written when it was killed.
// Who holds the lock is the only one that writes.
func (f *Folder) sweep() error {
	for _, name := range []string{workspaceFile, secretsFile, manifestFile, reportFile, firewallFile, alterationFile} {
		left, err := filepath.Glob(f.path("." + name + "[0-9]*")) // as renameio names them
		if err != nil {
			return fmt.Errorf("what was left of %s: %w", name, err)
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("remove what was left of %s: %w", name, err)
			}
		}
	}
	return f.settleRendered()
}

// Close gives the folder back. The file stays: removing it would let two
// processes hold two files of the same name.
func (l *Lock) Close() error {
	if err := errors.Join(l.file.Truncate(0), l.file.Close()); err != nil {
		return fmt.Errorf("unlocking the state folder: %w", err)
	}
	return nil
}

func (l *Lock) write(info Holder) error {
	data, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("the holder: %w", err)
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("the holder: %w", err)
	}
	if _, err := l.file.WriteAt(append(data, '\n'), 0); err != nil {
		return fmt.Errorf("the holder: %w", err)
	}
	return nil
}

// readHolder is the holder that the file names; the zero value if it names none
// that can be read.
func readHolder(r io.Reader) Holder {
	var h Holder
	if err := json.NewDecoder(io.LimitReader(r, 64<<10)).Decode(&h); err != nil {
		return Holder{}
	}
	return h
}

// flock calls flock(2), again if a signal came in between.
func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err //nolint:wrapcheck // the caller says what was being locked
		}
	}
}

// Holder says who holds the lock now, and whether anybody does. It is for
// showing: what it says may be over when it returns.
func (f *Folder) Holder() (Holder, bool) {
	file, err := os.Open(f.path(lockFile))
	if err != nil {
		return Holder{}, false
	}
	defer file.Close() //nolint:errcheck // only read
	// What was given back is empty: it is not even tried, so that nobody who
	// takes the lock in this moment is told that it is held.
	holder := readHolder(file)
	if holder.PID == 0 {
		return Holder{}, false
	}
	err = flock(file, syscall.LOCK_SH|syscall.LOCK_NB)
	return holder, errors.Is(err, syscall.EWOULDBLOCK)
}
