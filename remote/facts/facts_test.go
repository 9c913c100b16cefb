package facts_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/internal/goldenfile"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestParse(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := facts.Parse(string(in))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		got, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		goldenfile.Compare(t, *update, strings.TrimSuffix(file, ".txt")+".golden", append(got, '\n'))
	}
}

func TestParseCut(t *testing.T) {
	t.Parallel()
	in, err := os.ReadFile("testdata/alpine-like.txt")
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(in) - len("end\n") {
		if _, err := facts.Parse(string(in[:n])); !errors.Is(err, facts.ErrCut) {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(in))
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := facts.Parse(in)
		if err != nil && !errors.Is(err, facts.ErrCut) {
			t.Fatal(err)
		}
		if got.MemoryTotal < 0 || got.MemoryAvailable < 0 || got.Disk.Size < 0 || got.Disk.Free < 0 || got.CPUs < 0 {
			t.Fatalf("negative: %+v", got)
		}
		for _, a := range got.Addresses {
			if !a.Prefix.IsValid() {
				t.Fatalf("address %+v", a)
			}
		}
	})
}

// TestGather asks this machine, directly and through a server.
func TestGather(t *testing.T) {
	t.Parallel()
	local := remote.Local("here", remote.LocalOptions{})
	t.Cleanup(func() { _ = local.Close() })
	for _, h := range []facts.Host{local, remotetest.NewServer(t, remotetest.Options{}).Connect(t)} {
		f, err := facts.Gather(t.Context(), h, "/opt/a b/not there")
		if err != nil {
			t.Fatal(err)
		}
		boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
		if f.BootID != strings.TrimSpace(string(boot)) || f.UID != os.Getuid() || f.CPUs < 1 || f.MemoryTotal < 1<<20 ||
			f.Disk.Size < 1<<20 || f.OS.ID == "" || !f.Tools["sha256sum"] {
			t.Errorf("%+v", f)
		}
		if f.Offset.Abs() > f.OffsetError+50*time.Millisecond || f.OffsetError <= 0 {
			t.Errorf("our own clock is off by %v ± %v", f.Offset, f.OffsetError)
		}
	}
}

func TestGatherFails(t *testing.T) {
	t.Parallel()
	h := &remotetest.Fake{Label: "box", OnRun: func(context.Context, remote.Command, string) (remote.Result, error) {
		return remote.Result{Code: 126, Stdout: "@= kernel 6\n", Stderr: "sh: cannot fork\n"}, nil
	}}
	_, err := facts.Gather(t.Context(), h, "/x")
	if !errors.Is(err, facts.ErrCut) || !strings.Contains(err.Error(), "host box") || !strings.Contains(err.Error(), "cannot fork") {
		t.Errorf("error %v", err)
	}
}
