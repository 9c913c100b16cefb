package steps

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseListing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want map[string]entry
	}{
		"nothing": {"", map[string]entry{}},
		"a file": {
			"stat 640 regular file|compose.yml\nsum abc  compose.yml\n",
			map[string]entry{"compose.yml": {kind: kindFile, mode: 0o640, sum: "abc"}},
		},
		"an empty file": {
			"stat 600 regular empty file|.env\nsum e3b0  .env\n",
			map[string]entry{".env": {kind: kindFile, mode: 0o600, sum: "e3b0"}},
		},
		"setuid is no part of the mode": {
			"stat 4755 regular file|a\nsum abc  a\n",
			map[string]entry{"a": {kind: kindFile, mode: 0o755, sum: "abc"}},
		},
		"directories": {
			"stat 755 directory|full\nstat 755 directory|bare\nempty bare\n",
			map[string]entry{"full": {kind: kindDirectory, mode: 0o755}, "bare": {kind: kindDirectory, mode: 0o755, empty: true}},
		},
		"a link": {
			"stat 777 symbolic link|a\nsum abc  a\n",
			map[string]entry{"a": {kind: kindOther, mode: 0o777, sum: "abc"}},
		},
		"a name with spaces and a bar": {
			"stat 644 regular file|a |b\nsum abc  a |b\n",
			map[string]entry{"a |b": {kind: kindFile, mode: 0o644, sum: "abc"}},
		},
		"a sum and a verdict of nobody": {"sum abc  ghost\nempty ghost\n", map[string]entry{}},
		"nonsense":                      {"stat\nstat 9 regular file|a\nstat 644 regular file\nhello\n", map[string]entry{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parseListing(test.text)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(entry{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func FuzzParseListing(f *testing.F) {
	f.Add("stat 640 regular file|compose.yml\nsum abc  compose.yml\nempty compose.yml\n")
	f.Fuzz(func(t *testing.T, text string) {
		for name, e := range parseListing(text) {
			if e.mode&^0o777 != 0 {
				t.Errorf("%q has the mode %o", name, e.mode)
			}
		}
	})
}
