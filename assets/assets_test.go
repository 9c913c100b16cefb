package assets

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestHoles shows that no hole of the facts is forgotten, and that every test
// that the table names is there.
func TestHoles(t *testing.T) {
	t.Parallel()
	want := make([]string, 0, 47)
	for i := range 25 {
		want = append(want, fmt.Sprintf("H%d", i+1))
	}
	for i := range 22 {
		want = append(want, fmt.Sprintf("T%d", i+1))
	}
	holes := Holes()
	if len(holes) != len(want) {
		t.Fatalf("%d holes, want %d", len(holes), len(want))
	}
	for i, h := range holes {
		if h.ID != want[i] || h.Says == "" || h.Happens == "" || h.Cure == "" {
			t.Errorf("hole %d, want %s, is %+v", i, want[i], h)
		}
		for _, test := range h.Tests {
			folder, name, _ := strings.Cut(test, ".")
			if !hasTest(t, folder, name) {
				t.Errorf("%s names %s, which is not there", h.ID, test)
			}
		}
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}

// TestFilesNameTheirHoles shows that each compose file says whose it is, and
// names no hole that the table does not have.
func TestFilesNameTheirHoles(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, h := range Holes() {
		known[h.ID] = true
	}
	id := regexp.MustCompile(`\b[HT]\d+\b`)
	for _, project := range []string{Database, Instance, Proxy, OfficialDatabase, OfficialInstance, OfficialProxy} {
		files, err := Files(project)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			for _, name := range id.FindAllString(f.Content, -1) {
				if !known[name] && !strings.HasSuffix(f.Path, ".json") {
					t.Errorf("%s names %s", f.Path, name)
				}
			}
			if strings.HasPrefix(project, "official/") {
				if !strings.Contains(f.Path, "/") && !strings.Contains(f.Content, "Rocket.Chat's own") {
					t.Errorf("%s does not say what it goes with", f.Path)
				}
				continue
			}
			if strings.HasPrefix(f.Path, "compose.") && (!strings.Contains(f.Content, "NOT Rocket.Chat's own file") || !id.MatchString(f.Content)) {
				t.Errorf("%s does not say that it is not Rocket.Chat's, or why", f.Path)
			}
		}
	}
	if _, err := Files("nothing"); err == nil {
		t.Error("no error for a project that there is not")
	}
}

func TestImagesAreExact(t *testing.T) {
	t.Parallel()
	exact := regexp.MustCompile(`^v?\d+\.\d+\.\d+(-[a-z0-9]+)?$`)
	decided := map[string]bool{"mongodb": true, "rocketchat": true} // by the workspace
	for _, image := range Images() {
		if decided[image.Name] != (image.Tag == "") || (image.Tag != "" && !exact.MatchString(image.Tag)) {
			t.Errorf("%s has the tag %q", image.Name, image.Tag)
		}
		if image.Source == "" || !strings.Contains(image.Repository, "/") {
			t.Errorf("%s: repository %q, source %q", image.Name, image.Repository, image.Source)
		}
		found, ok := ImageNamed(image.Name)
		if !ok || found != image {
			t.Errorf("%s is not found by its name", image.Name)
		}
	}
	if _, ok := ImageNamed("alpine"); ok {
		t.Error("an image that is not in the table is found")
	}
	if got := (Image{Repository: "a/b"}).WithTag("1").Reference(); got != "a/b:1" {
		t.Errorf("the reference is %s", got)
	}
}

func TestMongoDBTag(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"8.0": "8.0.21-ubi9", "8": "8.0.21-ubi9", "8.0.21": "8.0.21-ubi9", "8.0.12": "8.0.12-ubi8",
		"8.2": "8.2-ubi8", "7.0": "7.0.7-ubi8", "6": "6.0-ubi8", "7.0.14": "7.0.14-ubi8",
	} {
		if got := MongoDBTag(version); got != want {
			t.Errorf("MongoDBTag(%s) = %s, want %s", version, got, want)
		}
	}
}
