package loaders

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rcwizard/rcwizard/assets"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/upstream"
	"github.com/rcwizard/rcwizard/workspace"
)

// officialFiles are Rocket.Chat's own files. With RCWIZARD_COMPARE_OFFICIAL they are
// the true ones, from GitHub or from the mirror that it names, at the commit and
// with the sums that the program knows; else they are test/official, which has
// their structure and was written for the tests.
func officialFiles(t *testing.T) render.Official {
	t.Helper()
	if base := os.Getenv("RCWIZARD_COMPARE_OFFICIAL"); base != "" {
		if !strings.Contains(base, "://") {
			base = upstream.URL
		}
		commit := upstream.Pinned()
		files, err := upstream.Source{Base: base}.Fetch(t.Context(), commit, render.OfficialFiles())
		if err != nil {
			t.Fatal(err)
		}
		return render.Official{Commit: commit.ID, Files: files}
	}
	out := render.Official{Commit: strings.Repeat("0", 40), Files: map[string][]byte{}}
	for _, name := range render.OfficialFiles() {
		content, err := os.ReadFile(filepath.Join("..", "official", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		out.Files[name] = content
	}
	return out
}

// official is a sample with Rocket.Chat's own files.
func official(t *testing.T, s sample) sample {
	t.Helper()
	s.inputs.Workspace.Compose = workspace.ComposeOfficial
	s.inputs.Official = officialFiles(t)
	return s
}

// difference is one place in which two configurations are not the same.
type difference struct{ service, field, key string }

func (d difference) String() string {
	return strings.TrimSuffix(strings.Join([]string{d.service, d.field, d.key}, "."), ".")
}

// TestOfficialEqualsBundled is the gate for both kinds of compose files: what
// docker compose makes of Rocket.Chat's own with our overrides is what it makes of
// ours, but for a written list of differences, of which each is there.
func TestOfficialEqualsBundled(t *testing.T) { //nolint:tparallel // the one subtest waits for all of its own
	t.Parallel()
	compose := program(t, "RCWIZARD_COMPOSE", "docker-compose")
	unseen := map[string]bool{}
	for _, d := range assets.Differences() {
		for _, service := range d.Services {
			unseen[row(d, service)] = true
		}
	}
	var mu sync.Mutex
	t.Run("samples", func(t *testing.T) { //nolint:paralleltest // what is behind it waits for all of them
		for _, s := range samples() {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				theirs := write(t, official(t, s).inputs)
				for i, ours := range write(t, s.inputs) {
					where := fmt.Sprintf("%s %s", ours.Role, ours.Instance)
					checkOfficial(t, theirs[i])
					a, b := composeModel(t, compose, ours), composeModel(t, compose, theirs[i])
					for _, d := range differences(a, b) {
						row, known := allowed(d)
						if !known {
							t.Errorf("%s: %s is not the same:\n  bundled  %v\n  official %v", where, d, at(a, d), at(b, d))
						}
						mu.Lock()
						delete(unseen, row)
						mu.Unlock()
					}
					if !slices.Equal(ours.Images, theirs[i].Images) {
						t.Errorf("%s: the images are %v and %v", where, ours.Images, theirs[i].Images)
					}
				}
			})
		}
	})
	for row := range unseen {
		t.Errorf("the difference %s is in the table, and nowhere else", row)
	}
}

// checkOfficial shows that Compose's own loader accepts a project, and of its
// services what must hold for all.
func checkOfficial(t *testing.T, p written) {
	t.Helper()
	named := map[string]bool{}
	for name, service := range load(t, p).Services {
		checkService(t, p, name, service)
		named[long(service.Image)] = true
	}
	if want, got := slices.Sorted(maps.Keys(named)), slices.Sorted(slices.Values(p.Images)); !slices.Equal(want, got) {
		t.Errorf("%s: the files name %v, the tree says %v", p.Role, want, got)
	}
}

// long is a reference with what Docker fills in.
func long(image string) string {
	rest, ours := strings.CutPrefix(image, "docker.io/")
	if ours && !strings.Contains(rest, "/") {
		return "docker.io/library/" + rest
	}
	return image
}

// row is a row of the table for one of its services.
func row(d assets.Difference, service string) string {
	return service + " " + d.Field + " " + strings.Join(d.Keys, " ")
}

// allowed finds the row of the table.
func allowed(d difference) (name string, known bool) {
	for _, one := range assets.Differences() {
		if slices.Contains(one.Services, d.service) && one.Field == d.field &&
			(len(one.Keys) == 0 && d.key == "" || slices.Contains(one.Keys, d.key)) {
			return row(one, d.service), true
		}
	}
	return "", false
}

// composeModel is all that docker compose config prints, with the project's folder
// as a dot.
func composeModel(t *testing.T, compose string, p written) map[string]any {
	t.Helper()
	return composeConfigInto[map[string]any](t, compose, p)
}

// differences are the places in which two models are not the same: whole fields of
// services, keys of those that are maps, and what is beside the services.
func differences(a, b map[string]any) []difference {
	var out []difference
	each(a, b, func(top string, x, y any) {
		if top != "services" {
			out = append(out, difference{field: top})
			return
		}
		each(asMap(x), asMap(y), func(service string, x, y any) {
			each(asMap(x), asMap(y), func(field string, x, y any) {
				if field != "environment" && field != "labels" {
					out = append(out, difference{service, field, ""})
					return
				}
				each(asMap(x), asMap(y), func(key string, _, _ any) { out = append(out, difference{service, field, key}) })
			})
		})
	})
	return out
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// each calls differs for every key of either map whose values are not the same.
func each(a, b map[string]any, differs func(key string, x, y any)) {
	keys := maps.Clone(a)
	if keys == nil {
		keys = map[string]any{}
	}
	maps.Copy(keys, b)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !reflect.DeepEqual(a[key], b[key]) {
			differs(key, a[key], b[key])
		}
	}
}

// at is the value at a difference.
func at(model map[string]any, d difference) any {
	v := any(model)
	for _, key := range []string{cmp.Or(map[bool]string{true: "services"}[d.service != ""], d.field), d.service, d.field, d.key} {
		if key == "" {
			break
		}
		v = asMap(v)[key]
		if d.service == "" {
			break
		}
	}
	return v
}
