package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/rcwizard/rcwizard/assets"
)

// TestBuild makes everything in the lab's cache, twice, and reads the images
// back through the registry.
func TestBuild(t *testing.T) {
	if os.Getenv("RCWIZARD_LAB") != "required" {
		t.Skip("needs the lab's cache: set RCWIZARD_LAB=required")
	}
	dir := os.Getenv("RCWIZARD_LAB_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", ".lab")
	}
	dir = filepath.Join(dir, "cache")
	ctx := context.Background()
	var log strings.Builder
	first, err := Build(ctx, dir, &log)
	t.Log(log.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, binary := range []string{first.Registry, first.Pebble, first.ChallTestSrv, first.Compose} {
		if info, err := os.Stat(binary); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: %v", binary, err)
		}
	}
	log.Reset()
	began := time.Now()
	if _, err := Build(ctx, dir, &log); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("a second build took %s and did something:\n%s", took, log.String())
	}

	c := &cache{dir: first.RegistryStorage[:len(first.RegistryStorage)-len("/registry")], log: io.Discard}
	r, err := startRegistry(ctx, c, first.RegistryStorage)
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	images, err := table(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images {
		ref, err := name.NewTag(r.address+"/"+i.ref(), name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		img, err := remote.Image(ref)
		if err != nil {
			t.Errorf("%s: %v", i.ref(), err)
			continue
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(i.config, config.Config); d != "" {
			t.Errorf("%s (-want +got):\n%s", i.ref(), d)
		}
	}
}

// TestLayerIsTheSameEachTime holds that a layer depends on its entries alone.
func TestLayerIsTheSameEachTime(t *testing.T) {
	one := layer{file("/etc/b", "b"), link("/a", "b"), dir("/tmp").as(0o1777), script("/x/y/z", "#!/bin/sh\n").owned(1, 2)}
	two := layer{one[3], one[2], one[1], one[0]}
	l1, err1 := one.build()
	l2, err2 := two.build()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	d1, err1 := l1.Digest()
	d2, err2 := l2.Digest()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if d1 != d2 {
		t.Errorf("%s and %s", d1, d2)
	}

	content, err := l1.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	r := tar.NewReader(content)
	for h, err := r.Next(); err == nil; h, err = r.Next() {
		got = append(got, h.Name+" "+fs.FileMode(h.Mode&0o7777).String()+" "+h.Linkname)
	}
	want := []string{"a -rwxrwxrwx b", "etc/ -rwxr-xr-x ", "etc/b -rw-r--r-- ", "tmp/ " + fs.FileMode(0o1777).String() + " ", "x/ -rwxr-xr-x ", "x/y/ -rwxr-xr-x ", "x/y/z -rwxr-xr-x "}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestOnce(t *testing.T) {
	var log bytes.Buffer
	c := &cache{dir: t.TempDir(), log: &log}
	artifact := filepath.Join(c.dir, "artifact")
	runs := 0
	build := func() error { runs++; return os.WriteFile(artifact, nil, 0o600) }
	once := func(key string, build func() error) error { return c.once("artifact", key, exist(artifact), build) }
	for _, key := range []string{"1", "1", "2", "2"} {
		if err := once(key, build); err != nil {
			t.Fatal(err)
		}
	}
	if runs != 2 {
		t.Errorf("%d builds, want 2", runs)
	}
	if err := os.Remove(artifact); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := once("2", func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if err := once("2", build); err != nil || runs != 3 {
		t.Errorf("after a failure: %d builds, %v", runs, err)
	}
}

// TestEveryProductImageHasARecipe fails when rcwizard deploys something that the
// lab cannot make.
func TestEveryProductImageHasARecipe(t *testing.T) {
	known := recipes(&cache{dir: t.TempDir()}, nil)
	for _, i := range assets.Images() {
		r, ok := known[i.Name]
		if !ok {
			t.Errorf("%s has no recipe", i.Name)
		}
		if i.Tag == "" && len(r.tags) == 0 {
			t.Errorf("%s has no tag", i.Name)
		}
	}
}
