package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"sort"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// entry is one path in a layer: a directory when nothing else is set, a
// symbolic link when target is, a file otherwise.
type entry struct {
	path string
	mode int64
	uid  int
	gid  int
	// source is a file on this machine; content, a file's text.
	source  string
	content string
	// target is where a symbolic link points.
	target string
	// origin names the artifact that source belongs to, so that its key, not
	// its bytes, says whether the layer changed.
	origin string
}

// dir, file, script, copied and link are the kinds of entries, owned by root.
func dir(p string) entry                 { return entry{path: p, mode: 0o755} }
func file(p, content string) entry       { return entry{path: p, mode: 0o644, content: content} }
func script(p, content string) entry     { return entry{path: p, mode: 0o755, content: content} }
func link(p, target string) entry        { return entry{path: p, mode: 0o777, target: target} }
func copied(p, source, o string) entry   { return entry{path: p, mode: 0o755, source: source, origin: o} }
func (e entry) owned(uid, gid int) entry { e.uid, e.gid = uid, gid; return e }
func (e entry) as(mode int64) entry      { e.mode = mode; return e }

// layer is a set of entries that images share.
type layer []entry

// key is the hash of everything that the layer is made of.
func (l layer) key(c *cache) string {
	inputs := make([]string, 0, len(l))
	for _, e := range l {
		origin := ""
		if e.origin != "" {
			origin = c.key(e.origin)
		}
		inputs = append(inputs, fmt.Sprintf("%s %o %d %d %q %q %s %s", e.path, e.mode, e.uid, e.gid, e.content, e.target, e.source, origin))
	}
	return hash(inputs...)
}

// epoch is the modification time of every file: layers must not depend on when
// they were made.
func epoch() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// build packs the layer. Parents that are not listed become root's directories.
func (l layer) build() (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range l.withParents() {
		if err := e.write(w); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack a layer: %w", err)
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil }
	packed, err := tarball.LayerFromOpener(opener, tarball.WithCompressionLevel(gzip.BestSpeed), tarball.WithCompressedCaching)
	if err != nil {
		return nil, fmt.Errorf("compress a layer: %w", err)
	}
	return packed, nil
}

// withParents is the layer in the order of its paths, each directory before
// what is in it.
func (l layer) withParents() layer {
	all := map[string]entry{}
	for _, e := range l {
		for p := path.Dir(e.path); p != "." && p != "/"; p = path.Dir(p) {
			if _, listed := all[p]; !listed {
				all[p] = dir(p)
			}
		}
	}
	for _, e := range l {
		all[e.path] = e
	}
	sorted := make(layer, 0, len(all))
	for _, e := range all {
		sorted = append(sorted, e)
	}
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].path < sorted[j].path })
	return sorted
}

func (e entry) write(w *tar.Writer) error {
	h := &tar.Header{
		Name: strings.TrimPrefix(e.path, "/"), Mode: e.mode, Uid: e.uid, Gid: e.gid,
		ModTime: epoch(), Format: tar.FormatPAX,
	}
	body := []byte(e.content)
	switch {
	case e.target != "":
		h.Typeflag, h.Linkname = tar.TypeSymlink, e.target
	case e.source != "":
		var err error
		if body, err = os.ReadFile(e.source); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		h.Typeflag, h.Size = tar.TypeReg, int64(len(body))
	case e.content != "":
		h.Typeflag, h.Size = tar.TypeReg, int64(len(body))
	default:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	}
	if err := w.WriteHeader(h); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if h.Typeflag == tar.TypeReg {
		if _, err := w.Write(body); err != nil {
			return fmt.Errorf("content: %w", err)
		}
	}
	return nil
}
