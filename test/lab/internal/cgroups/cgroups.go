// Package cgroups gives each lab host a place of its own in the machine's cgroup hierarchies, of version 1, 2 or both.
//
// With a cgroup namespace on top, a host sees its place as the root, so that its Docker engine keeps its
// containers' directories there and the lab can remove them, whatever way the host went down.
package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Root is where a system mounts the hierarchy of version 2, or a directory of those of version 1.
const Root = "/sys/fs/cgroup"

// Hierarchy is one mounted cgroup hierarchy of the machine.
type Hierarchy struct {
	// Mount is where it is mounted, below /sys/fs/cgroup or there itself.
	Mount string
	// Options are those to mount a version 1 hierarchy again with (its controllers, or its name).
	Options string
	V2      bool
}

// Mounted lists the hierarchies that this process sees, the outermost mount first.
func Mounted() ([]Hierarchy, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list cgroup hierarchies: %w", err)
	}
	defer func() { _ = f.Close() }()
	var out []Hierarchy
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 5 || len(right) < 3 || !strings.HasPrefix(left[4], Root) {
			continue
		}
		switch right[0] {
		case "cgroup2":
			out = append(out, Hierarchy{Mount: left[4], V2: true})
		case "cgroup":
			options := slices.DeleteFunc(strings.Split(right[2], ","), func(o string) bool {
				return o == "rw" || o == "ro" || strings.HasPrefix(o, "release_agent=")
			})
			if slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(o, "name=") }) {
				options = append([]string{"none"}, options...)
			}
			out = append(out, Hierarchy{Mount: left[4], Options: strings.Join(options, ",")})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list cgroup hierarchies: %w", err)
	}
	return out, nil
}

// Join makes the directory path in every hierarchy and moves this process there.
func Join(path string) error {
	hierarchies, err := Mounted()
	if err != nil {
		return err
	}
	for _, h := range hierarchies {
		dir := filepath.Join(h.Mount, path)
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // cgroup directories are listed by everybody
			return fmt.Errorf("make the cgroup %s: %w", path, err)
		}
		if err := inheritCPUs(h, path); err != nil {
			return err
		}
		if err := write(filepath.Join(dir, "cgroup.procs"), "0"); err != nil {
			return err
		}
	}
	return nil
}

// inheritCPUs fills the cpuset of a new version 1 directory, which takes no process while it is empty.
func inheritCPUs(h Hierarchy, path string) error {
	if h.V2 || !slices.Contains(strings.Split(h.Options, ","), "cpuset") {
		return nil
	}
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(h.Mount, name))
		if err != nil {
			return fmt.Errorf("read the machine's %s: %w", name, err)
		}
		dir := h.Mount
		for part := range strings.SplitSeq(path, "/") {
			dir = filepath.Join(dir, part)
			if err := write(filepath.Join(dir, name), strings.TrimSpace(string(value))); err != nil {
				return err
			}
		}
	}
	return nil
}

// Mount mounts the hierarchies afresh below root, as the cgroup namespace of this process shows them.
func Mount(root string, hierarchies []Hierarchy) error {
	base := filepath.Join(root, Root)
	unified := slices.ContainsFunc(hierarchies, func(h Hierarchy) bool { return h.V2 && h.Mount == Root })
	if !unified {
		if err := unix.Mount("tmpfs", base, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755"); err != nil {
			return fmt.Errorf("mount /sys/fs/cgroup: %w", err)
		}
	}
	for _, h := range hierarchies {
		target := filepath.Join(root, h.Mount)
		if err := os.MkdirAll(target, 0o755); err != nil { //nolint:gosec // cgroup directories are listed by everybody
			return fmt.Errorf("mount %s: %w", h.Mount, err)
		}
		kind := "cgroup"
		if h.V2 {
			kind = "cgroup2"
		}
		if err := unix.Mount("cgroup", target, kind, unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, h.Options); err != nil {
			return fmt.Errorf("mount %s: %w", h.Mount, err)
		}
	}
	return nil
}

// Delegate hands all controllers of a version 2 root, seen from inside a cgroup namespace, to the
// directories below it. Such a root may hold no process, so this one steps into a leaf first; with version 1
// there is nothing to do.
func Delegate() error {
	controllers, err := os.ReadFile(filepath.Join(Root, "cgroup.controllers"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delegate controllers: %w", err)
	}
	leaf := filepath.Join(Root, "init")
	if err := os.MkdirAll(leaf, 0o755); err != nil { //nolint:gosec // cgroup directories are listed by everybody
		return fmt.Errorf("delegate controllers: %w", err)
	}
	if err := write(filepath.Join(leaf, "cgroup.procs"), "0"); err != nil {
		return err
	}
	for c := range strings.FieldsSeq(string(controllers)) {
		if err := write(filepath.Join(Root, "cgroup.subtree_control"), "+"+c); err != nil {
			return err
		}
	}
	return nil
}

// Prefix begins the names of all directories that the lab has at the root of a hierarchy.
const Prefix = "rcwizard-lab-"

// Remove removes the directory name and all below it in every hierarchy; a name without Prefix is refused. The processes in it must be gone or going:
// the kernel may call a directory busy for a moment after its last process died, so it is tried until patience ends.
func Remove(name string, patience time.Duration) error {
	if !strings.HasPrefix(name, Prefix) || strings.Contains(name, "/") {
		return fmt.Errorf("remove the cgroup %q: it is not the lab's", name)
	}
	hierarchies, err := Mounted()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for {
		var left error
		for _, h := range hierarchies {
			left = errors.Join(left, removeTree(filepath.Join(h.Mount, name)))
		}
		if left == nil || time.Now().After(deadline) {
			return left
		}
		<-time.After(20 * time.Millisecond)
	}
}

// List names the lab's directories, of all hierarchies.
func List() ([]string, error) {
	hierarchies, err := Mounted()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, h := range hierarchies {
		dirs, err := filepath.Glob(filepath.Join(h.Mount, Prefix+"*"))
		if err != nil {
			return nil, fmt.Errorf("list the lab's cgroups: %w", err)
		}
		for _, d := range dirs {
			names = append(names, filepath.Base(d))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// removeTree removes cgroup directories from the leaves up; their files cannot and need not be removed.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove the cgroup: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove the cgroup %s: %w", dir, err)
	}
	return nil
}

// write stores a value in a control file, which must exist.
func write(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("set %s: %w", path, err)
	}
	_, err = f.WriteString(value)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("set %s to %q: %w", path, value, err)
	}
	return nil
}
