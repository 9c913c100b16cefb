package steps

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/render"
)

func TestReceiptRoundTrip(t *testing.T) {
	t.Parallel()
	want := Receipt{
		Version: receiptVersion, RCWizard: "1.2.3", Workspace: "chat", Project: "chat-rc1", Role: render.RoleInstance,
		Instance: "rc1", Release: "8.9.1", Files: map[string]string{".env": "abc"}, Applied: "def",
		Services: map[string]Service{"init": {Image: "mongo:8.0", Digest: "sha256:1", ConfigHash: "x", OneShot: true}},
	}
	data, err := want.marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseReceipt(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestReceiptRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"version": 2}`: "version 2, this rcwizard knows version 1: use a newer rcwizard",
		`{}`:             "version 0",
		`{"version": `:   "read receipt.json",
		``:               "read receipt.json",
	} {
		if _, err := parseReceipt([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
}

// The digest says whether containers must be made anew: a file that its
// program reads again by itself does not count, and neither does the order.
func TestDigest(t *testing.T) {
	t.Parallel()
	env := render.File{Path: ".env", Content: []byte("A=1\n")}
	compose := render.File{Path: "compose.yml", Content: []byte("services: {}\n")}
	live := render.File{Path: "dynamic.yml", Content: []byte("http: {}\n"), Live: true}
	base := digest([]render.File{env, compose, live})

	changed := live
	changed.Content = []byte("tcp: {}\n")
	same := map[string][]render.File{
		"another order":       {live, compose, env},
		"a live file changed": {env, compose, changed},
		"a live file gone":    {env, compose},
	}
	for name, files := range same {
		if digest(files) != base {
			t.Errorf("%s changes the digest", name)
		}
	}
	content, moved := env, env
	content.Content = []byte("A=2\n")
	moved.Path = ".env2"
	differ := map[string][]render.File{
		"another content":  {content, compose},
		"another path":     {moved, compose},
		"one file less":    {compose},
		"contents swapped": {{Path: ".env", Content: compose.Content}, {Path: "compose.yml", Content: env.Content}},
		"no file":          nil,
	}
	for name, files := range differ {
		if digest(files) == base {
			t.Errorf("%s does not change the digest", name)
		}
	}
}
