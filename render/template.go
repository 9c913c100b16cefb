package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"

	"github.com/rcwizard/rcwizard/assets"
)

// files renders the embedded files of a project. skip leaves out what this
// workspace does not need; extra are files that are not embedded, such as .env
// and certificates. All templates see the same data.
//
// A template may ask for the digest of the files below a path, to put it into
// a label: Compose sees a change in its own file but not in what is mounted,
// and without it "up -d" would go on with the old one. So templates that mount
// are rendered after those that are mounted; compose files come last.
func files(project string, data any, extra []File, skip func(path string) bool) ([]File, error) {
	return filesBeside(nil, project, data, extra, skip)
}

// filesBeside is files for templates that take pieces of other files, which are
// rendered already: see piece.
func filesBeside(others []File, project string, data any, extra []File, skip func(path string) bool) ([]File, error) {
	embedded, err := assets.Files(project)
	if err != nil {
		return nil, err //nolint:wrapcheck // says everything
	}
	out := append([]File(nil), extra...)
	var compose []assets.File
	for _, f := range embedded {
		switch {
		case skip(f.Path):
		case !strings.Contains(f.Path, "/"):
			compose = append(compose, f)
		default:
			if out, err = appendRendered(out, others, f, data); err != nil {
				return nil, err
			}
		}
	}
	for _, f := range compose {
		if out, err = appendRendered(out, others, f, data); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func appendRendered(done, others []File, f assets.File, data any) ([]File, error) {
	content := f.Content
	if f.Template {
		var err error
		if content, err = execute(f, data, done, others); err != nil {
			return nil, err
		}
	}
	return append(done, File{Path: f.Path, Mode: 0o644, Content: []byte(content), Live: live(f.Path)}), nil
}

// live reports whether the service takes a change of the file over by itself:
// Prometheus watches its folder, Grafana its dashboards, Traefik its routes.
func live(path string) bool {
	return strings.HasPrefix(path, "files/prometheus/") ||
		strings.HasPrefix(path, "files/grafana/dashboards/") ||
		strings.HasPrefix(path, dynamicDir)
}

func execute(f assets.File, data any, done, others []File) (string, error) {
	t, err := template.New(f.Path).Option("missingkey=error").Funcs(template.FuncMap{
		"image":  imageReference,
		"yaml":   quoteYAML,
		"digest": func(prefix string) (string, error) { return digestBelow(done, prefix) },
		"same": func(file, service string, keys ...string) (string, error) {
			return piece(others, file, service, keys)
		},
		"instead": func(file, service, key string) (string, error) {
			text, err := piece(others, file, service, []string{key})
			return strings.Replace(text, key+":\n", key+": !override\n", 1), err
		},
	}).Parse(f.Content)
	if err != nil {
		return "", fmt.Errorf("parse the template of %s: %w", f.Path, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return "", fmt.Errorf("render %s: %w", f.Path, err)
	}
	return out.String(), nil
}

func imageReference(name string) (string, error) {
	image, ok := assets.ImageNamed(name)
	if !ok || image.Tag == "" {
		return "", fmt.Errorf("no image with an exact tag is called %q", name)
	}
	return image.Reference(), nil
}

// digestBelow is a short digest of all files whose path begins with prefix.
func digestBelow(done []File, prefix string) (string, error) {
	sum, found := sha256.New(), false
	for _, f := range done {
		if strings.HasPrefix(f.Path, prefix) {
			found = true
			sum.Write(fmt.Appendf(nil, "%s %d\n", f.Path, len(f.Content)))
			sum.Write(f.Content)
		}
	}
	if !found {
		return "", fmt.Errorf("no file below %s is rendered yet", prefix)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// quoteYAML writes a text as a YAML scalar: a JSON string is one, if those
// characters are escaped too that YAML forbids and JSON does not.
func quoteYAML(text string) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return "", fmt.Errorf("quote for YAML: %w", err)
	}
	var quoted strings.Builder
	for _, r := range strings.TrimSuffix(out.String(), "\n") {
		if (r >= 0x7f && r < 0xa0) || (r >= 0xfffe && r <= 0xffff) {
			fmt.Fprintf(&quoted, `\u%04x`, r)
		} else {
			quoted.WriteRune(r)
		}
	}
	return quoted.String(), nil
}
