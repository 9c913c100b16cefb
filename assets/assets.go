package assets

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed all:files
var embedded embed.FS

// Template is the end of the names of those files that render fills in, with
// text/template. It is not part of the name on the host; every other file goes
// there as it is.
const Template = ".tmpl"

// File is one embedded file.
type File struct {
	// Path is relative to the project's directory on the host, without the
	// ending of a template.
	Path string
	// Content is the file, or its template.
	Content string
	// Template says that Content is one.
	Template bool
}

// The projects, which are the folders of the embedded files.
const (
	Database = "database"
	Instance = "instance"
	Proxy    = "proxy"
	// What goes beside Rocket.Chat's own files.
	OfficialDatabase = "official/database"
	OfficialInstance = "official/instance"
	OfficialProxy    = "official/proxy"
)

// Files returns the files of one project, sorted by path. It fails only for a
// project that there is not.
func Files(project string) ([]File, error) {
	root := path.Join("files", project)
	var out []File
	err := fs.WalkDir(embedded, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := embedded.ReadFile(name)
		if err != nil {
			return err //nolint:wrapcheck // wrapped below, with the project's name
		}
		plain, isTemplate := strings.CutSuffix(strings.TrimPrefix(name, root+"/"), Template)
		out = append(out, File{Path: plain, Content: string(content), Template: isTemplate})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the embedded files of %s: %w", project, err)
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}
