package fleetd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab/internal/cgroups"
	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// LockDir holds one file for each fleet of the machine, of all users and checkouts: fleets share the kernel.
// A file that is locked belongs to a fleet that lives; the lock goes with the fleet's last process.
const LockDir = "/run/rcwizard-lab"

// maxFleets bounds the index, which is one byte of the IPv4 addresses.
const maxFleets = 250

// Claim is what a lock file says of its fleet.
type Claim struct {
	Name string `json:"name"`
	Dir  string `json:"dir"`
	// Cgroup is the name of the fleet's cgroup directories.
	Cgroup string `json:"cgroup"`
}

// Acquire takes the lowest free index for a fleet that will live in dir, and removes what a dead fleet left of that
// index and in that directory. The file is to be handed to the supervisor, whose copy keeps the lock.
func Acquire(name, dir string) (index int, cgroup string, lock *os.File, err error) {
	fail := func(err error) (int, string, *os.File, error) {
		return 0, "", nil, fmt.Errorf("claim a place for fleet %s: %w", name, err)
	}
	for index := 1; index <= maxFleets; index++ {
		// In the loop, since the end of the last fleet removes the directory.
		if err := os.MkdirAll(LockDir, 0o755); err != nil { //nolint:gosec // status may be asked by everybody
			return fail(err)
		}
		f, err := tryLock(lockPath(index), os.O_CREATE)
		if err != nil {
			return fail(err)
		}
		if f == nil {
			continue
		}
		c := Claim{Name: name, Dir: dir, Cgroup: fmt.Sprintf("%s%d-%s", cgroups.Prefix, index, name)}
		err = clean(f)
		if err == nil {
			err = reclaim(dir)
		}
		if err == nil {
			err = json.NewEncoder(f).Encode(c)
		}
		if err != nil {
			return fail(errors.Join(err, os.Remove(f.Name()), f.Close()))
		}
		return index, c.Cgroup, f, nil
	}
	return fail(fmt.Errorf("%d fleets are up", maxFleets))
}

// Sweep removes what fleets left whose supervisor was killed, and nothing of those that live. In fleets, a directory
// of fleets' directories, it finds those whose lock went when the machine was booted.
func Sweep(fleets string) error {
	locks, err := filepath.Glob(filepath.Join(LockDir, "*.lock"))
	if err != nil {
		return fmt.Errorf("look for dead fleets: %w", err)
	}
	var all error
	for _, path := range locks {
		f, err := tryLock(path, 0)
		if err != nil || f == nil {
			all = errors.Join(all, err)
			continue
		}
		all = errors.Join(all, clean(f), os.Remove(path), f.Close())
	}
	// The last fleet leaves no directory behind; with a fleet in it, it stays.
	_ = os.Remove(LockDir)
	// A fleet claims its directories before it makes them, so those are dead that are claimed by none of whom we find now.
	dirs, dirsErr := filepath.Glob(filepath.Join(fleets, "*"))
	groups, groupsErr := cgroups.List()
	if err := errors.Join(dirsErr, groupsErr); err != nil {
		return errors.Join(all, fmt.Errorf("look for dead fleets: %w", err))
	}
	alive, err := Alive()
	if err != nil {
		return errors.Join(all, err)
	}
	for _, dir := range dirs {
		if !slices.ContainsFunc(alive, func(c Claim) bool { return c.Dir == dir }) {
			all = errors.Join(all, os.RemoveAll(dir))
		}
	}
	for _, name := range groups {
		if !slices.ContainsFunc(alive, func(c Claim) bool { return c.Cgroup == name }) {
			all = errors.Join(all, cgroups.Remove(name, time.Second))
		}
	}
	return all
}

// Alive lists the fleets that live.
func Alive() ([]Claim, error) {
	locks, err := filepath.Glob(filepath.Join(LockDir, "*.lock"))
	if err != nil {
		return nil, fmt.Errorf("look for fleets: %w", err)
	}
	var out []Claim
	for _, path := range locks {
		f, err := tryLock(path, 0)
		if err != nil {
			return nil, fmt.Errorf("look for fleets: %w", err)
		}
		if f != nil { // dead: Sweep's concern
			if err := f.Close(); err != nil {
				return nil, fmt.Errorf("look for fleets: %w", err)
			}
			continue
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		var c Claim
		// Whoever has just taken the lock has not written its claim yet, and is no fleet so far.
		if json.Unmarshal(content, &c) == nil {
			out = append(out, c)
		}
	}
	return out, nil
}

// reclaim removes the directory of a dead fleet whose lock is gone too, as after the machine was booted. It refuses
// that of a fleet which lives, and a directory that is none of a fleet.
func reclaim(dir string) error {
	if entries, err := os.ReadDir(dir); errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	} else if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	if _, err := os.Stat(spec.Path(dir)); err != nil {
		return fmt.Errorf("%s is there and no directory of a fleet: remove it by hand if it is the lab's", dir)
	}
	alive, err := Alive()
	if err != nil {
		return err
	}
	for _, c := range alive {
		if c.Dir == dir {
			return fmt.Errorf("fleet %s lives in %s: take it down first", c.Name, dir)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the directory of a dead fleet: %w", err)
	}
	return nil
}

func lockPath(index int) string { return filepath.Join(LockDir, strconv.Itoa(index)+".lock") }

// tryLock opens and locks a file; it returns nil when another process holds it, or removed it meanwhile.
func tryLock(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flags, 0o644) //nolint:gosec // status may be asked by everybody
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is nothing to lock
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // names the path
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, nil //nolint:nilnil // it is held
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The holder may have removed the name between our open and our lock: then this is not the file of that name.
	ours, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	named, err := os.Stat(path)
	if err != nil || !os.SameFile(ours, named) {
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("let %s go: %w", path, err)
		}
		return nil, nil //nolint:nilnil // it was removed meanwhile
	}
	return f, nil
}

// clean removes what the dead fleet left that f, locked by us, tells of, and empties f.
func clean(f *os.File) error {
	var c Claim
	// A claim that was cut off is that of a fleet which never began.
	if err := json.NewDecoder(f).Decode(&c); err == nil && c.Cgroup != "" {
		if err := cgroups.Remove(c.Cgroup, 5*time.Second); err != nil {
			return fmt.Errorf("dead fleet %s: %w", c.Name, err)
		}
		// A directory of that path may be a newer fleet's by now: then its description names another lock.
		if now, err := spec.Read(c.Dir); err != nil || now.Lock == f.Name() {
			if err := os.RemoveAll(c.Dir); err != nil {
				return fmt.Errorf("remove the directory of dead fleet %s: %w", c.Name, err)
			}
		}
	}
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("reuse a lock: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return fmt.Errorf("reuse a lock: %w", err)
	}
	return nil
}
