package render

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// Exported returns all files of the tree as an export holds them, sorted by
// path: below the host's name its projects, as they are below the workspace's
// directory on the host, and DEPLOY.md beside the hosts.
func (t Tree) Exported() []File {
	out := []File{{Path: DeployFile, Mode: 0o644, Content: t.deploy()}}
	for _, p := range t.Projects {
		for _, f := range p.Files {
			f.Path = path.Join(p.folder(), f.Path)
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// ExportDir writes the tree into a folder, which it makes. Each file is either
// as it was or whole. It deletes nothing: files of an earlier export that are no
// longer part of the tree stay, and it returns their paths in the folder, sorted.
func ExportDir(t Tree, dir string) (left []string, err error) {
	for _, f := range t.Exported() {
		name := filepath.Join(dir, filepath.FromSlash(f.Path))
		// Containers read below, as other users than root.
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // see above
			return nil, fmt.Errorf("export to %s: %w", dir, err)
		}
		if err := renameio.WriteFile(name, f.Content, f.Mode, renameio.IgnoreUmask()); err != nil {
			return nil, fmt.Errorf("export to %s: write %s: %w", dir, f.Path, err)
		}
	}
	if left, err = leftovers(os.DirFS(dir), t); err != nil {
		return nil, fmt.Errorf("export to %s: %w", dir, err)
	}
	return left, nil
}

// ExportArchive writes the tree as a tar.gz: the same tree gives the same
// bytes. Everything belongs to root and has no time.
func ExportArchive(t Tree, w io.Writer) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("export an archive: %w", err)
	}
	archive := tar.NewWriter(compressed)
	made := map[string]bool{".": true}
	for _, f := range t.Exported() {
		if err := addFolders(archive, path.Dir(f.Path), made); err != nil {
			return fmt.Errorf("export an archive: %w", err)
		}
		header := tar.Header{
			Typeflag: tar.TypeReg, Name: f.Path, Mode: int64(f.Mode.Perm()), Size: int64(len(f.Content)),
			ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
		}
		if err := archive.WriteHeader(&header); err != nil {
			return fmt.Errorf("export an archive: %s: %w", f.Path, err)
		}
		if _, err := archive.Write(f.Content); err != nil {
			return fmt.Errorf("export an archive: %s: %w", f.Path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("export an archive: %w", err)
	}
	if err := compressed.Close(); err != nil {
		return fmt.Errorf("export an archive: %w", err)
	}
	return nil
}

// addFolders writes the folders that lead to a file, each once, so that they
// have their mode whatever the umask of whoever unpacks them.
func addFolders(archive *tar.Writer, folder string, made map[string]bool) error {
	if made[folder] {
		return nil
	}
	if err := addFolders(archive, path.Dir(folder), made); err != nil {
		return err
	}
	made[folder] = true
	err := archive.WriteHeader(&tar.Header{
		Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
	})
	if err != nil {
		return fmt.Errorf("folder %s: %w", folder, err)
	}
	return nil
}
