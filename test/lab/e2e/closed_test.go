package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// guard watches directories of hosts and of the operator, from before they are
// there, and tells of every file with secrets that others could read at any
// moment. It hears of each change from the kernel, so that hardly a moment is too
// short for it: a file that was put in its place with the right mode, and of
// which neither mode nor owner changed there, was never open. Of a directory that
// is made meanwhile it sees what is in it from when it hears of that.
type guard struct {
	fd int
	// tops are the directories that are watched with all below them.
	tops  []string
	dirs  map[int]string
	ended chan struct{}

	mu sync.Mutex
	// open are the findings; looks counts the files that were looked at.
	open     map[string]bool
	looks    int
	overflow bool
}

// secretFile tells the files on hosts that hold secrets by their names.
func secretFile(name string) bool {
	return strings.HasPrefix(name, ".env") || strings.HasPrefix(name, "compose.first-admin") || name == "key.pem" || strings.Contains(name, "secrets.yaml")
}

const guarded = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ATTRIB | unix.IN_ONLYDIR

// guardFiles watches all that is and will be in the directories, and fails the
// test at its end with what it saw.
func guardFiles(t *testing.T, dirs ...string) {
	t.Helper()
	g, stop := watchFiles(t, dirs...)
	t.Cleanup(func() {
		stop()
		g.report(t)
	})
}

// watchFiles begins to watch; what is heard when stop is called is all there is.
func watchFiles(t *testing.T, dirs ...string) (g *guard, stop func()) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	g = &guard{fd: fd, tops: dirs, dirs: make(map[int]string), open: make(map[string]bool), ended: make(chan struct{})}
	for _, dir := range dirs {
		g.add(dir)
	}
	// A pipe that is closed ends the wait for events.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(g.ended)
		g.listen(int(read.Fd()))
	}()
	return g, func() {
		_ = write.Close()
		<-g.ended
		_ = read.Close()
		_ = unix.Close(fd)
	}
}

func (g *guard) listen(stop int) {
	buf := make([]byte, 256<<10)
	for {
		fds := []unix.PollFd{{Fd: int32(g.fd), Events: unix.POLLIN}, {Fd: int32(stop), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		n, err := unix.Read(g.fd, buf)
		if err == nil {
			g.take(buf[:n])
			continue
		}
		if fds[1].Revents != 0 {
			return
		}
	}
}

// take reads the kernel's events.
func (g *guard) take(events []byte) {
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int(int32(binary.NativeEndian.Uint32(events)))
		mask := binary.NativeEndian.Uint32(events[4:])
		size := int(binary.NativeEndian.Uint32(events[12:]))
		name := string(bytes.TrimRight(events[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+size], "\x00"))
		events = events[unix.SizeofInotifyEvent+size:]
		if mask&unix.IN_Q_OVERFLOW != 0 {
			g.mu.Lock()
			g.overflow = true
			g.mu.Unlock()
			continue
		}
		g.mu.Lock()
		dir, known := g.dirs[wd]
		g.mu.Unlock()
		if !known || name == "" {
			continue
		}
		path := filepath.Join(dir, name)
		switch {
		case mask&unix.IN_ISDIR != 0 && mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0:
			g.add(path)
		case mask&unix.IN_ISDIR == 0 && secretFile(name):
			g.look(path, mask)
		}
	}
}

// add watches a directory with all below it. What came into it before is looked at.
func (g *guard) add(dir string) {
	wd, err := unix.InotifyAddWatch(g.fd, dir, guarded)
	if err != nil {
		return // it is gone meanwhile
	}
	g.mu.Lock()
	g.dirs[wd] = dir
	g.mu.Unlock()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		switch path := filepath.Join(dir, e.Name()); {
		case e.IsDir():
			g.add(path)
		case secretFile(e.Name()):
			g.look(path, unix.IN_MOVED_TO)
		}
	}
}

// look judges a file at one event.
func (g *guard) look(path string, event uint32) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return // and whoever looks now does not find it either
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.looks++
	if err != nil || g.shut(filepath.Dir(path)) {
		return
	}
	switch {
	case info.Mode().Perm()&0o077 != 0:
		g.open[fmt.Sprintf("%s has mode %s", path, info.Mode())] = true
	case event&unix.IN_ATTRIB != 0:
		g.open[path+": its mode or owner was changed where others could have read it before"] = true
	}
}

// shut tells whether a directory keeps others out, or one above it, up to the
// one that is watched.
func (g *guard) shut(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		if info, err := os.Lstat(dir); err == nil && info.Mode().Perm()&0o011 == 0 {
			return true
		}
		if slices.Contains(g.tops, dir) || dir == filepath.Dir(dir) {
			return false
		}
	}
}

func (g *guard) report(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	t.Logf("lab: looked %d times at files with secrets as they came", g.looks)
	if g.looks == 0 {
		t.Error("no file with secrets was seen, so the look proves nothing")
	}
	if g.overflow {
		t.Error("the kernel had more to tell than was read: some moments were not seen")
	}
	for finding := range g.open {
		t.Errorf("others may have read a secret: %s", finding)
	}
}

// The guard sees what it is there for, and nothing else.
func TestGuard(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(top, "late"), 0o755); err != nil {
		t.Fatal(err)
	}
	g, stop := watchFiles(t, top)
	write := func(dir, name string, mode fs.FileMode) string {
		t.Helper()
		path := filepath.Join(top, dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("secret"), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("right", ".env", 0o600)
	write("harmless", "compose.yml", 0o644)
	moved := write("moved", "new", 0o600)
	shutDir := filepath.Join(top, "shut")
	if err := os.Mkdir(shutDir, 0o700); err != nil {
		t.Fatal(err)
	}
	write("shut", ".env", 0o644)
	open := write("open", ".env", 0o644)
	late := write("late", ".env", 0o600)
	for _, err := range []error{
		os.Rename(moved, filepath.Join(filepath.Dir(moved), ".env")),
		os.Chmod(late, 0o640), os.Chmod(late, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	stop()
	found := make(map[string]bool)
	for finding := range g.open {
		path, _, _ := strings.Cut(finding, " ")
		found[strings.TrimSuffix(path, ":")] = true
	}
	if diff := cmp.Diff(map[string]bool{open: true, late: true}, found); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
