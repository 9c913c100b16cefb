package remote_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// tree lists a directory: path, mode, content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			out[rel+"/"] = info.Mode().Perm().String()
		case d.Type()&fs.ModeSymlink != 0:
			out[rel] = "link"
		default:
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			out[rel] = info.Mode().Perm().String() + " " + string(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPut(t *testing.T) {
	t.Parallel()
	everyHost(t, func(t *testing.T, h remote.Host) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "new", "place")
		files := []remote.File{
			{Path: ".env", Mode: 0o600, Content: []byte("A=1\n")},
			{Path: "compose.yml", Mode: 0o644, Content: []byte("services: {}\n")},
			{Path: "files/deep/with space 'n quote $x.yml", Mode: 0o640, Content: []byte("\x00\xff")},
			{Path: "empty", Mode: 0o444},
			{Path: strings.Repeat("long/", 40) + strings.Repeat("n", 120), Mode: 0o644, Content: []byte("far")},
		}
		if err := h.Put(t.Context(), dir, files, remote.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		got := tree(t, dir)
		for _, f := range files {
			if want := f.Mode.String() + " " + string(f.Content); got[f.Path] != want {
				t.Errorf("%s: %q, want %q", f.Path, got[f.Path], want)
			}
		}
		if got["files/deep/"] != "-rwxr-xr-x" {
			t.Errorf("directory mode %s", got["files/deep/"])
		}
		for p := range got {
			if strings.Contains(p, ".rcwz") {
				t.Errorf("%s stayed behind", p)
			}
		}
		// Again, over it, with something to remove.
		write(t, filepath.Join(dir, "old"), "x")
		if err := os.MkdirAll(filepath.Join(dir, "prometheus.yml", "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		err := h.Put(t.Context(), dir, []remote.File{
			{Path: ".env", Mode: 0o600, Content: []byte("A=2\n")},
			{Path: "prometheus.yml", Mode: 0o644, Content: []byte("p")},
		}, remote.PutOptions{Remove: []string{"old", "never/was", "prometheus.yml", "long"}})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			".env": "-rw------- A=2\n", "compose.yml": "-rw-r--r-- services: {}\n", "empty": "-r--r--r-- ",
			"files/": "-rwxr-xr-x", "files/deep/": "-rwxr-xr-x",
			"files/deep/with space 'n quote $x.yml": "-rw-r----- \x00\xff", "prometheus.yml": "-rw-r--r-- p",
		}
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPutRefusesPaths(t *testing.T) {
	t.Parallel()
	h := remote.Local("here", remote.LocalOptions{})
	dir := t.TempDir()
	bad := []string{"", ".", "..", "../x", "/etc/x", "a/../../x", "a//b", "a\nb", "a\\b", "-rf", ".rcwz-1", " a"}
	for _, p := range bad {
		if err := h.Put(t.Context(), dir, []remote.File{{Path: p, Mode: 0o600}}, remote.PutOptions{}); err == nil {
			t.Errorf("put %q", p)
		}
		if err := h.Put(t.Context(), dir, nil, remote.PutOptions{Remove: []string{p}}); err == nil {
			t.Errorf("removed %q", p)
		}
	}
	for _, d := range []string{"", "/", "relative", "/x\ny", "//"} {
		if err := h.Put(t.Context(), d, nil, remote.PutOptions{}); err == nil {
			t.Errorf("put into %q", d)
		}
	}
	if err := h.Put(t.Context(), dir, []remote.File{{Path: "a", Mode: 0o600}, {Path: "a", Mode: 0o600}}, remote.PutOptions{}); err == nil {
		t.Error("put a path twice")
	}
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestPutObstacles(t *testing.T) {
	t.Parallel()
	h := remote.Local("here", remote.LocalOptions{})
	outside := t.TempDir()
	write(t, filepath.Join(outside, "precious"), "p")
	for name, prepare := range map[string]func(dir string) ([]remote.File, remote.PutOptions){
		"a directory where a file goes": func(dir string) ([]remote.File, remote.PutOptions) {
			_ = os.MkdirAll(filepath.Join(dir, "b", "c"), 0o755)
			return []remote.File{{Path: "a", Mode: 0o600}, {Path: "b", Mode: 0o600}}, remote.PutOptions{}
		},
		"a file where a directory goes": func(dir string) ([]remote.File, remote.PutOptions) {
			write(t, filepath.Join(dir, "b"), "x")
			return []remote.File{{Path: "a", Mode: 0o600}, {Path: "b/c", Mode: 0o600}}, remote.PutOptions{}
		},
		"a link that leads out": func(dir string) ([]remote.File, remote.PutOptions) {
			_ = os.Symlink(outside, filepath.Join(dir, "b"))
			return []remote.File{{Path: "a", Mode: 0o600}, {Path: "b/precious", Mode: 0o600}}, remote.PutOptions{}
		},
		"removing through a link": func(dir string) ([]remote.File, remote.PutOptions) {
			_ = os.Symlink(outside, filepath.Join(dir, "b"))
			return []remote.File{{Path: "a", Mode: 0o600}}, remote.PutOptions{Remove: []string{"b/precious"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files, opt := prepare(dir)
			before := tree(t, dir)
			err := h.Put(t.Context(), dir, files, opt)
			var put *remote.PutError
			if !errors.As(err, &put) || put.Kind != remote.PutObstacle {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Cleanup(func() {
		if b, err := os.ReadFile(filepath.Join(outside, "precious")); err != nil || string(b) != "p" {
			t.Error("the file outside was touched")
		}
	})
	// A link at the file's own place is replaced, not followed.
	dir := t.TempDir()
	_ = os.Symlink(filepath.Join(outside, "precious"), filepath.Join(dir, "a"))
	if err := h.Put(t.Context(), dir, []remote.File{{Path: "a", Mode: 0o600, Content: []byte("new")}}, remote.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir)["a"]; got != "-rw------- new" {
		t.Errorf("a is %q", got)
	}
}

// TestPutCut cuts the upload at many places: every file is as it was or whole,
// and what is left is cleaned up at the latest by the next Put.
func TestPutCut(t *testing.T) {
	t.Parallel()
	for cut := 1; cut <= 6; cut++ {
		t.Run(strconv.Itoa(cut), func(t *testing.T) {
			t.Parallel()
			s := remotetest.NewServer(t, remotetest.Options{})
			h := s.Connect(t)
			dir := t.TempDir()
			write(t, filepath.Join(dir, ".env"), "old")
			go func() {
				time.Sleep(time.Duration(cut*cut) * 4 * time.Millisecond)
				s.Cut()
			}()
			files := []remote.File{
				{Path: "a", Mode: 0o644, Content: make([]byte, 4<<20)},
				{Path: ".env", Mode: 0o600, Content: []byte("new")},
			}
			err := h.Put(t.Context(), dir, files, remote.PutOptions{})
			if err == nil {
				t.Log("the upload was faster than the cut")
			} else if !errors.Is(err, remote.ErrOutcomeUnknown) && !strings.Contains(err.Error(), "could not be sent") && !strings.Contains(err.Error(), "session") {
				t.Errorf("error %v", err)
			}
			eventually(t, 5*time.Second, "no temporary file stays", func() bool {
				left, _ := filepath.Glob(filepath.Join(dir, ".rcwz*"))
				return len(left) == 0
			})
			got := tree(t, dir)
			if env := got[".env"]; env != "-rw------- old" && env != "-rw------- new" {
				t.Errorf(".env is %q", env)
			}
			if got[".env"] == "-rw------- new" && len(got["a"]) < 4<<20 {
				t.Error(".env is new and a is not there")
			}
			if a, ok := got["a"]; ok && len(a) != 4<<20+11 {
				t.Errorf("a has %d bytes", len(a))
			}
		})
	}
}

func TestPutCleansUpAfterTheDead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	pid, born := strconv.Itoa(os.Getpid()), strings.Fields(string(stat))[21]
	alive := filepath.Join(dir, ".rcwz-"+pid+"-"+born)
	// The second was made by a process that had our pid before the host's boot.
	for _, d := range []string{filepath.Join(dir, ".rcwz-4194999-17"), filepath.Join(dir, ".rcwz-"+pid+"-17"), filepath.Join(dir, ".rcwz-4194999"), alive} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h := remote.Local("here", remote.LocalOptions{})
	if err := h.Put(t.Context(), dir, nil, remote.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	got := tree(t, dir)
	if len(got) != 1 || got[filepath.Base(alive)+"/"] == "" {
		t.Errorf("left %v", got)
	}
}

// TestPutSecretIsNeverReadable watches the modes while files are written.
func TestPutSecretIsNeverReadable(t *testing.T) {
	t.Parallel()
	h := remote.Local("here", remote.LocalOptions{})
	dir := t.TempDir()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 5 {
			_ = h.Put(t.Context(), dir, []remote.File{{Path: ".env", Mode: 0o600, Content: make([]byte, 8<<20)}}, remote.PutOptions{})
		}
	}()
	for {
		select {
		case <-done:
			return
		default:
		}
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || p == dir {
				return nil //nolint:nilerr // files come and go while they are looked at
			}
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %v", p, info.Mode())
			}
			return nil
		})
	}
}

func TestPutFaults(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	h := remote.Local("here", remote.LocalOptions{})
	expect := func(t *testing.T, err error, kind remote.PutKind) {
		t.Helper()
		var put *remote.PutError
		if !errors.As(err, &put) || put.Kind != kind {
			t.Errorf("error %v, want %s", err, kind)
		}
	}
	t.Run("disk full", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
			t.Skipf("no tmpfs: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
		write(t, filepath.Join(dir, "a"), "old")
		expect(t, h.Put(t.Context(), dir, []remote.File{{Path: "a", Mode: 0o600, Content: make([]byte, 1<<20)}}, remote.PutOptions{}), remote.PutDiskFull)
		if got := tree(t, dir); len(got) != 1 || got["a"] != "-rw------- old" {
			t.Errorf("left %v", got)
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		expect(t, h.Put(t.Context(), dir, []remote.File{{Path: "a", Mode: 0o600}}, remote.PutOptions{}), remote.PutReadOnly)
	})
	t.Run("owner", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "made")
		if err := h.Put(t.Context(), dir, []remote.File{{Path: "d/a", Mode: 0o600}}, remote.PutOptions{Owner: "65534:65534", Root: true}); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{dir, dir + "/d", dir + "/d/a"} {
			info, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			if st := info.Sys().(*syscall.Stat_t); st.Uid != 65534 || st.Gid != 65534 {
				t.Errorf("%s belongs to %d:%d", p, st.Uid, st.Gid)
			}
		}
		expect(t, h.Put(t.Context(), dir, []remote.File{{Path: "b", Mode: 0o600}}, remote.PutOptions{Owner: "rcwz-nobody-here"}), remote.PutNoOwner)
	})
	t.Run("no permission", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("setpriv"); err != nil {
			t.Skip("no setpriv")
		}
		dir := t.TempDir()
		s := remotetest.NewServer(t, remotetest.Options{Shell: []string{"setpriv", "--reuid", "65534", "--clear-groups", "sh", "-c"}})
		expect(t, s.Connect(t).Put(t.Context(), dir, []remote.File{{Path: "b", Mode: 0o600}}, remote.PutOptions{}), remote.PutPermission)
	})
}

func TestPutByBusybox(t *testing.T) {
	t.Parallel()
	h := remotetest.NewServer(t, remotetest.Options{Path: busybox(t)}).Connect(t)
	dir := t.TempDir()
	long := strings.Repeat("d/", 80) + "file"
	if err := h.Put(t.Context(), dir, []remote.File{{Path: long, Mode: 0o640, Content: []byte("x")}, {Path: ".env", Mode: 0o600}}, remote.PutOptions{Remove: []string{"gone"}}); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir)[long]; got != "-rw-r----- x" {
		t.Errorf("got %q", got)
	}
}
